"""The decoder of server-sent events, beyond what the vectors show of it."""

from __future__ import annotations

import random

import pytest

from openclaw._core import sse
from openclaw._core.sse import EventDecoder, EventTooLongError, RawEvent

STREAM = (
    "\ufeff: hello\n\nid: 1\nevent: start\ndata: {}\n\nid:2\r\nevent:delta\r\ndata:a\r\ndata: ü世🦀\r\n\r\n"
    ":\r\rdata\rid: x\r\revent: lonely\n\nid: 7\n\ndata: \ufeffb\n\ndata: cut off\n"
).encode()
EVENTS = [
    RawEvent("start", "{}", 1),
    RawEvent("delta", "a\nü世🦀", 2),
    RawEvent("message", "", 2),
    RawEvent("message", "\ufeffb", 7),
]


def decode(*pieces: bytes) -> list[RawEvent]:
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def test_whole() -> None:
    assert decode(STREAM) == EVENTS


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_cut_in_two(at: int) -> None:
    assert decode(STREAM[:at], STREAM[at:]) == EVENTS


def test_cut_anywhere() -> None:
    source = random.Random(20260208)
    for _ in range(500):
        cuts = sorted(source.choices(range(len(STREAM) + 1), k=source.randrange(12)))
        assert decode(*(STREAM[a:b] for a, b in zip([0, *cuts], [*cuts, len(STREAM)], strict=True))) == EVENTS


def test_an_event_is_there_with_its_last_byte() -> None:
    decoder = EventDecoder()
    assert list(decoder.feed(b"data: a\r")) == []
    assert list(decoder.feed(b"\r")) == [RawEvent("message", "a", 0)]
    assert list(decoder.feed(b"\ndata: b\n\n")) == [RawEvent("message", "b", 0)]


@pytest.mark.parametrize("text", ["-1", "+1", " 1", "1 ", "1.0", "1_0", "\u0661", "9" * 19, "9" * 5000, "\0", ""])
def test_an_id_that_is_no_number_is_ignored(text: str) -> None:
    events = EventDecoder(last_id=5).feed(f"id: {text}\ndata\n\n".encode())
    assert [event.id for event in events] == [5]


def test_broken_utf8_is_replaced() -> None:
    assert decode(b"event: \xff\ndata: \xe4\xb8\n\n") == [RawEvent("\ufffd", "\ufffd", 0)]


@pytest.mark.parametrize("shape", ["line", "lines", "name"])
def test_memory_is_bounded(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    piece = {"line": b"x" * 100, "lines": b"data: " + b"x" * 93 + b"\n", "name": b"event: " + b"x" * 100}[shape]
    decoder = EventDecoder()
    for _ in range(8):
        assert list(decoder.feed(piece)) == []
    with pytest.raises(EventTooLongError):
        list(decoder.feed(piece * 3))


def test_what_is_done_with_takes_no_memory() -> None:
    decoder = EventDecoder()
    for _ in range(100):
        assert len(list(decoder.feed(b"data: x\n\n" * 1000))) == 1000
    assert len(decoder._buffer) == 0


def test_a_long_line_in_many_pieces_is_not_searched_again_and_again() -> None:
    decoder = EventDecoder()
    list(decoder.feed(b"data: " + b"x" * 1000))
    assert decoder._searched == len(decoder._buffer) == 1006
    assert list(decoder.feed(b"\n\n")) == [RawEvent("message", "x" * 1000, 0)]
