"""Conversations that log in at Vault: from the credentials of a store to a token and its lease."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final, assert_never
from urllib.parse import quote, urlencode

import msgspec
import orjson

from eso_core.door import Access, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Refused
from eso_core.providers import _kit
from eso_core.providers._gcp import login as gcp_login
from eso_core.providers._gcp.api import metadata
from eso_core.providers._gcp.token import Token as GoogleToken
from eso_core.providers._vault.auth import (
    ACCESS_KEY,
    IAM_REGION,
    JWT,
    NOTES,
    PASSWORD,
    ROLE_ID,
    ROLE_NOTE,
    SECRET_ID,
    SECRET_KEY,
    SESSION_TOKEN,
    TOKEN,
    WEB_IDENTITY,
    AppRole,
    Cert,
    Gcp,
    Iam,
    Jwt,
    Nobody,
    Password,
    Token,
)
from eso_core.providers._vault.store import Line, Store, Ticket, login_line, what
from eso_core.wire import HttpCall, HttpReply, SdkCall

ROLE_SESSION: Final = "external-secrets-provider-vault"
STS_GLOBAL: Final = "https://sts.amazonaws.com"
"""The STS that Vault's own clients name in us-east-1, and that a Vault asks unless it is configured otherwise."""
SERVER_ID: Final = "X-Vault-AWS-IAM-Server-ID"
GOOGLE_JWT_S: Final = 600  # seconds; roles accept 900 at most unless told otherwise
SIGN_JWT: Final = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"


class _Auth(msgspec.Struct):
    client_token: str
    lease_duration: int = 0


class _LoggedIn(msgspec.Struct):
    auth: _Auth


def login(access: Access) -> Talk[Session | Failure]:
    """The token as it is, or the one that a login gives, for its lease. Renewable tokens are not renewed: a new login replaces them."""
    store: Store = access.spec
    method = store.login
    match method:
        case Token():
            return Session(value=Ticket(access.text(TOKEN)))
        case Nobody():
            return Session(value=Ticket(""))
        case AppRole(mount=mount, role_id=role_id):
            body = {"role_id": role_id or access.text(ROLE_ID), "secret_id": access.text(SECRET_ID)}
            return (yield from _log_in(access, f"auth/{mount}/login", body))
        case Password(mount, username):
            return (yield from _log_in(access, f"auth/{mount}/login/{username}", {"password": access.text(PASSWORD)}))
        case Cert(mount, role):
            return (yield from _log_in(access, f"auth/{mount}/login", {"name": role} if role else {}))
        case Jwt():
            return (yield from _with_jwt(access, method))
        case Iam():
            return (yield from _with_aws(access, method))
        case Gcp():
            return (yield from _with_google(access, method))
        case _:
            assert_never(method)


def _log_in(access: Access, path: str, body: Mapping[str, str], name: str = "Login") -> Talk[Session | Failure]:
    line = login_line(access)
    call = line.call("PUT", path, name, body=orjson.dumps(body))
    reply = yield from line.send(call)
    return _session(line, call, reply) if isinstance(reply, HttpReply) else reply


def _session(line: Line, call: HttpCall, reply: HttpReply) -> Session | Failure:
    if not 200 <= reply.status < 300:
        return line.failure(call, reply, login=True)
    held = _kit.decoded(reply.body, _LoggedIn)
    if held is None or not held.auth.client_token:
        return Broken(f"{what(call)}: the answer holds no token")
    ticket = Ticket(held.auth.client_token, line.index)
    return Session(value=ticket, lease_s=held.auth.lease_duration if held.auth.lease_duration > 0 else None)


# ---------------------------------------------------------------- kubernetes, jwt


def _with_jwt(access: Access, method: Jwt) -> Talk[Session | Failure]:
    token: str | Failure = access.text(JWT)
    if method.need is None:
        token = yield from _kit.library(SdkCall(name="ambient.service_account_token"), str)
    if not isinstance(token, str):
        return token
    return (yield from _log_in(access, f"auth/{method.mount}/login", {"role": method.role, "jwt": token}, method.call))


# ---------------------------------------------------------------- iam


