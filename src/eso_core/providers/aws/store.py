"""The parsed form of ``spec.provider.aws``, what it needs from the cluster, and its login.

One login is one library call: it gives keys, their lease and the endpoint. Every other call is signed with the keys by the shell.

===========================  ===========================================================================================
identity                     comes from
===========================  ===========================================================================================
``auth.jwt``                 a token of a ServiceAccount, whose annotations name the role and the audience; it wins
``auth.secretRef``           keys in Secrets
neither                      what the SDK finds where the operator runs: environment, web identity, Pod Identity, instance
===========================  ===========================================================================================

Then ``additionalRoles`` are assumed one after the other, and ``role``; external id and session tags go with ``role`` alone.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.aws import Auth, JwtAuth, Spec
from eso_core.api.providers.aws import SecretRef as KeysRef
from eso_core.door import Access, AccountNotes, AccountToken, Need, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, SdkCall, SdkReply

ACCESS_KEY: Final = "access_key"  # slots
SECRET_KEY: Final = "secret_key"
SESSION_TOKEN: Final = "session_token"
ANNOTATIONS: Final = "annotations"
TOKEN: Final = "token"

ROLE_ANNOTATION: Final = "eks.amazonaws.com/role-arn"
AUDIENCE_ANNOTATION: Final = "eks.amazonaws.com/audience"
AUDIENCE: Final = "sts.amazonaws.com"

PATH: Final = "spec.provider.aws"
REGION: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")  # it becomes part of a host name
FIPS: Final = re.compile(r"\Afips-|-fips(?=-|\Z)")  # in the name of a region: its endpoints with validated cryptography are wanted
RECOVERY_DAYS: Final = range(7, 31)

SINGLY: Final = 50  # conversations without a batch after one that was refused as a whole
ARNS_MAX: Final = 512
EXPORTS_MAX: Final = 128

# ---------------------------------------------------------------- the parsed form


@dataclass(frozen=True, slots=True)
class Service:
    """One API: its name in signatures and endpoints, in ``X-Amz-Target``, and in metrics. ``absent``: its codes for "there is none"."""

    name: str
    target: str
    label: str
    absent: frozenset[str] = frozenset({"ResourceNotFoundException"})


SECRETS: Final = Service("secretsmanager", "secretsmanager", "AWS/SecretsManager")
PARAMETERS: Final = Service("ssm", "AmazonSSM", "AWS/ParameterStore", frozenset({"ParameterNotFound"}))
CERTIFICATES: Final = Service("acm", "CertificateManager", "AWS/CertificateManager")
TAGGING: Final = Service("tagging", "ResourceGroupsTaggingAPI_20170126", "AWS/CertificateManager", frozenset())
SERVICES: Final = {"SecretsManager": SECRETS, "ParameterStore": PARAMETERS, "CertificateManager": CERTIFICATES}


@dataclass(frozen=True, slots=True)
class StaticKeys:
    """Access key, secret key, and a session token if one is named."""

    slots: Mapping[str, Need]


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """A ServiceAccount whose annotation names a role (IRSA)."""

    account: str
    namespace: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ambient:
    """Whatever the SDK finds where the operator runs."""


Identity: TypeAlias = StaticKeys | WebIdentity | Ambient


@dataclass(frozen=True, slots=True)
class Role:
    """One role to assume. ``stamped``: the tags also tell consumer and store (``sessionTagsPolicy``)."""

    arn: str
    external_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()
    stamped: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """``roles`` are assumed one after the other. ``prefix`` precedes every key. ``recovery_days`` 0: the service's own.

    ``region`` is plain (``us-east-1``) where the store names it as ``us-east-1-fips``; ``fips`` then.
    """

    service: Service
    region: str
    prefix: str
    identity: Identity
    roles: tuple[Role, ...]
    fips: bool = False
    forced: bool = False  # deletion without recovery
    recovery_days: int = 0


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    if not REGION.fullmatch(model.region):
        return Wrong(InvalidSpec("region not found", f"{PATH}.region"))
    forced, days = False, 0
    if model.secrets_manager is not None:
        forced, days = model.secrets_manager.force_delete_without_recovery, model.secrets_manager.recovery_window_in_days or 0
    if days and days not in RECOVERY_DAYS:
        return Wrong(InvalidSpec("must be between 7 and 30 days", f"{PATH}.secretsManager.recoveryWindowInDays"))
    if days and forced:
        return Wrong(InvalidSpec("conflicts with recoveryWindowInDays", f"{PATH}.secretsManager.forceDeleteWithoutRecovery"))
    service, region = SERVICES[model.service], FIPS.sub("", model.region)
    fips = region != model.region
    return _identity(model.auth).map(
        lambda identity: Store(service, region, model.prefix, identity, _roles(model), fips, forced=forced, recovery_days=days)
    )


def _identity(auth: Auth | None) -> Result[Identity, InvalidSpec]:
    if auth is not None and auth.jwt is not None:
        return _web_identity(auth.jwt)
    return _static_keys(auth.secret_ref) if auth is not None and auth.secret_ref is not None else Success(Ambient())


def _web_identity(jwt: JwtAuth) -> Result[Identity, InvalidSpec]:
    account = jwt.service_account_ref
    if account is None:
        return Wrong(InvalidSpec("must be given", f"{PATH}.auth.jwt.serviceAccountRef"))
    return Success(WebIdentity(account.name, account.namespace or "", tuple(account.audiences)))


def _static_keys(ref: KeysRef) -> Result[Identity, InvalidSpec]:
    if ref.access_key_id_secret_ref is None or ref.secret_access_key_secret_ref is None:
        return Wrong(InvalidSpec("accessKeyIDSecretRef and secretAccessKeySecretRef must both be given", f"{PATH}.auth.secretRef"))
    slots: dict[str, Need] = {
        ACCESS_KEY: _kit.secret_key(ref.access_key_id_secret_ref),
        SECRET_KEY: _kit.secret_key(ref.secret_access_key_secret_ref),
    }
    if ref.session_token_secret_ref is not None:
        slots[SESSION_TOKEN] = _kit.secret_key(ref.session_token_secret_ref)
    return Success(StaticKeys(slots))


def _roles(model: Spec) -> tuple[Role, ...]:
    """With a policy for session tags, ``sessionTags`` play no part, as in the reference."""
    before = tuple(Role(arn) for arn in model.additional_roles)
    if not model.role:
        return before
    tags = {tag.key: tag.value for tag in model.session_tags}
    if model.session_tags_policy != "None":
        custom = model.custom_session_tags if model.session_tags_policy == "Custom" else {}
        tags = {key: value for key, value in custom.items() if key and value}
    stamped = model.session_tags_policy != "None"
    transitive = model.transitive_tag_keys if tags or stamped else ()
    return (*before, Role(model.role, model.external_id, tuple(sorted(tags.items())), transitive, stamped))


def by_namespace(store: Store) -> bool:
    """The last role's session tells the consumer's namespace, so that no other namespace may use it."""
    return any(role.stamped for role in store.roles)


# ---------------------------------------------------------------- needs


def needs(store: Store) -> Mapping[str, Need]:
    """The static keys, or the annotations that name the role."""
    match store.identity:
        case StaticKeys(slots):
            return slots
        case WebIdentity(account, namespace):
            return {ANNOTATIONS: AccountNotes(account, namespace)}
        case Ambient():
            return {}


def more_needs(store: Store, held: Mapping[str, SecretBytes]) -> Result[Mapping[str, Need], Failure]:
    """The ServiceAccount's token, for the audience that its annotation names, and those of the store."""
    identity = store.identity
    if not isinstance(identity, WebIdentity):
        return Success({})
    notes = _kit.decoded(held[ANNOTATIONS].reveal(), dict[str, str]) if ANNOTATIONS in held else None
    if not notes or not notes.get(ROLE_ANNOTATION):
        return Wrong(Missing(f'ServiceAccount "{identity.account}" has no annotation {ROLE_ANNOTATION}: an IAM role must be associated'))
    audiences = (notes.get(AUDIENCE_ANNOTATION) or AUDIENCE, *identity.audiences)
    return Success({TOKEN: AccountToken(identity.account, audiences, identity.namespace)})


