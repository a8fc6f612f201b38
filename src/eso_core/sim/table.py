"""The objects of one resource, and how they came to be: enough history to watch from the past and to page through one snapshot.

Objects are immutable: a write makes a new :class:`Stored`, and a :class:`Change` that holds it and its predecessor. A state in the past is
the present with the newer changes undone: a page of an old list costs as many steps as there were writes since, nothing is copied up front.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from eso_core.sim.ownership import Owners

Key = tuple[str, str]  # namespace, name

_TRIM_SLACK = 2  # history is cut when it is this many times as long as it may be: cutting is then O(1) a write


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One version of one object. ``doc`` has neither ``apiVersion`` nor ``kind`` and is never changed; ``inner`` is its JSON."""

    key: Key
    rv: int
    doc: dict[str, Any]
    inner: bytes
    owners: Owners

    @property
    def meta(self) -> dict[str, Any]:
        """``metadata``."""
        meta: dict[str, Any] = self.doc["metadata"]
        return meta

    @property
    def labels(self) -> dict[str, str]:
        """``metadata.labels``."""
        labels: dict[str, str] = self.doc["metadata"].get("labels", {})
        return labels

    @property
    def uid(self) -> str:
        """``metadata.uid``."""
        uid: str = self.doc["metadata"]["uid"]
        return uid


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One write. ``old`` is ``None`` for ADDED; for DELETED, ``new`` is the last state at the version of the deletion."""

    rv: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    new: Stored
    old: Stored | None


def dump(doc: dict[str, Any]) -> bytes:
    """The JSON of a document, keys sorted: equal bytes mean equal objects."""
    return orjson.dumps(doc, option=orjson.OPT_SORT_KEYS)


def freeze(key: Key, doc: dict[str, Any], rv: int, owners: Owners) -> Stored:
    """``doc`` at version ``rv``. The document is taken over; its metadata is copied."""
    doc = {**doc, "metadata": {**doc["metadata"], "resourceVersion": str(rv)}}
    return Stored(key, rv, doc, dump(doc), owners)


def rehearsed(key: Key, doc: dict[str, Any], owners: Owners) -> Stored:
    """``doc`` as a new object that will not be stored: without a version."""
    return Stored(key, 0, doc, dump(doc), owners)


class Table:
    """A machine with one owner, the API server. Not to be shared."""

    __slots__ = ("_base", "_changes", "_history", "_keys", "_objects", "_sorted", "floor")

    def __init__(self, history: int) -> None:
        self._objects: dict[Key, Stored] = {}
        self._keys: list[Key] = []
        self._sorted = True
        self._changes: list[Change] = []
        self._base = 0  # how many changes were cut off
        self._history = history
        self.floor = 0  # versions before this one cannot be watched from any more

    def copy(self) -> Table:
        """A table that goes its own way from here; versions are shared, they never change."""
        other = Table(self._history)
        other._objects, other._keys, other._changes = self._objects.copy(), self._keys.copy(), self._changes.copy()
        other._sorted, other._base, other.floor = self._sorted, self._base, self.floor
        return other

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: Key) -> Stored | None:
        """The present version."""
        return self._objects.get(key)

    @property
    def end(self) -> int:
        """The number of the next change: where a watch that begins now starts."""
        return self._base + len(self._changes)

    def put(self, stored: Stored) -> None:
        """Store a new version of an object, or a new object."""
        old = self._objects.get(stored.key)
        self._objects[stored.key] = stored
        if old is None:
            self._sorted = self._sorted and (not self._keys or self._keys[-1] < stored.key)
            self._keys.append(stored.key)
        self._record(Change(stored.rv, "ADDED" if old is None else "MODIFIED", stored, old))

    def remove(self, key: Key, last: Stored) -> None:
        """Remove an object; ``last`` is its last state at the version of the removal."""
        old = self._objects.pop(key)
        self._order()
        del self._keys[bisect_left(self._keys, key)]
        self._record(Change(last.rv, "DELETED", last, old))

    def compact(self, rv: int) -> None:
        """Forget the way to every version before ``rv``, as far as new readers are concerned."""
        self.floor = max(self.floor, rv)

    def _record(self, change: Change) -> None:
        self._changes.append(change)
        if len(self._changes) >= _TRIM_SLACK * max(self._history, 1):
            cut = len(self._changes) - self._history
            self.floor = max(self.floor, self._changes[cut - 1].rv)
            del self._changes[:cut]
            self._base += cut

    def _order(self) -> None:
        if not self._sorted:
            self._keys.sort()
            self._sorted = True

    # ------------------------------------------------------------ reading

    def select(self, namespace: str, after: Key | None = None) -> list[Stored]:
        """The objects of a namespace (``""``: of all), in key order, from the first key that is not before ``after``."""
        self._order()
        start, stop = _bounds(self._keys, namespace, after)
        return [self._objects[key] for key in self._keys[start:stop]]

    def select_at(self, rv: int, namespace: str, after: Key | None = None) -> list[Stored]:
        """The same as of version ``rv``, which must not be before :attr:`floor`."""
        touched: dict[Key, Stored | None] = {}
        for change in reversed(self._changes):
            if change.rv <= rv:
                break
            touched[change.new.key] = change.old
        if not touched:
            return self.select(namespace, after)
        state = {key: stored for key, stored in self._objects.items() if key not in touched}
        state.update((key, stored) for key, stored in touched.items() if stored is not None)
        keys = sorted(state)
        start, stop = _bounds(keys, namespace, after)
        return [state[key] for key in keys[start:stop]]

    def position(self, rv: int) -> int:
        """The number of the first change after version ``rv``."""
        low, high = 0, len(self._changes)
        while low < high:
            middle = (low + high) // 2
            if self._changes[middle].rv <= rv:
                low = middle + 1
            else:
                high = middle
        return self._base + low

    def changes_from(self, position: int) -> list[Change] | None:
        """The changes from a position on, or ``None`` when they were cut off."""
        return None if position < self._base else self._changes[position - self._base :]


def _bounds(keys: list[Key], namespace: str, after: Key | None) -> tuple[int, int]:
    first = max((namespace, ""), after) if after is not None else (namespace, "")
    start = bisect_left(keys, first)
    stop = bisect_left(keys, (f"{namespace}\0", "")) if namespace else len(keys)
    return start, max(start, stop)
