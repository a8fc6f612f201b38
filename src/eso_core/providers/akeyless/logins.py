"""Logins at Akeyless: from an access id, and proof of it, to a token.

=====================  ===================================================================================
access type            proof
=====================  ===================================================================================
api_key, access_key    ``accessTypeParam``, an access key
aws_iam                *cloud id*: a signed ``sts:GetCallerIdentity`` of the operator's own identity
azure_ad               cloud id: a token for Azure's resource manager; of the ServiceAccount, if one is named,
                       of the instance's identity with object id ``accessTypeParam``, else of the operator
gcp                    cloud id: an identity token of the operator, for audience ``accessTypeParam``
k8s                    a ServiceAccount token, base64
=====================  ===================================================================================

A cloud id is base64 text. Documents: the model ``Auth`` of akeylesslabs/akeyless-go, ``cloudprovider/`` of akeyless-go-cloud-id.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson

from eso_core.door import Access, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.providers._azure import instance_token
from eso_core.providers._gcp import default as gcp_default
from eso_core.providers._gcp.token import Token
from eso_core.providers.akeyless.store import (
    ACCESS_ID,
    ACCESS_TYPE,
    ACCESS_TYPE_PARAM,
    ASSERTION,
    AZURE_AD,
    JWT,
    NOTES,
    ByKubernetes,
    Line,
    Store,
    Ticket,
    failure_of,
    line_of,
    what,
)
from eso_core.wire import HttpCall, HttpReply, SdkCall

KEYS: Final = ("api_key", "access_key")
AUDIENCE: Final = "akeyless.io"
CLIENT_NOTE: Final = "azure.workload.identity/client-id"
TENANT_NOTE: Final = "azure.workload.identity/tenant-id"
LEASE_MAX: Final = 86_400.0  # seconds; a later end is no time that a token has
VARIABLES: Final = (
    "AZURE_ENVIRONMENT",
    "AZURE_CLOUD",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """An Azure cloud: where identities log in, and its resource manager."""

    authority: str
    resource: str


PUBLIC_CLOUD: Final = Cloud("https://login.microsoftonline.com", "https://management.azure.com")
US_CLOUD: Final = Cloud("https://login.microsoftonline.us", "https://management.usgovcloudapi.net")
CHINA_CLOUD: Final = Cloud("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn")
CLOUDS: Final[Mapping[str, Cloud]] = {
    "azurecloud": PUBLIC_CLOUD,
    "azurepubliccloud": PUBLIC_CLOUD,
    "azureusgovernment": US_CLOUD,
    "azureusgovernmentcloud": US_CLOUD,
    "azurechinacloud": CHINA_CLOUD,
    "azurechinacloud21vianet": CHINA_CLOUD,
}


class _Creds(msgspec.Struct):
    expiry: int = 0  # seconds since 1970


class _Granted(msgspec.Struct):
    token: str
    creds: _Creds | None = None


def login(access: Access) -> Talk[Session | Failure]:
    """A token, until its end where that is told."""
    base = yield from _base(access)
    if not isinstance(base, str):
        return base
    line = line_of(access, Ticket(base, ""))
    proof = yield from _proof(access)
    if not isinstance(proof, dict):
        failure: Failure = proof
        return failure
    call = line.call("/auth", "Auth", proof)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    return (yield from _session(line, call, reply))


def _session(line: Line, call: HttpCall, reply: HttpReply) -> Talk[Session | Failure]:
    if not 200 <= reply.status < 300:
        return failure_of(call, reply, login=True)
    held = _kit.decoded(reply.body, _Granted)
    if held is None or not held.token:
        return Broken(f"{what(call)}: the answer holds no token")
    ticket = Ticket(line.base, held.token)
    if held.creds is None or held.creds.expiry <= 0:
        return Session(value=ticket)
    now = yield from _kit.library(SdkCall(name="ambient.now"), float)
    if not isinstance(now, float):
        return now
    left = held.creds.expiry - now
    return Session(value=ticket, lease_s=left if 0 < left <= LEASE_MAX else None)


def _base(access: Access) -> Talk[str | Failure]:
    """Where calls go. The API of version 2 says "unknown command" at its own root; elsewhere on a Gateway it is below ``/v2``."""
    store: Store = access.spec
    if not store.ask:
        return store.url
    call = HttpCall(method="POST", url=store.url, headers={"Content-Type": "application/json"}, tls=_kit.tls_of(access, store.ca_pem))
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    failure = _kit.common_failure(reply, f"Akeyless {store.url}") if not 300 <= reply.status < 400 else None
    if b"unknown command" in reply.body:
        return store.url
    return failure if failure is not None else f"{store.url}/v2"


def _proof(access: Access) -> Talk[dict[str, Any] | Failure]:
    """The body of the login."""
    store: Store = access.spec
    if isinstance(store.login, ByKubernetes):
        token = access.text(JWT)
        if not token:
            return Refused("the ServiceAccount token is empty")
        shown = {"k8s-service-account-token": _base64(token.encode()), "k8s-auth-config-name": store.login.config}
        return {"access-id": store.login.access_id, "access-type": "k8s", **shown}
    who, kind, param = access.text(ACCESS_ID), access.text(ACCESS_TYPE), access.text(ACCESS_TYPE_PARAM)
    if not who or not kind:
        return Refused("the access id or the access type of Akeyless is empty")
    if kind in KEYS:
        if not param:
            return Refused("missing AccessTypeParam for Akeyless access key auth")
        return {"access-id": who, "access-type": "access_key", "access-key": param}
    cloud = yield from _cloud_id(access, kind, param)
    return {"access-id": who, "access-type": kind, "cloud-id": cloud} if isinstance(cloud, str) else cloud


def _cloud_id(access: Access, kind: str, param: str) -> Talk[str | Failure]:
    match kind:
        case "aws_iam":
            return (yield from _aws())
        case "gcp":
            token = yield from gcp_default.default_identity(param or AUDIENCE)
            return _base64(token.value.encode()) if isinstance(token, Token) else token
        case "azure_ad":
            text = yield from _azure(access, param)
            return _base64(text.encode()) if isinstance(text, str) else text
        case "k8s":
            return InvalidSpec("access type k8s needs authSecretRef.kubernetesAuth")
        case _:
            return InvalidSpec(f"unable to determine provider: the access type must be one of {', '.join(KEYS)}, aws_iam, {AZURE_AD}, gcp")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _aws() -> Talk[str | Failure]:
    signed = yield from _kit.library(SdkCall(name="aws.caller_identity", args={"region": ""}), dict)
    if not isinstance(signed, dict):
        failure: Failure = signed
        return failure
    texts, headers = [signed.get(name) for name in ("method", "url", "body")], signed.get("headers")
    if not all(isinstance(text, str) for text in texts) or not isinstance(headers, Mapping):
        return Broken("the signed request for AWS is incomplete")
    method, url, body = map(str, texts)
    request = {
        "sts_request_method": method,
        "sts_request_url": _base64(url.encode()),
        "sts_request_body": _base64(body.encode()),
        "sts_request_headers": _base64(orjson.dumps({str(name): [str(value)] for name, value in headers.items()})),
    }
    return _base64(orjson.dumps(request))


# ---------------------------------------------------------------- azure


def _azure(access: Access, param: str) -> Talk[str | Failure]:
    """A token for the resource manager of the operator's cloud."""
    held = yield from _kit.library(SdkCall(name="ambient.variables", args={"names": VARIABLES}), dict)
    if not isinstance(held, dict):
        failure: Failure = held
        return failure
    env = {str(name): str(text) for name, text in held.items()}
    named = (CLOUDS.get(env.get(name, "").strip().lower()) for name in ("AZURE_ENVIRONMENT", "AZURE_CLOUD"))
    cloud = next(filter(None, named), PUBLIC_CLOUD)
    if NOTES not in access.secrets and param:
        return (yield from instance_token(f"{cloud.resource}/", object_id=param))
    who = _workload(access, param, env) if NOTES in access.secrets else (yield from _default(env))
    if not isinstance(who, dict):
        return who
    args = {**who, "authority": cloud.authority, "custom": False, "resource": cloud.resource}
    found = yield from _kit.library(SdkCall(name="azure.token", args=args), dict)
    if not isinstance(found, dict):
        refused: Failure = found
        return refused
    token = found.get("token")
    return token if isinstance(token, str) and token else Broken("azure.token: the answer holds no token")


