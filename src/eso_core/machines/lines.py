"""Who gets in at a desk, and who waits for it.

A pass that finds no room is put aside and its key stands in line; so does the key of a pass whose questions failed because the breaker
is open. Keys are let out of the line:

========  ====================================  ======================================================
breaker   passes                                the line is let out
========  ====================================  ======================================================
closed    as many as there is room, the others  as room is made, each class with its share
          stand in line
open      all                                   one key every ``PROBE_LAST``, whose ask is the probe,
                                                stores first; who has not been told yet, after 1 s,
                                                20 a second
reopened  as closed, but room for 2 at first    as room is made: 2, 4, 8 passes ... at a time
given up  as closed                             200 a second, to ask with the identity that came instead
========  ====================================  ======================================================

Room at a desk is for two passes for each query that may be under way (permitted talks * batch_max), and never for more passes than may
still be parked anywhere: so n desks that do not answer leave an (n + 1)th of all places free. Passes from before the breaker last opened,
whose calls may hang on, count only against twice the room of a desk at full speed. Stores, probes, and desks whose last answer was not good
wait while half of all places are taken.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from eso_core.instant import MILLISECOND, SECOND
from eso_core.machines.breaker import PROBE_LAST
from eso_core.machines.desk import Desk, Stay
from eso_core.machines.turns import Reason
from eso_core.refs import Ref

CROWD_BUSY, CROWD_IDLE = 20 * MILLISECOND, 4 * MILLISECOND  # between two attempts to get a pass into a desk that is full
WORKS = 250 * MILLISECOND  # a desk that answered this recently makes room by itself
TOLD_AFTER = 1 * SECOND  # from opening until who stands in line is told
DISMISSED_AT_ONCE = 20
TOLD_AT_ONCE, TOLD_EVERY = 2, 100 * MILLISECOND  # so that a thousand objects which fail at once are no burst of passes and writes

LetOut = tuple[Ref, Reason, int]  # a key, why, and when its pass was last asked for


class Lines:
    """All lines. A key that stands in line is let out, and it stands in one line only."""

    def __init__(self) -> None:
        self.uneasy: dict[str, Desk] = {}  # by identity: those with an open breaker, a line, or questions that are not under way
        self.of: dict[Ref, Desk] = {}
        self._called: dict[Ref, Desk] = {}
        self._latest: Desk | None = None  # the last one that a pass came to
        self._aside_at = -CROWD_BUSY  # the last time that a pass was

    @property
    def aside(self) -> int:
        """Passes that were put aside and have neither begun again nor been told."""
        return sum(len(desk.aside) for desk in self.uneasy.values())

    def held_back(self) -> dict[Ref, tuple[int, int]]:
        """For each store with desks that hold something back: how many breakers are open, and how many keys wait."""
        found: dict[Ref, tuple[int, int]] = {}
        for desk in self.uneasy.values():
            opened, keys = found.get(desk.access.store, (0, 0))
            found[desk.access.store] = (opened + desk.breaker.open, keys + len(desk.line))
        return {store: numbers for store, numbers in found.items() if any(numbers)}

    # ------------------------------------------------------------ in

    def admit(self, key: Ref, reason: Reason, desks: Sequence[Desk], now: int, free: int, places: int, asked: int) -> Stay | None:
        """Let a pass in at ``desks``, or (``None``) have its key stand in line. ``free`` of ``places`` passes may still be parked."""
        mine = self._called.pop(key, None)
        if mine is not None:
            mine.called -= 1  # its place was kept
        for desk in desks:
            if desk.breaker.open:
                continue  # its asks are refused, or are the probe
            if desk.room(free) - desk.called <= 0 or (2 * free <= places and (reason is Reason.STORE or not desk.breaker.proven)):
                self.stand(desk, key, reason)
                desk.aside[key] = asked
                self._latest, self._aside_at = desk, now
                return None
            self._latest = desk
        stay = Stay(key, reason, [desk.life for desk in desks], asked)
        for life in stay.lives:
            life.guests += 1
            life.desk.guests += 1
        return stay

    def crowded_until(self, free: int, *, busy: bool) -> int:
        """Until then a pass is likely to be put aside: the latest was, and the desk where it asked is full still, but works on.

        ``busy``: there is other work, so that more time is worth losing. 0: no reason to wait.
        """
        desk = self._latest
        if desk is None or desk.called or not desk.breaker.proven or self._aside_at - desk.heard_at >= WORKS or desk.room(free) > 0:
            return 0
        return self._aside_at + (CROWD_BUSY if busy else CROWD_IDLE)

    def leave(self, stay: Stay) -> None:
        """All asks of the pass have been answered."""
        for life in stay.lives:
            life.guests -= 1
            life.desk.guests -= 1

    def begins(self, key: Ref) -> None:
        """A pass over ``key`` begins: it does not stand in line any more."""
        desk = self.of.pop(key, None)
        if desk is not None:
            desk.line.forget(key)
            desk.aside.pop(key, None)

    def ended(self, key: Ref) -> None:
        """A pass over ``key`` has ended. If it was let out of a line and did not ask, the place is the next one's."""
        desk = self._called.pop(key, None)
        if desk is not None:
            desk.called -= 1

    # ------------------------------------------------------------ waiting

    def stand(self, desk: Desk, key: Ref, reason: Reason) -> None:
        """Have ``key`` wait for ``desk``."""
        before = self.of.get(key)
        if before is not None and before is not desk:
            self.begins(key)
        self.of[key] = desk
        desk.line.put(key, reason)
        self.uneasy[desk.access.identity] = desk

    def will_wait(self, desk: Desk, stay: Stay | None) -> None:
        """The pass fails because the backend does: its key is to come back when there is an answer."""
        if stay is not None:
            self.stand(desk, stay.key, Reason.STORE if stay.reason is Reason.STORE else Reason.RETRY)

    # ------------------------------------------------------------ out

    def call(self, desk: Desk, now: int, out: list[LetOut]) -> None:
        """Let out the next one, and keep a place for it."""
        desk.called += 1
        self._called[self._take(desk, now, out)] = desk

    def dismiss(self, desk: Desk, now: int, out: list[LetOut]) -> None:
        """Let out all, some at a time: ``desk`` is given up."""
        if not desk.line or now < desk.tell_at:
            return
        desk.tell_at = now + TOLD_EVERY
        for _ in range(min(DISMISSED_AT_ONCE, len(desk.line))):
            self._take(desk, now, out)

    def tell(self, desk: Desk, now: int, out: list[LetOut]) -> None:
        """Let out some of those who were put aside, to be told that they fail: the breaker is open."""
        if not desk.aside or now < max(desk.breaker.opened_at + TOLD_AFTER, desk.tell_at):
            return
        desk.tell_at = now + TOLD_EVERY
        for key in heapq.nsmallest(TOLD_AT_ONCE, desk.aside):
            desk.line.forget(key)
            del self.of[key]
            out.append((key, Reason.STORE if key.kind == desk.access.store.kind else Reason.RETRY, desk.aside.pop(key)))

    def wake_at(self, free: int, places: int, given_up: Iterable[Desk]) -> int | None:
        """When somebody can be let out without news; 0: now."""
        times = [desk.tell_at for desk in given_up if desk.line]
        for desk in self.uneasy.values():
            if desk.breaker.open:
                if desk.aside:
                    times.append(max(desk.breaker.opened_at + TOLD_AFTER, desk.tell_at))
                if (desk.line or desk.hangs()) and not desk.called:
                    times.append(desk.breaker.probe_at)
            elif desk.may_call(free, places):
                return 0
            elif desk.pending:
                times.append(desk.heard_at + PROBE_LAST)
        return min(times, default=None)

    def _take(self, desk: Desk, now: int, out: list[LetOut]) -> Ref:
        taken = desk.line.take()
        assert taken is not None
        key, reason = taken
        del self.of[key]
        out.append((key, reason, desk.aside.pop(key, now)))
        return key
