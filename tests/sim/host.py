"""One operator process: an engine, and hands that carry out its commands late, in any order, or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from eso_core.config import Config
from eso_core.effect import Computed
from eso_core.failure import Broken, Unreachable
from eso_core.instant import SECOND, Now
from eso_core.machines.commands import CloseWatch, Command, OpenWatch, Report, SendCall, SendKube, SendWork
from eso_core.operator import build
from eso_core.wire import CallFailed, CallReply, HttpCall, KubeCall, KubeReply
from tests.sim import replies
from tests.sim.clock import FAR, TICK
from tests.sim.laws import Work
from tests.sim.paths import backend_effect_of, effect_of, store_of
from tests.sim.stream import Stream
from tests.template_chance import SeededChance

if TYPE_CHECKING:
    from tests.sim.world import World

BOOKMARK = b'{"type":"BOOKMARK"'
LOOK_EVERY = 8  # steps; a key that is stuck stays so
TICKS_MAX = 2000  # steps without a pause: more is a loop


class Host:
    """``name`` is for the trace. A dead host does nothing any more; its requests may still arrive.

    ``wake``: when it has something to do by itself, ``FAR`` for never.
    """

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.alive = True
        self.wake = 0
        self._steps = 0
        self.frozen_until = 0
        self.peace_until = 0  # the API server has asked to be left alone
        self._inbox: deque[Callable[[], None]] = deque()
        self.streams: dict[int, Stream] = {}
        self.works: dict[int, Work] = {}  # computations under way
        self._world = world
        random = world.dice.stream(f"engine {name}").random
        self.engine = build(Config(), random=random, chance=SeededChance(world.dice.seed), namespace=world.only_namespace)

    # ------------------------------------------------------------ running

    def step(self) -> None:
        """One tick of the engine."""
        clock = self._world.clock
        clock.mono += TICK
        now = clock.now
        commands = self.engine.tick(now)
        wake = self.engine.wake_at()
        self.wake = FAR if wake is None else max(wake, self.frozen_until)
        for command in commands:
            if self.alive:
                self._carry_out(command)
        self._steps += 1
        if self.alive and self._steps % LOOK_EVERY == 0:
            self._world.checks.stepped(self, now)

    def freeze(self, seconds: int) -> None:
        """Neither work nor hear for a while."""
        self.frozen_until = self._world.clock.mono + seconds * SECOND
        self.wake = max(self.wake, self.frozen_until)

    def crash(self) -> None:
        """The process is gone. What it has sent may arrive, or not."""
        self.alive = False
        self.wake = FAR
        self._world.checks.stirred()
        for stream in self.streams.values():
            stream.end()
        self.streams.clear()

    def _dies(self, moment: str, effect: str) -> None:
        if not self.alive or not self._world.swarm.on:
            return
        self._world.counts(f"crash {moment} {effect}")
        self._world.say(self.name, "FAULT crash", moment, effect)
        self.crash()
        self._world.died(self)

    def _hears(self, tell: Callable[[], None], *, wakes: bool = True) -> None:
        """Call ``tell`` when the host can hear: at once, after a freeze, or never. What waits stays in order.

        Not ``wakes``: nothing follows from it, and the tick after it is left out to save time.
        """
        if not wakes and self.alive and not self._inbox and self.frozen_until <= self._world.clock.mono:
            tell()
            return
        self._inbox.append(tell)
        self._listen()

    def _listen(self) -> None:
        if not self.alive:
            return
        if self.frozen_until > self._world.clock.mono:
            self._world.clock.at(self.frozen_until, self._listen)
            return
        while self._inbox and self.alive:
            self.wake = 0
            self._inbox.popleft()()

    def _carry_out(self, command: Command) -> None:
        match command:
            case SendKube():
                self._send_kube(command)
            case SendCall():
                self._send_call(command)
            case SendWork():
                self._work(command)
            case OpenWatch():
                self._open(command)
            case CloseWatch(ticket):
                stream = self.streams.pop(ticket, None)
                if stream is not None:
                    stream.end()
            case Report():
                self._world.checks.reported(self, command)
            case _:
                assert_never(command)

    @property
    def _now(self) -> Now:
        return self._world.clock.now

    # ------------------------------------------------------------ requests to the API server

    def _send_kube(self, command: SendKube) -> None:
        world, call, effect = self._world, command.call, effect_of(command.call)
        moment = world.swarm.crashes_at(effect)
        if moment == "before":
            self._dies(moment, effect)
            return
        world.checks.sent(self, call)
        fault = world.swarm.draw("kube")
        wait = 0.0 if not fault.startswith(("lost", "time-out")) else world.dice.faults.choice((0.0, 0.0, 10.0, 30.0))

        def arrive() -> None:
            if not self.alive and not moment and world.dice.delays.random() < 0.5:
                return  # it never left the dead process
            reply = self._answer(call, fault, wait)
            if moment == "done":
                self._dies(moment, effect)
            wakes = not effect.endswith("events") or reply.status == 429 if isinstance(reply, KubeReply) else True
            world.clock.after(
                world.latency() + wait,
                lambda: self._hears(lambda: self._kube_reply(command.ticket, reply, effect, moment), wakes=wakes),
            )

        world.clock.after(world.latency(), arrive)
        if moment == "sent":
            self._dies(moment, effect)

    def _answer(self, call: KubeCall, fault: str, wait: float) -> KubeReply | CallFailed:
        world = self._world
        reply = replies.kube_fault(fault, call, world.dice.faults) if fault else None
        said = reply or self._handled(call)
        if fault in ("lost after", "time-out with effect"):
            reply = said = replies.unknown(fault)
        if fault:
            world.counts(f"drawn kube {fault}")
            world.upset(wait + replies.peace_s(said) + 10)
            if reply is not None:
                world.counts(f"fault kube {fault}")
                world.say(self.name, "FAULT", fault, call.method, call.path)
        return said

    def _handled(self, call: KubeCall) -> KubeReply | CallFailed:
        world = self._world
        world.checks.arrives(call)
        reply = world.weather.refusal(call) if world.weather.bad else None
        if reply is None:
            is_event = "/events" in call.path
            reply = world.events.answer(call) if is_event else world.server.handle(call, world.clock.now.wall)
        world.checks.answered(self, call, reply)
        return reply

    def _kube_reply(self, ticket: int, reply: KubeReply | CallFailed, effect: str, moment: str) -> None:
        self.engine.kube_reply(ticket, reply, self._now)
        if isinstance(reply, KubeReply) and reply.status == 429 and effect != "GET page":
            self.peace_until = max(self.peace_until, self._world.clock.mono + max(1, reply.retry_after_s) * SECOND)
        if moment == "seen":
            self._dies(moment, effect)

    # ------------------------------------------------------------ calls to backends

    def _send_call(self, command: SendCall) -> None:
        world, call = self._world, command.call
        assert isinstance(call, HttpCall)
        effect = backend_effect_of(call)
        moment = world.swarm.crashes_at(effect)
        if moment == "before":
            self._dies(moment, effect)
            return
        world.checks.called(self, call)
        fault = world.swarm.draw("backend")
        wait = {"slow": world.dice.faults.choice((5.0, 20.0)), "black hole": call.timeout_s}.get(fault, 0.0) if fault else 0.0

        def arrive() -> None:
            reply = world.ask_backend(call, fault)
            world.checks.rates.answered(self, store_of(call.url), reply)
            if fault:
                world.upset(wait + replies.peace_s(reply) + 10)
            world.say(self.name, "CALL", call.method, call.url, replies.shown(reply), fault)
            if moment == "done":
                self._dies(moment, effect)
            world.clock.after(world.latency() + wait, lambda: self._hears(lambda: self._call_reply(command.ticket, reply, effect, moment)))

        world.clock.after(world.latency(), arrive)
        if moment == "sent":
            self._dies(moment, effect)

    def _call_reply(self, ticket: int, reply: CallReply, effect: str, moment: str) -> None:
        self.engine.call_reply(ticket, reply, self._now)
        if moment == "seen":
            self._dies(moment, effect)

    # ------------------------------------------------------------ long computations

    def _work(self, command: SendWork) -> None:
        """In a thread of the process: it dies with it, and is slow at times."""
        world, moment = self._world, self._world.swarm.crashes_at("work")
        world.counts("work")
        if moment == "before":
            self._dies(moment, "work")
            return
        fault = world.swarm.draw("work")
        wait = world.dice.faults.choice((2.0, 10.0, 40.0)) if fault else 0.0
        if fault:
            world.counts("drawn work slow")
            world.counts("fault work slow")
            world.upset(wait + 10)
            world.say(self.name, "FAULT slow work", command.ticket, wait)
        self.works[command.ticket] = world.checks.rendering.works_on(self, command.ticket)

        def end() -> None:
            if not self.alive:
                return
            computed = command.run()
            if moment == "done":
                self._dies(moment, "work")
            world.clock.after(world.latency(), lambda: self._hears(lambda: self._worked(command.ticket, computed, moment)))

        world.clock.after(world.latency() + wait, end)
        if moment == "sent":
            self._dies(moment, "work")

    def _worked(self, ticket: int, computed: Computed, moment: str) -> None:
        self._world.checks.rendering.worked(self.works.pop(ticket))
        self.engine.work_reply(ticket, computed, self._now)
        if moment == "seen":
            self._dies(moment, "work")

    # ------------------------------------------------------------ watches

    def _open(self, command: OpenWatch) -> None:
        world = self._world
        world.checks.sent(self, command.call)
        stream = self.streams[command.ticket] = Stream(world, self, command)
        world.clock.after(world.latency(), stream.open)

    def lines(self, stream: Stream, lines: list[bytes]) -> None:
        """Lines of a stream have come."""
        if not stream.over:
            wakes = not (len(lines) == 1 and lines[0].startswith(BOOKMARK))
            self._hears(lambda: self.engine.watch_lines(stream.ticket, lines, self._now), wakes=wakes)

    def closed(self, stream: Stream, why: str, status: int = 0) -> None:
        """A stream has ended; ``why`` is empty when it ended by itself."""
        if stream.over:
            return
        stream.end()
        self.streams.pop(stream.ticket, None)
        failure = None if not why else Broken(why) if status == 200 else Unreachable(why)
        self._hears(lambda: self.engine.watch_closed(stream.ticket, failure, self._now, status))
