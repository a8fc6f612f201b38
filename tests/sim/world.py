"""Everything there is in one run: the cluster, the backends, the operators, and time."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import orjson

from eso_core.api.crd import crds
from eso_core.instant import SECOND, Instant
from eso_core.refs import CLUSTER_SECRET_STORE, CONFIG_MAP, EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind, Ref, collection_path
from eso_core.sim.api import ApiServer
from eso_core.sim.custom import CHECKED, UNCHECKED
from eso_core.sim.resource import Resource
from eso_core.wire import CallReply, HttpCall, HttpReply, KubeCall, KubeReply
from tests.sim import replies
from tests.sim.batch import BATCH, Batch
from tests.sim.checks import DECOY, Checks, Violation
from tests.sim.clock import FAR, Clock
from tests.sim.dice import Dice, Swarm
from tests.sim.events import Events
from tests.sim.host import TICKS_MAX, Host
from tests.sim.model import Store, StoreId, Wanted
from tests.sim.paths import store_of
from tests.sim.scenario import Wishes
from tests.sim.templates import TEXTS, Held, Texts
from tests.sim.vault import Vault
from tests.sim.weather import Weather

_served: dict[bool, list[Resource]] = {}
USER = "kubectl"
PASSES_A_MINUTE = 14  # of one object beside its refreshes: 6 retries with backoff, and changes made by users and other operators


def served(*, checked: bool) -> list[Resource]:
    """The custom resources, parsed once for all runs of a process; ``checked``: with all that their schemas demand, which costs time."""
    if checked not in _served:
        server = ApiServer()
        rules = CHECKED if checked else UNCHECKED
        installed = [resource for definition in crds() for resource in server.install(definition, rules)]
        _served[checked] = [replace(resource, owned=checked) for resource in installed]
    return _served[checked]


@cache
def _server(*, checked: bool, namespaces: tuple[str, ...]) -> ApiServer:
    """A server to copy. ``foreign`` is a namespace in which nobody has any business."""
    server = ApiServer(resources=served(checked=checked))
    for namespace in (*namespaces, "foreign"):
        server.create_namespace(namespace)
    return server


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
        self.traced = tell is not None
        self.clock = Clock()
        self.wishes = Wishes(dice.scenario, dice.stream("authors"), small=dice.small, aim=dice.aim.effect if dice.aim else "")
        self.swarm = Swarm(dice.stream("swarm"), small=dice.small, aim=dice.aim, templated=self.wishes.templated)
        self.namespaces = self.wishes.namespaces()
        self.texts = {namespace: Texts(namespace) for namespace in self.namespaces}
        self.server = _server(checked=dice.checked, namespaces=self.namespaces).copy()
        self.weather = Weather(self)
        self.events = Events(lambda: self.clock.mono)
        self.hosts: list[Host] = []
        self.all_hosts: list[Host] = []  # the dead ones too
        self.stores: dict[StoreId, Store] = {}
        self.objects: dict[tuple[str, str], Tracked] = {}
        self.only_namespace = self.namespaces[0] if dice.scenario.random() < 0.1 else ""
        self.checks = Checks(self)
        self.died: Callable[[Host], None] = lambda host: None  # told of a crash in the middle of something
        self.dead = ""  # a provider whose backend is down
        self._flaps: dict[str, int] = {}
        self.upset_until = 0  # until then, a fault that has happened has consequences
        self._settle_in()
        mounts = {s.id.name: s for s in self.stores.values()}
        self.lease_s = dice.scenario.choice((40, 120, 3600))
        self.vault, self.batch = Vault(mounts, self.lease_s), Batch(mounts, self.lease_s)
        self.server.subscribe(self._written)

    # ------------------------------------------------------------ the beginning

    def _settle_in(self) -> None:
        small, random = self.dice.small, self.dice.scenario
        for number in range(1, (1 if small else random.randint(1, 3)) + 1):
            store = self.wishes.store(number, self.namespaces)
            self.stores[store.id] = store
        for number in range(1, random.choice((1, 1, 1, 2) if small else (1, 1, 1, 2, 2, 2, 3, 3, 4, 8)) + 1):
            namespace = self.dice.scenario.choice(self.namespaces)
            if any(s.namespace in ("", namespace) for s in self.stores):
                self.objects[namespace, f"es{number}"] = Tracked(namespace, f"es{number}")

    @property
    def wall(self) -> Instant:
        """The wall clock."""
        return self.clock.now.wall

    def _create(self, manifest: dict[str, Any]) -> KubeReply:
        kind = {
            "SecretStore": SECRET_STORE,
            "ClusterSecretStore": CLUSTER_SECRET_STORE,
            "ExternalSecret": EXTERNAL_SECRET,
            "Secret": SECRET,
            "ConfigMap": CONFIG_MAP,
        }
        path = collection_path(kind[manifest["kind"]], manifest["metadata"].get("namespace", ""))
        return self.server.handle(KubeCall(method="POST", path=path, body=orjson.dumps(_without_nulls(manifest))), self.wall, USER)

    def apply(self, manifest: dict[str, Any], *, fresh: bool = False) -> KubeReply:
        """The user applies a manifest; ``fresh``: of an object that does not exist."""
        self.checks.stirred()
        reply = self.server.apply(manifest, self.wall, USER) if not fresh else self._create(manifest)
        if reply.status >= 300:
            raise Violation("simulator", f"the user's manifest is refused: {reply.body!r} {manifest}")
        return reply

    def apply_store(self, store: Store, *, fresh: bool = False) -> None:
        """The store as the user wants it."""
        if store.exists:
            self.apply(store.manifest(self.credentials_of(store)), fresh=fresh)

    def credentials_of(self, store: Store) -> str:
        """The namespace of a store's credentials."""
        return store.id.namespace or self.namespaces[0]

    def apply_credentials(self, store: Store, *, fresh: bool = False) -> None:
        """The Secret with the store's credentials as ``held`` says."""
        if store.id.provider == "fake" or self.credentials_of(store) in self.weather.ending:
            return
        name, namespace = f"creds-{store.id.name}", self.credentials_of(store)
        if store.held is None:
            self.delete(Ref(SECRET, namespace, name))
            return
        data = {"id": base64.b64encode(store.held.encode()).decode()}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}, fresh=fresh)

    def lay_decoys(self, store: Store) -> None:
        """Secrets with the name of the store's credentials, where it must not read them."""
        for namespace in sorted({*self.namespaces, "foreign"} - {self.credentials_of(store)}):
            data = {"id": base64.b64encode(DECOY).decode()}
            metadata = {"name": f"creds-{store.id.name}", "namespace": namespace}
            self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}, fresh=True)

    def apply_object(self, tracked: Tracked, wanted: Wanted, *, fresh: bool = False) -> None:
        """The ExternalSecret as the user wants it from now on."""
        tracked.specs.append(wanted)
        tracked.alive = True
        self.apply(wanted.manifest(tracked.namespace, tracked.name), fresh=fresh)

    def apply_texts(self, texts: Texts, held: Held | None) -> None:
        """The ConfigMap with templates as the user wants it from now on."""
        there, ref = texts.held is not None, Ref(CONFIG_MAP, texts.namespace, TEXTS)
        texts.put(held)
        if held is None:
            self.delete(ref)
        else:
            self.apply(texts.manifest(), fresh=not there)

    def texts_of(self, tracked: Tracked) -> Texts:
        """The ConfigMap that the object's templates may come from."""
        return self.texts[tracked.namespace]

    def target_of(self, tracked: Tracked) -> dict[str, Any] | None:
        """The target as it is."""
        return self.server.read(Ref(SECRET, tracked.namespace, tracked.wanted.target))

    def draws(self, tracked: Tracked) -> bool:
        """The object's templates have a formula that gives something new each time, or have had one in their ConfigMap."""
        layout = tracked.wanted.template if tracked.specs else None
        return layout is not None and layout.has("random", self.texts_of(tracked))

    def delete(self, ref: Ref) -> int:
        """The user deletes an object."""
        self.checks.stirred()
        return self.server.handle(KubeCall(method="DELETE", path=ref.path), self.wall, USER).status

    def wipe(self, kind: Kind) -> None:
        """All objects of a kind go at once, finalizers or not, as with their definition."""
        cluster = self.server._cluster
        resource = cluster.resources[kind.group, kind.version, kind.plural]
        for stored in cluster.table(resource).select(""):
            cluster.remove(resource, stored)

    def collect_garbage_soon(self) -> None:
        """The garbage collector comes after a while."""
        self.clock.after(self.dice.delays.choice((0.05, 2.0, 10.0)), lambda: self.server.collect_garbage(self.wall))

    # ------------------------------------------------------------ while it runs

    def say(self, who: str, *what: object) -> None:
        """A line of the trace."""
        if self._tell is not None:
            self._tell(f"{self.clock.seconds:10.4f} {who:6} {' '.join(str(w) for w in what if w != '')}")

    def counts(self, what: str) -> None:
        """One more of something, for the table of what happened."""
        self.checks.totals[what] += 1

    def calls_bound(self, store: str) -> int:
        """Calls of one operator for one store within a minute that have a reason: passes when due, retries, and edits; twice for logins.

        Each question as often as the store has it put again.
        """
        total = 24
        for tracked in self.objects.values():
            cost, shortest = 0, 60
            for spec in tracked.specs:
                own = sum(2 + len(self._store(e.store).past) if e.part == "find" else 1 for e in spec.entries if e.store.name == store)
                cost = max(cost, own)
                shortest = min(shortest, spec.interval_s or 60)
            total += cost * (60 // shortest + PASSES_A_MINUTE)
        return 2 * total * (1 + max((each.retries for each in self.stores.values() if each.id.name == store), default=0))

    def _store(self, wanted: StoreId) -> Store:
        return self.stores[wanted]

    def upset(self, seconds: float) -> None:
        """A fault has happened whose consequences go on for a while."""
        self.upset_until = max(self.upset_until, self.clock.mono + int(seconds * SECOND))

    def latency(self) -> float:
        """Seconds that something takes on the wire."""
        swarm = self.swarm
        length = self.dice.delays.random() * 2 * (swarm.slowness if swarm.on else 0.005)
        return length if not swarm.grain else (1 + length // swarm.grain) * swarm.grain

    def ask_backend(self, call: HttpCall, fault: str) -> CallReply:
        """The answer of a backend, with one fault."""
        if self.dead and (self.dead == "batch") == call.url.startswith(BATCH):
            return HttpReply(status=503, body=b"{}")
        reply = self._fault_of_backend(call, fault) if fault else None
        mattered = reply is not None or fault == "slow"
        if reply is None:
            server = self.batch if call.url.startswith(BATCH) else self.vault
            server.bent = False
            reply = server.answer(call, self.clock.mono, fault, self.dice.faults)
            mattered = mattered or server.bent
        if fault:
            self.counts(f"drawn backend {fault}")
            if mattered:
                self.counts(f"fault backend {fault}")
        return reply

    def _fault_of_backend(self, call: HttpCall, fault: str) -> CallReply | None:
        if fault == "flapping":
            self._flaps[call.url] = self._flaps.get(call.url, 0) + 1
            return HttpReply(status=503, body=b"{}") if self._flaps[call.url] % 2 else None
        if fault == "absent" and call.url.startswith(BATCH):
            return self._none_of(call) if call.url.endswith("/get") else None
        reply = replies.backend_fault(fault, call, self.dice.faults)
        if fault == "absent" and reply is not None:
            self._flickers(call)
        return reply

    def _none_of(self, call: HttpCall) -> HttpReply:
        for store in self.stores.values():
            if store.id.name == store_of(call.url):
                for name in orjson.loads(call.body)["names"]:
                    store.flickered(name)
        return HttpReply(status=200, body=b'{"values":{},"errors":{}}')

    def _flickers(self, call: HttpCall) -> None:
        """A backend has said "no such secret" for no reason: that is one of its states from now on."""
        store = next((s for s in self.stores.values() if s.id.name == store_of(call.url)), None)
        _, _, key = call.url.partition("/data/")
        if store is not None:
            for name in [key] if key else list(store.past):
                store.flickered(name)

    def _written(self) -> None:
        for host in self.hosts:
            for stream in list(host.streams.values()) if host.streams else ():
                stream.collect()

    def add(self, host: Host) -> None:
        """One more operator process."""
        self.hosts.append(host)
        self.all_hosts.append(host)

    @property
    def living(self) -> list[Host]:
        """Hosts that run."""
        return [host for host in self.hosts if host.alive]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.run_to(self.clock.mono + int(seconds * SECOND))

    def run_to(self, mono: int) -> None:
        """Let time pass until ``mono``: the next thing that happens, then whoever has something to do. Idle time costs nothing."""
        clock = self.clock
        idle_at, steps = clock.mono, 0
        while True:
            at = clock.next_at()
            for host in self.hosts:
                at = min(at, host.wake)
            if at > mono:
                break
            clock.mono = max(clock.mono, at)
            steps += 1
            if clock.mono - idle_at > SECOND:
                idle_at, steps = clock.mono, 0
            elif steps > TICKS_MAX:
                raise Violation("hot loop", f"more than {TICKS_MAX} steps in a second")
            clock.happen()
            for host in self.hosts:
                if host.wake <= clock.mono:
                    host.step()
        clock.mono = max(clock.mono, mono)
        assert mono < FAR


def _without_nulls(found: dict[str, Any]) -> dict[str, Any]:
    return {key: _without_nulls(value) if isinstance(value, dict) else value for key, value in found.items() if value is not None}
