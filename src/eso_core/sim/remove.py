"""Delete, and what the controllers do after it: garbage collection and the end of namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from eso_core.instant import Instant
from eso_core.refs import NAMESPACE, Kind
from eso_core.sim.cluster import Cluster
from eso_core.sim.options import DeleteOptions
from eso_core.sim.resource import Doc, Resource
from eso_core.sim.status import conflict, forbidden, not_found
from eso_core.sim.table import Stored, freeze
from eso_core.sim.text import stamp

_ORPHAN, _FOREGROUND = "orphan", "foregroundDeletion"
_IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
_BACKGROUND = DeleteOptions(None, None, "Background", False, False)


def delete(cluster: Cluster, resource: Resource, key: tuple[str, str], options: DeleteOptions, now: Instant) -> tuple[Stored, bool]:
    """Delete one object, or mark it as being deleted. Returns its last state, and whether it is gone."""
    stored = cluster.table(resource).get(key)
    if resource.kind == NAMESPACE and key[1] in _IMMORTAL:
        raise forbidden(NAMESPACE, key[1], "this namespace may not be deleted")
    if stored is None:
        raise not_found(resource.kind, key[1])
    _check_preconditions(resource.kind, stored, options)
    if resource.kind == NAMESPACE and stored.doc["spec"].get("finalizers"):
        return _terminate(cluster, resource, stored, options, now), False
    finalizers = _finalizers(stored, options.propagation)
    if finalizers:
        return _mark(cluster, resource, stored, finalizers, options, now), False
    if options.dry_run:
        return stored, True
    return cluster.remove(resource, stored), True


def deletion_status(kind: Kind, stored: Stored) -> bytes:
    """The body of a successful DELETE of kinds that do not answer with the object."""
    pairs = (("name", stored.key[1]), ("group", kind.group), ("kind", kind.plural), ("uid", stored.uid))
    details = {key: value for key, value in pairs if value}
    return orjson.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})


def _check_preconditions(kind: Kind, stored: Stored, options: DeleteOptions) -> None:
    name = stored.key[1]
    if options.uid is not None and options.uid != stored.uid:
        why = f"the UID in the precondition ({options.uid}) does not match the UID in record ({stored.uid})"
        raise conflict(kind, name, f"{why}. The object might have been deleted and then recreated")
    if options.version is not None and options.version != str(stored.rv):
        why = f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion in record ({stored.rv})"
        raise conflict(kind, name, f"{why}. The object might have been modified")


def _finalizers(stored: Stored, propagation: str) -> list[str]:
    """The finalizers after a deletion request: dependents are the garbage collector's work, asked for by a finalizer."""
    present: list[str] = stored.meta.get("finalizers", [])
    wanted = {"Orphan": _ORPHAN, "Foreground": _FOREGROUND}.get(propagation)
    if not propagation:
        return present
    kept = [name for name in present if name not in (_ORPHAN, _FOREGROUND)]
    kept = [*kept, wanted] if wanted else kept
    return present if set(kept) == set(present) else kept


def _mark(cluster: Cluster, resource: Resource, stored: Stored, finalizers: list[str], options: DeleteOptions, now: Instant) -> Stored:
    meta = {**stored.meta, "finalizers": finalizers, "deletionGracePeriodSeconds": 0}
    if "deletionTimestamp" not in meta:
        meta["deletionTimestamp"] = stamp(now)
        if meta.get("generation", 0) > 0:
            meta["generation"] += 1
    elif meta == stored.meta:
        return stored
    doc = {**stored.doc, "metadata": meta}
    if options.dry_run:
        return freeze(stored.key, doc, stored.rv, stored.owners)
    return cluster.put(resource, stored.key, doc, stored.owners)


def _terminate(cluster: Cluster, resource: Resource, stored: Stored, options: DeleteOptions, now: Instant) -> Stored:
    if "deletionTimestamp" in stored.meta:
        return stored
    meta = {**stored.meta, "deletionTimestamp": stamp(now)}
    doc = {**stored.doc, "metadata": meta, "status": {**stored.doc["status"], "phase": "Terminating"}}
    if options.dry_run:
        return freeze(stored.key, doc, stored.rv, stored.owners)
    return cluster.put(resource, stored.key, doc, stored.owners)


# ---------------------------------------------------------------- the controllers


