"""Setting a client up, and what surrounds its calls: hooks, logs, timeouts, connections, cancelling."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from gateway import TOKEN, Gateway
from mocked import DELTA, DONE, START, client_of, healthy
from scripted import ScriptedServer

import openclaw
from openclaw import AsyncOpenClaw, Hooks, OpenClaw

SECRETS = ("sk-top-secret", "what nobody may know", "what nobody may answer")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as gateway:
        yield gateway


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"base_url": "localhost:3000"}, "http://host:port"),
        ({"base_url": "http://"}, "http://host:port"),
        ({"base_url": "http://[::1"}, "base_url"),
        ({"base_url": "http://h:99999"}, "http://host:port"),
        ({"base_url": "http://me:pw@h"}, "api_key"),
        ({"base_url": "http://h?x=1"}, "query or a fragment"),
        ({"base_url": "http://h#x"}, "query or a fragment"),
        ({"api_key": "a b"}, "a space or a line's end"),
        ({"api_key": "schlüssel"}, "a space or a line's end"),
        ({"channel": "Web"}, "lower-case"),
        ({"channel": ""}, "lower-case"),
        ({"user_agent": "a\nb"}, "printable"),
        ({"max_retries": -1}, "the least is 0"),
        ({"timeout": 0}, "math.inf"),
        ({"timeout": math.nan}, "math.inf"),
    ],
)
def test_options_that_cannot_be_right(options: dict[str, Any], complaint: str) -> None:
    for cls in (OpenClaw, AsyncOpenClaw):
        with pytest.raises(openclaw.InvalidArgumentError, match=complaint):
            cls(**options)


def test_an_invalid_argument_is_a_value_error() -> None:
    with client_of(healthy) as client, pytest.raises(ValueError, match="is no session key"):
        client.sessions.history("..")


@pytest.mark.parametrize("key", ["", " a", "a ", "a\n", "é", "x" * 256])
def test_idempotency_keys_that_cannot_be_sent(key: str) -> None:
    with client_of(healthy) as client, pytest.raises(openclaw.InvalidArgumentError, match="printable ASCII"):
        client.chat("Hi", idempotency_key=key)


def test_each_call_has_an_idempotency_key_of_its_own() -> None:
    keys: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        return httpx.Response(502)

    client = client_of(handler)
    calls: list[Callable[[], object]] = [
        lambda: client.chat("Hi"),
        lambda: list(client.stream("Hi")),
        lambda: client.messages.cancel("msg_1"),
    ]
    for call in calls * 2:
        with pytest.raises(openclaw.APIError):
            call()
    assert len(set(keys)) == 6


def test_half_a_surrogate_pair_is_no_text() -> None:
    with client_of(healthy) as client:
        for call in (lambda: client.chat("\ud800"), lambda: client.sessions.get("\ud800")):
            with pytest.raises(openclaw.InvalidArgumentError, match="surrogate"):
                call()


def test_the_user_agent_of_the_application_comes_first() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["user-agent"])
        return healthy(request)

    client_of(handler, user_agent="my-app/1.2").status()
    assert seen[0].startswith(f"my-app/1.2 openclaw-python/{openclaw.__version__} (Python ")


@pytest.mark.parametrize(
    ("timeout", "call", "read"),
    [
        (None, "status", 60),
        (None, "chat", 960),
        (None, "stream", 960),
        (5, "status", 5),
        (5, "chat", 5),
        (math.inf, "chat", None),
    ],
)
def test_timeouts(timeout: float | None, call: str, read: float | None) -> None:
    seen: list[dict[str, Any]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(dict(request.extensions["timeout"]))
        return httpx.Response(503)

    client = client_of(handler, max_retries=0)
    calls: dict[str, Callable[[OpenClaw, float | None], object]] = {
        "status": lambda c, t: c.status(timeout=t),
        "chat": lambda c, t: c.chat("Hi", timeout=t),
        "stream": lambda c, t: list(c.stream("Hi", timeout=t)),
    }
    for each, of_call in ((client, timeout), (client.with_options(timeout=timeout), None)):
        with pytest.raises(openclaw.UnavailableError):
            calls[call](each, of_call)
    assert [timeouts["read"] for timeouts in seen] == [read, read]
    assert [timeouts["connect"] for timeouts in seen] == [min(10, read or 10)] * 2


class Dribble(httpx.SyncByteStream):
    """A body that never ends, though it is never silent for longer than 40 seconds of the clock either."""

    now = 0.0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(1000):
            self.now += 40
            yield b" "


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_that_never_ends_takes_no_longer_than_the_timeout(status: int) -> None:
    body = Dribble()
    waits: list[float] = []
    client = client_of(lambda _: httpx.Response(status, stream=body))
    client._runner.sleep = waits.append
    client.sessions._settings = dataclasses.replace(client._settings, clock=lambda: body.now)
    with pytest.raises(openclaw.APITimeoutError, match="took too long"):
        client.sessions.list_page()
    assert body.now == 80
    assert waits == []


def test_a_stream_that_has_begun_may_be_silent_for_less_long() -> None:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=START + DONE)

    list(client_of(handler).stream("Hi"))
    assert requests[0].extensions["timeout"]["read"] == 60


def test_options_of_a_copy() -> None:
    channels: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        channels.append(request.headers.get("x-openclaw-channel"))
        return httpx.Response(503)

    client = client_of(handler)
    copy = client.with_options(max_retries=0, channel="cli")
    for each in (copy, client):
        with pytest.raises(openclaw.UnavailableError):
            each.chat("Hi")
    assert channels == ["cli", None, None, None]
    with pytest.raises(openclaw.InvalidArgumentError):
        client.with_options(max_retries=-1)


def test_who_closes_what() -> None:
    own = OpenClaw()
    own.with_options(max_retries=0).close()
    assert not own._runner.http.is_closed
    own.close()
    assert own._runner.http.is_closed
    with client_of(healthy) as client:
        pass
    assert not client._runner.http.is_closed


def test_hooks_and_logs_tell_of_every_try_and_of_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="openclaw")
    seen: list[Any] = []
    answers = iter([503, None, 200])

    def handler(request: httpx.Request) -> httpx.Response:
        status = next(answers)
        if status is None:
            raise httpx.ConnectError("nobody there", request=request)
        answer = {
            "id": "m",
            "content": SECRETS[2],
            "sessionKey": "s",
            "model": "m",
            "createdAt": "2026-02-08T10:30:00Z",
        }
        json = answer | {"usage": {"inputTokens": 1, "outputTokens": 1}}
        return httpx.Response(status, headers={"x-request-id": f"req_{status}"}, json=json)

    hooks = Hooks(on_request=seen.append, on_response=seen.append, on_retry=seen.append)
    client_of(handler, api_key=SECRETS[0], hooks=hooks).chat(SECRETS[1])
    shapes = [(type(info).__name__, getattr(info, "attempt", None), getattr(info, "status", None)) for info in seen]
    assert shapes == [
        ("RequestInfo", 1, None),
        ("ResponseInfo", None, 503),
        ("RetryInfo", None, None),
        ("RequestInfo", 2, None),
        ("ResponseInfo", None, None),
        ("RetryInfo", None, None),
        ("RequestInfo", 3, None),
        ("ResponseInfo", None, 200),
    ]
    assert isinstance(seen[4].error, httpx.ConnectError)
    assert [type(seen[i].error) for i in (2, 5)] == [openclaw.UnavailableError, openclaw.APIConnectionError]
    assert "nobody there" in str(seen[5].error)
    assert seen[7].request == seen[6]
    assert seen[7].request_id == "req_200"
    assert len(caplog.records) == 5
    assert not [secret for secret in SECRETS if secret in caplog.text + repr(seen) + repr(client_of(healthy)._settings)]


def test_what_a_hook_raises_is_raised() -> None:
    def hook(_info: object) -> None:
        raise LookupError("from the hook")

    with client_of(healthy, hooks=Hooks(on_response=hook)) as client, pytest.raises(LookupError, match="from the hook"):
        client.status()


def test_pages_that_go_round_in_a_circle_end_in_an_error() -> None:
    client = client_of(lambda _: httpx.Response(200, json={"sessions": [], "nextCursor": "again"}))
    with pytest.raises(openclaw.APIError, match="the same again"):
        list(client.sessions.list())


def test_a_history_of_a_gateway_that_takes_any_limit() -> None:
    client = client_of(lambda _: httpx.Response(200, json={"messages": []}))
    assert list(client.sessions.history("s", page_size=0)) == []


def test_events_are_numbered_from_one() -> None:
    with client_of(healthy) as client, pytest.raises(openclaw.InvalidArgumentError, match="after is -1"):
        client.messages.stream("msg_1", after=-1)


def test_a_stream_knows_where_it_is() -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=START + DELTA + DONE)

    with client_of(handler).stream("Hi") as stream:
        assert (stream.message_id, stream.session_key, stream.last_event_id) == ("", "", 0)
        assert isinstance(next(stream), openclaw.StartEvent)
        assert (stream.message_id, stream.session_key, stream.last_event_id) == ("msg_1", "s", 1)
        assert list(stream.text()) == ["Hi"]
        assert stream.last_event_id == 3
        assert list(stream) == []
    with client_of(handler).stream("Hi") as stream:
        stream.close()
        assert list(stream) == []


def test_connections_are_used_again(gateway: Gateway) -> None:
    with OpenClaw(base_url=gateway.url, api_key=TOKEN) as client:
        for _ in range(3):
            client.chat("one two")
            list(client.sessions.list())
        pool: Any = client._runner.http._transport
        assert len(pool._pool.connections) == 1


def test_one_client_for_many_threads(gateway: Gateway) -> None:
    failures: list[BaseException] = []

    def work(client: OpenClaw, number: int) -> None:
        try:
            for count in range(1, 6):
                text = "".join(client.stream("word " * count, session_key=f"s{number}").text())
                assert text == "".join(f"{i} " for i in range(1, count + 1))
        except BaseException as e:  # noqa: BLE001 # raised below
            failures.append(e)

    with OpenClaw(base_url=gateway.url, api_key=TOKEN) as client:
        threads = [threading.Thread(target=work, args=(client, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert {len(history) for history in gateway.sessions.values()} == {10}


def stalling() -> ScriptedServer:
    """A server whose stream says one thing and then no more; it complains where the client does not close it."""
    return ScriptedServer([{"response": {"chunks": [START], "then": "stall"}}])


def leave_by_break(client: OpenClaw) -> None:
    for _ in client.stream("Hi"):
        break


def leave_by_close(client: OpenClaw) -> None:
    stream = client.stream("Hi")
    next(stream)
    stream.close()


def leave_by_error(client: OpenClaw) -> None:
    def read() -> None:
        with client.stream("Hi") as stream:
            for _ in stream:
                raise LookupError

    with pytest.raises(LookupError):
        read()


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_close, leave_by_error])
def test_leaving_a_stream_closes_its_connection(leave: Callable[[OpenClaw], None]) -> None:
    with stalling() as server, OpenClaw(base_url=server.url, api_key=TOKEN) as client:
        leave(client)
        server.finish()
        pool: Any = client._runner.http._transport
        assert pool._pool.connections == []
    assert server.problems == []


async def next_of(events: AsyncIterator[object]) -> object:
    async for event in events:
        return event
    return None


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelling_closes_the_connection(backend: str) -> None:
    async def main() -> None:
        with stalling() as server:
            async with AsyncOpenClaw(base_url=server.url, api_key=TOKEN) as client:
                begun = anyio.Event()

                async def read() -> None:
                    async for _ in client.stream("Hi"):
                        begun.set()

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(read)
                    await begun.wait()
                    tasks.cancel_scope.cancel()
                pool: Any = client._runner.http._transport
                assert pool._pool.connections == []
                await anyio.to_thread.run_sync(server.finish)
            assert server.problems == []

    anyio.run(main, backend=backend)


def test_a_deadline_of_asyncio_bounds_a_call_as_a_whole() -> None:
    async def main() -> None:
        with stalling() as server:
            async with AsyncOpenClaw(base_url=server.url, api_key=TOKEN) as client:
                stream = client.stream("Hi")
                await anext(stream)
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(anext(stream), 0.05)
                assert await next_of(stream) is None
                await anyio.to_thread.run_sync(server.finish)
            assert server.problems == []

    asyncio.run(main())


def test_a_stream_knows_where_it_is_async(gateway: Gateway) -> None:
    async def main() -> None:
        async with AsyncOpenClaw(base_url=gateway.url, api_key=TOKEN, max_retries=0) as client:
            copy = client.with_options(channel="cli", timeout=5)
            async with copy.stream("one two") as stream:
                assert (stream.message_id, stream.session_key, stream.last_event_id) == ("", "", 0)
                assert [text async for text in stream.text()] == ["1 ", "2 "]
                assert (stream.message_id, stream.session_key, stream.last_event_id) == ("msg_1", "session_1", 4)
            await copy.close()
            assert not client._runner.http.is_closed

    asyncio.run(main())


def test_many_streams_at_a_time(gateway: Gateway) -> None:
    """More than the 100 connections that httpx allows by default."""

    async def main() -> None:
        async with AsyncOpenClaw(base_url=gateway.url, api_key=TOKEN) as client:
            streams = [client.stream("Count to a thousand") for _ in range(120)]
            starts = await asyncio.gather(*(anext(stream) for stream in streams))
            assert len({start.id for start in starts if isinstance(start, openclaw.StartEvent)}) == 120
            for stream in streams:
                await client.messages.cancel(stream.message_id)
                await stream.close()

    asyncio.run(main())


def test_the_body_is_what_was_said() -> None:
    bodies: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(502)

    with pytest.raises(openclaw.APIError):
        client_of(handler).chat('a "b" </script> 世🦀\u2028\n')
    assert json.loads(bodies[0]) == {"message": 'a "b" </script> 世🦀\u2028\n'}
    assert "世🦀".encode() in bodies[0]
