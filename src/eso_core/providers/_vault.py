"""The parsed form of ``spec.provider.vault``, what it needs from the cluster, and its connection.

=======================  ==========================================================================
answer                   meaning
=======================  ==========================================================================
2xx with data            found; ``data: null`` (a deleted version) is absent
404                      absent, if Vault says so of a secret; of a mount, or from a proxy, a failure
400 that names           refused: the credentials of a login are wrong, or none were sent
credentials
403                      refused, a new login may help: permission denied and an expired token look alike
412, 3xx, 5xx            unreachable: a standby, sealed, or a fault
429, 473                 throttled
anything else            broken
=======================  ==========================================================================
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.vault import Auth, Spec
from eso_core.door import Absent, Access, Need, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.wire import HttpCall, HttpReply, Tls

TOKEN: Final = "token"  # slots
ROLE_ID: Final = "role_id"
SECRET_ID: Final = "secret_id"
TLS_CERT: Final = "tls_cert"
TLS_KEY: Final = "tls_key"

METHODS: Final = ("kubernetes", "ldap", "user_pass", "jwt", "cert", "iam", "gcp")  # in the order in which the reference tries them
SAFE: Final = "/$&+,:;=@"  # characters that a path keeps unescaped, besides letters, digits and ``-_.~``


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is."""

    need: Need


@dataclass(frozen=True, slots=True)
class AppRole:
    """A role id (as text, or of a Secret) and a secret id."""

    path: str
    role_id: str
    role: Need | None
    secret: Need


@dataclass(frozen=True, slots=True)
class Nobody:
    """Calls without a token, for proxies that add one."""


Login: TypeAlias = Token | AppRole | Nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``server`` is scheme, host and path without a final slash; ``mount=None``: keys start with the mount."""

    server: str
    mount: str | None
    v2: bool
    namespace: str
    login_namespace: str
    login: Login
    ca_pem: bytes
    tls: Mapping[str, Need]
    headers: Mapping[str, str] = field(repr=False)


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    server = _server(model.server)
    login = _login(model.auth)
    ca_pem = _kit.ca_bundle(model.ca_bundle)
    tls = _tls(model, store)
    for wrong in (server, login, ca_pem, tls):
        if isinstance(wrong, Wrong):
            return wrong
    if model.check_and_set is not None and model.check_and_set.required and model.version == "v1":
        return Wrong(InvalidSpec("checkAndSet is not supported with Vault KV version v1", "spec.provider.vault.checkAndSet"))
    inconsistent = {"X-Vault-Inconsistent": "forward-active-node"} if model.read_your_writes and model.forward_inconsistent else {}
    namespace = model.namespace or ""
    return Success(
        Store(
            server=server.unwrap(),
            mount=model.path,
            v2=model.version != "v1",
            namespace=namespace,
            login_namespace=(model.auth.namespace if model.auth is not None and model.auth.namespace is not None else namespace),
            login=login.unwrap(),
            ca_pem=ca_pem.unwrap(),
            tls=tls.unwrap(),
            headers={**model.headers, **inconsistent, "X-Vault-Request": "true"},
        )
    )


def _server(text: str) -> Result[str, InvalidSpec]:
    path = "spec.provider.vault.server"
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        return Wrong(InvalidSpec("is not a URL", path))
    if parts.scheme not in ("http", "https") or not host:
        return Wrong(InvalidSpec("must be a URL that starts with https:// or http://", path))
    if "@" in parts.netloc:
        return Wrong(InvalidSpec("must not carry a user name or password", path))
    return Success(f"{parts.scheme}://{parts.netloc}{quote(parts.path.rstrip('/'), safe=SAFE + '%')}")


def _login(auth: Auth | None) -> Result[Login, InvalidSpec]:
    path = "spec.provider.vault.auth"
    if auth is None:
        return Success(Nobody())
    if auth.token_secret_ref is not None:
        return Success(Token(_kit.secret_key(auth.token_secret_ref)))
    if auth.app_role is not None:
        role = auth.app_role
        role_need = _kit.secret_key(role.role_ref) if role.role_ref is not None and not role.role_id else None
        if not role.role_id and role_need is None:
            return Wrong(InvalidSpec("invalid Auth.AppRole: neither `roleId` nor `roleRef` was supplied", f"{path}.appRole"))
        return Success(AppRole(role.path, role.role_id.strip(), role_need, _kit.secret_key(role.secret_ref)))
    method = next((name for name in METHODS if getattr(auth, name) is not None), None)
    if method is None:
        return Wrong(InvalidSpec("no valid auth method specified", path))
    shown = "userPass" if method == "user_pass" else method
    return Wrong(InvalidSpec(f"auth method {shown} is not built yet", f"{path}.{shown}"))


def _tls(model: Spec, store: Ref) -> Result[Mapping[str, Need], InvalidSpec]:
    cert, key = model.tls.cert_secret_ref, model.tls.key_secret_ref
    if (cert is None) != (key is None):
        return Wrong(InvalidSpec("certSecretRef and keySecretRef must be given together", "spec.provider.vault.tls"))
    slots: dict[str, Need] = {}
    if cert is not None and key is not None:
        slots = {TLS_CERT: _kit.secret_key(cert), TLS_KEY: _kit.secret_key(key)}
    if model.ca_provider is None or model.ca_bundle:
        return Success(slots)
    return _kit.ca_need(model.ca_provider, store).map(lambda need: {**slots, _kit.CA: need})


def needs(store: Store) -> Mapping[str, Need]:
    """The credentials of the login, the CA, and the client certificate."""
    match store.login:
        case Token(need):
            return {TOKEN: need, **store.tls}
        case AppRole(role=role, secret=secret):
            return {**({ROLE_ID: role} if role is not None else {}), SECRET_ID: secret, **store.tls}
        case Nobody():
            return store.tls


# ---------------------------------------------------------------- calls and answers


@dataclass(frozen=True, slots=True)
class Line:
    """One store's connection, as one identity."""

    store: Store
    tls: Tls
    token: str = field(repr=False)

    def call(self, method: str, path: str, name: str, *, query: str = "", body: bytes = b"", login: bool = False) -> HttpCall:
        """A call to ``/v1/<path>``; doubled slashes and a final one do not count, as in the reference's client."""
        clean = posixpath.normpath("/v1/" + path.lstrip("/"))
        namespace = self.store.login_namespace if login else self.store.namespace
        headers = {**self.store.headers, **({"X-Vault-Namespace": namespace} if namespace else {})}
        if self.token and not login:
            headers["X-Vault-Token"] = self.token
        url = f"{self.store.server}{quote(clean, safe=SAFE)}{query}"
        return HttpCall(method=method, url=url, headers=headers, body=body, tls=self.tls, name=name)


