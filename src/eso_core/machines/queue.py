"""A work queue: every key at most once, classes by turns, earliest due first in a class, never two runs of one key at a time."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping
from typing import Generic, TypeAlias, TypeVar

from eso_core.machines.turns import REASONS, Reason, Turns

K = TypeVar("K", bound=Hashable)
_Entry: TypeAlias = tuple[int, int, K]  # due at, number, key


class Queue(Generic[K]):
    """Keys with the time (monotonic nanoseconds) from which they may run, and why.

    ``at`` is when a pass is asked for: now, or a time at which it will be due. :meth:`asked_at` tells the latest such time of a pass.

    Guarantees
        * A key that is added runs at least once at or after the time given, or earlier if it was added for earlier.
        * While a key runs it is not handed out; additions meanwhile are kept for :meth:`done`.
        * A key is in one class, the best that it was added for. Among classes with due keys :class:`Turns` decides; within a class the
          earliest due comes first, and keys due at the same time in the order in which they were added.
        * Operations cost the logarithm of the number of keys; memory follows that number.
    """

    def __init__(self) -> None:
        self._due: dict[K, int] = {}
        self._reason: dict[K, Reason] = {}
        self._later: dict[K, tuple[int, int]] = {}  # what else keys were added for since their last turn: the earliest and the latest
        self._heaps: tuple[list[_Entry[K]], ...] = tuple([] for _ in REASONS)  # with superseded entries
        self._turns = Turns()
        self._running: dict[K, tuple[Reason, int]] = {}  # why each key runs, and when it was last asked for
        self._again: dict[K, tuple[int, Reason]] = {}  # what running keys were added for meanwhile
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    @property
    def running(self) -> int:
        """How many keys are handed out."""
        return len(self._running)

    def reason(self, key: K) -> Reason:
        """Why ``key`` runs."""
        return self._running[key][0]

    def asked_at(self, key: K) -> int:
        """The latest time up to its turn for which ``key``, which runs, was added; or later than that, but not after its turn."""
        return self._running[key][1]

    def add(self, key: K, at: int, reason: Reason = Reason.REFRESH) -> None:
        """Let ``key`` run at ``at`` for ``reason``, or keep the earlier time and the better class that it already has."""
        if key in self._running:
            held = self._again.get(key)
            if held is not None and held[0] != at:
                self._note(key, max(held[0], at))
            self._again[key] = (at, reason) if held is None else (min(held[0], at), min(held[1], reason))
            return
        known = self._due.get(key)
        if known is not None:
            was = self._reason[key]
            if known != at:
                self._note(key, max(known, at))
            if known <= at and was <= reason:
                return
            at, reason = min(known, at), min(was, reason)
        self._due[key] = at
        self._reason[key] = reason
        self._count += 1
        heapq.heappush(self._heaps[reason], (at, self._count, key))
        self._compact(reason)

    def add_first(self, key: K, now: int, reason: Reason, asked: int) -> None:
        """Let ``key`` run now, before all others of its class: it has had its turn, asked for at ``asked``, and could not use it."""
        if key in self._running:
            self.add(key, now, reason)
            return
        head = self._head(reason)
        self.add(key, now if head is None else min(now, head[0] - 1), reason)
        self._note(key, asked)

    def _note(self, key: K, at: int) -> None:
        held = self._later.get(key)
        self._later[key] = (at, at) if held is None else (min(held[0], at), max(held[1], at))

    def take(self, now: int) -> K | None:
        """A key that is due at ``now``, marked as running; ``None`` when there is none."""
        due = []
        for reason, heap in enumerate(self._heaps):
            if heap and heap[0][0] <= now:
                head = self._head(reason)
                if head is not None and head[0] <= now:
                    due.append(reason)
        if not due:
            return None
        key = heapq.heappop(self._heaps[self._turns.pick(due)])[2]
        asked = self._due.pop(key)
        later = self._later.pop(key, None)
        if later is not None and later[0] <= now:
            asked = min(later[1], now)
        self._running[key] = self._reason.pop(key), asked
        return key

    def done(self, key: K, again_at: int | None, reason: Reason = Reason.REFRESH) -> None:
        """``key`` has stopped running; it runs again at ``again_at`` or when it was added for meanwhile, whichever is earlier."""
        self._running.pop(key, None)
        held = self._again.pop(key, None)
        if held is not None:
            self.add(key, *held)
        if again_at is not None:
            self.add(key, again_at, reason)

    def waiting(self, now: int) -> int:
        """How many keys are due and have not had their turn."""
        return sum(at <= now for at in self._due.values())

    def next_at(self) -> int | None:
        """When the earliest waiting key is due."""
        return min((head[0] for reason in REASONS if (head := self._head(reason)) is not None), default=None)

    def due_since(self, now: int) -> int:
        """For how long (nanoseconds) the earliest waiting key has been due; 0 when none is."""
        return max(self.overdue(now).values())

    def overdue(self, now: int) -> Mapping[Reason, int]:
        """The same for each class."""
        heads = {reason: self._head(reason) for reason in REASONS}
        return {reason: max(0, now - head[0]) if head is not None else 0 for reason, head in heads.items()}

    def _head(self, reason: int) -> _Entry[K] | None:
        heap = self._heaps[reason]
        while heap:
            head = heap[0]
            if self._is_current(head, reason):
                return head
            heapq.heappop(heap)
        return None

    def _is_current(self, entry: _Entry[K], reason: int) -> bool:
        return self._due.get(entry[2]) == entry[0] and self._reason[entry[2]] == reason

    def _compact(self, reason: int) -> None:
        """Drop superseded entries once they are the majority, so that memory follows the number of keys."""
        heap = self._heaps[reason]
        if len(heap) > 2 * len(self._due) + 64:
            heap[:] = [entry for entry in heap if self._is_current(entry, reason)]
            heapq.heapify(heap)
