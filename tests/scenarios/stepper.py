"""The whole operator, driven by hand: the engine, an in-memory API server, a small Vault, and a clock that only moves when told.

Everything is deterministic: requests are answered in the order in which they are sent, watch lines arrive after every tick.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from eso_core.api.crd import crds
from eso_core.config import Config
from eso_core.failure import Unreachable
from eso_core.instant import SECOND, Instant, Now
from eso_core.machines.commands import CloseWatch, OpenWatch, Report, SendCall, SendKube, SendWork
from eso_core.operator import build
from eso_core.refs import EVENT, EXTERNAL_SECRET, SECRET, Ref
from eso_core.sim.api import ApiServer
from eso_core.sim.resource import Resource
from eso_core.sim.watch import Watch
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, KubeCall, KubeReply
from tests.template_chance import SeededChance
from tests.unit.core.objects import T0, at

USER = "kubectl"  # field manager of what a scenario applies


@cache
def resources() -> tuple[Resource, ...]:
    """The CRDs' kinds, made once."""
    server = ApiServer()
    return tuple(resource for crd in crds() for resource in server.install(crd))


def api_server(*namespaces: str) -> ApiServer:
    """An API server that serves this operator's kinds."""
    server = ApiServer(resources=resources())
    for name in namespaces:
        server.create_namespace(name)
    return server


