"""Writing to Akeyless: push, delete and exists.

A pushed secret is a static secret that holds a JSON object. A push sets members of it and leaves others as they are:

=====================  ==================================================
push                   members
=====================  ==================================================
with a property        the property, set to the value
without one            the key of the Secret, set to its value
of a whole Secret      each key of the Secret
=====================  ==================================================

What a push created carries the tag :data:`TAG`, and only what carries it is deleted.
"""

from __future__ import annotations

from typing import Any, Final

from returns.result import Failure as Wrong

from eso_core.compat.gojson import Json, Numbers, marshal, parse_object
from eso_core.door import Access, Blob, Delete, Done, Exists, Failed, Found, Push, Session, Talk
from eso_core.failure import Broken, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers._push import push_value, unwritten
from eso_core.providers.akeyless.items import STATIC, Item, describe, item_value
from eso_core.providers.akeyless.store import Line, failure_of, line_of, says_absent, what
from eso_core.wire import HttpReply

TAG: Final = "k8s-external-secrets"
NO_OBJECT: Final = Failed(Broken("the remote secret is not a JSON object"))
NO_KEY: Final = Failed(InvalidSpec("a remote key of Akeyless must name an item"))


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Set the members, unless they are there already."""
    if not command.key:
        return NO_KEY
    line, members = line_of(access, session.value), _members(command)
    if isinstance(members, Failed):
        return members
    item = yield from describe(line, command.key)
    if isinstance(item, Failed):
        return item
    if item is None:
        body = {"name": command.key, "value": marshal(dict(members)).decode(), "tags": [TAG]}
        return (yield from _write(line, "/create-secret", "CreateSecret", body))
    there = yield from _object(line, item)
    if isinstance(there, Failed):
        return there
    if all(there.get(name) == value for name, value in members.items()):
        return Done(changed=False)
    body = {"name": command.key, "value": marshal({**there, **members}).decode()}
    return (yield from _write(line, "/update-secret-val", "UpdateSecretVal", body))


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Remove one member, or with its last one, or without a property, the item."""
    if not command.key:
        return NO_KEY
    line = line_of(access, session.value)
    item = yield from describe(line, command.key)
    if isinstance(item, Failed):
        return item
    if item is None or TAG not in item.tags:
        return Done(changed=False)
    if command.property:
        there = yield from _object(line, item)
        if isinstance(there, Failed):
            return there
        if command.property not in there:
            return Done(changed=False)
        left = {name: value for name, value in there.items() if name != command.property}
        if left:
            body = {"name": command.key, "value": marshal(left).decode()}
            return (yield from _write(line, "/update-secret-val", "UpdateSecretVal", body))
    return (yield from _write(line, "/delete-item", "DeleteItem", {"name": command.key}))


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether there is the item, and in it the member."""
    if not command.key:
        return NO_KEY
    line = line_of(access, session.value)
    item = yield from describe(line, command.key)
    if isinstance(item, Failed):
        return item
    if item is None or not command.property:
        return item is not None
    there = yield from _object(line, item, written=False)
    return there if isinstance(there, Failed) else command.property in there


def _members(command: Push) -> dict[str, Json] | Failed:
    """Texts by name. A value that is no text cannot be in a JSON object."""
    if command.property or command.secret_key:
        value = push_value(command)
        if isinstance(value, Wrong):
            refused: Failed = value.failure()
            return refused
        raw = {command.property or command.secret_key: value.unwrap()}
    else:
        raw = dict(command.source.data)
    try:
        return {name: value.reveal().decode() for name, value in raw.items()}
    except UnicodeDecodeError:
        return unwritten("is not UTF-8 text, which is all that a JSON object can hold")


def _object(line: Line, item: Item, *, written: bool = True) -> Talk[dict[str, Json] | Failed]:
    """The members that are there; numbers keep their text. ``written``: it must be an item that can be written."""
    if written and item.type != STATIC:
        return Failed(InvalidSpec(f"only static secrets of Akeyless can be written, not an item of type {_kit.line(item.type)}"))
    answer = yield from item_value(line, item, 0)
    if not isinstance(answer, Found) or not isinstance(answer.payload, Blob):
        return answer if isinstance(answer, Failed) else NO_OBJECT
    raw = answer.payload.value.reveal()
    parsed = parse_object(raw, Numbers.TEXT) if raw.lstrip().startswith(b"{") and not _kit.crowded(raw) else Wrong("")
    return NO_OBJECT if isinstance(parsed, Wrong) else parsed.unwrap()


def _write(line: Line, path: str, name: str, body: dict[str, Any]) -> Talk[Done | Failed]:
    call = line.call(path, name, body)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if name == "DeleteItem" and says_absent(reply):
        return Done(changed=False)
    if not 200 <= reply.status < 300:
        return Failed(failure_of(call, reply, body["name"]))
    if _kit.decoded(reply.body, dict[str, Any]) is None:
        return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))
    return Done(changed=True)
