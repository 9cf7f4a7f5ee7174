"""Performs what flows say, blocking. Its twin is _async_runner; whatever is not about waiting belongs in neither."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

import httpx

from ._core.actions import Action, Call, Flow, Head, Open, Outcome, Read, Sleep
from ._http import CLOSING_FAILURES, LIMITS, broken, build, expect_silence_of, no_cookies

T = TypeVar("T")


def new_http_client() -> httpx.Client:
    """Return a client fit for streams."""
    return httpx.Client(limits=LIMITS, cookies=no_cookies())


class Exchange:
    """Performs the actions of one flow."""

    def __init__(self, http: httpx.Client, sleep: Callable[[float], object]) -> None:
        self._http = http
        self._sleep = sleep
        self._response: httpx.Response | None = None
        self._body: Iterator[bytes] = iter(())

    def perform(self, action: Action) -> Outcome:
        """Do what the action says; an error of the connection is part of the outcome."""
        try:
            if isinstance(action, Open):
                return Outcome(self._open(action))
            if isinstance(action, Read):
                return Outcome(next(self._body, b""))
            if isinstance(action, Sleep):
                self.close()
                self._sleep(action.seconds)
        except httpx.RequestError as e:
            return Outcome(error=broken(e))
        return Outcome()

    def _open(self, action: Open) -> Head:
        self.close()
        request = build(self._http, action)
        response = self._http.send(request, stream=True, follow_redirects=False)
        self._response, self._body = response, filter(None, response.iter_bytes())
        expect_silence_of(request, action.request.body_timeout)
        return Head(response.status_code, response.headers)

    def close(self) -> None:
        """Close the connection of the answer that was opened last, unless it has been read to its end."""
        response, self._response, self._body = self._response, None, iter(())
        if response is not None:
            try:
                response.close()
            except CLOSING_FAILURES:
                pass  # it is of no use any more, in whatever state


class Runner:
    """Runs flows, each over an exchange of its own."""

    def __init__(self, http: httpx.Client, sleep: Callable[[float], object] = time.sleep) -> None:
        self.http = http
        self.sleep = sleep

    def run(self, flow: Call[T]) -> T:
        """Return what the flow comes to."""
        exchange = Exchange(self.http, self.sleep)
        outcome = Outcome()
        try:
            while True:
                outcome = exchange.perform(outcome.resume(flow))
        except StopIteration as end:
            return end.value
        finally:
            exchange.close()

    def iterate(self, flow: Flow[T]) -> Generator[T, None, None]:
        """Yield what the flow yields for its caller."""
        exchange = Exchange(self.http, self.sleep)
        outcome = Outcome()
        try:
            while True:
                step = outcome.resume(flow)
                if isinstance(step, Action):
                    outcome = exchange.perform(step)
                else:
                    outcome = Outcome()
                    yield step
        except StopIteration:
            return
        finally:
            exchange.close()
