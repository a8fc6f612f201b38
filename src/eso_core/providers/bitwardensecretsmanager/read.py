"""What is read from a Bitwarden SDK server: the names of an organization's secrets, and secrets by their ids, many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from eso_core.door import Talk
from eso_core.failure import Broken, Failure, Missing
from eso_core.providers import _kit
from eso_core.providers.bitwardensecretsmanager.store import BY_IDS, SECRET, SECRETS, Line, Secret, failure_of, no_route, one, uuid_of, what
from eso_core.wire import HttpReply

IDS_MAX: Final = 100  # secrets in one call
FOUND_MAX: Final = 10_000  # secrets that one conversation reads


class Identifier(msgspec.Struct):
    """A secret without its value."""

    id: str
    key: str


class _Identifiers(msgspec.Struct):
    data: list[Identifier]


class _Secrets(msgspec.Struct):
    data: list[Secret]


def identifiers(line: Line) -> Talk[list[Identifier] | Failure]:
    """All secrets of the organization that the machine account may read."""
    call = line.call("GET", SECRETS, "ListSecrets", {"organizationId": line.store.organization})
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    if not 200 <= reply.status < 300:
        return failure_of(line, call, reply)
    held = _kit.decoded(reply.body, _Identifiers)
    if held is None or not all(uuid_of(secret.id) for secret in held.data):
        return Broken(f"{what(call)}: the answer is not a list of secrets")
    if len(held.data) > FOUND_MAX:
        return Broken(f"{what(call)}: more than {FOUND_MAX} secrets")
    return held.data


def secrets(line: Line, ids: Iterable[str]) -> Talk[Mapping[str, Secret | Failure]]:
    """Secrets by their ids, each asked for once. Where one of several is missing, Bitwarden gives none: then halves are asked for.

    Servers before 0.3 know no route for several.
    """
    wanted = list(dict.fromkeys(ids))
    todo = [wanted[start : start + IDS_MAX] for start in range(0, len(wanted), IDS_MAX)][::-1]
    found: dict[str, Secret | Failure] = {}
    while todo:
        part = todo.pop()
        if len(part) == 1:
            found[part[0]] = yield from secret(line, part[0])
            continue
        held = yield from _several(line, part)
        if isinstance(held, Mapping):
            found |= held
        elif held is None:
            todo += [[ident] for ident in reversed(part)]
        elif isinstance(held, Missing):
            half = len(part) // 2
            todo += [part[half:], part[:half]]
        else:
            return found | dict.fromkeys((ident for rest in (part, *todo) for ident in rest), held)
    return found


def secret(line: Line, ident: str) -> Talk[Secret | Failure]:
    """One secret by its id."""
    call = line.call("GET", SECRET, "GetSecret", {"id": ident})
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    held = one(line, call, reply)
    if isinstance(held, Secret) and uuid_of(held.id) != ident:
        return Broken(f"{what(call)}: the answer is another secret than {ident}")
    return Missing(f"{held.what} ({ident})") if isinstance(held, Missing) else held


def _several(line: Line, ids: list[str]) -> Talk[Mapping[str, Secret | Failure] | Failure | None]:
    """All of these secrets; ``None`` where the server knows no such route."""
    call = line.call("GET", BY_IDS, "GetSecretsByIds", {"ids": ids})
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    if no_route(reply):
        return None
    if not 200 <= reply.status < 300:
        return failure_of(line, call, reply)
    held = _kit.decoded(reply.body, _Secrets)
    given: dict[str, Secret | Failure] = {uuid_of(item.id): item for item in held.data} if held is not None else {}
    if not given.keys() >= set(ids):
        return Broken(f"{what(call)}: the answer does not hold the secrets that were asked for")
    return {ident: given[ident] for ident in ids}


def of_project(line: Line, name: str, listed: Iterable[Identifier], held: Mapping[str, Secret | Failure]) -> list[Secret] | Failure:
    """The secrets of this name in the store's project, in the order of the list. One that is gone since then is left out."""
    chosen: list[Secret] = []
    for identifier in listed:
        if identifier.key != name:
            continue
        found = held[uuid_of(identifier.id)]
        if isinstance(found, Secret):
            if found.project_id is not None and found.project_id.lower() == line.store.project.lower():
                chosen.append(found)
        elif not isinstance(found, Missing):
            return found
    return chosen


def named(line: Line, name: str) -> Talk[list[Secret] | Failure]:
    """The same, read now."""
    listed = yield from identifiers(line)
    if not isinstance(listed, list):
        return listed
    held = yield from secrets(line, (uuid_of(item.id) for item in listed if item.key == name))
    return of_project(line, name, listed, held)


def ambiguous(line: Line, name: str) -> Failure:
    """Bitwarden takes one name twice."""
    return Broken(f"more than one secret found for project {line.store.project} with key {_kit.line(name)}")


def missing(line: Line, name: str) -> Failure:
    """No secret of this name in the project."""
    return Missing(f"no secret found for project id {line.store.project} and name {_kit.line(name)}")
