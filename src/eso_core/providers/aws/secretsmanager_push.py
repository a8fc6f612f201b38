"""Service SecretsManager: writing.

An update reads tags and value (two calls) and writes what differs, each by itself: tags, resource policy, replicas, value. What the
metadata does not name stays as it is. The first version of a secret has the fixed id :data:`FIRST_VERSION`, later ones a random one.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
from pydantic import ConfigDict
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.types import Bool, Model, Strings
from eso_core.compat.gojson import parse_object
from eso_core.compat.sjson import set_text
from eso_core.door import Absent, Access, Blob, ConfigMapKey, Delete, Done, Exists, Failed, Found, Need, Push, SecretKey, Session, Talk
from eso_core.failure import Broken, InvalidSpec, Missing
from eso_core.providers._push import MANAGED_BY, MANAGED_BY_US, NOT_MANAGED, push_metadata, push_value, unwritten
from eso_core.providers.aws.calls import Line, Nothing, Tag, as_tags, fails, is_ours, marked, surplus, tags_of
from eso_core.providers.aws.secretsmanager import Value, value_of
from eso_core.wire import SdkCall, SdkReply

FIRST_VERSION: Final = "00000000-0000-0000-0000-000000000001"
DESCRIPTION: Final = f"secret '{MANAGED_BY}:{MANAGED_BY_US}'"
KMS_KEY: Final = "alias/aws/secretsmanager"
POLICY: Final = "policy"
"""Slot of the resource policy's text."""

# ---------------------------------------------------------------- metadata


class _Strict(Model):
    model_config = ConfigDict(extra="forbid")


class PolicySourceRef(_Strict):
    """A key of an object in the PushSecret's namespace."""

    kind: Literal["ConfigMap", "Secret"]
    name: str
    key: str


class ResourcePolicy(_Strict):
    """The policy on the secret itself; an empty text removes it."""

    block_public_policy: Bool | None = None
    policy_source_ref: PolicySourceRef


class Metadata(Model):
    """``PushSecret.spec.data[].metadata.spec``."""

    tags: Strings = {}
    description: str = ""
    secret_push_format: Literal["", "binary", "string"] = ""
    kms_key_id: str = ""
    resource_policy: ResourcePolicy | None = None
    replication_locations: tuple[str, ...] | None = None


