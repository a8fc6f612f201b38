"""Writing to 1Password: a push writes one field of an item, a deletion removes it, and the item with its last one.

There is no mark of ownership: what others made is written, as in the reference. An item is written whole, otherwise as it was read.

Connect shows a write some moments after it answered it. Until it does, a second push would make a second item of the same title, or write
back an item without the field of the first. So a session remembers for :data:`SETTLING_S` what Connect answered, and goes on from that;
nothing waits.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.types import Model
from eso_core.door import Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.failure import Broken, InvalidSpec, Missing, Unreachable
from eso_core.providers import _kit
from eso_core.providers._push import push_metadata, push_value, unwritten
from eso_core.providers.onepassword.items import Item, Place, find_item
from eso_core.providers.onepassword.store import ID, Known, Line, Vault, Written, line_of, what
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply, SdkCall, SdkReply

PASSWORD: Final = "password"
"""The label of the field that is meant where no property names one."""
SETTLING_S: Final = 60.0
WRITTEN_MAX: Final = 32  # items that a session remembers
REMEMBERED_MAX: Final = 256 * 1024  # bytes of one

Json: TypeAlias = dict[str, Any]


class Metadata(Model):
    """``spec`` of the metadata of a PushSecret. Without ``tags`` those of the item stay; ``vault`` is spelled as in the store."""

    tags: tuple[str, ...] | None = None
    vault: str = ""


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Write the field, unless it has the value already, in an item that is created where there is none."""
    line, known = line_of(access), session.value
    planned = _planned(command)
    if isinstance(planned, Wrong):
        failed: Failed = planned.failure()
        return failed
    text, metadata = planned.unwrap()
    place, fresh = yield from _current(line, known, command.key)
    if isinstance(place, Failed):
        return place
    label = command.property or PASSWORD
    if place is None:
        vault = _vault(known, metadata.vault)
        if isinstance(vault, Failed):
            return vault
        item: Json = {
            "title": command.key,
            "category": "SERVER",
            "vault": {"id": vault.id},
            "fields": [_field(label, text)],
            **({"tags": list(metadata.tags)} if metadata.tags is not None else {}),
        }
        return (yield from _write(line, known, command.key, vault, "", item))
    changed = _changed(place, label, text, metadata.tags)
    if changed is None or isinstance(changed, Failed):
        return changed if changed is not None else Done(changed=False)
    return (yield from _write(line, known, command.key, place.vault, place.item.id, changed, fresh=fresh))


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Remove the field; the item, when neither fields nor files nor sections are left. A field without value for notes counts as none."""
    line, known = line_of(access), session.value
    place, fresh = yield from _current(line, known, command.key)
    if place is None or isinstance(place, Failed):
        return place if place is not None else Done(changed=False)
    label = command.property or PASSWORD
    at = _labelled(place, label)
    if len(at) != 1:
        return _several(label, len(at)) if at else Done(changed=False)
    sections = place.item.sections or []
    grouped = len(sections) > 1 or any(sections)
    left = [field for number, field in enumerate(place.item.fields or ()) if number != at[0]]
    if not grouped and not place.item.files and all(field.purpose == "NOTES" and not field.value for field in left):
        return (yield from _remove(line, known, command.key, place, fresh=fresh))
    item, fields = _document(place)
    changed = {**item, "fields": [field for number, field in enumerate(fields) if number != at[0]]}
    if not grouped:
        changed.pop("sections", None)
    return (yield from _write(line, known, command.key, place.vault, place.item.id, changed, fresh=fresh))


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Is there the item, and a field of that label?"""
    place, _ = yield from _current(line_of(access), session.value, command.key)
    if place is None or isinstance(place, Failed):
        return place if place is not None else False
    return not command.property or any(field.label == command.property for field in place.item.fields or ())


# ---------------------------------------------------------------- what is written


def _planned(command: Push) -> Result[tuple[str, Metadata], Failed]:
    """The text, and what the metadata says."""
    value, metadata = push_value(command), push_metadata(command, Metadata)
    if isinstance(value, Wrong):
        return value
    if isinstance(metadata, Wrong):
        return metadata
    try:
        text = value.unwrap().reveal().decode()
    except UnicodeDecodeError:
        return Wrong(unwritten("is not UTF-8, and a field of 1Password is text"))
    return Success((text, metadata.unwrap()))


def _vault(known: Known, name: str) -> Vault | Failed:
    """Where a new item is made. An item that is there stays where it is, whatever the metadata says."""
    vault = next((vault for vault in known.vaults if name in ("", vault.name)), None)
    wrong = InvalidSpec(f"metadata vault '{_kit.line(name)}' not in provider vaults", "metadata.spec.vault")
    return vault if vault is not None else Failed(wrong)


