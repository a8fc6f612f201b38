"""Small manifests for tests of the offline commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eso_shell.manifests import Manifest

Json = dict[str, Any]
ESO = "external-secrets.io/v1"
CANARY = "c4nary-V4lue"  # in every backend of these tests; nothing that is printed may hold it


def store(name: str = "st", namespace: str = "team", *, values: Mapping[str, str] | None = None, kind: str = "SecretStore") -> Json:
    """A store of kind fake; it has the key ``k``."""
    data = [{"key": key, "value": value} for key, value in ({"k": CANARY} if values is None else values).items()]
    return {"apiVersion": ESO, "kind": kind, "metadata": meta(name, namespace), "spec": {"provider": {"fake": {"data": data}}}}


def cluster_store(name: str = "shared", **more: Any) -> Json:
    made = store(name, "", kind="ClusterSecretStore")
    made["spec"].update(more)
    return made


def external_secret(name: str = "es", namespace: str = "team", *, keys: Mapping[str, str] | None = None, **spec: Any) -> Json:
    """Copies ``k`` to the key ``key`` of a Secret of its name; ``keys`` maps other keys to remote ones."""
    data = [{"secretKey": key, "remoteRef": {"key": remote}} for key, remote in (keys or {"key": "k"}).items()]
    whole = {"secretStoreRef": {"name": "st", "kind": "SecretStore"}, "data": data, **spec}
    return {"apiVersion": ESO, "kind": "ExternalSecret", "metadata": meta(name, namespace), "spec": whole}


def secret(name: str, namespace: str = "team", *, data: Mapping[str, str] | None = None, **more: Any) -> Json:
    texts = dict({"old": CANARY} if data is None else data)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name, namespace), "stringData": texts, **more}


def hanging_store(port: int, name: str = "st") -> list[Json]:
    """A store whose backend never answers, and its token."""
    vault = {"server": f"http://127.0.0.1:{port}", "path": "kv", "auth": {"tokenSecretRef": {"name": "token", "key": "old"}}}
    made = store(name)
    made["spec"]["provider"] = {"vault": vault}
    return [secret("token"), made]


def meta(name: str, namespace: str) -> Json:
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def given(*contents: Mapping[str, Any]) -> list[Manifest]:
    """As read from a file."""
    return [Manifest(f"all.yaml:{number}:1", content) for number, content in enumerate(contents, 1)]
