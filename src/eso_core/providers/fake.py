"""``spec.provider.fake``: values written in the store itself. It makes no calls.

A value is found by its key and version written one after the other; a later entry of the same spelling replaces an earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from returns.result import Result, Success

from eso_core.api.providers.fake import Spec
from eso_core.compat.property import property_fake
from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import (
    Absent,
    Access,
    Answer,
    Blob,
    Entries,
    Failed,
    Find,
    Found,
    Get,
    Need,
    Probe,
    Provider,
    Query,
    Session,
    Talk,
)
from eso_core.failure import Broken, InvalidSpec
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.secret import SecretBytes

READY = 0
UNKNOWN = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One value."""

    value: SecretBytes
    version: str


@dataclass(frozen=True, slots=True)
class Store:
    """``entries`` by key and version, one after the other. ``verdict`` is what validation says: 0 ready, 1 unknown, else an error."""

    entries: Mapping[str, Entry]
    verdict: int


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """Every store that the schema admits is usable."""
    entries = {f"{entry.key}{entry.version}": Entry(_kit.secret(entry.value), entry.version) for entry in model.data}
    return Success(Store(entries, model.validation_result or READY))


def needs(store: Store) -> Mapping[str, Need]:
    """Nothing."""
    return {}


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Answers at once."""
    yield from ()
    return {query: answer(access.spec, query) for query in queries}


def answer(store: Store, query: Query) -> Answer:
    """What the store says to one query."""
    match query:
        case Get():
            entry = store.entries.get(f"{query.key}{query.version}")
            return Found(Blob(entry.value)) if entry is not None and entry.version == query.version else Absent()
        case Find():
            return found(store, query)
        case Probe():
            failed = Failed(Broken("unable to validate"), unsure=store.verdict == UNKNOWN)
            return Found(Entries({})) if store.verdict == READY else failed


def found(store: Store, query: Find) -> Answer:
    """The greatest version (as text) of every key whose name matches."""
    if query.name is None:
        return Failed(InvalidSpec("unsupported find operator: the fake provider finds by name only"))
    matches = _kit.matcher(query.name)
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    newest: dict[str, Entry] = {}
    for spelling, entry in store.entries.items():
        name = spelling.removesuffix(entry.version)
        if matches(name) and (name not in newest or newest[name].version < entry.version):
            newest[name] = entry
    return Found(Entries({name: entry.value for name, entry in newest.items()}))


PROVIDER = Provider(
    key="fake",
    label="",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    dialect=_kit.blob_dialect(
        lambda raw, prop: _kit.value_of(property_fake(raw, prop), f"property {prop} cannot be looked up"), json_to_secret_data_map
    ),
    maintained=False,
    find_converts=True,
)
