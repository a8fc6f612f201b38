"""One run: a control plane, a stub, an operator, and the phases one after the other.

    preloaded   objects are there, the operator is started           first possible moment: its start
    created     the operator is settled, objects are created         first possible moment: the first create is sent

Every phase is bracketed by two readings of all meters. The second one waits until the operator has been quiet for a while, so what
it does off the path (events) is counted too.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from bench import burst, calls, objects, proc
from bench.burst import ROOT, Burst, Target
from bench.results import (
    Arrival,
    Beside,
    Blackhole,
    Cold,
    Idle,
    Percentiles,
    Phase,
    Refresh,
    Restart,
    Run,
    Spent,
    Stores,
    Waved,
    arrival,
    percentiles,
)
from bench.subject import Command, Subject
from bench.vault import LOOKUP
from bench.watching import Created, Observer, Refreshed, Seen, Wave
from tests.e2e.harness.binaries import Binaries
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.process import NotInTime, Process, ProcessEnded, free_port, poll

Mode = Literal["preloaded", "created"]

LONG_AGO = "2020-01-01T00:00:00Z"
_LOOK_S = 0.05
_QUIET_S, _QUIET_CALLS, _QUIET_MAX_S = 2.0, 4, 60.0
_BUSY_CORES = 0.2
_CREATE, _ANNOTATE = "POST externalsecrets", "PATCH externalsecrets"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all runs have in common."""

    shape: objects.Shape = field(default_factory=objects.Shape)
    latency_ms: float = 20.0
    phases: tuple[str, ...] = ("cold", "idle", "restart", "refresh", "force")
    idle_s: float = 20.0
    changing: bool = False  # whether the backend's values change before objects are refreshed
    beside_objects: int = 200
    beside_per_s: float = 10.0
    hole_per_s: float = 25.0  # healthy objects created beside the store that does not answer
    dead_stores: int = 100  # in the phase `stores`, each in a namespace of its own
    foreign_secrets: int = 0
    connections: int = 32
    creators: int = 2
    stall_s: float = 60.0


def with_phases(setting: Setting, phases: tuple[str, ...]) -> Setting:
    return replace(setting, phases=phases)


class Stalled(Exception):
    """Objects stopped arriving before all were there."""


# ---------------------------------------------------------------- meters


class Stub:
    """The backend, in a process of its own."""

    def __init__(self, setting: Setting, log: Path) -> None:
        self.port = free_port()
        self.url, self.token = f"http://127.0.0.1:{self.port}", secrets.token_hex(8)
        words = {"--port": self.port, "--latency-ms": setting.latency_ms, "--properties": setting.shape.properties, "--token": self.token}
        command = [sys.executable, "-m", "bench.vault", *(str(part) for pair in words.items() for part in pair)]
        self.process = Process("vault stub", command, log, {"PYTHONPATH": str(ROOT)})

    def __enter__(self) -> Stub:
        self.process.start()
        self.process.wait_until(lambda: bool(self.counts()))
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
        with suppress(FileNotFoundError):
            if self.process.log.stat().st_size == 0:
                self.process.log.unlink()

    def counts(self) -> dict[str, Any]:
        return self._ask("GET", "/bench/counts")

    def next_generation(self) -> None:
        self._ask("POST", "/bench/generation")

    def hang(self, *, hangs: bool) -> None:
        """Take requests and answer none, or answer again."""
        self._ask("POST", "/bench/hang" if hangs else "/bench/answer")

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer
        except HTTPException as failure:
            raise OSError(str(failure)) from failure
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Reading:
    """All meters at one moment."""

    at: float
    counters: calls.Counters
    backend: Counter[str]
    in_flight_max: int
    operator: proc.Usage
    apiserver_cpu_s: float
    etcd_cpu_s: float
    stub_cpu_s: float
    bench_cpu_s: float
    machine_cpu_s: float
    lag_s_max: float  # of the bench's own watches, since the reading before


