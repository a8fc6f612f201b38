"""Is the cluster as the oracle says? Asked when nothing goes wrong any more."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from eso_core.compat.hash import owner_label, resource_version
from eso_core.instant import MINUTE, SECOND
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Ref
from eso_core.target import MANAGED_LABEL, OWNER_LABEL
from tests.sim.host import Host
from tests.sim.laws import in_sync
from tests.sim.model import CANARY, Store
from tests.sim.oracle import FAILING, MERGING, Verdict, expected, legal
from tests.sim.templates import agrees
from tests.sim.world import Tracked, World

MESSAGES = {
    "synced": "secret synced",
    "retained": "secret retained due to DeletionPolicy=Retain",
    "deleted": "secret deleted due to DeletionPolicy=Delete",
    "failed": "could not get secret data from provider",
    "unrendered": "could not update secret",
    "owned": "target is owned by another ExternalSecret",
    "missing": "secret will not be created due to CreationPolicy=Merge",
}


def unsettled(world: World, *, patient: bool = False) -> str:
    """The first thing that is not as it should be; ``""`` when everything is.

    ``patient``: an object that fails in any case may be in a long pause, and tell of a failure that is over.
    """
    return next(_faults(world, patient), "")


def _faults(world: World, patient: bool) -> Iterator[str]:
    for store in world.stores.values():
        if store.exists and (world.only_namespace in ("", store.id.namespace) or not store.id.namespace):
            fault = _store_fault(world, store)
            if fault:
                yield f"store {store.id.name}: {fault}"
    for tracked in world.objects.values():
        if world.only_namespace in ("", tracked.namespace):
            fault = _fault(world, tracked, patient)
            if fault:
                yield f"{tracked.namespace}/{tracked.name}: {fault} ({tracked.specs[-1] if tracked.specs else 'never made'})"


def _store_fault(world: World, store: Store) -> str:
    found = world.server.read(Ref(SECRET_STORE if store.id.namespace else CLUSTER_SECRET_STORE, store.id.namespace, store.id.name))
    ready = ready_of(found or {})
    should = "store validated" if store.usable else "unable to create client" if store.held is None else "unable to validate store"
    return "" if ready is not None and _says(ready["message"], should) else f"condition is {ready}, should be {should}"


def _says(message: str, should: str) -> bool:
    """What is said of a failure goes on with where it is, and of what class."""
    return message == should or message.startswith(f"{should}: ")


def ready_of(found: dict[str, Any]) -> dict[str, Any] | None:
    """The condition Ready of an object."""
    return next((c for c in (found.get("status") or {}).get("conditions", ()) if c["type"] == "Ready"), None)


def _fault(world: World, tracked: Tracked, patient: bool) -> str:
    found = world.server.read(Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name))
    if not tracked.alive:
        return "is not gone" if found is not None else ""
    if found is None:
        return "simulator: the object is gone"
    verdict = _verdict(world, tracked)
    secret = world.server.read(Ref(SECRET, tracked.namespace, tracked.wanted.target))
    ready = ready_of(found)
    if verdict.state in ("synced", "deleted", "unrendered") and _is_taken(tracked, secret):
        verdict = Verdict("owned")
    if ready is None:
        return f"has no condition, should be {verdict.state}"
    stale = _version_fault(tracked, found, ready)
    if stale:
        return stale
    if not tracked.wanted.lively:
        return _lazy_fault(world, tracked, verdict, ready, secret)
    if tracked.wanted.deletion == "Delete" and not found["metadata"].get("finalizers"):
        return "has no finalizer under deletionPolicy Delete"
    return (
        ("" if patient and verdict.state in FAILING and ready["status"] == "False" else _condition_fault(verdict, ready))
        or _target_fault(world, tracked, verdict, secret)
        or _due_fault(world, tracked, failing=ready["status"] != "True")
    )


def _version_fault(tracked: Tracked, found: dict[str, Any], ready: dict[str, Any]) -> str:
    """The status of a ready object is about its present spec, unless it is fetched once."""
    if ready["status"] != "True" or tracked.wanted.refresh == "CreatedOnce" or tracked.wanted.interval_s == 0:
        return ""
    meta, status = found["metadata"], found["status"]
    version = resource_version(meta["generation"], meta.get("annotations", {}), meta.get("labels", {}))
    return "" if status.get("syncedResourceVersion") == version else "its status is about an earlier spec"


def _verdict(world: World, tracked: Tracked) -> Verdict:
    verdict = expected(tracked.wanted, world.texts_of(tracked), world.stores)
    absent = world.server.read(Ref(SECRET, tracked.namespace, tracked.wanted.target)) is None
    return Verdict("missing") if verdict.state in ("synced", "unrendered") and tracked.wanted.creation == "Merge" and absent else verdict


def _condition_fault(verdict: Verdict, ready: dict[str, Any]) -> str:
    should = "False" if verdict.state in (*FAILING, "owned") else "True"
    if ready["status"] == should and _says(ready["message"], MESSAGES[verdict.state]):
        return ""
    return f"condition is {ready['status']} {ready['message']!r}, should be {should} {MESSAGES[verdict.state]!r}"


def _target_fault(world: World, tracked: Tracked, verdict: Verdict, secret: dict[str, Any] | None) -> str:
    wanted = tracked.wanted
    orphan = _orphan(world, tracked) if verdict.state == "synced" and wanted.creation == "Owner" else ""
    if orphan:
        return f"Secret {orphan} of an earlier target is still there"
    if verdict.state == "deleted":
        return "its target should be deleted" if secret is not None and _is_marked(secret) else ""
    if verdict.state != "synced" or wanted.creation == "None":
        return ""
    if secret is None:
        return "has no target"
    data, should = values(secret), dict(verdict.data or {})
    foreign = {key for key, value in data.items() if key not in should and CANARY not in value} if wanted.creation in MERGING else set()
    if data.keys() - foreign != should.keys() or not all(agrees(data[key], given) for key, given in should.items()):
        return f"target holds {data}, should be {should}"
    return _marks_fault(tracked, verdict, secret)


def _is_taken(tracked: Tracked, secret: dict[str, Any] | None) -> bool:
    """Another ExternalSecret was faster."""
    owners = secret["metadata"].get("ownerReferences", []) if secret is not None else []
    return any(owner["kind"] == "ExternalSecret" and owner["name"] != tracked.name for owner in owners)


def _marks_fault(tracked: Tracked, verdict: Verdict, secret: dict[str, Any]) -> str:
    labels, owners = secret["metadata"].get("labels", {}), secret["metadata"].get("ownerReferences", [])
    if labels.get(MANAGED_LABEL) != "true":
        return "target is not marked as managed"
    if tracked.wanted.template is None and labels.get("rev") != tracked.wanted.label:
        return f"target has label rev {labels.get('rev')}, should be {tracked.wanted.label}"
    for held, should in ((labels, verdict.labels), (secret["metadata"].get("annotations", {}), verdict.annotations)):
        if not all(agrees(held.get(key), given) for key, given in should.items()):
            return f"target has labels or annotations {held}, should be {should}"
    if (tracked.wanted.creation == "Owner") != any(owner["name"] == tracked.name for owner in owners):
        return f"target has owners {owners} under creationPolicy {tracked.wanted.creation}"
    return "" if in_sync(secret) else "target's hash annotation is not the hash of its data"


def _is_marked(secret: dict[str, Any]) -> bool:
    """Somebody may have taken all marks off a target, and it is nobody's then."""
    meta = secret["metadata"]
    return MANAGED_LABEL in meta.get("labels", {}) or bool(meta.get("ownerReferences"))


