"""Small objects for tests of the core: manifests, parsed, with what a test does not say left at harmless values."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from returns.result import Result

from eso_core.api import ExternalSecret, parse_external_secret
from eso_core.compat.gotime import parse_time
from eso_core.compat.hash import data_hash
from eso_core.config import Config
from eso_core.door import Access, Blob, Entries, Found, Get, Query
from eso_core.effect import World
from eso_core.failure import Failure
from eso_core.instant import Instant
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.templates import Pieces, evaluate_templates
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL, OWNER_LABEL, TargetSeen, digest, see_target
from eso_core.template import Ambient, Meter
from tests.template_chance import SeededChance

Json = Any
NS = "team"
NAME = "app"
KEY = Ref(EXTERNAL_SECRET, NS, NAME)
STORE = Ref(SECRET_STORE, NS, "st")
CLUSTER_STORE = Ref(CLUSTER_SECRET_STORE, "", "shared")
T0 = "2026-01-01T00:00:00Z"


def at(text: str = T0) -> Instant:
    """An instant from RFC 3339."""
    return Instant(parse_time(text).unwrap())


def raw(value: Json) -> bytes:
    """As the API server would send it."""
    return json.dumps(value).encode()


# ---------------------------------------------------------------- templates


def ambient() -> Ambient:
    """What a pass at ``T0`` gives its templates."""
    return Ambient(at().ns, SeededChance(), Meter())


def pieces_of(es: ExternalSecret, kind: Kind, values: Mapping[str, SecretBytes], world: World = World({})) -> Result[Pieces, Failure]:
    """What the templates of ``es`` give."""
    return evaluate_templates(es, kind, values, world, ambient(), Config().template_delimiters)


# ---------------------------------------------------------------- ExternalSecrets

ENTRY = {"secretKey": "k", "remoteRef": {"key": "remote"}}


def es_manifest(
    *,
    spec: Mapping[str, Json] | None = None,
    target: Mapping[str, Json] | None = None,
    status: Mapping[str, Json] | None = None,
    meta: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """An ExternalSecret that reads the key ``remote`` of the store ``st``; ``spec`` and ``meta`` are laid over it."""
    head = {"name": NAME, "namespace": NS, "uid": "es-uid", "resourceVersion": "7", "generation": 1}
    whole = {"secretStoreRef": {"name": "st", "kind": "SecretStore"}, "data": [ENTRY], "target": dict(target or {})}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {**head, **(meta or {})},
        "spec": {**whole, **(spec or {})},
        **({"status": status} if status is not None else {}),
    }


def es_of(**parts: Mapping[str, Json]) -> ExternalSecret:
    """:func:`es_manifest`, parsed."""
    return parse_external_secret(raw(es_manifest(**parts))).unwrap()


# ---------------------------------------------------------------- Secrets


def owner(name: str = NAME, *, uid: str = "es-uid", kind: str = "ExternalSecret", group: str = "external-secrets.io/v1") -> dict[str, Json]:
    """A controller reference."""
    return {"apiVersion": group, "kind": kind, "name": name, "uid": uid, "controller": True, "blockOwnerDeletion": True}


def secret_manifest(
    data: Mapping[str, bytes] | None = None,
    *,
    name: str = NAME,
    meta: Mapping[str, Json] | None = None,
    managed: bool = True,
    hashed: str | None = None,
    **fields: Json,
) -> dict[str, Json]:
    """A Secret; ``managed``: with the label and a data hash that fits, or ``hashed``."""
    held = dict(data or {})
    head: dict[str, Json] = {"name": name, "namespace": NS, "uid": f"{name}-uid", "resourceVersion": "5"}
    if managed:
        head["labels"] = {MANAGED_LABEL: "true"}
        head["annotations"] = {HASH_ANNOTATION: hashed if hashed is not None else data_hash(held)}
    for field, value in (meta or {}).items():
        head[field] = {**head.get(field, {}), **value} if isinstance(value, dict) else value
    encoded = {key: base64.b64encode(value).decode() for key, value in held.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": head, "type": "Opaque", "data": encoded, **fields}


def seen(manifest: Mapping[str, Json], *, whole: bool = True) -> TargetSeen:
    """A Secret as read, whole or as the cache keeps it."""
    ref = Ref(SECRET, manifest["metadata"].get("namespace", NS), manifest["metadata"]["name"])
    return see_target(ref, raw(manifest if whole else digest(manifest)))


def owned(data: Mapping[str, bytes] | None = None, *, owner_label: str, **more: Json) -> dict[str, Json]:
    """A Secret that the ExternalSecret of :func:`es_manifest` wrote under ``creationPolicy: Owner``."""
    return secret_manifest(data, meta={"labels": {OWNER_LABEL: owner_label}, "ownerReferences": [owner()], **more.pop("meta", {})}, **more)


# ---------------------------------------------------------------- stores

READY = [{"type": "Ready", "status": "True", "reason": "Valid", "message": "store validated"}]
NOT_READY = [{"type": "Ready", "status": "False", "reason": "InvalidProviderConfig", "message": "unable to validate store"}]
FAKE = {"fake": {"data": [{"key": "remote", "value": "value"}]}}


def store_manifest(
    ref: Ref = STORE, *, spec: Mapping[str, Json] | None = None, conditions: list[Json] | None = READY, uid: str = "store-uid"
) -> dict[str, Json]:
    """A store of the fake provider; ``conditions=None``: not validated yet."""
    meta = {"name": ref.name, "uid": uid, "resourceVersion": "3", "generation": 1}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": ref.kind.name,
        "metadata": {**meta, **({"namespace": ref.namespace} if ref.namespace else {})},
        "spec": {"provider": FAKE, **(spec or {})},
        **({"status": {"conditions": conditions}} if conditions is not None else {}),
    }


def access(identity: str = "me", *, namespace: str = NS) -> Access:
    """One use of a store."""
    return Access(identity=identity, store=STORE, namespace=namespace, spec=None)


def get(key: str = "remote") -> Query:
    """A question for one remote secret."""
    return Get(key=key)


def blob(value: bytes) -> Found:
    """One value."""
    return Found(Blob(SecretBytes(value)))


def entries(values: Mapping[str, bytes]) -> Found:
    """Several values."""
    return Found(Entries({key: SecretBytes(value) for key, value in values.items()}))


def revealed(values: Mapping[str, SecretBytes]) -> dict[str, bytes]:
    """Plain bytes, to compare."""
    return {key: value.reveal() for key, value in values.items()}
