"""Faults of the cluster that last for a while: permissions taken away, a full quota, a definition removed, a namespace that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eso_core.instant import SECOND
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, NAMESPACE, SECRET, SECRET_STORE, Kind, Ref
from eso_core.wire import KubeCall, KubeReply
from tests.sim import replies
from tests.sim.paths import place
from tests.sim.stream import PAUSE_S

if TYPE_CHECKING:
    from tests.sim.world import World

KINDS = {kind.plural: kind for kind in (SECRET, EXTERNAL_SECRET, SECRET_STORE, CLUSTER_SECRET_STORE)}
ROUND_S = 3.0  # seconds between two rounds of the namespace controller


class Weather:
    """``bad``: at least one of these faults is on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._forbidden: dict[str, int] = {}  # resource -> until when
        self._quota_until = 0
        self._undefined: set[str] = set()
        self.ending: set[str] = set()  # namespaces
        self.bad = False

    def refusal(self, call: KubeCall) -> KubeReply | None:
        """The answer instead of the API server's; ``None``: it is asked."""
        mono, (namespace, resource, _) = self._world.clock.mono, place(call.path)
        if resource in self._undefined:
            self._world.counts("fault world no definition")
            return replies.status(404, "NotFound", "the server could not find the requested resource")
        if self._forbidden.get(resource, 0) > mono:
            self._world.counts("fault world no permission")
            return replies.status(403, "Forbidden", f"{resource} is forbidden: the service account may not")
        if self._quota_until > mono and call.method == "POST" and resource == "secrets":
            self._world.counts("fault world quota")
            return replies.status(403, "Forbidden", "exceeded quota: secrets, requested: count/secrets=1")
        if namespace in self.ending and call.method == "POST":
            self._world.counts("fault world namespace ends")  # the server refuses by itself
        return None

    # ------------------------------------------------------------ permissions and quota

    def forbid(self) -> None:
        """The operator may not touch one kind for a while."""
        plural, seconds = self._world.dice.faults.choice(list(KINDS)), self._world.dice.faults.choice((3, 15, 40))
        self._forbidden[plural] = self._world.clock.mono + seconds * SECOND
        self._world.upset(seconds + PAUSE_S + 5)
        self.bad = True

    def fill(self) -> None:
        """No further Secret fits for a while."""
        seconds = self._world.dice.faults.choice((5, 30))
        self._quota_until = self._world.clock.mono + seconds * SECOND
        self._world.upset(seconds + PAUSE_S + 5)
        self.bad = True

    # ------------------------------------------------------------ definitions

    def undefine(self) -> None:
        """The definition of a kind is removed, and with it all objects; it comes back after a while, without them."""
        world = self._world
        kind = world.dice.faults.choice((EXTERNAL_SECRET, SECRET_STORE, CLUSTER_SECRET_STORE))
        self._undefined.add(kind.plural)
        self.bad = True
        self._forget(kind)
        for host in world.hosts:
            for stream in [s for s in host.streams.values() if s.plural == kind.plural]:
                host.closed(stream, "")
        seconds = world.dice.faults.choice((1.0, 10.0, 30.0))
        world.clock.after(seconds, lambda: self._define(kind))
        world.upset(seconds + PAUSE_S + 5)  # the watch may have just begun its longest pause when the kind is back

    def _forget(self, kind: Kind) -> None:
        world = self._world
        for tracked in world.objects.values() if kind == EXTERNAL_SECRET else ():
            tracked.alive = False
        for store in world.stores.values():
            if bool(store.id.namespace) == (kind == SECRET_STORE) and kind != EXTERNAL_SECRET:
                store.exists = False
        world.wipe(kind)
        world.collect_garbage_soon()

    def _define(self, kind: Kind) -> None:
        self._undefined.discard(kind.plural)
        self._world.say("sim", "definition of", kind.plural, "is back")

    def served(self, plural: str) -> bool:
        """The kind has a definition."""
        return plural not in self._undefined

    # ------------------------------------------------------------ namespaces

    def end_namespace(self) -> None:
        """A namespace is deleted; once it is gone, it is made again, empty."""
        world = self._world
        name = world.dice.faults.choice(world.namespaces)
        if name in self.ending:
            return
        self.ending.add(name)
        self.bad = True
        for tracked in world.objects.values():
            tracked.alive = tracked.alive and tracked.namespace != name
        for store in world.stores.values():
            if store.id.namespace == name:
                store.exists = False
            if world.credentials_of(store) == name and store.id.provider != "fake":
                store.held = None
        world.texts[name].put(None)
        world.delete(Ref(NAMESPACE, "", name))
        world.clock.after(ROUND_S, lambda: self._round(name))
        world.upset(4 * ROUND_S)

    def _round(self, name: str) -> None:
        world = self._world
        world.server.finish_namespaces(world.wall)
        world.server.collect_garbage(world.wall)
        if world.server.read(Ref(NAMESPACE, "", name)) is not None:
            world.clock.after(ROUND_S, lambda: self._round(name))
            return
        world.say("sim", "namespace", name, "is gone, and comes again")
        self.ending.discard(name)
        world.server.create_namespace(name, world.wall)

    # ------------------------------------------------------------ calm

    def clear(self) -> None:
        """Everything is allowed again. Namespaces that end go on to do so."""
        self._forbidden.clear()
        self._quota_until = 0
        self._undefined.clear()
        self.bad = bool(self.ending)
