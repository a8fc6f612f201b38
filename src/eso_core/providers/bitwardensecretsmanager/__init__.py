"""``spec.provider.bitwardensecretsmanager``: Bitwarden Secrets Manager, through an SDK server.

A secret is named by its id, or by its name in the project of the store. Names are found in a list of the organization, one for all
Gets of a conversation; all secrets that are wanted then come in one answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from eso_core.compat.property import property_gjson
from eso_core.door import Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import Failure, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers.bitwardensecretsmanager.mapping import members
from eso_core.providers.bitwardensecretsmanager.pushes import delete, exists, push
from eso_core.providers.bitwardensecretsmanager.read import (
    IDS_MAX,
    Identifier,
    ambiguous,
    identifiers,
    missing,
    of_project,
    secrets,
)
from eso_core.providers.bitwardensecretsmanager.store import Line, Secret, line_of, needs, parse, uuid_of
from eso_core.secret import SecretBytes

# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Many Gets, or a Find or a Probe alone. Version and ``metadataPolicy`` play no part, as in the reference."""
    line = line_of(access)
    gets = {query: query.key for query in queries if isinstance(query, Get)}
    answers: dict[Query, Answer] = {}
    answers.update((yield from _gets(line, gets)).items())
    for query in queries:
        match query:
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                answers[query] = yield from _probe(line)
    return answers


def _gets(line: Line, gets: Mapping[Get, str]) -> Talk[dict[Get, Answer]]:
    """One list, if names are among the keys, and then all secrets together."""
    names = {key for key in gets.values() if not uuid_of(key)}
    listed: list[Identifier] | Failure = (yield from identifiers(line)) if any(names) else []
    by_name = [uuid_of(item.id) for item in listed if item.key in names] if isinstance(listed, list) else []
    held = yield from secrets(line, [*filter(None, map(uuid_of, gets.values())), *by_name])
    return {query: _by_id(held[uuid_of(key)]) if uuid_of(key) else _by_name(line, key, listed, held) for query, key in gets.items()}


def _by_id(held: Secret | Failure) -> Answer:
    return Found(Blob(_kit.secret(held.value))) if isinstance(held, Secret) else Failed(held)


def _by_name(line: Line, name: str, listed: list[Identifier] | Failure, held: Mapping[str, Secret | Failure]) -> Answer:
    if not isinstance(listed, list):
        return Failed(listed)
    chosen = of_project(line, name, listed, held)
    if not isinstance(chosen, list):
        return Failed(chosen)
    if len(chosen) > 1:
        return Failed(ambiguous(line, name))
    return _by_id(chosen[0]) if chosen else Failed(missing(line, name))


def _find(line: Line, query: Find) -> Talk[Answer]:
    """All secrets of the organization, or those whose name matches. What is found is named by its id, for one name may be there twice."""
    if query.path is not None or query.tags:
        return Failed(InvalidSpec("secrets of Bitwarden have neither path nor tags; find them by name"))
    matches = _kit.matcher(query.name) if query.name is not None else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    listed = yield from identifiers(line)
    if not isinstance(listed, list):
        return Failed(listed)
    held = yield from secrets(line, (uuid_of(item.id) for item in listed if matches is None or matches(item.key)))
    values: dict[str, SecretBytes] = {}
    for ident, found in held.items():
        if isinstance(found, Secret):
            values[ident] = _kit.secret(found.value)
        elif not isinstance(found, Missing):
            return Failed(found)
    return Found(Entries(values))


def _probe(line: Line) -> Talk[Answer]:
    """Whether names can be listed; no value is asked for. That an organization has nothing for the account leaves it open."""
    listed = yield from identifiers(line)
    return Found(Entries({})) if isinstance(listed, list) else Failed(listed, unsure=isinstance(listed, Missing))


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    """The whole value, or what a gjson path finds in it."""
    if not prop:
        return Found(Blob(SecretBytes(raw)))
    found = property_gjson(raw, prop).value_or(None)
    if found is None:
        return Failed(Missing(f"property {_kit.line(prop)} does not exist in the secret"))
    return Found(Blob(SecretBytes(found)))


PROVIDER = Provider(
    key="bitwardensecretsmanager",
    label="BitwardenSecretsManager",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    dialect=_kit.blob_dialect(_read, members),
    push=push,
    delete=delete,
    exists=exists,
    batch_max=IDS_MAX,
)
