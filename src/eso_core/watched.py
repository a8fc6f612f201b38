"""The watched kinds: what is kept of an object, and whose pass its change makes worthwhile. A new kind is a new row of :func:`watched`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

import orjson

from eso_core.machines.cache import Cache, Change, Packed, version_number
from eso_core.machines.engine import Watched
from eso_core.machines.shallow import shallow
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind, Ref
from eso_core.target import MANAGED_LABEL, OWNER_LABEL, digest

Pack: TypeAlias = Callable[[bytes], Packed | None]

BY_TARGET = "target"  # ExternalSecrets by the name of their target
GATE_FIELDS = ("generation", "labels", "annotations", "finalizers", "deletionTimestamp")


def watched() -> tuple[Watched, ...]:
    """Every kind the operator watches. Stores come first: their passes come first, too."""
    return (
        Watched(kind=CLUSTER_SECRET_STORE, pack=_bearable(partial(_pack, CLUSTER_SECRET_STORE)), wakes=_itself),
        Watched(kind=SECRET_STORE, pack=_bearable(partial(_pack, SECRET_STORE)), wakes=_itself),
        Watched(kind=SECRET, pack=_bearable(_pack_secret), wakes=_writers, selector=f"{MANAGED_LABEL}=true"),
        Watched(kind=EXTERNAL_SECRET, pack=_bearable(_pack_external_secret), wakes=_itself),
    )


def _itself(change: Change, cache: Cache) -> Iterable[Ref]:
    return (change.ref,)


def _writers(change: Change, cache: Cache) -> Iterable[Ref]:
    """The ExternalSecrets that write this Secret."""
    return cache.find(BY_TARGET, EXTERNAL_SECRET, change.ref.namespace, change.ref.name)


def _bearable(pack: Pack) -> Pack:
    """``pack`` for objects of any depth."""

    def packed(raw: bytes) -> Packed | None:
        try:
            return pack(raw)
        except orjson.JSONEncodeError:
            return pack(shallow(raw))

    return packed


def _pack(kind: Kind, raw: bytes) -> Packed | None:
    """Everything but managedFields; status changes do not matter."""
    found = _object(raw)
    if found is None:
        return None
    meta = found["metadata"]
    meta.pop("managedFields", None)
    return _packed(kind, found, hash(orjson.dumps([meta.get(name) for name in GATE_FIELDS])), ())


def _pack_external_secret(raw: bytes) -> Packed | None:
    found = _object(raw)
    if found is None:
        return None
    meta = found["metadata"]
    meta.pop("managedFields", None)
    spec = found.get("spec")
    target = spec.get("target") if isinstance(spec, dict) else None
    name = target.get("name") if isinstance(target, dict) else None
    name = name if isinstance(name, str) and name else meta["name"]
    gate = hash(orjson.dumps([meta.get(field) for field in GATE_FIELDS]))
    return _packed(EXTERNAL_SECRET, found, gate, ((BY_TARGET, name),))


def _pack_secret(raw: bytes) -> Packed | None:
    found = _object(raw)
    if found is None:
        return None
    labels = found["metadata"].get("labels")
    owner = labels.get(OWNER_LABEL) if isinstance(labels, dict) else None
    indexed = ((OWNER_LABEL, owner),) if isinstance(owner, str) and owner else ()
    return _packed(SECRET, digest(found), found["metadata"]["resourceVersion"], indexed)


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
    return Packed(ref, version_number(meta["resourceVersion"]), orjson.dumps(found), gate, indexed)
