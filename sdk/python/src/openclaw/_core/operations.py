"""The operations of the contract as flows: what is sent for each, and what is made of the answer.

Both clients take them from here, so that neither can know of one that the other does not.
"""

from __future__ import annotations

import functools
import json
import re
import uuid
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar, cast
from urllib.parse import quote, urlencode

from ..errors import APIError, InvalidArgumentError
from ..models import ChatResponse, HistoryPage, Message, Meta, Session, SessionPage, Status
from .actions import Call, Flow, Request
from .call import call
from .decode import Model, decode
from .settings import API_ROOT, CHAT_TIMEOUT, DEFAULT_TIMEOUT, SILENCE_TIMEOUT, Settings
from .stream import EVENT_STREAM, Following

ModelT = TypeVar("ModelT", bound=Model)

OnDisconnect: TypeAlias = Literal["continue", "cancel"]
"""What becomes of an answer in the making whose reader leaves: written to its end, or stopped."""

HISTORY_PAGE_SIZE = 200
"""Messages that the iterating method asks for at a time."""


def chat(
    settings: Settings,
    message: str,
    session_key: str | None,
    on_disconnect: OnDisconnect | None,
    idempotency_key: str | None,
) -> Call[ChatResponse]:
    request = _chat_request(settings, "chat", "/chat", message, session_key, on_disconnect, idempotency_key)
    return call(settings, request, _reader(ChatResponse))


def chat_stream(
    settings: Settings,
    message: str,
    session_key: str | None,
    on_disconnect: OnDisconnect | None,
    idempotency_key: str | None,
) -> Following:
    opening = _chat_request(
        settings, "chatStream", "/chat/stream", message, session_key, on_disconnect, idempotency_key, EVENT_STREAM
    )
    return Following(settings, opening, functools.partial(_rest_of, settings, "chatStream"))


def stream_message(settings: Settings, message_id: str, after: int) -> Following:
    if after < 0:
        raise InvalidArgumentError(f"after is {after}: give the number of an event, or 0 for all")
    rest_of = functools.partial(_rest_of, settings, "streamMessage")
    return Following(settings, rest_of(message_id, after), rest_of, message_id, after)


def get_message(settings: Settings, message_id: str) -> Call[Message]:
    path = _path("/messages/", message_id, "message id")
    return call(settings, _request(settings, "getMessage", path), _reader(Message))


def cancel_message(settings: Settings, message_id: str) -> Call[Message]:
    path = _path("/messages/", message_id, "message id") + "/cancel"
    headers = {"Idempotency-Key": _new_key()}
    return call(settings, _request(settings, "cancelMessage", path, "POST", headers=headers), _reader(Message))


def list_sessions_page(
    settings: Settings, channel: str | None, limit: int | None, cursor: str | None
) -> Call[SessionPage]:
    path = f"{API_ROOT}/sessions" + _query(limit=limit, channel=channel, cursor=cursor)
    return call(settings, _request(settings, "listSessions", path), _reader(SessionPage))


def list_sessions(settings: Settings, channel: str | None, page_size: int | None) -> Flow[Session]:
    cursor = None
    while True:
        page = yield from list_sessions_page(settings, channel, page_size, cursor)
        yield from page.sessions
        if page.next_cursor is None:
            return
        if page.next_cursor == cursor:
            raise APIError("The gateway's next page of sessions is the same again.", status=200)
        cursor = page.next_cursor


def get_session(settings: Settings, key: str) -> Call[Session]:
    path = _path("/sessions/", key, "session key")
    return call(settings, _request(settings, "getSession", path), _reader(Session))


def history_page(settings: Settings, key: str, limit: int | None, before: str | None) -> Call[HistoryPage]:
    path = _path("/sessions/", key, "session key") + "/history" + _query(limit=limit, before=before)
    return call(settings, _request(settings, "getHistory", path), _reader(HistoryPage))


def history(settings: Settings, key: str, page_size: int | None, before: str | None) -> Flow[Message]:
    _path("/sessions/", key, "session key")  # refused now, not when the loop begins
    return _history(settings, key, HISTORY_PAGE_SIZE if page_size is None else page_size, before)


