"""Leave an answer in the middle and follow it later, from where one left, even from another process.

A connection that merely breaks needs none of this: a stream takes itself up again.
Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
"""

import asyncio

from openclaw import AsyncOpenClaw


async def main() -> None:
    async with AsyncOpenClaw() as client:
        async with client.stream("Tell a story of ten sentences.") as stream:
            async for text in stream.text():
                print(text, end="", flush=True)
                break  # the assistant goes on without us
        print(" [left]")

        async with client.messages.stream(stream.message_id, after=stream.last_event_id) as rest:
            async for text in rest.text():
                print(text, end="", flush=True)
        print()


if __name__ == "__main__":
    asyncio.run(main())
