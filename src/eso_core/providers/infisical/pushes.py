"""Writing to Infisical: push, delete and exists. There is no mark of ownership: what others made is written, as in the reference.

A secret is read as it is stored, with its references unresolved and without imports. A push with a property edits the JSON text of the
value; a deletion of a property removes the secret with its last one. Writes name the project by its slug, or by the id that the read
told; versions of Infisical that want the id are asked for it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
from returns.result import Failure as Wrong

from eso_core.compat.gojson import object_members, parse_object
from eso_core.compat.property import property_gjson
from eso_core.compat.sjson import set_text
from eso_core.compat.text import go_text
from eso_core.door import Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.providers._push import push_value, unwritten
from eso_core.providers.infisical.store import At, Line, address, error_of, failure_of, line_of, says_absent, what
from eso_core.wire import HttpCall, HttpReply

TRIMMED: Final = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
"""What JavaScript's ``trim`` removes. Infisical trims values and keeps one line end."""
NO_OBJECT: Final = "value is not a JSON object; cannot {} property"
WRONG_FORM: Final = "ValidationFailure"
DEPTH_MAX: Final = 100  # members of a property's path


class _Secret(msgspec.Struct, rename="camel"):
    secret_value: str
    workspace: str = ""
    secret_value_hidden: bool = False


class _One(msgspec.Struct):
    secret: _Secret


