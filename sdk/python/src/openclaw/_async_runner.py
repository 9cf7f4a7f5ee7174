"""Performs what flows say, awaiting. Its twin is _sync_runner; whatever is not about waiting belongs in neither."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeVar

import anyio  # comes with httpx, whose connections wait by it too
import httpx

from ._core.actions import Action, Call, Flow, Head, Open, Outcome, Read, Sleep
from ._http import CLOSING_FAILURES, LIMITS, broken, build, expect_silence_of, no_cookies

T = TypeVar("T")


def new_http_client() -> httpx.AsyncClient:
    """Return a client fit for streams."""
    return httpx.AsyncClient(limits=LIMITS, cookies=no_cookies())


class AsyncExchange:
    """Performs the actions of one flow."""

    def __init__(self, http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._http = http
        self._sleep = sleep
        self._response: httpx.Response | None = None
        self._body: AsyncIterator[bytes] | None = None

    async def perform(self, action: Action) -> Outcome:
        """Do what the action says; an error of the connection is part of the outcome."""
        try:
            if isinstance(action, Open):
                return Outcome(await self._open(action))
            if isinstance(action, Read):
                return Outcome(await self._read())
            if isinstance(action, Sleep):
                await self.close()
                await self._sleep(action.seconds)
        except httpx.RequestError as e:
            return Outcome(error=broken(e))
        return Outcome()

    async def _open(self, action: Open) -> Head:
        await self.close()
        request = build(self._http, action)
        response = await self._http.send(request, stream=True, follow_redirects=False)
        self._response, self._body = response, response.aiter_bytes()
        expect_silence_of(request, action.request.body_timeout)
        return Head(response.status_code, response.headers)

    async def _read(self) -> bytes:
        if self._body is not None:
            async for piece in self._body:
                if piece:
                    return piece
        return b""

    async def close(self) -> None:
        """Close the connection of the answer that was opened last, unless it has been read to its end."""
        response, self._response, self._body = self._response, None, None
        if response is not None:
            try:
                await response.aclose()
            except CLOSING_FAILURES:
                pass  # it is of no use any more, in whatever state


class AsyncRunner:
    """Runs flows, each over an exchange of its own."""

    def __init__(self, http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[object]] = anyio.sleep) -> None:
        self.http = http
        self.sleep = sleep

    async def run(self, flow: Call[T]) -> T:
        """Return what the flow comes to."""
        exchange = AsyncExchange(self.http, self.sleep)
        outcome = Outcome()
        try:
            while True:
                outcome = await exchange.perform(outcome.resume(flow))
        except StopIteration as end:
            return end.value
        finally:
            await exchange.close()

    async def iterate(self, flow: Flow[T]) -> AsyncGenerator[T, None]:
        """Yield what the flow yields for its caller."""
        exchange = AsyncExchange(self.http, self.sleep)
        outcome = Outcome()
        try:
            while True:
                step = outcome.resume(flow)
                if isinstance(step, Action):
                    outcome = await exchange.perform(step)
                else:
                    outcome = Outcome()
                    yield step
        except StopIteration:
            return
        finally:
            await exchange.close()
