"""One run: trouble, calm, silence, one change, the end.

=========  ===============================================================================================
trouble    users act and everything fails at random; the checks of ``checks.py`` hold all the time
calm       faults stop: within ``CALM_S`` seconds the cluster is as the oracle says
silence    nothing changes: no writes but refresh times, also after a restart
change     one backend value changes: at most one write of each Secret, and the oracle is right again
recovery   a store goes, and comes back: whoever waits for it is served within ``RECOVERY_S`` seconds, whatever its pause
end        every ExternalSecret is deleted: all are gone within ``END_S`` seconds, and so is what they owned
=========  ===============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from eso_core.instant import MINUTE, SECOND
from eso_core.machines.watch import SILENCE_S
from eso_core.refs import EXTERNAL_SECRET, SECRET
from tests.sim.checks import Violation
from tests.sim.dice import Dice
from tests.sim.host import Host
from tests.sim.model import Store
from tests.sim.oracle import expected
from tests.sim.settled import restless, unsettled
from tests.sim.user import User
from tests.sim.world import Tracked, World

CALM_S = 900
END_S = 600
RECOVERY_S = 5
LOOK_S = 20  # seconds between two looks at the cluster
PASSES_MAX = 40  # of one object, from the last fault until all is settled


@dataclass(slots=True)
class Result:
    """What became of one run. ``fault`` is empty when all went well."""

    seed: int
    fault: str = ""
    totals: dict[str, int] = field(default_factory=dict)


def run(seed: int, tell: Callable[[str], None] | None = None) -> Result:
    """Run one seed. ``tell`` takes the lines of the trace."""
    play = Play(Dice(seed), tell)
    result = Result(seed)
    try:
        play.all()
    except Violation as violation:
        result.fault = str(violation)
        play.world.say("check", "VIOLATION", violation)
    result.totals = {**play.world.checks.totals, "logins": play.world.vault.logins, **play.figures}
    return result


class Play:
    """The phases."""

    def __init__(self, dice: Dice, tell: Callable[[str], None] | None = None) -> None:
        self.world = World(dice, tell)
        self.user = User(self.world)
        self.figures: dict[str, int] = {}

    def all(self) -> None:
        """Every phase, in order."""
        self._trouble()
        self._calm()
        self._silence()
        self._change()
        if self.world.dice.user.random() < 0.3:
            self._recover()
        self._end()

    # ------------------------------------------------------------ trouble

    def _trouble(self) -> None:
        world, random = self.world, self.world.dice.faults
        world.say("sim", f"seed {world.dice.seed}; namespaces {world.namespaces} {world.only_namespace}; faults: {world.swarm.active}")
        length = random.choice((20, 30, 30, 60, 60, 120, 240))
        self.user.begin()
        self._start("A")
        for _ in range(world.dice.user.randint(2, 14)):
            world.clock.after(world.dice.user.random() * length, self.user.act)
        acts = {"crash": self._crash, "compact": self._compact, "jump": self._jump, "second": self._second, "freeze": self._freeze}
        for kind, act in {**acts, "revoke": world.vault.revoke}.items():
            for _ in range(world.swarm.times(kind)):
                self._in_trouble(random.random() * length, self._said(kind, act))
        world.run(length)

    def _said(self, kind: str, act: Callable[[], None]) -> Callable[[], None]:
        def happens() -> None:
            self.world.say("sim", "FAULT", kind)
            act()

        return happens

    def _start(self, name: str) -> None:
        self.world.hosts = [host for host in self.world.hosts if host.alive]
        self.world.hosts.append(Host(self.world, name))

    def _crash(self) -> None:
        if not self.world.living:
            return
        victim = self.world.dice.faults.choice(self.world.living)
        victim.crash()
        self._in_trouble(self.world.dice.faults.choice((0.1, 5.0)), lambda: self._start(f"{victim.name}'"))

    def _second(self) -> None:
        other = Host(self.world, f"B{len(self.world.hosts)}")
        self.world.hosts.append(other)
        self._in_trouble(self.world.dice.faults.choice((2.0, 20.0)), other.crash)

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
            host.frozen_until = self.world.clock.mono + seconds * SECOND
            self.world.upset(seconds + (SILENCE_S + 40 if self.world.swarm.rates["watch", "stall"] else 0))

    # ------------------------------------------------------------ calm

    def _calm(self) -> None:
        world = self.world
        world.swarm.on = False
        world.say("sim", "CALM")
        survivor = next(iter(world.living), None)
        for host in world.hosts:
            if host is not survivor:
                host.crash()
        if survivor is None:
            self._start("C")
        for store in world.stores.values():
            if world.dice.user.random() < 0.6:
                self.user.mend(store)
        world.checks.passes.clear()
        world.run_to(world.upset_until)
        self._settle(CALM_S, "I4 settles")
        most = max((n for key, n in world.checks.passes.items() if key.kind == EXTERNAL_SECRET), default=0)
        self.figures["passes to settle"] = most
        if most > PASSES_MAX:
            raise Violation("I4 settles", f"{most} passes over one object")

    def _settle(self, seconds: int, law: str) -> None:
        world, until = self.world, self.world.clock.mono + seconds * SECOND
        while True:
            world.run(LOOK_S)
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
        world.run(self.world.dice.faults.choice((60, 60, 150, 330)))
        if world.dice.faults.random() < 0.3:
            next(iter(world.living)).crash()
            self._start("D")
            world.run(70)
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
        world.say("sim", "CHANGE")
        world.checks.secret_writes.clear()
        world.say("user", self.user.rotate(store, key, alike=True))
        length = longest * (2 if world.swarm.has("jump") else 1) + 30  # a wrong clock makes late, by an interval at most
        world.run(length)
        if fault := unsettled(world):
            raise Violation("I3 one change", f"{length} s later: {fault}")
        [(place, most)] = world.checks.secret_writes.most_common(1) or [(("", ""), 0)]
        if most > 1:
            raise Violation("I3 one change", f"{most} writes of {place}")

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
        return expected(tracked.wanted, tracked.namespace, self.world.stores).state == "synced"

    # ------------------------------------------------------------ recovery

    def _recover(self) -> None:
        world = self.world
        chosen = self._changeable()
        if chosen is None or world.swarm.has("jump"):
            return
        store, _, longest = chosen
        world.say("sim", "RECOVERY")
        self.user.withdraw(store)
        world.run(longest + 60)
        self.user.restore(store)
        world.run(RECOVERY_S)
        if fault := unsettled(world):
            raise Violation("I4 recovery", f"{RECOVERY_S} s after {store.id.name} came back: {fault}")

    # ------------------------------------------------------------ the end

    def _end(self) -> None:
        world = self.world
        world.say("sim", "END")
        kept = {(t.namespace, t.wanted.target) for t in world.objects.values() if t.alive and t.wanted.creation == "Orphan"}
        kept = {place for place in kept if self._is_there(place)}
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
        if lost := [place for place in kept if not self._is_there(place)]:
            raise Violation("I5 deletion", f"creationPolicy Orphan, but {lost} went")

    def _is_there(self, place: tuple[str, str]) -> bool:
        return any(
            (s["metadata"]["namespace"], s["metadata"]["name"]) == place and not s["metadata"].get("ownerReferences")
            for s in self.world.server.objects(SECRET, place[0])
        )
