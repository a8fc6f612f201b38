"""Who waits for a change of which object."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=Hashable)


class Waits(Generic[K, R]):
    """Keys by the things they wait for. A key is told once, then has to wait anew."""

    def __init__(self) -> None:
        self._keys_of: dict[R, dict[K, None]] = {}  # in the order in which they began to wait
        self._things_of: dict[K, frozenset[R]] = {}

    def wait(self, key: K, things: frozenset[R]) -> None:
        """``key`` waits for a change of any of ``things``, and of nothing else any more."""
        self.forget(key)
        if things:
            self._things_of[key] = things
        for thing in things:
            self._keys_of.setdefault(thing, {})[key] = None

    def changed(self, thing: R) -> Iterable[K]:
        """Whom to tell that ``thing`` has changed."""
        return tuple(self._keys_of.pop(thing, ()))

    def forget(self, key: K) -> None:
        """``key`` waits for nothing."""
        for thing in self._things_of.pop(key, frozenset()):
            keys = self._keys_of.get(thing, {})
            keys.pop(key, None)
            if not keys:
                self._keys_of.pop(thing, None)
