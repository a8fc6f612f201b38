"""``spec.provider.fake``: values written in the store itself, and values pushed to it. It makes no calls.

A value is found by its key and version written one after the other; a later entry of the same spelling replaces an earlier one.

What is pushed is held by the session, and so by nobody but the operator's memory: it is gone after a restart, when the store changes, and
when thousands of other identities were used since. Each store (and each set of credentials, of which a fake store has none) has its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.fake import Spec
from eso_core.compat.property import property_fake
from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import (
    Absent,
    Access,
    Answer,
    Blob,
    Delete,
    Done,
    Entries,
    Exists,
    Failed,
    Find,
    Found,
    Get,
    Need,
    Probe,
    Provider,
    Push,
    Query,
    Session,
    Talk,
)
from eso_core.failure import Broken, Failure, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers._push import push_value
from eso_core.refs import Ref
from eso_core.secret import SecretBytes

READY: Final = 0
UNKNOWN: Final = 1
PUSHED_MAX: Final = 1_000  # values that a session holds
PUSHED_SIZE_MAX: Final = 16 * 1024 * 1024  # bytes of all of them


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


@dataclass(slots=True)
class Memory:
    """What was pushed, by remote key."""

    pushed: dict[str, Entry] = field(default_factory=dict)

    def has_room(self, key: str, value: bytes) -> bool:
        """For one more value, or for another one in the place of the old."""
        others = [entry.value.reveal() for name, entry in self.pushed.items() if name != key]
        return len(others) < PUSHED_MAX and sum(map(len, others)) + len(value) <= PUSHED_SIZE_MAX


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """Every store that the schema admits is usable, as it is in the reference without its admission webhook."""
    entries = {f"{entry.key}{entry.version}": Entry(_kit.secret(entry.value), entry.version) for entry in model.data}
    return Success(Store(entries, model.validation_result or READY))


def needs(store: Store) -> Mapping[str, Need]:
    """Nothing."""
    return {}


def login(access: Access) -> Talk[Session | Failure]:
    """A session that holds nothing yet. No call is made."""
    yield from ()
    return Session(value=Memory())


# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Answers at once."""
    yield from ()
    return {query: answer(access.spec, memory_of(session), query) for query in queries}


def memory_of(session: Session) -> Memory:
    """What the session holds."""
    return session.value if isinstance(session.value, Memory) else Memory()


def answer(store: Store, memory: Memory, query: Query) -> Answer:
    """What the store says to one query."""
    match query:
        case Get():
            spelling = f"{query.key}{query.version}"
            entry = store.entries.get(spelling) or memory.pushed.get(spelling)
            return Found(Blob(entry.value)) if entry is not None and entry.version == query.version else Absent()
        case Find():
            return found(store, memory, query)
        case Probe():
            failed = Failed(Broken("unable to validate"), unsure=store.verdict == UNKNOWN)
            return Found(Entries({})) if store.verdict == READY else failed


def found(store: Store, memory: Memory, query: Find) -> Answer:
    """The greatest version (as text) of every key whose name matches."""
    if query.name is None:
        return Failed(InvalidSpec("unsupported find operator: the fake provider finds by name only"))
    matches = _kit.matcher(query.name)
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    newest: dict[str, Entry] = {}
    for spelling, entry in _all(store, memory):
        name = spelling.removesuffix(entry.version)
        if matches(name) and (name not in newest or newest[name].version < entry.version):
            newest[name] = entry
    return Found(Entries({name: entry.value for name, entry in newest.items()}))


def _all(store: Store, memory: Memory) -> Iterator[tuple[str, Entry]]:
    yield from store.entries.items()
    yield from ((name, entry) for name, entry in memory.pushed.items() if name not in store.entries)


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Keep a value under a key that the store does not declare itself. A property is not looked at."""
    yield from ()
    store: Store = access.spec
    value = push_value(command)
    if isinstance(value, Wrong):
        failed: Failed = value.failure()
        return failed
    if command.key in store.entries:
        return Failed(Broken("key already exists"))
    memory, raw = memory_of(session), value.unwrap().reveal()
    held = memory.pushed.get(command.key)
    if held is not None and held.value.reveal() == raw:
        return Done(changed=False)
    if not memory.has_room(command.key, raw):
        return Failed(Broken(f"a fake store holds at most {PUSHED_MAX} pushed values of {PUSHED_SIZE_MAX} bytes together"))
    memory.pushed[command.key] = Entry(value.unwrap(), "")
    return Done(changed=True)


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Forget what was pushed; what the store declares stays."""
    yield from ()
    return Done(changed=memory_of(session).pushed.pop(command.key, None) is not None)


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether the key is declared (with its version, one after the other) or was pushed."""
    yield from ()
    store: Store = access.spec
    return command.key in store.entries or command.key in memory_of(session).pushed


PROVIDER = Provider(
    key="fake",
    label="",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    login=login,
    dialect=_kit.blob_dialect(
        lambda raw, prop: _kit.value_of(property_fake(raw, prop), f"property {prop} cannot be looked up"), json_to_secret_data_map
    ),
    push=push,
    delete=delete,
    exists=exists,
    maintained=False,
    find_converts=True,
)
