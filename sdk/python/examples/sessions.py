"""List the sessions, read the newest one, and delete a session.

Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
"""

from openclaw import NotFoundError, OpenClaw


def main() -> None:
    with OpenClaw() as client:
        key = client.chat("Remember the number 42.").session_key
        for session in client.sessions.list():
            print(f"{session.key}: {session.message_count} messages, last at {session.last_activity:%Y-%m-%d %H:%M}")
        for message in client.sessions.history(key):
            print(f"{message.role}: {message.content}")
        client.sessions.delete(key)
        try:
            client.sessions.get(key)
        except NotFoundError:
            print(f"{key} is gone")


if __name__ == "__main__":
    main()
