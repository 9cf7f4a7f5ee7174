"""Stop an answer in the middle.

Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
"""

import asyncio

from openclaw import AnswerCancelledError, AsyncOpenClaw

ENOUGH = 3


async def main() -> None:
    async with AsyncOpenClaw() as client, client.stream("Count to a thousand, in words.") as stream:
        try:
            number = 0
            async for text in stream.text():
                print(text, end="", flush=True)
                number += 1
                if number == ENOUGH:
                    await client.messages.cancel(stream.message_id)
        except AnswerCancelledError:
            print("\n[cancelled]")
        message = await client.messages.get(stream.message_id)
        print(f"[{message.status}: {len(message.content)} characters were kept]")


if __name__ == "__main__":
    asyncio.run(main())
