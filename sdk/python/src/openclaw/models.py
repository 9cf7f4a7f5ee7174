"""What the gateway answers: frozen dataclasses with the contract's fields in snake_case.

A newer gateway may send more than this version knows. Fields land in `extra`, events become `UnknownEvent`, and roles,
codes and states are plain strings for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from ._core.decode import Model, local

__all__ = [
    "ChatResponse",
    "DeltaEvent",
    "DoneEvent",
    "Event",
    "HistoryPage",
    "Message",
    "MessageError",
    "Meta",
    "Model",
    "RateLimit",
    "Session",
    "SessionPage",
    "StartEvent",
    "Status",
    "StatusModel",
    "UnknownEvent",
    "Usage",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Where a token stands with one class of requests.

    Attributes:
        limit: Requests per window.
        remaining: Requests left in this window.
        reset: When `remaining` is `limit` again, in UTC.
    """

    limit: int
    remaining: int
    reset: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What the headers of an answer tell.

    Attributes:
        request_id: Finds the request in the gateway's log; None where the answer names none.
        replayed: It is the answer to an earlier request with the same idempotency key.
        rate_limit: Where the token stands; None where the answer does not tell.
    """

    request_id: str | None = None
    replayed: bool = False
    rate_limit: RateLimit | None = None


_NO_META = Meta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Model):
    """Tokens of one answer, as the model's provider counts them.

    Attributes:
        input_tokens: Of what the model was sent.
        output_tokens: Of what it wrote.
        estimated: The provider gave no figures; these are the gateway's estimate.
    """

    input_tokens: int
    output_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResponse(Model):
    """The assistant's answer.

    Attributes:
        id: Of the assistant's message.
        content: Its text.
        session_key: The session it belongs to; send it along with the next message to go on.
        model: The model that answered.
        usage: Tokens.
        created_at: In UTC.
        meta: What the headers told.
    """

    id: str
    content: str
    session_key: str
    model: str
    usage: Usage
    created_at: datetime
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Model):
    """A conversation.

    Attributes:
        key: Its name.
        channel: Where it was opened: `"api"`, `"web"`, `"cli"`, ...
        created_at: In UTC.
        last_activity: Time of its newest message, in UTC.
        message_count: Messages in its history.
        meta: What the headers told; of `sessions.get` only.
    """

    key: str
    channel: str
    created_at: datetime
    last_activity: datetime
    message_count: int
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageError(Model):
    """Why a message is not complete.

    Attributes:
        code: Class of the failure, such as `"MODEL_ERROR"`.
        message: One sentence for people.
        reason: Why no model answered; of a `MODEL_ERROR` only.
        retry_after: Seconds to wait before another try; None where waiting does not help.
    """

    code: str
    message: str = ""
    reason: str | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Model):
    """One message of a session.

    Attributes:
        id: Its name; "" from a gateway that gives messages none.
        role: `"user"` or `"assistant"`.
        content: Its text, or what there is of it so far.
        timestamp: In UTC.
        status: `"complete"`; `"incomplete"`, which is still being written or was stopped before its end; `"failed"`,
            where the model failed and `content` is what had come until then.
        model: The model that answered; None for the user's.
        usage: Tokens; None for the user's, and where no model was reached.
        running: It is being written at this moment.
        error: Why it is not complete; None while it is being written.
        session_key: Its session; of `messages.get` and `messages.cancel` only.
        meta: What the headers told; of `messages.get` and `messages.cancel` only.
    """

    id: str = ""
    role: str
    content: str
    timestamp: datetime
    status: str = ""
    model: str | None = None
    usage: Usage | None = None
    running: bool = False
    error: MessageError | None = None
    session_key: str = ""
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage(Model):
    """A page of sessions, newest activity first.

    Attributes:
        sessions: The sessions.
        next_cursor: Asks for the next page; None on the last.
        meta: What the headers told.
    """

    sessions: tuple[Session, ...]
    next_cursor: str | None = None
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage(Model):
    """A page of a session's messages, oldest first.

    Attributes:
        messages: The messages. The id of the first asks for the page before this one.
        meta: What the headers told.
    """

    messages: tuple[Message, ...]
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusModel(Model):
    """The model that the gateway asks first.

    Attributes:
        provider: Its provider's name in the gateway's configuration.
        model: The provider's name for it.
    """

    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Model):
    """The gateway's own account of how it is.

    Attributes:
        status: `"healthy"` or `"degraded"`.
        version: Of the gateway.
        uptime: Whole seconds since it started.
        active_sessions: Sessions that the token can see.
        model: The model that is asked first.
        reasons: Why it is degraded, each in one sentence.
        meta: What the headers told.
    """

    status: str
    version: str
    uptime: int
    active_sessions: int
    model: StatusModel
    reasons: tuple[str, ...] = ()
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartEvent(Model):
    """The first event: the message is durable, and the answer has a name.

    Attributes:
        id: Of the answer, good for `client.messages`; "" where the gateway does not tell.
        session_key: The session that it belongs to; "" where the gateway does not tell.
        type: Always `"start"`.
        seq: Number of the event in its stream, from 1; 0 where the stream does not number its events.
        meta: What the headers of this connection told.
    """

    id: str = ""
    session_key: str = ""
    type: Literal["start"] = local("start")
    seq: int = local(0)
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaEvent(Model):
    """The next piece of the answer's text. All of them, joined, are the answer.

    Attributes:
        content: The piece.
        type: Always `"delta"`.
        seq: Number of the event in its stream.
        meta: What the headers of this connection told.
    """

    content: str = ""
    type: Literal["delta"] = local("delta")
    seq: int = local(0)
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneEvent(Model):
    """The last event: the answer is whole, durable, and in the session's history.

    Attributes:
        usage: Tokens.
        id: Of the answer; this and what follows are "" where the gateway does not tell.
        session_key: The session that it belongs to.
        model: The model that answered.
        created_at: Of the answer, in UTC; None where the gateway does not tell.
        type: Always `"done"`.
        seq: Number of the event in its stream.
        meta: What the headers of this connection told.
    """

    usage: Usage
    id: str = ""
    session_key: str = ""
    model: str = ""
    created_at: datetime | None = None
    type: Literal["done"] = local("done")
    seq: int = local(0)
    meta: Meta = local(_NO_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent:
    """An event that this version does not know. Safe to ignore.

    Attributes:
        name: What the stream calls it.
        data: What it carries, as it was sent; JSON in all likelihood.
        type: Always `"unknown"`.
        seq: Number of the event in its stream.
        meta: What the headers of this connection told.
    """

    name: str
    data: str
    type: Literal["unknown"] = "unknown"
    seq: int = 0
    meta: Meta = local(_NO_META)

    def to_dict(self) -> dict[str, Any]:
        """Return name and data."""
        return {"name": self.name, "data": self.data}


Event: TypeAlias = StartEvent | DeltaEvent | DoneEvent | UnknownEvent
"""What a stream yields. Tell them apart by `type` or by class; an error is raised instead of being yielded."""