@dataclass(frozen=True, slots=True)
class Stage:
    """What a run stands on."""

    plane: ControlPlane
    stub: Stub
    hole: Stub | None  # the backend that stops answering, in the phase `blackhole`
    subject: Subject
    observer: Observer
    target: Target
    setting: Setting
    say: Say

    def read(self) -> Reading:
        answered = self.stub.counts()
        return Reading(
            at=time.monotonic(),
            counters=calls.parse(self.plane.metrics()),
            backend=Counter(answered["counts"]),
            in_flight_max=int(answered["in_flight_max"]),
            operator=self.subject.usage(),
            apiserver_cpu_s=proc.usage(self.plane.apiserver.pid).cpu_s,
            etcd_cpu_s=proc.usage(self.plane.etcd.pid).cpu_s,
            stub_cpu_s=proc.usage(self.stub.process.pid).cpu_s,
            bench_cpu_s=proc.own_cpu_s(),
            machine_cpu_s=proc.machine_cpu_s(),
            lag_s_max=self.observer.cluster.take_lag(),
        )

    def spent(self, before: Reading, own: Counter[str] | None = None) -> Spent:
        """Since `before`, once the operator is quiet."""
        return spent(before, self.settled(), own or Counter())

    def settled(self) -> Reading:
        """A reading after 2 s with next to no calls, or after a minute."""
        deadline = time.monotonic() + _QUIET_MAX_S
        last = self.read()
        while True:
            time.sleep(_QUIET_S)
            now = self.read()
            now = replace(now, lag_s_max=max(now.lag_s_max, last.lag_s_max))
            if now.counters.operator - last.counters.operator <= _QUIET_CALLS or now.at > deadline:
                return now
            last = now

    def wait(self, wave: Wave, on_first: Callable[[], None] | None = None) -> None:
        """Until all have arrived. Raises `Stalled` when none has for a while, `ProcessEnded` when the operator is gone."""
        seen, since, told = 0, time.monotonic(), time.monotonic()
        while wave.count > seen:
            time.sleep(_LOOK_S)
            now, arrived = time.monotonic(), wave.look()
            if arrived > seen:
                if seen == 0 and on_first is not None:
                    on_first()
                seen, since = arrived, now
            elif now - since > self.setting.stall_s:
                raise Stalled(f"{arrived} of {wave.count} objects arrived, then none for {self.setting.stall_s:g} s")
            if now - told > 5:
                told = now
                self.say(f"  {arrived:,d} of {wave.count:,d}")
                self.subject.check()

    def wait_for_stores(self, name: str = objects.STORE, count: int | None = None) -> None:
        shape = self.setting.shape
        if count is None:
            count = 1 if shape.store_kind == "ClusterSecretStore" else shape.namespaces

        def ready() -> bool:
            self.subject.check()
            return sum(key.endswith(f"/{name}") for key in self.observer.cluster.stores_ready_at) >= count

        poll(ready, "the operator has found its store ready", 120)

    def keys(self, count: int, prefix: str = "es") -> list[str]:
        return [self.setting.shape.key(index, prefix) for index in range(count)]

    def seen(self, keys: Iterable[str]) -> list[Seen]:
        found = self.observer.cluster.objects
        return [found.get(key, Seen()) for key in keys]


def spent(before: Reading, after: Reading, own: Counter[str]) -> Spent:
    """Between two readings. An operator that was not there before has used nothing before."""
    made = calls.between(before.counters, after.counters, own)
    backend = Counter(after.backend)
    backend.subtract(before.backend)
    seconds = after.at - before.at
    operator = max(0.0, after.operator.cpu_s - before.operator.cpu_s)
    parts = (after.apiserver_cpu_s - before.apiserver_cpu_s, after.etcd_cpu_s - before.etcd_cpu_s, after.stub_cpu_s - before.stub_cpu_s)
    bench = after.bench_cpu_s - before.bench_cpu_s
    others = after.machine_cpu_s - before.machine_cpu_s - operator - sum(parts) - bench
    return Spent(
        seconds=seconds,
        api_calls=made.total,
        api_writes=made.writes,
        api_calls_by_kind=made.by_kind,
        events=made.events,
        backend_calls={kind: count for kind, count in backend.items() if count},
        backend_in_flight_max=after.in_flight_max,
        operator_cpu_s=operator,
        rss_mb=after.operator.rss_mb,
        rss_peak_mb=after.operator.rss_peak_mb,
        apiserver_cpu_s=parts[0],
        bench_cpu_s=bench,
        bench_lag_ms_max=1000 * after.lag_s_max,
        others_cpu_cores=max(0.0, others / seconds) if seconds else 0.0,
    )


# ---------------------------------------------------------------- a run


