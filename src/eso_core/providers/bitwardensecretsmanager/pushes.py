"""Writing to Bitwarden Secrets Manager: push, delete and exists.

Bitwarden takes one name twice, and has no mark of ownership but the note. A push writes over a secret of the same name, project and note;
where there is none it creates one, so that a secret with another note is never written over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from returns.result import Failure as Wrong

from eso_core.door import Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.failure import Broken, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers._push import push_value, unwritten
from eso_core.providers.bitwardensecretsmanager.read import ambiguous, named, secret
from eso_core.providers.bitwardensecretsmanager.store import SECRET, Line, Secret, failure_of, line_of, one, uuid_of, what
from eso_core.wire import HttpReply

NOTE: Final = "note"
VALUE_MAX: Final = 25_000  # characters
PROPERTY: Final = Failed(InvalidSpec("a push to Bitwarden writes a whole secret and no property of it", "remoteRef.property"))


class _Deleted(msgspec.Struct):
    id: str
    error: str | None = None


class _Deletions(msgspec.Struct):
    data: list[_Deleted]


# ---------------------------------------------------------------- push


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Write the value, unless the project has it under this name and note."""
    line, name, note = line_of(access), command.key, _note(command.metadata)
    if isinstance(note, Failed):
        return note
    if not name or name.strip() != name:
        return Failed(InvalidSpec("remote key must be defined, without white space around it", "remoteRef.remoteKey"))
    if command.property:
        return PROPERTY
    text = _text(command)
    if isinstance(text, Failed):
        return text
    there = yield from named(line, name)
    if not isinstance(there, list):
        return Failed(there)
    ours = [held for held in there if (held.key, held.note) == (name, note)]
    if any(held.value == text for held in ours):
        return Done(changed=False)
    return (yield from _write(line, ours[0] if ours else None, name, note, text))


def _note(metadata: Mapping[str, Any] | None) -> str | Failed:
    """``note`` of the metadata, or of its ``spec``. Bitwarden cuts white space around it off."""
    held = metadata if metadata is not None else {}
    spec = held.get("spec")
    note = held.get(NOTE, spec.get(NOTE, "") if isinstance(spec, Mapping) else "")
    return note.strip() if isinstance(note, str) else Failed(InvalidSpec("must be a text", f"metadata.{NOTE}"))


def _text(command: Push) -> str | Failed:
    pushed = push_value(command)
    if isinstance(pushed, Wrong):
        refused: Failed = pushed.failure()
        return refused
    try:
        text = pushed.unwrap().reveal().decode()
    except UnicodeDecodeError:
        return unwritten("is not UTF-8 text, which is all that Bitwarden holds")
    if not 1 <= len(text) <= VALUE_MAX:
        return unwritten(f"is empty or longer than {VALUE_MAX} characters, which Bitwarden does not take")
    return text


def _write(line: Line, there: Secret | None, name: str, note: str, text: str) -> Talk[Done | Failed]:
    store = line.store
    body: dict[str, Any] = {"key": name, "note": note, "organizationId": store.organization, "projectIds": [store.project], "value": text}
    if there is None:
        call = line.call("POST", SECRET, "CreateSecret", body)
    else:
        call = line.call("PUT", SECRET, "UpdateSecret", {"id": there.id, **body})
    reply = yield from line.ask(call)
    held = one(line, call, reply, secret=text) if isinstance(reply, HttpReply) else reply
    return Done(changed=True) if isinstance(held, Secret) else Failed(held)


# ---------------------------------------------------------------- delete and exists


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Remove a secret: by its id, or the one of this name in the project."""
    line, ident = line_of(access), uuid_of(command.key)
    if command.property:
        return PROPERTY
    if not ident:
        there = yield from named(line, command.key)
        if not isinstance(there, list):
            return Failed(there)
        if len(there) > 1:
            return Failed(ambiguous(line, command.key))
        if not there:
            return Done(changed=False)
        ident = there[0].id
    return (yield from _remove(line, ident))


def _remove(line: Line, ident: str) -> Talk[Done | Failed]:
    call = line.call("DELETE", SECRET, "DeleteSecret", {"ids": [ident]})
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if not 200 <= reply.status < 300:
        failure = failure_of(line, call, reply)
        return Done(changed=False) if isinstance(failure, Missing) else Failed(failure)
    held = _kit.decoded(reply.body, _Deletions)
    done = next((item for item in held.data if uuid_of(item.id) == uuid_of(ident)), None) if held is not None else None
    if done is None:
        return Failed(Broken(f"{what(call)}: the answer does not tell that the secret was deleted"))
    return Failed(Broken(f"{what(call)}: {_kit.line(done.error)} ({ident})")) if done.error else Done(changed=True)


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether there is the secret: by its id, or by its name in the project."""
    line, ident = line_of(access), uuid_of(command.key)
    if command.property:
        return PROPERTY
    if ident:
        held = yield from secret(line, ident)
        return isinstance(held, Secret) if isinstance(held, Secret | Missing) else Failed(held)
    there = yield from named(line, command.key)
    return bool(there) if isinstance(there, list) else Failed(there)
