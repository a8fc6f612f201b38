"""``spec.provider.gitlab``: CI/CD variables of a project of GitLab, of groups, or of both. Reads only.

A value is looked for in the project, then in the groups, the nearest first; in each of them under the store's environment, then among the
variables for all environments. A session holds the groups that a project inherits from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from eso_core.compat.property import property_gjson
from eso_core.compat.values import json_to_string_map
from eso_core.door import Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.providers.gitlab.store import ALL, Line, Place, failure_of, line_of, needs, parse, says_absent, what
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply

T = TypeVar("T")

PAGE: Final = 100  # items; GitLab gives no more
FOUND_MAX: Final = 30_000  # variables that one find looks at; a group of GitLab has no more
GROUPS_LEASE_S: Final = 60.0  # how long the groups of a project are taken for known
KEY: Final = re.compile(r"[a-zA-Z0-9_]{1,255}")
SCOPE_TAG: Final = "environment_scope"
GET_NAMES: Final[Mapping[Place, str]] = {"projects": "ProjectVariableGet", "groups": "GroupVariableGet"}
LIST_NAMES: Final[Mapping[Place, str]] = {"projects": "ProjectVariablesList", "groups": "GroupVariablesList"}


class _Variable(msgspec.Struct):
    """``value`` is null where the variable is hidden."""

    key: str
    value: str | None
    environment_scope: str = ALL


class _Group(msgspec.Struct):
    id: int
    full_path: str


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a store, the farthest first."""

    ids: tuple[str, ...]


# ---------------------------------------------------------------- groups


def login(access: Access) -> Talk[Session | Failure]:
    """The groups: those of the store, or those that the project inherits from. The latter are asked for."""
    line = line_of(access)
    if not line.store.inherit:
        return Session(value=Groups(line.store.groups))
    held = yield from _pages(line, _List("projects", line.store.project, "/groups", "ListProjectsGroups"), _Group)
    if not isinstance(held, list):
        return held
    nearest_last = sorted(held, key=lambda group: len(group.full_path.encode("utf-8", "replace")))
    return Session(value=Groups(tuple(str(group.id) for group in nearest_last)), lease_s=GROUPS_LEASE_S)


# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    line, groups = line_of(access), session.value
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get():
                answers[query] = yield from _get(line, groups, query.key)
            case Find():
                answers[query] = yield from _find(line, groups, query)
            case Probe():
                answers[query] = yield from _probe(line, groups)
    return answers


def _places(line: Line, groups: Groups) -> list[tuple[Place, str]]:
    """The project and the groups, nearest first."""
    project: list[tuple[Place, str]] = [("projects", line.store.project)] if line.store.project else []
    return [*project, *(("groups", group) for group in reversed(groups.ids))]


def _get(line: Line, groups: Groups, key: str) -> Talk[Answer]:
    """The nearest variable. Version and ``metadataPolicy`` play no part, as in the reference."""
    name = key.replace("-", "_")
    if not KEY.fullmatch(name):
        return Failed(InvalidSpec("a key of GitLab has up to 255 letters, digits, '_' and '-'"))
    environment = line.store.environment
    scopes = (environment, ALL) if environment not in ("", ALL) else (environment,)
    for place, ident in _places(line, groups):
        for scope in scopes:
            held = yield from _variable(line, place, ident, name, scope)
            if held is not None:
                return held
    return Failed(Missing(f"GitLab has no variable {name} in the project or the groups of the store"))


def _variable(line: Line, place: Place, ident: str, name: str, scope: str) -> Talk[Answer | None]:
    """The variable of one place and scope; ``None`` where GitLab says that there is none."""
    query = {f"filter[{SCOPE_TAG}]": scope} if scope else None
    call = line.call(place, ident, f"/variables/{quote(name, safe='')}", GET_NAMES[place], query)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if not 200 <= reply.status < 300:
        return None if says_absent(reply) else Failed(failure_of(call, reply))
    held = _kit.decoded(reply.body, _Variable)
    if held is None or held.key != name:
        return Failed(Broken(f"{what(call)}: the answer is not this variable"))
    if held.value is None:
        return Failed(Refused(f"{what(call)}: the variable is hidden; nobody can read its value"))
    return Found(Blob(_kit.secret(held.value)))


@dataclass(frozen=True, slots=True)
class _List:
    """A list: of what, below which path, and the label of its metric."""

    place: Place
    ident: str
    path: str
    name: str


