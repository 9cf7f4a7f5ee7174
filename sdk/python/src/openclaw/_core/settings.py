"""What a client is set up with, checked once."""

from __future__ import annotations

import logging
import os
import platform
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from .._version import __version__
from ..errors import InvalidArgumentError, OpenClawError

ENV_BASE_URL = "OPENCLAW_BASE_URL"
ENV_API_KEY = "OPENCLAW_API_KEY"
DEFAULT_BASE_URL = "http://localhost:3000"
DEFAULT_MAX_RETRIES = 2

API_ROOT = "/api/v1"

DEFAULT_TIMEOUT = 60.0
"""Seconds that suffice for everything but the model's work."""
CHAT_TIMEOUT = 16 * 60.0
"""A little more than the longest run that a gateway allows by default, 15 minutes."""
SILENCE_TIMEOUT = 60.0
"""Four of the comments that a gateway sends into a silent stream."""
CONNECT_TIMEOUT = 10.0

_MAX_PORT = 65535

logger = logging.getLogger("openclaw")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestInfo:
    """One try of a call, before it is sent.

    Attributes:
        operation: Its operationId in the contract, such as `"chatStream"`.
        method: HTTP method.
        url: Where it goes. What is said and the token are not in it.
        attempt: 1 for the first try of a call, then 2, ... A stream that is taken up again counts on.
    """

    operation: str
    method: str
    url: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseInfo:
    """What a try came to, when its headers are there or have failed to come.

    Attributes:
        request: The try.
        status: HTTP status; None where there was no answer.
        request_id: Finds the request in the gateway's log; None where the answer names none.
        duration: Seconds until the headers, or until the failure.
        error: Why there was no answer; None where there was one.
    """

    request: RequestInfo
    status: int | None
    request_id: str | None
    duration: float
    error: Exception | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryInfo:
    """A wait before another try.

    Attributes:
        operation: The operationId of the call.
        wait: Seconds.
        error: Why the last try failed: what the call would raise without the retry.
    """

    operation: str
    wait: float
    error: OpenClawError


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Functions to call along the way, for logs, metrics and traces. They must be quick. What they raise, calls raise.

    The same is logged at level DEBUG to the logger "openclaw". Neither ever sees the token or what is said.

    Attributes:
        on_request: Called before each try is sent.
        on_response: Called when a try is answered or has failed.
        on_retry: Called before each wait.
    """

    on_request: Callable[[RequestInfo], object] | None = None
    on_response: Callable[[ResponseInfo], object] | None = None
    on_retry: Callable[[RetryInfo], object] | None = None

    def request(self, info: RequestInfo) -> None:
        """Tell of a try that is about to be sent."""
        if self.on_request:
            self.on_request(info)

    def response(self, info: ResponseInfo) -> None:
        """Tell of what a try came to."""
        request = info.request
        outcome = info.status if info.error is None else repr(info.error)
        logger.debug(
            "%s %s %s: %s in %.3f s (attempt %d, request %s)",
            *(request.operation, request.method, request.url, outcome, info.duration, request.attempt, info.request_id),
        )
        if self.on_response:
            self.on_response(info)

    def retry(self, info: RetryInfo) -> None:
        """Tell of a wait."""
        logger.debug("%s: again in %.3f s, after: %s", info.operation, info.wait, info.error)
        if self.on_retry:
            self.on_retry(info)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A client's options, checked, with the defaults filled in."""

    root: str  # scheme, host and any path before /api/v1, without a slash at the end
    api_key: str = field(repr=False)
    channel: str | None
    max_retries: int
    timeout: float | None  # None: each kind of call has its own
    user_agent: str
    hooks: Hooks
    # Tests put their own here.
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random

    @staticmethod
    def build(
        *,
        base_url: str | None,
        api_key: str | None,
        channel: str | None,
        timeout: float | None,
        max_retries: int,
        user_agent: str | None,
        hooks: Hooks | None,
    ) -> Settings:
        """Check the options and fill in the defaults.

        Raises:
            InvalidArgumentError: Where one of them cannot be right.
        """
        below = f"Python {platform.python_version()}; {sys.platform}; httpx {httpx.__version__}"
        own = f"openclaw-python/{__version__} ({below})"
        settings = Settings(
            root=_parse_base_url(base_url or os.environ.get(ENV_BASE_URL) or DEFAULT_BASE_URL),
            api_key=os.environ.get(ENV_API_KEY, "") if api_key is None else api_key,
            channel=channel,
            max_retries=max_retries,
            timeout=timeout,
            user_agent=f"{user_agent} {own}" if user_agent else own,
            hooks=hooks or Hooks(),
        )
        settings._check()
        return settings

    def with_(self, **changes: Any) -> Settings:
        """Return a copy with the changes that are not None, checked."""
        changes = {name: value for name, value in changes.items() if value is not None}
        if not changes:
            return self
        settings = replace(self, **changes)
        settings._check()
        return settings

    def _check(self) -> None:
        """Refuse what could not be sent: httpx's own complaint would look like a failed connection."""
        if re.search(r"[^!-~]", self.api_key):
            raise InvalidArgumentError("api_key has a character that no token has: look for a space or a line's end")
        if self.channel is not None and not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", self.channel):
            raise InvalidArgumentError(
                f"channel {self.channel!r} is not a lower-case letter "
                "and up to 31 lower-case letters, digits and hyphens"
            )
        if re.search(r"[^ -~]", self.user_agent):
            raise InvalidArgumentError("user_agent is not of printable ASCII characters")
        if self.max_retries < 0:
            raise InvalidArgumentError(f"max_retries is {self.max_retries}: the least is 0")
        if self.timeout is not None and not self.timeout > 0:
            raise InvalidArgumentError(f"timeout is {self.timeout} s: give a positive number, or math.inf for no limit")


def _parse_base_url(text: str) -> str:
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as e:
        raise InvalidArgumentError(f"base_url {text!r}: {e}") from None
    if url.userinfo:
        raise InvalidArgumentError("base_url has a user in it: the gateway takes a token, given as api_key")
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > _MAX_PORT:
        raise InvalidArgumentError(f"base_url {text!r} is not of the form http://host:port or https://host")
    if url.query or url.fragment:
        raise InvalidArgumentError(f"base_url {text!r} has a query or a fragment: leave out what follows the path")
    path = url.raw_path.decode("ascii").rstrip("/").removesuffix(API_ROOT).rstrip("/")
    return f"{url.scheme}://{url.netloc.decode('ascii')}{path}"
