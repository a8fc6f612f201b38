"""Backends as the operator's tests see them: make a store, put a value, break and mend the credentials."""

from __future__ import annotations

import base64
import json
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.kubectl import Kubectl
from tests.e2e.harness.services import Moto, OpenBao

Manifest = dict[str, Any]
STORE = "store"
CREDENTIALS = "credentials"


class Backend(Protocol):
    """One kind of backend, set up for one namespace. Values are JSON objects of strings."""

    name: str

    def prepare(self) -> None:
        """Make what the store refers to, and the store."""
        ...

    def put(self, key: str, value: dict[str, str]) -> None: ...
    def delete(self, key: str) -> None: ...
    def spoil(self) -> None:
        """Make the credentials wrong, so that the store is no longer ready when it is validated next."""
        ...

    def mend(self) -> None: ...
    def remote(self, key: str) -> str:
        """What `remoteRef.key` has to be for ``key``."""
        ...


def secret(namespace: str, name: str, data: dict[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": name}, "stringData": data}


def store(namespace: str, provider: Manifest) -> Manifest:
    meta = {"namespace": namespace, "name": STORE}
    spec = {"provider": provider, "refreshInterval": 1}
    return {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": meta, "spec": spec}


class Fake:
    """Values stand in the store."""

    name = "fake"

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self._kubectl, self._namespace = kubectl, namespace
        self._values: dict[str, dict[str, str]] = {}
        self._result = 0

    def prepare(self) -> None:
        data = [{"key": key, "value": json.dumps(value)} for key, value in sorted(self._values.items())]
        self._kubectl.apply(store(self._namespace, {"fake": {"data": data, "validationResult": self._result}}))

    def put(self, key: str, value: dict[str, str]) -> None:
        self._values[key] = value
        self.prepare()

    def delete(self, key: str) -> None:
        del self._values[key]
        self.prepare()

    def spoil(self) -> None:
        self._result = 2
        self.prepare()

    def mend(self) -> None:
        self._result = 0
        self.prepare()

    def remote(self, key: str) -> str:
        return key


class Vault:
    """OpenBao's KV v2 with a token from a Secret."""

    name = "vault"

    def __init__(self, kubectl: Kubectl, namespace: str, openbao: OpenBao) -> None:
        self._kubectl, self._namespace, self._openbao = kubectl, namespace, openbao

    def prepare(self) -> None:
        self._openbao.write_policy("read-all", 'path "secret/*" { capabilities = ["read", "list"] }')
        self.mend()
        auth = {"tokenSecretRef": {"name": CREDENTIALS, "key": "token"}}
        self._kubectl.apply(
            store(self._namespace, {"vault": {"server": self._openbao.url, "path": "secret", "version": "v2", "auth": auth}})
        )

    def put(self, key: str, value: dict[str, str]) -> None:
        self._openbao.write(self.remote(key), value)

    def delete(self, key: str) -> None:
        self._openbao.delete(self.remote(key))

    def spoil(self) -> None:
        self._kubectl.apply(secret(self._namespace, CREDENTIALS, {"token": "wrong"}))

    def mend(self) -> None:
        self._kubectl.apply(secret(self._namespace, CREDENTIALS, {"token": self._openbao.create_token("read-all")}))

    def remote(self, key: str) -> str:
        return f"{self._namespace}/{key}"


class Aws:
    """moto's Secrets Manager with static keys from a Secret. moto checks no signature: a missing credential stands for a wrong one."""

    name = "aws"

    def __init__(self, kubectl: Kubectl, namespace: str, moto: Moto) -> None:
        self._kubectl, self._namespace = kubectl, namespace
        arguments = moto.client_arguments()
        self._region = arguments["region_name"]
        self._client = boto3.client("secretsmanager", **arguments)

    def prepare(self) -> None:
        self.mend()
        ref = {"name": CREDENTIALS}
        auth = {"secretRef": {"accessKeyIDSecretRef": {**ref, "key": "id"}, "secretAccessKeySecretRef": {**ref, "key": "key"}}}
        aws = {"service": "SecretsManager", "region": self._region, "prefix": f"{self._namespace}-", "auth": auth}
        self._kubectl.apply(store(self._namespace, {"aws": aws}))

    def put(self, key: str, value: dict[str, str]) -> None:
        name = f"{self._namespace}-{key}"
        try:
            self._client.create_secret(Name=name, SecretString=json.dumps(value))
        except ClientError:
            self._client.put_secret_value(SecretId=name, SecretString=json.dumps(value))

    def delete(self, key: str) -> None:
        self._client.delete_secret(SecretId=f"{self._namespace}-{key}", ForceDeleteWithoutRecovery=True)

    def spoil(self) -> None:
        self._kubectl.delete("v1", "Secret", CREDENTIALS, self._namespace)

    def mend(self) -> None:
        self._kubectl.apply(secret(self._namespace, CREDENTIALS, {"id": "AKIAEXAMPLE", "key": "example"}))

    def remote(self, key: str) -> str:
        return key


class Kubernetes:
    """Secrets of another namespace of the same API server, read with a service account's token."""

    name = "kubernetes"

    def __init__(self, kubectl: Kubectl, namespace: str, plane: ControlPlane) -> None:
        self._kubectl, self._namespace, self._plane = kubectl, namespace, plane
        self._remote = f"{namespace[:50]}-remote"

    def prepare(self) -> None:
        if self._kubectl.find("v1", "Namespace", self._remote) is None:
            self._kubectl.create_namespace(self._remote)
        reader = {"name": "reader", "namespace": self._namespace}
        rules = [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectrulesreviews"], "verbs": ["create"]},
        ]
        group = "rbac.authorization.k8s.io"
        self._kubectl.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": reader},
            {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": "reader", "namespace": self._remote}, "rules": rules},
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "reader", "namespace": self._remote},
                "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
                "subjects": [{"kind": "ServiceAccount", **reader}],
            },
        )
        self.mend()
        server = {"url": self._plane.server, "caBundle": base64.b64encode(self._plane.ca_pem).decode()}
        auth = {"token": {"bearerToken": {"name": CREDENTIALS, "key": "token"}}}
        self._kubectl.apply(store(self._namespace, {"kubernetes": {"remoteNamespace": self._remote, "server": server, "auth": auth}}))

    def put(self, key: str, value: dict[str, str]) -> None:
        self._kubectl.apply(secret(self._remote, key, value))

    def delete(self, key: str) -> None:
        self._kubectl.delete("v1", "Secret", key, self._remote)

    def spoil(self) -> None:
        """A wrong token leaves the store ready: what it may do cannot be asked (as with the reference). A missing one does not."""
        self._kubectl.delete("v1", "Secret", CREDENTIALS, self._namespace)

    def mend(self) -> None:
        token = self._kubectl.service_account_token("reader", self._namespace)
        self._kubectl.apply(secret(self._namespace, CREDENTIALS, {"token": token}))

    def remote(self, key: str) -> str:
        return key