def _workload(access: Access, param: str, env: Mapping[str, str]) -> dict[str, str] | Failure:
    """The ServiceAccount, by its annotations."""
    notes = _kit.notes_of(access, NOTES)
    client, tenant = notes.get(CLIENT_NOTE) or param, notes.get(TENANT_NOTE) or env.get("AZURE_TENANT_ID", "")
    if not client:
        return Missing(f"missing Azure client ID: set accessTypeParam or annotate the service account with {CLIENT_NOTE}")
    if not tenant:
        return Missing(f"missing Azure tenant ID: annotate the service account with {TENANT_NOTE} or set AZURE_TENANT_ID")
    return {"method": "assertion", "tenant": tenant, "client_id": client, "assertion": access.text(ASSERTION)}


def _default(env: Mapping[str, str]) -> Talk[dict[str, str] | Failure]:
    """What the operator is: by its environment, as a workload, else as the instance's managed identity."""
    tenant, client, secret = (env.get(f"AZURE_{name}", "") for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
    if tenant and client and secret:
        return {"method": "secret", "tenant": tenant, "client_id": client, "secret": secret}
    if tenant and client and env.get("AZURE_FEDERATED_TOKEN_FILE"):
        call = SdkCall(name="ambient.token_file", args={"variable": "AZURE_FEDERATED_TOKEN_FILE"})
        token = yield from _kit.library(call, str)
        if not isinstance(token, str):
            return token
        return {"method": "assertion", "tenant": tenant, "client_id": client, "assertion": token}
    return {"method": "managed", "client_id": client}
