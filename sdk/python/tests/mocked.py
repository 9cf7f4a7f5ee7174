"""Clients whose answers a function of the test gives, without a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from openclaw import OpenClaw

STATUS = {
    "status": "healthy",
    "version": "1",
    "uptime": 1,
    "activeSessions": 0,
    "model": {"provider": "offline", "model": "echo"},
}
START = 'id: 1\nevent: start\ndata: {"id":"msg_1","sessionKey":"s"}\n\n'
DELTA = 'id: 2\nevent: delta\ndata: {"content":"Hi"}\n\n'
DONE = 'id: 3\nevent: done\ndata: {"usage":{"inputTokens":1,"outputTokens":1}}\n\n'


def client_of(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> OpenClaw:
    client = OpenClaw(**options, http_client=httpx.Client(transport=httpx.MockTransport(handler)))
    client._runner.sleep = lambda _: None
    return client


def healthy(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=STATUS)
