"""What must hold at every moment, whatever goes wrong: checked on each request, answer and report of every operator."""

from __future__ import annotations

import base64
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import orjson

from eso_core.failure import Broken
from eso_core.instant import SECOND
from eso_core.machines.engine import Report
from eso_core.refs import EXTERNAL_SECRET, SECRET, Ref
from eso_core.wire import CallFailed, HttpCall, KubeCall, KubeReply
from tests.sim.model import CANARY
from tests.sim.oracle import any_of, legal, may_vanish

if TYPE_CHECKING:
    from tests.sim.host import Host
    from tests.sim.world import Tracked, World

MANAGER = "externalsecrets.external-secrets.io/"
PASSES_MAX = 60  # passes of one key in ten seconds


def _needles() -> tuple[bytes, ...]:
    """The canary, plain and as it looks inside base64 at any alignment."""
    inner = [
        base64.b64encode(b"\0" * skip + CANARY.encode() + b"\0\0")[start:end] for skip, start, end in ((0, 0, 8), (1, 2, 9), (2, 3, 10))
    ]
    return (CANARY.encode(), *inner)


NEEDLES = _needles()


class Violation(AssertionError):
    """An invariant does not hold."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")


class Checks:
    """Sees everything that the operators do. ``quiet``: nothing may be written to Secrets, and of a status only the refresh time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.quiet = False
        self.exempt: set[tuple[str, str]] = set()  # namespace and name of objects that may be written all the same
        self.secret_writes: Counter[tuple[str, str]] = Counter()
        self.passes: Counter[Ref] = Counter()
        self.totals: Counter[str] = Counter()
        self._recent: dict[Ref, deque[int]] = {}
        self._before: dict[str, Any] | None = None

    # ------------------------------------------------------------ requests

    def sent(self, host: Host, call: KubeCall) -> None:
        """A request to the API server leaves an operator."""
        self.totals["requests"] += 1
        body = call.body or b""
        namespace, resource, name = place(call.path)
        self._allowed(call, namespace, resource, name)
        is_target = call.method in ("POST", "PUT") and resource == "secrets"
        if not is_target and leaks(body):
            raise Violation("I7 canary", f"{call.method} {call.path} carries a secret value: {body!r}")
        if leaks(call.path.encode()) or leaks(repr(call).encode()):
            raise Violation("I7 canary", f"a secret value in the address of {call!r}")
        if call.method in ("PUT", "PATCH", "DELETE") and resource != "events":
            _preconditioned(call, body)

    def _allowed(self, call: KubeCall, namespace: str, resource: str, name: str) -> None:
        world = self.world
        allowed = (world.only_namespace,) if world.only_namespace else world.namespaces
        if resource == "events" and namespace == "default":
            return  # about cluster stores
        is_read = resource == "secrets" and name and call.method == "GET"
        if not is_read and namespace in ("", *allowed):
            return
        credentials = {(world.credentials_of(s), f"creds-{s.id.name}") for s in world.stores.values()}
        if namespace and namespace not in allowed and not (call.method == "GET" and (namespace, name) in credentials):
            raise Violation("I6 scope", f"{call.method} {call.path} is outside of {allowed}")
        if is_read:
            targets = {(t.namespace, spec.target) for t in world.objects.values() for spec in t.specs}
            if (namespace, name) not in targets | credentials:
                raise Violation("I6 scope", f"nobody asked for {call.path}")

    def called(self, call: HttpCall) -> None:
        """A request to a backend leaves an operator."""
        self.totals["calls"] += 1
        if leaks(call.url.encode()) or leaks(repr(call).encode()):
            raise Violation("I7 canary", f"a secret value in the address of {call!r}")

    def arrives(self, host: Host, call: KubeCall) -> None:
        """A request is about to be answered by the API server."""
        self._before = None
        namespace, resource, name = place(call.path)
        kind = {"secrets": SECRET, "externalsecrets": EXTERNAL_SECRET}.get(resource)
        if kind is not None and name and call.method != "GET":
            self._before = self.world.server.read(Ref(kind, namespace, name))

    def answered(self, host: Host, call: KubeCall, reply: KubeReply | CallFailed) -> None:
        """The API server has answered."""
        world = self.world
        assert isinstance(reply, KubeReply)
        world.say(host.name, "KUBE", call.method, call.path, reply.status, _shown(call, reply))
        if call.method == "GET" or reply.status >= 300:
            return
        self.totals["writes"] += 1
        namespace, resource, name = place(call.path)
        if resource == "secrets":
            self._secret_changed(call, namespace, name or _named(call))
        if self.quiet and resource != "events" and (namespace, name or _named(call)) not in self.exempt:
            self._broke_silence(call, reply)

    def _broke_silence(self, call: KubeCall, reply: KubeReply) -> None:
        before, after = self._before, orjson.loads(reply.body)
        if call.path.endswith("/status") and before is not None and _timeless(before) == _timeless(after):
            return
        raise Violation("I3 silence", f"{call.method} {call.path} wrote in a settled cluster: {_shown(call, reply)}")

    # ------------------------------------------------------------ I1

    def _secret_changed(self, call: KubeCall, namespace: str, name: str) -> None:
        self.secret_writes[namespace, name] += 1
        if call.method == "DELETE":
            self._deleted(namespace, name)
            return
        owner = dict(call.query).get("fieldManager", "").removeprefix(MANAGER)
        tracked = self.world.objects.get((namespace, owner))
        if tracked is None:
            raise Violation("I1 values", f"{call.path} is written for {owner!r}, which nobody made")
        found = orjson.loads(call.body or b"{}")
        data = {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}
        faults = [legal(spec, self.world.stores, data) for spec in tracked.specs if spec.target == name and spec.creation != "None"]
        if not faults or all(faults):
            raise Violation("I1 values", f"{call.method} {call.path} writes {data}, which no state explains: {faults}")

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
        verdict = settled.because.reason + ": " + settled.because.message if settled.because else "-"
        self.world.say(host.name, "PASS", report.key, verdict, settled.requeue, settled.detail or "")
        if isinstance(settled.detail, Broken) and "internal error" in settled.detail.what:
            raise Violation("bug", f"{report.key}: {settled.detail.what}")
        if leaks(repr(report).encode()):
            raise Violation("I7 canary", f"a secret value in the report {report!r}")
        self._count_recent(report.key)

    def _count_recent(self, key: Ref) -> None:
        recent = self._recent.setdefault(key, deque(maxlen=PASSES_MAX))
        recent.append(self.world.clock.mono)
        if len(recent) == PASSES_MAX and recent[-1] - recent[0] < 10 * SECOND:
            raise Violation("hot loop", f"{PASSES_MAX} passes over {key} in {(recent[-1] - recent[0]) / SECOND:.3f} s")


def leaks(raw: bytes) -> bool:
    """The bytes hold the canary, plain or encoded."""
    return any(needle in raw for needle in NEEDLES)


def place(path: str) -> tuple[str, str, str]:
    """Namespace, resource and name of a path."""
    parts = path.split("/")[3:] if path.startswith("/api/") else path.split("/")[4:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    return namespace, parts[0], parts[1] if len(parts) > 1 else ""


def _named(call: KubeCall) -> str:
    return str(orjson.loads(call.body or b"{}").get("metadata", {}).get("name", ""))


def _preconditioned(call: KubeCall, body: bytes) -> None:
    found = orjson.loads(body)
    held = found.get("preconditions") if call.method == "DELETE" else found.get("metadata")
    if not held or not held.get("uid") or not held.get("resourceVersion"):
        raise Violation("precondition", f"{call.method} {call.path} carries no uid and resourceVersion")


def _timeless(found: dict[str, Any]) -> dict[str, Any]:
    """An object without what a refresh changes."""
    meta = {k: v for k, v in found["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    status = {k: v for k, v in (found.get("status") or {}).items() if k != "refreshTime"}
    return {**found, "metadata": meta, "status": status}


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
