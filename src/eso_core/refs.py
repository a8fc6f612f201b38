"""Names of things in the API server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A served resource type."""

    group: str  # "" is the core group
    version: str
    name: str
    plural: str
    namespaced: bool

    def __hash__(self) -> int:
        return hash(self.plural)  # kinds are few and refs are hashed everywhere

    @property
    def api_version(self) -> str:
        """``v1`` or ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """The URL path below which the resource is served, without the plural."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object. ``namespace`` is ``""`` for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    def __hash__(self) -> int:
        return hash((self.name, self.namespace, self.kind.plural))

    def __str__(self) -> str:
        return f"{self.kind.name} {self.namespace}/{self.name}" if self.namespace else f"{self.kind.name} {self.name}"

    @property
    def path(self) -> str:
        """The URL path of the object."""
        return f"{collection_path(self.kind, self.namespace)}/{self.name}"


def named(ref: Ref) -> str:
    """Kind and quoted name, for sentences about an object whose namespace is clear."""
    return f'{ref.kind.name} "{ref.name}"'


def collection_path(kind: Kind, namespace: str) -> str:
    """The URL path of a kind's objects in one namespace; in all of them when ``namespace`` is empty."""
    middle = f"/namespaces/{namespace}" if namespace and kind.namespaced else ""
    return f"{kind.root}{middle}/{kind.plural}"


_ESO = "external-secrets.io"

SECRET = Kind("", "v1", "Secret", "secrets", namespaced=True)
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", namespaced=True)
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts", namespaced=True)
NAMESPACE = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
EVENT = Kind("", "v1", "Event", "events", namespaced=True)
EXTERNAL_SECRET = Kind(_ESO, "v1", "ExternalSecret", "externalsecrets", namespaced=True)
SECRET_STORE = Kind(_ESO, "v1", "SecretStore", "secretstores", namespaced=True)
CLUSTER_SECRET_STORE = Kind(_ESO, "v1", "ClusterSecretStore", "clustersecretstores", namespaced=False)
