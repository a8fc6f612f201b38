"""An engine with stores that hang, in virtual time: every pass costs a millisecond, healthy stores answer after 20."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from returns.result import Success

from eso_core.because import PROVIDER_FAILED, SYNCED
from eso_core.door import Absent, Answer, Ask, Dialect, Failed, Found, Get, Provider, Query, Session, Talk
from eso_core.effect import Flow, fetch, write
from eso_core.failure import Throttled, Unreachable
from eso_core.instant import MILLISECOND, SECOND, Instant, Now
from eso_core.machines.cache import Cache, Change, Packed
from eso_core.machines.commands import OpenWatch, Report, SendCall, SendKube
from eso_core.machines.engine import Engine, Limits, Watched
from eso_core.machines.turns import Reason
from eso_core.plan import Backoff, OnChange, SetFinalizers, Settled, Version
from eso_core.refs import CONFIG_MAP, SECRET_STORE, Kind, Ref
from eso_core.wire import CallFailed, CallReply, HttpCall, HttpReply, KubeReply
from tests.template_chance import SeededChance
from tests.unit.core.objects import access

LATENCY = 20 * MILLISECOND
COST = 1 * MILLISECOND  # of a pass, one after the other
TIMEOUT = 30 * SECOND


def _fetch(access: Any, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    reply = yield HttpCall(method="GET", url=f"https://{access.identity}/")
    match reply:
        case HttpReply(status=429):
            answer: Answer = Failed(Throttled("slow down", reply.body and int(reply.body) * SECOND))
        case CallFailed(failure):
            answer = Failed(failure)
        case _:
            answer = Absent()
    return dict.fromkeys(queries, answer)


PROVIDER = Provider(
    key="p", label="P", capabilities="ReadOnly", parse=lambda m, s: Success(m), needs=lambda s: {}, fetch=_fetch,
    dialect=Dialect(value=lambda p, _: Found(p), entries=lambda p, _: Found(p)),
)  # fmt: skip


def _pack(kind: Kind) -> Callable[[bytes], Packed | None]:
    def pack(raw: bytes) -> Packed:
        meta = json.loads(raw)["metadata"]
        return Packed(Ref(kind, meta["namespace"], meta["name"]), int(meta["resourceVersion"]), raw, meta["resourceVersion"])

    return pack


def _why(change: Change) -> Reason:
    return Reason.NEW if change.before is None else Reason.CHANGED


def _itself(change: Change, cache: Cache) -> tuple[Ref, ...]:
    return (change.ref,)


@dataclass
class Fair:
    """Keys are ``<store>-<number>``, each with a question of its own to the backend of that name; a SecretStore asks as itself."""

    backends: Callable[[str, int], tuple[int, CallReply]]  # name, now -> how long it takes, and the answer
    provider: Provider = PROVIDER
    limits: Limits = field(default_factory=Limits)
    cost: int = COST
    mono: int = 0
    calls: list[tuple[int, str]] = field(default_factory=list)
    reports: list[tuple[int, Report]] = field(default_factory=list)
    passes: Counter[str] = field(default_factory=Counter)
    synced: dict[Ref, int] = field(default_factory=dict)  # when
    parked_max: int = 0
    mute: set[str] = field(default_factory=set)  # keys that ask nothing any more
    writers: set[str] = field(default_factory=set)  # keys that write something before they ask

    def __post_init__(self) -> None:
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._streams: dict[str, int] = {}
        self.engine = Engine(
            watched=(Watched(kind=k, pack=_pack(k), wakes=_itself, why=_why, first=k == SECRET_STORE) for k in (SECRET_STORE, CONFIG_MAP)),
            follow=lambda kind: Watched(kind=kind, pack=_pack(kind), wakes=_itself),
            flows={CONFIG_MAP: self._flow, SECRET_STORE: self._flow},
            load=lambda _: self.provider,
            random=lambda: 0.5,
            chance=SeededChance(),
            limits=self.limits,
        )
        self._tick()
        self.run(1)
        self.passes.clear()

    @property
    def now(self) -> Now:
        return Now(Instant(10**18 + self.mono), self.mono)

    def _flow(self, key: Ref) -> Flow[Settled]:
        self.mono += self.cost
        self.passes[key.name] += 1
        if key.name in self.mute:
            return Settled(requeue=OnChange())
        if key.name in self.writers:
            yield from write(SetFinalizers(key, Version("uid", "1"), ("f",)))
        store = key.name.partition("-")[0]
        ask = Ask("p", replace(access(store), store=Ref(SECRET_STORE, "ns", store)), Get(key=key.name))
        answers, _ = yield from fetch((ask,))
        match answers.by_ask[ask]:
            case Failed(failure):
                asked = failure.after_ns if isinstance(failure, Throttled) else 0
                return Settled(requeue=Backoff(asked), because=PROVIDER_FAILED, detail=failure)
            case _:
                self.synced.setdefault(key, self.mono)
                return Settled(requeue=OnChange(), because=SYNCED)

    # ------------------------------------------------------------ the world

    def at(self, when: int, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, act))

    def create(self, name: str, kind: Kind = CONFIG_MAP) -> Ref:
        """An object turns up in the watch."""
        ref = Ref(kind, "ns", name)
        self._count += 1
        meta = {"name": name, "namespace": "ns", "resourceVersion": str(self._count + 1000)}
        line = json.dumps({"type": "ADDED", "object": {"metadata": meta}}).encode()
        self.engine.watch_lines(self._streams[kind.plural], [line], self.now)
        return ref

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass; less when ``until`` is true."""
        end = self.mono + int(seconds * SECOND)
        while not until():
            wake = self.engine.wake_at()
            times = [t for t in (wake, self._events[0][0] if self._events else None) if t is not None]
            if not times or min(times) > end:
                self.mono = max(self.mono, end)
                return
            self.mono = max(self.mono, min(times))
            while self._events and self._events[0][0] <= self.mono:
                heapq.heappop(self._events)[2]()
            self._tick()

    def _tick(self) -> None:
        for command in self.engine.tick(self.now):
            match command:
                case SendKube(ticket, call):
                    reply = EMPTY if call.method == "GET" else KubeReply(status=200, body=b"")
                    self.at(self.mono, lambda t=ticket, r=reply: self.engine.kube_reply(t, r, self.now))  # type: ignore[misc]
                case OpenWatch(ticket, call):
                    self._streams[call.path.rpartition("/")[2]] = ticket
                    self._beat(ticket)
                case SendCall(ticket, call):
                    assert isinstance(call, HttpCall)
                    name = call.url.removeprefix("https://").rstrip("/")
                    self.calls.append((self.mono, name))
                    wait, reply = self.backends(name, self.mono)
                    self.at(self.mono + wait, lambda t=ticket, r=reply: self.engine.call_reply(t, r, self.now))  # type: ignore[misc]
                case Report():
                    self.reports.append((self.mono, command))
                case _:
                    pass
        self.parked_max = max(self.parked_max, self.engine._parked)

    def _beat(self, ticket: int) -> None:
        """Bookmarks, so that the stream does not count as silent."""
        line = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"101"}}}'
        self.engine.watch_lines(ticket, [line], self.now)
        self.at(self.mono + 30 * SECOND, lambda: self._beat(ticket))


EMPTY = KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"100"},"items":[]}')
OK = HttpReply(status=200, body=b"")
HANGS = (TIMEOUT, CallFailed(Unreachable("no answer within 30 s")))


def dead_between(begin: int, end: int, *names: str) -> Callable[[str, int], tuple[int, CallReply]]:
    """Backends that hang for calls sent from ``begin`` to ``end``; all others, and these at other times, answer."""
    return lambda name, now: HANGS if name in names and begin <= now < end else (LATENCY, OK)
