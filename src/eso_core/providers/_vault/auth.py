"""The login of a store at Vault: which method, with which credentials, and what must be read for it.

======================  =============================================  ====================================================
method                  call                                           credentials
======================  =============================================  ====================================================
tokenSecretRef          none                                           a token
appRole                 ``auth/<path>/login``                          role id, secret id
kubernetes, jwt         ``auth/<path>/login``                          a JWT: of a Secret, of a ServiceAccount, the operator's
ldap, userPass          ``auth/<path>/login/<username>``               a password
cert                    ``auth/<path>/login`` over TLS                 a client certificate and its key
iam                     ``auth/<path>/login``                          a signed ``sts:GetCallerIdentity``
gcp                     ``auth/<path>/login``                          a JWT signed by, or for, a Google service account
======================  =============================================  ====================================================

They are tried in the order of the table, kubernetes and ldap before userPass and jwt (reference: ``vault/auth.go``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, assert_never

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers import gcpsm as gcp_api
from eso_core.api.providers import vault as api
from eso_core.api.types import SecretKeySelector, ServiceAccountSelector
from eso_core.door import AccountNotes, AccountToken, Need, SecretKey
from eso_core.failure import Failure, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers._gcp import login as gcp_login
from eso_core.secret import SecretBytes

TOKEN: Final = "token"  # slots
ROLE_ID: Final = "role_id"
SECRET_ID: Final = "secret_id"
PASSWORD: Final = "password"
JWT: Final = "jwt"
ACCESS_KEY: Final = "access_key"
SECRET_KEY: Final = "secret_key"
SESSION_TOKEN: Final = "session_token"
NOTES: Final = "notes"
WEB_IDENTITY: Final = "web_identity"

ROLE_NOTE: Final = "eks.amazonaws.com/role-arn"
AUDIENCE_NOTE: Final = "eks.amazonaws.com/audience"
STS_AUDIENCE: Final = "sts.amazonaws.com"
IAM_REGION: Final = "us-east-1"
ACCOUNT_TOKEN_S: Final = 600

# ---------------------------------------------------------------- methods


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is."""

    need: Need


@dataclass(frozen=True, slots=True)
class AppRole:
    """A role id (as text, or of a Secret) and a secret id."""

    mount: str
    role_id: str
    role: Need | None
    secret: Need


@dataclass(frozen=True, slots=True)
class Password:
    """An account of LDAP or of Vault itself."""

    mount: str
    username: str
    need: Need


@dataclass(frozen=True, slots=True)
class Jwt:
    """A signed token and a role. ``need=None``: the operator's own ServiceAccount token. ``call`` is the label of its metric."""

    mount: str
    role: str
    need: Need | None
    call: str = "Login"


@dataclass(frozen=True, slots=True)
class Cert:
    """The client certificate of the connection, which all later calls use as well."""

    mount: str
    role: str
    cert: Need
    key: Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Iam:
    """An AWS identity: static keys, else a ServiceAccount's role, else the operator's own; then ``arn``, if there is one, is assumed."""

    mount: str
    role: str
    region: str
    arn: str
    external_id: str
    server_id: str
    keys: Mapping[str, Need] = field(default_factory=dict)
    account: ServiceAccountSelector | None = None


@dataclass(frozen=True, slots=True)
class Gcp:
    """A Google identity. ``login=None``: the instance's, from the metadata server."""

    mount: str
    role: str
    login: gcp_login.Login | None
    key: bool  # a service account key: it signs the JWT itself


@dataclass(frozen=True, slots=True)
class Nobody:
    """Calls without a token, for proxies that add one."""


Login: TypeAlias = Token | AppRole | Password | Jwt | Cert | Iam | Gcp | Nobody

# ---------------------------------------------------------------- parsing


