"""The watched kinds: those that always are, and those that are followed for as long as the pass of some key asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from eso_core.machines.cache import Cache, Change, Packed
from eso_core.machines.turns import Reason
from eso_core.machines.watch import Watcher
from eso_core.refs import Kind, Ref


def edited(change: Change) -> Reason:
    """An object that was known before was edited or deleted; one that turns up is no edit (the first list is full of them)."""
    return Reason.CHANGED if change.before is not None else Reason.REFRESH


def always(packed: Packed) -> bool:
    """Where there is no selector, every object is selected."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One watched kind.

    ``pack`` makes the cached form (``None``: not an object of this kind). ``wakes`` names the keys that a change makes worth a pass, and
    ``why`` their class. Keys of a kind that is ``first`` come before all others, whatever the reason. ``selected``: whether an
    object that was read by itself is one that the watch with this ``selector`` tells of.
    """

    kind: Kind
    pack: Callable[[bytes], Packed | None]
    wakes: Callable[[Change, Cache], Iterable[Ref]]
    why: Callable[[Change], Reason] = edited
    selected: Callable[[Packed], bool] = always
    selector: str = ""
    first: bool = False


class Kinds:
    """The rule and the watcher of each kind. ``follow`` makes the rule of a kind that is not always watched."""

    def __init__(
        self, watched: Iterable[Watched], follow: Callable[[Kind], Watched], *, namespace: str, random: Callable[[], float]
    ) -> None:
        self.rules: dict[Kind, Watched] = {}
        self.watchers: list[Watcher] = []
        self._make, self._namespace, self._random = follow, namespace, random
        self._followed: dict[Kind, tuple[Watcher, set[Ref]]] = {}
        for rule in watched:
            self._add(rule)
        self.vital = tuple(self.watchers)  # those without which nothing goes on

    def follow(self, kind: Kind, key: Ref) -> Watcher:
        """Watch ``kind`` for ``key``, if it is not watched yet."""
        if kind not in self._followed:
            self._followed[kind] = (self._add(self._make(kind)), set())
        watcher, keys = self._followed[kind]
        keys.add(key)
        return watcher

    def ended(self, key: Ref, asked: Kind | None) -> list[Watcher]:
        """A pass of ``key`` has ended, and ``asked`` for this kind. The watchers that nobody needs any more, which are forgotten."""
        left = [kind for kind, (_, keys) in self._followed.items() if kind != asked and key in keys]
        for kind in left:
            self._followed[kind][1].discard(key)
        return [self._forget(kind) for kind in left if not self._followed[kind][1]]

    def _add(self, rule: Watched) -> Watcher:
        watcher = Watcher(rule.kind, namespace=self._namespace, selector=rule.selector, random=self._random)
        self.rules[rule.kind] = rule
        self.watchers.append(watcher)
        return watcher

    def _forget(self, kind: Kind) -> Watcher:
        watcher, _ = self._followed.pop(kind)
        del self.rules[kind]
        self.watchers.remove(watcher)
        return watcher
