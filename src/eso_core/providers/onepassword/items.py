"""Items of 1Password: how they are found, and what they hold.

A list tells of items without fields and files; an item is read by its id. A key is the title of an item, or its id. An id is looked for
in every vault; what no vault has by that id is looked for as a title.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from eso_core.door import Failed, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers.onepassword.store import FOUND_MAX, ID, Line, Vault, what
from eso_core.secret import SecretBytes
from eso_core.wire import HttpReply

DOCUMENT = "DOCUMENT"


class Summary(msgspec.Struct):
    """An item as a list shows it."""

    id: str
    title: str = ""
    tags: list[str] | None = None


class Field(msgspec.Struct):
    """A field of an item. Without a value it is empty."""

    label: str = ""
    value: str | None = None
    purpose: str | None = None


class File(msgspec.Struct):
    """A file of an item. ``size`` is in bytes."""

    id: str
    name: str = ""
    size: int | None = None


class Section(msgspec.Struct):
    """A group of fields. False when it has neither id nor label."""

    id: str = ""
    label: str = ""

    def __bool__(self) -> bool:
        return bool(self.id or self.label)


class Item(msgspec.Struct):
    """An item with all that it holds."""

    id: str
    title: str = ""
    category: str = ""
    version: int = 0
    tags: list[str] | None = None
    fields: list[Field] | None = None
    files: list[File] | None = None
    sections: list[Section] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """An item where it was found. ``body`` is the JSON that it was read from."""

    vault: Vault
    item: Item = field(repr=False)
    body: SecretBytes


def find_item(line: Line, vaults: tuple[Vault, ...], key: str) -> Talk[Place | Failed | None]:
    """The item of this id or title, of the first vault that has it; ``None`` where none has."""
    if not key:
        return Failed(InvalidSpec("a key of 1Password must be the title or the id of an item"))
    if ID.fullmatch(key):
        for vault in vaults:
            found = yield from item_of(line, vault, key)
            if found is not None:
                return found
    for vault in vaults:
        titled = yield from titled_in(line, vault, key)
        if not isinstance(titled, list):
            return Failed(titled)
        if len(titled) > 1:
            return Failed(Broken(f"expected one 1Password Item matching: '{_kit.line(key)}', got {len(titled)}"))
        if titled:
            found = yield from item_of(line, vault, titled[0].id)
            return found if found is not None else Failed(Missing(f"1Password item {_kit.line(key)} was deleted while it was read"))
    return None


def missing(key: str, vaults: tuple[Vault, ...]) -> Failed:
    """No vault has the item."""
    return Failed(
        Missing(f"key not found in 1Password Vaults: {_kit.line(key)} in: {_kit.line(', '.join(vault.name for vault in vaults))}")
    )


def item_of(line: Line, vault: Vault, item: str) -> Talk[Place | Failed | None]:
    """The item of this id; ``None`` where the vault has none."""
    if not ID.fullmatch(item):
        return Failed(Broken(f"1Password vault {_kit.line(vault.name)}: the id of an item is not one"))
    call = line.call("GET", f"/vaults/{vault.id}/items/{item}", "GetItem")
    reply = yield from line.ask(call, vault)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if reply.status == 404:
        return None
    held = _kit.decoded(reply.body, Item)
    if held is None or held.id != item:
        return Failed(Broken(f"{what(call)}: the answer is not the item"))
    return Place(vault, held, SecretBytes(reply.body))


def titled_in(line: Line, vault: Vault, title: str) -> Talk[list[Summary] | Failure]:
    """The items of this title. The filter has no documented way to write quotes; such titles are looked for in the whole list."""
    if '"' in title or "\\" in title:
        held = yield from items_in(line, vault)
        return [item for item in held if item.title == title] if isinstance(held, list) else held
    return (yield from items_in(line, vault, f'title eq "{title}"'))


def items_in(line: Line, vault: Vault, chosen: str = "") -> Talk[list[Summary] | Failure]:
    """The items of a vault that a filter chooses, at most :data:`FOUND_MAX`."""
    call = line.call("GET", f"/vaults/{vault.id}/items", "GetItems", query={"filter": chosen} if chosen else None)
    held = yield from line.read(call, list[Summary], vault)
    if held is None:
        return Missing(f"{what(call)}: not found")
    if isinstance(held, list) and len(held) > FOUND_MAX:
        return Broken(f"{what(call)}: more than {FOUND_MAX} items")
    return held


def content_of(line: Line, place: Place, file: File) -> Talk[SecretBytes | Failed]:
    """What a file holds. A body of another size than the item tells is not the whole file."""
    if not ID.fullmatch(file.id):
        return Failed(Broken(f"1Password item {_kit.line(place.item.title)}: the id of a file is not one"))
    path = f"/vaults/{place.vault.id}/items/{place.item.id}/files/{file.id}/content"
    call = line.call("GET", path, "GetFileContent")
    reply = yield from line.ask(call, place.vault)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if reply.status == 404:
        return Failed(Missing(f"{what(call)}: the item was deleted while it was read"))
    if file.size is not None and file.size != len(reply.body):
        return Failed(Broken(f"{what(call)}: {len(reply.body)} bytes instead of {file.size}"))
    return SecretBytes(reply.body)
