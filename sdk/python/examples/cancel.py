"""Stop an answer in the middle.

Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
"""

from openclaw import AnswerCancelledError, OpenClaw

ENOUGH = 3


def main() -> None:
    with OpenClaw() as client, client.stream("Count to a thousand, in words.") as stream:
        try:
            for number, text in enumerate(stream.text(), 1):
                print(text, end="", flush=True)
                if number == ENOUGH:
                    client.messages.cancel(stream.message_id)
        except AnswerCancelledError:
            print("\n[cancelled]")
        message = client.messages.get(stream.message_id)
        print(f"[{message.status}: {len(message.content)} characters were kept]")


if __name__ == "__main__":
    main()
