"""``spec.provider.onepassword``: fields and files of items of 1Password, through a Connect server.

================  ==========================================================================
property          means
================  ==========================================================================
``field/LABEL``   the field of this label, of which there must be one
``file/NAME``     the first file of this name
``X``             a file of an item of category DOCUMENT, a field of any other
none              the first file of a DOCUMENT, the field ``password`` of any other
================  ==========================================================================

The payload of an item are entries ``field/NUMBER/LABEL`` and ``file/NUMBER/NAME``, for labels may occur twice, and :data:`IS_DOCUMENT`.
Fields come with the item; a file takes a call, and only those that a property asks for are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from eso_core.door import (
    Access,
    Answer,
    Blob,
    Dialect,
    Entries,
    Failed,
    Find,
    Found,
    Get,
    Payload,
    Probe,
    Provider,
    Query,
    Session,
    Talk,
)
from eso_core.failure import Broken, InvalidSpec, Missing, Throttled, Unreachable
from eso_core.providers import _kit
from eso_core.providers.onepassword.items import (
    DOCUMENT,
    File,
    Item,
    Place,
    Summary,
    content_of,
    find_item,
    item_of,
    items_in,
    missing,
    titled_in,
)
from eso_core.providers.onepassword.pushes import PASSWORD, delete, exists, push
from eso_core.providers.onepassword.store import FOUND_MAX, Known, Line, Vault, line_of, login, needs, parse, vaults_of
from eso_core.secret import SecretBytes

Kind = Literal["field", "file"]
IS_DOCUMENT: Final = "document"
BATCH: Final = 16  # properties of one item, as a rule
VERSIONS: Final = Failed(InvalidSpec("'remoteRef.version' is not implemented in the 1Password provider"))


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Up to :data:`BATCH` properties, or a find, or a probe."""
    line, known = line_of(access), session.value
    answers: dict[Query, Answer] = {}
    gets: list[Get] = []
    for query in queries:
        match query:
            case Get():
                gets.append(query)
            case Find():
                answers[query] = yield from _find(line, known, query)
            case Probe():
                vaults = yield from vaults_of(line, access.spec)
                answers[query] = Found(Entries({})) if isinstance(vaults, tuple) else Failed(vaults)
    return {**answers, **(yield from _gets(line, known, gets))}


def _gets(line: Line, known: Known, gets: Sequence[Get]) -> Talk[Mapping[Query, Answer]]:
    """Each item and each file is read once, until Connect does not answer: what is left fails alike. ``metadataPolicy`` plays no part."""
    answers: dict[Query, Answer] = {}
    places: dict[str, Place | Failed] = {}
    files: dict[tuple[str, str], SecretBytes | Failed] = {}
    for get in gets:
        if get.version:
            answers[get] = VERSIONS
            continue
        if get.key not in places:
            found = yield from find_item(line, known.vaults, get.key)
            places[get.key] = found if found is not None else missing(get.key, known.vaults)
        place = places[get.key]
        answer = place if isinstance(place, Failed) else (yield from _payload(line, place, get.property, files))
        if isinstance(answer, Failed) and isinstance(answer.failure, Unreachable | Throttled):
            return {**dict.fromkeys(gets, answer), **answers}
        answers[get] = answer
    return answers


def _payload(line: Line, place: Place, prop: str, files: dict[tuple[str, str], SecretBytes | Failed]) -> Talk[Answer]:
    item = place.item
    held = {f"field/{number}/{field.label}": _kit.secret(field.value or "") for number, field in enumerate(item.fields or ())}
    if item.category == DOCUMENT:
        held[IS_DOCUMENT] = SecretBytes(b"")
    for number, file in enumerate(_asked(item, prop)):
        where = (item.id, file.id)
        if where not in files:
            files[where] = yield from content_of(line, place, file)
        content = files[where]
        if isinstance(content, Failed):
            return content
        held[f"file/{number}/{file.name}"] = content
    return Found(Entries(held))


def _asked(item: Item, prop: str) -> list[File]:
    """The files that a property means; all of them where it names none."""
    kind, name = _meant(item.category == DOCUMENT, prop)
    return [file for file in item.files or () if name in ("", file.name)] if kind == "file" else []


def _meant(document: bool, prop: str) -> tuple[Kind, str]:
    """What a property means, and the label or name in it."""
    if prop.startswith("field/"):
        return "field", prop.removeprefix("field/")
    if prop.startswith("file/"):
        return "file", prop.removeprefix("file/")
    return ("file" if document else "field"), prop


# ---------------------------------------------------------------- finding


