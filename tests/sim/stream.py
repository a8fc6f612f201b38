"""One watch stream between the API server and a host: late, and as unreliable as the swarm says."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import orjson

from eso_core.instant import SECOND
from eso_core.machines.commands import OpenWatch
from eso_core.machines.watch import PAUSE_LAST, SILENCE_S
from eso_core.sim.watch import Watch

if TYPE_CHECKING:
    from tests.sim.host import Host
    from tests.sim.world import World

BOOKMARK_S = 60
PAUSE_S = PAUSE_LAST / SECOND + 5  # after which a broken stream is open again at the latest
GONE = orjson.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}) + b"\n"


class Stream:
    """Changes are taken from the server as they happen, and delivered in order, each after a lag: what the host knows is the past.

    ``behind``: so many changes are kept back until more come, so that one kind lags behind the others however much time goes by.
    """

    def __init__(self, world: World, host: Host, command: OpenWatch) -> None:
        self.ticket = command.ticket
        self.over = False
        self.plural = command.call.path.rsplit("/", 1)[-1]
        self._call = command.call
        self._world, self._host = world, host
        self._watch: Watch | None = None
        self._stalled = False
        self._last = 0
        self._kept: deque[bytes] = deque()
        self._lag = world.swarm.lag.get(self.plural, world.swarm.lag["stores"])
        self._behind = world.swarm.behind.get(self.plural, world.swarm.behind["stores"])

    def open(self) -> None:
        """The request has arrived."""
        world = self._world
        if self.over or not self._host.alive:
            return
        fault = world.swarm.draw("watch")
        if fault == "refused":
            world.counts("fault watch refused")
            world.upset(PAUSE_S)
            self._host.closed(self, "refused", world.dice.faults.choice((429, 500, 503)))
            return
        refusal = world.weather.refusal(self._call) if world.weather.bad else None
        opened = refusal or world.server.watch(self._call)
        if not isinstance(opened, Watch):
            self._host.closed(self, "refused", opened.status)
            return
        self._watch = opened
        world.clock.after(int(dict(self._call.query)["timeoutSeconds"]), self._time_out)
        world.clock.after(BOOKMARK_S, self._bookmark)
        self.collect()

    def end(self) -> None:
        """Nothing is delivered any more."""
        self.over = True
        self._watch = None

    def collect(self) -> None:
        """Take what has happened, for later."""
        if self._watch is None:
            return
        lines = self._watch.take()
        if not lines:
            return
        if self._behind:
            self._kept.extend(lines)
            if not self._world.swarm.on:
                self.flush()
                return
            lines = [self._kept.popleft() for _ in range(len(self._kept) - self._behind)]
            if self._kept:
                self._world.counts("fault watch behind")
            if not lines:
                return
        self._send(lines)

    def flush(self) -> bool:
        """Deliver what was kept back, if there is any."""
        if not self._kept or self.over:
            return False
        lines, self._kept = list(self._kept), deque()
        self._send(lines)
        return True

    def _send(self, lines: list[bytes]) -> None:
        world = self._world
        lag = world.latency() + (world.dice.delays.random() * 2 * self._lag if world.swarm.on else 0)
        self._last = max(self._last + 1, world.clock.mono + int(lag * SECOND))
        world.upset(lag)
        world.clock.at(self._last, lambda: self._deliver(lines))

    def _deliver(self, lines: list[bytes]) -> None:
        if self.over or self._stalled:
            return
        world = self._world
        fault = world.swarm.draw("watch")
        if not fault or fault == "refused":
            self._host.lines(self, lines)
            return
        world.counts(f"fault watch {fault}")
        world.say(self._host.name, "FAULT", "watch", fault, self.plural)
        self._goes_wrong(fault, lines)

    def _goes_wrong(self, fault: str, lines: list[bytes]) -> None:
        world = self._world
        world.upset(PAUSE_S)
        match fault:
            case "drop":
                self._host.closed(self, world.dice.faults.choice(("", "the connection broke")))
            case "cut":  # in the middle of a line: the shell hands over complete lines only
                self._host.lines(self, lines[: world.dice.faults.randrange(len(lines))])
                self._host.closed(self, "the connection broke")
            case "gone":
                self._host.lines(self, [GONE])
            case "stall":
                self._stalled = True
                world.upset(SILENCE_S + 40)
            case "garbage line":
                self._host.lines(self, [b'{"type":"ADDED","object":{"met\n'])
            case "duplicate":
                self._host.lines(self, [*lines, *lines])

    def _bookmark(self) -> None:
        if self._watch is None:
            return
        self._watch.bookmark()
        self.collect()
        self._world.clock.after(BOOKMARK_S, self._bookmark)

    def _time_out(self) -> None:
        if not self._stalled:
            self._host.closed(self, "")
