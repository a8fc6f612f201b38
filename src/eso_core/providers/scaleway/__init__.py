"""``spec.provider.scaleway``: the secrets of a project of Scaleway's Secret Manager, in one region.

A secret by id or path is read by one call. A name is looked for in the root folder, by one call, and only then, by a list, in the others.
"""

from __future__ import annotations

from collections.abc import Mapping

from eso_core.compat import gjson
from eso_core.compat.gojson import parse_string
from eso_core.compat.text import to_bytes
from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import Absent, Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import InvalidSpec, Refused
from eso_core.providers import _kit
from eso_core.providers.scaleway.calls import Listed, Version, access_version, first, list_secrets, one_page
from eso_core.providers.scaleway.pushes import delete, exists, push
from eso_core.providers.scaleway.store import LATEST, REVISION, ROOT, At, Line, address, line_of, needs, parse
from eso_core.secret import SecretBytes

# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    line = line_of(access)
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get():
                answers[query] = yield from _get(line, query)
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                answers[query] = yield from _probe(line)
    return answers


def _get(line: Line, query: Get) -> Talk[Answer]:
    """A version, by default the latest that is enabled. ``metadataPolicy`` plays no part, as in the reference."""
    at, revision = address(query.key), query.version or LATEST
    if isinstance(at, InvalidSpec):
        return Failed(at)
    if not REVISION.fullmatch(revision):
        return Failed(InvalidSpec("a version of Scaleway is a number, latest or latest_enabled"))
    held = yield from access_version(line, at, revision)
    if isinstance(held, Absent) and at.name and not at.folder:
        secret = yield from first(line, at)
        if not isinstance(secret, Listed):
            return secret if isinstance(secret, Absent) else Failed(secret)
        if secret.path == ROOT:
            return held
        held = yield from access_version(line, At(ident=secret.id), revision)
    if isinstance(held, Version):
        return Found(Blob(SecretBytes(held.data)))
    return held if isinstance(held, Absent) else Failed(held)


def _find(line: Line, query: Find) -> Talk[Answer]:
    """By name, by the folder, and by tags, of which the names count. One read after the other.

    Of secrets that have one name in several folders, the last that is listed counts.
    """
    matches = _kit.matcher(query.name) if query.name is not None else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    filters = [("path", query.path)] if query.path is not None else []
    listed = yield from list_secrets(line, [*filters, *(("tags", tag) for tag, _ in query.tags)])
    if not isinstance(listed, list):
        return Failed(listed)
    chosen = {secret.name: secret for secret in listed if matches is None or matches(secret.name)}
    values: dict[str, SecretBytes] = {}
    for name, secret in chosen.items():
        held = yield from access_version(line, At(ident=secret.id), LATEST)
        if isinstance(held, Version):
            values[name] = SecretBytes(held.data)
        elif not isinstance(held, Absent):
            return Failed(held)
    return Found(Entries(values))


def _probe(line: Line) -> Talk[Answer]:
    """Whether secrets can be listed; one is asked for. A key that may only read values may not, and yet be good."""
    held = yield from one_page(line, [], page=1, size=1)
    if isinstance(held, Refused) and not held.session:
        return Failed(held, unsure=True)
    return Failed(held) if not isinstance(held, tuple) else Found(Entries({}))


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    """The whole value, or what a gjson path finds in it: a string unquoted, null empty, anything else as it is written."""
    if not prop:
        return Found(Blob(SecretBytes(raw)))
    found = gjson.get(raw, prop).value_or(None)
    if found is None or not found.exists:
        return Absent()
    text = parse_string(found.raw)
    return Found(Blob(SecretBytes(text.map(lambda held: to_bytes(held or "")).value_or(found.raw.strip()))))


PROVIDER = Provider(
    key="scaleway",
    label="Scaleway",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    dialect=_kit.blob_dialect(_read, json_to_secret_data_map),
    push=push,
    delete=delete,
    exists=exists,
)
