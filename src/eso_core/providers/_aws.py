"""The parsed form of ``spec.provider.aws``, what it needs from the cluster, and its login."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.aws import Auth, Spec
from eso_core.door import Access, Need, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Refused
from eso_core.providers import _kit
from eso_core.refs import CLUSTER_SECRET_STORE, Ref
from eso_core.wire import CallFailed, SdkCall, SdkReply

ACCESS_KEY: Final = "access_key"  # slots
SECRET_KEY: Final = "secret_key"
SESSION_TOKEN: Final = "session_token"

PATH: Final = "spec.provider.aws"
REGION: Final = re.compile(r"[a-z0-9-]{1,64}")  # it becomes part of a host name
ROLE_SESSION: Final = "external-secrets-provider-aws"


@dataclass(frozen=True, slots=True)
class StaticKeys:
    """Access key, secret key, and a session token if one is named."""

    slots: Mapping[str, Need]


@dataclass(frozen=True, slots=True)
class Ambient:
    """Whatever the SDK finds where the operator runs: environment, web identity, container or instance role."""


Identity: TypeAlias = StaticKeys | Ambient


@dataclass(frozen=True, slots=True)
class Role:
    """One role to assume."""

    arn: str
    external_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Store:
    """``roles`` are assumed one after the other. ``prefix`` precedes every key."""

    region: str
    prefix: str
    identity: Identity
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """The value of a session: where to call, and what to sign with."""

    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    if model.service != "SecretsManager":
        return Wrong(InvalidSpec(f"{model.service} is not built yet", f"{PATH}.service"))
    if not REGION.fullmatch(model.region):
        return Wrong(InvalidSpec("region not found", f"{PATH}.region"))
    if model.session_tags_policy != "None" and store.kind == CLUSTER_SECRET_STORE:
        return Wrong(InvalidSpec("session tags by namespace are not built yet for cluster stores", f"{PATH}.sessionTagsPolicy"))
    return _identity(model.auth).map(lambda identity: Store(model.region, model.prefix, identity, _roles(model, store)))


def _identity(auth: Auth | None) -> Result[Identity, InvalidSpec]:
    if auth is not None and auth.jwt is not None:
        return Wrong(InvalidSpec("auth method jwt is not built yet", f"{PATH}.auth.jwt"))
    if auth is None or auth.secret_ref is None:
        return Success(Ambient())
    ref = auth.secret_ref
    if ref.access_key_id_secret_ref is None or ref.secret_access_key_secret_ref is None:
        return Wrong(InvalidSpec("accessKeyIDSecretRef and secretAccessKeySecretRef must both be given", f"{PATH}.auth.secretRef"))
    slots: dict[str, Need] = {
        ACCESS_KEY: _kit.secret_key(ref.access_key_id_secret_ref),
        SECRET_KEY: _kit.secret_key(ref.secret_access_key_secret_ref),
    }
    if ref.session_token_secret_ref is not None:
        slots[SESSION_TOKEN] = _kit.secret_key(ref.session_token_secret_ref)
    return Success(StaticKeys(slots))


def _roles(model: Spec, store: Ref) -> tuple[Role, ...]:
    """External id and tags go with the last role only."""
    before = tuple(Role(arn) for arn in model.additional_roles)
    if not model.role:
        return before
    tags = {tag.key: tag.value for tag in model.session_tags}
    if model.session_tags_policy == "Custom":
        tags |= model.custom_session_tags
    if model.session_tags_policy != "None":
        tags |= {"esoNamespace": store.namespace, "esoStoreName": store.name, "esoStoreKind": store.kind.name}
    return (*before, Role(model.role, model.external_id, tuple(tags.items()), model.transitive_tag_keys if tags else ()))


def needs(store: Store) -> Mapping[str, Need]:
    """The static keys."""
    return store.identity.slots if isinstance(store.identity, StaticKeys) else {}


def login(access: Access) -> Talk[Session | Failure]:
    """Credentials and the endpoint, from the SDK: it knows the ambient sources, STS, partitions and endpoint overrides."""
    store: Store = access.spec
    keys: dict[str, str] = {}
    if isinstance(store.identity, StaticKeys):
        keys = {slot: access.text(slot) for slot in (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN)}
        if not keys[ACCESS_KEY] or not keys[SECRET_KEY]:
            return Refused("AWS: the access key is empty")
    roles = [
        {"arn": role.arn, "external_id": role.external_id, "tags": dict(role.tags), "transitive": role.transitive, "session": ROLE_SESSION}
        for role in store.roles
    ]
    reply = yield SdkCall(name="aws.credentials", args={"service": "secretsmanager", "region": store.region, "roles": roles, **keys})
    match reply:
        case CallFailed(failure):
            return failure
        case SdkReply(value=dict() as held):
            return _session(held)
        case _:
            return Broken("AWS: no credentials came back")


def _session(held: Mapping[str, Any]) -> Session | Failure:
    texts = [held.get(name) for name in ("endpoint", ACCESS_KEY, SECRET_KEY)]
    lease = held.get("lease_s")
    if not all(isinstance(text, str) and text for text in texts) or not (lease is None or isinstance(lease, int | float)):
        return Broken("AWS: the credentials are incomplete")
    endpoint, access_key, secret_key = map(str, texts)
    return Session(value=Keys(endpoint, access_key, secret_key, str(held.get(SESSION_TOKEN) or "")), lease_s=lease)
