"""One watch stream between the API server and a host: late, and as unreliable as the swarm says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eso_core.instant import SECOND
from eso_core.machines.engine import OpenWatch
from eso_core.machines.watch import SILENCE_S
from eso_core.sim.watch import Watch

if TYPE_CHECKING:
    from tests.sim.host import Host
    from tests.sim.world import World

BOOKMARK_S = 60


class Stream:
    """Changes are taken from the server as they happen, and delivered in order, each after a lag: what the host knows is the past."""

    def __init__(self, world: World, host: Host, command: OpenWatch) -> None:
        self.ticket = command.ticket
        self.over = False
        self._call = command.call
        self._world, self._host = world, host
        self._watch: Watch | None = None
        self._stalled = False
        self._last = 0
        self._plural = command.call.path.rsplit("/", 1)[-1]
        self._lag = world.swarm.lag.get(self._plural, world.swarm.lag["stores"])

    def open(self) -> None:
        """The request has arrived."""
        if self.over or not self._host.alive:
            return
        if self._world.swarm.draw("watch") == "refused":
            self._host.closed(self, "refused", self._world.dice.faults.choice((429, 500, 503)))
            return
        opened = self._world.server.watch(self._call)
        if not isinstance(opened, Watch):
            self._host.closed(self, "refused", opened.status)
            return
        self._watch = opened
        self._world.clock.after(int(dict(self._call.query)["timeoutSeconds"]), self._time_out)
        self._world.clock.after(BOOKMARK_S, self._bookmark)
        self.collect()

    def collect(self) -> None:
        """Take what has happened, for later."""
        if self._watch is None or self.over:
            return
        lines = self._watch.take()
        if lines:
            self._send(lines)

    def _send(self, lines: list[bytes]) -> None:
        world = self._world
        lag = world.latency() + (world.dice.delays.random() * 2 * self._lag if world.swarm.on else 0)
        self._last = max(self._last + 1, world.clock.mono + int(lag * SECOND))
        world.upset(lag)
        world.clock.at(self._last, lambda: self._deliver(lines))

    def _deliver(self, lines: list[bytes]) -> None:
        if self.over or self._stalled:
            return
        fault = self._world.swarm.draw("watch")
        if fault:
            self._world.say(self._host.name, "FAULT", "watch", fault, self._plural)
        match fault:
            case "drop":
                self._host.closed(self, self._world.dice.faults.choice(("", "the connection broke")))
            case "stall":
                self._stalled = True
                self._world.upset(SILENCE_S + 40)
            case "garbage line":
                self._host.lines(self, [b'{"type":"ADDED","object":{"met\n'])
            case "duplicate":
                self._host.lines(self, [*lines, *lines])
            case _:
                self._host.lines(self, lines)

    def _bookmark(self) -> None:
        if self._watch is None or self.over:
            return
        self._watch.bookmark()
        self.collect()
        self._world.clock.after(BOOKMARK_S, self._bookmark)

    def _time_out(self) -> None:
        if not self._stalled:
            self._host.closed(self, "")