def run(
    command: Command, count: int, mode: Mode, setting: Setting, binaries: Binaries, crds: Sequence[objects.Json], log: Path, say: Say
) -> Run:
    """All phases. What ends it early is in `failure`; the phases until then are kept."""
    found = Run(operator=command.name, command=command.line, objects=count, mode=mode)
    say(f"{command.name}: {count:,d} objects, {mode}")
    with stage(command, setting, binaries, crds, log, say) as on:
        try:
            for name in ("cold", *(name for name in setting.phases if name != "cold")):
                say(f"{command.name}: {name}")
                found.phases[name] = _PHASES[name](on, count, mode)
        except (Stalled, ProcessEnded, NotInTime, burst.BurstFailed) as failure:
            found.failure = str(failure)
            say(f"{command.name}: ended early: {failure}")
    _warn(found, say)
    return found


def _warn(found: Run, say: Say) -> None:
    """A busy machine makes every operator look slow."""
    most = max((phase.spent.others_cpu_cores for phase in found.phases.values()), default=0.0)
    if most > _BUSY_CORES:
        say(f"note: processes that are no part of the run used up to {most:.1f} cores; the speeds are lower than on a quiet machine")


@contextmanager
def stage(command: Command, setting: Setting, binaries: Binaries, crds: Sequence[objects.Json], log: Path, say: Say) -> Iterator[Stage]:
    """Everything but the operator runs and is there; the operator is stopped at the end."""
    with ExitStack() as stack:
        stub = stack.enter_context(Stub(setting, log.with_suffix(".vault.log")))
        hole = stack.enter_context(Stub(setting, log.with_suffix(".hole.log"))) if {"blackhole", "stores"} & {*setting.phases} else None
        plane, operator_token = stack.enter_context(_plane(binaries))
        say("  installing definitions, namespaces and the store")
        plane.admin.apply_crds(crds)
        plane.admin.apply(*objects.operator_access())
        for home in objects.namespaces(setting.shape):
            plane.admin.create_namespace(home)
        plane.admin.apply(*objects.stores(setting.shape, stub.url, stub.token))
        _wait_for_the_server(plane, operator_token, crds)
        target = Target(plane.server, plane.ca_pem.decode(), plane.admin_token)
        if setting.foreign_secrets:
            burst.send(target, objects.foreign_secrets(setting.shape, setting.foreign_secrets))
        kubeconfig = plane.kubeconfig_for(operator_token, objects.OPERATOR_USER)
        subject = Subject(command, kubeconfig, log, {"vault": stub.url, "token": stub.token})
        with Observer(target, f"{setting.shape.store_kind.lower()}s") as observer:
            try:
                yield Stage(plane, stub, hole, subject, observer, target, setting, say)
            finally:
                subject.stop()


@contextmanager
def _plane(binaries: Binaries) -> Iterator[tuple[ControlPlane, str]]:
    """With a second user, the operator."""
    plane = ControlPlane(binaries, controllers=False)
    token = secrets.token_hex(16)
    with (plane.state / "tokens.csv").open("a") as users:
        users.write(f"{token},{objects.OPERATOR_USER},{objects.OPERATOR_USER}\n")
    with plane:
        yield plane, token


def _wait_for_the_server(plane: ControlPlane, operator_token: str, crds: Sequence[objects.Json]) -> None:
    """An operator must not meet a server that still takes in definitions, rights and the flow schema: it would back off."""
    specs = [each["spec"] for each in crds]
    paths = [
        f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
        for spec in specs
        for version in spec["versions"]
        if version["served"]
    ]

    def serves() -> bool:
        with plane.admin.as_token(operator_token) as operator:
            return all(operator.request("GET", path, limit="1")[0] == 200 for path in ("/version", *paths))

    for _ in range(2):
        poll(serves, "the API server serves all kinds to the operator", 60)
        time.sleep(1)
    poll(lambda: calls.parse(plane.metrics()).operator > 0, "the API server counts the operator's requests apart")


# ---------------------------------------------------------------- phases


def cold(on: Stage, count: int, mode: str) -> Phase:
    """New objects, in either mode."""
    return _preloaded(on, count) if mode == "preloaded" else _created(on, count)