# ---------------------------------------------------------------- sessions


class Memory:
    """What the conversations of one session remember, besides the keys: a few facts that would cost calls, some of them paid for.

    Owned by the session and gone with it. Bounded. Nothing depends on it but the number of calls.
    """

    __slots__ = ("_singly", "arns", "exports")

    def __init__(self) -> None:
        self._singly = 0
        self.arns: OrderedDict[str, str] = OrderedDict()  # of imported certificates, by their key: the tag index is behind for a while
        self.exports: OrderedDict[str, tuple[str, SecretBytes]] = OrderedDict()  # by ARN: fingerprint and bundle; an export is paid for

    def batches(self) -> bool:
        """Whether a batch is worth a call: not in the :data:`SINGLY` conversations after one that the role may not make."""
        self._singly = max(0, self._singly - 1)
        return self._singly == 0

    def may_not_batch(self) -> None:
        """The role was refused a batch, and nothing that was in it."""
        self._singly = SINGLY

    def keep_arn(self, key: str, arn: str) -> None:
        _keep(self.arns, key, arn, ARNS_MAX)

    def keep_export(self, arn: str, fingerprint: str, bundle: SecretBytes) -> None:
        _keep(self.exports, arn, (fingerprint, bundle), EXPORTS_MAX)


def _keep(held: OrderedDict[str, Any], key: str, value: object, most: int) -> None:
    held[key] = value
    held.move_to_end(key)
    while len(held) > most:
        held.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """The value of a session: where to call, and what to sign with. ``beside``: the endpoint of the tagging API, for certificates."""

    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    beside: str = ""
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)


