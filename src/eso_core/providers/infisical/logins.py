"""Logins at Infisical: from the credentials of a store to an access token and its lease.

=========================  ======================  ==================================================================
method                     login below /v1/auth    what it shows
=========================  ======================  ==================================================================
universalAuthCredentials   universal-auth          client id and client secret
azureAuthCredentials       azure-auth              a token of the instance's managed identity
gcpIdTokenAuthCredentials  gcp-auth                an identity token of the instance, for the identity id
gcpIamAuthCredentials      gcp-auth                a JWT that a service account key signs
jwtAuthCredentials         jwt-auth                a JWT
ldapAuthCredentials        ldap-auth               a user name and a password
ociAuthCredentials         oci-auth                a signed request to Oracle Cloud
kubernetesAuthCredentials  kubernetes-auth         the operator's own ServiceAccount token
awsAuthCredentials         aws-auth                a signed ``sts:GetCallerIdentity`` of the operator's own identity
tokenAuthCredentials       none                    an access token, used as it is
=========================  ======================  ==================================================================
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import orjson

from eso_core.door import Access, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.providers._azure import instance_token
from eso_core.providers._gcp import api as gcp_api
from eso_core.providers._gcp import default as gcp_default
from eso_core.providers.infisical.oci import Signer, signed_headers
from eso_core.providers.infisical.store import Method, Store, failure_of, line_of, what
from eso_core.wire import HttpCall, HttpReply, SdkCall

RESOURCE: Final = "https://management.azure.com/"
OWN_TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
KEY_VARIABLE: Final = "GOOGLE_APPLICATION_CREDENTIALS"

Body = Mapping[str, Any]


class _Granted(msgspec.Struct, rename="camel"):
    access_token: str
    expires_in: float = 0  # seconds; 0: it does not expire


def login(access: Access) -> Talk[Session | Failure]:
    """A token for its lease."""
    store: Store = access.spec
    method = store.login.method
    if method == "tokenAuthCredentials":
        token = access.text("access_token")
        return Session(value=token) if token else Refused("the access token for Infisical is empty", session=True)
    endpoint, label = ENDPOINTS[method]
    shown = yield from _shown(access, method)
    if not isinstance(shown, dict):
        failure: Failure = shown
        return failure
    body = {**shown, "organizationSlug": store.organization} if store.organization else shown
    line = line_of(access)
    call = line.call("POST", f"/v1/auth/{endpoint}/login", label, body=body)
    reply = yield from line.ask(call)
    return _session(call, reply) if isinstance(reply, HttpReply) else reply


def _session(call: HttpCall, reply: HttpReply) -> Session | Failure:
    if not 200 <= reply.status < 300:
        return failure_of(call, reply, login=True)
    held = _kit.decoded(reply.body, _Granted)
    if held is None or not held.access_token:
        return Broken(f"{what(call)}: the answer holds no token")
    return Session(value=held.access_token, lease_s=held.expires_in if held.expires_in > 0 else None)


ENDPOINTS: Final[Mapping[Method, tuple[str, str]]] = {
    "universalAuthCredentials": ("universal-auth", "MachineIdentityLoginViaUniversalAuth"),
    "azureAuthCredentials": ("azure-auth", "MachineIdentityLoginViaAzureAuth"),
    "gcpIdTokenAuthCredentials": ("gcp-auth", "MachineIdentityLoginViaGcpIdTokenAuth"),
    "gcpIamAuthCredentials": ("gcp-auth", "MachineIdentityLoginViaGcpServiceAccountAuth"),
    "jwtAuthCredentials": ("jwt-auth", "MachineIdentityLoginViaJwtAuth"),
    "ldapAuthCredentials": ("ldap-auth", "MachineIdentityLoginViaLdapAuth"),
    "ociAuthCredentials": ("oci-auth", "MachineIdentityLoginViaOciAuth"),
    "kubernetesAuthCredentials": ("kubernetes-auth", "MachineIdentityLoginViaKubernetesAuth"),
    "awsAuthCredentials": ("aws-auth", "MachineIdentityLoginViaAwsAuth"),
}


def _shown(access: Access, method: Method) -> Talk[dict[str, Any] | Failure]:
    """The body of the login."""
    identity = {"identityId": access.text("identity_id")}
    match method:
        case "universalAuthCredentials":
            return {"clientId": access.text("client_id"), "clientSecret": access.text("client_secret")}
        case "ldapAuthCredentials":
            return {**identity, "username": access.text("ldap_username"), "password": access.text("ldap_password")}
        case "awsAuthCredentials":
            return (yield from _aws(identity))
        case "ociAuthCredentials":
            return (yield from _oci(access, identity))
        case _:
            jwt = yield from _jwt(access, method)
            return {**identity, "jwt": jwt} if isinstance(jwt, str) else jwt


def _jwt(access: Access, method: Method) -> Talk[str | Failure]:
    match method:
        case "azureAuthCredentials":
            return (yield from instance_token(access.text("resource") or RESOURCE))
        case "gcpIdTokenAuthCredentials":
            wanted = urlencode({"audience": access.text("identity_id"), "format": "full"})
            return (yield from gcp_api.metadata(f"{gcp_default.DEFAULT_ACCOUNT}/identity?{wanted}"))
        case "gcpIamAuthCredentials":
            return (yield from _google_key(access))
        case "kubernetesAuthCredentials":
            return (yield from _own_token(access.text("service_account_token_path")))
        case _:
            return access.text("jwt")


# ---------------------------------------------------------------- where tokens come from


def _google_key(access: Access) -> Talk[str | Failure]:
    """Signed by the key that the Secret holds, or that the file holds which it names: a file of the operator's own identity, no other."""
    text = access.text("service_account_key_file_path")
    if not text.startswith("{"):
        held = yield from _kit.library(SdkCall(name="ambient.variables", args={"names": (KEY_VARIABLE,)}), dict)
        if not isinstance(held, dict):
            failure: Failure = held
            return failure
        if not text or held.get(KEY_VARIABLE) != text:
            return InvalidSpec(
                "a key file of a Google service account must be the one that the operator's GOOGLE_APPLICATION_CREDENTIALS names; "
                "the Secret may hold the key itself instead"
            )
        file = yield from gcp_default.default_file()
        if not isinstance(file, gcp_default.DefaultFile):
            return file
        text = file.text
    if not text:
        return Missing("the key file of the Google service account is empty")
    args = {"key": text, "audience": access.text("identity_id"), "subject": ""}
    return (yield from _kit.library(SdkCall(name="gcp.assertion", args=args), str))


