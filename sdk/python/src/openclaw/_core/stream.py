"""A stream of events that takes itself up again where its connection breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, NoReturn, cast

from ..errors import APIError, IncompleteStreamError
from ..models import DeltaEvent, DoneEvent, Event, Meta, StartEvent, UnknownEvent
from .actions import BrokenError, Flow, Read, Request, Sleep
from .call import for_caller, media_type, meta_of, not_ours, open_, parse_envelope
from .decode import decode
from .retry import wait_before_retry
from .settings import RetryInfo, Settings
from .sse import EventDecoder, EventTooLongError, RawEvent

EVENT_STREAM: Final = "text/event-stream"
_KNOWN: Final[dict[str, type[StartEvent | DeltaEvent | DoneEvent]]] = {
    "start": StartEvent,
    "delta": DeltaEvent,
    "done": DoneEvent,
}
_NO_CONTENT: Final = 204


class _NoEventsError(BrokenError):
    """A response ended without an event."""


class Following:
    """The state of one stream, over all of its connections.

    Attributes:
        message_id: Of the answer, "" until its start was seen.
        session_key: Of the answer, "" until the stream tells.
        last_id: Number of the last event yielded, 0 before.
    """

    def __init__(
        self,
        settings: Settings,
        opening: Request,
        rest_of: Callable[[str, int], Request],
        message_id: str = "",
        after: int = 0,
    ) -> None:
        """Set up a stream.

        Args:
            settings: The client's.
            opening: Sent until the first event.
            rest_of: Makes the request for what follows event n of a message, sent after that.
            message_id: Of the answer, where it has been begun before, else "".
            after: The event to begin after.
        """
        self._settings = settings
        self._opening = opening
        self._rest_of = rest_of
        self.message_id: str = message_id
        self.session_key: str = ""
        self.last_id: int = after
        self._begun = False  # an event has been yielded
        self._failures = 0  # connections in a row that brought no event
        self._attempts = 0

    def flow(self) -> Flow[Event]:
        """Yield the events, up to and with done."""
        while True:
            try:
                yield from self._connection()
            except (APIError, BrokenError) as failure:
                wait = self._wait(failure)
                if wait is None:
                    self._raise(failure)
                error = for_caller(failure, self._settings)
                self._settings.hooks.retry(RetryInfo(operation=self._opening.operation, wait=wait, error=error))
            else:
                return
            self._failures += 1
            yield Sleep(wait)

    def _wait(self, failure: APIError | BrokenError) -> float | None:
        if self._begun and not (self.message_id and self.last_id):
            return None  # nobody could tell where to go on
        return wait_before_retry(failure, self._failures, self._settings.max_retries, self._settings.random)

    def _raise(self, failure: APIError | BrokenError) -> NoReturn:
        """Raise what the reader is to see."""
        if isinstance(failure, BrokenError) and (self._begun or isinstance(failure, _NoEventsError)):
            raise self._incomplete(str(failure)) from failure.__cause__ or failure
        error = for_caller(failure, self._settings)
        raise error from error.__cause__

    def _incomplete(self, why: str) -> IncompleteStreamError:
        message = f"The stream ended before the answer did: {why}"
        if self.message_id:
            message += f"; messages.get({self.message_id!r}) tells what became of the answer"
        return IncompleteStreamError(message, self.message_id, self.last_id)

    def _request(self) -> Request:
        """Return what to send next. A message is never sent again once its answer has been seen to begin."""
        return self._rest_of(self.message_id, self.last_id) if self._begun else self._opening

    def _connection(self) -> Flow[Event]:
        """Yield the events of one connection; return after the last, raise where it brings no last."""
        try:
            yield from self._events()
        except EventTooLongError as e:
            raise self._incomplete(str(e)) from e
        except BrokenError as e:
            if self._begun and e.timeout:  # one more silence of a stream that is known to exist
                raise BrokenError(str(e)) from e.__cause__
            raise

    def _events(self) -> Flow[Event]:
        self._attempts += 1
        head = yield from open_(self._settings, self._request(), self._attempts)
        if head.status == _NO_CONTENT:
            if self._begun:
                raise self._incomplete("the gateway says that nothing follows, though its end was not received")
            if self._opening.method == "POST":
                raise not_ours(head, "its answer has no content instead of a stream of events")
            return
        if (kind := media_type(head.headers)) != EVENT_STREAM:
            raise not_ours(head, f"its answer is {kind or 'nothing'} instead of a stream of events")
        meta = meta_of(head.headers)
        decoder = EventDecoder(self.last_id)
        while piece := cast("bytes", (yield Read())):
            for raw in decoder.feed(piece):
                event = self._event(raw, meta)
                yield event
                if isinstance(event, DoneEvent):
                    return
        if self._begun:
            raise BrokenError("it was closed without a done or error event")
        raise _NoEventsError("it was closed before its first event")

    def _event(self, raw: RawEvent, meta: Meta) -> Event:
        if raw.name == "error":
            error = parse_envelope(raw.data, None)
            if error is None:
                raise self._incomplete("its error event has no code")
            error.request_id, error.rate_limit = meta.request_id, meta.rate_limit
            raise error
        event: Event
        if cls := _KNOWN.get(raw.name):
            try:
                event = decode(cls, json.loads(raw.data), seq=raw.id, meta=meta)
            except (ValueError, RecursionError) as e:
                raise self._incomplete(f"its event {raw.name!r} cannot be read: {e}") from e
        else:
            event = UnknownEvent(name=raw.name, data=raw.data, seq=raw.id, meta=meta)
        if isinstance(event, StartEvent | DoneEvent):
            self.session_key = event.session_key or self.session_key
        if isinstance(event, StartEvent):
            self.message_id = event.id or self.message_id
        self._begun, self.last_id, self._failures = True, raw.id, 0
        return event
