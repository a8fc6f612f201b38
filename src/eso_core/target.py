"""A target as it is in the cluster: a Secret, whole or as the digest that the cache keeps, or any other object."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from eso_core.compat.hash import data_hash, generic_target_hash
from eso_core.plan import Version
from eso_core.refs import SECRET, Ref
from eso_core.secret import SecretBytes

MANAGED_LABEL = "reconcile.external-secrets.io/managed"
OWNER_LABEL = "reconcile.external-secrets.io/created-by"
HASH_ANNOTATION = "reconcile.external-secrets.io/data-hash"
OWNER_GROUP, OWNER_KIND = "external-secrets.io", "ExternalSecret"
MERGING = ("Merge", "CreateOrMerge")  # creation policies that keep what others put into the target
HEAD = ("apiVersion", "kind", "metadata")  # of any object; the rest is its content


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSeen:
    """What was read of a target.

    ``values``: a Secret's data, ``None`` when only a digest was read or the target is no Secret. ``fields``: the content of a target that
    is no Secret, ``None`` likewise. ``data_hash`` is over all of the content that the hash annotation is about.
    """

    ref: Ref
    version: Version
    labels: Mapping[str, str] = field(repr=False)  # templates may make them of secrets
    annotations: Mapping[str, str] = field(repr=False)  # kubectl's last-applied-configuration of a Secret has its values
    owners: tuple[Mapping[str, Any], ...]
    finalizers: tuple[str, ...]
    managed_fields: tuple[Mapping[str, Any], ...]
    deleting: bool
    data_hash: str
    kind: str  # the Secret's `type`
    immutable: bool
    values: Mapping[str, SecretBytes] | None = field(default=None, repr=False)
    fields: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def controller(self) -> Mapping[str, Any] | None:
        """The owner reference with ``controller: true``."""
        return next((owner for owner in self.owners if owner.get("controller")), None)

    @property
    def in_sync(self) -> bool:
        """Managed, and unchanged since its data hash was written (reference: ``isSecretValid``, ``isGenericTargetValid``)."""
        return self.is_managed and self.annotations.get(HASH_ANNOTATION) == self.data_hash

    @property
    def is_managed(self) -> bool:
        """It carries the managed label: some ExternalSecret has claimed it."""
        return self.labels.get(MANAGED_LABEL) == "true"

    def managed(self, manager: str, *path: str) -> frozenset[str]:
        """Names below ``path`` (such as ``"data"`` or ``"metadata", "labels"``) that ``manager`` owns, of any operation."""
        names: set[str] = set()
        for entry in self.managed_fields:
            if entry.get("manager") != manager:
                continue
            fields: Any = entry.get("fieldsV1")
            for step in path:
                fields = fields.get(f"f:{step}") if isinstance(fields, Mapping) else None
            if isinstance(fields, Mapping):
                names.update(name.removeprefix("f:") for name in fields if name != ".")
        return frozenset(names)


def digest(secret: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret without its values: what the cache may keep."""
    kept = {name: secret[name] for name in ("metadata", "type", "immutable") if name in secret}
    return kept | {"dataHash": data_hash(_values(secret))}


def digest_manifest(found: Mapping[str, Any]) -> dict[str, Any]:
    """Any other target without its content, which may hold values of Secrets."""
    return {"metadata": found["metadata"], "dataHash": _content_hash(found)}


def see_target(ref: Ref, raw: bytes) -> TargetSeen:
    """The target from its JSON, whole or digested. ``raw`` comes from the API server, through the cache or not."""
    seen: Mapping[str, Any] = orjson.loads(raw)
    meta: Mapping[str, Any] = seen.get("metadata") or {}
    whole = "dataHash" not in seen
    values = _values(seen) if whole and ref.kind == SECRET else None
    fields = {name: seen[name] for name in seen if name not in HEAD} if whole and ref.kind != SECRET else None
    if values is not None:
        content = data_hash(values)
    else:
        content = _content_hash(seen) if whole else seen["dataHash"]
    return TargetSeen(
        ref=ref,
        version=Version(meta.get("uid", ""), meta.get("resourceVersion", "")),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        owners=tuple(meta.get("ownerReferences") or ()),
        finalizers=tuple(meta.get("finalizers") or ()),
        managed_fields=tuple(meta.get("managedFields") or ()),
        deleting=bool(meta.get("deletionTimestamp")),
        data_hash=content,
        kind=(seen.get("type") or "") if ref.kind == SECRET else "",
        immutable=bool(seen.get("immutable")) if ref.kind == SECRET else False,
        values=None if values is None else {key: SecretBytes(value) for key, value in values.items()},
        fields=fields,
    )


def _content_hash(found: Mapping[str, Any]) -> str:
    """Hash over what a target that is no Secret holds; ``""`` when it has neither ``spec`` nor ``data``: nothing equals that."""
    return generic_target_hash(found).value_or("")


def _values(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """The decoded ``data``. The API server stores nothing else than base64; anything else counts as empty."""
    held = secret.get("data")
    return {key: _decoded(value) for key, value in held.items()} if isinstance(held, Mapping) else {}


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(value) if isinstance(value, str | bytes) else b""
    except ValueError:
        return b""
