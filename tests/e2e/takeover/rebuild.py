"""Builds a recorded world on an API server: the same objects, written by the managers that wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.e2e.harness.kubectl import ApiError, Kubectl
from tests.e2e.takeover.worlds import World, filled, managed_fields

Json = dict[str, Any]
USER = "recorder"  # the recordings' name for who applies manifests
REFERENCE = "external-secrets"  # its manager for everything but Secrets
MERGE = "application/merge-patch+json"


def rebuild(kubectl: Kubectl, world: World, stub: str, at: datetime) -> None:
    """stub: the address of the HTTP look-alike. at: the time of everything, the last refresh included."""
    for namespace in world.namespaces:
        meta = {"name": namespace["name"], "labels": namespace.get("labels") or {}}
        send(kubectl, "POST", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}, USER)
    for manifest in world.given:
        _given(kubectl, json.loads(json.dumps(filled(manifest, {}, at)).replace("${STUB}", stub)))
    uids = {}
    for es in world.external_secrets:
        uids[es["metadata"]["name"]] = _external_secret(kubectl, filled(es, {}, at))
    for secret in world.secrets:
        _secret(kubectl, filled(secret, uids, at))


def send(kubectl: Kubectl, method: str, manifest: Mapping[str, Any], manager: str, subresource: str = "") -> Json:
    """``POST`` a new object; ``PUT`` or (merge) ``PATCH`` one that is there."""
    meta = manifest["metadata"]
    name = None if method == "POST" else meta["name"]
    path = kubectl.path(manifest["apiVersion"], manifest["kind"], name, meta.get("namespace")) + subresource
    content = MERGE if method == "PATCH" else "application/json"
    status, raw = kubectl.request(method, path, manifest, content, fieldManager=manager)
    if status >= 300:
        raise ApiError(method, path, status, raw)
    stored: Json = json.loads(raw)
    return stored


def _part(manifest: Json, **parts: Any) -> Json:
    """Only its identity, and ``parts``."""
    meta = {key: manifest["metadata"][key] for key in ("name", "namespace") if key in manifest["metadata"]}
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        **parts,
        "metadata": {**meta, **parts.get("metadata", {})},
    }


def _given(kubectl: Kubectl, manifest: Json) -> None:
    status = manifest.pop("status", None)
    send(kubectl, "POST", manifest, USER)
    if status is not None:
        send(kubectl, "PATCH", _part(manifest, status=status), REFERENCE, "/status")


def _external_secret(kubectl: Kubectl, es: Json) -> str:
    """Its uid. The spec is written as often as it takes to arrive at the recorded generation."""
    meta, spec, generation = es["metadata"], es["spec"], es["metadata"].pop("generation")
    finalizers = meta.pop("finalizers")
    stored = send(kubectl, "POST", _part(es, metadata=meta, spec={**spec, "refreshInterval": "99h"} if generation > 1 else spec), USER)
    for left in range(generation - 2, -1, -1):
        interval = f"{left}h" if left else spec.get("refreshInterval", "1h")
        stored = send(kubectl, "PATCH", _part(es, spec={"refreshInterval": interval}), USER)
    assert stored["metadata"]["generation"] == generation
    send(kubectl, "PATCH", _part(es, metadata={"finalizers": finalizers}), REFERENCE)
    send(kubectl, "PATCH", _part(es, status=es["status"]), REFERENCE, "/status")
    return str(stored["metadata"]["uid"])


def _secret(kubectl: Kubectl, secret: Json) -> None:
    """One request where one manager wrote it all; else a second one sets managedFields, which the API server takes as they are."""
    recorded = secret["metadata"].pop("managedFields")
    first = next(iter(recorded))
    stored = send(kubectl, "POST", secret, first.partition("|")[0])
    if len(recorded) > 1:
        stored["metadata"]["managedFields"] = managed_fields(recorded)
        send(kubectl, "PUT", stored, first.partition("|")[0])