def _preloaded(on: Stage, count: int) -> Cold:
    shape, keys = on.setting.shape, on.keys(count)
    on.say("  creating objects")
    burst.send(on.target, objects.creates(shape, count), connections=on.setting.connections, processes=on.setting.creators)
    poll(lambda: all(key in on.observer.cluster.objects for key in keys), "the bench has seen the objects", 60)
    time.sleep(1)
    before = on.read()
    wave = Created(on.observer.cluster, keys)
    startup = [proc.Usage()]
    on.say("  the operator starts")
    on.subject.start()
    begin = on.subject.started_at
    on.wait(wave, lambda: startup.append(on.subject.usage()))
    came = arrival(count, wave.times, begin)
    return _cold(on, came, startup[-1].cpu_s, came.first_s, on.spent(before))


def _created(on: Stage, count: int) -> Cold:
    shape, keys = on.setting.shape, on.keys(count)
    on.say("  the operator starts")
    on.subject.start()
    on.wait_for_stores()
    before = on.settled()
    on.say("  creating objects")
    wave = Created(on.observer.cluster, keys)
    with Burst(on.target, objects.creates(shape, count), connections=on.setting.connections, processes=on.setting.creators) as sending:
        on.wait(wave)
        done = sending.wait()
    came = arrival(count, wave.times, min(done.sent))
    spending = on.spent(before, Counter({_CREATE: count}))
    to_secret, to_ready = _latencies(on.seen(keys), done.answered)
    rate = count / (max(done.answered) - min(done.sent))
    return _cold(on, came, 0.0, 0.0, spending, create_per_s=rate, create_to_secret_ms=to_secret, create_to_ready_ms=to_ready)


def _cold(on: Stage, came: Arrival, startup_cpu_s: float, startup_s: float, spending: Spent, **more: Any) -> Cold:
    more = {**_per_object(spending, came.arrived, startup_cpu_s), **more}
    return Cold(arrival=came, startup_s=startup_s, startup_cpu_s=startup_cpu_s, **more, spent=spending)


def idle(on: Stage, count: int, mode: str) -> Phase:
    """Nothing, for a while."""
    before = on.read()
    time.sleep(on.setting.idle_s)
    spending = spent(before, on.read(), Counter())
    return Idle(cpu_percent=100 * spending.operator_cpu_s / spending.seconds, spent=spending)


def restart(on: Stage, count: int, mode: str) -> Phase:
    """Stopped, then started on what it left."""
    on.subject.stop()
    before = on.read()
    on.subject.start()
    ready_s = _time_to_ready(on)
    time.sleep(5)
    spending = on.spent(before)
    kinds = {kind: made for kind, made in spending.api_calls_by_kind.items() if kind.split()[0] not in calls.READS}
    return Restart(
        ready_s=ready_s,
        secret_writes=sum(made for kind, made in kinds.items() if kind.endswith(" secrets")),
        status_writes=sum(made for kind, made in kinds.items() if kind.endswith("/status")),
        spent=spending,
    )


def _time_to_ready(on: Stage) -> float | None:
    if on.subject.says_ready() is None:
        return None

    def ready() -> bool:
        on.subject.check()
        return bool(on.subject.says_ready())

    poll(ready, "the operator's probe says ready", 120)
    return time.monotonic() - on.subject.started_at


def refresh(on: Stage, count: int, mode: str) -> Phase:
    """The operator comes back when all objects are overdue."""
    keys = on.keys(count)
    _rewind(on, count)
    changes = _next_values(on)
    wave = Refreshed(on.observer.cluster, keys)
    before = on.read()
    startup = [proc.Usage()]
    on.subject.start()
    on.wait(wave, lambda: startup.append(on.subject.usage()))
    came = arrival(count, wave.times, on.subject.started_at)
    return _refresh(on, came, startup[-1].cpu_s, on.spent(before), changes)


def _rewind(on: Stage, count: int) -> None:
    """Stop the operator, and make all objects overdue."""
    on.subject.stop()
    burst.send(on.target, objects.rewinds(on.setting.shape, count, LONG_AGO), connections=on.setting.connections)
    poll(lambda: all(seen.mark[0] == LONG_AGO for seen in on.seen(on.keys(count))), "the bench has seen the objects rewound", 60)


def force(on: Stage, count: int, mode: str) -> Phase:
    """All objects are annotated while the operator runs."""
    changes = _next_values(on)
    wave = Refreshed(on.observer.cluster, on.keys(count))
    before = on.read()
    patches = objects.force_syncs(on.setting.shape, count, secrets.token_hex(4))
    with Burst(on.target, patches, connections=on.setting.connections, processes=on.setting.creators) as sending:
        on.wait(wave)
        done = sending.wait()
    came = arrival(count, wave.times, min(done.sent))
    return _refresh(on, came, 0.0, on.spent(before, Counter({_ANNOTATE: count})), changes)