class _Written(msgspec.Struct):
    secret: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    approval: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Project(msgspec.Struct):
    id: str


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Write the value, or one property of it, unless it is there already."""
    line, at = line_of(access, session.value), address(access.spec, command.key)
    if isinstance(at, InvalidSpec):
        return Failed(at)
    value = push_value(command)
    if isinstance(value, Wrong):
        refused: Failed = value.failure()
        return refused
    there = yield from _existing(line, at)
    if isinstance(there, Failed):
        return there
    text = _merged(there, command.property, value.unwrap().reveal())
    if isinstance(text, Failed):
        return text
    if there is not None and there.secret_value == text:
        return Done(changed=False)
    return (yield from _put(line, at, there, text))


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Remove the secret, or one property of it."""
    line, at = line_of(access, session.value), address(access.spec, command.key)
    if isinstance(at, InvalidSpec):
        return Failed(at)
    if not command.property:
        return (yield from _remove(line, at, ""))
    there = yield from _existing(line, at)
    if isinstance(there, Failed):
        return there
    if there is None:
        return Done(changed=False)
    raw = there.secret_value.encode("utf-8", "replace")
    if not _is_object(raw):
        return Failed(Broken(f"{at.name}: {NO_OBJECT.format('delete')} {_kit.line(command.property)}"))
    if property_gjson(raw, command.property).value_or(None) is None:
        return Done(changed=False)
    left = _without(raw, command.property)
    if isinstance(left, Failed):
        return left
    if not object_members(left):
        return (yield from _remove(line, at, there.workspace))
    return (yield from _put(line, at, there, go_text(left)))


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether the secret is there, and in it the property."""
    line, at = line_of(access, session.value), address(access.spec, command.key)
    if isinstance(at, InvalidSpec):
        return Failed(at)
    there = yield from _existing(line, at)
    if isinstance(there, Failed) or there is None:
        return there if there is not None else False
    if not command.property:
        return True
    raw = there.secret_value.encode("utf-8", "replace")
    if not _is_object(raw):
        return Failed(Broken(f"{at.name}: {NO_OBJECT.format('check')} {_kit.line(command.property)}"))
    return property_gjson(raw, command.property).value_or(None) is not None


# ---------------------------------------------------------------- values


def _merged(there: _Secret | None, prop: str, value: bytes) -> str | Failed:
    """The text to write. What Infisical would not keep as it is, is refused."""
    if prop:
        document = there.secret_value.encode("utf-8", "replace") if there is not None else b"{}"
        if _kit.crowded(document):
            return unwritten("would be part of a value that is too large to edit")
        edited = set_text(document, prop, value)
        if isinstance(edited, Wrong):
            return Failed(InvalidSpec(f"the remote value {edited.failure()}", "remoteRef.property"))
        value = edited.unwrap()
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return unwritten("is not UTF-8 text, which is all that Infisical holds")
    if text.strip(TRIMMED) + ("\n" if text.endswith("\n") else "") != text:
        return unwritten("begins or ends in white space, which Infisical removes")
    return text


def _is_object(raw: bytes) -> bool:
    return raw.lstrip().startswith(b"{") and not _kit.crowded(raw) and not isinstance(parse_object(raw), Wrong)


def _without(raw: bytes, path: str) -> bytes | Failed:
    """The object without the member at ``path``; other members keep order and text."""
    if any(char in path for char in "|#@*?\\") or path.count(".") >= DEPTH_MAX:
        return Failed(InvalidSpec("a property that is deleted must be a member, or members joined by dots"))
    name, dot, rest = path.partition(".")
    members = object_members(raw)
    if not dot:
        members.pop(name, None)
    elif name in members and members[name].startswith(b"{"):
        inner = _without(members[name], rest)
        if isinstance(inner, Failed):
            return inner
        members[name] = inner
    else:
        return Failed(InvalidSpec("a property that is deleted must be a member of an object"))
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + value for key, value in members.items()) + b"}"


# ---------------------------------------------------------------- calls


def _existing(line: Line, at: At) -> Talk[_Secret | Failed | None]:
    """The secret as it is stored; ``None`` where there is none."""
    store = line.store
    query = {
        "workspaceSlug": store.project,
        "environment": store.environment,
        "secretPath": at.folder,
        "type": "shared",
        "expandSecretReferences": "false",
        "include_imports": "false",
    }
    call = line.secret("GET", "GetSecretByKeyV3", at, query=query)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if not 200 <= reply.status < 300:
        return None if says_absent(reply) else Failed(failure_of(call, reply))
    held = _kit.decoded(reply.body, _One)
    if held is None:
        return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))
    if held.secret.secret_value_hidden:
        return Failed(Refused(f"{what(call)}: the identity may not read the value, which a push compares"))
    return held.secret


def _put(line: Line, at: At, there: _Secret | None, text: str) -> Talk[Done | Failed]:
    method, label = ("POST", "CreateSecretV3") if there is None else ("PATCH", "UpdateSecretV3")
    body = {"secretPath": at.folder, "secretValue": text, "skipMultilineEncoding": True, "type": "shared"}
    done = yield from _write(line, (method, label, at), body, there.workspace if there is not None else "")
    if not isinstance(done, tuple):
        return Failed(done)
    call, reply = done
    return Failed(failure_of(call, reply)) if not 200 <= reply.status < 300 else _written(call, reply)


def _remove(line: Line, at: At, project: str) -> Talk[Done | Failed]:
    done = yield from _write(line, ("DELETE", "DeleteSecretV3", at), {"secretPath": at.folder, "type": "shared"}, project)
    if not isinstance(done, tuple):
        return Failed(done)
    call, reply = done
    if not 200 <= reply.status < 300:
        return Done(changed=False) if says_absent(reply) else Failed(failure_of(call, reply))
    return _written(call, reply)


def _written(call: HttpCall, reply: HttpReply) -> Done | Failed:
    held = _kit.decoded(reply.body, _Written)
    if held is not None and held.secret is not msgspec.UNSET:
        return Done(changed=True)
    if held is not None and held.approval is not msgspec.UNSET:
        return Failed(Refused(f"{what(call)}: the change waits for an approval, which the folder's policy asks for"))
    return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))


def _write(line: Line, how: tuple[str, str, At], body: Mapping[str, Any], project: str) -> Talk[tuple[HttpCall, HttpReply] | Failure]:
    """The answer to a write, which names the project by its id, if that is known, else by its slug, else by the id that has to be found."""
    method, label, at = how
    common = {**body, "environment": line.store.environment}
    named = {"workspaceId": project} if project else {"projectSlug": line.store.project}
    call = line.secret(method, label, at, body={**named, **common})
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    told = error_of(reply)
    if project or told is None or told.error != WRONG_FORM or "workspaceId" not in str(told.message):
        return call, reply
    found = yield from _project(line)
    if not isinstance(found, str):
        return found
    call = line.secret(method, label, at, body={"workspaceId": found, **common})
    reply = yield from line.ask(call)
    return (call, reply) if isinstance(reply, HttpReply) else reply


def _project(line: Line) -> Talk[str | Failure]:
    """The id of the project, by the route of today, else by that of old versions."""
    slug = quote(line.store.project, safe="", errors="replace")
    failure: Failure = Missing(f"no Infisical project found for slug {_kit.line(line.store.project)}")
    for route in ("projects", "workspace"):
        call = line.call("GET", f"/v1/{route}/slug/{slug}", "GetWorkspaceBySlug")
        reply = yield from line.ask(call)
        if not isinstance(reply, HttpReply):
            return reply
        if reply.status == 404:
            continue
        if not 200 <= reply.status < 300:
            return failure_of(call, reply)
        held = _kit.decoded(reply.body, _Project)
        return held.id if held is not None and held.id else Broken(f"{what(call)}: the answer names no project")
    return failure
