"""Server-sent events, as the HTML standard defines them, from bytes that come in any pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_EVENT_BYTES = 16 << 20
"""What one event may take in memory. The gateway's are a thousand times smaller."""

_BOM = b"\xef\xbb\xbf"
_MAX_ID_DIGITS = 18  # of a 64-bit number, whatever its value
_LINE_END = re.compile(rb"\r\n|\r|\n")


class EventTooLongError(Exception):
    """An event is over `MAX_EVENT_BYTES`."""


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One event: its name ("message" where the stream gives none), its data, the last id seen up to it."""

    name: str
    data: str
    id: int


class EventDecoder:
    """Turns pieces of a stream into events.

    Lines end with LF, CR or CRLF; a byte order mark at the start is skipped; comments and unknown fields are ignored;
    what no empty line follows is not an event. The gateway numbers its events, so an id that is no number is ignored.
    """

    def __init__(self, last_id: int = 0) -> None:
        self._id = last_id
        self._buffer = bytearray()
        self._searched = 0  # no line ends before this index of the buffer
        self._at_start = True
        # A line ended with the buffer's last byte, a CR. Waiting for the LF that may belong to it would hold the event
        # back until the next one begins.
        self._after_cr = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[RawEvent]:
        """Yield the events that are whole now.

        Raises:
            EventTooLongError: Where memory has to be kept.
        """
        self._buffer += piece
        if self._at_start and not self._skip_bom():
            return
        for line in self._lines():
            event = self._line(line)
            if event is not None:
                yield event
        if len(self._buffer) + self._size > MAX_EVENT_BYTES:
            raise EventTooLongError(f"an event of over {MAX_EVENT_BYTES >> 20} MiB")

    def _skip_bom(self) -> bool:
        if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
            return False  # may yet become one
        if self._buffer.startswith(_BOM):
            del self._buffer[: len(_BOM)]
        self._at_start = False
        return True

    def _lines(self) -> Iterator[bytes]:
        if self._after_cr and self._buffer:
            self._after_cr = False
            if self._buffer.startswith(b"\n"):
                del self._buffer[0]
        begin = 0
        while match := _LINE_END.search(self._buffer, max(begin, self._searched)):
            line = bytes(self._buffer[begin : match.start()])
            begin = match.end()
            self._after_cr = begin == len(self._buffer) and match[0] == b"\r"
            yield line
        del self._buffer[:begin]
        self._searched = len(self._buffer)

    def _line(self, line: bytes) -> RawEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"data":
            self._data.append(value)
            self._size += len(value) + 1
        elif field == b"id" and value.isdigit() and len(value) <= _MAX_ID_DIGITS:
            self._id = int(value)
        return None

    def _dispatch(self) -> RawEvent | None:
        name, data = self._name or "message", self._data
        self._name, self._data, self._size = "", [], 0
        if not data:
            return None
        return RawEvent(name, b"\n".join(data).decode("utf-8", "replace"), self._id)
