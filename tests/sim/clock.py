"""Virtual time: an agenda of things that happen, and the two clocks everybody reads."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from eso_core.instant import SECOND, Instant, Now

FAR = 1 << 62  # no time: nothing is due
TICK = 20_000  # nanoseconds that one step of an operator takes: time never stands still
EPOCH = 1_790_000_000 * SECOND + 123_456_789


class Clock:
    """``mono`` only moves forward; ``wall`` may jump."""

    def __init__(self) -> None:
        self.mono = 1000 * SECOND
        self._wall = EPOCH
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    @property
    def now(self) -> Now:
        """Both clocks."""
        return Now(Instant(self._wall + self.mono), self.mono)

    @property
    def seconds(self) -> float:
        """Seconds since the start, for people."""
        return self.mono / SECOND - 1000

    def jump(self, length: int) -> None:
        """Set the wall clock forward, or back."""
        self._wall += length

    def after(self, delay: float, do: Callable[[], None]) -> None:
        """Have something happen in ``delay`` seconds."""
        self.at(self.mono + int(delay * SECOND), do)

    def at(self, mono: int, do: Callable[[], None]) -> None:
        """Have something happen at a time."""
        self._count += 1
        heapq.heappush(self._agenda, (mono, self._count, do))

    def next_at(self) -> int:
        """When the next thing happens; ``FAR`` when nothing does."""
        return self._agenda[0][0] if self._agenda else FAR

    def happen(self) -> None:
        """Let everything that is due happen, in order."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= self.mono:
            heapq.heappop(agenda)[2]()
