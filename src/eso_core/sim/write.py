"""Create, update, patch: from a decoded document to a stored version.

One order for all three, the real server's, because the first rule that fails decides the answer:

1. the document agrees with the path (namespace, name);
2. preconditions: the identity it names, then the version it was read at;
3. what the server decides itself is put back (identity, times, generation, the half that belongs to the other endpoint);
4. the rules of metadata, then of the kind;
5. a write that changes nothing stores nothing; a write that empties the finalizers of a dying object removes it.

Field ownership is computed between 1 and 2, on what the client sent: what step 3 adds belongs to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Any

from eso_core.instant import Instant
from eso_core.refs import NAMESPACE
from eso_core.sim import meta as meta_rules
from eso_core.sim.cluster import Cluster
from eso_core.sim.options import WriteOptions
from eso_core.sim.ownership import Manager, Owners, compare, decode_entries, encode, own, same
from eso_core.sim.resource import Doc, Resource
from eso_core.sim.shape import fits
from eso_core.sim.status import (
    Cause,
    Refusal,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    not_found,
    unparsable_version,
    wrong,
)
from eso_core.sim.table import Key, Stored, dump, freeze, rehearsed
from eso_core.sim.text import generated_name, stamp

_NAME_ATTEMPTS = 8
_OLDER = "the object has been modified; please apply your changes to the latest version and try again"
_UPDATE = "Update"
_NOTHING_IGNORED: frozenset[str] = frozenset()
_STATUS_IGNORED = frozenset({"f:status"})
_REST_IGNORED = frozenset({"f:metadata", "f:spec"})
_SERVER_SET = ("creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


@dataclass(frozen=True, slots=True)
class Request:
    """What create, update and patch have in common."""

    cluster: Cluster
    resource: Resource
    namespace: str  # of the path
    name: str  # of the path; "" on create
    subresource: str
    options: WriteOptions
    now: Instant

    @property
    def key(self) -> Key:
        """Where the object is stored."""
        return self.namespace, self.name

    @property
    def writer(self) -> Manager:
        """Whom the fields will belong to."""
        return Manager(_UPDATE, self.options.manager, self.resource.kind.api_version, self.subresource)


# ---------------------------------------------------------------- create


def create(request: Request, doc: Doc) -> Stored:
    """Store a new object. ``doc`` is decoded."""
    resource, cluster = request.resource, request.cluster
    meta = {key: value for key, value in doc["metadata"].items() if key not in _SERVER_SET}
    meta = _deduplicated(_placed(meta, request.namespace, resource.kind.namespaced))
    owners, meta = _owned(request, resource.blank, {**doc, "metadata": meta}, {})
    _check_namespace(request, meta)
    meta = {**meta, "uid": cluster.new_uid(), "creationTimestamp": stamp(request.now)}
    if meta.get("generateName") and not meta.get("name"):
        meta["name"] = _new_name(request, meta["generateName"])
    if resource.generation:
        meta["generation"] = 1
        if resource.status:
            doc = {key: value for key, value in doc.items() if key != "status"}
    doc = resource.prepare({**doc, "metadata": meta}, None)
    _refuse(request, doc, _checks(resource, doc, None))
    if meta.get("resourceVersion", "").strip("0").isdigit():
        raise Refusal(500, "", "resourceVersion should not be set on objects to be created")
    key = (request.namespace, meta["name"])
    if (existing := cluster.table(resource).get(key)) is not None:
        raise _exists(request, existing)
    if request.options.dry_run:
        return rehearsed(key, doc, owners)
    return cluster.put(resource, key, doc, owners)


def _new_name(request: Request, prefix: str) -> str:
    table, number = request.cluster.table(request.resource), request.cluster.names
    for attempt in range(_NAME_ATTEMPTS):
        name = generated_name(prefix, number + attempt)
        if table.get((request.namespace, name)) is None:
            break
    return name


def _exists(request: Request, existing: Stored) -> Refusal:
    refusal = already_exists(request.resource.kind, existing.key[1])
    if "deletionTimestamp" in existing.meta:
        refusal.message = f"object is being deleted: {refusal.message}"
    return refusal


def _check_namespace(request: Request, meta: Doc) -> None:
    if not request.resource.kind.namespaced:
        return
    namespace = request.cluster.namespace(request.namespace)
    if namespace is None:
        raise not_found(NAMESPACE, request.namespace)
    if "deletionTimestamp" in namespace.meta:
        why = f"unable to create new content in namespace {request.namespace} because it is being terminated"
        cause = Cause("NamespaceTerminating", f"namespace {request.namespace} is being terminated", "metadata.namespace")
        raise forbidden(request.resource.kind, meta.get("name") or meta.get("generateName", ""), why, [cause])


# ---------------------------------------------------------------- update and patch


def replace(request: Request, doc: Doc) -> tuple[Stored, bool]:
    """PUT: ``doc`` takes the place of the stored object. Says whether it was created."""
    doc = {**doc, "metadata": _deduplicated(_addressed(request, doc["metadata"]))}
    stored = request.cluster.table(request.resource).get(request.key)
    if stored is None:
        if not request.resource.create_on_update or request.subresource:
            raise not_found(request.resource.kind, request.name)
        return create(request, doc), True
    uid = doc["metadata"].get("uid", "")
    if uid and uid != stored.uid:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {stored.uid}"
        raise conflict(request.resource.kind, request.name, why)
    return _update(request, stored, doc), False


def modify(request: Request, stored: Stored, doc: Doc) -> Stored:
    """PATCH: ``doc`` is the stored object with the patch applied, decoded."""
    doc = {**doc, "metadata": _deduplicated(_addressed(request, doc["metadata"]))}
    return _update(request, stored, doc)


def _update(request: Request, stored: Stored, doc: Doc) -> Stored:
    resource, cluster = request.resource, request.cluster
    owners, meta = _owned(request, stored.doc, doc, stored.owners)
    meta = _versioned(request, stored, meta)
    doc = _only_status(stored, doc, meta) if request.subresource else _without_status(request, stored, {**doc, "metadata": meta})
    doc["metadata"] = _restored(doc["metadata"], stored.meta)
    if not request.options.dry_run:
        doc["metadata"].pop("selfLink", None)  # dropped by the storage, so a rehearsal still shows it
    if not request.subresource:
        doc = _counted(resource, resource.prepare(doc, stored.doc), stored)
    _refuse(request, doc, _checks(resource, doc, stored))
    if _is_unchanged(doc, stored):
        return stored
    if request.options.dry_run:
        return freeze(stored.key, doc, stored.rv, owners)
    if _is_finished(resource, doc, stored):
        cluster.remove(resource, stored)
        return freeze(stored.key, doc, stored.rv, owners)
    return cluster.put(resource, stored.key, doc, owners)


def _versioned(request: Request, stored: Stored, meta: Doc) -> Doc:
    """The metadata with the stored version, once the version it came with has been compared."""
    version = meta.get("resourceVersion", "")
    if version and not (version.isascii() and version.isdigit()):
        raise unparsable_version(version)
    if version.strip("0") == "":
        if not request.resource.blind_update:
            kind = request.resource.kind
            raise invalid(kind, request.name, [wrong("metadata.resourceVersion", 0, "must be specified for an update")], kind.plural)
        return {**meta, "resourceVersion": str(stored.rv)}
    if int(version) != stored.rv:
        raise conflict(request.resource.kind, request.name, _OLDER)
    return meta


def _without_status(request: Request, stored: Stored, doc: Doc) -> Doc:
    """The document with the stored status, where that belongs to the other endpoint."""
    if not (request.resource.status and request.resource.generation):
        return doc
    out = {key: value for key, value in doc.items() if key != "status"}
    if "status" in stored.doc:
        out["status"] = stored.doc["status"]
    return out


def _only_status(stored: Stored, doc: Doc, meta: Doc) -> Doc:
    """The stored document with the status, and the owners, of the new one."""
    kept = {key: value for key, value in stored.meta.items() if key != "managedFields"}
    if "managedFields" in meta:
        kept["managedFields"] = meta["managedFields"]
    out = {**stored.doc, "metadata": kept}
    out.pop("status", None)
    if "status" in doc:
        out["status"] = doc["status"]
    return out


def _restored(meta: Doc, old: Doc) -> Doc:
    """The metadata with what an update can never change."""
    out = {key: value for key, value in meta.items() if key != "generation"}
    for key in ("generation", "creationTimestamp", "deletionTimestamp"):
        if key in old:
            out[key] = old[key]
    out.setdefault("uid", old["uid"])
    if "deletionGracePeriodSeconds" in old:
        out.setdefault("deletionGracePeriodSeconds", old["deletionGracePeriodSeconds"])
    return out


def _counted(resource: Resource, doc: Doc, stored: Stored) -> Doc:
    """The document with the next generation, if anything but metadata changed."""
    if not resource.generation:
        return doc
    keys = (doc.keys() | stored.doc.keys()) - {"metadata"}
    if all(doc.get(key) is stored.doc.get(key) or same(doc.get(key), stored.doc.get(key)) for key in keys):
        return doc
    return {**doc, "metadata": {**doc["metadata"], "generation": stored.meta.get("generation", 0) + 1}}


def _checks(resource: Resource, doc: Doc, stored: Stored | None) -> list[Cause]:
    meta = doc["metadata"]
    causes: list[Cause] = []
    if stored is None and ("kind" in doc or "apiVersion" in doc):
        return resource.check(doc, None)  # of the wrong kind: nothing else is looked at
    old = stored.meta if stored else None
    causes += meta_rules.check(meta, old, namespaced=resource.kind.namespaced, name_rule=resource.name_rule)
    if old is not None:
        causes += meta_rules.check_update(meta, old)
    return causes + resource.check(doc, stored.doc if stored else None)


def _refuse(request: Request, doc: Doc, causes: list[Cause]) -> None:
    if not causes:
        return
    kind = request.resource.kind
    if "apiVersion" in doc:  # of another type, and called by that type's name
        kind = replaced(kind, group=doc["apiVersion"].rpartition("/")[0])
    raise invalid(kind, doc["metadata"].get("name", ""), causes, doc.get("kind"))


def _is_unchanged(doc: Doc, stored: Stored) -> bool:
    """Whether nothing but the times of owners would change. Python's equality comes first because it is the quick way to a no."""
    before, after = stored.meta, doc["metadata"]
    if doc.keys() != stored.doc.keys() or before.keys() != after.keys():
        return False
    if any(value != stored.doc[key] for key, value in doc.items() if key != "metadata"):
        return False
    if any(value != before[key] for key, value in after.items() if key != "managedFields"):
        return False
    if _timeless(after.get("managedFields")) != _timeless(before.get("managedFields")):
        return False
    adopted = {**doc, "metadata": {**after, "managedFields": before["managedFields"]}} if "managedFields" in before else doc
    return dump(adopted) == stored.inner


