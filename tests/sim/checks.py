"""What must hold at every moment, whatever goes wrong: checked on each request, answer and report of every operator."""

from __future__ import annotations

import base64
import re
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import orjson

from eso_core.compat.gotime import parse_time
from eso_core.failure import Broken, describe
from eso_core.instant import SECOND, Now
from eso_core.machines.commands import Report
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Ref
from eso_core.target import MANAGED_LABEL
from eso_core.wire import CallFailed, HttpCall, KubeCall, KubeReply
from tests.sim.laws import Plans, Rates, Violation, in_sync
from tests.sim.model import CANARY
from tests.sim.oracle import any_of, legal, may_vanish
from tests.sim.paths import place, store_of
from tests.sim.rendering import Rendering
from tests.sim.templates import TEXTS

if TYPE_CHECKING:
    from tests.sim.host import Host
    from tests.sim.world import Tracked, World

BOOKKEEPING = ("resourceVersion", "managedFields")
CLUSTER_WIDE = ("clustersecretstores", "namespaces")  # watched and read whatever the scope is
WRITTEN = {k.plural: k for k in (SECRET, EXTERNAL_SECRET, SECRET_STORE, CLUSTER_SECRET_STORE)}
OVERDUE_MAX = 2 * SECOND
HEARD_S = 60  # after which the operator has heard of a change, mostly
DECOY = b"DECOY"  # credentials that lie where no store may read
MANAGER = "externalsecrets.external-secrets.io/"
PASSES_MAX = 60  # passes of one operator over one key in ten seconds


def _needles() -> tuple[bytes, ...]:
    """The canary, plain and as it looks inside base64 at any alignment."""
    inner = [
        base64.b64encode(b"\0" * skip + CANARY.encode() + b"\0\0")[start:end] for skip, start, end in ((0, 0, 8), (1, 2, 9), (2, 3, 10))
    ]
    return (CANARY.encode(), *inner)


leaks = re.compile(b"|".join(map(re.escape, _needles()))).search  # the bytes hold the canary, plain or encoded