def _changed(place: Place, label: str, text: str, tags: tuple[str, ...] | None) -> Json | Failed | None:
    """The item with the field, and with the tags if there are any to set; ``None`` where it is that already."""
    at = _labelled(place, label)
    if len(at) > 1:
        return _several(label, len(at))
    retagged = tags is not None and set(tags) != set(place.item.tags or ())
    if at and ((place.item.fields or ())[at[0]].value or "") == text and not retagged:
        return None
    item, fields = _document(place)
    if at:
        fields[at[0]] = {**fields[at[0]], "value": text}
    else:
        fields.append(_field(label, text))
    return {**item, "fields": fields, **({"tags": list(tags or ())} if retagged else {})}


def _document(place: Place) -> tuple[Json, list[Json]]:
    """The item as it was read, and its fields. What is not written anew stays byte for byte."""
    item: Json = dict(_kit.decoded(place.body.reveal(), dict[str, msgspec.Raw]) or {})
    fields = _kit.decoded(bytes(item.get("fields", b"null")), list[dict[str, msgspec.Raw]] | None)  # type: ignore[arg-type]
    return item, [dict(field) for field in fields or ()]


def _field(label: str, text: str) -> Json:
    return {"id": "", "type": "CONCEALED", "label": label, "value": text}


def _labelled(place: Place, label: str) -> list[int]:
    """Which of the fields have the label."""
    return [number for number, field in enumerate(place.item.fields or ()) if field.label == label]


def _several(label: str, count: int) -> Failed:
    return Failed(Broken(f"expected one 1Password ItemField matching: '{_kit.line(label)}', got {count}"))


# ---------------------------------------------------------------- writing


def _write(line: Line, known: Known, key: str, vault: Vault, item: str, body: Json, *, fresh: bool = False) -> Talk[Done | Failed]:
    """Create, or with an ``item`` replace, and remember the answer."""
    path = f"/vaults/{vault.id}/items"
    call = line.call("PUT", f"{path}/{item}", "UpdateItem", body=body) if item else line.call("POST", path, "CreateItem", body=body)
    reply = yield from line.ask(call, vault)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if reply.status == 404:
        return _gone(known, key, call, fresh=fresh)
    held = _kit.decoded(reply.body, Item)
    if held is None or not ID.fullmatch(held.id) or (item and held.id != item):
        return Failed(Broken(f"{what(call)}: the answer is not the item that was written"))
    yield from _remember(known, key, Place(vault, held, SecretBytes(reply.body)))
    return Done(changed=True)


def _remove(line: Line, known: Known, key: str, place: Place, *, fresh: bool) -> Talk[Done | Failed]:
    call = line.call("DELETE", f"/vaults/{place.vault.id}/items/{place.item.id}", "DeleteItem")
    reply = yield from line.ask(call, place.vault)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if reply.status == 404 and fresh:
        return _gone(known, key, call, fresh=fresh)
    known.written.pop(key, None)
    return Done(changed=reply.status != 404)


def _gone(known: Known, key: str, call: HttpCall, *, fresh: bool) -> Failed:
    """The item is not there. One that was created a moment ago is not there yet."""
    if fresh:
        return Failed(Unreachable(f"{what(call)}: the item was written a moment ago, and Connect does not show it yet"))
    known.written.pop(key, None)
    return Failed(Missing(f"{what(call)}: the item was deleted while it was written"))


# ---------------------------------------------------------------- what was written a moment ago


def _current(line: Line, known: Known, key: str) -> Talk[tuple[Place | Failed | None, bool]]:
    """The item of this key, and whether it is what a write of a moment ago left, and Connect does not show yet."""
    found = yield from find_item(line, known.vaults, key)
    kept = known.written.get(key)
    if kept is None or isinstance(found, Failed):
        return found, False
    now = yield from _now()
    shown = found is not None and (found.item.id != kept.id or found.item.version >= kept.version)
    if shown or now is None or now >= kept.until:
        known.written.pop(key, None)
        return found, False
    held = _kit.decoded(kept.body.reveal(), Item)
    return (Place(kept.vault, held, kept.body) if held is not None else found), True


def _remember(known: Known, key: str, place: Place) -> Talk[None]:
    """Keep what was written. Without the time, or where it is large, nothing is kept."""
    known.written.pop(key, None)
    now = yield from _now()
    if now is None or len(place.body.reveal()) > REMEMBERED_MAX:
        return
    while len(known.written) >= WRITTEN_MAX:
        known.written.pop(next(iter(known.written)))
    known.written[key] = Written(place.vault, place.item.id, place.item.version, place.body, now + SETTLING_S)


def _now() -> Talk[float | None]:
    reply = yield SdkCall(name="ambient.now")
    return float(reply.value) if isinstance(reply, SdkReply) and isinstance(reply.value, int | float) else None
