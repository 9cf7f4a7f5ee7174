"""Runs the vectors that all SDKs share, spec/vectors, against both clients; see the README there for their format."""

from __future__ import annotations

import json
import math
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from scripted import Received, ScriptedServer

import openclaw
from openclaw import AsyncOpenClaw, OpenClaw
from openclaw._core.decode import parse_time

DIRECTORY = Path(__file__).parents[3] / "spec" / "vectors"
TIMES = {"createdAt", "lastActivity", "timestamp", "reset"}
MEMBERS = {"name", "about", "env", "client", "call", "exchanges", "waits", "expect"}
CLIENT_OPTIONS = {"baseUrl": "base_url", "apiKey": "api_key", "channel": "channel", "maxRetries": "max_retries"}
CLIENT_OPTIONS |= {"timeout": "timeout"}
PARAMETERS = {
    "message": "message",
    "sessionKey": "session_key",
    "onDisconnect": "on_disconnect",
    "idempotencyKey": "idempotency_key",
    "key": "key",
    "id": "message_id",
    "after": "after",
    "before": "before",
    "cursor": "cursor",
    "channel": "channel",
}
# The method of each operation; of those that list, the one that iterates and the one that returns a page.
METHODS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "chat": lambda c: c.chat,
    "chatStream": lambda c: c.stream,
    "listSessions": lambda c: c.sessions.list,
    "listSessions page": lambda c: c.sessions.list_page,
    "getSession": lambda c: c.sessions.get,
    "getHistory": lambda c: c.sessions.history,
    "getHistory page": lambda c: c.sessions.history_page,
    "deleteSession": lambda c: c.sessions.delete,
    "getMessage": lambda c: c.messages.get,
    "streamMessage": lambda c: c.messages.stream,
    "cancelMessage": lambda c: c.messages.cancel,
    "getStatus": lambda c: c.status,
    "getOpenapi": lambda c: c.openapi,
    "healthz": lambda c: c.healthz,
    "readyz": lambda c: c.readyz,
}
LOOPS = {"chatStream", "streamMessage", "listSessions", "getHistory"}
NEEDS_NO_TOKEN = {"getOpenapi", "healthz", "readyz"}


def load() -> list[dict[str, Any]]:
    vectors = [v for file in sorted(DIRECTORY.glob("*.json")) for v in json.loads(file.read_text())["vectors"]]
    names = [v["name"] for v in vectors]
    assert len(set(names)) == len(names) > 0, f"no vectors in {DIRECTORY}, or one name for two"
    return vectors


@dataclass
class Outcome:
    """What a call came to, in wire names."""

    result: Any = None
    meta: openclaw.Meta | None = None
    items: list[Any] = field(default_factory=list)
    error: Exception | None = None
    waits: list[float] = field(default_factory=list)


@dataclass
class Run:
    """One vector, being run."""

    vector: dict[str, Any]
    server: ScriptedServer
    closed: str
    outcome: Outcome = field(default_factory=Outcome)

    def fill_in(self, text: str) -> str:
        return text.replace("{server}", self.server.url).replace("{closed}", self.closed)

    def options(self) -> dict[str, Any]:
        options = {"baseUrl": "{server}", "apiKey": "test-token"} | self.vector.get("client", {})
        named = {CLIENT_OPTIONS[name]: value for name, value in options.items()}
        if named["base_url"] is not None:
            named["base_url"] = self.fill_in(named["base_url"])
        return named

    def method(self, client: Any) -> Callable[..., Any]:
        return METHODS[self.vector["call"]["operation"] + (" page" if self.vector["call"].get("page") else "")](client)

    def arguments(self) -> dict[str, Any]:
        call = self.vector["call"]
        limit = "limit" if call.get("page") else "page_size"
        return {PARAMETERS.get(k, limit if k == "limit" else k): v for k, v in call.get("params", {}).items()}

    @property
    def loops(self) -> bool:
        return self.vector["call"]["operation"] in LOOPS and not self.vector["call"].get("page")

    def returned(self, result: Any) -> None:
        self.outcome.result = result if result is None or isinstance(result, dict) else result.to_dict()
        self.outcome.meta = getattr(result, "meta", None)

    def yielded(self, item: Any) -> bool:
        """Note an item of a loop, and tell whether it is to be left."""
        self.outcome.items.append(in_wire_names(item))
        return len(self.outcome.items) == self.vector["call"].get("take", math.inf)


