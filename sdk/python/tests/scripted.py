"""A server that follows a script, byte for byte: HTTP by hand, as the cases are about what HTTP libraries tidy up."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_plus

PATIENCE = 5.0
"""Seconds after which something that should have happened has not."""


@dataclass
class Received:
    """A request, taken apart."""

    method: str
    path: list[str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Answers one connection for each exchange, in order, and notes what it got and what was wrong."""

    exchanges: list[dict[str, Any]]
    received: list[Received] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __enter__(self) -> ScriptedServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listener.close()

    def finish(self) -> None:
        """Wait until the script is done, then note whatever else comes."""
        self._thread.join()
        self._listener.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.close()
            self.problems.append("one request too many")

    def _serve(self) -> None:
        for number, exchange in enumerate(self.exchanges, 1):
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                self.problems.append(f"request {number} of {len(self.exchanges)} did not come")
                return
            with connection:
                connection.settimeout(PATIENCE)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self.received.append(read_request(connection))
                    with contextlib.suppress(ConnectionError):  # as has this one, in the middle
                        self._respond(connection, exchange["response"])
                except (OSError, AssertionError) as e:
                    self.problems.append(f"exchange {number}: {e!r}")

    def _respond(self, connection: socket.socket, response: dict[str, Any]) -> None:
        then = response.get("then", "close")
        if then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        chunked = "chunks" in response and response.get("framing", "chunked") == "chunked"
        connection.sendall(opening(response, chunked=chunked))
        for chunk in chunks_of(response):
            connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk) if chunked else chunk)
        if then == "close" and chunked:
            connection.sendall(b"0\r\n\r\n")
        if then == "stall":
            self._await_close(connection)
        else:
            with contextlib.suppress(OSError):  # a client that has had enough has left
                connection.shutdown(socket.SHUT_WR)

    def _await_close(self, connection: socket.socket) -> None:
        try:
            while connection.recv(4096):
                pass
        except TimeoutError:
            self.problems.append("the client has not closed the connection")


def opening(response: dict[str, Any], *, chunked: bool) -> bytes:
    """Return the head of a response, and the body where that is in one piece."""
    headers = {"Connection": "close"}
    body = b""
    if "json" in response:
        headers["Content-Type"] = "application/json"
        body = json.dumps(response["json"]).encode()
    elif "text" in response:
        body = response["text"].encode()
    if "chunks" in response:
        headers["Content-Type"] = "text/event-stream"
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
    elif response.get("status", 200) not in (204, 304):
        headers["Content-Length"] = str(len(body))
    headers |= response.get("headers", {})
    lines = [f"HTTP/1.1 {response.get('status', 200)} Scripted", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def chunks_of(response: dict[str, Any]) -> list[bytes]:
    chunks = [
        chunk.encode() if isinstance(chunk, str) else base64.b64decode(chunk["base64"])
        for chunk in response.get("chunks", [])
    ]
    return [bytes([byte]) for byte in b"".join(chunks)] if response.get("split") == "bytes" else chunks


def read_request(connection: socket.socket) -> Received:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("a connection without a request")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        assert name.lower() not in headers, f"{name} twice"
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        body += connection.recv(65536)
    path, _, query = target.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    assert len({name for name, _, _ in pairs}) == len(pairs), f"a parameter twice: {query}"
    return Received(
        method=method,
        path=[unquote(part) for part in path.split("/")],
        query={unquote_plus(name): unquote_plus(value) for name, _, value in pairs},
        headers=headers,
        body=body,
    )
