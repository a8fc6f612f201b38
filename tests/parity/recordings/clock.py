"""Virtual time: an agenda of things that happen, and the two clocks everybody reads."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from eso_core.instant import SECOND, Instant, Now

TICK = 20_000  # nanoseconds that one step of the operator takes: time never stands still
_EPOCH = 1_790_000_000 * SECOND + 123_456_789


class Clock:
    """``mono`` (nanoseconds since the beginning) only moves forward."""

    def __init__(self) -> None:
        self.mono = 0
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0  # things of one moment happen in the order in which they were put on the agenda

    @property
    def now(self) -> Now:
        """Both clocks."""
        return Now(Instant(_EPOCH + self.mono), self.mono)

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Have something happen in a while."""
        self._count += 1
        heapq.heappush(self._agenda, (self.mono + int(seconds * SECOND), self._count, do))

    def next_at(self) -> int | None:
        """When the next thing happens."""
        return self._agenda[0][0] if self._agenda else None

    def happen(self) -> None:
        """Let everything that is due happen, in order."""
        while self._agenda and self._agenda[0][0] <= self.mono:
            heapq.heappop(self._agenda)[2]()