def _find(line: Line, known: Known, query: Find) -> Talk[Answer]:
    """Files and fields whose name matches, of items that carry all tags, else of those of one title, else of all.

    The first of a name counts. The keys of tags are looked at, not their values: tags of 1Password are words. With tags, ``path`` plays
    no part.
    """
    matches = _kit.matcher(query.name) if query.name is not None else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    values: dict[str, SecretBytes] = {}
    for vault in known.vaults:
        items = yield from _candidates(line, vault, query)
        if isinstance(items, Failed):
            return items
        for item in items:
            failed = yield from _take(line, vault, item, matches, values)
            if failed is not None:
                return failed
    return Found(Entries(values))


def _candidates(line: Line, vault: Vault, query: Find) -> Talk[list[Summary] | Failed]:
    by_title = query.path is not None and not query.tags
    held = yield from titled_in(line, vault, query.path or "") if by_title else items_in(line, vault)
    if not isinstance(held, list):
        return Failed(held)
    wanted = {key for key, _ in query.tags}
    return [item for item in held if (item.title == query.path if by_title else wanted <= set(item.tags or ()))]


def _take(line: Line, vault: Vault, item: Summary, matches: _kit.Matcher | None, values: dict[str, SecretBytes]) -> Talk[Failed | None]:
    """Add what matches of one item. An item that vanishes while the find runs is left out."""
    place = yield from item_of(line, vault, item.id)
    if not isinstance(place, Place):
        return place
    for file in place.item.files or ():
        if file.name not in values and (matches is None or matches(file.name)):
            content = yield from content_of(line, place, file)
            if isinstance(content, Failed):
                return content
            values[file.name] = content
    fields = place.item.fields or ()
    twice = _twice([field.label for field in fields])
    if twice is not None:
        return _several(twice, f" in '{_kit.line(place.item.title)}'")
    for field in fields:
        if matches is None or matches(field.label):
            values.setdefault(field.label, _kit.secret(field.value or ""))
    return Failed(Broken(f"a find gives more than {FOUND_MAX} values")) if len(values) > FOUND_MAX else None


# ---------------------------------------------------------------- dialect


def _value(payload: Payload, prop: str) -> Answer:
    """One field, which must be there once, or the first file."""
    held = _parts(payload, prop)
    if held is None:
        return Failed(Broken("one value where an item was expected"))
    kind, name, parts = held
    if kind == "file":
        content = next((value for file, value in parts if name in ("", file)), None)
        return Found(Blob(content)) if content is not None else Failed(Missing(f"error finding 1Password Document: '{_kit.line(name)}'"))
    label = name or PASSWORD
    values = [value for field, value in parts if field == label]
    if not values:
        return Failed(Missing(f"expected one 1Password ItemField matching: '{_kit.line(label)}', got 0"))
    return Found(Blob(values[0])) if len(values) == 1 else _several((label, len(values)))


def _entries(payload: Payload, prop: str) -> Answer:
    """All fields, or all files; with a property those of that name. No label may occur twice."""
    held = _parts(payload, prop)
    if held is None:
        return Failed(Broken("one value where an item was expected"))
    kind, name, parts = held
    chosen = [(part, value) for part, value in parts if name in ("", part)]
    twice = _twice([part for part, _ in chosen]) if kind == "field" else None
    return _several(twice) if twice is not None else Found(Entries(dict(chosen)))


def _parts(payload: Payload, prop: str) -> tuple[Kind, str, list[tuple[str, SecretBytes]]] | None:
    """The kind and name that the property means, and all values of the kind, by name."""
    if not isinstance(payload, Entries):
        return None
    kind, name = _meant(IS_DOCUMENT in payload.values, prop)
    start = f"{kind}/"
    return kind, name, [(key.split("/", 2)[2], value) for key, value in payload.values.items() if key.startswith(start)]


def _twice(names: Sequence[str]) -> tuple[str, int] | None:
    """A name that occurs more than once, and how often."""
    return next(((name, count) for name, count in Counter(names).items() if count > 1), None)


def _several(label: tuple[str, int], where: str = "") -> Failed:
    name, count = label
    return Failed(Broken(f"expected one 1Password ItemField matching: '{_kit.line(name)}'{where}, got {count}"))


PROVIDER = Provider(
    key="onepassword",
    label="1Password/Connect",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    login=login,
    fetch=fetch,
    dialect=Dialect(value=_value, entries=_entries),
    push=push,
    delete=delete,
    exists=exists,
    batch_max=BATCH,
    asks_property=True,
)
