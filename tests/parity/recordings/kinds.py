"""The kinds that scenarios use, and the resources that the in-memory API server serves for them."""

from __future__ import annotations

from functools import cache
from typing import Any

from eso_core.api.crd import crds
from eso_core.refs import (
    CLUSTER_SECRET_STORE,
    CONFIG_MAP,
    EVENT,
    EXTERNAL_SECRET,
    NAMESPACE,
    SECRET,
    SECRET_STORE,
    SERVICE_ACCOUNT,
    Kind,
)
from eso_core.sim.api import ApiServer
from eso_core.sim.custom import CHECKED, schemaless
from eso_core.sim.natives import NATIVES
from eso_core.sim.resource import Resource

_ESO, _GENERATORS, _RBAC = "external-secrets.io", "generators.external-secrets.io", "rbac.authorization.k8s.io"


def _generator(name: str, plural: str, *, namespaced: bool = True) -> Kind:
    return Kind(_GENERATORS, "v1alpha1", name, plural, namespaced=namespaced)


_ALL = (
    SECRET,
    CONFIG_MAP,
    SERVICE_ACCOUNT,
    NAMESPACE,
    EVENT,
    EXTERNAL_SECRET,
    SECRET_STORE,
    CLUSTER_SECRET_STORE,
    Kind(_ESO, "v1", "ClusterExternalSecret", "clusterexternalsecrets", namespaced=False),
    Kind(_ESO, "v1alpha1", "PushSecret", "pushsecrets", namespaced=True),
    Kind(_ESO, "v1alpha1", "ClusterPushSecret", "clusterpushsecrets", namespaced=False),
    _generator("GeneratorState", "generatorstates"),
    _generator("Password", "passwords"),
    _generator("UUID", "uuids"),
    _generator("Fake", "fakes"),
    _generator("SSHKey", "sshkeys"),
    _generator("MFA", "mfas"),
    _generator("Webhook", "webhooks"),
    _generator("GitlabDeployToken", "gitlabdeploytokens"),
    _generator("ClusterGenerator", "clustergenerators", namespaced=False),
    Kind(_RBAC, "v1", "Role", "roles", namespaced=True),
    Kind(_RBAC, "v1", "RoleBinding", "rolebindings", namespaced=True),
    Kind(_RBAC, "v1", "ClusterRole", "clusterroles", namespaced=False),
    Kind(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
)
_BY_NAME = {kind.name: kind for kind in _ALL}

OBSERVED = (
    "Secret", "ConfigMap", "Namespace", "Event", "ExternalSecret", "SecretStore", "ClusterSecretStore",
    "ClusterExternalSecret", "PushSecret", "ClusterPushSecret", "GeneratorState", "Fake",
)  # fmt: skip
"""Kinds whose objects are part of a recording."""


def kind_of(name: str) -> Kind:
    """The kind of this name. Raises ``LookupError`` for one that the in-memory API server does not serve."""
    if name not in _BY_NAME:
        raise LookupError(f"the in-memory API server does not serve the kind {name}")
    return _BY_NAME[name]


@cache
def resources() -> tuple[Resource, ...]:
    """Everything that is served beside the native kinds, read once for all servers of a process; a kind without a CRD has no schema."""
    server = ApiServer()
    own = [resource for definition in crds() for resource in server.install(definition, CHECKED)]
    native = {SECRET, CONFIG_MAP, SERVICE_ACCOUNT, NAMESPACE, EVENT}
    defined = {(resource.kind.group, resource.kind.plural) for resource in own}
    return (*own, *(schemaless(kind) for kind in _ALL if kind not in native and (kind.group, kind.plural) not in defined))


@cache
def discovery(path: str) -> dict[str, Any] | None:
    """The answer to ``/api/v1`` and ``/apis/<group>/<version>``; ``None`` when the path is another, or nothing is served below it."""
    verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    found = []
    for resource in (*NATIVES, *resources()):
        kind = resource.kind
        if kind.root == path:
            own = {"singularName": kind.name.lower(), "namespaced": kind.namespaced, "kind": kind.name}
            found.append({"name": kind.plural, **own, "verbs": verbs})
            if resource.status:
                found.append({"name": f"{kind.plural}/status", **own, "singularName": "", "verbs": ["get", "patch", "update"]})
    if not found:
        return None
    group_version = path.removeprefix("/apis/").removeprefix("/api/")
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}
