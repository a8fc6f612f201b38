"""Google identities: who a store or generator is, what that needs of the cluster, and its access token.

===============================  ===========================================================================================
``auth``                         access token
===============================  ===========================================================================================
``secretRef``                    a service account key signs an assertion for its token endpoint
``workloadIdentity``             GKE: a ServiceAccount's token for the cluster's pool, bound to the cluster; then, where the
                                 ServiceAccount has the annotation :data:`ANNOTATION`, by impersonation
``workloadIdentityFederation``   a foreign identity's token, exchanged (:mod:`eso_core.providers._gcp.account`)
none                             what the operator is (:mod:`eso_core.providers._gcp.default`)
===============================  ===========================================================================================

The first that is given counts. Documents: "Using OAuth 2.0 for Server to Server Applications", "About Workload Identity Federation for
GKE".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.gcpsm import Auth, WorkloadIdentity, WorkloadIdentityFederation
from eso_core.door import Access, AccountNotes, AccountToken, ConfigMapKey, Need, Talk, WholeSecret
from eso_core.failure import Failure, InvalidSpec, Refused
from eso_core.providers import _kit
from eso_core.providers._gcp import account as gcp_account
from eso_core.providers._gcp import api as gcp_api
from eso_core.providers._gcp.account import AWS_REQUEST, GRANT, JWT, External
from eso_core.providers._gcp.api import LABEL, SCOPE
from eso_core.providers._gcp.default import ambient_token, default_identity
from eso_core.providers._gcp.token import KeyFile, Token, impersonated, impersonation, key_token, oauth
from eso_core.wire import HttpCall

KEY: Final = "gcp_key"  # slots
ACCOUNT_TOKEN: Final = "gcp_account_token"
ACCOUNT_NOTES: Final = "gcp_account_notes"
CRED_CONFIG: Final = "gcp_cred_config"
AWS_KEYS: Final = "gcp_aws_keys"

ANNOTATION: Final = "iam.gke.io/gcp-service-account"
TOKEN_S: Final = 900  # of a ServiceAccount's token
BINDING: Final = "https://securetoken.googleapis.com/v1/identitybindingtoken"


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a service account, as JSON."""

    need: Need


@dataclass(frozen=True, slots=True)
class Workload:
    """A ServiceAccount of a GKE cluster in ``project``; an empty location or cluster name is asked of the metadata server."""

    name: str
    namespace: str
    audiences: tuple[str, ...]
    project: str
    location: str
    cluster: str

    @property
    def pool(self) -> str:
        return f"{self.project}.svc.id.goog"


@dataclass(frozen=True, slots=True)
class Configured:
    """An external account in a ConfigMap, which the fields of the store complete."""

    need: Need
    audience: str
    endpoint: str
    email: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """A ServiceAccount of any cluster, known to the pool of ``account``."""

    name: str
    namespace: str
    audiences: tuple[str, ...]
    account: External


@dataclass(frozen=True, slots=True)
class FromAws:
    """AWS keys in a Secret."""

    need: Need
    region: str
    account: External


@dataclass(frozen=True, slots=True)
class Ambient:
    """What the operator is where it runs."""


Login: TypeAlias = Key | Workload | Configured | Foreign | FromAws | Ambient

# ---------------------------------------------------------------- parsing


def parse_auth(auth: Auth | None, path: str, project: str = "") -> Result[Login, InvalidSpec]:
    """The login that ``auth`` says, which stands at ``path``. ``project`` is that of the cluster where nothing else tells."""
    if auth is None:
        return Success(Ambient())
    if auth.secret_ref is not None:
        selector = auth.secret_ref.secret_access_key_secret_ref
        if selector is None:
            return Wrong(InvalidSpec("must be given", f"{path}.secretRef.secretAccessKeySecretRef"))
        return Success(Key(_kit.secret_key(selector)))
    if auth.workload_identity is not None:
        return _workload(auth.workload_identity, f"{path}.workloadIdentity", project)
    if auth.workload_identity_federation is not None:
        return _federation(auth.workload_identity_federation, f"{path}.workloadIdentityFederation")
    return Success(Ambient())


def _workload(given: WorkloadIdentity, path: str, project: str) -> Result[Login, InvalidSpec]:
    account = given.service_account_ref
    held = given.cluster_project_id or project
    if not held:
        what = "must be given where projectID is not: it is part of the audience of the ServiceAccount's token"
        return Wrong(InvalidSpec(what, f"{path}.clusterProjectID"))
    return Success(Workload(account.name, account.namespace or "", account.audiences, held, given.cluster_location, given.cluster_name))


def _federation(given: WorkloadIdentityFederation, path: str) -> Result[Login, InvalidSpec]:
    account, aws, config = given.service_account_ref, given.aws_security_credentials, given.cred_config
    if sum(source is not None for source in (account, aws, config)) != 1:
        return Wrong(InvalidSpec("exactly one of credConfig, awsSecurityCredentials or serviceAccountRef must be provided", path))
    if config is not None:
        need = ConfigMapKey(config.name, config.key, config.namespace)
        return Success(Configured(need, given.audience, given.external_token_endpoint, given.gcp_service_account_email))
    if not given.audience:
        what = "must be provided when serviceAccountRef or awsSecurityCredentials is"
        return Wrong(InvalidSpec(what, f"{path}.audience"))
    email = given.gcp_service_account_email
    held = gcp_account.checked(
        External(audience=given.audience, kind=JWT if aws is None else AWS_REQUEST, impersonate=impersonation(email) if email else "")
    )
    if isinstance(held, InvalidSpec):
        return Wrong(replace(held, path=path))
    if aws is not None:
        ref = aws.aws_credentials_secret_ref
        return Success(FromAws(WholeSecret(ref.name, ref.namespace), aws.region, held))
    assert account is not None
    return Success(Foreign(account.name, account.namespace or "", account.audiences, held))


