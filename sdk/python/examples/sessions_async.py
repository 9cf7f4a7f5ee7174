"""List the sessions, read the newest one, and delete a session.

Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
"""

import asyncio

from openclaw import AsyncOpenClaw, NotFoundError


async def main() -> None:
    async with AsyncOpenClaw() as client:
        reply = await client.chat("Remember the number 42.")
        key = reply.session_key
        async for session in client.sessions.list():
            print(f"{session.key}: {session.message_count} messages, last at {session.last_activity:%Y-%m-%d %H:%M}")
        async for message in client.sessions.history(key):
            print(f"{message.role}: {message.content}")
        await client.sessions.delete(key)
        try:
            await client.sessions.get(key)
        except NotFoundError:
            print(f"{key} is gone")


if __name__ == "__main__":
    asyncio.run(main())
