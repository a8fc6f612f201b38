"""A cluster in memory with one operator, in virtual time: everything arrives, in order, a few milliseconds later."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import assert_never

import orjson

from eso_core.failure import Broken, Unreachable
from eso_core.instant import SECOND
from eso_core.machines.commands import CloseWatch, Command, OpenWatch, Report, SendCall, SendKube, SendWork
from eso_core.operator import build
from eso_core.refs import collection_path
from eso_core.sim.api import ApiServer
from eso_core.sim.watch import Watch
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, KubeCall, KubeReply
from eso_shell.app import config_of
from eso_shell.settings import Settings
from tests.parity.recordings.backends import Backends
from tests.parity.recordings.clock import TICK, Clock
from tests.parity.recordings.journal import Journal, Key, Object
from tests.parity.recordings.kinds import OBSERVED, discovery, kind_of, resources
from tests.template_chance import SeededChance

WIRE_S = 0.001  # one way
GARBAGE_S = 0.05  # until the garbage collector has seen a write
NAMESPACES_S = 0.2  # the same of the namespace controller
BOOKMARK_S = 30
START_S = 1.5  # what an operator gets to begin with
STOP_S = 8.0
STEPS_MAX = 5000  # steps of the operator in a second of virtual time: more is a loop
USER_AGENT = "external-secrets"  # owner of the fields where a request names none


class HotLoop(Exception):
    """The operator does not come to rest."""


class Watches:
    """Everything there is, put down in a journal."""

    def __init__(self, server: ApiServer, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._watches: list[tuple[str, Watch]] = []
        for name in OBSERVED:
            watch = server.watch(KubeCall(method="GET", path=collection_path(kind_of(name), ""), query=(("watch", "1"),)))
            assert isinstance(watch, Watch)
            self._watches.append((name, watch))

    def collect(self) -> None:
        """Take in what was written."""
        for kind, watch in self._watches:
            for line in watch.take():
                told = orjson.loads(line)
                self._journal.take(kind, told["type"], told["object"], self._clock.mono)


class World:
    """``settings`` are those of every operator that runs in it."""

    def __init__(self, settings: Settings) -> None:
        self.clock = Clock()
        self.server = ApiServer(resources=resources())
        self.backends = Backends(self.server)
        self.journal = Journal()
        self._watches = Watches(self.server, self.clock, self.journal)
        self.operator: Operator | None = None
        self.bugs: list[str] = []  # passes that broke
        self._settings = settings
        self._garbage = self._namespaces = False
        self._watches.collect()
        self.server.subscribe(self._written)

    # ------------------------------------------------------------ the operator

    def start(self) -> None:
        """Run an operator that knows nothing yet."""
        self.operator = Operator(self, self._settings)
        self.run(START_S)

    def stop(self) -> None:
        """End the operator as its process ends: passes under way get some time."""
        operator = self.operator
        if operator is None:
            return
        operator.engine.stop()
        end = self.clock.mono + int(STOP_S * SECOND)
        while operator.engine.busy and self.clock.mono < end:
            self.run(0.01)
        operator.end()
        self.operator = None

    # ------------------------------------------------------------ time

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.clock.mono + int(seconds * SECOND)
        second, steps = self.clock.mono, 0
        while True:
            wakes = self.operator.wakes_at() if self.operator is not None else None
            times = [at for at in (self.clock.next_at(), wakes) if at is not None]
            at = min(times, default=end)
            if at > end:
                break
            self.clock.mono = max(self.clock.mono, at)
            self.clock.happen()
            if self.operator is not None and (wakes := self.operator.wakes_at()) is not None and wakes <= self.clock.mono:
                self.operator.step()
            if self.clock.mono - second >= SECOND:
                second, steps = self.clock.mono, 0
            steps += 1
            if steps > STEPS_MAX:
                raise HotLoop(f"more than {STEPS_MAX} steps in a second")
            if not times:
                break
        self.clock.mono = max(self.clock.mono, end)

    # ------------------------------------------------------------ what a cluster does by itself

    def _written(self) -> None:
        self._watches.collect()
        if self.operator is not None:
            for stream in list(self.operator.streams.values()):
                stream.collect()
        if not self._garbage:
            self._garbage = True
            self.clock.after(GARBAGE_S, self._collect_garbage)
        if not self._namespaces and any(key[0] == "Namespace" and "deletionTimestamp" in o["metadata"] for key, o in self._present()):
            self._namespaces = True
            self.clock.after(NAMESPACES_S, self._finish_namespaces)

    def _present(self) -> list[tuple[Key, Object]]:
        return list(self.journal.objects.items())

    def _collect_garbage(self) -> None:
        self._garbage = False
        self.server.collect_garbage(self.clock.now.wall)

    def _finish_namespaces(self) -> None:
        self._namespaces = False
        self.server.finish_namespaces(self.clock.now.wall)


class Operator:
    """An engine, and hands that carry out its commands."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.engine = build(config_of(settings), random=random.Random(1).random, chance=SeededChance(1), namespace=settings.namespace)
        self.streams: dict[int, Stream] = {}
        self._world = world
        self._alive = True
        self._news = True
        self._wake: int | None = None

    def wakes_at(self) -> int | None:
        """When there is something to do (monotonic nanoseconds)."""
        return self._world.clock.mono if self._news else self._wake

    def step(self) -> None:
        """One tick of the engine."""
        self._news = False
        self._world.clock.mono += TICK
        for command in self.engine.tick(self._world.clock.now):
            self._carry_out(command)
        self._wake = self.engine.wake_at()

    def end(self) -> None:
        """Hear and do nothing more."""
        self._alive = False
        self.streams.clear()

    def hear(self, tell: Callable[[], None]) -> None:
        """Have something told to the engine after its way on the wire."""

        def arrive() -> None:
            if self._alive:
                self._news = True
                tell()

        self._world.clock.after(WIRE_S, arrive)

    def _carry_out(self, command: Command) -> None:
        clock = self._world.clock
        match command:
            case SendKube(ticket, call):
                clock.after(WIRE_S, lambda: self._ask_cluster(ticket, call))
            case SendCall(ticket, question, _):
                clock.after(WIRE_S, lambda: self._ask_backend(ticket, question))
            case SendWork(ticket, run):
                computed = run()
                clock.after(WIRE_S, lambda: self.hear(lambda: self.engine.work_reply(ticket, computed, clock.now)))
            case OpenWatch(ticket, call):
                stream = self.streams[ticket] = Stream(self._world, self, ticket, call)
                clock.after(WIRE_S, stream.open)
            case CloseWatch(ticket):
                self.streams.pop(ticket, None)
            case Report(key, settled):
                if isinstance(settled.detail, Broken) and settled.detail.what.startswith("internal error"):
                    self._world.bugs.append(f"{key}: {settled.detail.what}")
            case _:
                assert_never(command)

    def _ask_cluster(self, ticket: int, call: KubeCall) -> None:
        told = discovery(call.path) if call.method == "GET" else None
        if told is not None:
            reply = KubeReply(status=200, body=orjson.dumps(told))
        else:
            reply = self._world.server.handle(call, self._world.clock.now.wall, USER_AGENT)
        self.hear(lambda: self.engine.kube_reply(ticket, reply, self._world.clock.now))

    def _ask_backend(self, ticket: int, call: Call) -> None:
        reply: CallReply = CallFailed(Unreachable("a scenario has no vendor's library"))
        if isinstance(call, HttpCall):
            reply = self._world.backends.answer(call, self._world.clock.now.wall)
        self.hear(lambda: self.engine.call_reply(ticket, reply, self._world.clock.now))


