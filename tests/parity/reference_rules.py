"""What the reference v2.9.0 would do with an object that it finds: its documented rules, written a second time.

Nothing is shared with the operator, so these functions can bear witness for it: ``tests/e2e/test_takeover.py`` asks them whether the
reference would write anything to what the operator left behind. They are checked against vectors observed from the reference.

Objects are dicts as the API server answers them; the data of a Secret is base64 there and bytes here (:func:`data_of`). Left out:
templates, sync windows (the caller says whether one is open) and generic targets.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

Json = dict[str, Any]

GROUP = "external-secrets.io"
DOMAIN = f"externalsecrets.{GROUP}"
FINALIZER = f"{DOMAIN}/externalsecret-cleanup"
MANAGED = f"reconcile.{GROUP}/managed"
OWNER = f"reconcile.{GROUP}/created-by"
DATA_HASH = f"reconcile.{GROUP}/data-hash"
NAME_MAX = 63  # bytes
INTERVAL = timedelta(hours=1)  # the CRD's default
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


class Owned(Exception):
    """The Secret has another controller; the pass fails and writes nothing."""


# ---------------------------------------------------------------- hashes and names


def sha3(text: str) -> str:
    return hashlib.sha3_224(text.encode("utf-8", "surrogatepass")).hexdigest()


def bytes_map(data: Mapping[str, bytes] | None) -> str:
    """Go's ``%+v`` of a ``map[string][]byte``."""
    entries = sorted((data or {}).items(), key=lambda entry: entry[0].encode())
    return "map[" + " ".join(f"{key}:[{' '.join(map(str, value))}]" for key, value in entries) + "]"


def string_map(strings: Mapping[str, str] | None) -> str:
    """Go's ``%+v`` of a ``map[string]string``."""
    entries = sorted((strings or {}).items(), key=lambda entry: entry[0].encode())
    return "map[" + " ".join(f"{key}:{value}" for key, value in entries) + "]"


def data_hash(data: Mapping[str, bytes]) -> str:
    return sha3(bytes_map(data))


def resource_version(meta: Json) -> str:
    """What ``status.syncedResourceVersion`` is compared with."""
    hashed = f"{{annotations:{string_map(meta.get('annotations'))} labels:{string_map(meta.get('labels'))}}}"
    return f"{meta.get('generation', 0)}-{sha3(hashed)}"


def owner_label(namespace: str, name: str) -> str:
    return sha3(f"{namespace}/{name}")


def field_manager(name: str) -> str:
    """Of the Secrets that the ExternalSecret ``name`` writes."""
    plain = f"{DOMAIN}/{name}"
    return plain if len(plain.encode()) <= NAME_MAX else f"{DOMAIN}/sha3/{sha3(name)}"


def managed_keys(what: Literal["data", "labels", "annotations"], name: str, managed_fields: Iterable[Json] | None) -> list[str]:
    """The keys that earlier passes of the ExternalSecret ``name`` wrote, sorted.

    Labels and annotations are looked up under the plain name unless the bare name has more than 63 bytes: the reference forgets
    those of names of 28 to 63 bytes.
    """
    manager = field_manager(name)
    if what != "data" and len(name.encode()) <= NAME_MAX:
        manager = f"{DOMAIN}/{name}"
    keys: set[str] = set()
    for entry in managed_fields or ():
        if entry.get("manager") != manager:
            continue
        held = entry.get("fieldsV1")
        for part in ("f:data",) if what == "data" else ("f:metadata", f"f:{what}"):
            held = held.get(part) if isinstance(held, dict) else None
        if isinstance(held, dict):  # anything else counts as none
            keys.update(key.removeprefix("f:") for key in held if key != ".")
    return sorted(keys)


# ---------------------------------------------------------------- is a pass due


def data_of(secret: Json) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def creation_policy(es: Json) -> str:
    return str((es["spec"].get("target") or {}).get("creationPolicy") or "Owner")


def secret_valid(policy: str, secret: Json | None) -> bool:
    """``isSecretValid``."""
    if policy == "Orphan":
        return True
    if secret is None or not secret["metadata"].get("uid"):
        return False
    meta = secret["metadata"]
    if (meta.get("labels") or {}).get(MANAGED) != "true":
        return False
    return (meta.get("annotations") or {}).get(DATA_HASH) == data_hash(data_of(secret))


def duration(text: str) -> timedelta:
    """A Go duration in the forms that manifests use; raises `ValueError` for anything else."""
    sign, body = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|us|µs|s|ns)", body)
    if body != "0" and "".join(number + unit for number, unit in parts) != body:
        raise ValueError(text)
    return timedelta(seconds=sign * sum(float(number) * _UNITS[unit] for number, unit in parts))


def should_refresh(es: Json, now: datetime, *, window_open: bool = True) -> bool:
    """``shouldRefresh``, ``shouldRefreshPeriodic``. window_open: what ``spec.syncWindows`` say now."""
    spec, status = es["spec"], es.get("status") or {}
    synced = status.get("syncedResourceVersion") or ""
    refreshed = datetime.fromisoformat(status["refreshTime"]) if status.get("refreshTime") else None
    current = synced == resource_version(es["metadata"])
    match spec.get("refreshPolicy"):
        case "CreatedOnce":
            return not synced or refreshed is None
        case "OnChange":
            return not synced or refreshed is None or not current
    interval = duration(spec["refreshInterval"]) if spec.get("refreshInterval") else INTERVAL
    if interval <= timedelta() and synced:
        return False
    if not current or refreshed is None or refreshed > now:
        return True
    return refreshed + interval < now and window_open


