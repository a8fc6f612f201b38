"""How many calls to backends the operator makes: ``python -m bench calls``.

The operator itself (``eso_core.operator.build``) works on the API server in memory, and each provider on its server in memory
(``tests/providers/*/server.py``). There is no network, and time is virtual: a backend's answer takes :data:`BACKEND_NS`, the API server's
:data:`KUBE_NS`. So the numbers are exact, the same in each run, and say nothing about speed.

A call is one request over HTTP or one call of a vendor's library. Asking the operator's own surroundings (``ambient.*``) is none. Calls are
told apart by the conversation they are part of: logins, validations of the store, and reads (finds are reads).

Every row has bounds. They are the numbers that :data:`READS` and its neighbours give, not those that were measured.
"""

from __future__ import annotations

import base64
import heapq
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import count, takewhile
from typing import Any, Final

import orjson

from eso_core.compat.gotime import parse_time
from eso_core.config import Config
from eso_core.door import AccountNotes, AccountToken, Find, Get, Need, Probe, SecretKey, WholeSecret
from eso_core.effect import Token
from eso_core.failure import Unreachable
from eso_core.instant import MINUTE, SECOND, Instant, Now
from eso_core.machines.commands import CloseWatch, OpenWatch, SendCall, SendKube, SendWork
from eso_core.machines.desk import Conversation
from eso_core.operator import build
from eso_core.refs import CONFIG_MAP, EXTERNAL_SECRET, SECRET, SERVICE_ACCOUNT, Ref
from eso_core.sim.api import ApiServer
from eso_core.sim.provider.bench import NAMESPACE, counts, manifest, read_case, ref_of, wrapped
from eso_core.sim.provider.case import Case, Server
from eso_core.sim.watch import Watch
from eso_core.stages.needs import place_of
from eso_core.wire import Call, CallFailed, CallReply, HttpReply, KubeCall, KubeReply
from eso_shell.chance import SystemChance
from eso_shell.install import cluster
from tests.providers.cases import CASES

Json = dict[str, Any]

BACKEND_NS: Final = 20 * SECOND // 1000
KUBE_NS: Final = 2 * SECOND // 1000
BOOKMARK_NS: Final = 30 * SECOND  # from one bookmark of a watch to the next
START: Final = Now(Instant(parse_time("2026-01-01T00:00:00Z").unwrap()), 0)
REFRESH: Final = "1h"
USER: Final = "kubectl"
IDLE_MAX: Final = 10_000  # ticks at one moment; more is taken for an operator that does not come to rest

# ---------------------------------------------------------------- the cluster


class CannotCount(Exception):
    """The objects did not become ready, so that what was counted says nothing. One line."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a store needs to be there: objects, and tokens by the path of their account and their audiences."""

    manifests: Sequence[Json]
    tokens: Mapping[tuple[str, tuple[str, ...]], str] = field(repr=False)


def surroundings(case: Case, server: Server) -> Surroundings:
    """The credentials of a case as the objects that its store refers to."""
    read, provider = read_case(case, server), case.provider
    needs = dict(read.needs)
    if provider.more_needs is not None:
        needs |= provider.more_needs(read.spec, wrapped(case.secrets)).unwrap()
    objects: dict[Ref, Json] = {}
    tokens: dict[tuple[str, tuple[str, ...]], str] = {}
    for slot, need in needs.items():
        place = place_of(need, ref_of(case), NAMESPACE)
        if isinstance(place, Token):
            tokens[place.account.path + "/token", place.audiences] = case.secrets[slot].decode()
        ref = place.account if isinstance(place, Token) else place.ref
        found = objects.setdefault(ref, _object(ref))
        _hold(found, need, case.secrets[slot])
    return Surroundings([*objects.values(), manifest(case, server)], tokens)


def _object(ref: Ref) -> Json:
    kinds = {SECRET: "Secret", CONFIG_MAP: "ConfigMap", SERVICE_ACCOUNT: "ServiceAccount"}
    return {"apiVersion": "v1", "kind": kinds[ref.kind], "metadata": {"name": ref.name, "namespace": ref.namespace}}


