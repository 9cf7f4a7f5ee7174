"""A gateway small enough to see through, for the examples and the quick start: it answers by counting words."""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "your-api-token"
TIME = "2026-02-08T10:30:00Z"
MODEL = "counting-1"


@dataclass
class Answer:
    """An answer in the making. A long one stops after a few words until it is cancelled."""

    id: str
    session_key: str
    events: list[tuple[str, dict[str, Any]]]
    cancelled: threading.Event = field(default_factory=threading.Event)
    long: bool = False

    @property
    def content(self) -> str:
        return "".join(data["content"] for name, data in self.events if name == "delta")


class Gateway(ThreadingHTTPServer):
    """Listens on a free port of the loopback from `with` to its end."""

    daemon_threads = False  # so that closing waits for them

    def __init__(self, *, cut_after: int | None = None) -> None:
        """Set it up; the first connection of each stream is cut after so many events."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.cut_after = cut_after
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.sessions: dict[str, list[dict[str, Any]]] = {}
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        self._ids = itertools.count(1)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Gateway:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def ask(self, message: str, session_key: str | None) -> Answer:
        number = next(self._ids)
        key = session_key or f"session_{number}"
        history = self.sessions.setdefault(key, [])
        history.append({"id": f"msg_u{number}", "role": "user", "content": message, "timestamp": TIME})
        words = [f"{i} " for i, _ in enumerate(message.split(), 1)]
        answer = Answer(f"msg_{number}", key, [], long="thousand" in message)
        answer.events.append(("start", {"id": answer.id, "sessionKey": key}))
        answer.events += [("delta", {"content": word}) for word in words]
        if answer.long:
            error = {"code": "CANCELLED", "message": "The answer was cancelled."}
            answer.events.append(("error", {"error": error}))
        else:
            answer.events.append(("done", self.summary(answer)))
            answered = {"id": answer.id, "role": "assistant", "content": answer.content, "timestamp": TIME}
            history.append({**answered, "status": "complete", "model": MODEL})
        self.answers[answer.id] = answer
        return answer

    def summary(self, answer: Answer) -> dict[str, Any]:
        usage = {"inputTokens": 1, "outputTokens": len(answer.content.split())}
        named = {"id": answer.id, "sessionKey": answer.session_key, "model": MODEL, "createdAt": TIME}
        return {"usage": usage, **named}


class Handler(BaseHTTPRequestHandler):
    """Routes by pattern; what matches none is a 404 in the contract's envelope."""

    server: Gateway
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._route()

    do_POST = do_DELETE = do_GET

    def _route(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._json(401, {"error": {"code": "UNAUTHORIZED", "message": "The API token is invalid."}})
            return
        routes: dict[str, Callable[..., None]] = {
            r"POST /api/v1/chat": self._chat,
            r"POST /api/v1/chat/stream": self._stream,
            r"GET /api/v1/sessions": self._sessions,
            r"(GET|DELETE) /api/v1/sessions/([^/]+)": self._session,
            r"GET /api/v1/sessions/([^/]+)/history": self._history,
            r"GET /api/v1/messages/([^/]+)": self._message,
            r"GET /api/v1/messages/([^/]+)/stream": self._follow,
            r"POST /api/v1/messages/([^/]+)/cancel": self._cancel,
        }
        for pattern, handle in routes.items():
            if match := re.fullmatch(pattern, f"{self.command} {urlsplit(self.path).path}"):
                handle(body, *match.groups())
                return
        self._not_found()

    def _json(self, status: int, value: Any) -> None:
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if data:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _not_found(self) -> None:
        self._json(404, {"error": {"code": "NOT_FOUND", "message": "There is no such thing here."}})

    def _chat(self, body: dict[str, Any]) -> None:
        answer = self.server.ask(body["message"], body.get("sessionKey"))
        self._json(200, {"content": answer.content, **self.server.summary(answer)})

    def _stream(self, body: dict[str, Any]) -> None:
        answer = self.server.ask(body["message"], body.get("sessionKey"))
        self._events(answer, 0, self.server.cut_after)

    def _follow(self, _body: None, message_id: str) -> None:
        self._events(self.server.answers[message_id], int(self.headers.get("Last-Event-ID", 0)), None)

    def _events(self, answer: Answer, after: int, cut_after: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number, (name, data) in enumerate(answer.events[after:], after + 1):
            if answer.long and name == "error":
                answer.cancelled.wait()
            self.wfile.write(f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode())
            if number == cut_after:
                return

    def _message(self, _body: None, message_id: str) -> None:
        answer = self.server.answers[message_id]
        status = "incomplete" if answer.long else "complete"
        message = {"id": message_id, "role": "assistant", "content": answer.content, "timestamp": TIME}
        self._json(200, {**message, "status": status, "sessionKey": answer.session_key})

    def _cancel(self, body: None, message_id: str) -> None:
        self.server.answers[message_id].cancelled.set()
        self._message(body, message_id)

    def _sessions(self, _body: None) -> None:
        self._json(200, {"sessions": [self._summary(key) for key in reversed(self.server.sessions)]})

    def _session(self, _body: None, method: str, key: str) -> None:
        if key not in self.server.sessions:
            self._not_found()
        elif method == "DELETE":
            del self.server.sessions[key]
            self._json(204, None)
        else:
            self._json(200, self._summary(key))

    def _summary(self, key: str) -> dict[str, Any]:
        count = len(self.server.sessions[key])
        return {"key": key, "channel": "api", "createdAt": TIME, "lastActivity": TIME, "messageCount": count}

    def _history(self, _body: None, key: str) -> None:
        limit = int(parse_qs(urlsplit(self.path).query).get("limit", ["50"])[0])
        self._json(200, {"messages": self.server.sessions[key][-limit:]})
