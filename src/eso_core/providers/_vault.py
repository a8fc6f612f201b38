"""The parsed form of ``spec.provider.vault``, and what it needs from the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.vault import Auth, Spec
from eso_core.door import Need
from eso_core.failure import InvalidSpec
from eso_core.providers import _kit
from eso_core.refs import Ref

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
        case AppRole(_, _, role, secret):
            return {**({ROLE_ID: role} if role is not None else {}), SECRET_ID: secret, **store.tls}
        case Nobody():
            return store.tls
