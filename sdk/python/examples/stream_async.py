"""Print an answer as it is written, with all that the stream tells about it.

Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
"""

import asyncio

from openclaw import AsyncOpenClaw


async def main() -> None:
    async with AsyncOpenClaw() as client, client.stream("Write a short poem about the sea.") as stream:
        async for event in stream:
            match event.type:
                case "start":
                    print(f"[answer {event.id} in session {event.session_key}]")
                case "delta":
                    print(event.content, end="", flush=True)
                case "done":
                    print(f"\n[{event.model}, {event.usage.output_tokens} tokens]")
                case "unknown":
                    pass  # from a gateway newer than this package


if __name__ == "__main__":
    asyncio.run(main())
