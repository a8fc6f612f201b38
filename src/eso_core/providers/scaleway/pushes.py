"""Writing to Scaleway's Secret Manager: push, delete and exists. There is no mark of ownership, as in the reference.

A push reads the latest enabled version, and writes none where that is equal. A new version disables the one before it, in the same call.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from returns.result import Failure as Wrong

from eso_core.door import Absent, Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers._push import push_value, unwritten
from eso_core.providers.scaleway.calls import Listed, Version, access_version, first, path_of
from eso_core.providers.scaleway.store import LATEST, ROOT, UUID, At, Line, failure_of, line_of, named, says_absent, what
from eso_core.wire import HttpCall, HttpReply

T = TypeVar("T")

PAYLOAD_MAX: Final = 64 * 1024  # bytes
PROPERTY: Final = Failed(InvalidSpec("a push to Scaleway writes a whole secret and no property of it", "remoteRef.property"))


class _Created(msgspec.Struct):
    id: str


class _Written(msgspec.Struct):
    secret_id: str
    revision: int


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Write the value as a new version, unless it is the current one."""
    line, at = line_of(access), named(command.key, "pushed")
    if isinstance(at, InvalidSpec):
        return Failed(at)
    if command.property:
        return PROPERTY
    pushed = push_value(command)
    if isinstance(pushed, Wrong):
        refused: Failed = pushed.failure()
        return refused
    value = pushed.unwrap().reveal()
    if len(value) > PAYLOAD_MAX:
        return unwritten(f"is larger than {PAYLOAD_MAX} bytes, which is all that Scaleway holds")
    held = yield from access_version(line, at, LATEST)
    if isinstance(held, Version):
        return Done(changed=False) if held.data == value else (yield from _add(line, held.secret_id, value))
    if not isinstance(held, Absent):
        return Failed(held)
    return (yield from _put(line, at, value))


def _put(line: Line, at: At, value: bytes) -> Talk[Done | Failed]:
    """Where the root folder, or the folder that is named, has no such secret with a version that can be read."""
    secret = yield from first(line, at)
    if isinstance(secret, Listed):
        held = (yield from access_version(line, At(ident=secret.id), LATEST)) if _elsewhere(at, secret) else Absent()
        if isinstance(held, Version) and held.data == value:
            return Done(changed=False)
        if not isinstance(held, Version | Absent):
            return Failed(held)
        return (yield from _add(line, secret.id, value))
    if not isinstance(secret, Absent):
        return Failed(secret)
    body = {"project_id": line.store.project, "name": at.name, "path": at.folder or ROOT}
    call = line.call("POST", "/secrets", "CreateSecret", body=body)
    created = yield from _post(line, call, _Created)
    if not isinstance(created, _Created):
        return Failed(created)
    if not UUID.fullmatch(created.id):
        return Failed(Broken(f"{what(call)}: the id of the secret is not one"))
    return (yield from _add(line, created.id, value))


def _elsewhere(at: At, secret: Listed) -> bool:
    """A secret that was found by its name alone, in a folder that was not looked into yet."""
    return not at.folder and secret.path != ROOT


def _add(line: Line, ident: str, value: bytes) -> Talk[Done | Failed]:
    body: Mapping[str, Any] = {
        "data": base64.b64encode(value).decode(),
        "data_crc32": zlib.crc32(value),
        "disable_previous": True,
    }
    call = line.call("POST", f"{path_of(ident)}/versions", "CreateSecretVersion", body=body)
    written = yield from _post(line, call, _Written)
    return Done(changed=True) if isinstance(written, _Written) else Failed(written)


def _post(line: Line, call: HttpCall, of: type[T]) -> Talk[T | Failure]:
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    if not 200 <= reply.status < 300:
        return failure_of(call, reply)
    held = _kit.decoded(reply.body, of)
    return held if held is not None else Broken(f"{what(call)}: the answer is not JSON of the expected shape")


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Remove the secret with all its versions."""
    line, at = line_of(access), named(command.key, "deleted")
    if isinstance(at, InvalidSpec):
        return Failed(at)
    if command.property:
        return PROPERTY
    secret = yield from first(line, at)
    if not isinstance(secret, Listed):
        return Done(changed=False) if isinstance(secret, Absent) else Failed(secret)
    call = line.call("DELETE", path_of(secret.id), "DeleteSecret")
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if 200 <= reply.status < 300:
        return Done(changed=True)
    return Done(changed=False) if says_absent(reply) else Failed(failure_of(call, reply))


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether there is the secret."""
    line, at = line_of(access), named(command.key, "looked for")
    if isinstance(at, InvalidSpec):
        return Failed(at)
    if command.property:
        return PROPERTY
    secret = yield from first(line, at)
    return isinstance(secret, Listed) if isinstance(secret, Listed | Absent) else Failed(secret)
