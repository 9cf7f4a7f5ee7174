"""The blocking client. Made from _async.py by scripts/generate_sync.py: change it there."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx

from ._core import operations
from ._core.operations import OnDisconnect
from ._core.settings import DEFAULT_MAX_RETRIES, Hooks, Settings
from ._core.stream import Following
from ._sync_runner import Runner, new_http_client
from .models import ChatResponse, DeltaEvent, Event, HistoryPage, Message, Session, SessionPage, Status


class Stream(Iterator[Event]):
    """The events of an answer, as they come: a `StartEvent`, `DeltaEvent`s, and a `DoneEvent`.

    Anything but `done` ends the loop with an error. A connection that breaks is replaced, and the answer taken up where
    it broke off. The end of the events closes the connection, as does leaving the `with` block, or dropping the
    last reference to the stream. The answer is written to its end all the same, unless `on_disconnect` was `"cancel"`.

    A stream can be iterated once.
    """

    def __init__(self, runner: Runner, following: Following) -> None:
        self._following = following
        self._events = runner.iterate(following.flow())

    @property
    def message_id(self) -> str:
        """Id of the answer, "" before its start has been received."""
        return self._following.message_id

    @property
    def session_key(self) -> str:
        """Key of the answer's session, "" before the stream has told."""
        return self._following.session_key

    @property
    def last_event_id(self) -> int:
        """Number of the last event received: `client.messages.stream(message_id, after=...)` goes on from there."""
        return self._following.last_id

    def text(self) -> Iterator[str]:
        """Yield the pieces of the answer's text, and nothing else.

        Raises:
            OpenClawError: As iterating the stream itself does.
        """
        for event in self:
            if isinstance(event, DeltaEvent):
                yield event.content

    def close(self) -> None:
        """Close the connection. A closed stream yields nothing more.

        Only for whoever reads the stream, between two events. From elsewhere, `client.messages.cancel` stops the answer
        and with it the loop.
        """
        self._events.close()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Event:
        """Return the next event.

        Raises:
            APIError: The gateway refused, or the answer ended with an error.
            APIConnectionError: The gateway could not be reached.
            IncompleteStreamError: The stream broke off and could not be taken up again.
        """
        return next(self._events)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class OpenClaw:
    """Calls one gateway. One for a whole program is enough: its methods may be called at the same time.

    Attributes:
        sessions: Lists, reads and deletes sessions.
        messages: Follows, reads and stops single answers.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        channel: str | None = None,
        timeout: float | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        hooks: Hooks | None = None,
        user_agent: str | None = None,
        http_client: httpx.Client | None = None,
    ) -> None:
        """Set up a client. Nothing is sent yet.

        Args:
            base_url: The gateway's address, with or without `/api/v1`. Default: the environment's `OPENCLAW_BASE_URL`,
                else `http://localhost:3000`.
            api_key: The token that the gateway knows the application by. Default: the environment's `OPENCLAW_API_KEY`.
            channel: Of the sessions that this client opens, such as `"cli"`: a lower-case letter, then up to 31
                lower-case letters, digits and hyphens. The gateway's default is `"api"`.
            timeout: Seconds for which the gateway may be silent. An answer that dribbles on for longer is given up as
                well, unless it is a stream. Default: 16 minutes for an answer of the assistant to begin (or, with
                `chat`, to come), 60 seconds for all else. `math.inf` for no limit.
            max_retries: How often a call is tried again, and how often in a row a broken stream is taken up again.
            hooks: Functions to call along the way, for logs, metrics and traces.
            user_agent: The application's own name and version, put before the package's, such as `"my-app/1.2"`.
            http_client: Sends the requests instead of one made here: for a proxy, for certificates, for tests. It is
                left open by `close`. Its timeouts are not used, and redirects are never followed.

        Raises:
            InvalidArgumentError: One of the arguments cannot be right.
        """
        settings = Settings.build(
            base_url=base_url,
            api_key=api_key,
            channel=channel,
            timeout=timeout,
            max_retries=max_retries,
            user_agent=user_agent,
            hooks=hooks,
        )
        self._owns_http = http_client is None
        self._setup(settings, Runner(http_client or new_http_client()))

    def _setup(self, settings: Settings, runner: Runner) -> None:
        self._settings = settings
        self._runner = runner
        self.sessions: Sessions = Sessions(settings, runner)
        self.messages: Messages = Messages(settings, runner)

    def with_options(
        self, *, timeout: float | None = None, max_retries: int | None = None, channel: str | None = None
    ) -> OpenClaw:
        """Return a client with other options that shares this one's connections, and is closed with it.

        Args:
            timeout: As for the client; None leaves it as it is.
            max_retries: As for the client; None leaves it as it is.
            channel: As for the client; None leaves it as it is.

        Returns:
            The client.

        Raises:
            InvalidArgumentError: One of the arguments cannot be right.
        """
        other = object.__new__(OpenClaw)
        other._owns_http = False
        settings = self._settings.with_(timeout=timeout, max_retries=max_retries, channel=channel)
        other._setup(settings, self._runner)
        return other

    def chat(
        self,
        message: str,
        *,
        session_key: str | None = None,
        on_disconnect: OnDisconnect | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> ChatResponse:
        """Send a message and wait for the assistant's whole answer, which can take minutes.

        Operation: chat

        Args:
            message: The text, 1 byte to 256 KiB of UTF-8.
            session_key: The session to go on with; one that does not exist is opened. None opens one with a generated
                key, which the answer names.
            on_disconnect: What becomes of the answer when the connection ends before it does: `"continue"`, the
                gateway's default, has it written to the session's history, `"cancel"` stops the model.
            idempotency_key: Makes it safe to send the message again, even from another process: 1 to 255 printable
                ASCII characters, remembered for 24 hours. None has one made, which covers the retries of this call.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The answer.

        Raises:
            APIError: The gateway refused, or no model answered.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
            InvalidArgumentError: Nothing was sent.
        """
        settings = self._settings.with_(timeout=timeout)
        return self._runner.run(operations.chat(settings, message, session_key, on_disconnect, idempotency_key))

    def stream(
        self,
        message: str,
        *,
        session_key: str | None = None,
        on_disconnect: OnDisconnect | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Stream:
        """Send a message and get the assistant's answer as it is written. It is sent when the loop begins.

        Operation: chatStream

        Args:
            message: As for `chat`.
            session_key: As for `chat`.
            on_disconnect: As for `chat`.
            idempotency_key: As for `chat`.
            timeout: Seconds for which the stream may be silent; None for the client's.

        Returns:
            The events, to be used in a `with` block or a `for` loop.

        Raises:
            InvalidArgumentError: Nothing will be sent. All other errors come out of the loop.
        """
        settings = self._settings.with_(timeout=timeout)
        following = operations.chat_stream(settings, message, session_key, on_disconnect, idempotency_key)
        return Stream(self._runner, following)

    def status(self, *, timeout: float | None = None) -> Status:
        """Return the gateway's own account of how it is. Any valid token may ask.

        Operation: getStatus

        Args:
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The account.

        Raises:
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
        """
        return self._runner.run(operations.get_status(self._settings.with_(timeout=timeout)))

    def openapi(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Return the contract that the gateway keeps, an OpenAPI document. It needs no token.

        Operation: getOpenapi

        Args:
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The document, as `json.loads` returns it.

        Raises:
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
        """
        return self._runner.run(operations.get_openapi(self._settings.with_(timeout=timeout)))

    def healthz(self, *, timeout: float | None = None) -> None:
        """Return where the gateway's process is alive. It needs no token, and is not tried again.

        Operation: healthz

        Args:
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Raises:
            APIError: Something else answered.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
        """
        self._runner.run(operations.probe(self._settings.with_(timeout=timeout), "healthz"))

    def readyz(self, *, timeout: float | None = None) -> None:
        """Return where the gateway takes new work. It needs no token, and is not tried again.

        Operation: readyz

        Args:
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Raises:
            UnavailableError: It does not, at the moment.
            APIError: Something else answered.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
        """
        self._runner.run(operations.probe(self._settings.with_(timeout=timeout), "readyz"))

    def close(self) -> None:
        """Close the connections, unless they belong to a given `http_client` or to the client this was made from."""
        if self._owns_http:
            self._runner.http.close()

    def __enter__(self) -> OpenClaw:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Sessions:
    """Lists, reads and deletes sessions. The token needs the permission `sessions`."""

    def __init__(self, settings: Settings, runner: Runner) -> None:
        self._settings = settings
        self._runner = runner

    def list(
        self, *, channel: str | None = None, page_size: int | None = None, timeout: float | None = None
    ) -> Iterator[Session]:
        """Yield the sessions, newest activity first, asking for the next page when the loop gets there.

        Operation: listSessions

        Args:
            channel: Only sessions that were opened there; None for all.
            page_size: Sessions to ask for at a time, 1 to 1000; None for the gateway's default, 1000.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The sessions.

        Raises:
            APIError: The gateway refused. Comes out of the loop, as does:
            APIConnectionError: The gateway could not be reached, or was silent for too long.
        """
        settings = self._settings.with_(timeout=timeout)
        return self._runner.iterate(operations.list_sessions(settings, channel, page_size))

    def list_page(
        self,
        *,
        channel: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> SessionPage:
        """Return one page of the sessions, newest activity first.

        Operation: listSessions

        Args:
            channel: Only sessions that were opened there; None for all.
            limit: The most sessions to return, 1 to 1000; None for the gateway's default, 1000.
            cursor: `next_cursor` of the page before; None for the first page.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The page.

        Raises:
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
        """
        settings = self._settings.with_(timeout=timeout)
        return self._runner.run(operations.list_sessions_page(settings, channel, limit, cursor))

    def get(self, key: str, *, timeout: float | None = None) -> Session:
        """Return one session.

        Operation: getSession

        Args:
            key: The session's key.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The session.

        Raises:
            NotFoundError: There is none.
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
            InvalidArgumentError: Nothing was sent.
        """
        return self._runner.run(operations.get_session(self._settings.with_(timeout=timeout), key))

    def history(
        self, key: str, *, before: str | None = None, page_size: int | None = None, timeout: float | None = None
    ) -> Iterator[Message]:
        """Yield the messages of a session, oldest first.

        The gateway's pages begin at the newest, so all of them are read before the first message is yielded;
        `history_page` is for sessions too long for that.

        Operation: getHistory

        Args:
            key: The session's key.
            before: Only messages before the one with this id; None for all.
            page_size: Messages to ask for at a time, 1 to 1000; None for 200.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The messages.

        Raises:
            InvalidArgumentError: Nothing will be sent. All else comes out of the loop:
            NotFoundError: There is no such session.
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
        """
        return self._runner.iterate(operations.history(self._settings.with_(timeout=timeout), key, page_size, before))

    def history_page(
        self, key: str, *, limit: int | None = None, before: str | None = None, timeout: float | None = None
    ) -> HistoryPage:
        """Return one page of a session's messages, oldest first.

        The page before it is had with the id of its first message as `before`. A page with fewer messages than the
        limit is the last.

        Operation: getHistory

        Args:
            key: The session's key.
            limit: The most messages to return, 1 to 1000; None for the gateway's default, 50.
            before: Only messages before the one with this id; None for the newest.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The page.

        Raises:
            NotFoundError: There is no such session.
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
            InvalidArgumentError: Nothing was sent.
        """
        return self._runner.run(operations.history_page(self._settings.with_(timeout=timeout), key, limit, before))

    def delete(self, key: str, *, timeout: float | None = None) -> None:
        """Erase a session and its history, and stop the answer being written in it.

        Operation: deleteSession

        Args:
            key: The session's key.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Raises:
            NotFoundError: There is no such session.
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
            InvalidArgumentError: Nothing was sent.
        """
        self._runner.run(operations.delete_session(self._settings.with_(timeout=timeout), key))


class Messages:
    """Follows, reads and stops answers. The token needs the permission `chat`; for reading, `sessions` will do."""

    def __init__(self, settings: Settings, runner: Runner) -> None:
        self._settings = settings
        self._runner = runner

    def get(self, message_id: str, *, timeout: float | None = None) -> Message:
        """Return a message; of an answer that is being written, what there is so far.

        Operation: getMessage

        Args:
            message_id: The message's id.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The message.

        Raises:
            NotFoundError: There is none.
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
            InvalidArgumentError: Nothing was sent.
        """
        return self._runner.run(operations.get_message(self._settings.with_(timeout=timeout), message_id))

    def stream(self, message_id: str, *, after: int = 0, timeout: float | None = None) -> Stream:
        """Follow an answer to its end, from any of its events on, just as `OpenClaw.stream` does.

        Operation: streamMessage

        Args:
            message_id: The message's id.
            after: Number of the event to begin after; 0 for all. Where that is the last event, nothing is yielded.
            timeout: Seconds for which the stream may be silent; None for the client's.

        Returns:
            The events, to be used in a `with` block or a `for` loop.

        Raises:
            InvalidArgumentError: Nothing will be sent. All other errors come out of the loop.
        """
        settings = self._settings.with_(timeout=timeout)
        return Stream(self._runner, operations.stream_message(settings, message_id, after))

    def cancel(self, message_id: str, *, timeout: float | None = None) -> Message:
        """Stop an answer being written. One that is not being written is returned as it is.

        Operation: cancelMessage

        Args:
            message_id: The message's id.
            timeout: Seconds for which the gateway may be silent; None for the client's.

        Returns:
            The message as it is now that it has stopped.

        Raises:
            NotFoundError: There is none.
            APIError: The gateway refused.
            APIConnectionError: The gateway could not be reached, or was silent for too long.
            InvalidArgumentError: Nothing was sent.
        """
        return self._runner.run(operations.cancel_message(self._settings.with_(timeout=timeout), message_id))