def _own_token(path: str) -> Talk[str | Failure]:
    """Other files than the ServiceAccount token are nobody's to send away."""
    if path not in ("", OWN_TOKEN):
        return InvalidSpec(f"serviceAccountTokenPath must be {OWN_TOKEN}: the operator shows no other file of its own to Infisical")
    return (yield from _kit.library(SdkCall(name="ambient.service_account_token"), str))


def _aws(identity: Body) -> Talk[dict[str, Any] | Failure]:
    """Infisical sends the request to STS in the region that the signature names."""
    signed = yield from _kit.library(SdkCall(name="aws.caller_identity", args={"region": ""}), dict)
    if not isinstance(signed, dict):
        failure: Failure = signed
        return failure
    method, body, headers = signed.get("method"), signed.get("body"), signed.get("headers")
    if not isinstance(method, str) or not isinstance(body, str) or not isinstance(headers, Mapping):
        return Broken("the signed request for AWS is incomplete")
    texts = {str(name): str(value) for name, value in headers.items()}
    return {
        **identity,
        "iamHttpRequestMethod": method,
        "iamRequestBody": base64.b64encode(body.encode()).decode(),
        "iamRequestHeaders": base64.b64encode(orjson.dumps(texts)).decode(),
    }


def _oci(access: Access, identity: Body) -> Talk[dict[str, Any] | Failure]:
    at = yield from _kit.library(SdkCall(name="ambient.now"), float)
    if not isinstance(at, float):
        failure: Failure = at
        return failure
    user = access.text("user_id")
    headers = signed_headers(
        Signer(
            tenancy=access.text("tenancy_id"),
            user=user,
            fingerprint=access.text("fingerprint"),
            region=access.text("region"),
            key=access.text("private_key"),
            passphrase=access.text("private_key_passphrase"),
        ),
        at,
    )
    return headers if isinstance(headers, InvalidSpec) else {**identity, "userOcid": user, "headers": dict(headers)}
