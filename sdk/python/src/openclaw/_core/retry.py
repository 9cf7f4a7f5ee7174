"""When to try again, and how long to wait before it."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import APIError
from .actions import BrokenError

FIRST_WAIT = 0.5
MAX_WAIT = 8.0
JITTER = 0.25
MAX_RETRY_AFTER = 60.0
"""The longest wait, in seconds, that is sat out on the caller's behalf."""


def backoff(failures: int, random: Callable[[], float]) -> float:
    """Return the seconds to wait after `failures` waits before; `random` returns numbers in [0, 1)."""
    wait = min(FIRST_WAIT * 2 ** min(failures, 10), MAX_WAIT)
    return wait * (1 - JITTER + 2 * JITTER * random())


def wait_before_retry(
    failure: APIError | BrokenError, failures: int, max_retries: int, random: Callable[[], float]
) -> float | None:
    """Return the seconds to wait before another try, or None where there is to be none."""
    if failures >= max_retries:
        return None
    if isinstance(failure, BrokenError):
        return backoff(failures, random) if failure.retryable else None
    if failure.status not in (429, 503):  # 502: the gateway has tried its other models already
        return None
    if failure.retry_after is None:
        return backoff(failures, random)
    return failure.retry_after if failure.retry_after <= MAX_RETRY_AFTER else None
