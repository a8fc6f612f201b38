"""Writing to Doppler: push, delete and exists. There is no mark of ownership, and no part of a secret that could be written alone.

What is there is asked for as it is stored: the downloaded value has references to other secrets resolved.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from returns.result import Failure as Wrong

from eso_core.door import Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.failure import Broken, Failure
from eso_core.providers import _kit
from eso_core.providers._push import push_value, unwritten
from eso_core.providers.doppler.store import Line, bad_name, line_of, what
from eso_core.wire import HttpReply

SECRETS: Final = "/v3/configs/config/secrets"


class _Value(msgspec.Struct):
    raw: str | None = None  # None: the token may not read it


class _List(msgspec.Struct):
    secrets: dict[str, _Value]


class _Written(msgspec.Struct):
    secrets: dict[str, msgspec.Raw]


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Write the value, unless it is stored already. The property plays no part, as in the reference."""
    line, wrong, value = line_of(access, session), bad_name(command.key), push_value(command)
    if wrong is not None:
        return Failed(wrong)
    if isinstance(value, Wrong):
        failed: Failed = value.failure()
        return failed
    try:
        text = value.unwrap().reveal().decode()
    except UnicodeDecodeError:
        return unwritten("is not UTF-8, and a secret of Doppler is text")
    held = yield from _stored(line, command.key)
    if isinstance(held, Failed):
        return held
    if held is not None and held.raw == text:
        return Done(changed=False)
    return (yield from _write(line, {"secrets": {command.key: text}}))


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Remove the secret. The property plays no part."""
    line, wrong = line_of(access, session), bad_name(command.key)
    if wrong is not None:
        return Failed(wrong)
    held = yield from _stored(line, command.key)
    if held is None or isinstance(held, Failed):
        return held if held is not None else Done(changed=False)
    change = {"name": command.key, "originalName": command.key, "value": None, "shouldDelete": True}
    return (yield from _write(line, {"change_requests": [change]}))


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Is there the secret?"""
    line, wrong = line_of(access, session), bad_name(command.key)
    if wrong is not None:
        return Failed(wrong)
    held = yield from _stored(line, command.key)
    return held if isinstance(held, Failed) else held is not None


def _stored(line: Line, name: str) -> Talk[_Value | Failed | None]:
    """The secret as it is stored; ``None`` where the config's list of this one name is without it."""
    call = line.call("GET", SECRETS, "ListSecrets", query={**line.store.scope, "secrets": name})
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    held = _kit.decoded(reply.body, _List)
    return held.secrets.get(name) if held is not None else Failed(Broken(f"{what(call)}: the answer is not a list of secrets"))


def _write(line: Line, body: dict[str, Any]) -> Talk[Done | Failed]:
    """Doppler's answer are the secrets. What a session has kept of the config counts no more."""
    call = line.call("POST", SECRETS, "UpdateSecrets", body={**body, **line.store.scope})
    reply: HttpReply | Failure = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    line.known.kept.clear()
    if _kit.decoded(reply.body, _Written) is None:
        return Failed(Broken(f"{what(call)}: the answer does not list the secrets"))
    return Done(changed=True)
