"""``spec.provider.akeyless``: static, dynamic and rotated secrets, and certificates, of Akeyless.

The type of an item says which call reads it. A list tells types; of a single item it is asked first. Static secrets are read several at a
time.

================  ===========================  ====================================================================
type              call                         value
================  ===========================  ====================================================================
STATIC_SECRET     ``get-secret-value``         the text
DYNAMIC_SECRET    ``get-dynamic-secret-value``  the whole answer, as JSON: credentials that were made for this read
ROTATED_SECRET    ``get-rotated-secret-value``  ``value.payload``, else ``value.target_value`` or ``value`` as JSON
CERTIFICATE       ``get-certificate-value``    ``certificate_pem`` and ``private_key_pem``, as JSON
================  ===========================  ====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from eso_core.compat.property import property_gjson_escaped
from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers.akeyless.items import (
    BATCH,
    READ_MAX,
    STATIC,
    Item,
    describe,
    hopeless,
    item_value,
    listed,
    static_values,
    valid_token,
)
from eso_core.providers.akeyless.logins import login
from eso_core.providers.akeyless.pushes import delete, exists, push
from eso_core.providers.akeyless.store import Line, line_of, more_needs, needs, parse
from eso_core.secret import SecretBytes

VERSION: Final = re.compile(r"[+-]?[0-9]{1,10}")
INT32: Final = 2**31


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Up to :data:`BATCH` items, or a find, or a probe."""
    line = line_of(access, session.value)
    answers: dict[Query, Answer] = {}
    gets: list[Get] = []
    for query in queries:
        match query:
            case Get():
                gets.append(query)
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                wrong = yield from valid_token(line)
                answers[query] = wrong if wrong is not None else Found(Entries({}))
    return {**answers, **(yield from _gets(line, gets))} if gets else answers


def _gets(line: Line, gets: Sequence[Get]) -> Talk[Mapping[Query, Answer]]:
    """Each item is described once; latest values of static secrets are read together. ``metadataPolicy`` plays no part.

    What tells that more calls would not help now is the answer to all that is open.
    """
    answers: dict[Query, Answer] = {}
    items: dict[str, Item | Failed] = {}
    together: list[Get] = []
    for get in gets:
        version = _version(get.version)
        if isinstance(version, InvalidSpec):
            answers[get] = Failed(version)
            continue
        if get.key not in items:
            items[get.key] = yield from _described(line, get.key)
        item = items[get.key]
        if isinstance(item, Failed):
            answers[get] = item
        elif item.type == STATIC and not version:
            together.append(get)
        else:
            answers[get] = yield from item_value(line, item, version)
        if hopeless(answers.get(get)):
            return dict.fromkeys(gets, answers[get]) | answers
    values = yield from static_values(line, tuple(dict.fromkeys(get.key for get in together)))
    return {**answers, **{get: values[get.key] for get in together}}


def _described(line: Line, key: str) -> Talk[Item | Failed]:
    if not key:
        return Failed(InvalidSpec("a key of Akeyless must name an item"))
    item = yield from describe(line, key)
    return item if item is not None else Failed(Missing(f"item does not exist: {_kit.line(key)}"))


def _version(text: str) -> int | InvalidSpec:
    """``0`` is the latest."""
    if not text:
        return 0
    number = int(text) if VERSION.fullmatch(text) else INT32
    return number if -INT32 <= number < INT32 else InvalidSpec("a version of Akeyless must be a whole number")


# ---------------------------------------------------------------- finding


def _find(line: Line, query: Find) -> Talk[Answer]:
    """By name (the full one), or all that carry any of the tags' values, below the path. Empty values are left out."""
    if query.name is None and not query.tags:
        return Failed(InvalidSpec("unexpected find operator: Akeyless finds by name or by tags"))
    matches = _kit.matcher(query.name) if query.name is not None else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    path = _folder(query.path) if query.path is not None else ""
    items: dict[str, Item] = {}
    for tag in ("",) if matches is not None else dict.fromkeys(value for _, value in query.tags):
        held = yield from listed(line, path, tag)
        if isinstance(held, Failed):
            return held
        items |= {item.name: item for item in held if matches is None or matches(item.name)}
    return (yield from _values(line, tuple(items.values())))


def _folder(path: str) -> str:
    """``path`` between two slashes."""
    text = path if path.startswith("/") else f"/{path}"
    return text if text.endswith("/") else f"{text}/"


def _values(line: Line, items: Sequence[Item]) -> Talk[Answer]:
    static = [item.name for item in items if item.type == STATIC]
    found: dict[str, Answer] = {}
    for start in range(0, len(static), READ_MAX):
        found |= yield from static_values(line, tuple(static[start : start + READ_MAX]))
        wrong = next((answer for answer in found.values() if isinstance(answer, Failed)), None)
        if wrong is not None:
            return wrong
    for item in items:
        if item.name not in found:
            known = item if item.type else (yield from _described(line, item.name))
            answer = known if isinstance(known, Failed) else (yield from item_value(line, known, 0))
            if isinstance(answer, Failed):
                return answer
            found[item.name] = answer
    values: dict[str, SecretBytes] = {}
    for name, answer in found.items():
        if not isinstance(answer, Found) or not isinstance(answer.payload, Blob):
            return answer
        if answer.payload.value.reveal():
            values[name] = answer.payload.value
    return Found(Entries(values))


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    """The whole value, which must not be empty, or a property: one key first, if it has dots, then a gjson path."""
    if not prop:
        return Found(Blob(SecretBytes(raw))) if raw else Failed(Missing("invalid value received, found no value string"))
    found = property_gjson_escaped(raw, prop).value_or(None)
    if found is None:
        return Failed(Missing(f"key {_kit.line(prop)} does not exist in the value"))
    return Found(Blob(SecretBytes(found)))


PROVIDER = Provider(
    key="akeyless",
    label="AKEYLESSLESS/SecretsManager",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    more_needs=more_needs,
    login=login,
    fetch=fetch,
    dialect=_kit.blob_dialect(_read, json_to_secret_data_map),
    push=push,
    delete=delete,
    exists=exists,
    batch_max=BATCH,
)