def parse_login(auth: api.Auth | None, path: str) -> Result[Login, InvalidSpec]:
    """The first method that is set; what the reference's ``ValidateStore`` refuses is refused of the others, too."""
    if auth is None:
        return Success(Nobody())
    if auth.jwt is not None and auth.jwt.secret_ref is None and auth.jwt.kubernetes_service_account_token is None:
        what = "neither `secretRef` nor `kubernetesServiceAccountToken` was supplied as token source for jwt authentication"
        return Wrong(InvalidSpec(what, f"{path}.jwt"))
    role = _app_role(auth.app_role, f"{path}.appRole") if auth.app_role is not None else None
    if isinstance(role, InvalidSpec):
        return Wrong(role)
    found = Token(_kit.secret_key(auth.token_secret_ref)) if auth.token_secret_ref is not None else role or _other(auth, path)
    if isinstance(found, InvalidSpec):
        return Wrong(found)
    fault = climbing(found, path)
    return Success(found) if fault is None else Wrong(fault)


def climbs(path: str) -> bool:
    """A path that leaves where it starts."""
    return ".." in path.split("/")


def climbing(login: Login, path: str) -> InvalidSpec | None:
    """Why a login would call another address than that of its method."""
    wrong = any(climbs(getattr(login, name, "")) for name in ("mount", "username"))
    return InvalidSpec("the path and the user name of a login must not contain '..'", path) if wrong else None


def _other(auth: api.Auth, path: str) -> Login | InvalidSpec:
    if auth.kubernetes is not None:
        return _kubernetes(auth.kubernetes, f"{path}.kubernetes")
    if auth.ldap is not None:
        return password(auth.ldap, f"{path}.ldap")
    if auth.user_pass is not None:
        return password(auth.user_pass, f"{path}.userPass")
    if auth.jwt is not None:
        return _jwt(auth.jwt)
    if auth.cert is not None:
        return _cert(auth.cert, f"{path}.cert")
    if auth.iam is not None:
        return _iam(auth.iam, f"{path}.iam")
    if auth.gcp is not None:
        return _gcp(auth.gcp, f"{path}.gcp")
    return InvalidSpec("no valid auth method specified", path)


def _app_role(role: api.AppRole, path: str) -> AppRole | InvalidSpec:
    return app_role(role.path, role.role_id, None if role.role_id else role.role_ref, role.secret_ref, path)


def app_role(
    mount: str, role_id: str, role_ref: SecretKeySelector | None, secret_ref: SecretKeySelector, path: str
) -> AppRole | InvalidSpec:
    """A role id as text or of a Secret, one of them."""
    if not role_id and role_ref is None:
        return InvalidSpec("invalid Auth.AppRole: neither `roleId` nor `roleRef` was supplied", path)
    role = _kit.secret_key(role_ref) if role_ref is not None else None
    return AppRole(mount, role_id.strip(), role, _kit.secret_key(secret_ref))


def _kubernetes(held: api.Kubernetes, path: str) -> Jwt | InvalidSpec:
    if not held.role:
        return InvalidSpec("no role name was provided", f"{path}.role")
    need: Need | None = None
    if held.service_account_ref is not None:
        need = _account_token(held.service_account_ref)
    elif held.secret_ref is not None:
        need = SecretKey(held.secret_ref.name, held.secret_ref.key or "token", held.secret_ref.namespace or "")
    return Jwt(held.mount_path, held.role, need)


def password(held: api.Ldap | api.UserPass, path: str) -> Password | InvalidSpec:
    """An account with its password, of ``ldap`` or ``userPass``."""
    username = held.username.strip()
    if not username:
        return InvalidSpec("no user name was provided", f"{path}.username")
    if held.secret_ref is None:
        return InvalidSpec("a password is needed", f"{path}.secretRef")
    return Password(held.path, username, _kit.secret_key(held.secret_ref))


def _jwt(held: api.Jwt) -> Jwt:
    """The reference counts this login as a write."""
    need: Need | None = None
    if held.secret_ref is not None:
        need = _kit.secret_key(held.secret_ref)
    elif held.kubernetes_service_account_token is not None:
        source = held.kubernetes_service_account_token
        seconds = source.expiration_seconds if source.expiration_seconds is not None else ACCOUNT_TOKEN_S
        need = _account_token(source.service_account_ref, source.audiences or ("vault",), seconds)
    return Jwt(held.path, held.role.strip(), need, "WriteSecretData")


