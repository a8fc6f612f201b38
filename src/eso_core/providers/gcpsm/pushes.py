"""Writing to Secret Manager: a secret is created with the managed label, and a version is added where the payload differs.

=====================  =========================================================================================
command                calls
=====================  =========================================================================================
push, new              GetSecret, CreateSecret, AddSecretVersion
push, unchanged        GetSecret, AccessSecretVersion
push, changed          the same, UpdateSecret if labels, annotations or topics differ, AddSecretVersion
delete                 GetSecret, DeleteSecret
exists                 ListSecretVersions
=====================  =========================================================================================

A property is a member of the JSON in the secret. It can be written into a secret that is not managed yet, which takes it over, as in the
reference.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.types import Model
from eso_core.compat import gjson
from eso_core.compat.gojson import is_valid, object_members, quoted
from eso_core.compat.property import property_gcp
from eso_core.compat.sjson import STEPS_MAX, set_text
from eso_core.door import Absent, Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.failure import Failure, InvalidSpec
from eso_core.providers import _push
from eso_core.providers._gcp import api as gcp_api
from eso_core.providers._gcp.api import ask
from eso_core.providers.gcpsm.store import LATEST, Accessed, Line, Version, bad_key, crc32c, line_of, newest_enabled, payload_of
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall

MERGE: Final = "Merge"
POLICIES: Final = ("", "Replace", MERGE)
DOT: Final = re.compile(r"(?<!\\)\.")  # between two steps of a path
ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
PAYLOAD_MAX: Final = 64 * 1024  # bytes, set by the service


class Metadata(Model):
    """``spec`` of the metadata of a PushSecret. Without ``topics`` those of the secret stay."""

    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    topics: tuple[str, ...] | None = None
    merge_policy: str = ""
    cmek_key_name: str = ""
    replication_location: str = ""
    replication_locations: tuple[str, ...] = ()


class _Topic(msgspec.Struct):
    name: str = ""


class _Secret(msgspec.Struct):
    name: str  # required: an answer without it is none, whatever its status
    etag: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    topics: list[_Topic] = []


class _Nothing(msgspec.Struct):
    pass


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a push is to leave behind."""

    key: str
    property: str
    value: SecretBytes
    metadata: Metadata = field(repr=False)

    def labels(self, held: Mapping[str, str]) -> dict[str, str]:
        """With the managed label. Labels that are merged with are not changed; those beside a property stay."""
        kept = held if self.property or self.metadata.merge_policy == MERGE else {}
        return {**self.metadata.labels, **kept, _push.MANAGED_BY: _push.MANAGED_BY_US}

    def annotations(self, held: Mapping[str, str]) -> dict[str, str]:
        return dict(held) if self.property else dict(self.metadata.annotations)

    def topics(self, held: list[str]) -> list[str]:
        """Those named, behind those that are merged with; as they are where none are named."""
        if self.metadata.topics is None:
            return held
        kept = held if self.metadata.merge_policy == MERGE else []
        return list(dict.fromkeys([*kept, *self.metadata.topics]))


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """One value into a secret, or into one property of it."""
    line = line_of(access, session)
    wanted = _wanted(command)
    if isinstance(wanted, Wrong):
        failed: Failed = wanted.failure()
        return failed
    held = yield from _secret(line, command.key)
    if isinstance(held, Absent):
        return (yield from _created(line, wanted.unwrap()))
    if not isinstance(held, _Secret):
        return Failed(held)
    if not command.property and not _managed(held):
        return _push.NOT_MANAGED
    return (yield from _updated(line, wanted.unwrap(), held))


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """A managed secret, or one property of it; with its last property the secret goes. Others are left alone."""
    line = line_of(access, session)
    wrong = bad_key(command.key)
    held = (yield from _secret(line, command.key)) if wrong is None else wrong
    if isinstance(held, Absent):
        return Done(changed=False)
    if not isinstance(held, _Secret):
        return Failed(held)
    if not _managed(held):
        return Done(changed=False)
    if command.property:
        current = yield from _current(line, command.key)
        if isinstance(current, Failed):
            return current
        rest = _without(current.reveal(), command.property) if current is not None else None
        if rest is None:
            return Done(changed=False)
        if rest != b"{}":
            return (yield from _added(line, command.key, rest))
    query = f"?{urlencode({'etag': held.etag})}" if held.etag else ""
    gone = yield from ask(line.call("DELETE", "DeleteSecret", f"/{command.key}", query=query), f"DeleteSecret {command.key}", _Nothing)
    if isinstance(gone, Absent):
        return Done(changed=False)
    return Done(changed=True) if isinstance(gone, _Nothing) else Failed(gone)


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether the secret has a version that is enabled, and the property in its latest one."""
    line = line_of(access, session)
    wrong = bad_key(command.key)
    if wrong is not None:
        return Failed(wrong)
    if command.property:
        current = yield from _current(line, command.key)
        if isinstance(current, Failed):
            return current
        return current is not None and _read(current.reveal(), command.property) is not None
    newest = yield from newest_enabled(line, command.key)
    if isinstance(newest, Absent):
        return False
    if not isinstance(newest, str):
        return Failed(newest)
    if newest:
        return True
    current = yield from _current(line, command.key)  # says why there is no version that can be used
    return current if isinstance(current, Failed) else current is not None


# ---------------------------------------------------------------- steps


def _wanted(command: Push) -> Result[_Wanted, Failed]:
    wrong = bad_key(command.key)
    if wrong is not None:
        return Wrong(Failed(wrong))
    if command.property and command.metadata is not None:
        return Wrong(Failed(InvalidSpec("cannot specify metadata and property at the same time", "metadata")))
    metadata = _push.push_metadata(command, Metadata)
    value = _push.push_value(command)
    if isinstance(metadata, Wrong):
        return metadata
    if isinstance(value, Wrong):
        return value
    if metadata.unwrap().merge_policy not in POLICIES:
        return Wrong(Failed(InvalidSpec("must be Replace or Merge", "metadata.spec.mergePolicy")))
    return Success(_Wanted(command.key, command.property, value.unwrap(), metadata.unwrap()))


def _secret(line: Line, key: str) -> Talk[_Secret | Absent | Failure]:
    return (yield from ask(line.call("GET", "GetSecret", f"/{key}"), f"GetSecret {key}", _Secret))


def _managed(held: _Secret) -> bool:
    return held.labels.get(_push.MANAGED_BY) == _push.MANAGED_BY_US


def _created(line: Line, wanted: _Wanted) -> Talk[Done | Failed]:
    """A new secret with its first version."""
    data = _data(wanted, b"")
    if isinstance(data, Failed):
        return data
    secret: dict[str, Any] = {"labels": wanted.labels({}), "annotations": wanted.annotations({}), "topics": _named(wanted.topics([]))}
    body = {name: value for name, value in secret.items() if value}
    if not line.store.location:  # a regional secret must not have one
        body["replication"] = replication(wanted.metadata)
    query = f"?{urlencode({'secretId': wanted.key})}"
    call = line.call("POST", "CreateSecret", "", query=query, body=orjson.dumps(body))
    created = yield from ask(call, f"CreateSecret {wanted.key}", _Secret)
    if not isinstance(created, _Secret):
        return Failed(gcp_api.failed(created, f"CreateSecret {wanted.key}"))
    return (yield from _added(line, wanted.key, data))


def replication(metadata: Metadata) -> dict[str, Any]:
    """Automatic, or in the locations named, each with the key where there is one."""
    locations = metadata.replication_locations or ((metadata.replication_location,) if metadata.replication_location else ())
    key = {"customerManagedEncryption": {"kmsKeyName": metadata.cmek_key_name}} if metadata.cmek_key_name else {}
    if not locations:
        return {"automatic": key}
    return {"userManaged": {"replicas": [{"location": location, **key} for location in locations]}}


def _updated(line: Line, wanted: _Wanted, held: _Secret) -> Talk[Done | Failed]:
    """The metadata where it differs, then a version where the payload differs."""
    topics = [topic.name for topic in held.topics]
    before: dict[str, Any] = {"labels": held.labels, "annotations": held.annotations, "topics": _named(topics)}
    after: dict[str, Any] = {
        "labels": wanted.labels(held.labels),
        "annotations": wanted.annotations(held.annotations),
        "topics": _named(wanted.topics(topics)),
    }
    differing = [name for name in before if before[name] != after[name]]
    current = yield from _current(line, wanted.key)
    if isinstance(current, Failed):
        return current
    original = current.reveal() if current is not None else b""
    data = _data(wanted, original)
    if isinstance(data, Failed):
        return data
    if differing:
        fields = {name: after[name] for name in differing}
        failure = yield from _patched(line, wanted.key, held, fields)
        if failure is not None:
            return failure
    if current is not None and data == original:
        return Done(changed=bool(differing))
    return (yield from _added(line, wanted.key, data))


def _named(topics: list[str]) -> list[dict[str, str]]:
    return [{"name": name} for name in topics]


def _patched(line: Line, key: str, held: _Secret, fields: Mapping[str, Any]) -> Talk[Failed | None]:
    body = {"name": held.name, **({"etag": held.etag} if held.etag else {}), **fields}
    query = f"?{urlencode({'updateMask': ','.join(fields)})}"
    call = line.call("PATCH", "UpdateSecret", f"/{key}", query=query, body=orjson.dumps(body))
    patched = yield from ask(call, f"UpdateSecret {key}", _Secret)
    return None if isinstance(patched, _Secret) else Failed(gcp_api.failed(patched, f"UpdateSecret {key}"))


def _current(line: Line, key: str) -> Talk[SecretBytes | Failed | None]:
    """The payload of the latest version; ``None`` where there is none."""
    what = f"AccessSecretVersion {key}/{LATEST}"
    held = yield from ask(line.call("GET", "AccessSecretVersion", f"/{key}/versions/{LATEST}:access"), what, Accessed)
    if isinstance(held, Absent):
        return None
    value = payload_of(held, what) if isinstance(held, Accessed) else held
    return value if isinstance(value, SecretBytes) else Failed(value)


def _added(line: Line, key: str, data: bytes) -> Talk[Done | Failed]:
    payload = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(crc32c(data))}
    call: HttpCall = line.call("POST", "AddSecretVersion", f"/{key}:addVersion", body=orjson.dumps({"payload": payload}))
    added = yield from ask(call, f"AddSecretVersion {key}", Version)
    return Done(changed=True) if isinstance(added, Version) else Failed(gcp_api.failed(added, f"AddSecretVersion {key}"))


# ---------------------------------------------------------------- payloads


def _read(raw: bytes, prop: str) -> bytes | None:
    return property_gcp(raw, prop, "").value_or(None)


def _data(wanted: _Wanted, original: bytes) -> bytes | Failed:
    """The payload to be: the value, or the JSON with the value in the property; as it is where it is there already."""
    value = wanted.value.reveal()
    if not wanted.property:
        return value if 0 < len(value) <= PAYLOAD_MAX else _push.unwritten(f"must have 1 to {PAYLOAD_MAX} bytes")
    if _read(original, wanted.property) == value:
        return original
    try:
        value.decode()
    except UnicodeDecodeError:
        return _push.unwritten("is not UTF-8 text, which a property in JSON has to be")
    result = set_text(original, _path(original, wanted.property), value)
    if isinstance(result, Wrong):
        return Failed(InvalidSpec(f"the property of {wanted.key}: {result.failure()}", "property"))
    data = result.unwrap()
    return data if len(data) <= PAYLOAD_MAX else _push.unwritten(f"makes the secret larger than {PAYLOAD_MAX} bytes")


def _path(original: bytes, prop: str) -> str:
    """The path of the property; of one member, dots and all, where there is such a member, for that is what reads find first."""
    return gjson.escape_dots(prop) if "." in prop and _member(original, prop) else prop


def _member(original: bytes, name: str) -> bool:
    return is_valid(original) and original.lstrip().startswith(b"{") and name in object_members(original)


def _without(original: bytes, prop: str) -> bytes | None:
    """The JSON object without the property, a member or a path of members (escapes as in gjson); ``None`` where it is not there."""
    if prop.count(".") > STEPS_MAX or not is_valid(original) or not original.lstrip().startswith(b"{"):
        return None
    members = object_members(original)
    if prop in members:
        del members[prop]
    else:
        name, *rest = DOT.split(prop, maxsplit=1)
        name = ESCAPED.sub(r"\1", name)
        inner = _without(members[name], rest[0]) if rest and name in members else None
        if not rest and name in members:
            del members[name]
        elif inner is not None:
            members[name] = inner
        else:
            return None
    parts = (quoted(name.encode("utf-8", "surrogateescape")).encode() + b":" + value for name, value in members.items())
    return b"{%b}" % b",".join(parts)
