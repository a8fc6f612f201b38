"""Rules of ``metadata`` that hold for every kind, on create and on update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eso_core.sim import names
from eso_core.sim.ownership import same
from eso_core.sim.status import Cause, required, ruled_out, too_long, wrong

Doc = Mapping[str, Any]
NameRule = Callable[[str, bool], list[str]]

_ANNOTATIONS_MAX = 256 * 1024  # bytes of all keys and values
_ORPHAN, _FOREGROUND = "orphan", "foregroundDeletion"
_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def check(meta: Doc, old: Doc | None, *, namespaced: bool, name_rule: NameRule) -> list[Cause]:
    """What is wrong with the metadata of an object that is about to be stored. What is the very same as in ``old`` was checked before."""
    out: list[Cause] = []
    if old is not None and meta.get("name") == old["name"] and meta.get("generateName") == old.get("generateName"):
        return _parts(meta, old)
    if prefix := meta.get("generateName"):
        out += [wrong("metadata.generateName", prefix, text) for text in name_rule(prefix, True)]
    name = meta.get("name", "")
    if not name:
        out.append(required("metadata.name", "name or generateName is required"))
    else:
        out += [wrong("metadata.name", name, text) for text in name_rule(name, False)]
    if not namespaced and meta.get("namespace"):
        out.append(ruled_out("metadata.namespace", "not allowed on this type"))
    return out + _parts(meta, old or {})


def _parts(meta: Doc, old: Doc) -> list[Cause]:
    out: list[Cause] = []
    for key, rule in _RULES:
        value = meta.get(key)
        if value and value is not old.get(key):
            out += rule(value)
    return out


def _labels(labels: Mapping[str, str]) -> list[Cause]:
    out: list[Cause] = []
    for key, value in labels.items():
        out += [wrong("metadata.labels", key, text) for text in names.qualified(key)]
        out += [wrong("metadata.labels", value, text) for text in names.label_value(value)]
    return out


def _annotations(annotations: Mapping[str, str]) -> list[Cause]:
    out = [wrong("metadata.annotations", key, text) for key in annotations for text in names.qualified(key.lower())]
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATIONS_MAX:
        out.append(too_long("metadata.annotations", _ANNOTATIONS_MAX))
    return out


def _owners(owners: list[Doc]) -> list[Cause]:
    out: list[Cause] = []
    controllers = 0
    for owner in owners:
        if not owner.get("apiVersion"):
            out.append(wrong("metadata.ownerReferences.apiVersion", "", "version must not be empty"))
        empty = [key for key in ("kind", "name", "uid") if not owner.get(key)]
        out += [wrong(f"metadata.ownerReferences.{key}", "", "must not be empty") for key in empty]
        if owner.get("apiVersion") == "v1" and owner.get("kind") == "Event":
            out.append(wrong("metadata.ownerReferences", owner, "/v1, Kind=Event is disallowed from being an owner"))
        controllers += owner.get("controller") is True
    if controllers > 1:
        out.append(wrong("metadata.ownerReferences", owners, "Only one reference can have Controller set to true."))
    return out


def _finalizers(finalizers: list[str]) -> list[Cause]:
    out = [wrong("metadata.finalizers", finalizer, text) for finalizer in finalizers for text in names.qualified(finalizer)]
    if _ORPHAN in finalizers and _FOREGROUND in finalizers:
        out.append(wrong("metadata.finalizers", finalizers, "finalizer orphan and foregroundDeletion cannot be both set"))
    return out


_RULES: tuple[tuple[str, Callable[[Any], list[Cause]]], ...] = (
    ("labels", _labels),
    ("annotations", _annotations),
    ("ownerReferences", _owners),
    ("finalizers", _finalizers),
)


def check_update(new: Doc, old: Doc) -> list[Cause]:
    """What an update may not do to metadata. Generation, creation and deletion time have been put back before."""
    out: list[Cause] = []
    if "deletionTimestamp" in old:
        added = sorted(set(new.get("finalizers", ())) - set(old.get("finalizers", ())))
        if added:
            listed = ", ".join(f'"{name}"' for name in added)
            why = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}"
            out.append(ruled_out("metadata.finalizers", why))
    changed = [key for key in _IMMUTABLE if not same(new.get(key), old.get(key))]
    return out + [wrong(f"metadata.{key}", new.get(key), "field is immutable") for key in changed]