@dataclass
class Vault:
    """A key-value engine (version 2) mounted at ``kv``, and the tokens it knows."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=lambda: {"good"})
    status: int = 0  # answer everything with this; 0: work. -1: no answer at all
    calls: list[str] = field(default_factory=list)

    def answer(self, call: Call) -> CallReply:
        """The reply to one call."""
        assert isinstance(call, HttpCall)
        path = urlsplit(call.url).path.removeprefix("/v1/")
        self.calls.append(f"{call.method} {path}")
        if self.status < 0:
            return CallFailed(Unreachable("connection refused"))
        if self.status:
            return HttpReply(status=self.status)
        if call.headers.get("X-Vault-Token") not in self.tokens:
            return HttpReply(status=403, body=b'{"errors":["permission denied"]}')
        if path == "auth/token/lookup-self":
            return HttpReply(status=200, body=b'{"data":{"ttl":3600}}')
        held = self.values.get(path.removeprefix("kv/data/"))
        if held is None:
            return HttpReply(status=404, body=b'{"errors":[]}')
        return HttpReply(status=200, body=json.dumps({"data": {"data": held, "metadata": {}}}).encode())


class Stepper:
    """Steps the operator; ``log`` collects what it did, one line each."""

    def __init__(self, config: Config = Config(), *, start: str = T0, server: ApiServer | None = None) -> None:
        self.server = server or api_server()
        self.vault = Vault()
        self.now = Now(at(start), 0)
        self.log: list[str] = []
        self.reports: list[Report] = []
        self.fault: Callable[[KubeCall], KubeReply | CallFailed | None] = lambda call: None
        self._config = config
        self._streams: dict[int, Watch] = {}
        self._watched: dict[int, str] = {}  # plural of what a stream is about
        self.start()

    def start(self) -> None:
        """Start the operator, anew if it runs: everything that it remembers is lost."""
        self.engine = build(self._config, random=lambda: 0.0, chance=SeededChance())
        self._streams.clear()

    # ------------------------------------------------------------ time

    def settle(self, rounds: int = 500) -> None:
        """Until there is nothing left to do at this moment."""
        for _ in range(rounds):
            busy = self._round()
            wake = self.engine.wake_at()
            if not busy and self.engine.busy == 0 and (wake is None or wake > self.now.mono):
                return
        raise AssertionError(f"not quiet after {rounds} rounds")

    def advance(self, length_ns: int) -> None:
        """Let time pass, stopping wherever the operator wants to wake."""
        end = self.now.mono + length_ns
        self.settle()
        while True:
            wake = self.engine.wake_at()
            if wake is None or wake >= end:
                break
            self._move(wake - self.now.mono)
            self.settle()
        self._move(end - self.now.mono)
        self.settle()

    def _pass(self, length_ns: int) -> None:
        """No act is at the same moment as what was done before it."""
        self.now = Now(self.now.wall.plus(length_ns), self.now.mono + length_ns)

    def _move(self, length_ns: int) -> None:
        self._pass(length_ns)
        for stream in self._streams.values():
            stream.bookmark()

    # ------------------------------------------------------------ one round

    def _round(self) -> bool:
        commands = self.engine.tick(self.now)
        for command in commands:
            match command:
                case SendKube(ticket, call):
                    self.engine.kube_reply(ticket, self._kube(call), self.now)
                case SendCall(ticket, call):
                    before = len(self.vault.calls)
                    reply = self.vault.answer(call)
                    self.log += [f"backend {line} -> {_status(reply)}" for line in self.vault.calls[before:]]
                    self.engine.call_reply(ticket, reply, self.now)
                case SendWork(ticket, run):
                    self.engine.work_reply(ticket, run(), self.now)
                case OpenWatch(ticket, call):
                    stream = self.server.watch(call)
                    if isinstance(stream, Watch):
                        self._streams[ticket] = stream
                        self._watched[ticket] = call.path.rsplit("/", 1)[1]
                    else:
                        self.engine.watch_closed(ticket, Unreachable("refused"), self.now, stream.status)
                case CloseWatch(ticket):
                    self._streams.pop(ticket, None)
                case Report():
                    self.reports.append(command)
                    self.log.append(_report(command, self.now.wall))
        return self._deliver() or bool(commands)

    def _deliver(self) -> bool:
        busy = False
        for ticket, stream in list(self._streams.items()):
            lines = stream.take()
            if lines:
                busy = True
                self.engine.watch_lines(ticket, lines, self.now)
            if stream.closed:
                self._streams.pop(ticket, None)
                self.engine.watch_closed(ticket, None, self.now)
        return busy

    def _kube(self, call: KubeCall) -> KubeReply | CallFailed:
        reply = self.fault(call) or self.server.handle(call, self.now.wall, "external-secrets")
        if call.method != "GET" and "/events" not in call.path:
            status = reply.status if isinstance(reply, KubeReply) else "no answer"
            self.log.append(f"{call.method} {_short(call.path)} -> {status}")
        return reply

    def silence(self, *plurals: str) -> None:
        """The open streams of these kinds (of all, without names) say nothing any more, and stay open."""
        for ticket in list(self._streams):
            if not plurals or self._watched[ticket] in plurals:
                del self._streams[ticket]

    # ------------------------------------------------------------ the world

    def apply(self, manifest: Mapping[str, Any], manager: str = USER) -> KubeReply:
        """Create or change an object as a user."""
        self._pass(1)
        reply = self.server.apply(manifest, self.now.wall, manager)
        assert reply.status < 300, reply.body
        return reply

    def delete(self, ref: Ref) -> KubeReply:
        """Delete an object as a user."""
        self._pass(1)
        return self.server.handle(KubeCall(method="DELETE", path=ref.path), self.now.wall, USER)

    def secret(self, name: str = "app", namespace: str = "team") -> dict[str, Any] | None:
        """A Secret as it is."""
        return self.server.read(Ref(SECRET, namespace, name))

    def es(self, name: str = "app", namespace: str = "team") -> dict[str, Any] | None:
        """An ExternalSecret as it is."""
        return self.server.read(Ref(EXTERNAL_SECRET, namespace, name))

    def ready(self, ref: Ref) -> dict[str, Any] | None:
        """The condition Ready of an object."""
        held = (self.server.read(ref) or {}).get("status", {}).get("conditions", [])
        return next((condition for condition in held if condition["type"] == "Ready"), None)

    def events(self) -> Iterator[str]:
        """All events, one line each, in the order of their making."""
        made = sorted(self.server.objects(EVENT), key=lambda event: int(event["metadata"]["name"].rsplit(".", 1)[1], 16))
        for event in made:
            about = event["involvedObject"]
            yield f"{event['type']} {about['kind']}/{about['name']} {event['reason']} x{event['count']}: {event['message']}"

    def take_log(self) -> list[str]:
        """What happened since the last call."""
        log, self.log = self.log, []
        return log

    def writes(self) -> list[str]:
        """The writes among what happened since the last call."""
        return [line for line in self.take_log() if line.split()[0] in ("POST", "PUT", "PATCH", "DELETE")]


def _status(reply: CallReply) -> object:
    return reply.status if isinstance(reply, HttpReply) else "no answer"


def _short(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[parts.index("namespaces") + 1 :]) if "namespaces" in parts else "/".join(parts[4:])


def _report(report: Report, wall: Instant) -> str:
    settled = report.settled
    verdict = settled.because.message if settled.because is not None else "gone" if settled.gone else "nothing decided"
    detail = f" [{settled.detail.what}]" if settled.detail is not None else ""
    return f"pass {report.key.kind.name}/{report.key.name}: {verdict}{detail}; {requeue(settled.requeue, wall)}"


def requeue(value: Any, wall: Instant) -> str:
    """When a key runs again, in words."""
    match type(value).__name__:
        case "At":
            return f"again in {value.when.since(wall) / SECOND:g}s"
        case "Backoff":
            return "again with backoff" + (f", not before {value.at_least_ns / SECOND:g}s" if value.at_least_ns else "")
        case "Again":
            return "again at once"
        case _:
            return "waits for a change"