def _next_values(on: Stage) -> int:
    """Moves the backend on when that is asked for. The answer is how often Secrets have changed until now."""
    if on.setting.changing:
        on.stub.next_generation()
    return on.observer.cluster.secret_changes


def _refresh(on: Stage, came: Arrival, startup_cpu_s: float, spending: Spent, changes_before: int) -> Refresh:
    changed = on.observer.cluster.secret_changes - changes_before
    each = _per_object(spending, came.arrived, startup_cpu_s)
    return Refresh(arrival=came, secret_changes=changed, startup_cpu_s=startup_cpu_s, **each, spent=spending)


def beside(on: Stage, count: int, mode: str) -> Phase:
    """New objects at a steady rate; the others go on."""
    setting = on.setting
    keys = on.keys(setting.beside_objects, "new")
    wave = Created(on.observer.cluster, keys)
    before = on.read()
    requests = objects.creates(setting.shape, setting.beside_objects, "new")
    with Burst(on.target, requests, connections=setting.connections, processes=1, per_s=setting.beside_per_s) as sending:
        on.wait(wave)
        done = sending.wait()
    spending = spent(before, on.read(), Counter({_CREATE: setting.beside_objects}))
    to_secret, to_ready = _latencies(on.seen(keys), done.answered)
    return Beside(
        arrival=arrival(setting.beside_objects, wave.times, min(done.sent)),
        create_per_s=setting.beside_objects / (max(done.answered) - min(done.sent)),
        create_to_secret_ms=to_secret,
        create_to_ready_ms=to_ready,
        spent=spending,
    )


def wave(on: Stage, count: int, mode: str) -> Phase:
    """The operator comes back when all objects are overdue; from the first refresh on new ones are created at a steady rate."""
    setting, cluster = on.setting, on.observer.cluster
    keys, new = on.keys(count), on.keys(setting.beside_objects, "wave")
    _rewind(on, count)
    refreshed, wave = Refreshed(cluster, keys), Created(cluster, new)
    before = on.read()
    on.subject.start()
    poll(lambda: refreshed.look() > 0, "the operator refreshes", 120)
    requests = objects.creates(setting.shape, setting.beside_objects, "wave")
    with Burst(on.target, requests, connections=setting.connections, processes=1, per_s=setting.beside_per_s) as sending:
        on.wait(refreshed)
        on.wait(wave)
        done = sending.wait()
    spending = spent(before, on.read(), Counter({_CREATE: setting.beside_objects}))
    end = max(refreshed.times)
    during = [index for index, at in enumerate(done.answered) if at < end]
    to_secret, to_ready = _latencies([on.seen(new)[index] for index in during], [done.answered[index] for index in during])
    return Waved(
        arrival=arrival(len(new), wave.times, min(done.sent)),
        during=len(during),
        refreshed=arrival(count, refreshed.times, on.subject.started_at),
        create_per_s=len(new) / (max(done.answered) - min(done.sent)),
        create_to_secret_ms=to_secret,
        create_to_ready_ms=to_ready,
        spent=spending,
    )


def blackhole(on: Stage, count: int, mode: str) -> Phase:
    """As many healthy objects without, then beside, as many of a store that answered once and does not any more; then it answers again."""
    assert on.hole is not None
    shape, setting = on.setting.shape, on.setting
    on.plane.admin.apply(*objects.stores(shape, on.hole.url, on.hole.token, objects.HOLE))
    on.wait_for_stores(objects.HOLE)
    before = on.settled()
    on.say("  without it")
    alone, _, _ = _steadily(on, count, "alone")
    answered = sum(on.hole.counts()["counts"].values())
    on.hole.hang(hangs=True)
    begin = time.monotonic()
    burst.send(on.target, objects.creates(shape, count, "hole", objects.HOLE), connections=setting.connections, processes=setting.creators)
    on.say("  beside it")
    beside, came, per_s = _steadily(on, count, "beside")
    hung = sum(on.hole.counts()["counts"].values()) - answered
    back = Created(on.observer.cluster, on.keys(count, "hole"))
    on.hole.hang(hangs=False)
    end = time.monotonic()
    on.say("  it answers again")
    on.wait(back)
    return Blackhole(
        arrival=came,
        create_per_s=per_s,
        alone_to_secret_ms=alone,
        create_to_secret_ms=beside,
        p99_ratio=beside.p99 / alone.p99 if alone and beside and alone.p99 else 0.0,
        hung_calls=hung,
        hung_s=end - begin,
        back=arrival(count, back.times, end),
        spent=spent(before, on.read(), Counter({_CREATE: 3 * count})),
    )