# ---------------------------------------------------------------- what a pass makes of the Secret


def controller_of(secret: Json) -> Json | None:
    refs: list[Json] = secret["metadata"].get("ownerReferences") or []
    return next((ref for ref in refs if ref.get("controller")), None)


def _is_external_secret(ref: Json) -> bool:
    return bool(ref["kind"] == "ExternalSecret" and ref["apiVersion"].partition("/")[0] == GROUP)


def apply_ownership(es: Json, secret: Json) -> None:
    """``applyOwnership``, in place. Raises `Owned`."""
    meta, mine = secret["metadata"], es["metadata"]
    held = controller_of(secret)
    if held is not None and _is_external_secret(held) and held["name"] != mine["name"]:
        raise Owned(held["name"])
    refs: list[Json] = list(meta.get("ownerReferences") or [])
    labels = dict(meta.get("labels") or {})
    ours = {"apiVersion": f"{GROUP}/v1", "kind": "ExternalSecret", "name": mine["name"], "uid": mine["uid"]}
    if creation_policy(es) == "Owner":
        if held is not None and not _is_external_secret(held):  # by kind and name; the uid does not count
            raise Owned(held["name"])
        same = [i for i, ref in enumerate(refs) if _is_external_secret(ref) and ref["name"] == mine["name"]]
        ref = {**ours, "controller": True, "blockOwnerDeletion": True}
        refs = [ref if i in same else old for i, old in enumerate(refs)] if same else [*refs, ref]
        labels[OWNER] = owner_label(mine["namespace"], mine["name"])
    else:
        if held is not None and _is_external_secret(held):
            refs.remove(held)
        labels.pop(OWNER, None)
    meta["ownerReferences"], meta["labels"] = refs, labels


def apply_plain(es: Json, secret: Json, data: Mapping[str, bytes]) -> None:
    """``ApplyTemplate`` of an ExternalSecret without a template, in place."""
    meta, mine = secret["metadata"], es["metadata"]
    kinds: tuple[Literal["labels", "annotations"], ...] = ("labels", "annotations")
    for what in kinds:
        stale = managed_keys(what, mine["name"], meta.get("managedFields"))
        kept = {key: value for key, value in (meta.get(what) or {}).items() if key not in stale}
        meta[what] = {**kept, **(mine.get(what) or {})}
    before = data_of(secret) if creation_policy(es) in ("Merge", "CreateOrMerge") else {}
    secret["data"] = {key: base64.b64encode(value).decode() for key, value in {**before, **data}.items()}


def mutated(es: Json, secret: Json, data: Mapping[str, bytes]) -> Json:
    """The Secret that a pass would PUT, for a target that is a plain copy of ``data``. Raises `Owned`."""
    new = copy.deepcopy(secret)
    if (es["spec"].get("target") or {}).get("immutable"):
        new["immutable"] = True
    if not secret.get("immutable"):
        stale = managed_keys("data", es["metadata"]["name"], new["metadata"].get("managedFields"))
        new["data"] = {key: value for key, value in (new.get("data") or {}).items() if key not in stale}
        apply_plain(es, new, data)
    apply_ownership(es, new)
    meta = new["metadata"]
    meta["labels"] = {**(meta.get("labels") or {}), MANAGED: "true"}
    meta["annotations"] = {**(meta.get("annotations") or {}), DATA_HASH: data_hash(data_of(new))}
    return new


def is_no_op(old: Json, new: Json) -> bool:
    """Semantic equality: an empty map or list is the same as none. Nothing is sent then."""
    return bool(_without_empty(old) == _without_empty(new))


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items() if item not in ({}, [], None)}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


# ---------------------------------------------------------------- what goes


def orphans(es: Json, secrets: Iterable[Json]) -> list[str]:
    """``deleteOrphanedSecrets``: the names that a pass of this object would delete. secrets: those of its namespace."""
    if creation_policy(es) != "Owner":
        return []
    label = owner_label(es["metadata"]["namespace"], es["metadata"]["name"])
    metas = [secret["metadata"] for secret in secrets]
    return sorted(m["name"] for m in metas if (m.get("labels") or {}).get(OWNER) == label and m["name"] != target_name(es))


def target_name(es: Json) -> str:
    return str((es["spec"].get("target") or {}).get("name") or es["metadata"]["name"])


def left_after_deletion(es: Json, secret: Json) -> bool:
    """Whether the target outlives its ExternalSecret, Kubernetes' garbage collection included."""
    uid = es["metadata"]["uid"]
    held = controller_of(secret)
    if (es["spec"].get("target") or {}).get("deletionPolicy") == "Delete" and held is not None and held["uid"] == uid:
        return False
    owners = [ref["uid"] for ref in secret["metadata"].get("ownerReferences") or []]
    return not owners or any(owner != uid for owner in owners)


def lacks_finalizer(es: Json) -> bool:
    """The reference adds its finalizer to every ExternalSecret by a merge patch; no refresh comes of it."""
    return FINALIZER not in (es["metadata"].get("finalizers") or [])