class Stream:
    """One watch: lines are delivered in the order of the writes."""

    def __init__(self, world: World, operator: Operator, ticket: int, call: KubeCall) -> None:
        self._world, self._operator = world, operator
        self._ticket, self._call = ticket, call
        self._watch: Watch | None = None

    @property
    def _open(self) -> bool:
        return self._operator.streams.get(self._ticket) is self

    def open(self) -> None:
        """The request has arrived."""
        if not self._open:
            return
        opened = self._world.server.watch(self._call)
        if isinstance(opened, KubeReply):
            self._close(opened.status)
            return
        self._watch = opened
        self._world.clock.after(int(dict(self._call.query)["timeoutSeconds"]), lambda: self._close(0))
        self._world.clock.after(BOOKMARK_S, self._bookmark)
        self.collect()

    def collect(self) -> None:
        """Pass on what was written."""
        lines = self._watch.take() if self._watch is not None else []
        if lines and self._open:
            engine, clock = self._operator.engine, self._world.clock
            self._operator.hear(lambda: engine.watch_lines(self._ticket, lines, clock.now))

    def _bookmark(self) -> None:
        if self._watch is not None and self._open:
            self._watch.bookmark()
            self.collect()
            self._world.clock.after(BOOKMARK_S, self._bookmark)

    def _close(self, status: int) -> None:
        if self._open:
            del self._operator.streams[self._ticket]
            failure = Unreachable("refused") if status else None
            self._operator.hear(lambda: self._operator.engine.watch_closed(self._ticket, failure, self._world.clock.now, status))
