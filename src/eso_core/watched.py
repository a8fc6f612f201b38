"""The watched kinds: what is kept of an object, and whose pass its change makes worthwhile. A new kind is a new row of :func:`watched`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

import orjson

from eso_core.machines.cache import Cache, Change, Packed, version_number
from eso_core.machines.kinds import Watched
from eso_core.machines.shallow import shallow
from eso_core.machines.turns import Reason
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind, Ref
from eso_core.target import MANAGED_LABEL, OWNER_LABEL, digest, digest_manifest

Pack: TypeAlias = Callable[[bytes], Packed | None]

BY_TARGET = "target"  # ExternalSecrets by the name of their target
MANAGED = f"{MANAGED_LABEL}=true"
MANAGED_FIELD = f'"{MANAGED_LABEL}":"true"'.encode()
SYNCED_FIELD = b'"syncedResourceVersion":"'  # within a text its quotes would be escaped
GATE_FIELDS = ("generation", "labels", "annotations", "finalizers", "deletionTimestamp")


def watched() -> tuple[Watched, ...]:
    """Every kind the operator watches. Stores come first: their passes come first, too."""
    return (
        Watched(kind=CLUSTER_SECRET_STORE, pack=_bearable(partial(_pack, CLUSTER_SECRET_STORE)), wakes=_itself, first=True),
        Watched(kind=SECRET_STORE, pack=_bearable(partial(_pack, SECRET_STORE)), wakes=_itself, first=True),
        Watched(kind=SECRET, pack=_bearable(_pack_secret), wakes=_writers, selected=_is_managed, selector=MANAGED),
        Watched(kind=EXTERNAL_SECRET, pack=_bearable(_pack_external_secret), wakes=_itself, why=_why),
    )


def followed(kind: Kind) -> Watched:
    """The rule of a kind that targets of ExternalSecrets are of."""
    pack = _bearable(partial(_pack_target, kind))
    return Watched(kind=kind, pack=pack, wakes=_writers, selected=_is_managed, selector=MANAGED)


def _itself(change: Change, cache: Cache) -> Iterable[Ref]:
    return (change.ref,)


def _why(change: Change) -> Reason:
    """An ExternalSecret that turns up has been synced before if its status says so: most of the first list has."""
    if change.before is not None:
        return Reason.CHANGED
    return Reason.REFRESH if change.after is not None and SYNCED_FIELD in change.after.raw else Reason.NEW


def _writers(change: Change, cache: Cache) -> Iterable[Ref]:
    """The ExternalSecrets that write this object."""
    ref = change.ref
    return cache.find(BY_TARGET, EXTERNAL_SECRET, ref.namespace, _target_name(ref.kind.api_version, ref.kind.name, ref.name))


def _target_name(api_version: str, kind: str, name: str) -> str:
    """A target within its namespace, as the index has it."""
    return name if (api_version, kind) == (SECRET.api_version, SECRET.name) else f"{api_version} {kind} {name}"


def _is_managed(packed: Packed) -> bool:
    return MANAGED_FIELD in packed.raw


def _bearable(pack: Pack) -> Pack:
    """``pack`` for objects of any depth."""

    def packed(raw: bytes) -> Packed | None:
        try:
            return pack(raw)
        except orjson.JSONEncodeError:
            return pack(shallow(raw))

    return packed


def _pack(kind: Kind, raw: bytes) -> Packed | None:
    """Everything but managedFields."""
    found = _object(raw)
    if found is None:
        return None
    meta = found["metadata"]
    meta.pop("managedFields", None)
    return _packed(kind, found, _gate(found), ())


def _gate(found: dict[str, Any]) -> int:
    """What a pass looks for: of the status only whether somebody has wiped it."""
    meta, status = found["metadata"], found.get("status")
    told = isinstance(status, dict) and bool(status.get("conditions"))
    return hash(orjson.dumps([told, *(meta.get(name) or None for name in GATE_FIELDS)]))


def _pack_external_secret(raw: bytes) -> Packed | None:
    found = _object(raw)
    if found is None:
        return None
    meta = found["metadata"]
    meta.pop("managedFields", None)
    spec = found.get("spec")
    target = spec.get("target") if isinstance(spec, dict) else None
    target = target if isinstance(target, dict) else {}
    name = target.get("name")
    name = name if isinstance(name, str) and name else meta["name"]
    manifest = target.get("manifest")
    if isinstance(manifest, dict):
        name = _target_name(str(manifest.get("apiVersion")), str(manifest.get("kind")), name)
    return _packed(EXTERNAL_SECRET, found, _gate(found), ((BY_TARGET, name),))


def _pack_secret(raw: bytes) -> Packed | None:
    found = _object(raw)
    if found is None:
        return None
    labels = found["metadata"].get("labels")
    owner = labels.get(OWNER_LABEL) if isinstance(labels, dict) else None
    indexed = ((OWNER_LABEL, owner),) if isinstance(owner, str) and owner else ()
    return _packed(SECRET, digest(found), found["metadata"]["resourceVersion"], indexed)


def _pack_target(kind: Kind, raw: bytes) -> Packed | None:
    """Without content. What changes its status alone does not matter."""
    found = _object(raw)
    if found is None:
        return None
    kept = digest_manifest(found)
    meta = found["metadata"]
    fields = ("labels", "annotations", "ownerReferences", "deletionTimestamp")
    return _packed(kind, kept, hash(orjson.dumps([kept["dataHash"], *(meta.get(name) for name in fields)])), ())


def _object(raw: bytes) -> dict[str, Any] | None:
    """A Kubernetes object, ``None`` when it has no place or version: such a thing cannot come from an API server."""
    try:
        found = orjson.loads(raw)
        meta = found["metadata"]
        usable = all(isinstance(text, str) for text in (meta["name"], meta["resourceVersion"], meta.get("namespace", "")))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    return found if usable and isinstance(found, dict) else None


def _packed(kind: Kind, found: dict[str, Any], gate: object, indexed: tuple[tuple[str, str], ...]) -> Packed:
    meta = found["metadata"]
    ref = Ref(kind, meta.get("namespace", ""), meta["name"])
    raw = bytes(memoryview(orjson.dumps(found)))  # copied, because orjson leaves room for up to 4 KiB behind what it writes
    return Packed(ref, version_number(meta["resourceVersion"]), raw, gate, indexed)