def _orphan(world: World, tracked: Tracked) -> str:
    mark = owner_label(tracked.namespace, tracked.name)
    for secret in world.server.objects(SECRET, tracked.namespace):
        meta = secret["metadata"]
        labels = meta.get("labels", {})
        is_seen = labels.get(MANAGED_LABEL) == "true"  # one that lost the label is not looked for, as in the reference
        if is_seen and labels.get(OWNER_LABEL) == mark and meta["name"] != tracked.wanted.target:
            return str(meta["name"])
    return ""


def _lazy_fault(world: World, tracked: Tracked, verdict: Verdict, ready: dict[str, Any], secret: dict[str, Any] | None) -> str:
    """An object that does not follow its backend: ready unless it cannot be, and its target holds what was once right."""
    if ready["status"] != "True" and verdict.state not in (*FAILING, "owned") and not _may_linger(world):
        return f"condition is {ready['status']} {ready['message']!r}, should be ready"
    if ready["message"] != MESSAGES["synced"] or tracked.wanted.creation not in ("Owner", "CreateOrMerge"):
        return ""
    if secret is None:
        return "has no target"
    if _is_taken(tracked, secret):
        return ""
    if not in_sync(secret):
        return "target was changed, and not repaired"
    faults = [legal(spec, world.texts_of(tracked), world.stores, values(secret)) for spec in tracked.specs]
    return "" if "" in faults else f"target holds what no state explains: {faults}"


