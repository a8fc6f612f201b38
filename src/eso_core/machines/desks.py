"""Which desks there are. A desk holds a session and credentials, so that none stays longer than it is of use.

A place, which is a store and the namespace that it is used from, has one identity at a time: another one means that the store or a
credential was changed. The desk that is not the latest of any place is given up: it goes as soon as nothing is under way at it. So does,
once ``UNUSED_AFTER`` has passed, one that nobody asks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from eso_core.door import Access, Ask, Provider
from eso_core.instant import HOUR
from eso_core.machines.breaker import Breaker
from eso_core.machines.desk import Desk, Place
from eso_core.machines.pace import Pace
from eso_core.refs import Ref

Load = Callable[[str], Provider | None]

DESKS = 4096  # remembered, those at which something is under way not counted
UNUSED_AFTER = 2 * HOUR


class Desks:
    """See the module's docstring. Whatever is :meth:`over` is to be given to :meth:`drop`."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.by_identity: OrderedDict[str, Desk] = OrderedDict()  # who was asked last comes last
        self.given_up: dict[str, Desk] = {}  # by identity
        self._latest: dict[Place, Desk] = {}

    def of(self, ask: Ask, now: int) -> Desk | None:
        """Where ``ask`` is put; ``None``: there is no such provider."""
        access = ask.access
        desk = self.by_identity.get(access.identity)
        if desk is None:
            provider = self._load(ask.provider)
            if provider is None:
                return None
            desk = Desk(access, provider, Breaker(provider.talks_max), Pace(provider.talks_per_s))
            self.by_identity[access.identity] = desk
            self._move_in(desk, access)
        else:
            self.by_identity.move_to_end(access.identity)
            if access.namespace != desk.access.namespace or not desk.places:
                self._move_in(desk, access)
            desk.access = access
        desk.used_at = now
        return desk

    def gone(self, store: Ref) -> None:
        """``store`` does not exist any more."""
        for place, desk in [(place, desk) for place, desk in self._latest.items() if place[0] == store]:
            del self._latest[place]
            self._moved_out(desk, place)

    def over(self, now: int) -> list[Desk]:
        """Those that are of no more use: given up, not asked for long, or the ones asked longest ago where there are too many."""
        found = [desk for desk in self.given_up.values() if desk.idle] if self.given_up else []
        oldest = next(iter(self.by_identity.values()), None)
        if oldest is not None and oldest.idle and now - oldest.used_at > UNUSED_AFTER and oldest.places:
            found.append(oldest)
        if len(self.by_identity) > DESKS and not found:
            found += [desk for desk in self.by_identity.values() if desk.idle][: len(self.by_identity) - DESKS]
        return found

    def drop(self, desk: Desk) -> None:
        """Forget ``desk``, at which nothing is under way."""
        del self.by_identity[desk.access.identity]
        self.given_up.pop(desk.access.identity, None)
        for place in desk.places:
            del self._latest[place]

    def _move_in(self, desk: Desk, access: Access) -> None:
        place = (access.store, access.namespace)
        before = self._latest.get(place)
        if before is desk:
            return
        self._latest[place] = desk
        desk.places.add(place)
        self.given_up.pop(access.identity, None)
        if before is not None:
            self._moved_out(before, place)

    def _moved_out(self, desk: Desk, place: Place) -> None:
        desk.places.discard(place)
        if not desk.places:
            self.given_up[desk.access.identity] = desk