def _history(settings: Settings, key: str, page_size: int, before: str | None) -> Flow[Message]:
    """Gather the pages, which begin at the newest, before the first message is yielded."""
    pages: list[tuple[Message, ...]] = []
    while True:
        messages = (yield from history_page(settings, key, page_size, before)).messages
        pages.append(messages)
        # A page that is not full is the last. Without an id (a gateway of the first days) there is no going on.
        if not messages or len(messages) < page_size or messages[0].id in ("", before):
            break
        before = messages[0].id
    for messages in reversed(pages):
        yield from messages


def delete_session(settings: Settings, key: str) -> Call[None]:
    path = _path("/sessions/", key, "session key")
    return call(settings, _request(settings, "deleteSession", path, "DELETE"), lambda _body, _meta: None)


def get_status(settings: Settings) -> Call[Status]:
    return call(settings, _request(settings, "getStatus", f"{API_ROOT}/status"), _reader(Status))


def get_openapi(settings: Settings) -> Call[dict[str, Any]]:
    return call(settings, _request(settings, "getOpenapi", f"{API_ROOT}/openapi.json"), _read_document)


def probe(settings: Settings, operation: Literal["healthz", "readyz"]) -> Call[None]:
    """A probe is never tried again: its failure is its answer."""
    return call(settings, _request(settings, operation, f"/{operation}"), _read_word, retry=False)


def _chat_request(
    settings: Settings,
    operation: str,
    path: str,
    message: str,
    session_key: str | None,
    on_disconnect: OnDisconnect | None,
    idempotency_key: str | None,
    accept: str = "application/json",
) -> Request:
    key = _new_key() if idempotency_key is None else idempotency_key
    if not re.fullmatch(r"[ -~]{1,255}", key) or key != key.strip():  # HTTP takes spaces at the ends away
        raise InvalidArgumentError("idempotency_key is not 1 to 255 printable ASCII characters without space around")
    fields = {"message": message, "sessionKey": session_key, "onDisconnect": on_disconnect}
    present = {name: value for name, value in fields.items() if value is not None}
    try:
        body = json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as e:
        raise InvalidArgumentError(f"message or session_key has half a surrogate pair, which is no text: {e}") from None
    headers = {"Idempotency-Key": key}
    if settings.channel:
        headers["X-OpenClaw-Channel"] = settings.channel
    return _request(settings, operation, API_ROOT + path, "POST", headers, body, accept, CHAT_TIMEOUT)


def _rest_of(settings: Settings, operation: str, message_id: str, after: int) -> Request:
    path = _path("/messages/", message_id, "message id") + "/stream"
    headers = {"Last-Event-ID": str(after)} if after else None
    return _request(settings, operation, path, headers=headers, accept=EVENT_STREAM)


def _request(
    settings: Settings,
    operation: str,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    accept: str = "application/json",
    timeout: float = DEFAULT_TIMEOUT,
) -> Request:
    silence = SILENCE_TIMEOUT if accept == EVENT_STREAM else timeout
    return Request(
        operation=operation,
        method=method,
        path=path,
        headers=headers or {},
        body=body,
        accept=accept,
        timeout=settings.timeout or timeout,
        body_timeout=settings.timeout or silence,
    )


def _new_key() -> str:
    return str(uuid.uuid4())


def _path(under: str, name: str, what: str) -> str:
    """Refuse the names that no escaping keeps from meaning something else. All others are the gateway's to judge."""
    if name in ("", ".", ".."):
        raise InvalidArgumentError(f"{name!r} is no {what}")
    try:
        return API_ROOT + under + quote(name, safe="$&+=:@")
    except UnicodeEncodeError as e:
        raise InvalidArgumentError(f"{name!r} has half a surrogate pair, which is no text: {e}") from None


def _query(**parameters: str | int | None) -> str:
    present = {name: value for name, value in parameters.items() if value is not None}
    return "?" + urlencode(present) if present else ""


def _reader(cls: type[ModelT]) -> Callable[[bytes, Meta], ModelT]:
    def read(body: bytes, meta: Meta) -> ModelT:
        return decode(cls, json.loads(body), meta=meta)

    return read


def _read_word(body: bytes, meta: Meta) -> None:
    """An object it must be, whatever it says: a proxy's page tells nothing of the gateway."""
    _read_document(body, meta)


def _read_document(body: bytes, _meta: Meta) -> dict[str, Any]:
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("no object")
    return cast("dict[str, Any]", document)
