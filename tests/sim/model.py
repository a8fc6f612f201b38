"""What the simulated people want, in plain values: stores, remote values, and ExternalSecrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sim.templates import Layout

Value = str | Mapping[str, str]  # a text, or an object of texts
CANARY = "CANARY"  # in every value of a backend, and in every credential
VAULT = "https://vault.sim:8200"


@dataclass(frozen=True, slots=True, order=True)
class StoreId:
    """A store object; ``namespace`` is ``""`` for a ClusterSecretStore."""

    namespace: str
    name: str
    provider: str  # fake, vault, batch

    @property
    def ref(self) -> dict[str, str]:
        """As ``secretStoreRef``."""
        return {"name": self.name, "kind": "SecretStore" if self.namespace else "ClusterSecretStore"}


@dataclass(slots=True)
class Store:
    """One store and the backend behind it. ``past``: every state that each key ever had, ``None`` for absent, the present one last."""

    id: StoreId
    values: dict[str, Value] = field(default_factory=dict)
    past: dict[str, list[Value | None]] = field(default_factory=dict)
    exists: bool = True
    admits: tuple[str, ...] | None = None  # namespaces that may use it; None: all
    secret_id: str = ""  # what the backend accepts
    held: str | None = ""  # what the credentials Secret holds; None: there is no Secret
    rotations: int = 0
    retries: int = 0  # of a question that is throttled or unreachable

    def put(self, key: str, value: Value | None) -> None:
        """Set or remove a value at the backend."""
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value
        self.past.setdefault(key, [None]).append(value)

    def flickered(self, key: str, value: Value | None = None) -> None:
        """The backend has once said that ``value`` is the key's, for no reason; ``None``: that there is no such key."""
        past = self.past.setdefault(key, [])
        if value not in past:
            past.insert(0, value)

    def lagging(self, key: str, random: Random) -> Value | None:
        """The value at some earlier time."""
        past = self.past.get(key)
        return random.choice(past) if past else None

    def shrunk(self, key: str, value: Value | None) -> Value | None:
        """The value without one of its members, or no value: a state of the backend from now on."""
        less: Value | None = None
        if isinstance(value, Mapping) and len(value) > 1:
            less = dict(list(value.items())[1:])
        self.flickered(key, less)
        return less

    @property
    def plural(self) -> str:
        """Of its kind."""
        return "secretstores" if self.id.namespace else "clustersecretstores"

    @property
    def usable(self) -> bool:
        """The store exists and its credentials are right."""
        return self.exists and (self.id.provider == "fake" or self.held == self.secret_id)

    def manifest(self, credentials: str) -> dict[str, Any]:
        """The store object; ``credentials`` is the namespace of the credentials."""
        if self.id.provider == "fake":
            provider: dict[str, Any] = {"fake": {"data": [{"key": k, "value": text(v)} for k, v in sorted(self.values.items())]}}
        elif self.id.provider == "batch":
            where = {"name": f"creds-{self.id.name}", "key": "id", **({} if self.id.namespace else {"namespace": credentials})}
            provider = {"passbolt": {"host": "https://batch.sim", "auth": {"privateKeySecretRef": where, "passwordSecretRef": where}}}
        else:
            where = {"name": f"creds-{self.id.name}", "key": "id", **({} if self.id.namespace else {"namespace": credentials})}
            role = {"path": "approle", "roleId": f"role-{self.id.name}", "secretRef": where}
            provider = {"vault": {"server": VAULT, "path": self.id.name, "version": "v2", "auth": {"appRole": role}}}
        spec: dict[str, Any] = {"provider": provider}
        if self.retries:
            spec["retrySettings"] = {"maxRetries": self.retries, "retryInterval": "2s"}
        if not self.id.namespace:
            spec["conditions"] = [{"namespaces": list(self.admits)}] if self.admits is not None else []
        metadata = {"name": self.id.name, **({"namespace": self.id.namespace} if self.id.namespace else {})}
        return {"apiVersion": "external-secrets.io/v1", "kind": self.id.ref["kind"], "metadata": metadata, "spec": spec}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of ``data`` or ``dataFrom``. Find: ``key`` is the start of the names; ``prefix`` is put before keys by a rewrite."""

    part: str  # data, extract, find
    store: StoreId
    key: str
    property: str = ""
    secret_key: str = ""
    prefix: str = ""
    tag: str = ""  # find by this tag instead of by name

    def manifest(self, default: StoreId) -> dict[str, Any]:
        """The entry; its store is named where it is not the default one."""
        source = {"sourceRef": {"storeRef": self.store.ref}} if self.store != default else {}
        if self.part == "data":
            ref = {"key": self.key, **({"property": self.property} if self.property else {})}
            return {"secretKey": self.secret_key, "remoteRef": ref, **source}
        find = {"tags": {"team": self.tag}} if self.tag else {"name": {"regexp": f"^{self.key}"}}
        body = {"extract": {"key": self.key}} if self.part == "extract" else {"find": find}
        rewrite = [{"regexp": {"source": "^(.*)$", "target": f"{self.prefix}$1"}}] if self.prefix else []
        return {**body, "rewrite": rewrite, **source}

    def finds(self, name: str) -> bool:
        """Whether a find is about the key ``name``."""
        return tag_of(name) == self.tag if self.tag else name.startswith(self.key)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The spec of an ExternalSecret. ``entries``: those of ``dataFrom`` first."""

    entries: tuple[Entry, ...]
    target: str
    creation: str = "Owner"
    deletion: str = "Retain"
    refresh: str = "Periodic"
    interval_s: int = 60
    label: str = "0"
    template: Layout | None = None

    @property
    def lively(self) -> bool:
        """Follows its backend within minutes."""
        return self.refresh == "Periodic" and 0 < self.interval_s <= 300

    @property
    def is_plain(self) -> bool:
        """Owns its target and follows its backend."""
        return self.refresh == "Periodic" and self.creation == "Owner"

    def manifest(self, namespace: str, name: str) -> dict[str, Any]:
        """The ExternalSecret, complete enough to be merged over any other."""
        default = self.entries[0].store
        spec = {
            "secretStoreRef": default.ref,
            "target": {
                "name": self.target,
                "creationPolicy": self.creation,
                "deletionPolicy": self.deletion,
                "template": self.template.manifest() if self.template is not None else None,
            },
            "refreshPolicy": self.refresh,
            "refreshInterval": f"{self.interval_s}s",
            "data": [e.manifest(default) for e in self.entries if e.part == "data"],
            "dataFrom": [e.manifest(default) for e in self.entries if e.part != "data"],
        }
        metadata = {"name": name, "namespace": namespace, "labels": {"rev": self.label}}
        return {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": metadata, "spec": spec}


def tag_of(name: str) -> str:
    """The tag ``team`` of a remote key, at backends that have tags; many have none."""
    return {"j1": "red", "j2": "red", "j3": "blue"}.get(name, "")


def text(value: Value) -> str:
    """A value as the backend stores it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
