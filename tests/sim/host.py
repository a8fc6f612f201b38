"""One operator process: an engine, and hands that carry out its commands late, in any order, or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from eso_core.config import Config
from eso_core.failure import Broken, Unreachable
from eso_core.machines.engine import CloseWatch, Command, OpenWatch, Report, SendCall, SendKube
from eso_core.operator import build
from eso_core.wire import CallFailed, CallReply, HttpCall, KubeCall, KubeReply
from tests.sim import replies
from tests.sim.clock import TICK
from tests.sim.stream import Stream

if TYPE_CHECKING:
    from tests.sim.world import World

TICKS_MAX = 2000  # steps without a pause: more is a loop


class Host:
    """``name`` is for the trace. A dead host does nothing any more; its requests may still arrive."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.alive = True
        self.dirty = True
        self.frozen_until = 0
        self._inbox: deque[Callable[[], None]] = deque()
        self._wake: int | None = 0
        self.streams: dict[int, Stream] = {}
        self._world = world
        self.engine = build(Config(), random=world.dice.stream(f"engine {name}").random, namespace=world.only_namespace)

    # ------------------------------------------------------------ running

    def wakes_at(self) -> int | None:
        """When the host has something to do by itself."""
        if not self.alive:
            return None
        at = self._world.clock.mono if self.dirty else self._wake
        return None if at is None else max(at, self.frozen_until)

    def step(self) -> None:
        """One tick of the engine."""
        self.dirty = False
        self._world.clock.mono += TICK
        for command in self.engine.tick(self._world.clock.now):
            self._carry_out(command)
        self._wake = self.engine.wake_at()

    def crash(self) -> None:
        """The process is gone. What it has sent may arrive, or not."""
        self.alive = False
        for stream in self.streams.values():
            stream.over = True
        self.streams.clear()

    def _hears(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` when the host can hear: at once, after a freeze, or never. What waits stays in order."""
        self._inbox.append(tell)
        self._listen()

    def _listen(self) -> None:
        if not self.alive:
            return
        if self.frozen_until > self._world.clock.mono:
            self._world.clock.at(self.frozen_until, self._listen)
            return
        while self._inbox:
            self.dirty = True
            self._inbox.popleft()()

    def _carry_out(self, command: Command) -> None:
        match command:
            case SendKube():
                self._send_kube(command)
            case SendCall():
                self._send_call(command)
            case OpenWatch():
                self._open(command)
            case CloseWatch(ticket):
                stream = self.streams.pop(ticket, None)
                if stream is not None:
                    stream.over = True
            case Report():
                self._world.checks.reported(self, command)
            case _:
                assert_never(command)

    # ------------------------------------------------------------ requests to the API server

    def _send_kube(self, command: SendKube) -> None:
        world, call = self._world, command.call
        world.checks.sent(self, call)
        fault = world.swarm.draw("kube")
        wait = 0.0 if not fault.startswith("lost") else world.dice.faults.choice((0.0, 0.0, 10.0, 30.0))

        def arrive() -> None:
            if not self.alive and world.dice.delays.random() < 0.5:
                return  # it never left the dead process
            reply = replies.kube_fault(fault, call, world.dice.faults) or self._handled(call)
            if fault == "lost after":
                reply = CallFailed(Unreachable("the connection broke"))
            if fault:
                world.say(self.name, "FAULT", fault, call.method, call.path)
                world.upset(wait + 10)
            world.clock.after(world.latency() + wait, lambda: self._hears(lambda: self._kube_reply(command.ticket, reply)))

        world.clock.after(world.latency(), arrive)

    def _handled(self, call: KubeCall) -> KubeReply | CallFailed:
        world = self._world
        world.checks.arrives(self, call)
        is_event = "/events" in call.path
        reply = world.events.answer(call) if is_event else world.server.handle(call, world.clock.now.wall)
        world.checks.answered(self, call, reply)
        return reply

    def _kube_reply(self, ticket: int, reply: KubeReply | CallFailed) -> None:
        self.engine.kube_reply(ticket, reply, self._world.clock.now)

    # ------------------------------------------------------------ calls to backends

    def _send_call(self, command: SendCall) -> None:
        world, call = self._world, command.call
        assert isinstance(call, HttpCall)
        world.checks.called(call)
        fault = world.swarm.draw("backend")
        wait = {"slow": world.dice.faults.choice((5.0, 20.0)), "black hole": call.timeout_s}.get(fault, 0.0)

        def arrive() -> None:
            reply: CallReply = replies.backend_fault(fault, call, world.dice.faults) or world.vault.answer(call, world.clock.mono)
            if fault == "absent":
                world.flickers(call)
            if fault:
                world.upset(wait + 10)
            world.say(self.name, "CALL", call.method, call.url, replies.shown(reply), fault)
            world.clock.after(world.latency() + wait, lambda: self._hears(lambda: self._call_reply(command.ticket, reply)))

        world.clock.after(world.latency(), arrive)

    def _call_reply(self, ticket: int, reply: CallReply) -> None:
        self.engine.call_reply(ticket, reply, self._world.clock.now)

    # ------------------------------------------------------------ watches

    def _open(self, command: OpenWatch) -> None:
        world = self._world
        world.checks.sent(self, command.call)
        stream = self.streams[command.ticket] = Stream(world, self, command)
        world.clock.after(world.latency(), stream.open)

    def lines(self, stream: Stream, lines: list[bytes]) -> None:
        """Lines of a stream have come."""
        if not stream.over:
            self._hears(lambda: self.engine.watch_lines(stream.ticket, lines, self._world.clock.now))

    def closed(self, stream: Stream, why: str, status: int = 0) -> None:
        """A stream has ended; ``why`` is empty when it ended by itself."""
        if stream.over:
            return
        stream.over = True
        self.streams.pop(stream.ticket, None)
        failure = None if not why else Broken(why) if status == 200 else Unreachable(why)
        self._hears(lambda: self.engine.watch_closed(stream.ticket, failure, self._world.clock.now, status))