class Checks:
    """Sees everything that the operators do. ``quiet``: nothing may be written to Secrets, and of a status only the refresh time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.quiet = False
        self.exempt: set[tuple[str, str]] = set()  # namespace and name of objects that may be written all the same
        self.secret_writes: Counter[tuple[str, str]] = Counter()
        self.passes: Counter[Ref] = Counter()
        self.decided: Counter[Ref] = Counter()  # of them, those that wrote, or fetched with success
        self.totals: Counter[str] = Counter()
        self._recent: dict[tuple[str, Ref], deque[int]] = {}
        self._before: dict[str, Any] | None = None
        self._thorough = world.dice.thorough
        self._refreshed: dict[tuple[str, str], tuple[int, int]] = {}  # when, and how far the clock had jumped then
        self._mended = 0
        self.touched_at = 0
        self.rendering = Rendering(world)
        self._templated = world.wishes.templated
        self.rates = Rates(world)
        self.plans = Plans(twice=world.dice.seed % 8 == 2)

    # ------------------------------------------------------------ requests

    def sent(self, host: Host, call: KubeCall) -> None:
        """A request to the API server leaves an operator."""
        self.totals["requests"] += 1
        body = call.body or b""
        namespace, resource, name = place(call.path)
        if self.world.clock.mono < host.peace_until and (call.method != "GET" or name):
            raise Violation("I8 calls", f"{call.method} {call.path} although the API server has asked for peace")
        self._allowed(call, namespace, resource, name)
        is_target = call.method in ("POST", "PUT") and resource == "secrets"
        if body and not is_target and leaks(body):
            raise Violation("I7 canary", f"{call.method} {call.path} carries a secret value: {body!r}")
        if CANARY in call.path or (self._thorough and leaks(repr(call).encode())):
            raise Violation("I7 canary", f"a secret value in the address of {call!r}")
        if call.method in ("PUT", "PATCH", "DELETE") and resource != "events":
            _preconditioned(call, body)
        if is_target:
            self.plans.written(call, namespace)
            if self._templated:
                self._sent_target(host, call, namespace)

    def _sent_target(self, host: Host, call: KubeCall, namespace: str) -> None:
        tracked = self._writer(call, namespace)
        if tracked is not None:
            self.rendering.sent(host, tracked, orjson.loads(call.body or b"{}").get("data") or {})

    def _writer(self, call: KubeCall, namespace: str) -> Tracked | None:
        """The object that a target is written for."""
        return self.world.objects.get((namespace, _owner(call)))

    def _allowed(self, call: KubeCall, namespace: str, resource: str, name: str) -> None:
        world = self.world
        allowed = (world.only_namespace,) if world.only_namespace else world.namespaces
        if resource == "events" and namespace == "default":
            return  # about cluster stores
        is_read = resource in ("secrets", "configmaps") and name and call.method == "GET"
        if not is_read and (namespace in allowed or (not namespace and not world.only_namespace)):
            return
        if not is_read and not namespace and (resource in CLUSTER_WIDE):
            return
        credentials = {(world.credentials_of(s), f"creds-{s.id.name}") for s in world.stores.values()}
        if namespace not in allowed and not (call.method == "GET" and (namespace, name) in credentials):
            raise Violation("I6 scope", f"{call.method} {call.path} is outside of {allowed}")
        if is_read:
            if resource == "configmaps":
                self._read_texts(call, namespace, name)
                return
            targets = {(t.namespace, spec.target) for t in world.objects.values() for spec in t.specs}
            if (namespace, name) not in targets | credentials:
                raise Violation("I6 scope", f"nobody asked for {call.path}")

    def _read_texts(self, call: KubeCall, namespace: str, name: str) -> None:
        layouts = [spec.template for t in self.world.objects.values() if t.namespace == namespace for spec in t.specs]
        if name != TEXTS or not any(layout is not None and layout.items for layout in layouts):
            raise Violation("I6 scope", f"nobody asked for {call.path}")

    def called(self, host: Host, call: HttpCall) -> None:
        """A request to a backend leaves an operator."""
        self.totals["calls"] += 1
        if CANARY in call.url or (self._thorough and leaks(repr(call).encode())):
            raise Violation("I7 canary", f"a secret value in the address of {call!r}")
        if DECOY in call.body:
            raise Violation("I6 scope", f"{call!r} carries credentials of another namespace")
        self.rates.called(host, store_of(call.url))

    def arrives(self, call: KubeCall) -> None:
        """A request is about to be answered by the API server."""
        self._before = None
        if call.method == "GET":
            return
        namespace, resource, name = place(call.path)
        kind = WRITTEN.get(resource)
        if kind is not None and name:
            self._before = self.world.server.read(Ref(kind, namespace, name))

    def answered(self, host: Host, call: KubeCall, reply: KubeReply | CallFailed) -> None:
        """The API server has answered."""
        world = self.world
        assert isinstance(reply, KubeReply)
        if world.traced:
            world.say(host.name, "KUBE", call.method, call.path, reply.status, _shown(call, reply))
        if call.method == "GET" or reply.status >= 300:
            return
        self.totals["writes"] += 1
        namespace, resource, name = place(call.path)
        if resource == "events":
            return
        self._twice(call, reply, resource, (namespace, name))
        if resource == "secrets":
            self._secret_changed(call, reply, namespace, name or _named(call))
        if self.quiet and (namespace, name or _named(call)) not in self.exempt:
            self._broke_silence(call, reply)

    def _broke_silence(self, call: KubeCall, reply: KubeReply) -> None:
        before, after = self._before, orjson.loads(reply.body)
        if call.path.endswith("/status") and before is not None and _lasting(before) == _lasting(after):
            return
        namespace, resource, _ = place(call.path)
        is_update = self._templated and (call.method, resource) == ("PUT", "secrets")
        if is_update and self.rendering.may_renew(self._writer(call, namespace), before, after):
            return  # whether it was due is asked elsewhere
        raise Violation("I3 silence", f"{call.method} {call.path} wrote in a settled cluster: {_shown(call, reply)}")

    # ------------------------------------------------------------ I2

    def _twice(self, call: KubeCall, reply: KubeReply, resource: str, place: tuple[str, str]) -> None:
        """A write that changes nothing, or a second refresh within one interval."""
        before = self._before
        if resource == "secrets":
            self._mended = max(self._mended, self.world.clock.mono)  # a mended target starts a period of its own
        if call.method == "DELETE" or before is None:
            return
        if resource == "externalsecrets" and call.path.endswith("/status"):
            self._refreshed_again(place, before, orjson.loads(reply.body))
        elif (
            "deletionTimestamp" not in before["metadata"]
            and b'"resourceVersion":"%s"' % before["metadata"]["resourceVersion"].encode() in reply.body
        ):
            raise Violation("I2 twice", f"{call.method} {call.path} changes nothing: {_shown(call, reply)}")

    def _refreshed_again(self, place: tuple[str, str], before: dict[str, Any], after: dict[str, Any]) -> None:
        mono, jumped = self.world.clock.mono, self.world.wall.ns - self.world.clock.mono
        seen, self._refreshed[place] = self._refreshed.get(place), (mono, jumped)
        tracked = self.world.objects.get(place)
        if seen is None or tracked is None or seen[1] != jumped or seen[0] < self._mended or _timeless(before) != _timeless(after):
            return
        if self.world.swarm.has("second") or not (tracked.wanted.is_plain and tracked.wanted.interval_s and self._is_whole(tracked)):
            return
        times = [parse_time(found["status"].get("refreshTime", "")).value_or(0) for found in (before, after)]
        if 0 <= times[1] - times[0] < tracked.wanted.interval_s * SECOND:
            raise Violation("I2 twice", f"{place} is refreshed twice within {(times[1] - times[0]) / SECOND} s")

    def _is_whole(self, tracked: Tracked) -> bool:
        """Its target is there, marked, and as it was written: else every look at it is a reason to fetch."""
        secret = self.world.server.read(Ref(SECRET, tracked.namespace, tracked.wanted.target))
        return secret is not None and secret["metadata"].get("labels", {}).get(MANAGED_LABEL) == "true" and in_sync(secret)

    # ------------------------------------------------------------ I1

    def _secret_changed(self, call: KubeCall, reply: KubeReply, namespace: str, name: str) -> None:
        if call.method == "DELETE":
            self.secret_writes[namespace, name] += 1
            self._deleted(namespace, name)
            return
        if call.method == "PATCH":
            self._patched(call, reply)
            return
        self.secret_writes[namespace, name] += 1
        tracked = self._writer(call, namespace)
        if tracked is None:
            raise Violation("I1 values", f"{call.path} is written for {_owner(call)!r}, which nobody made")
        found = orjson.loads(call.body or b"{}")
        data = {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}
        texts, specs = self.world.texts_of(tracked), [s for s in tracked.specs if s.target == name and s.creation != "None"]
        faults = [legal(spec, texts, self.world.stores, data) for spec in specs]
        if not faults or all(faults):
            raise Violation("I1 values", f"{call.method} {call.path} writes {data}, which no state explains: {faults}")
        if self._templated:
            self.rendering.written(tracked, self._before, orjson.loads(reply.body))

    def _patched(self, call: KubeCall, reply: KubeReply) -> None:
        """Marks and finalizers may be patched, values not."""
        before, after = self._before or {}, orjson.loads(reply.body)
        if any(before.get(part) != after.get(part) for part in ("data", "type", "immutable")):
            raise Violation("I1 values", f"{call.method} {call.path} changes more than metadata: {call.body!r}")

    def _deleted(self, namespace: str, name: str) -> None:
        writers = [t for t in self.world.objects.values() if t.namespace == namespace and any(s.target == name for s in t.specs)]
        if not any(self._may_delete(tracked, name) for tracked in writers):
            raise Violation("I1 values", f"Secret {namespace}/{name} was deleted; no policy says so")

    def _may_delete(self, tracked: Tracked, name: str) -> bool:
        if any(spec.target != name for spec in tracked.specs):
            return True  # orphaned by a new target name
        departed = not tracked.alive or self.world.server.read(Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name)) is None
        asks = any_of(tracked.specs, lambda spec: spec.deletion == "Delete")
        dying = departed or len(tracked.specs) > 1  # an earlier life may still be ending
        return (dying and asks) or any_of(tracked.specs, lambda spec: may_vanish(spec, self.world.stores))

    # ------------------------------------------------------------ reports

    def reported(self, host: Host, report: Report) -> None:
        """A pass has ended."""
        settled = report.settled
        self.totals["passes"] += 1
        self.passes[report.key] += 1
        if report.writes or (settled.because is not None and settled.because.ready):
            self.decided[report.key] += 1
        if self.world.traced:
            verdict = settled.because.reason + ": " + settled.because.message if settled.because else "-"
            self.world.say(host.name, "PASS", report.key, verdict, settled.requeue, settled.detail or "")
        if isinstance(settled.detail, Broken) and "internal error" in settled.detail.what:
            raise Violation("bug", f"{report.key}: {settled.detail.what}")
        if self._templated:
            self.rendering.reported(host, report)
        told = repr(report) if self._thorough else describe(settled.detail) if settled.detail is not None else ""
        if told and leaks(told.encode()):
            raise Violation("I7 canary", f"a secret value in the report {report!r}")
        self._count_recent(host, report.key)

    def touched(self) -> None:
        """Somebody else has written to a target, or deleted it: the operator may look at it out of turn, perhaps when it hears of it."""
        self._mended = self.world.clock.mono + HEARD_S * SECOND
        self.touched_at = self.world.clock.mono

    def stirred(self) -> None:
        """Somebody has done anything, or an operator is gone."""
        self.rendering.stirred = self.world.clock.mono

    def stepped(self, host: Host, now: Now) -> None:
        """One tick has been carried out."""
        late = host.engine.overdue(now)
        if late > OVERDUE_MAX and now.mono - host.frozen_until > OVERDUE_MAX:
            raise Violation("I10 overdue", f"{host.name}: a key has been due for {late / SECOND} s")

    def _count_recent(self, host: Host, key: Ref) -> None:
        recent = self._recent.setdefault((host.name, key), deque(maxlen=PASSES_MAX))
        recent.append(self.world.clock.mono)
        if len(recent) == PASSES_MAX and recent[-1] - recent[0] < 10 * SECOND:
            raise Violation("hot loop", f"{PASSES_MAX} passes over {key} in {(recent[-1] - recent[0]) / SECOND:.3f} s")


def _owner(call: KubeCall) -> str:
    return dict(call.query).get("fieldManager", "").removeprefix(MANAGER)


def _named(call: KubeCall) -> str:
    return str(orjson.loads(call.body or b"{}").get("metadata", {}).get("name", ""))


def _preconditioned(call: KubeCall, body: bytes) -> None:
    found = orjson.loads(body)
    held = found.get("preconditions") if call.method == "DELETE" else found.get("metadata")
    if not held or not held.get("uid") or not held.get("resourceVersion"):
        raise Violation("precondition", f"{call.method} {call.path} carries no uid and resourceVersion")


def _timeless(found: dict[str, Any]) -> dict[str, Any]:
    """An object without what a refresh changes."""
    meta = {k: v for k, v in found["metadata"].items() if k not in BOOKKEEPING}
    status = {k: v for k, v in (found.get("status") or {}).items() if k != "refreshTime"}
    return {**found, "metadata": meta, "status": status}


def _lasting(found: dict[str, Any]) -> dict[str, Any]:
    """The same, also without the cause of a failure: it may be another one now, while that it fails is not news."""
    kept = _timeless(found)
    told = [{**each, "message": each["message"].partition(": ")[0]} for each in kept["status"].get("conditions") or ()]
    return {**kept, "status": {**kept["status"], "conditions": told}}


def _version_of(found: dict[str, Any]) -> bytes:
    """As it looks in the object's JSON."""
    return f'"resourceVersion":"{found["metadata"]["resourceVersion"]}"'.encode()


def _shown(call: KubeCall, reply: KubeReply) -> str:
    """The gist of a write, for the trace."""
    if call.body is None:
        return ""
    found = orjson.loads(call.body)
    if reply.status >= 300:
        return str(orjson.loads(reply.body).get("message", ""))
    if "involvedObject" in found:
        return f"{found['reason']} {found['message']}"
    if "data" in found:
        values = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
        return f"{values} rv={found['metadata'].get('resourceVersion', '-')}"
    shown = {k: found[k] for k in ("status", "preconditions") if k in found} or found.get("metadata") or found
    return str(shown)