def _hold(found: Json, need: Need, value: bytes) -> None:
    """Put what is needed into the object."""
    match need:
        case SecretKey(key=key):
            found.setdefault("data", {})[key] = base64.b64encode(value).decode()
        case WholeSecret(label=label):
            found.setdefault("data", {}).update(orjson.loads(value))
            if label is not None:
                found["metadata"]["labels"] = {label[0]: label[1]}
        case AccountNotes():
            found["metadata"]["annotations"] = orjson.loads(value)
        case AccountToken():
            pass
        case _:
            found.setdefault("data", {})[need.key] = value.decode()


@cache
def _empty() -> ApiServer:
    """An API server with the operator's kinds; making one takes long, copying it does not."""
    return cluster()[0]


@dataclass(slots=True)
class Tally:
    """Calls since the last look. ``conversations`` are counted by the same names."""

    calls: Counter[str] = field(default_factory=Counter)
    conversations: Counter[str] = field(default_factory=Counter)
    refused: int = 0  # reads that were answered with a status of 400 to 499
    seen: set[Conversation] = field(default_factory=set, repr=False)


class Operator:
    """The operator, its cluster and one backend, driven in virtual time."""

    def __init__(self, case: Case) -> None:
        self.case, self.backend = case, case.server()
        self.cluster = _empty().copy()
        self.now, self.tally = START, Tally()
        self.fails_after: int | None = None  # nanoseconds after which each call has no answer; None: the backend works
        self._held = surroundings(case, self.backend)
        self._order = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._bookmarked = 0
        self.start()
        for namespace in {NAMESPACE, *(each["metadata"].get("namespace", NAMESPACE) for each in self._held.manifests)}:
            self.cluster.create_namespace(namespace)
        for each in self._held.manifests:
            self.apply(each)

    def start(self) -> None:
        """Start the operator, anew if it runs: what it remembers is lost, and so are its calls that are under way."""
        self.engine = build(Config(), random=lambda: 0.5, chance=SystemChance())
        self._streams: dict[int, Watch] = {}
        self._due.clear()

    def apply(self, given: Json) -> None:
        reply = self.cluster.apply(given, self.now.wall, USER)
        if reply.status >= 300:
            raise CannotCount(f"{self.case.name}: {given['kind']} {given['metadata']['name']} is not taken: {reply.body.decode()}")

    def take(self) -> Tally:
        """What was counted since the last look."""
        tally, self.tally = self.tally, Tally()
        return tally

    # ------------------------------------------------------------ time

    def advance(self, length_ns: int) -> None:
        """Let time pass, and the operator work."""
        end = self.now.mono + length_ns
        while True:
            self._work()
            times = (self._due[0][0] if self._due else end, self.engine.wake_at() or end, self._bookmarked + BOOKMARK_NS)
            until = max(self.now.mono + 1, min(end, *times))
            self.now = Now(self.now.wall.plus(until - self.now.mono), until)
            if until - self._bookmarked >= BOOKMARK_NS:
                self._bookmarked = until
                for stream in self._streams.values():
                    stream.bookmark()
            while self._due and self._due[0][0] <= until:
                heapq.heappop(self._due)[2]()
            if until >= end:
                self._work()
                return

    def _work(self) -> None:
        """All that can be done at this moment."""
        for _ in range(IDLE_MAX):
            commands = self.engine.tick(self.now)
            for command in commands:
                self._carry_out(command)
            wake = self.engine.wake_at()
            if not (self._deliver() or commands) and (wake is None or wake > self.now.mono):
                return
        raise CannotCount(f"{self.case.name}: the operator does not come to rest")

    def _later(self, length_ns: int, then: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now.mono + length_ns, next(self._order), then))

    # ------------------------------------------------------------ what the operator asks for

    def _carry_out(self, command: object) -> None:
        engine = self.engine
        match command:
            case SendKube(ticket, call):
                reply = self._kube(call)
                self._later(KUBE_NS, lambda: engine.kube_reply(ticket, reply, self.now))
            case SendCall(ticket, call):
                answer, length_ns = self._call(engine._talks[ticket], call)  # the conversation says what the call is for
                self._later(length_ns, lambda: engine.call_reply(ticket, answer, self.now))
            case SendWork(ticket, run):
                engine.work_reply(ticket, run(), self.now)
            case OpenWatch(ticket, call):
                stream = self.cluster.watch(call)
                if isinstance(stream, Watch):
                    self._streams[ticket] = stream
                else:
                    engine.watch_closed(ticket, Unreachable("refused"), self.now, stream.status)
            case CloseWatch(ticket):
                self._streams.pop(ticket, None)

    def _deliver(self) -> bool:
        busy = False
        for ticket, stream in list(self._streams.items()):
            lines = stream.take()
            if lines:
                busy = True
                self.engine.watch_lines(ticket, lines, self.now)
        return busy

    def _kube(self, call: KubeCall) -> KubeReply:
        if call.method == "POST" and call.path.endswith("/token"):
            asked = orjson.loads(call.body or b"{}")["spec"]
            token = self._held.tokens[call.path, tuple(asked["audiences"])]
            return KubeReply(status=201, body=orjson.dumps({"status": {"token": token, "expirationTimestamp": "2027-01-01T00:00:00Z"}}))
        return self.cluster.handle(call, self.now.wall, "external-secrets")

    def _call(self, conversation: Conversation, call: Call) -> tuple[CallReply, int]:
        """What a call is answered, and when."""
        kind = kind_of(conversation)
        if counts(call):
            self.tally.calls[kind] += 1
            self.tally.conversations[kind] += conversation not in self.tally.seen
            self.tally.seen.add(conversation)
            if self.fails_after is not None:
                return CallFailed(Unreachable("no answer")), self.fails_after
        reply = self.backend.answer(call)
        self.tally.refused += kind == "read" and isinstance(reply, HttpReply) and 400 <= reply.status < 500
        return reply, BACKEND_NS


