"""Writing to KV engines: push, delete and exists, guarded by the managed tag.

The tag, ``managed-by: external-secrets``, is custom metadata. Version 2 engines keep that beside the secret and tell it with the value,
since Vault 1.9; version 1 engines have none, so it is an object under the key ``custom_metadata`` of the data.

=====================  ======================================================================
what is there          a push
=====================  ======================================================================
nothing                writes the tag, then the value
a deleted version      the same: it does not guard what comes after it
a secret without tag   is refused
the same value         writes nothing
another value          writes the value
=====================  ======================================================================

A push without property replaces the data by the object that the value is; with one it sets one key to the value as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.compat.gojson import Json, Numbers, marshal, parse_object
from eso_core.compat.property import property_vault
from eso_core.door import Absent, Access, Blob, Delete, Done, Exists, Failed, Found, Push, Session, Talk
from eso_core.failure import Broken, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers._push import MANAGED_BY, MANAGED_BY_US, NOT_MANAGED, push_value, unwritten
from eso_core.providers._vault.kv import Place, custom_of, exact, metadata, place, read
from eso_core.providers._vault.store import Line, Store, line_of, says_absent, what
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply

TAG: Final[Mapping[str, str]] = {MANAGED_BY: MANAGED_BY_US}
CUSTOM: Final = "custom_metadata"
NO_TEXT: Final = Failed(Broken("the property is there already and is no text; it is not replaced"))

# ---------------------------------------------------------------- what is there


@dataclass(frozen=True, slots=True)
class Remote:
    """A secret before it is written. ``data=None``: there is none. ``version`` is that of the latest write, 0 where there was none."""

    data: dict[str, Json] | None = field(repr=False)
    version: int
    custom: Mapping[str, str]

    @property
    def managed(self) -> bool:
        """It carries the tag."""
        return self.custom.get(MANAGED_BY) == MANAGED_BY_US


class _About(msgspec.Struct):
    version: int = 0
    custom_metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Versioned(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()
    metadata: _About | None = None


class _V2(msgspec.Struct):
    data: _Versioned | None = None


class _V1(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()


def _remote(line: Line, at: Place, key: str) -> Talk[Remote | Failed]:
    call = line.call("GET", at.data, "ReadSecretData")
    reply = yield from line.send(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    absent = reply.status == 404 and says_absent(reply.body)
    if not absent and not 200 <= reply.status < 300:
        return Failed(line.failure(call, reply))
    if not line.store.v2:
        return Remote(None, 0, {}) if absent else _remote_v1(call, reply)
    return (yield from _remote_v2(line, at, key, (call, reply)))


def _remote_v1(call: HttpCall, reply: HttpReply) -> Remote | Failed:
    held = _kit.decoded(reply.body, _V1)
    data = _object(bytes(held.data)) if held is not None else None
    if data is None:
        return _strange(call)
    tags = data.pop(CUSTOM, None)
    texts = {name: value for name, value in tags.items() if isinstance(value, str)} if isinstance(tags, dict) else {}
    return Remote(data, 0, texts)


def _remote_v2(line: Line, at: Place, key: str, seen: tuple[HttpCall, HttpReply]) -> Talk[Remote | Failed]:
    """With a second call where the answer has no custom metadata, or none with the tag and there is another place for it."""
    call, reply = seen
    held = _kit.decoded(reply.body, _V2)
    if held is None:
        return _strange(call)
    inner = held.data or _Versioned()
    about = inner.metadata or _About()
    raw = bytes(inner.data)
    deleted = raw in (b"", b"null")
    if deleted and reply.status != 404 and inner.metadata is None:
        return _strange(call)
    data = None if deleted else _object(raw)
    if data is None and not deleted:
        return _strange(call)
    told = about.custom_metadata is not msgspec.UNSET
    remote = Remote(data, about.version, custom_of(about.custom_metadata) if about.custom_metadata is not msgspec.UNSET else {})
    if data is None or remote.managed:
        return remote
    for other in _tag_places(line.store, at, key, told=told):
        found = yield from metadata(line, other)
        if isinstance(found, Failed):
            return found
        if not isinstance(found, Absent) and found.custom.get(MANAGED_BY) == MANAGED_BY_US:
            return Remote(data, remote.version or _current(found.system), {**remote.custom, **found.custom})
    return remote


def _tag_places(store: Store, at: Place, key: str, *, told: bool) -> list[Place]:
    """Where else the tag may be: Vault before 1.9 tells it with the metadata only; the reference keeps it where a key that repeats the
    mount would have its metadata if nothing were left out of it."""
    own = [] if told else [at]
    doubled = exact(store, key) if store.mount is not None else at
    return own if isinstance(doubled, InvalidSpec) or doubled == at else [*own, doubled]


def _current(system: Mapping[str, msgspec.Raw]) -> int:
    return _kit.decoded(bytes(system.get("current_version", b"1")), int) or 1


def _object(raw: bytes) -> dict[str, Json] | None:
    """A JSON object whose numbers keep their text."""
    parsed = parse_object(raw, Numbers.TEXT) if raw.lstrip().startswith(b"{") and not _kit.crowded(raw) else Wrong("")
    return parsed.unwrap() if isinstance(parsed, Success) else None


def _strange(call: HttpCall) -> Failed:
    return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))


# ---------------------------------------------------------------- writing


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """One read, and at most two writes."""
    line = line_of(access, session.value)
    at = writable(line.store, command.key)
    value = push_value(command)
    if isinstance(at, InvalidSpec):
        return Failed(at)
    if isinstance(value, Wrong):
        refused: Failed = value.failure()
        return refused
    remote = yield from _remote(line, at, command.key)
    if isinstance(remote, Failed):
        return remote
    if remote.data is not None and not remote.managed:
        return NOT_MANAGED
    wanted = _merged(remote.data or {}, command.property, value.unwrap())
    if isinstance(wanted, Wrong):
        unusable: Failed = wanted.failure()
        return unusable
    if remote.data is not None and _canonical(wanted.unwrap(), v2=line.store.v2) == _canonical(remote.data, v2=line.store.v2):
        return Done(changed=False)
    return (yield from _write(line, at, remote, wanted.unwrap(), "WriteSecretData"))


def _merged(held: Mapping[str, Json], prop: str, value: SecretBytes) -> Result[dict[str, Json], Failed]:
    """The data after a push."""
    raw = value.reveal()
    if not prop:
        whole = _object(raw)
        return Success(whole) if whole is not None else Wrong(unwritten("is not a JSON object, and no property is named"))
    if prop in held and not isinstance(held[prop], str):
        return Wrong(NO_TEXT)
    try:
        return Success({**held, prop: raw.decode()})
    except UnicodeDecodeError:
        return Wrong(unwritten("is not UTF-8 text, which is all that Vault can hold"))


def _canonical(data: dict[str, Json], *, v2: bool) -> bytes:
    """One text for all data that an engine does not tell apart: version 2 keeps numbers as float64, version 1 as they were written."""
    text = marshal(data, escape_html=False)
    rounded = parse_object(text) if v2 else Success(data)
    return marshal(rounded.unwrap(), escape_html=False) if isinstance(rounded, Success) else text


def _write(line: Line, at: Place, remote: Remote, data: dict[str, Json], name: str) -> Talk[Done | Failed]:
    """The tag where it is not there yet, then the data. ``cas`` is the version that is replaced, 0 for none."""
    tags: dict[str, Json] = {**remote.custom, **TAG}
    if not line.store.v2:
        return (yield from _put(line, at.data, {**data, CUSTOM: tags}, name))
    if not remote.managed:
        tagged = yield from _put(line, at.metadata, {CUSTOM: tags}, name)
        if isinstance(tagged, Failed):
            return tagged
    options: dict[str, Json] = {"options": {"cas": remote.version}} if line.store.cas else {}
    return (yield from _put(line, at.data, {"data": data, **options}, name))


def _put(line: Line, path: str, body: dict[str, Json], name: str) -> Talk[Done | Failed]:
    return (yield from _done(line, line.call("PUT", path, name, body=marshal(body, escape_html=False))))


def _done(line: Line, call: HttpCall) -> Talk[Done | Failed]:
    reply = yield from line.send(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    return Done(changed=True) if 200 <= reply.status < 300 else Failed(line.failure(call, reply))


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """One key of the data, or with the last of them, or without a property, the secret with all its versions. Others' are left alone."""
    line = line_of(access, session.value)
    at = writable(line.store, command.key)
    if isinstance(at, InvalidSpec):
        return Failed(at)
    remote = yield from _remote(line, at, command.key)
    if isinstance(remote, Failed):
        return remote
    if remote.data is None or not remote.managed:
        return Done(changed=False)
    if command.property:
        if command.property not in remote.data:
            return Done(changed=False)
        left = {name: value for name, value in remote.data.items() if name != command.property}
        if left:
            return (yield from _write(line, at, remote, left, "DeleteSecret"))
    return (yield from _done(line, line.call("DELETE", at.metadata, "DeleteSecret")))


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """There is a value, and in it the property. A property that is null does not count."""
    line = line_of(access, session.value)
    found = yield from read(line, place(line.store, command.key))
    if isinstance(found, Failed):
        return found
    if not (isinstance(found, Found) and isinstance(found.payload, Blob)):
        return False
    if not command.property:
        return True
    data = _object(found.payload.value.reveal())
    if data is None:
        return Failed(Broken("the data is not a JSON object of a size that can be read"))
    if command.property in data:
        return data[command.property] is not None
    return isinstance(property_vault(data, command.property), Success)


def writable(store: Store, key: str) -> Place | InvalidSpec:
    """The place of a pushed secret. Without a mount, version 1 paths could name anything that the server has, so they are refused."""
    if store.mount is None and not store.v2:
        return InvalidSpec("pushing to a KV engine of version 1 needs spec.provider.vault.path")
    at = place(store, key)
    if isinstance(at, InvalidSpec):
        return at
    head = f"{store.mount}/data/" if store.v2 else f"{store.mount}/"
    rest = at.data.partition("/data/")[2] if store.mount is None else at.data.removeprefix(head)
    return at if rest.strip("/") else InvalidSpec("the remote key names no secret", "remoteKey")
