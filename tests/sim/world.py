"""Everything there is in one run: the cluster, the backends, the operators, and time."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eso_core.api.crd import crds
from eso_core.instant import SECOND, Instant
from eso_core.refs import SECRET, Ref
from eso_core.sim.api import ApiServer
from eso_core.sim.custom import CHECKED, UNCHECKED
from eso_core.sim.resource import Resource
from eso_core.wire import HttpCall, KubeCall, KubeReply
from tests.sim.checks import Checks, Violation
from tests.sim.clock import Clock
from tests.sim.dice import Dice, Swarm
from tests.sim.events import Events
from tests.sim.host import TICKS_MAX, Host
from tests.sim.model import Store, StoreId, Wanted
from tests.sim.scenario import Wishes
from tests.sim.vault import Vault

_served: dict[bool, list[Resource]] = {}
USER = "kubectl"


def served(*, checked: bool) -> list[Resource]:
    """The custom resources, parsed once for all runs of a process; ``checked``: with all that their schemas demand, which costs time."""
    if checked not in _served:
        server = ApiServer()
        rules = CHECKED if checked else UNCHECKED
        _served[checked] = [resource for definition in crds() for resource in server.install(definition, rules)]
    return _served[checked]


@dataclass(slots=True)
class Tracked:
    """An ExternalSecret as the user knows it. ``specs``: all that it ever had, the present one last, over all its lives."""

    namespace: str
    name: str
    specs: list[Wanted] = field(default_factory=list)
    alive: bool = False

    @property
    def wanted(self) -> Wanted:
        """The present spec."""
        return self.specs[-1]


class World:
    """Built from a seed. ``tell`` takes the lines of the trace, if anybody wants them."""

    def __init__(self, dice: Dice, tell: Callable[[str], None] | None = None) -> None:
        self.dice = dice
        self._tell = tell
        self.clock = Clock()
        self.swarm = Swarm(dice.stream("swarm"))
        self.wishes = Wishes(dice.scenario)
        self.server = ApiServer(resources=served(checked=dice.seed % 4 == 0))
        self.events = Events(lambda: self.clock.mono)
        self.hosts: list[Host] = []
        self.stores: dict[StoreId, Store] = {}
        self.objects: dict[tuple[str, str], Tracked] = {}
        self.namespaces = self.wishes.namespaces()
        self.only_namespace = self.namespaces[0] if dice.scenario.random() < 0.1 else ""
        self.checks = Checks(self)
        self.upset_until = 0  # until then, a fault that has happened has consequences
        self._settle_in()
        mounts = {s.id.name: s for s in self.stores.values()}
        self.vault = Vault(mounts, lease_s=dice.scenario.choice((40, 120, 3600)))
        self.server.subscribe(self._written)

    # ------------------------------------------------------------ the beginning

    def _settle_in(self) -> None:
        for namespace in (*self.namespaces, "foreign"):
            self.server.create_namespace(namespace)
        for number in range(1, self.dice.scenario.randint(1, 3) + 1):
            store = self.wishes.store(number, self.namespaces)
            self.stores[store.id] = store
        for number in range(1, self.dice.scenario.choice((1, 1, 1, 2, 2, 2, 3, 3, 4, 8)) + 1):
            namespace = self.dice.scenario.choice(self.namespaces)
            if any(s.namespace in ("", namespace) for s in self.stores):
                self.objects[namespace, f"es{number}"] = Tracked(namespace, f"es{number}")

    @property
    def wall(self) -> Instant:
        """The wall clock."""
        return self.clock.now.wall

    def apply(self, manifest: dict[str, Any]) -> KubeReply:
        """The user applies a manifest."""
        reply = self.server.apply(manifest, self.wall, USER)
        if reply.status >= 300:
            raise Violation("simulator", f"the user's manifest is refused: {reply.body!r} {manifest}")
        return reply

    def apply_store(self, store: Store) -> None:
        """The store as the user wants it."""
        if store.exists:
            self.apply(store.manifest(self.credentials_of(store)))

    def credentials_of(self, store: Store) -> str:
        """The namespace of a store's credentials."""
        return store.id.namespace or self.namespaces[0]

    def apply_credentials(self, store: Store) -> None:
        """The Secret with the store's credentials as ``held`` says."""
        if store.id.provider != "vault":
            return
        name, namespace = f"creds-{store.id.name}", self.credentials_of(store)
        if store.held is None:
            self.delete(Ref(SECRET, namespace, name))
            return
        data = {"id": base64.b64encode(store.held.encode()).decode()}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data})

    def apply_object(self, tracked: Tracked, wanted: Wanted) -> None:
        """The ExternalSecret as the user wants it from now on."""
        tracked.specs.append(wanted)
        tracked.alive = True
        self.apply(wanted.manifest(tracked.namespace, tracked.name))

    def delete(self, ref: Ref) -> int:
        """The user deletes an object."""
        return self.server.handle(KubeCall(method="DELETE", path=ref.path), self.wall, USER).status

    def collect_garbage_soon(self) -> None:
        """The garbage collector comes after a while."""
        self.clock.after(self.dice.delays.choice((0.05, 2.0, 10.0)), lambda: self.server.collect_garbage(self.wall))

    # ------------------------------------------------------------ while it runs

    def say(self, who: str, *what: object) -> None:
        """A line of the trace."""
        if self._tell is not None:
            self._tell(f"{self.clock.seconds:10.4f} {who:6} {' '.join(str(w) for w in what if w != '')}")

    def upset(self, seconds: float) -> None:
        """A fault has happened whose consequences go on for a while."""
        self.upset_until = max(self.upset_until, self.clock.mono + int(seconds * SECOND))

    def latency(self) -> float:
        """Seconds that something takes on the wire."""
        return self.dice.delays.random() * 2 * (self.swarm.slowness if self.swarm.on else 0.005)

    def flickers(self, call: HttpCall) -> None:
        """A backend has said "no such secret" for no reason: that is one of its states from now on."""
        mount, _, rest = call.url.partition("/v1/")[2].partition("?")[0].partition("/")
        store = next((s for s in self.stores.values() if s.id.name == mount), None)
        if store is None:
            return
        name = rest.removeprefix("data/")
        for key in [name] if rest.startswith("data/") else list(store.past):
            store.flickered(key)

    def _written(self) -> None:
        for host in self.hosts:
            for stream in list(host.streams.values()):
                stream.collect()

    @property
    def living(self) -> list[Host]:
        """Hosts that run."""
        return [host for host in self.hosts if host.alive]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.run_to(self.clock.mono + int(seconds * SECOND))

    def run_to(self, mono: int) -> None:
        """Let time pass until ``mono``: the next thing that happens, then whoever has something to do."""
        idle_at, steps = self.clock.mono, 0
        while True:
            times = [at for at in (self.clock.next_at(), *(host.wakes_at() for host in self.hosts)) if at is not None]
            at = min(times, default=mono)
            if at > mono:
                break
            if at > self.clock.mono:
                self.clock.mono = at
            steps = steps + 1 if self.clock.mono - idle_at < SECOND else 0
            idle_at = self.clock.mono if steps == 0 else idle_at
            if steps > TICKS_MAX:
                raise Violation("hot loop", f"more than {TICKS_MAX} steps in a second")
            self.clock.happen()
            for host in self.hosts:
                wake = host.wakes_at()
                if wake is not None and wake <= self.clock.mono:
                    host.step()
        self.clock.mono = max(self.clock.mono, mono)