def needs(login: Login) -> Mapping[str, Need]:
    """What the login reads of the cluster, by slot."""
    match login:
        case Key(need):
            return {KEY: need}
        case Workload(name, namespace, audiences):
            token = AccountToken(name, (login.pool, *audiences), namespace, TOKEN_S)
            return {ACCOUNT_TOKEN: token, ACCOUNT_NOTES: AccountNotes(name, namespace)}
        case Configured(need):
            return {CRED_CONFIG: need}
        case Foreign(name, namespace, audiences):
            token = AccountToken(name, audiences, namespace, TOKEN_S)
            notes = {} if login.account.impersonate else {ACCOUNT_NOTES: AccountNotes(name, namespace)}
            return {ACCOUNT_TOKEN: token, **notes}
        case FromAws(need):
            return {AWS_KEYS: need}
        case Ambient():
            return {}
        case _:
            assert_never(login)


# ---------------------------------------------------------------- access tokens


def access_token(access: Access, login: Login) -> Talk[Token | Failure]:
    """An access token of scope :data:`SCOPE`."""
    match login:
        case Key():
            return (yield from key_token(access.text(KEY), SCOPE))
        case Workload():
            return (yield from _bound(access, login))
        case Configured():
            return (yield from _configured(access, login))
        case Foreign(account=account):
            email = _kit.notes_of(access, ACCOUNT_NOTES).get(ANNOTATION, "")
            named = replace(account, impersonate=impersonation(email)) if email else account
            held = gcp_account.checked(named)
            if isinstance(held, InvalidSpec):
                return held
            return (yield from gcp_account.exchanged(held, access.text(ACCOUNT_TOKEN)))
        case FromAws():
            return (yield from _from_aws(access, login))
        case Ambient():
            return (yield from ambient_token())
        case _:
            assert_never(login)


def identity_token(access: Access, login: Login, audience: str) -> Talk[Token | Failure]:
    """An identity token (OpenID Connect) for ``audience``, of a key or of what the operator is."""
    if isinstance(login, Key):
        return (yield from key_token(access.text(KEY), "", audience))
    if not isinstance(login, Ambient):
        return InvalidSpec("an identity token needs a service account key or the operator's own identity")
    return (yield from default_identity(audience))


def account_email(access: Access, login: Login) -> str:
    """The Google service account that a key or a ServiceAccount's annotation names; empty where there is none."""
    if isinstance(login, Key):
        held = _kit.decoded(access.text(KEY).encode("utf-8", "replace"), KeyFile)
        return held.client_email if held is not None else ""
    return _kit.notes_of(access, ACCOUNT_NOTES).get(ANNOTATION, "")


def _bound(access: Access, login: Workload) -> Talk[Token | Failure]:
    """The token of GKE's pool, or that of the service account which the ServiceAccount's annotation names."""
    location, cluster = login.location, login.cluster
    if not location:
        held = yield from gcp_api.metadata("instance/attributes/cluster-location")
        if not isinstance(held, str):
            return held
        location = held
    if not cluster:
        held = yield from gcp_api.metadata("instance/attributes/cluster-name")
        if not isinstance(held, str):
            return held
        cluster = held
    identity = f"https://container.googleapis.com/v1/projects/{login.project}/locations/{location}/clusters/{cluster}"
    body = {
        "grant_type": GRANT,
        "subject_token_type": JWT,
        "requested_token_type": gcp_account.ACCESS_TOKEN,
        "subject_token": access.text(ACCOUNT_TOKEN),
        "audience": f"identitynamespace:{login.pool}:{identity}",
        "scope": SCOPE,
    }
    headers = {"Content-Type": "application/json"}
    call = HttpCall(method="POST", url=BINDING, headers=headers, body=orjson.dumps(body), name="GenerateIDBindToken", provider=LABEL)
    token = yield from oauth(call, "GKE's identity binding")
    email = account_email(access, login)
    if not isinstance(token, Token) or not email:
        return token
    return (yield from impersonated(impersonation(email), token))


def _configured(access: Access, login: Configured) -> Talk[Token | Failure]:
    account = gcp_account.external(access.text(CRED_CONFIG), audience=login.audience, endpoint=login.endpoint, email=login.email)
    if isinstance(account, InvalidSpec):
        return account
    subject = yield from gcp_account.subject_token(account)
    return (yield from gcp_account.exchanged(account, subject)) if isinstance(subject, str) else subject


def _from_aws(access: Access, login: FromAws) -> Talk[Token | Failure]:
    held = _kit.keys_of(access, AWS_KEYS)
    key, secret, session = (
        held.get(name, b"").decode("utf-8", "replace").strip()
        for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    )
    if not key or not secret:
        return Refused("the Secret of awsSecurityCredentials must hold aws_access_key_id and aws_secret_access_key")
    subject = yield from gcp_account.aws_subject(login.account.audience, login.region, key, secret, session)
    return (yield from gcp_account.exchanged(login.account, subject)) if isinstance(subject, str) else subject