def line_of(access: Access, token: str) -> Line:
    store: Store = access.spec
    return Line(store, _kit.tls_of(access, store.ca_pem, TLS_CERT, TLS_KEY), token)


class _Errors(msgspec.Struct):
    errors: list[str] = []


class _NotFound(msgspec.Struct):
    errors: list[str] | None = None
    data: dict[str, msgspec.Raw] | None = None


NOT_A_SECRET: Final = (b"no handler for route", b"unsupported path", b"Invalid path for a versioned K/V secrets engine")
LOGIN_REFUSED: Final = (
    "invalid role",
    "invalid secret",
    "role or secret id",
    "missing client token",
    "permission denied",
    "failed to validate",
)


def what(call: HttpCall) -> str:
    """A call in words: no query, no header, no body."""
    return f"Vault {call.method} {call.url.partition('?')[0]}"


def failure_of(call: HttpCall, reply: HttpReply) -> Failure:
    """Why an answer that is not 2xx is not what was asked for."""
    held = _kit.decoded(reply.body, _Errors)
    text = _kit.line("; ".join(held.errors)) if held is not None and held.errors else f"status {reply.status}"
    sentence = f"{what(call)}: {text}"
    match reply.status:
        case 403:
            return Refused(sentence, session=True)
        case 400 | 401 if any(mark in text for mark in LOGIN_REFUSED) or reply.status == 401:
            return Refused(sentence, session=True)
        case 404:
            return Missing(sentence)
        case 412:
            return Unreachable(sentence)
        case 429 | 473:
            return Throttled(sentence, _kit.throttled(reply, "").after_ns)
        case status if status >= 500:
            return Unreachable(sentence)
        case _:
            return _kit.common_failure(reply, what(call)) or Broken(sentence)


def ask(call: HttpCall) -> Talk[HttpReply | Absent | Failure]:
    """One call. 404 is absent, unless the server says that nothing is mounted there."""
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply) or 200 <= reply.status < 300:
        return reply
    return Absent() if reply.status == 404 and _says_absent(reply.body) else failure_of(call, reply)


def _says_absent(body: bytes) -> bool:
    """Whether a 404 is Vault's word on a secret: not a proxy's, nor Vault's on a mount that is missing or of another version."""
    held = _kit.decoded(body, _NotFound)
    if held is None or any(mark in body for mark in NOT_A_SECRET):
        return False
    return held.errors is not None or held.data is not None
