"""The objects of a run: plain manifests, and the bulk requests that make and change them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from bench.calls import FLOW_SCHEMA

Json = dict[str, Any]
Request = tuple[str, str, str, str]  # method, path, content type, body

API = "external-secrets.io/v1"
STORE, CREDENTIALS, HOME = "bench", "bench-token", "bench-store"
HOLE = "bench-hole"  # the store that does not answer, and its token
OPERATOR_USER = "bench-operator"
MOUNT = "secret"
FORCE_SYNC = "force-sync"

StoreKind = Literal["ClusterSecretStore", "SecretStore"]
MERGE = "application/merge-patch+json"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is made."""

    namespaces: int = 10
    properties: int = 3  # of one backend key, each an entry of spec.data
    fan_out: int = 1  # objects that read the same backend key
    refresh_interval: str = "1h"
    store_kind: StoreKind = "ClusterSecretStore"

    def namespace(self, index: int) -> str:
        return f"bench-{index % self.namespaces}"

    def name(self, index: int, prefix: str = "es") -> str:
        return f"{prefix}-{index:06d}"

    def key(self, index: int, prefix: str = "es") -> str:
        """How the watch names it."""
        return f"{self.namespace(index)}/{self.name(index, prefix)}"


def namespaces(shape: Shape) -> list[str]:
    return [HOME, *(shape.namespace(index) for index in range(shape.namespaces))]


def stores(shape: Shape, vault: str, token: str, name: str = STORE) -> list[Json]:
    """The token's Secret and the store; one pair for the cluster or one in each namespace."""
    secret = CREDENTIALS if name == STORE else name
    if shape.store_kind == "ClusterSecretStore":
        return [_token(HOME, secret, token), _store(shape.store_kind, name, vault, {"name": secret, "namespace": HOME}, {})]
    pairs = (
        (_token(home, secret, token), _store(shape.store_kind, name, vault, {"name": secret}, {"namespace": home}))
        for home in namespaces(shape)[1:]
    )
    return [each for pair in pairs for each in pair]


def operator_access() -> list[Json]:
    """The operator is a user of its own with all rights, and its requests are counted apart and never queued."""
    subject = {"kind": "User", "user": {"name": OPERATOR_USER}}
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": OPERATOR_USER},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR_USER}],
        },
        {
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "FlowSchema",
            "metadata": {"name": FLOW_SCHEMA},
            "spec": {
                "priorityLevelConfiguration": {"name": "exempt"},
                "matchingPrecedence": 2,
                "rules": [
                    {
                        "subjects": [subject],
                        "resourceRules": [
                            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
                        ],
                        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                    }
                ],
            },
        },
    ]


def external_secret(shape: Shape, index: int, prefix: str = "es", store: str = STORE) -> Json:
    remote = f"{prefix}/{index // shape.fan_out}"
    return {
        "apiVersion": API,
        "kind": "ExternalSecret",
        "metadata": {"name": shape.name(index, prefix), "namespace": shape.namespace(index)},
        "spec": {
            "refreshInterval": shape.refresh_interval,
            "secretStoreRef": {"name": store, "kind": shape.store_kind},
            "target": {"name": shape.name(index, prefix)},
            "data": [
                {"secretKey": f"p{number}", "remoteRef": {"key": remote, "property": f"p{number}"}} for number in range(shape.properties)
            ],
        },
    }


# ---------------------------------------------------------------- bulk requests


def creates(shape: Shape, count: int, prefix: str = "es", store: str = STORE) -> Iterator[Request]:
    for index in range(count):
        path = f"/apis/{API}/namespaces/{shape.namespace(index)}/externalsecrets"
        yield "POST", path, JSON, json.dumps(external_secret(shape, index, prefix, store))


def foreign_secrets(shape: Shape, count: int) -> Iterator[Request]:
    """Secrets of 1 kB that are none of the operator's business."""
    data = {"value": "QUJD" * 256}
    for index in range(count):
        home = shape.namespace(index)
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"foreign-{index:06d}", "namespace": home}, "data": data}
        yield "POST", f"/api/v1/namespaces/{home}/secrets", JSON, json.dumps(manifest)


def force_syncs(shape: Shape, count: int, mark: str) -> Iterator[Request]:
    """Annotates every object, which is how a user asks for a sync now."""
    body = json.dumps({"metadata": {"annotations": {FORCE_SYNC: mark}}})
    for index in range(count):
        yield "PATCH", f"{_path(shape, index)}", MERGE, body


def rewinds(shape: Shape, count: int, refreshed: str) -> Iterator[Request]:
    """Sets the time of the last refresh, so that every object is overdue."""
    body = json.dumps({"status": {"refreshTime": refreshed}})
    for index in range(count):
        yield "PATCH", f"{_path(shape, index)}/status", MERGE, body


def _path(shape: Shape, index: int) -> str:
    return f"/apis/{API}/namespaces/{shape.namespace(index)}/externalsecrets/{shape.name(index)}"


def _token(home: str, name: str, token: str) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": home}, "stringData": {"token": token}}


def _store(kind: StoreKind, name: str, vault: str, where: Json, metadata: Json) -> Json:
    reference = {"key": "token", **where}
    provider = {"vault": {"server": vault, "path": MOUNT, "version": "v2", "auth": {"tokenSecretRef": reference}}}
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, **metadata}, "spec": {"provider": provider}}