def _timeless(entries: Any) -> list[Any]:
    return [{key: value for key, value in entry.items() if key != "time"} for entry in entries or ()]


def _is_finished(resource: Resource, doc: Doc, stored: Stored) -> bool:
    """A dying object without finalizers."""
    meta = doc["metadata"]
    if "deletionTimestamp" not in stored.meta or meta.get("finalizers"):
        return False
    return resource.kind != NAMESPACE or not doc["spec"].get("finalizers")


# ---------------------------------------------------------------- metadata


def _placed(meta: Doc, namespace: str, namespaced: bool) -> Doc:
    """The metadata with the namespace of the path."""
    given = meta.get("namespace", "")
    if not namespaced:
        return {key: value for key, value in meta.items() if key != "namespace"}
    if given and given != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    return {**meta, "namespace": namespace}


def _addressed(request: Request, meta: Doc) -> Doc:
    meta = _placed(meta, request.namespace, request.resource.kind.namespaced)
    name = meta.get("name", "")
    if not name:
        raise bad_request(f"the name of the object ({request.name} based on URL) was undeterminable: name must be provided")
    if name != request.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({request.name})")
    return meta


def _deduplicated(meta: Doc) -> Doc:
    """The metadata without the second of two owners with one identity."""
    references = meta.get("ownerReferences")
    if not references or len(references) < 2:
        return meta
    unique: dict[str, Any] = {}
    for reference in references:
        unique.setdefault(reference["uid"], reference)
    return meta if len(unique) == len(references) else {**meta, "ownerReferences": list(unique.values())}


