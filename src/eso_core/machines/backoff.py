"""Growing pauses (reference: ``pkg/controllers/common/common.go``, 1 s doubling to 7 min), with jitter and without a shared bucket."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from eso_core.instant import MINUTE, SECOND

K = TypeVar("K", bound=Hashable)
FIRST = 1 * SECOND
LAST = 7 * MINUTE


def pause(attempt: int, jitter: float, *, first: int = FIRST, last: int = LAST) -> int:
    """Nanoseconds before attempt number ``attempt`` (0, 1, …) is repeated: ``first * 2**attempt``, at most ``last``, less up to 10 %.

    ``jitter`` is in ``[0, 1)``.
    """
    full = min(last, first << min(attempt, 40))
    return full - int(full * jitter / 10)


class Backoff(Generic[K]):
    """How often each key failed in a row."""

    def __init__(self, random: Callable[[], float], *, first: int = FIRST, last: int = LAST) -> None:
        self._random = random
        self._first, self._last = first, last
        self._failures: dict[K, int] = {}

    def __len__(self) -> int:
        return len(self._failures)

    def next(self, key: K) -> int:
        """Count one more failure of ``key`` and return how long to wait (nanoseconds)."""
        attempt = self._failures.get(key, 0)
        self._failures[key] = attempt + 1
        return pause(attempt, self._random(), first=self._first, last=self._last)

    def clear(self, key: K) -> None:
        """Forget the failures of ``key``."""
        self._failures.pop(key, None)