def kind_of(conversation: Conversation) -> str:
    """What a conversation is for: ``login``, ``validation`` or ``read``."""
    if not conversation.asks:
        return "login"
    match conversation.asks[0].ask.query:
        case Probe():
            return "validation"
        case Get() | Find():
            return "read"


# ---------------------------------------------------------------- bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """The calls that reading may take: ``calls`` for each ``batch`` keys in one object and ``each`` for every key.

    A batch goes out at the end of the turn that it was asked for in, as waiting for more would cost time. So of many objects, whose
    passes begin at most 64 in a turn, batches are not full: there may be ``scatter`` times as many. ``properties``: calls for three of
    one key.
    """

    batch: int = 1
    calls: int = 1
    each: int = 0
    scatter: float = 1
    properties: int = 1
    lists: int | None = None  # of a find, besides reading what was found; None: a find is not counted
    found: int = 1  # of a find, for each that was found

    def many(self, keys: int) -> int:
        """Of as many objects."""
        return math.ceil(math.ceil(keys / self.batch) * self.scatter) * self.calls + keys * self.each

    def together(self, keys: int) -> int:
        """Of one object."""
        return math.ceil(keys / self.batch) * self.calls + keys * self.each


READS: Final[Mapping[str, Reads]] = {
    # An item is described before its value is read, one after the other; values of ten described ones come in one call.
    "akeyless-key": Reads(batch=10, each=1, scatter=1.2, properties=2, lists=5, found=0),
    # 20 are what the service gives at once. Where keys wait for room, they come two in a turn: 90 calls for a thousand instead of 63.
    "aws-secretsmanager-role": Reads(batch=20, scatter=2, lists=5, found=0),
    # 10 are what the service gives at once; a list by pages of 10 gives the values, too.
    "aws-parameterstore": Reads(batch=10, scatter=1.2, lists=4, found=0),
    # Names of secrets and of certificates are listed apart from those of keys, and there are pages.
    "azurekv-secret": Reads(lists=5),
    # The list tells which id a name has; 100 ids are read in one call.
    "bitwarden-name": Reads(batch=100, calls=2, scatter=2, properties=2, lists=2, found=0),
    # An old server does not know the call for many: each id by itself.
    "bitwarden-old-server": Reads(batch=100, calls=2, each=1, scatter=2, properties=2, lists=2),
    # 50 names are what fits into a URL.
    "doppler-token": Reads(batch=50, scatter=1.6, lists=1, found=0),
    "gcpsm-key": Reads(lists=4),  # pages
    "gitlab-project": Reads(lists=4, found=0),  # pages, with values
    "infisical-universal": Reads(lists=1, found=0),
    "kubernetes-token": Reads(lists=1, found=0),
    # An item is found by its title among those of each vault, then it is read: there is no call for many.
    "onepassword-fields": Reads(calls=2, properties=2, lists=2),
    "openbao-userpass": Reads(lists=1),
    "scaleway-name": Reads(lists=4),  # pages
    "vault-approle": Reads(lists=1),
    # The property is part of the request.
    "webhook-plain": Reads(properties=3),
}
"""One case of each provider (two where they differ), and what it may take. ``fake`` makes no calls."""
BATCHES: Final = {"aws-secretsmanager-role": "BatchGetSecretValue", "aws-parameterstore": "GetParameters"}
"""Calls for many that a role may not be allowed to use."""
REFUSED: Final = 32  # of these: what may be under way (`Provider.talks_max`) when it is first told
VALIDATIONS: Final = 7  # of a store in half an hour: one every five minutes, spread
RENEWALS: Final = {"onepassword-fields": 2}  # of sessions in half an hour: the list of vaults is believed for so long
PROBES: Final = math.ceil(10 * 6.7)  # of a dead backend in ten minutes (eso_core/machines/breaker.py)
FIRST: Final = 4 + 8  # further probes in the first minute, and what is under way when it is found to be dead
PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = {"onepassword-fields": ("", "password", "alpha0")}
"""Three properties that the first secret has by itself; others are given a JSON object with :data:`MEMBERS`."""
MEMBERS: Final = ("a", "b", "c")

# ---------------------------------------------------------------- rows


@dataclass(frozen=True, slots=True)
class Scale:
    """How many objects: of the cases that stand for a provider, of other logins, and at rest or beside a dead backend (0: not counted)."""

    many: int = 1000
    logins: int = 100
    crowd: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One situation of one case: calls by name, and how many there may be."""

    situation: str
    case: str
    objects: int
    counted: Mapping[str, int]
    bounds: Mapping[str, int]

    @property
    def over(self) -> Sequence[str]:
        """What there are more of than there may be."""
        return [name for name, bound in self.bounds.items() if self.counted[name] > bound]