def push_needs(push: Push) -> Result[Mapping[str, Need], InvalidSpec]:
    """The resource policy. Metadata that cannot be used is told by the push itself."""
    policy = push_metadata(push, Metadata).map(lambda metadata: metadata.resource_policy).value_or(None)
    if policy is None:
        return Success({})
    source = policy.policy_source_ref
    kind = ConfigMapKey if source.kind == "ConfigMap" else SecretKey
    return Success({POLICY: kind(source.name, source.key)})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a push wants."""

    value: bytes = field(repr=False)
    metadata: Metadata = field(repr=False)
    tags: Mapping[str, str]
    policy: Mapping[str, Any] | None = field(repr=False)
    policy_text: str = field(repr=False)


def _wanted(push: Push) -> Result[_Wanted, Failed]:
    metadata = push_metadata(push, Metadata)
    if not isinstance(metadata, Success):
        return Wrong(metadata.failure())
    held = metadata.unwrap()
    tags = marked(held.tags)
    if isinstance(tags, Failed):
        return Wrong(tags)
    if held.resource_policy is not None and POLICY not in push.held:
        return Wrong(Failed(Missing("the resource policy is not held")))
    text = push.held[POLICY].reveal() if held.resource_policy is not None else b""
    policy = parse_object(text) if text.strip() else Success({})
    if not isinstance(policy, Success):
        return Wrong(Failed(InvalidSpec("the resource policy is not a JSON object", "metadata.spec.resourcePolicy.policySourceRef")))
    return push_value(push).map(lambda value: _Wanted(value.reveal(), held, tags, policy.unwrap() or None, text.decode("utf-8", "replace")))


# ---------------------------------------------------------------- answers


class _Replica(msgspec.Struct, rename="pascal"):
    region: str = ""


class _Described(msgspec.Struct, rename="pascal"):
    arn: str = msgspec.field(name="ARN")
    tags: list[Tag] = []
    deleted_date: Any = None
    kms_key_id: str | None = None
    version_ids_to_stages: dict[str, list[str]] = {}
    replication_status: list[_Replica] = []


class _Written(msgspec.Struct, rename="pascal"):
    arn: str = msgspec.field(name="ARN")


class _Policy(msgspec.Struct, rename="pascal"):
    resource_policy: str | None = None


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, push: Push) -> Talk[Done | Failed]:
    """Create the secret, or write what differs."""
    wanted = _wanted(push)
    if not isinstance(wanted, Success):
        return wanted.failure()
    writer = _Writer(access, session.value)
    name = writer.name(push.key)
    held = yield from writer.ask("DescribeSecret", {"SecretId": name}, _Described, name)
    if isinstance(held, Absent):
        return (yield from writer.create(name, wanted.unwrap(), push.property))
    if not isinstance(held, _Described):
        return Failed(held)
    if not is_ours(tags_of(held.tags)):
        return NOT_MANAGED
    if held.deleted_date is not None:
        return Failed(Broken(f"DescribeSecret {name}: the secret is marked for deletion"))
    return (yield from writer.update(name, held, wanted.unwrap(), push.property))


def delete(access: Access, session: Session, delete: Delete) -> Talk[Done | Failed]:
    """The whole secret, its replicas first. What is not ours stays, without an error, as in the reference."""
    writer = _Writer(access, session.value)
    name = writer.name(delete.key)
    held = yield from writer.ask("DescribeSecret", {"SecretId": name}, _Described, name)
    if isinstance(held, Absent):
        return Done(changed=False)
    if not isinstance(held, _Described):
        return Failed(held)
    if not is_ours(tags_of(held.tags)) or held.deleted_date is not None:
        return Done(changed=False)
    if held.replication_status:
        removed = yield from writer.remove_replicas(name, [replica.region for replica in held.replication_status])
        if isinstance(removed, Failed):
            return removed
    store = writer.store
    how: dict[str, Any] = {"ForceDeleteWithoutRecovery": True} if store.forced else {}
    if store.recovery_days:
        how["RecoveryWindowInDays"] = store.recovery_days
    outcome = yield from writer.ask("DeleteSecret", {"SecretId": held.arn, **how}, _Written, name)
    if isinstance(outcome, _Written | Absent):
        return Done(changed=isinstance(outcome, _Written))
    return Failed(outcome)


def exists(access: Access, session: Session, exists: Exists) -> Talk[bool | Failed]:
    """Whether it has a current value; ``property`` plays no part, as in the reference."""
    writer = _Writer(access, session.value)
    name = writer.name(exists.key)
    outcome = yield from writer.ask("GetSecretValue", {"SecretId": name}, Value, name)
    return True if isinstance(outcome, Value) else (False if isinstance(outcome, Absent) else Failed(outcome))


class _Writer(Line):
    """The writes of one conversation. Each gives whether something was written."""

    __slots__ = ()

    def create(self, name: str, wanted: _Wanted, prop: str) -> Talk[Done | Failed]:
        value = _final(wanted.value, prop, b"")
        form = _form(value, wanted.metadata) if isinstance(value, bytes) else value
        if isinstance(form, Failed):
            return form
        kms_key = wanted.metadata.kms_key_id or KMS_KEY
        body: dict[str, Any] = {
            "Name": name,
            "Description": wanted.metadata.description or DESCRIPTION,
            "KmsKeyId": kms_key,
            "Tags": as_tags(wanted.tags),
            "ClientRequestToken": FIRST_VERSION,
            **form,
        }
        if wanted.metadata.replication_locations:
            body["AddReplicaRegions"] = _replicas(wanted.metadata.replication_locations, kms_key)
        outcome = yield from self.ask("CreateSecret", body, _Written, name)
        if not isinstance(outcome, _Written):
            return fails(outcome, f"CreateSecret {name}")
        if wanted.policy is not None:
            written = yield from self.put_policy(outcome.arn, wanted)
            if isinstance(written, Failed):
                return written
        return Done(changed=True)

    def update(self, name: str, held: _Described, wanted: _Wanted, prop: str) -> Talk[Done | Failed]:
        current = (yield from self.current(name)) if held.version_ids_to_stages else None
        if isinstance(current, Failed):
            return current
        value = _final(wanted.value, prop, current or b"")
        form = _form(value, wanted.metadata) if isinstance(value, bytes) else value
        if isinstance(form, Failed):
            return form
        changed = False
        for step in (self.tags(name, held, wanted), self.policy(name, wanted), self.replicas(name, held, wanted)):
            written = yield from step
            if isinstance(written, Failed):
                return written
            changed |= written
        if value == current:
            return Done(changed=changed)
        token = FIRST_VERSION if not held.version_ids_to_stages else (yield from _version())
        if isinstance(token, Failed):
            return token
        outcome = yield from self.ask("PutSecretValue", {"SecretId": name, "ClientRequestToken": token, **form}, _Written, name)
        return Done(changed=True) if isinstance(outcome, _Written) else fails(outcome, f"PutSecretValue {name}")

    def current(self, name: str) -> Talk[bytes | Failed | None]:
        """The current value; ``None`` where no version is current."""
        outcome = yield from self.ask("GetSecretValue", {"SecretId": name}, Value, name)
        if isinstance(outcome, Absent):
            return None
        if not isinstance(outcome, Value):
            return Failed(outcome)
        answer = value_of(outcome, f"GetSecretValue {name}")
        if isinstance(answer, Found) and isinstance(answer.payload, Blob):
            return answer.payload.value.reveal()
        return answer if isinstance(answer, Failed) else None

    def tags(self, name: str, held: _Described, wanted: _Wanted) -> Talk[bool | Failed]:
        """Make the tags those of the metadata, if it names any."""
        have = tags_of(held.tags)
        if not wanted.metadata.tags:
            return False
        gone = surplus(have, wanted.tags)
        if gone:
            outcome = yield from self.ask("UntagResource", {"SecretId": name, "TagKeys": gone}, Nothing, name)
            if not isinstance(outcome, Nothing):
                return fails(outcome, f"UntagResource {name}")
        if any(have.get(key) != value for key, value in wanted.tags.items()):
            outcome = yield from self.ask("TagResource", {"SecretId": name, "Tags": as_tags(wanted.tags)}, Nothing, name)
            if not isinstance(outcome, Nothing):
                return fails(outcome, f"TagResource {name}")
            return True
        return bool(gone)

    def policy(self, name: str, wanted: _Wanted) -> Talk[bool | Failed]:
        """Make the resource policy that of the metadata, if it names one."""
        if wanted.metadata.resource_policy is None:
            return False
        outcome = yield from self.ask("GetResourcePolicy", {"SecretId": name}, _Policy, name)
        if not isinstance(outcome, _Policy | Absent):
            return Failed(outcome)
        text = (outcome.resource_policy or "") if isinstance(outcome, _Policy) else ""
        if wanted.policy is None:
            if not text:
                return False
            gone = yield from self.ask("DeleteResourcePolicy", {"SecretId": name}, Nothing, name)
            return True if isinstance(gone, Nothing) else fails(gone, f"DeleteResourcePolicy {name}")
        if text and parse_object(text.encode()).value_or(None) == wanted.policy:
            return False
        return (yield from self.put_policy(name, wanted))

    def put_policy(self, name: str, wanted: _Wanted) -> Talk[bool | Failed]:
        body: dict[str, Any] = {"SecretId": name, "ResourcePolicy": wanted.policy_text}
        policy = wanted.metadata.resource_policy
        if policy is not None and policy.block_public_policy is not None:
            body["BlockPublicPolicy"] = policy.block_public_policy
        outcome = yield from self.ask("PutResourcePolicy", body, Nothing, name)
        return True if isinstance(outcome, Nothing) else fails(outcome, f"PutResourcePolicy {name}")

    def replicas(self, name: str, held: _Described, wanted: _Wanted) -> Talk[bool | Failed]:
        """Make the replicas those of the metadata, if it names a list, be it empty."""
        regions = wanted.metadata.replication_locations
        if regions is None:
            return False
        have = [replica.region for replica in held.replication_status]
        gone, new = (
            [region for region in have if region not in regions],
            [region for region in dict.fromkeys(regions) if region not in have],
        )
        if gone:
            removed = yield from self.remove_replicas(name, gone)
            if isinstance(removed, Failed):
                return removed
        if new:
            body = {"SecretId": name, "AddReplicaRegions": _replicas(new, held.kms_key_id)}
            outcome = yield from self.ask("ReplicateSecretToRegions", body, Nothing, name)
            if not isinstance(outcome, Nothing):
                return fails(outcome, f"ReplicateSecretToRegions {name}")
        return bool(gone or new)

    def remove_replicas(self, name: str, regions: list[str]) -> Talk[bool | Failed]:
        body = {"SecretId": name, "RemoveReplicaRegions": regions}
        outcome = yield from self.ask("RemoveRegionsFromReplication", body, Nothing, name)
        return True if isinstance(outcome, Nothing) else fails(outcome, f"RemoveRegionsFromReplication {name}")


def _version() -> Talk[str | Failed]:
    """A random id (a version 4 UUID). A digest of the value would do as well, but tell about it to whoever may list versions."""
    reply = yield SdkCall(name="ambient.chance", args={"bytes": 16})
    if not (isinstance(reply, SdkReply) and isinstance(reply.value, bytes) and len(reply.value) == 16):
        return Failed(Broken("there is no chance to make a version id of"))
    raw = bytearray(reply.value)
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _final(value: bytes, prop: str, current: bytes) -> bytes | Failed:
    """The whole value: ``value``, or the current JSON object with ``value`` at the property."""
    if not prop:
        return value
    made = set_text(current, prop, value)
    return made.unwrap() if isinstance(made, Success) else Failed(InvalidSpec(f"the secret {made.failure()}", "match.remoteRef.property"))


def _form(value: bytes, metadata: Metadata) -> dict[str, str] | Failed:
    if metadata.secret_push_format != "string":
        return {"SecretBinary": base64.b64encode(value).decode()}
    try:
        return {"SecretString": value.decode()}
    except UnicodeDecodeError:
        return unwritten("is not UTF-8, which secretPushFormat string asks for")


def _replicas(regions: tuple[str, ...] | list[str], kms_key: str | None) -> list[dict[str, str]]:
    return [{"Region": region, **({"KmsKeyId": kms_key} if kms_key else {})} for region in regions]