def _with_aws(access: Access, method: Iam) -> Talk[Session | Failure]:
    """Vault sends the signed request on to STS, which tells it who signed."""
    signed: dict[str, Any] | Failure = yield from _kit.library(SdkCall(name="aws.caller_identity", args=_caller(access, method)), dict)
    if not isinstance(signed, dict):
        return signed
    texts = [signed.get(name) for name in ("method", "url", "body")]
    headers = signed.get("headers")
    if not all(isinstance(text, str) for text in texts) or not isinstance(headers, dict):
        return Broken("the signed request for AWS is incomplete")
    verb, url, body = map(str, texts)
    request = {
        "iam_http_request_method": verb,
        "iam_request_url": _base64(url.encode()),
        "iam_request_body": _base64(body.encode()),
        "iam_request_headers": _base64(orjson.dumps({str(name): [str(value)] for name, value in headers.items()})),
        "role": method.role,
    }
    return (yield from _log_in(access, f"auth/{method.mount}/login", request))


def _caller(access: Access, method: Iam) -> dict[str, Any]:
    args: dict[str, Any] = {"region": method.region}
    if method.account is not None:
        role = _kit.notes_of(access, NOTES).get(ROLE_NOTE, "")
        args["web_identity"] = {"token": access.text(WEB_IDENTITY), "role_arn": role, "session": ROLE_SESSION}
    elif method.keys:
        args |= {slot: access.text(slot) for slot in (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN)}
    if method.arn:
        args["roles"] = [{"arn": method.arn, "external_id": method.external_id, "session": ROLE_SESSION}]
    if method.server_id:
        args["headers"] = {SERVER_ID: method.server_id}
    if method.region == IAM_REGION:
        args["endpoint"] = STS_GLOBAL
    return args


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


# ---------------------------------------------------------------- gcp


class _SignedJwt(msgspec.Struct, rename="camel"):
    signed_jwt: str


def _with_google(access: Access, method: Gcp) -> Talk[Session | Failure]:
    """A key signs the JWT, a workload identity has Google sign it; without either, the metadata server tells who the instance is."""
    if method.login is None:
        store: Store = access.spec
        wanted = urlencode({"audience": f"{store.server}/vault/{method.role}", "format": "full"})
        token = yield from metadata(f"instance/service-accounts/default/identity?{wanted}")
    elif method.key:
        args = {"key": access.text(gcp_login.KEY), "audience": f"vault/{method.role}", "subject": "", "seconds": GOOGLE_JWT_S}
        token = yield from _kit.library(SdkCall(name="gcp.assertion", args=args), str)
    else:
        token = yield from _signed_by_google(access, method, method.login)
    if not isinstance(token, str):
        return token
    return (yield from _log_in(access, f"auth/{method.mount}/login", {"role": method.role, "jwt": token}))


def _signed_by_google(access: Access, method: Gcp, identity: gcp_login.Login) -> Talk[str | Failure]:
    """The service account's JWT, by the method ``signJwt`` of the IAM Credentials API."""
    email = gcp_login.account_email(access, identity)
    if not email:
        return InvalidSpec("the ServiceAccount must name a Google service account by iam.gke.io/gcp-service-account")
    at = yield from _kit.library(SdkCall(name="ambient.now"), float)
    if not isinstance(at, float):
        return at
    token = yield from gcp_login.access_token(access, identity)
    if not isinstance(token, GoogleToken):
        return token
    claims = {"aud": f"vault/{method.role}", "sub": email, "exp": int(at) + GOOGLE_JWT_S}
    call = HttpCall(
        method="POST",
        url=f"{SIGN_JWT}{quote(email, safe='@')}:signJwt",
        headers={"Authorization": f"Bearer {token.value}", "Content-Type": "application/json"},
        body=orjson.dumps({"payload": orjson.dumps(claims).decode()}),
    )
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    if reply.status in (401, 403):
        return Refused(f"Google signJwt: status {reply.status}", session=True)
    signed = _kit.decoded(reply.body, _SignedJwt) if reply.status == 200 else None
    return signed.signed_jwt if signed is not None else _kit.common_failure(reply, "Google signJwt") or Broken("Google signJwt: no JWT")
