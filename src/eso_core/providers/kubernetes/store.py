"""The parsed form of ``spec.provider.kubernetes``, and the paths of its Secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from returns.result import Failure as Wrong
from returns.result import Result

from eso_core.api.providers.kubernetes import Spec
from eso_core.door import Need
from eso_core.failure import InvalidSpec
from eso_core.providers.kubernetes.connection import Connection, connection
from eso_core.refs import CLUSTER_SECRET_STORE, Ref

PATH: Final = "spec.provider.kubernetes"
NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Store:
    """``cluster``: of a ClusterSecretStore, whose pushes may name another namespace."""

    connection: Connection
    namespace: str
    cluster: bool


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    namespace, cluster = model.remote_namespace or "default", store.kind == CLUSTER_SECRET_STORE
    if not NAMESPACE.fullmatch(namespace):
        return Wrong(InvalidSpec("is not the name of a namespace", f"{PATH}.remoteNamespace"))
    return connection(model, store, PATH).map(lambda held: Store(held, namespace, cluster))


def needs(store: Store) -> Mapping[str, Need]:
    """The token, the client certificate or the kubeconfig, and the CA."""
    return store.connection.slots


def path_of(namespace: str, name: str = "") -> str:
    """Of the Secrets of a namespace, or of one."""
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets" + (f"/{quote(name, safe='', errors='replace')}" if name else "")