def _account_token(ref: ServiceAccountSelector, audiences: tuple[str, ...] = (), seconds: int = ACCOUNT_TOKEN_S) -> AccountToken:
    return AccountToken(ref.name, (*ref.audiences, *audiences), ref.namespace or "", seconds)


def _cert(held: api.Cert, path: str) -> Cert | InvalidSpec:
    if held.client_cert is None or held.secret_ref is None:
        return InvalidSpec("clientCert and secretRef must both be given", path)
    return Cert(held.path or "cert", held.vault_role, _kit.secret_key(held.client_cert), _kit.secret_key(held.secret_ref))


def _iam(held: api.Iam, path: str) -> Iam | InvalidSpec:
    keys: dict[str, Need] = {}
    account = held.jwt.service_account_ref if held.jwt is not None else None
    if held.jwt is not None and account is None:
        return InvalidSpec("a ServiceAccount is needed", f"{path}.jwt.serviceAccountRef")
    if held.jwt is None and held.secret_ref is not None:
        ref = held.secret_ref
        if ref.access_key_id_secret_ref is None or ref.secret_access_key_secret_ref is None:
            return InvalidSpec("accessKeyIDSecretRef and secretAccessKeySecretRef must both be given", f"{path}.secretRef")
        keys = {ACCESS_KEY: _kit.secret_key(ref.access_key_id_secret_ref), SECRET_KEY: _kit.secret_key(ref.secret_access_key_secret_ref)}
        if ref.session_token_secret_ref is not None:
            keys[SESSION_TOKEN] = _kit.secret_key(ref.session_token_secret_ref)
    return Iam(
        mount=held.path or "aws",
        role=held.vault_role,
        region=held.region or IAM_REGION,
        arn=held.role,
        external_id=held.external_id,
        server_id=held.vault_aws_iam_server_id,
        keys=keys,
        account=account,
    )


def _gcp(held: api.Gcp, path: str) -> Gcp | InvalidSpec:
    """A key wins over a workload identity; a ``serviceAccountRef`` stands for the instance's own identity, as in the reference."""
    mount, key = held.path or "gcp", held.secret_ref is not None
    if not key and held.workload_identity is None:
        return Gcp(mount, held.role, None, key=False)
    identity = gcp_api.Auth(secret_ref=held.secret_ref) if key else gcp_api.Auth(workload_identity=held.workload_identity)
    login = gcp_login.parse_auth(identity, path, project=held.project_id)
    return login.failure() if isinstance(login, Wrong) else Gcp(mount, held.role, login.unwrap(), key=key)


# ---------------------------------------------------------------- needs


def login_needs(login: Login) -> Mapping[str, Need]:
    """The credentials of a login. Those of ``cert`` belong to the connection."""
    match login:
        case Token(need):
            return {TOKEN: need}
        case AppRole(role=role, secret=secret):
            return {**({ROLE_ID: role} if role is not None else {}), SECRET_ID: secret}
        case Password(need=need):
            return {PASSWORD: need}
        case Jwt(need=need):
            return {JWT: need} if need is not None else {}
        case Iam(account=account) if account is not None:
            return {NOTES: AccountNotes(account.name, account.namespace or "")}
        case Iam(keys=keys):
            return keys
        case Gcp(login=identity):
            return gcp_login.needs(identity) if identity is not None else {}
        case Cert() | Nobody():
            return {}
        case _:
            assert_never(login)


def more_login_needs(login: Login, held: Mapping[str, SecretBytes]) -> Result[Mapping[str, Need], Failure]:
    """What the annotations of a ServiceAccount lead to: a token for AWS."""
    match login:
        case Iam(account=account) if account is not None:
            notes = _kit.decoded(held[NOTES].reveal(), dict[str, str]) or {}
            if not notes.get(ROLE_NOTE):
                return Wrong(Missing(f'an IAM role must be associated with service account "{account.name}" by {ROLE_NOTE}'))
            audiences = (notes.get(AUDIENCE_NOTE) or STS_AUDIENCE,)
            return Success({WEB_IDENTITY: AccountToken(account.name, (*audiences, *account.audiences), account.namespace or "")})
        case _:
            return Success({})
