"""The seam between what is decided and what is done.

All that the package decides (what to send, whether to try again, how a stream is taken up) stands once, in generators
without any input or output of their own: flows. A flow yields actions and is sent what came of them; what else it
yields, events and items, is for the caller. The two clients only perform actions, one blocking, one awaiting.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

YieldT = TypeVar("YieldT")
ReturnT = TypeVar("ReturnT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as often as it is sent."""

    operation: str
    method: str
    path: str  # from the root on, escaped, with any query
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    accept: str = "application/json"
    timeout: float  # seconds of silence until the headers of the answer, ...
    body_timeout: float  # ... and after them


@dataclass(frozen=True, slots=True)
class Head:
    """What comes before an answer's body. The headers are looked up without regard to case."""

    status: int
    headers: Mapping[str, str]


class Action:
    """Something for a client to do. A flow reads one answer at a time: Open and Sleep close the one before."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Open(Action):
    """Send a request. Comes to the Head of its answer."""

    url: str
    headers: Mapping[str, str]
    request: Request


@dataclass(frozen=True, slots=True)
class Read(Action):
    """Read on. Comes to some bytes of the body, or to b"" at its end."""


@dataclass(frozen=True, slots=True)
class Sleep(Action):
    """Wait. Comes to nothing."""

    seconds: float


class BrokenError(Exception):
    """What an action came to where the connection failed. Never leaves the package; its cause does.

    Attributes:
        retryable: Another try may fare better.
        timeout: It was silence that ended it.
    """

    def __init__(self, message: str, *, retryable: bool = True, timeout: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.timeout = timeout


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to."""

    value: object = None
    error: BrokenError | None = None

    def resume(self, flow: Generator[YieldT, Any, Any]) -> YieldT:
        """Tell the flow, and return what it yields next.

        Raises:
            StopIteration: When the flow has ended, with what it returned.
        """
        return flow.throw(self.error) if self.error else flow.send(self.value)


Call: TypeAlias = Generator[Action, Any, ReturnT]
"""A flow that comes to one value."""
Flow: TypeAlias = Generator[Action | YieldT, Any, None]
"""A flow that yields values between its actions."""
