"""A call: one request, as often as it takes, and what its answer says."""

from __future__ import annotations

import http
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, cast

from ..errors import BY_CODE, BY_STATUS, APIConnectionError, APIError, APITimeoutError, NotFoundError
from ..models import Meta, RateLimit
from .actions import BrokenError, Call, Head, Open, Read, Request, Sleep
from .retry import wait_before_retry
from .settings import RequestInfo, ResponseInfo, RetryInfo, Settings

T = TypeVar("T")
Decoder = Callable[[bytes, Meta], T]
"""Makes the result of an answer's body and headers. Raises a ValueError where the body is not what was asked for."""

MAX_ERROR_BODY = 1 << 20
_SUCCESS = range(200, 300)


def call(settings: Settings, request: Request, decoder: Decoder[T], *, retry: bool = True) -> Call[T]:
    """Send a request until it is answered, or until trying again is no use."""
    failures, lost = 0, False
    while True:
        try:
            return (yield from _try(settings, request, decoder, failures + 1))
        except (APIError, BrokenError) as failure:
            if lost and request.method == "DELETE" and isinstance(failure, NotFoundError):
                return decoder(b"", Meta(request_id=failure.request_id, rate_limit=failure.rate_limit))
            lost = lost or isinstance(failure, BrokenError)  # such a try may well have deleted it
            max_retries = settings.max_retries if retry else 0
            wait = wait_before_retry(failure, failures, max_retries, settings.random)
            error = for_caller(failure, settings)
            if wait is None:
                raise error from error.__cause__
            settings.hooks.retry(RetryInfo(operation=request.operation, wait=wait, error=error))
        failures += 1
        yield Sleep(wait)


def _try(settings: Settings, request: Request, decoder: Decoder[T], attempt: int) -> Call[T]:
    until = settings.clock() + request.timeout
    head = yield from open_(settings, request, attempt)
    body = yield from _read_all(settings, until)
    try:
        return decoder(body, meta_of(head.headers))
    except (ValueError, RecursionError) as e:
        raise not_ours(head, f"its answer is not the JSON expected: {e}") from e


def open_(settings: Settings, request: Request, attempt: int) -> Call[Head]:
    """Send a request once and return the head of an answer of success. Its errors are APIError and BrokenError."""
    url = settings.root + request.path
    headers = {"Accept": request.accept, "User-Agent": settings.user_agent, **request.headers}
    if settings.api_key:
        headers["Authorization"] = f"Bearer {settings.api_key}"
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    info = RequestInfo(operation=request.operation, method=request.method, url=url, attempt=attempt)
    settings.hooks.request(info)
    begun = settings.clock()
    head: Head | None = None
    error: BrokenError | None = None
    try:
        head = cast("Head", (yield Open(url, headers, request)))
    except BrokenError as e:
        error = e
    settings.hooks.response(
        ResponseInfo(
            request=info,
            status=head and head.status,
            request_id=head and head.headers.get("x-request-id"),
            duration=settings.clock() - begun,
            error=error and (error.__cause__ if isinstance(error.__cause__, Exception) else error),
        )
    )
    if head is None:
        raise error or BrokenError("no answer")
    if head.status not in _SUCCESS:
        raise (yield from _read_error(head, settings, begun + request.timeout))
    return head


def _read_all(settings: Settings, until: float, limit: float = math.inf) -> Call[bytes]:
    """Read a body, which silence alone would not keep from going on for ever."""
    body = bytearray()
    while len(body) < limit:
        piece = cast("bytes", (yield Read()))
        if not piece:
            break
        if settings.clock() > until:
            raise BrokenError("the gateway took too long to give a whole answer", retryable=False, timeout=True)
        body += piece
    return bytes(body)


def _read_error(head: Head, settings: Settings, until: float) -> Call[APIError]:
    try:
        body = yield from _read_all(settings, until, MAX_ERROR_BODY)
    except BrokenError as failure:
        if failure.timeout:
            raise
        body = b""  # the status alone is an answer
    error = parse_envelope(body, head)
    return error or not_ours(head, "")


def parse_envelope(body: bytes | str, head: Head | None) -> APIError | None:
    """Make an error of the gateway's envelope; None where `body` is none.

    Args:
        body: JSON.
        head: Of the answer that it is the body of; None for an event.
    """
    try:
        detail = json.loads(body)["error"]
        code = detail["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if not isinstance(code, str) or not code:
        return None
    status = head.status if head else None
    message, reason = detail.get("message"), detail.get("reason")
    error = BY_CODE.get(code, BY_STATUS.get(status or 0, APIError))(
        message if isinstance(message, str) and message else "The gateway gives no reason.",
        status=status,
        code=code,
        reason=reason if isinstance(reason, str) else None,
        retry_after=seconds(detail.get("retryAfter")),
    )
    if head:
        _add_headers(error, head.headers)
    return error


def not_ours(head: Head, problem: str) -> APIError:
    """Describe an answer that the gateway did not write."""
    kind = media_type(head.headers)
    phrase = http.HTTPStatus(head.status).phrase if head.status in {int(s) for s in http.HTTPStatus} else ""
    message = f"HTTP {head.status} {phrase}".rstrip() + ", but not from an OpenClaw gateway: "
    message += problem or f"it answered with {kind or 'nothing'}"
    if to := head.headers.get("location"):
        message += f"; it points to {to!r}, so check base_url"
    error = BY_STATUS.get(head.status, APIError)(message, status=head.status)
    _add_headers(error, head.headers)
    return error


def _add_headers(error: APIError, headers: Mapping[str, str]) -> None:
    meta = meta_of(headers)
    error.request_id, error.rate_limit = meta.request_id, meta.rate_limit
    if error.retry_after is None:
        error.retry_after = seconds(headers.get("retry-after"))


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type that the headers name, "" where they name none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def seconds(value: Any) -> float | None:
    """Read a time to wait for; None for what is no positive number of seconds."""
    if isinstance(value, str):
        value = float(value) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", value.strip(), re.ASCII) else _until(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 < value < math.inf else None


def _until(date: str) -> int | None:
    """Return the whole seconds until a date in the form of HTTP: the gateway sends none, a proxy before it may."""
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return math.ceil((at - datetime.now(timezone.utc)).total_seconds())


def meta_of(headers: Mapping[str, str]) -> Meta:
    """Read what the headers of an answer tell."""
    rate_limit = None
    numbers = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
    if all(re.fullmatch(r"\d{1,11}", number, re.ASCII) for number in numbers):
        limit, remaining, reset = map(int, numbers)
        rate_limit = RateLimit(limit=limit, remaining=remaining, reset=datetime.fromtimestamp(reset, timezone.utc))
    return Meta(
        request_id=headers.get("x-request-id") or None,
        replayed=headers.get("idempotent-replayed") == "true",
        rate_limit=rate_limit,
    )


def for_caller(failure: APIError | BrokenError, settings: Settings) -> APIError | APIConnectionError:
    """Return a failure as the caller is to see it, its cause included."""
    if isinstance(failure, APIError):
        return failure
    if failure.timeout:
        error = APITimeoutError(f"{failure}; timeout= sets how long it may take")
    else:
        error = APIConnectionError(f"{failure}; is a gateway running at {settings.root}?")
    error.__cause__ = failure.__cause__ or failure
    return error
