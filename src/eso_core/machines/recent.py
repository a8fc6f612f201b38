"""Answers that a backend gave a moment ago, for passes that put the same question with the same identity.

An answer may be given again to a pass if the talk that gave it began at or after the moment when that pass was last asked for: then
whoever asked cannot tell it from one of their own. So nothing here depends on how long an answer is kept, but the memory.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from eso_core.door import Absent, Answer, Entries, Find, Found, Get, Query
from eso_core.instant import SECOND
from eso_core.wire import CallReply, HttpReply, SdkReply

KEEP = 2 * SECOND  # at least; at most twice as long
DESK_MAX, ALL_MAX = 256, 4096  # answers
DESK_BYTES, ALL_BYTES = 1 << 20, 8 << 20
ANSWER_BYTES, VALUE_BYTES = 512, 256  # of memory, beside the bytes that were received
DEPTH_MAX = 8  # of what a library returned


@dataclass(slots=True, eq=False)
class _Kept:
    shelf: Shelf
    query: Query
    answer: Answer | None  # None: not kept any more
    began: int
    at: int
    size: int


@dataclass(slots=True, eq=False)
class Shelf:
    """What is kept of one desk."""

    kept: dict[Query, _Kept] = field(default_factory=dict)
    size: int = 0


class Recent:
    """All of it. ``size`` is an estimate, in bytes: what was received, and what Python needs beside it."""

    def __init__(self) -> None:
        self._row: deque[_Kept] = deque()  # as they came
        self.size = 0
        self.sweep_at: int | None = None  # when :meth:`sweep` has something to do

    def get(self, shelf: Shelf, query: Query, asked: int) -> Answer | None:
        """An answer that is good enough for a pass that was last asked for at ``asked``."""
        kept = shelf.kept.get(query)
        return kept.answer if kept is not None and kept.began >= asked else None

    def put(self, shelf: Shelf, query: Query, answer: Answer, began: int, now: int, received: int) -> None:
        """Keep what came of a talk that began at ``began`` and received that many bytes for it. Failures and probes are not kept."""
        if not isinstance(answer, Found | Absent) or not isinstance(query, Get | Find):
            return
        size = _size(answer, received)
        before = shelf.kept.get(query)
        if size > DESK_BYTES or (before is not None and before.began > began):
            return
        if before is not None:
            self._drop(before)
        kept = shelf.kept[query] = _Kept(shelf, query, answer, began, now, size)
        self._row.append(kept)
        shelf.size += size
        self.size += size
        while shelf.size > DESK_BYTES or len(shelf.kept) > DESK_MAX:
            self._drop(next(iter(shelf.kept.values())))
        while self.size > ALL_BYTES or len(self._row) > ALL_MAX:
            self._drop(self._row.popleft())
        if self.sweep_at is None:
            self.sweep_at = now + KEEP

    def clear(self, shelf: Shelf) -> None:
        """Keep nothing of this desk."""
        for kept in list(shelf.kept.values()):
            self._drop(kept)

    def sweep(self, now: int) -> None:
        """Let go of what is older than ``KEEP``."""
        if self.sweep_at is None or now < self.sweep_at:
            return
        while self._row and (self._row[0].answer is None or self._row[0].at + KEEP <= now):
            self._drop(self._row.popleft())
        self.sweep_at = now + KEEP if self._row else None

    def _drop(self, kept: _Kept) -> None:
        if kept.answer is None:
            return
        kept.answer = None
        kept.shelf.size -= kept.size
        self.size -= kept.size
        del kept.shelf.kept[kept.query]


def weight(reply: CallReply) -> int:
    """How many bytes came with a reply; of what a library returned, the texts and bytes in it."""
    if isinstance(reply, HttpReply):
        return len(reply.body)
    return _texts(reply.value, 0) if isinstance(reply, SdkReply) else 0


def _texts(value: object, depth: int) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if depth >= DEPTH_MAX:
        return DESK_BYTES  # too deep to look at: too large to keep
    if isinstance(value, dict):
        return sum(VALUE_BYTES + _texts(key, depth + 1) + _texts(held, depth + 1) for key, held in value.items())
    if isinstance(value, list | tuple):
        return sum(VALUE_BYTES + _texts(held, depth + 1) for held in value)
    return 0


def _size(answer: Found | Absent, received: int) -> int:
    entries = len(answer.payload.values) if isinstance(answer, Found) and isinstance(answer.payload, Entries) else 0
    return ANSWER_BYTES + VALUE_BYTES * entries + received
