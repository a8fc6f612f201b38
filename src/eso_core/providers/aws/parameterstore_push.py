"""Service ParameterStore: writing.

An update reads value and tags (two calls) and writes what differs: value, tags. Tags that the metadata does not name stay as they are,
as long as it names none.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from pydantic import ConfigDict, Field
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.types import Bool, Json, Model, Strings
from eso_core.compat.gojson import marshal, marshal_strings
from eso_core.door import Absent, Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.providers._push import MANAGED_BY, MANAGED_BY_US, NOT_MANAGED, push_metadata, push_value, unwritten
from eso_core.providers.aws.calls import Line, Nothing, as_tags, fails, is_ours, marked, surplus, tags_of
from eso_core.providers.aws.parameterstore import NO_RESOURCE, One, Tags

DESCRIPTION: Final = f"secret '{MANAGED_BY}:{MANAGED_BY_US}'"
KMS_KEY: Final = "alias/aws/ssm"
ADVANCED: Final = "Advanced"
NOT_THERE: Final = frozenset({"ParameterNotFound", "ResourceNotFoundException"})

# ---------------------------------------------------------------- metadata


class Tier(Model):
    """``policies`` (expiration and notices) are a feature of tier Advanced."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["", "Standard", "Advanced", "Intelligent-Tiering"] = ""
    policies: Json = None


class Metadata(Model):
    """``PushSecret.spec.data[].metadata.spec``."""

    secret_type: Literal["", "String", "StringList", "SecureString"] = ""
    kms_key_id: str = Field(default="", alias="kmsKeyID")
    tier: Tier = Tier()
    encode_as_decoded: Bool = False
    tags: Strings = {}
    description: str = ""


class _Written(msgspec.Struct, rename="pascal"):
    version: int


def _value(push: Push, metadata: Metadata) -> Result[str, Failed]:
    """The text to write. A whole Secret is a JSON object of base64 texts, or of plain ones with ``encodeAsDecoded``."""
    if push.secret_key or metadata.encode_as_decoded:
        return push_value(push).bind(lambda value: _text(value.reveal()))
    return Success(marshal_strings({key: base64.b64encode(value.reveal()) for key, value in push.source.data.items()}).decode())


def _text(value: bytes) -> Result[str, Failed]:
    try:
        return Success(value.decode())
    except UnicodeDecodeError:
        return Wrong(unwritten("is not UTF-8, and a parameter is text"))


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, push: Push) -> Talk[Done | Failed]:
    """Create the parameter, or write what differs. ``property`` plays no part, as in the reference."""
    parsed = push_metadata(push, Metadata)
    if not isinstance(parsed, Success):
        return parsed.failure()
    metadata = parsed.unwrap()
    tags, value = marked(metadata.tags), _value(push, metadata)
    if isinstance(tags, Failed):
        return tags
    if not isinstance(value, Success):
        return value.failure()
    writer = _Writer(access, session.value)
    name = writer.name(push.key)
    held = yield from writer.ask("GetParameter", {"Name": name, "WithDecryption": True}, One, name)
    body = _body(name, value.unwrap(), metadata)
    if isinstance(held, Absent):
        outcome = yield from writer.ask("PutParameter", {**body, "Overwrite": False, "Tags": as_tags(tags)}, _Written, name)
        return Done(changed=True) if isinstance(outcome, _Written) else fails(outcome, f"PutParameter {name}")
    if not isinstance(held, One):
        return Failed(held)
    have = yield from writer.tags(name)
    if not isinstance(have, dict):
        return have
    if not is_ours(have):
        return NOT_MANAGED
    changed = held.parameter.value != value.unwrap()
    if changed:
        outcome = yield from writer.ask("PutParameter", {**body, "Overwrite": True}, _Written, name)
        if not isinstance(outcome, _Written):
            return fails(outcome, f"PutParameter {name}")
    retagged = (yield from writer.retag(name, have, tags)) if metadata.tags else False
    return retagged if isinstance(retagged, Failed) else Done(changed=changed or retagged)


def delete(access: Access, session: Session, delete: Delete) -> Talk[Done | Failed]:
    """The whole parameter. What is not ours stays, without an error, as in the reference."""
    writer = _Writer(access, session.value)
    name = writer.name(delete.key)
    body = {"ResourceType": "Parameter", "ResourceId": name}
    have = yield from writer.ask("ListTagsForResource", body, Tags, name, absent=NO_RESOURCE)
    if isinstance(have, Absent):
        return Done(changed=False)
    if not isinstance(have, Tags):
        return Failed(have)
    if not is_ours(tags_of(have.tag_list)):
        return Done(changed=False)
    outcome = yield from writer.ask("DeleteParameter", {"Name": name}, Nothing, name)
    return Done(changed=isinstance(outcome, Nothing)) if isinstance(outcome, Nothing | Absent) else Failed(outcome)


def exists(access: Access, session: Session, exists: Exists) -> Talk[bool | Failed]:
    """Whether it is there; ``property`` plays no part, as in the reference."""
    writer = _Writer(access, session.value)
    name = writer.name(exists.key)
    outcome = yield from writer.ask("GetParameter", {"Name": name}, One, name, absent=NOT_THERE)
    return True if isinstance(outcome, One) else (False if isinstance(outcome, Absent) else Failed(outcome))


def _body(name: str, value: str, metadata: Metadata) -> dict[str, Any]:
    kind = metadata.secret_type or "String"
    body: dict[str, Any] = {"Name": name, "Value": value, "Type": kind, "Description": metadata.description or DESCRIPTION}
    if kind == "SecureString":
        body["KeyId"] = metadata.kms_key_id or KMS_KEY
    if metadata.tier.type == ADVANCED:
        body["Tier"] = ADVANCED
        if metadata.tier.policies is not None:
            body["Policies"] = marshal(metadata.tier.policies, escape_html=False).decode()
    return body


class _Writer(Line):
    """The writes of one conversation."""

    __slots__ = ()

    def tags(self, name: str) -> Talk[dict[str, str] | Failed]:
        body = {"ResourceType": "Parameter", "ResourceId": name}
        outcome = yield from self.ask("ListTagsForResource", body, Tags, name, absent=NO_RESOURCE)
        return tags_of(outcome.tag_list) if isinstance(outcome, Tags) else fails(outcome, f"ListTagsForResource {name}")

    def retag(self, name: str, have: Mapping[str, str], wanted: Mapping[str, str]) -> Talk[bool | Failed]:
        """Make the tags those of the metadata."""
        resource = {"ResourceType": "Parameter", "ResourceId": name}
        gone = surplus(have, wanted)
        if gone:
            outcome = yield from self.ask("RemoveTagsFromResource", {**resource, "TagKeys": gone}, Nothing, name)
            if not isinstance(outcome, Nothing):
                return fails(outcome, f"RemoveTagsFromResource {name}")
        if any(have.get(key) != value for key, value in wanted.items()):
            outcome = yield from self.ask("AddTagsToResource", {**resource, "Tags": as_tags(wanted)}, Nothing, name)
            if not isinstance(outcome, Nothing):
                return fails(outcome, f"AddTagsToResource {name}")
            return True
        return bool(gone)