def finish_namespaces(cluster: Cluster, now: Instant) -> int:
    """One round of the namespace controller: delete what is in terminating namespaces, and each of them once it is empty.

    Returns the number of writes. An object with finalizers is only marked, and keeps its namespace.
    """
    before = cluster.rv
    namespaces = cluster.resources["", "v1", "namespaces"]
    for namespace in cluster.table(namespaces).select(""):
        if "deletionTimestamp" not in namespace.meta:
            continue
        name = namespace.key[1]
        for resource, table in cluster.tables():
            for stored in table.select(name) if resource.kind.namespaced else ():
                delete(cluster, resource, stored.key, _BACKGROUND, now)
        if not any(table.select(name) for resource, table in cluster.tables() if resource.kind.namespaced):
            _release(cluster, namespaces, namespace)
    return cluster.rv - before


def _release(cluster: Cluster, resource: Resource, namespace: Stored) -> None:
    finalizers = [name for name in namespace.doc["spec"].get("finalizers", ()) if name != "kubernetes"]
    if not finalizers and not namespace.meta.get("finalizers"):
        cluster.remove(resource, namespace)
    elif finalizers != namespace.doc["spec"].get("finalizers", []):
        cluster.put(resource, namespace.key, {**namespace.doc, "spec": {"finalizers": finalizers}}, namespace.owners)


def collect_garbage(cluster: Cluster, now: Instant) -> int:
    """The garbage collector, until it has nothing more to do. Returns the number of writes.

    An object is deleted when every owner it names is gone; an owner counts only in the dependent's namespace, or when it is in none.
    A reference to an owner that is gone is dropped while another owner is there.
    """
    before = cluster.rv
    while _collect_once(cluster, now):
        pass
    return cluster.rv - before


def _collect_once(cluster: Cluster, now: Instant) -> bool:
    before = cluster.rv
    every = [(resource, stored) for resource, table in cluster.tables() for stored in table.select("")]
    owners = {stored.uid: stored for _, stored in every}
    for resource, stored in every:
        references = stored.meta.get("ownerReferences")
        if references:
            _settle_dependent(cluster, resource, stored, references, owners, now)
    for resource, stored in every:
        if {_ORPHAN, _FOREGROUND} & set(stored.meta.get("finalizers", ())):
            _settle_owner(cluster, resource, stored)
    return cluster.rv != before


def _settle_dependent(
    cluster: Cluster, resource: Resource, stored: Stored, references: list[Doc], owners: Mapping[str, Stored], now: Instant
) -> None:
    def there(reference: Mapping[str, Any]) -> bool:
        owner = owners.get(reference["uid"])
        return owner is not None and owner.key[0] in ("", stored.key[0])

    def solid(reference: Mapping[str, Any]) -> bool:
        return there(reference) and _FOREGROUND not in owners[reference["uid"]].meta.get("finalizers", ())

    def orphaning(reference: Mapping[str, Any]) -> bool:
        return there(reference) and _ORPHAN in owners[reference["uid"]].meta.get("finalizers", ())

    kept = [reference for reference in references if there(reference) and not orphaning(reference)]
    if not any(solid(reference) for reference in kept) and not any(orphaning(reference) for reference in references):
        delete(cluster, resource, stored.key, _BACKGROUND, now)
    elif len(kept) < len(references):
        meta = {key: value for key, value in stored.meta.items() if key != "ownerReferences"}
        cluster.put(resource, stored.key, {**stored.doc, "metadata": {**meta, "ownerReferences": kept} if kept else meta}, stored.owners)


def _settle_owner(cluster: Cluster, resource: Resource, owner: Stored) -> None:
    """Take the garbage collector's finalizers off an owner without dependents; the last finalizer takes the object along."""
    for _, table in cluster.tables():
        for stored in table.select(""):
            if any(reference["uid"] == owner.uid for reference in stored.meta.get("ownerReferences", ())):
                return
    current = cluster.table(resource).get(owner.key)
    if current is None:
        return
    finalizers = [name for name in current.meta.get("finalizers", ()) if name not in (_ORPHAN, _FOREGROUND)]
    if not finalizers:
        cluster.remove(resource, current)
        return
    cluster.put(resource, current.key, {**current.doc, "metadata": {**current.meta, "finalizers": finalizers}}, current.owners)
