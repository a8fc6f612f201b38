"""The vault provider: every login, both engines, with and without a mount, in a namespace."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from eso_core.providers.vault import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.vault.server import CREDENTIALS, URL, Vault

BASE: dict[str, Any] = {"server": URL, "path": "secret"}


def selector(key: str) -> dict[str, str]:
    return {"name": "vault", "key": key}


ACCOUNT = {"serviceAccountRef": {"name": "app"}}
AUTH: dict[str, Any] = {
    "": {"tokenSecretRef": selector("token")},
    "approle": {"appRole": {"path": "approle", "roleRef": selector("role-id"), "secretRef": selector("secret-id")}},
    "kubernetes": {"kubernetes": {"mountPath": "kubernetes", "role": "reader", **ACCOUNT}},
    "kubernetes-own": {"kubernetes": {"mountPath": "kubernetes", "role": "reader"}},
    "jwt": {"jwt": {"path": "jwt", "role": "reader", "kubernetesServiceAccountToken": ACCOUNT}},
    "ldap": {"ldap": {"path": "ldap", "username": "alice", "secretRef": selector("password")}},
    "userpass": {"userPass": {"path": "userpass", "username": "alice", "secretRef": selector("password")}},
    "cert": {"cert": {"clientCert": selector("tls.crt"), "secretRef": selector("tls.key"), "vaultRole": "web"}},
    "iam": {
        "iam": {
            "vaultRole": "reader", "role": "arn:aws:iam::1:role/r", "externalID": "ext", "vaultAwsIamServerID": "vault.example",
            "secretRef": {"accessKeyIDSecretRef": selector("id"), "secretAccessKeySecretRef": selector("key")},
        }
    },
    "iam-account": {"iam": {"vaultRole": "reader", "vaultAwsIamServerID": "vault.example", "region": "eu-central-1", "jwt": ACCOUNT}},
    "iam-ambient": {"iam": {"vaultRole": "reader", "vaultAwsIamServerID": "vault.example"}},
    "gcp": {"gcp": {"role": "reader", "secretRef": {"secretAccessKeySecretRef": selector("key.json")}}},
    "gcp-instance": {"gcp": {"role": "reader"}},
}  # fmt: skip
LOGIN_CALLS = {"": 0, "iam": 2, "iam-account": 2, "iam-ambient": 2, "gcp": 2, "gcp-instance": 2}
PUBLIC = frozenset({"role_id", "notes"})


def sample(text: str) -> bytes:
    return orjson.dumps({"value": text})


def secrets(method: str) -> dict[str, bytes]:
    return {slot: value.encode() for slot, value in CREDENTIALS[method](1).items()}


DIALECT = (
    Sample(value=b'{"user":"u"}', property="user", gives=b"u"),
    Sample(value=b'{"a":{"b":"deep"},"a.b":"flat"}', property="a.b", gives=b"flat"),
    Sample(value=b'{"a":{"b":[1,"x"]}}', property="a.b.1", gives=b"x"),
    Sample(value=b'{"n":1.50,"z":null,"t":true}', property="", gives=b'{"n":1.50,"t":true,"z":null}'),
    Sample(value=b'{"n":12345678901234567890}', property="n", gives=b"12345678901234567890"),
    Sample(value=b'{"a":1}', property="b", gives="failed"),
)
V2 = partial(
    Case,
    provider=PROVIDER,
    sample=sample,
    reads="value",
    finds=frozenset({"name", "path", "tags"}),
    versions=True,
    metadata=True,
    dialect=DIALECT,
    push_sample=sample,
    names=("app/alpha", "app/beta", "app/gamma"),
    path="app",
    find_name=("/.(l|e)", "m+"),
)


def calls(method: str) -> Calls:
    return Calls(login=LOGIN_CALLS.get(method, 1), push_new=3, push_same=1, delete=2)


def by_login(method: str) -> Case:
    """One case for a login."""
    return V2(
        name=f"vault-{method or 'token'}",
        spec={**BASE, "auth": AUTH[method]},
        server=partial(Vault, method),
        secrets=secrets(method),
        public=PUBLIC,
        calls=calls(method),
    )


CASES: tuple[Case, ...] = (
    *map(by_login, AUTH),
    V2(
        name="vault-without-path",
        spec={"server": URL, "auth": AUTH[""]},
        server=Vault,
        secrets=secrets(""),
        path="secret/app",
        key=lambda name: f"secret/{name}",
        found=lambda name: f"secret/{name}",
        push_key=lambda name: f"secret/{name}",
        finds=frozenset({"name", "path", "tags"}),
        calls=calls(""),
    ),
    V2(
        name="vault-namespace",
        spec={**BASE, "namespace": "team", "auth": AUTH["approle"], "readYourWrites": True, "checkAndSet": {"required": True}},
        server=partial(Vault, "approle", namespace="team"),
        secrets=secrets("approle"),
        public=PUBLIC,
        cluster=True,
        calls=calls("approle"),
    ),
    V2(
        name="vault-before-1-9",
        spec={**BASE, "auth": AUTH[""]},
        server=partial(Vault, told=False),
        secrets=secrets(""),
        calls=Calls(push_new=3, push_same=2, delete=3),
    ),
    Case(
        name="vault-v1",
        provider=PROVIDER,
        spec={**BASE, "version": "v1", "auth": AUTH[""]},
        server=partial(Vault, version=1),
        secrets=secrets(""),
        sample=sample,
        reads="value",
        finds=frozenset({"name", "path"}),
        dialect=DIALECT,
        calls=Calls(push_new=2, push_same=1, delete=2),
        push_sample=sample,
        push_leaves=frozenset({"custom_metadata"}),
        names=("app/alpha", "app/beta", "app/gamma"),
        path="app",
        find_name=("/.(l|e)", "m+"),
    ),
)
