"""Leave an answer in the middle and follow it later, from where one left, even from another process.

A connection that merely breaks needs none of this: a stream takes itself up again.
Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
"""

from openclaw import OpenClaw


def main() -> None:
    with OpenClaw() as client:
        with client.stream("Tell a story of ten sentences.") as stream:
            for text in stream.text():
                print(text, end="", flush=True)
                break  # the assistant goes on without us
        print(" [left]")

        with client.messages.stream(stream.message_id, after=stream.last_event_id) as rest:
            for text in rest.text():
                print(text, end="", flush=True)
        print()


if __name__ == "__main__":
    main()
