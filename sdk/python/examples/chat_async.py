"""Ask a question, and go on in the same session.

Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
"""

import asyncio

from openclaw import APIError, AsyncOpenClaw, RateLimitError


async def main() -> None:
    async with AsyncOpenClaw() as client:
        try:
            reply = await client.chat("What is the capital of France?")
            print(reply.content)
            reply = await client.chat("And how many people live there?", session_key=reply.session_key)
            print(reply.content)
            print(f"[{reply.model}, {reply.usage.output_tokens} tokens, session {reply.session_key}]")
        except RateLimitError as e:
            print(f"Too many requests. Try again in {e.retry_after or 0:g} seconds.")
        except APIError as e:
            print(f"{e.code}: {e.message}")


if __name__ == "__main__":
    asyncio.run(main())
