"""Whose turn it is: classes of keys, each with a guaranteed share.

=========  ======  ==========================================================================================
class      share   keys
=========  ======  ==========================================================================================
STORE      first   stores, whatever the reason: everything else waits for them
CHANGED    8       a person or program changed the object, or its target was edited or deleted
NEW        4       never synced
REFRESH    2       the interval has passed, or a restart
RETRY      1       failed before, or waited for something
=========  ======  ==========================================================================================

Guarantees
    * Of any ``2 * sum(SHARES) - 1`` turns without stores during which a class has due keys all the time, it gets at least its share.
    * A class alone gets every turn: shares count among classes that have due keys.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from enum import IntEnum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Reason(IntEnum):
    """The class of a key, better ones first."""

    STORE = 0
    CHANGED = 1
    NEW = 2
    REFRESH = 3
    RETRY = 4


REASONS = tuple(Reason)
SHARES = (0, 8, 4, 2, 1)  # turns of a round, by Reason; stores need none


class Turns:
    """Rounds of turns. In a round each class has its share; the round ends when no class that is due has any of it left."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = list(SHARES)

    def pick(self, due: Sequence[int]) -> int:
        """The class whose turn it is. ``due``: the classes with due keys, better ones first, at least one."""
        left = self._left
        best = due[0]
        if best == 0:
            return best
        for each in due:
            if left[each]:
                left[each] -= 1
                return each
        left[:] = SHARES
        left[best] -= 1
        return best


class Line(Generic[K]):
    """Keys that wait in line, each once, in one class: within a class first come, first served."""

    __slots__ = ("_of", "_rows", "_turns")

    def __init__(self) -> None:
        self._rows: tuple[OrderedDict[K, None], ...] = tuple(OrderedDict() for _ in REASONS)
        self._of: dict[K, Reason] = {}
        self._turns = Turns()

    def __len__(self) -> int:
        return len(self._of)

    def __contains__(self, key: K) -> bool:
        return key in self._of

    def has(self, reason: Reason) -> bool:
        """A key of this class waits."""
        return bool(self._rows[reason])

    def put(self, key: K, reason: Reason) -> None:
        """Let ``key`` wait. One that waits already keeps its place, or moves to a better class."""
        known = self._of.get(key)
        if known is not None and known <= reason:
            return
        if known is not None:
            del self._rows[known][key]
        self._of[key] = reason
        self._rows[reason][key] = None

    def forget(self, key: K) -> None:
        """``key`` does not wait any more."""
        reason = self._of.pop(key, None)
        if reason is not None:
            del self._rows[reason][key]

    def take(self) -> tuple[K, Reason] | None:
        """Whose turn it is, out of the line."""
        due = [reason for reason, row in enumerate(self._rows) if row]
        if not due:
            return None
        reason = REASONS[self._turns.pick(due)]
        key, _ = self._rows[reason].popitem(last=False)
        del self._of[key]
        return key, reason