def _pages(line: Line, asked: _List, of: type[T]) -> Talk[list[T] | Failure]:
    """All items of a list, page after page."""
    items: list[T] = []
    page = "1"
    for _ in range(1 + FOUND_MAX // PAGE):
        call = line.call(asked.place, asked.ident, asked.path, asked.name, {"page": page, "per_page": str(PAGE)})
        reply = yield from line.ask(call)
        held = _items(call, reply, of) if isinstance(reply, HttpReply) else reply
        if not isinstance(held, list):
            return held
        items += held
        assert isinstance(reply, HttpReply)
        page = _next(reply, page, len(held))
        if not page:
            return items
    return Broken(f"GitLab {asked.name} of {asked.ident}: more than {FOUND_MAX} items")


def _items(call: HttpCall, reply: HttpReply, of: type[T]) -> list[T] | Failure:
    if not 200 <= reply.status < 300:
        return failure_of(call, reply)
    held: list[T] | None = _kit.decoded(reply.body, list[of])  # type: ignore[valid-type]
    return held if held is not None else Broken(f"{what(call)}: the answer is not a list of the expected shape")


def _next(reply: HttpReply, page: str, count: int) -> str:
    """The number of the next page; ``""`` after the last. Where a proxy takes the header away, a full page has a next one."""
    told = reply.headers.get("x-next-page")
    if told is None:
        return str(int(page) + 1) if count >= PAGE else ""
    told = told.strip()[:9]
    return told if told.isascii() and told.isdigit() and int(told) > int(page) else ""


def _variables(line: Line, place: Place, ident: str) -> Talk[list[_Variable] | Failure]:
    return (yield from _pages(line, _List(place, ident, "/variables", LIST_NAMES[place]), _Variable))


# ---------------------------------------------------------------- finding


def _find(line: Line, groups: Groups, query: Find) -> Talk[Answer]:
    """By name, in one environment: groups from the farthest to the nearest, then the project, which overrides them."""
    environment = _environment(line, query)
    if isinstance(environment, InvalidSpec):
        return Failed(environment)
    if query.path is not None:
        return Failed(InvalidSpec("'find.path' is not implemented in the GitLab provider"))
    if query.name is None:
        return Failed(InvalidSpec("'find.name' is mandatory"))
    matches = _kit.matcher(query.name)
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    values: dict[str, str | None] = {}
    for place, idents in (("groups", groups.ids), ("projects", (line.store.project,) if line.store.project else ())):
        found: dict[str, _Variable] = {}
        for ident in idents:
            held = yield from _variables(line, place, ident)  # type: ignore[arg-type]
            if not isinstance(held, list):
                return Failed(held)
            _overlay(found, [variable for variable in held if variable.key and matches(variable.key)], environment)
        values |= {name: variable.value for name, variable in found.items()}
    return Found(Entries({name: _kit.secret(value) for name, value in values.items() if value is not None}))


def _environment(line: Line, query: Find) -> str | InvalidSpec:
    """The scope that is looked for; ``""`` and ``*`` stand for any."""
    if not query.tags:
        return line.store.environment
    if any(tag != SCOPE_TAG for tag, _ in query.tags):
        return InvalidSpec(f"'find.tags' only supports '{SCOPE_TAG}'")
    scope = query.tags[-1][1]
    if line.store.environment not in ("", ALL) and scope not in ("", ALL):
        return InvalidSpec(f"'find.tags' is constrained by '{SCOPE_TAG}' of the store")
    return scope


def _overlay(found: dict[str, _Variable], variables: list[_Variable], environment: str) -> None:
    """Later ones override, but what is for all environments does not override what is for one."""
    for variable in variables:
        everywhere = variable.environment_scope in ("", ALL)
        if not everywhere and environment not in ("", ALL) and variable.environment_scope != environment:
            continue
        before = found.get(variable.key)
        if not everywhere or before is None or before.environment_scope in ("", ALL):
            found[variable.key] = variable


def _probe(line: Line, groups: Groups) -> Talk[Answer]:
    """Whether the variables of the project and of each group can be listed; one of each is asked for."""
    for place, ident in _places(line, groups):
        call = line.call(place, ident, "/variables", LIST_NAMES[place], {"page": "1", "per_page": "1"})
        reply = yield from line.ask(call)
        held = _items(call, reply, _Variable) if isinstance(reply, HttpReply) else reply
        if not isinstance(held, list):
            return Failed(held)
    return Found(Entries({}))


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    """The whole value, which may not be empty, or what a gjson path finds in it."""
    if not prop:
        return Found(Blob(SecretBytes(raw))) if raw else Failed(Missing("invalid secret received: the variable has no value"))
    found = property_gjson(raw, prop).value_or(None)
    if found is None:
        return Failed(Missing(f"key {_kit.line(prop)} does not exist in the secret"))
    return Found(Blob(SecretBytes(found)))


PROVIDER = Provider(
    key="gitlab",
    label="GitLab",
    capabilities="ReadOnly",
    parse=parse,
    needs=needs,
    login=login,
    fetch=fetch,
    dialect=_kit.blob_dialect(_read, json_to_string_map),
)