def _owned(request: Request, before: Doc, doc: Doc, stored: Owners) -> tuple[Owners, Doc]:
    """The owners after the write, and the new metadata that says so."""
    meta = doc["metadata"]
    if not request.resource.owned:
        return {}, {key: value for key, value in meta.items() if key != "managedFields"}
    base = stored if request.subresource else _base(meta, before.get("metadata", {}), stored)
    rest = {key: value for key, value in meta.items() if key != "managedFields"}
    old = before.get("metadata", {})
    left = {**before, "metadata": {key: value for key, value in old.items() if key != "managedFields"}}
    known = base if base is stored else _of_served_versions(request, base)
    if known is None or (not base and "uid" in old) or not _fits(request, before, doc):
        return {}, rest  # an object that is not tracked, or cannot be, stays so
    ignored = _ignored(request)
    after = own(known, compare(left, {**doc, "metadata": rest}, request.resource.shape), request.writer, ignored, stamp(request.now))
    if after is stored:
        return after, {**rest, "managedFields": old["managedFields"]} if "managedFields" in old else rest
    return after, {**rest, "managedFields": encode(after)} if after else rest


def _fits(request: Request, before: Doc, doc: Doc) -> bool:
    """Whether the document has the structure of its kind. Only ``/status`` lets other documents pass: it drops what does not fit."""
    if not request.subresource:
        return True
    fields = request.resource.shape.fields
    others = ((key, value) for key, value in doc.items() if key not in ("metadata", "status") and value is not before.get(key))
    return all(key not in fields or fits(fields[key], value) for key, value in others)


def _ignored(request: Request) -> frozenset[str]:
    if not (request.resource.status and request.resource.generation):
        return _NOTHING_IGNORED
    return _REST_IGNORED if request.subresource else _STATUS_IGNORED


def _base(meta: Doc, old: Doc, stored: Owners) -> Owners:
    """The owners a write starts from: those it brings along, else the stored ones. An empty list, or one empty entry, resets."""
    given = meta.get("managedFields")
    if given is None or given is old.get("managedFields") or given == old.get("managedFields"):
        return stored
    if given == [] or given == [{}]:
        return {}
    return decode_entries(given) or stored


def _of_served_versions(request: Request, owners: Owners) -> Owners | None:
    """The owners without entries of versions that are not served; ``None`` for a custom resource with an entry of another group."""
    kind = request.resource.kind
    group = kind.api_version.rpartition("/")[0]
    if not request.resource.native and any(manager.api_version.rpartition("/")[0] != group for manager in owners):
        return None
    places = request.cluster.resources.values()
    served = {other.kind.api_version for other in places if (other.kind.group, other.kind.plural) == (kind.group, kind.plural)}
    return {manager: share for manager, share in owners.items() if manager.api_version in served}