class Work:
    """An operator whose store is ready, and secrets to be read."""

    def __init__(self, case: Case, secrets: int) -> None:
        self.case, self.operator = case, Operator(case)
        for number in range(secrets):
            self.operator.backend.put(self.name(number), case.sample(f"value {number}"), {})
        self.operator.advance(2 * SECOND)

    def name(self, number: int) -> str:
        """Of the remote secret."""
        return self.case.more(number) if self.case.more is not None else f"{self.case.names[0]}{number}"

    def entry(self, number: int, prop: str | None = None) -> Json:
        """Of ``spec.data``."""
        prop = self.case.reads if prop is None else prop
        return {
            "secretKey": f"k{number}{prop}",
            "remoteRef": {"key": self.case.key(self.name(number)), **({"property": prop} if prop else {})},
        }

    def want(self, name: str, **spec: Any) -> None:
        """An ExternalSecret."""
        store = {"name": "store", "kind": "ClusterSecretStore" if self.case.cluster else "SecretStore"}
        body = {"refreshInterval": REFRESH, "secretStoreRef": store, **spec}
        meta = {"name": name, "namespace": NAMESPACE}
        self.operator.apply({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": meta, "spec": body})

    def want_each(self, objects: int) -> None:
        """As many, with a secret each."""
        for number in range(objects):
            self.want(f"app{number}", data=[self.entry(number)])

    def synced(self) -> Tally:
        """Let all become ready; what was counted. Raises :class:`CannotCount` when one does not."""
        self.operator.advance(30 * SECOND)
        for held in self.operator.cluster.objects(EXTERNAL_SECRET):
            ready = next((each for each in held.get("status", {}).get("conditions", ()) if each["type"] == "Ready"), None)
            if ready is None or ready["status"] != "True":
                raise CannotCount(f"{self.case.name}: {held['metadata']['name']} is not ready: {(ready or {}).get('message', 'no status')}")
        return self.operator.take()


def _logins(case: Case, tally: Tally) -> dict[str, int]:
    return {"logins": tally.conversations["login"], "login calls": tally.calls["login"]}


def many(case: Case, objects: int, reads: Reads, situation: str = "many") -> Row:
    """Objects over one identity that read a key each; from the start of the operator on."""
    work = Work(case, objects)
    work.want_each(objects)
    tally = work.synced()
    login = min(1, case.calls.login)
    bounds = {"reads": reads.many(objects), "logins": login, "login calls": case.calls.login}
    counted = {"reads": tally.calls["read"], **_logins(case, tally), "validations": tally.calls["validation"]}
    return Row(situation=situation, case=case.name, objects=objects, counted=counted, bounds={**bounds, "validations": case.calls.probe})


def one_key(case: Case, reads: Reads) -> Row:
    """Twenty objects that read one key are created at once."""
    work = Work(case, 1)
    for number in range(20):
        work.want(f"app{number}", data=[work.entry(0)])
    return _reading("one key", case, 20, work.synced(), reads.together(1))


def properties(case: Case, reads: Reads) -> Row:
    """One object reads three properties of one key."""
    work = Work(case, 1)
    named = PROPERTIES.get(case.name)
    if named is None:
        work.operator.backend.put(work.name(0), orjson.dumps(dict.fromkeys(MEMBERS, "value")), {})
    work.want("app", data=[work.entry(0, prop) for prop in named or MEMBERS])
    return _reading("properties", case, 1, work.synced(), reads.properties)


def keys(case: Case, reads: Reads) -> Row:
    """One object reads twenty keys."""
    work = Work(case, 20)
    work.want("app", data=[work.entry(number) for number in range(20)])
    return _reading("keys", case, 1, work.synced(), reads.together(20))


def find(case: Case, reads: Reads) -> Row | None:
    """One object finds twenty secrets."""
    if reads.lists is None:
        return None
    work = Work(case, 20)
    work.want("app", dataFrom=[{"find": {"name": {"regexp": "[0-9]$"}, **({"path": case.path} if case.path else {})}}])
    tally = work.synced()
    secret = work.operator.cluster.read(Ref(SECRET, NAMESPACE, "app")) or {}
    if len(secret.get("data", {})) < 20:
        raise CannotCount(f"{case.name}: {len(secret.get('data', {}))} of 20 secrets were found")
    return _reading("find", case, 1, tally, reads.lists + 20 * reads.found)


def _reading(situation: str, case: Case, objects: int, tally: Tally, bound: int) -> Row:
    return Row(situation=situation, case=case.name, objects=objects, counted={"reads": tally.calls["read"]}, bounds={"reads": bound})


def rest(case: Case, objects: int) -> Iterator[Row]:
    """The operator is started anew on what it has settled, and then nothing is due for half an hour."""
    work, login = Work(case, objects), min(1, case.calls.login)
    work.want_each(objects)
    work.synced()
    work.operator.start()
    again = RENEWALS.get(case.name, 0)
    for situation, length_ns, validations, renewals in (("restart", MINUTE, 1, login), ("not due", 30 * MINUTE, VALIDATIONS, again)):
        work.operator.advance(length_ns)
        tally = work.operator.take()
        counted = {"reads": tally.calls["read"], "logins": tally.conversations["login"], "validations": tally.calls["validation"]}
        bounds = {"reads": 0, "logins": renewals, "validations": validations * case.calls.probe}
        yield Row(situation=situation, case=case.name, objects=objects, counted=counted, bounds=bounds)


def dead(case: Case, objects: int) -> Iterator[Row]:
    """The backend is gone when objects are created: it refuses connections, or it takes calls and answers none. Ten minutes."""
    for situation, after_ns in (("dead, refuses", KUBE_NS), ("dead, hangs", 30 * SECOND)):
        work = Work(case, objects)
        work.operator.take()
        work.operator.fails_after = after_ns
        work.want_each(objects)
        work.operator.advance(10 * MINUTE)
        bounds = {"calls": PROBES + FIRST}
        calls = sum(work.operator.take().calls.values())
        yield Row(situation=situation, case=case.name, objects=objects, counted={"calls": calls}, bounds=bounds)


def no_batches(case: Case, objects: int) -> Row | None:
    """As :func:`many`, when the role may not use the call for many."""
    if case.name not in BATCHES:
        return None
    work = Work(case, objects)
    backend: Any = work.operator.backend
    for service in (backend.secrets, backend.parameters):
        service.denied.add(BATCHES[case.name])
    work.want_each(objects)
    tally = work.synced()
    counted, bounds = {"reads": tally.calls["read"], "refused": tally.refused}, {"reads": objects + REFUSED, "refused": REFUSED}
    return Row(situation="no batches", case=case.name, objects=objects, counted=counted, bounds=bounds)


# ---------------------------------------------------------------- all of them


def cases(provider: str = "") -> Iterator[Case]:
    """Those that stand for a provider, then the other ones that log in."""
    found = [case for case in CASES if provider in ("", case.provider.key)]
    yield from (case for case in found if case.name in READS)
    yield from (case for case in found if case.name not in READS and case.calls.login)


def rows(case: Case, scale: Scale = Scale()) -> Iterator[Row]:
    """All that is counted of one case."""
    if case.name not in READS:
        yield many(case, scale.logins, reads_like(case), "logins")
        return
    reads = READS[case.name]
    yield many(case, scale.many, reads)
    yield one_key(case, reads)
    yield properties(case, reads)
    yield keys(case, reads)
    yield from (row for row in (find(case, reads), no_batches(case, scale.many)) if row is not None)
    if scale.crowd:
        yield from rest(case, scale.crowd)
        yield from dead(case, scale.crowd)


def reads_like(case: Case) -> Reads:
    """Of another login: as the case whose name is most like its own, but for the calls of one secret, of which its own row tells."""
    names = [each.name for each in CASES if each.name in READS and each.provider.key == case.provider.key]
    like = READS[max(names, key=lambda name: _common(name, case.name))]
    return replace(like, calls=case.calls.get) if like.batch == 1 else like


def _common(one: str, other: str) -> int:
    """With how many equal characters they begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


# ---------------------------------------------------------------- for people and programs

COLUMNS: Final = {
    "many": "objects", "one key": "one key", "properties": "properties", "keys": "keys", "find": "find", "no batches": "no batches",
    "restart": "restart", "not due": "not due", "dead, refuses": "refuses", "dead, hangs": "hangs",
}  # fmt: skip
"""Heads of the columns, by situation."""


def exceeded(found: Iterable[Row]) -> list[str]:
    """One line for each number that is too large."""
    return [
        f"{row.case}: {row.situation}, {row.objects} objects: {row.counted[name]} {name}, more than {row.bounds[name]}"
        for row in found
        for name in row.over
    ]


def as_json(found: Sequence[Row]) -> str:
    """All numbers."""
    return json.dumps({"schema": "eso-bench-calls/1", "rows": [{**asdict(row), "over": list(row.over)} for row in found]}, indent=1)


def as_table(found: Sequence[Row]) -> str:
    """One line for each case that stands for a provider, and one for each other login."""
    by_case: dict[str, dict[str, Row]] = {}
    for row in found:
        by_case.setdefault(row.case, {})[row.situation] = row
    full = [
        [case, _logged_in(held["many"]), *(_cell(held.get(situation)) for situation in COLUMNS)]
        for case, held in by_case.items()
        if "many" in held
    ]
    short = [[case, _logged_in(held["logins"]), _cell(held["logins"])] for case, held in by_case.items() if "logins" in held]
    parts = []
    if full:
        parts.append(_aligned([["case", "logins", *COLUMNS.values()], *full]))
    if short:
        parts.append(_aligned([["other logins", "logins", "objects"], *short]))
    return "\n\n".join(parts)


def _logged_in(row: Row) -> str:
    """``1 of 2``: one login, which takes two calls."""
    return f"{row.counted['logins']} of {row.counted['login calls']}" if row.counted["logins"] else "-"


def _cell(row: Row | None) -> str:
    """What was counted, its bound where that is larger, ``!`` where it is smaller."""
    if row is None:
        return "-"
    name = next(iter(row.counted))
    took, bound = row.counted[name], row.bounds[name]
    return f"{took}{'!' if row.over else ''}{f' ({bound})' if bound > took else ''}"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
