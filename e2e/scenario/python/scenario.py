"""The scenario with the Python client; see the README beside this folder."""

import json
from collections.abc import Callable
from typing import Any

from openclaw import APIError, OpenClaw, OpenClawError

SESSION = "live"


def say(**step: Any) -> None:
    print(json.dumps(step), flush=True)


def failure(step: str, error: OpenClawError) -> dict[str, Any]:
    if isinstance(error, APIError):
        return {"step": step, "code": error.code or "", "reason": error.reason or ""}
    return {"step": step, "error": repr(error)}


def failing(step: str, call: Callable[[], object]) -> None:
    try:
        call()
    except OpenClawError as e:
        say(**failure(step, e))
    else:
        say(step=step, error="none")


def main() -> None:
    # Retries enough for a gateway that starts on a busy machine.
    with OpenClaw(max_retries=8) as client:
        status = client.status()
        say(step="status", status=status.status, provider=status.model.provider, model=status.model.model)

        reply = client.chat(message="one", session_key=SESSION, idempotency_key="key one")
        say(
            step="chat",
            content=reply.content,
            session=reply.session_key,
            model=reply.model,
            input=reply.usage.input_tokens,
            output=reply.usage.output_tokens,
        )
        again = client.chat(message="one", session_key=SESSION, idempotency_key="key one")
        say(step="same key", same=again.id == reply.id, replayed=again.meta.replayed)

        text, types = "", list[str]()
        with client.stream(message="two", session_key=SESSION) as stream:
            for event in stream:
                types.append(event.type)
                if event.type == "delta":
                    text += event.content
        say(step="stream", text=text, types=types)

        failing("error", lambda: client.chat(message="three", session_key=SESSION))
        failing("unknown", lambda: client.sessions.get("never-opened"))

        with client.stream(message="four", session_key=SESSION) as stream:
            try:
                for event in stream:
                    if event.type == "delta":
                        client.messages.cancel(stream.message_id)
            except OpenClawError as e:
                say(**failure("cancelled", e))
            message = client.messages.get(stream.message_id)
        say(step="message", status=message.status, content=message.content, session=message.session_key)

        text, deltas = "", 0
        with client.stream(message="five", session_key=SESSION) as stream:
            try:
                for event in stream:
                    if event.type == "delta":
                        text += event.content
                        deltas += 1
                        if deltas == 2:
                            say(step="streaming")  # the gateway is killed now, and started again
            except OpenClawError as e:
                say(**failure("interrupted", e), text=text)
        say(step="after", content=client.chat(message="six", session_key=SESSION).content)

        history = [[m.role, m.status, m.content] for m in client.sessions.history(SESSION)]
        say(step="history", messages=history)
        keys = [s.key for s in client.sessions.list()]
        say(step="sessions", keys=keys, messages=client.sessions.get(SESSION).message_count)
        client.sessions.delete(SESSION)
        failing("deleted", lambda: client.sessions.get(SESSION))


if __name__ == "__main__":
    main()