def login(access: Access) -> Talk[Session | Failure]:
    """Credentials and the endpoint, from the SDK: it knows the ambient sources, STS, partitions and endpoint overrides."""
    store: Store = access.spec
    identity = _credential(access)
    if not isinstance(identity, dict):
        return identity
    roles = [_assumed(role, access) for role in store.roles]
    fips = {"fips": True} if store.fips else {}
    args = {"service": store.service.name, "region": store.region, **fips, "roles": roles, **identity}
    reply = yield SdkCall(name="aws.credentials", args=args)
    match reply:
        case CallFailed(failure):
            return failure
        case SdkReply(value=dict() as held):
            return _session(held)
        case _:
            return Broken("AWS: no credentials came back")


def _credential(access: Access) -> dict[str, Any] | Failure:
    """The arguments of ``aws.credentials`` that say who we are."""
    store: Store = access.spec
    match store.identity:
        case Ambient():
            return {}
        case StaticKeys():
            keys = {slot: access.text(slot) for slot in (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN)}
            return keys if keys[ACCESS_KEY] and keys[SECRET_KEY] else Refused("AWS: the access key is empty", session=True)
        case WebIdentity():
            role = _kit.notes_of(access, ANNOTATIONS).get(ROLE_ANNOTATION, "")
            token = access.text(TOKEN)
            return (
                {"web_identity": {"role_arn": role, "token": token}} if role and token else Refused("AWS: there is no token", session=True)
            )


def _assumed(role: Role, access: Access) -> dict[str, Any]:
    tags = dict(role.tags)
    if role.stamped:
        tags |= {"esoNamespace": access.namespace, "esoStoreName": access.store.name, "esoStoreKind": access.store.kind.name}
    return {"arn": role.arn, "external_id": role.external_id, "tags": tags, "transitive": role.transitive}


def _session(held: Mapping[str, Any]) -> Session | Failure:
    texts = [held.get(name) for name in ("endpoint", ACCESS_KEY, SECRET_KEY)]
    lease = held.get("lease_s")
    if not all(isinstance(text, str) and text for text in texts) or not (lease is None or isinstance(lease, int | float)):
        return Broken("AWS: the credentials are incomplete")
    endpoint, access_key, secret_key = map(str, texts)
    token, beside = (str(held.get(name) or "") for name in (SESSION_TOKEN, "endpoint_beside"))
    return Session(value=Keys(endpoint, access_key, secret_key, token, beside), lease_s=lease)
