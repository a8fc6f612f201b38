"""Infisical: each login, and a store of a folder with what is below it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from eso_core.providers.infisical import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.infisical.server import ENVIRONMENT, HOST, IDENTITY, PROJECT, Infisical

OCI_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OCI_PEM = OCI_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
FIRST = b"credential-0"


def spec(method: str, *slots: str, **scope: Any) -> dict[str, Any]:
    """A store; the slots are keys of one Secret."""
    named = {slot: {"name": "infisical", "key": slot} for slot in slots}
    return {
        "hostAPI": f"https://{HOST}",
        "auth": {method: named},
        "secretsScope": {"projectSlug": PROJECT, "environmentSlug": ENVIRONMENT, **scope},
    }


DIALECT = (
    Sample(value=b"plain", property="", gives=b"plain"),
    Sample(value=b'{"user": "ann", "n": 7, "on": true, "at": {"b": [1]}, "none": null}', property="user", gives=b"ann"),
    Sample(value=b'{"n": 7}', property="n", gives=b"7"),
    Sample(value=b'{"on": true}', property="on", gives=b"true"),
    Sample(value=b'{"at": {"b": [1]}}', property="at", gives=b'{"b": [1]}'),
    Sample(value=b'{"at": {"b": [1]}}', property="at.b.0", gives=b"1"),
    Sample(value=b'{"n": 7}', property="x", gives="failed"),
)
CALLS = Calls(login=1, get=1, probe=1, find=1, found=None, push_new=2, push_same=1, delete=1)
PUBLIC = frozenset({"client_id", "identity_id", "ldap_username", "user_id", "tenancy_id", "fingerprint", "region"})


def case(name: str, store: Mapping[str, Any], server: Any, secrets: Mapping[str, bytes], *, login: int = 1, **more: Any) -> Case:
    """What all logins have in common."""
    calls = Calls(login=login, get=1, probe=1, find=1, found=None, push_new=2, push_same=1, delete=1)
    base: dict[str, Any] = {"path": "/", "finds": frozenset({"name", "path"}), "dialect": DIALECT, "calls": calls, "guarded": False}
    public = PUBLIC & set(secrets)
    return Case(name=f"infisical-{name}", provider=PROVIDER, spec=store, server=server, secrets=secrets, public=public, **{**base, **more})


WHO = {"identity_id": IDENTITY.encode()}
GOOGLE_KEY = orjson.dumps({"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key": "credential-0"})
OCI = {
    **WHO,
    "private_key": OCI_PEM,
    "fingerprint": b"aa:bb",
    "user_id": b"ocid1.user.oc1..u",
    "tenancy_id": b"ocid1.tenancy.oc1..t",
    "region": b"eu-frankfurt-1",
}

CASES: tuple[Case, ...] = (
    case(
        "universal",
        spec("universalAuthCredentials", "clientId", "clientSecret"),
        Infisical,
        {"client_id": b"client-1", "client_secret": FIRST},
    ),
    case(
        "folder",
        spec("universalAuthCredentials", "clientId", "clientSecret", secretsPath="/app", recursive=True),
        partial(Infisical, folder="/app/sub"),
        {"client_id": b"client-1", "client_secret": FIRST},
        path="/app/s",
        key=lambda name: f"sub/{name}",
        push_key=lambda name: f"/app/sub/{name}",
    ),
    case("token", spec("tokenAuthCredentials", "accessToken"), partial(Infisical, "token"), {"access_token": FIRST}, login=0),
    case("jwt", spec("jwtAuthCredentials", "identityId", "jwt"), partial(Infisical, "jwt"), {**WHO, "jwt": FIRST}),
    case(
        "ldap",
        spec("ldapAuthCredentials", "identityId", "ldapUsername", "ldapPassword"),
        partial(Infisical, "ldap"),
        {**WHO, "ldap_username": b"reader", "ldap_password": FIRST},
    ),
    case("kubernetes", spec("kubernetesAuthCredentials", "identityId"), partial(Infisical, "kubernetes"), WHO),
    case("aws", spec("awsAuthCredentials", "identityId"), partial(Infisical, "aws"), WHO, login=2),
    case("azure", spec("azureAuthCredentials", "identityId"), partial(Infisical, "azure"), WHO, login=2),
    case("gcp", spec("gcpIdTokenAuthCredentials", "identityId"), partial(Infisical, "gcp"), WHO, login=2),
    case(
        "gcp-key",
        spec("gcpIamAuthCredentials", "identityId", "serviceAccountKeyFilePath"),
        partial(Infisical, "gcp-key"),
        {**WHO, "service_account_key_file_path": GOOGLE_KEY},
        login=2,
    ),
    case(
        "oci",
        spec("ociAuthCredentials", "identityId", "privateKey", "fingerprint", "userId", "tenancyId", "region"),
        partial(Infisical, "oci", key=OCI_KEY),
        OCI,
    ),
)
