"""One run: trouble, calm, silence, one change, the end.

=========  ===============================================================================================
trouble    users act and everything fails at random; the checks of ``checks.py`` hold all the time
calm       faults stop: within ``CALM_S`` seconds the cluster is as the oracle says
silence    nothing changes: no writes but refresh times, also after a restart
change     one backend value changes: at most one write of each Secret, and the oracle is right again
recovery   a store goes, and comes back: whoever waits for it is served within ``RECOVERY_S`` seconds, whatever its pause
outage     or its backend is dead for minutes: it is hardly called, and all is well ``OUTAGE_S`` seconds after it is back
end        every ExternalSecret is deleted: all are gone within ``END_S`` seconds, and so is what they owned
=========  ===============================================================================================
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from eso_core import providers
from eso_core.flows import external_secret
from eso_core.instant import MINUTE, SECOND
from eso_core.machines.watch import SILENCE_S
from eso_core.refs import EXTERNAL_SECRET, SECRET, Ref
from tests.sim import batch
from tests.sim.dice import Dice
from tests.sim.host import Host
from tests.sim.laws import Plans, Violation
from tests.sim.model import Store
from tests.sim.oracle import FAILING, Verdict, expected
from tests.sim.settled import longest_s, restless, unsettled
from tests.sim.stream import PAUSE_S
from tests.sim.user import User
from tests.sim.world import Tracked, World

CALM_S = 900
END_S = 600
NAMESPACE_S = 600
IDLE_LOOKS = 200  # of 50 ms each
CALM_ROUNDS = 50  # of waiting for the consequences of faults
RECOVERY_S = 5
OUTAGE_S = 30
LOOK_S, LOOK_SMALL_S = 20, 4  # seconds between two looks at the cluster
COUNTED_ELSEWHERE = ("no permission", "quota", "namespace ends", "no definition", "fight")  # when they have an effect
COLLECT_EVERY = 250  # runs
FLIGHT_S = 5  # after which every request that a fault was drawn for has arrived
DECISIONS_MAX = 3  # of one object, from the end of the last fault's consequences until all is settled
PASSES_MAX = 40  # of one object, from the last fault until all is settled


_runs = count(1)


@dataclass(slots=True)
class Result:
    """What became of one run. ``fault`` is empty when all went well."""

    seed: int
    fault: str = ""
    totals: dict[str, int] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """The sum of many runs; ``most``: figures of which the highest counts."""

    totals: Counter[str] = field(default_factory=Counter)
    most: dict[str, int] = field(default_factory=dict)
    failed: int = 0

    def add(self, result: Result) -> None:
        """One more run."""
        self.totals.update(result.totals)
        for name, figure in result.figures.items():
            self.most[name] = max(figure, self.most.get(name, 0))
        self.failed += bool(result.fault)


def run(seed: int, tell: Callable[[str], None] | None = None) -> Result:
    """Run one seed. ``tell`` takes the lines of the trace."""
    result = Result(seed)
    if next(_runs) % COLLECT_EVERY == 0 and not gc.isenabled():
        gc.collect()
    with _instrumented() as plans:
        play = Play(Dice(seed), tell)
        plans.append(play.world.checks.plans)
        try:
            play.all()
        except Violation as violation:
            result.fault = str(violation)
            play.world.say("check", "VIOLATION", violation)
    world = play.world
    rates = world.checks.rates
    result.totals = {**world.checks.totals, "logins": world.vault.logins + world.batch.logins}
    result.figures = {**play.figures, "percent of the calls allowed": int(100 * rates.most), "calls for a dead store": rates.most_dead}
    _take_apart(play)
    return result


def _take_apart(play: Play) -> None:
    """Cut the cycles, so that almost everything is freed at once: to find it later would take a tenth of the time of a run."""
    world = play.world
    things = [thing for host in world.all_hosts for thing in (host.engine, host)]
    for thing in (*things, world.clock, world.checks, world.weather, play.user, world, play):
        vars(thing).clear()


@contextmanager
def uncollected() -> Iterator[None]:
    """For many runs: garbage collection, a sixth of the time, comes every ``COLLECT_EVERY`` runs only."""
    enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


@contextmanager
def _instrumented() -> Iterator[list[Plans]]:
    """Every decision is made twice and remembered, and there is one more kind of backend."""
    decide, load, plans = external_secret.reconcile, providers.load, list[Plans]()
    external_secret.reconcile = lambda seen: plans[-1].watched(decide)(seen)
    providers.load = lambda key: batch.PROVIDER if key == batch.KEY else load(key)
    try:
        yield plans
    finally:
        external_secret.reconcile, providers.load = decide, load


class Play:
    """The phases."""

    def __init__(self, dice: Dice, tell: Callable[[str], None] | None = None) -> None:
        self.world = World(dice, tell)
        self.small = dice.small
        self.world.died = self._restart_later
        self.user = User(self.world)
        self.figures: dict[str, int] = {}

    def all(self) -> None:
        """Every phase, in order."""
        self._trouble()
        self._calm()
        self._silence()
        if not self.small or self.world.dice.user.random() < 0.5:
            self._change()
        if self.world.dice.user.random() < (0.1 if self.small else 0.3):
            self._recover()
        self._end()

    # ------------------------------------------------------------ trouble

    def _trouble(self) -> None:
        world, random = self.world, self.world.dice.faults
        world.say("sim", f"seed {world.dice.seed}; namespaces {world.namespaces} {world.only_namespace}; faults: {world.swarm.active}")
        length = random.choice((6, 8, 8, 12, 20) if self.small else (20, 30, 30, 60, 60, 120, 240))
        self.user.begin()
        self._start("A")
        for _ in range(world.dice.user.choice((1, 1, 1, 2, 3)) if self.small else world.dice.user.randint(2, 14)):
            world.clock.after(world.dice.user.random() * length, self.user.act)
        if world.dice.aim is not None:
            for name, delay in self.user.provoking.get(world.dice.aim.effect, ()):
                world.clock.after(delay, partial(self.user.do, name))
        for kind, act in self._world_faults().items():
            for _ in range(world.swarm.times(kind)):
                self._in_trouble(random.random() * length, self._said(kind, act))
        world.run(length)

    def _world_faults(self) -> dict[str, Callable[[], None]]:
        weather = self.world.weather
        own = {"crash": self._crash, "compact": self._compact, "jump": self._jump, "second": self._second, "freeze": self._freeze}
        return own | {
            "revoke": self._revoke,
            "no permission": weather.forbid,
            "quota": weather.fill,
            "namespace ends": weather.end_namespace,
            "no definition": weather.undefine,
            "fight": self.user.others.fight,
        }

    def _revoke(self) -> None:
        self.world.vault.revoke()
        self.world.batch.revoke()

    def _said(self, kind: str, act: Callable[[], None]) -> Callable[[], None]:
        def happens() -> None:
            self.world.say("sim", "FAULT", kind)
            self.world.counts(f"drawn world {kind}")
            if kind not in COUNTED_ELSEWHERE:
                self.world.counts(f"fault world {kind}")
            act()

        return happens

    def _start(self, name: str) -> None:
        self.world.hosts = [host for host in self.world.hosts if host.alive]
        self.world.add(Host(self.world, name))

    def _crash(self) -> None:
        if not self.world.living:
            return
        victim = self.world.dice.faults.choice(self.world.living)
        victim.crash()
        self._restart_later(victim)

    def _restart_later(self, victim: Host) -> None:
        if victim.name.startswith("B"):
            return
        self._in_trouble(self.world.dice.faults.choice((0.1, 5.0)), lambda: self._start(f"{victim.name}'"))

    def _second(self) -> None:
        other = Host(self.world, f"B{len(self.world.hosts)}")
        self.world.add(other)
        self._in_trouble(self.world.dice.faults.choice((2.0, 20.0, 200.0)), other.crash)

    def _in_trouble(self, delay: float, act: Callable[[], None]) -> None:
        """Have something happen later, unless all is calm by then."""
        self.world.clock.after(delay, lambda: act() if self.world.swarm.on else None)

    def _compact(self) -> None:
        self.world.server.compact()
        for host in self.world.hosts:
            for stream in list(host.streams.values()):
                host.closed(stream, "the connection broke")

    def _jump(self) -> None:
        self.world.clock.jump(self.world.dice.faults.choice((-60, -5, 5, 60)) * self.world.dice.faults.choice((SECOND, MINUTE)))

    def _freeze(self) -> None:
        for host in self.world.hosts:
            seconds = self.world.dice.faults.choice((5, 60))
            host.freeze(seconds)
            self.world.upset(seconds + (SILENCE_S + 40 if self.world.swarm.rates["watch", "stall"] else 0))

    # ------------------------------------------------------------ calm

    def _calm(self) -> None:
        world = self.world
        world.swarm.on = False
        world.say("sim", "CALM")
        world.weather.clear()
        self.user.others.stop()
        for host in world.living:
            for stream in list(host.streams.values()):
                if stream.flush():
                    world.upset(PAUSE_S)  # it may tell that its version is too old, and be listed anew after the longest pause
        survivor = next(iter(world.living), None)
        for host in world.hosts:
            if host is not survivor:
                host.crash()
        if survivor is None:
            self._start("C")
        self._wait_for_namespaces()
        for store in world.stores.values():
            if world.dice.user.random() < 0.6:
                self.user.mend(store)
        self.user.authors.mend()
        world.checks.passes.clear()
        world.run(FLIGHT_S)
        for _ in range(CALM_ROUNDS):
            if world.upset_until <= world.clock.mono:
                break
            world.run_to(world.upset_until)
        else:
            raise Violation("simulator", "the trouble has no end")
        world.checks.decided.clear()
        began = world.clock.mono
        self._settle(CALM_S, "I4 settles")
        most = max((n for key, n in world.checks.passes.items() if key.kind == EXTERNAL_SECRET), default=0)
        self.figures["passes to settle"] = most
        if most > PASSES_MAX:
            raise Violation("I4 settles", f"{most} passes over one object")
        self._decisions((world.clock.mono - began) // SECOND)

    def _decisions(self, elapsed_s: int) -> None:
        """Once the consequences of faults are over, an object that can be settled is, after ``DECISIONS_MAX`` passes and its refreshes."""
        for tracked in self.world.objects.values():
            made = self.world.checks.decided[Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name)]
            if not tracked.alive or self._expected(tracked).state in FAILING:
                continue
            extra = made - (elapsed_s // tracked.wanted.interval_s if tracked.wanted.interval_s else 0)
            self.figures["decisions to settle"] = max(extra, self.figures.get("decisions to settle", 0))
            if extra > DECISIONS_MAX:
                raise Violation("I4 settles", f"{made} passes over {tracked.name} that did something, within {elapsed_s} s")

    def _wait_for_namespaces(self) -> None:
        until = self.world.clock.mono + NAMESPACE_S * SECOND
        while self.world.weather.ending:
            self.world.run(1)
            if self.world.clock.mono > until:
                raise Violation("I5 deletion", f"namespace {self.world.weather.ending} is not gone {NAMESPACE_S} s after its deletion")

    def _settle(self, seconds: int, law: str) -> None:
        world, until = self.world, self.world.clock.mono + seconds * SECOND
        while True:
            world.run(LOOK_SMALL_S if self.small else LOOK_S)
            world.server.collect_garbage(world.wall)
            fault = unsettled(world)
            if not fault:
                return
            if world.clock.mono >= until:
                raise Violation(law, f"not within {seconds} s: {fault}")

    # ------------------------------------------------------------ silence

    def _silence(self) -> None:
        world = self.world
        world.say("sim", "SILENCE")
        world.checks.quiet, world.checks.exempt = True, restless(world)
        world.run(world.dice.faults.choice((12, 12, 12, 32) if self.small else (60, 60, 150, 330)))
        if world.dice.faults.random() < (0.15 if self.small else 0.3):
            next(iter(world.living)).crash()
            self._start("D")
            world.run(12 if self.small else 70)
        self._not_overdue()
        world.checks.quiet = False
        if fault := unsettled(world):
            raise Violation("I3 silence", f"does not stay settled: {fault}")

    def _not_overdue(self) -> None:
        for host in self.world.living:
            if (late := host.engine.overdue(self.world.clock.now)) > SECOND:
                raise Violation("I10 overdue", f"a key has been due for {late / SECOND} s")
            if not host.engine.synced:
                raise Violation("I10 overdue", host.engine.not_ready)

    # ------------------------------------------------------------ one change

    def _change(self) -> None:
        world = self.world
        chosen = self._changeable()
        if chosen is None:
            return
        store, key, longest = chosen
        self._await_idle()
        world.say("sim", "CHANGE")
        world.checks.secret_writes.clear()
        world.say("user", self.user.rotate(store, key, alike=True))
        late = 2 if world.swarm.has("jump") else 1  # a wrong clock makes late, by an interval at most
        length = longest_s(longest) * late + (2 if self.small else 30)
        world.run(length)
        if fault := unsettled(world):
            raise Violation("I3 one change", f"{length} s later: {fault}")
        for place in self._renewed():
            world.checks.secret_writes.pop(place, None)  # each write is held against the refreshes
        [(place, most)] = world.checks.secret_writes.most_common(1) or [(("", ""), 0)]
        if most > 1:
            raise Violation("I3 one change", f"{most} writes of {place}")

    def _renewed(self) -> set[tuple[str, str]]:
        """Targets that something random may be written to."""
        world = self.world
        return {(t.namespace, spec.target) for t in world.objects.values() if world.draws(t) for spec in t.specs}

    def _await_idle(self) -> None:
        """Nobody is in the middle of a pass: one that reads the changing value twice, once before and once after, would write twice."""
        for _ in range(IDLE_LOOKS):
            if not any(host.engine.busy for host in self.world.living):
                return
            self.world.run(0.05)
        raise Violation("I3 one change", "somebody is busy all the time")

    def _changeable(self) -> tuple[Store, str, int] | None:
        world = self.world
        for store in world.stores.values():
            for key in sorted(store.values):
                readers = [t for t in world.objects.values() if t.alive and any(e.store == store.id for e in t.wanted.entries)]
                lively = [t for t in readers if t.wanted.lively and self._synced(t)]
                if lively:
                    return store, key, max(t.wanted.interval_s for t in lively)
        return None

    def _synced(self, tracked: Tracked) -> bool:
        return self._expected(tracked).state == "synced"

    def _expected(self, tracked: Tracked) -> Verdict:
        return expected(tracked.wanted, self.world.texts_of(tracked), self.world.stores)

    # ------------------------------------------------------------ recovery

    def _recover(self) -> None:
        world = self.world
        chosen = self._changeable()
        if chosen is None or world.swarm.has("jump"):
            return
        store, _, longest = chosen
        if store.id.provider != "fake" and world.dice.user.random() < 0.6:
            self._outage(store)
            return
        world.say("sim", "RECOVERY")
        self.user.withdraw(store)
        world.run(longest_s(longest) + 60)
        self.user.restore(store)
        world.run(RECOVERY_S)
        if fault := unsettled(world, patient=True):
            raise Violation("I4 recovery", f"{RECOVERY_S} s after {store.id.name} came back: {fault}")

    def _outage(self, store: Store) -> None:
        """A backend is dead for some minutes. It gets few calls then (``laws.Rates``), and is noticed soon when it is back."""
        world = self.world
        world.say("sim", "OUTAGE of", store.id.provider)
        world.counts("outage")
        world.dead = store.id.provider
        world.run(world.dice.faults.choice((200, 320)))
        world.dead = ""
        world.say("sim", "OUTAGE is over")
        world.run(OUTAGE_S)
        if fault := unsettled(world, patient=True):
            raise Violation("I4 recovery", f"{OUTAGE_S} s after the end of an outage: {fault}")

    # ------------------------------------------------------------ the end

    def _end(self) -> None:
        world = self.world
        world.say("sim", "END")
        kept = self._to_be_kept()
        for tracked in world.objects.values():
            if tracked.alive:
                self.user.remove(tracked)
        self._settle(END_S, "I5 deletion")
        world.run(5)
        world.server.collect_garbage(world.wall)
        for secret in world.server.objects(SECRET):
            owners = secret["metadata"].get("ownerReferences", [])
            if any(owner["kind"] == "ExternalSecret" for owner in owners) and world.only_namespace == "":
                raise Violation("I5 deletion", f"Secret {secret['metadata']['name']} was left behind")
        after = self._targets()
        for place, data in kept.items():
            if after.get(place) != data:
                raise Violation(
                    "I5 deletion", f"{place} holds {after.get(place)} after its object was deleted, and held {data}: it is not owned"
                )

    def _to_be_kept(self) -> dict[tuple[str, str], Any]:
        """Targets that nobody owns, and what they hold: their objects' deletion must leave them as they are."""
        targets = self._targets()
        places = {(t.namespace, t.wanted.target) for t in self.world.objects.values() if t.alive and t.wanted.creation != "Owner"}
        return {place: targets[place] for place in sorted(places - self._renewed()) if place in targets}

    def _targets(self) -> dict[tuple[str, str], Any]:
        """The data of all Secrets without owners."""
        secrets = self.world.server.objects(SECRET)
        return {
            (s["metadata"]["namespace"], s["metadata"]["name"]): s.get("data") for s in secrets if not s["metadata"].get("ownerReferences")
        }