def in_wire_names(item: Any) -> dict[str, Any]:
    if not isinstance(item, openclaw.Event):
        return item.to_dict()
    if not isinstance(item, openclaw.UnknownEvent):
        return {"type": item.type, "seq": item.seq, **item.to_dict()}
    try:
        data = json.loads(item.data)
    except ValueError:
        data = item.data
    return {"type": item.name, "seq": item.seq, **(data if isinstance(data, dict) else {"data": data})}


@pytest.fixture
def closed() -> Iterator[str]:
    """An address where nothing listens: taken, but not listened at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(params=[pytest.param(v, id=v["name"]) for v in load()])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, closed: str) -> Iterator[Run]:
    vector = request.param
    assert set(vector) <= MEMBERS, "a member that this runner does not know"
    monkeypatch.delenv("OPENCLAW_BASE_URL", raising=False)
    monkeypatch.delenv("OPENCLAW_API_KEY", raising=False)
    with ScriptedServer(vector.get("exchanges", [])) as server:
        run = Run(vector, server, closed)
        for name, value in vector.get("env", {}).items():
            monkeypatch.setenv(name, run.fill_in(value))
        yield run


def test_sync(run: Run) -> None:
    outcome = run.outcome
    try:
        with OpenClaw(**run.options()) as client:
            client._runner.sleep = outcome.waits.append
            call_sync(run, client)
            run.server.finish()
            assert_pool_is_empty(client._runner.http._transport)
    except openclaw.OpenClawError as e:  # of the client's own arguments
        outcome.error = e
    check(run)


def call_sync(run: Run, client: OpenClaw) -> None:
    try:
        if not run.loops:
            run.returned(run.method(client)(**run.arguments()))
            return
        for item in run.method(client)(**run.arguments()):
            if run.yielded(item):
                break
    except openclaw.OpenClawError as e:
        run.outcome.error = e.with_traceback(None)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async(run: Run, backend: str) -> None:
    anyio.run(run_async, run, backend, backend=backend)
    check(run)


async def run_async(run: Run, backend: str) -> None:
    outcome = run.outcome

    async def sleep(seconds: float) -> None:
        outcome.waits.append(seconds)

    try:
        async with AsyncOpenClaw(**run.options()) as client:
            client._runner.sleep = sleep
            await call_async(run, client, backend)
            await anyio.to_thread.run_sync(run.server.finish)
            assert_pool_is_empty(client._runner.http._transport)
    except openclaw.OpenClawError as e:
        outcome.error = e


async def call_async(run: Run, client: AsyncOpenClaw, backend: str) -> None:
    try:
        if not run.loops:
            run.returned(await run.method(client)(**run.arguments()))
            return
        loop = run.method(client)(**run.arguments())
        if backend == "asyncio" and isinstance(loop, openclaw.AsyncStream):
            await take(run, loop)
        elif isinstance(loop, openclaw.AsyncStream):  # trio wants its generators closed in so many words
            async with loop as stream:
                await take(run, stream)
        else:
            await take(run, loop)
            await loop.aclose()
    except openclaw.OpenClawError as e:
        run.outcome.error = e.with_traceback(None)


async def take(run: Run, loop: AsyncIterator[Any]) -> None:
    async for item in loop:
        if run.yielded(item):
            break


def assert_pool_is_empty(transport: httpx.BaseTransport | httpx.AsyncBaseTransport) -> None:
    assert isinstance(transport, httpx.HTTPTransport | httpx.AsyncHTTPTransport)
    assert transport._pool.connections == []


def check(run: Run) -> None:
    outcome, vector = run.outcome, run.vector
    assert run.server.problems == []
    keys: dict[str, str] = {}
    for exchange, received in zip(vector.get("exchanges", []), run.server.received, strict=True):
        check_request(run, exchange["request"], received, keys)
    assert len(set(keys.values())) == len(keys)
    bounds = vector.get("waits", [])
    assert len(outcome.waits) == len(bounds), outcome.waits
    for wait, (least, most) in zip(outcome.waits, bounds, strict=True):
        assert least <= wait <= most
    check_outcome(outcome, vector["expect"])


def check_request(run: Run, expected: dict[str, Any], received: Received, keys: dict[str, str]) -> None:
    assert set(expected) <= {"method", "path", "query", "headers", "json"}
    assert received.method == expected["method"]
    assert received.path == [httpx.URL(f"http://x/{part}").path[1:] for part in expected["path"].split("/")]
    assert received.query == expected.get("query", {})
    if "json" in expected:
        assert json.loads(received.body) == expected["json"]
        assert received.headers["content-type"] == "application/json"
    else:
        assert received.body == b""
    for name, value in expected.get("headers", {}).items():
        if isinstance(value, dict):
            assert re.fullmatch("[ -~]{1,255}", received.headers[name])
            assert keys.setdefault(value["key"], received.headers[name]) == received.headers[name]
        else:
            assert received.headers.get(name) == value, name
    operation = run.vector["call"]["operation"]
    events = received.path[-1] == "stream"
    assert ("text/event-stream" if events else "application/json") in received.headers["accept"]
    assert re.match(r"openclaw-python/\d+\.\d+", received.headers["user-agent"])
    if "authorization" not in expected.get("headers", {}):
        key = run.options()["api_key"]
        allowed = [key and f"Bearer {key}"] + [None] * (operation in NEEDS_NO_TOKEN)
        assert received.headers.get("authorization") in allowed


def check_outcome(outcome: Outcome, expected: dict[str, Any]) -> None:
    assert set(expected) <= {"result", "meta", "items", "events", "error"}
    if "error" in expected:
        check_error(outcome.error, expected["error"])
    elif outcome.error is not None:
        raise outcome.error
    if "result" in expected:
        assert normal(outcome.result) == normal(expected["result"])
    if "events" in expected:
        items = [
            event if "seq" in wanted else {name: value for name, value in event.items() if name != "seq"}
            for event, wanted in zip(outcome.items, expected["events"], strict=True)
        ]
        assert normal(items) == normal(expected["events"])
    else:
        assert normal(outcome.items) == normal(expected.get("items", []))
    if "meta" in expected:
        check_meta(outcome.meta, expected["meta"])


def check_meta(meta: openclaw.Meta | None, expected: dict[str, Any]) -> None:
    assert meta
    limit = meta.rate_limit
    seen: dict[str, Any] = {"requestId": meta.request_id, "replayed": meta.replayed, "rateLimit": None}
    if limit:
        seen["rateLimit"] = {"limit": limit.limit, "remaining": limit.remaining, "reset": limit.reset.isoformat()}
    assert set(expected) <= set(seen)
    assert normal({name: seen[name] for name in expected}) == normal(expected)


def check_error(error: Exception | None, expected: dict[str, Any]) -> None:
    kinds: list[tuple[str, type[openclaw.OpenClawError]]] = [
        ("api", openclaw.APIError),
        ("timeout", openclaw.APITimeoutError),
        ("connection", openclaw.APIConnectionError),
        ("incomplete_stream", openclaw.IncompleteStreamError),
        ("argument", openclaw.InvalidArgumentError),
    ]
    kind = next((kind for kind, cls in kinds if isinstance(error, cls)), None)
    assert kind == expected["kind"], repr(error)
    names = {"status": "status", "code": "code", "reason": "reason", "message": "message"}
    names |= {"retryAfter": "retry_after", "requestId": "request_id"}
    for name, value in expected.items():
        if name != "kind":
            assert getattr(error, names[name]) == value, name


def normal(value: Any, name: str = "") -> Any:
    """Make equal what counts as equal: instants, and flags that are false or absent."""
    if isinstance(value, dict):
        flags = {"estimated", "running"}
        return {k: normal(v, k) for k, v in value.items() if not (k in flags and v is False)}
    if isinstance(value, list):
        return [normal(each, name) for each in value]
    return parse_time(value) if name in TIMES and isinstance(value, str) else value


def test_every_operation_is_among_the_vectors() -> None:
    assert {v["call"]["operation"] for v in load()} == {name.split()[0] for name in METHODS}


def test_times_compare_as_instants() -> None:
    assert isinstance(normal("2026-02-08T10:30:00Z", "createdAt"), datetime)
    assert normal({"reset": "2026-02-08T11:30:00+01:00"}) == normal({"reset": "2026-02-08T10:30:00.000Z"})
    assert normal({"reset": "2026-02-08T10:30:00Z"}) != normal({"reset": "2026-02-08T10:30:01Z"})
