"""A work queue: every key at most once, earliest due first, never two runs of one key at a time."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Queue(Generic[K]):
    """Keys with the time (monotonic nanoseconds) from which they may run.

    Guarantees
        * A key that is added runs at least once at or after the time given, or earlier if it was added for earlier.
        * While a key runs it is not handed out; additions meanwhile are kept for :meth:`done`.
        * Keys due at the same time come out in the order they were added.
    """

    def __init__(self) -> None:
        self._due: dict[K, int] = {}
        self._heap: list[tuple[int, int, K]] = []
        self._running: dict[K, int | None] = {}  # key -> earliest time it was added for while running
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    @property
    def running(self) -> int:
        """How many keys are handed out."""
        return len(self._running)

    def add(self, key: K, at: int) -> None:
        """Let ``key`` run at ``at``, or keep an earlier time that it already has."""
        if key in self._running:
            held = self._running[key]
            self._running[key] = at if held is None else min(held, at)
            return
        known = self._due.get(key)
        if known is None or at < known:
            self._due[key] = at
            self._count += 1
            heapq.heappush(self._heap, (at, self._count, key))
            self._compact()

    def take(self, now: int) -> K | None:
        """The earliest key that is due at ``now``, marked as running; ``None`` when there is none."""
        head = self._head()
        if head is None or head[0] > now:
            return None
        heapq.heappop(self._heap)
        key = head[2]
        del self._due[key]
        self._running[key] = None
        return key

    def done(self, key: K, again_at: int | None) -> None:
        """``key`` has stopped running; it runs again at ``again_at`` or when it was added for meanwhile, whichever is earlier."""
        held = self._running.pop(key, None)
        times = [at for at in (held, again_at) if at is not None]
        if times:
            self.add(key, min(times))

    def next_at(self) -> int | None:
        """When the earliest waiting key is due."""
        head = self._head()
        return head[0] if head else None

    def due_since(self, now: int) -> int:
        """For how long (nanoseconds) the earliest waiting key has been due; 0 when none is."""
        head = self._head()
        return max(0, now - head[0]) if head else 0

    def _head(self) -> tuple[int, int, K] | None:
        while self._heap:
            head = self._heap[0]
            if self._due.get(head[2]) == head[0]:
                return head
            heapq.heappop(self._heap)
        return None

    def _compact(self) -> None:
        """Drop superseded heap entries once they are the majority, so that memory follows the number of keys."""
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)