def stores(on: Stage, count: int, mode: str) -> Phase:
    """The validations of all stores for a while; then new objects of healthy stores without, and beside, stores that answered once."""
    assert on.hole is not None
    setting = on.setting
    dead = min(setting.dead_stores, setting.shape.namespaces) if setting.shape.store_kind == "SecretStore" else 1
    before = on.settled()
    seconds = [on.stub.counts()["counts"].get(LOOKUP, 0)]
    begin = time.monotonic()
    while time.monotonic() - begin < setting.idle_s:
        time.sleep(1)
        seconds.append(on.stub.counts()["counts"].get(LOOKUP, 0))
    idle_rss_mb = on.subject.usage().rss_mb
    on.say("  without dead stores")
    alone, _, _ = _steadily(on, setting.beside_objects, "alone")
    few = replace(setting.shape, namespaces=dead)
    on.plane.admin.apply(*objects.stores(few, on.hole.url, on.hole.token, objects.HOLE))
    on.wait_for_stores(objects.HOLE, dead)
    answered = sum(on.hole.counts()["counts"].values())
    on.hole.hang(hangs=True)
    burst.send(on.target, objects.creates(few, 10 * dead, "dead", objects.HOLE), connections=setting.connections)
    on.say("  beside dead stores")
    beside, came, _ = _steadily(on, setting.beside_objects, "beside")
    hung = sum(on.hole.counts()["counts"].values()) - answered
    return Stores(
        arrival=came,
        watched_s=setting.idle_s,
        validations=seconds[-1] - seconds[0],
        validations_per_s_max=max(later - earlier for earlier, later in pairwise(seconds)),
        idle_rss_mb=idle_rss_mb,
        dead_stores=dead,
        alone_to_secret_ms=alone,
        create_to_secret_ms=beside,
        p99_ratio=beside.p99 / alone.p99 if alone and beside and alone.p99 else 0.0,
        hung_calls=hung,
        spent=spent(before, on.read(), Counter({_CREATE: 2 * setting.beside_objects + 10 * dead})),
    )


def _steadily(on: Stage, count: int, prefix: str) -> tuple[Percentiles | None, Arrival, float]:
    """New objects of the healthy store at a steady rate: create to Secret, their arrival, and the rate."""
    keys = on.keys(count, prefix)
    wave = Created(on.observer.cluster, keys)
    requests = objects.creates(on.setting.shape, count, prefix)
    with Burst(on.target, requests, connections=on.setting.connections, processes=1, per_s=on.setting.hole_per_s) as sending:
        on.wait(wave)
        done = sending.wait()
    to_secret, _ = _latencies(on.seen(keys), done.answered)
    return to_secret, arrival(count, wave.times, min(done.sent)), count / (max(done.answered) - min(done.sent))


_PHASES: dict[str, Callable[[Stage, int, str], Phase]] = {
    "cold": cold,
    "idle": idle,
    "restart": restart,
    "refresh": refresh,
    "force": force,
    "beside": beside,
    "wave": wave,
    "blackhole": blackhole,
    "stores": stores,
}
PHASES = tuple(_PHASES)


def _latencies(seen: Sequence[Seen], created: Sequence[float]) -> tuple[Percentiles | None, Percentiles | None]:
    """From the reply to the create; an event that overtakes the reply counts as 0."""
    to_secret = [max(0.0, each.secret_at - at) for each, at in zip(seen, created, strict=True)]
    to_ready = [max(0.0, each.ready_at - at) for each, at in zip(seen, created, strict=True)]
    return percentiles(to_secret), percentiles(to_ready)


def _per_object(spending: Spent, count: int, startup_cpu_s: float) -> dict[str, float]:
    count = max(1, count)
    return {
        "cpu_ms_per_object": 1000 * max(0.0, spending.operator_cpu_s - startup_cpu_s) / count,
        "api_calls_per_object": spending.api_calls / count,
        "backend_calls_per_object": sum(spending.backend_calls.values()) / count,
    }
