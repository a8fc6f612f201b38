"""Laws that need a memory of their own: plans against what is written, and calls per store and time."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from eso_core.compat.hash import data_hash
from eso_core.failure import Broken
from eso_core.instant import SECOND
from eso_core.plan import CreateTarget, Desired, Plan, SecretBody, UpdateTarget
from eso_core.refs import Ref
from eso_core.stages.reconcile import Observed
from eso_core.target import HASH_ANNOTATION
from eso_core.wire import CallFailed, HttpReply, KubeCall

if TYPE_CHECKING:
    from tests.sim.host import Host
    from tests.sim.world import World

WINDOW_S = 60
DEAD_MAX = 16  # calls a minute for a store that has not answered for two: 6.7 probes for each identity, of which an edit makes a second


class Violation(AssertionError):
    """An invariant does not hold."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")


class Plans:
    """I9: what is written to a target is what the decision said, and the decision says the same of the same observation."""

    def __init__(self, *, twice: bool) -> None:
        self._twice = twice
        self._said: dict[tuple[str, str], list[Desired]] = {}

    def watched(self, decide: Callable[[Observed], Plan]) -> Callable[[Observed], Plan]:
        """``decide``, made twice and remembered."""

        def decided(seen: Observed) -> Plan:
            plan = decide(seen)
            if self._twice and decide(seen) != plan:
                raise Violation("I9 plan", "two decisions on one observation differ")
            for step in plan.steps:
                if isinstance(step.action, CreateTarget | UpdateTarget):
                    ref = step.action.desired.ref
                    self._said.setdefault((ref.namespace, ref.name), []).append(step.action.desired)
            return plan

        return decided

    def written(self, call: KubeCall, namespace: str) -> None:
        """A target is written."""
        manifest = orjson.loads(call.body or b"{}")
        said = self._said.get((namespace, manifest["metadata"]["name"]), [])
        for desired in said[-8:]:
            if _says(desired, manifest):
                said.remove(desired)
                return
        raise Violation("I9 plan", f"{call.method} {call.path} writes what no plan says")


def _says(desired: Desired, manifest: dict[str, Any]) -> bool:
    meta, body = manifest["metadata"], desired.body
    assert isinstance(body, SecretBody)
    return (
        {key: base64.b64decode(value) for key, value in manifest.get("data", {}).items()} == {k: v.reveal() for k, v in body.data.items()}
        and meta.get("labels", {}) == dict(desired.labels)
        and meta.get("annotations", {}) == dict(desired.annotations)
        and meta.get("ownerReferences", []) == [dict(owner) for owner in desired.owners]
        and tuple(meta.get("finalizers", ())) == desired.finalizers
        and manifest.get("type", "") == body.kind
        and manifest.get("immutable") == body.immutable
    )


@dataclass(frozen=True, slots=True)
class Work:
    """A long computation under way: for which object, its version then, and how many passes had ended."""

    key: Ref
    version: str
    reports: int


class Rates:
    """I8: how often an operator calls one store, within a minute: no more than has a reason, and of a dead one hardly ever."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: dict[tuple[int, str], deque[int]] = {}
        self._good: dict[tuple[int, str], int] = {}  # when the last good answer came
        self.most = 0.0  # the highest share of a bound that was reached
        self.most_dead = 0

    def called(self, host: Host, store: str) -> None:
        """A call is made. ``store`` is empty when its address does not tell."""
        if not store:
            return
        place, mono = (id(host), store), self._world.clock.mono
        calls = self._calls.setdefault(place, deque())
        calls.append(mono)
        while calls[0] < mono - WINDOW_S * SECOND:
            calls.popleft()
        bound = self._world.calls_bound(store)
        self.most = max(self.most, len(calls) / bound)
        if len(calls) > bound:
            raise Violation("I8 calls", f"{len(calls)} calls for store {store} within {WINDOW_S} s, at most {bound} are due")
        if mono - self._good.setdefault(place, mono) > 2 * WINDOW_S * SECOND:
            self.most_dead = max(self.most_dead, len(calls))
            if len(calls) > DEAD_MAX:
                raise Violation("I8 calls", f"{len(calls)} calls for the dead store {store} within {WINDOW_S} s")

    def answered(self, host: Host, store: str, reply: HttpReply | CallFailed) -> None:
        """A good answer is any but unreachable and throttled."""
        good = reply.status < 500 and reply.status != 429 if isinstance(reply, HttpReply) else isinstance(reply.failure, Broken)
        if store and good:
            self._good[id(host), store] = self._world.clock.mono


def in_sync(secret: Mapping[str, Any]) -> bool:
    """The hash annotation of a Secret is the hash of its data."""
    data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
    return bool(secret["metadata"].get("annotations", {}).get(HASH_ANNOTATION) == data_hash(data))