def _may_linger(world: World) -> bool:
    """A failure that this operator does not know of before the next refresh: it was another operator's."""
    return world.swarm.has("second")


def restless(world: World) -> set[tuple[str, str]]:
    """Objects, and their targets, that are as they may be, and may change yet: they follow their backend late."""
    found: set[tuple[str, str]] = set()
    for tracked in world.objects.values():
        if tracked.alive and (_follows_late(world, tracked) or _is_to_be_claimed(world, tracked)):
            found |= {(tracked.namespace, name) for name in (tracked.name, *(spec.target for spec in tracked.specs))}
    return found


def _follows_late(world: World, tracked: Tracked) -> bool:
    return not tracked.wanted.lively and (world.swarm.has("jump") or _is_open(world, tracked))


def _is_to_be_claimed(world: World, tracked: Tracked) -> bool:
    """Its target has lost the label by which it is watched, which is seen at the next refresh."""
    secret = world.server.read(Ref(SECRET, tracked.namespace, tracked.wanted.target))
    return secret is not None and MANAGED_LABEL not in (secret["metadata"].get("labels") or {})


def _is_open(world: World, tracked: Tracked) -> bool:
    ready = ready_of(world.server.read(Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name)) or {})
    secret = world.server.read(Ref(SECRET, tracked.namespace, tracked.wanted.target))
    return ready is None or ready["status"] != "True" or ready["message"] == MESSAGES["missing"] or secret is None


def _due_fault(world: World, tracked: Tracked, *, failing: bool) -> str:
    """A lively object has a date in the future."""
    host = next(iter(world.living))
    key = Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name)
    if key in host.engine._passes:
        return ""
    due = due_at(host, key)
    if due is None:
        return "" if failing and waits_for_backend(host, key) else "is in no queue"
    late = due - world.clock.mono
    most = (7 * MINUTE if failing else longest_s(tracked.wanted.interval_s) * SECOND) + SECOND
    return f"is due in {late / SECOND:.1f} s" if late > most else ""


def due_at(host: Host, key: Ref) -> int | None:
    """When the operator will look at ``key`` by itself (monotonic nanoseconds)."""
    return host.engine.queue._due.get(key)


def waits_for_backend(host: Host, key: Ref) -> bool:
    """The key is held back until its backend is well again."""
    return key in host.engine._backends._lines.of


def longest_s(interval_s: int) -> float:
    """The longest time between two refreshes: objects are spread over a tenth of the interval."""
    return interval_s + min(interval_s / 10, 300)


def values(secret: dict[str, Any]) -> dict[str, str]:
    """The data of a Secret as text."""
    return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
