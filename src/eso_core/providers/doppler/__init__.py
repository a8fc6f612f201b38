"""``spec.provider.doppler``: the secrets of one config of a project of Doppler.

A Get asks for secrets by their names, several at a time. A find downloads the config, with names that ``nameTransformer`` has changed;
with ``format`` it is a file, which is the one entry :data:`FILE`. Values have references to other secrets resolved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers.doppler.pushes import delete, exists, push
from eso_core.providers.doppler.store import Line, bad_name, line_of, login, needs, parse, texts, what
from eso_core.secret import SecretBytes
from eso_core.wire import JSON, HttpReply

FILE: Final = "DOPPLER_SECRETS_FILE"
BATCH: Final = 50  # names in one request, so that its URL stays short
FOUND_MAX: Final = 10_000  # secrets of a config


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Up to :data:`BATCH` secrets, or a find, or a probe."""
    line = line_of(access, session)
    answers: dict[Query, Answer] = {}
    gets: list[Get] = []
    for query in queries:
        match query:
            case Get():
                gets.append(query)
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                answers[query] = yield from _probe(line)
    return {**answers, **(yield from _gets(line, gets))}


def _gets(line: Line, gets: Sequence[Get]) -> Talk[Mapping[Query, Answer]]:
    """Version and ``metadataPolicy`` play no part, as in the reference."""
    wrong = {get.key: bad_name(get.key) for get in gets}
    values = yield from _values(line, sorted(name for name, failure in wrong.items() if failure is None))
    answers: dict[Query, Answer] = {}
    for get in gets:
        failure = wrong[get.key]
        answers[get] = Failed(failure) if failure is not None else values[get.key]
    return answers


def _values(line: Line, names: Sequence[str]) -> Talk[Mapping[str, Answer]]:
    """One call for all. Where Doppler has a fault to find with one of several names, each is asked for by itself."""
    if not names:
        return {}
    held = yield from line.download({"secrets": ",".join(names)}, texts)
    if isinstance(held, dict):
        return {name: _answer(name, held) for name in names}
    if len(names) == 1 or not isinstance(held, Missing | Broken):
        return dict.fromkeys(names, Failed(held))
    answers: dict[str, Answer] = {}
    for name in names:
        answers |= yield from _values(line, (name,))
    return answers


def _answer(name: str, held: Mapping[str, str]) -> Answer:
    return Found(Blob(_kit.secret(held[name]))) if name in held else Failed(Missing(f"secret '{name}' not found"))


def _probe(line: Line) -> Talk[Answer]:
    """The token is good when projects can be listed."""
    call = line.call("GET", "/v3/projects", "ListProjects")
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    held = _kit.decoded(reply.body, dict[str, object])
    return Found(Entries({})) if held is not None and "projects" in held else Failed(Broken(f"{what(call)}: the answer lists no projects"))


# ---------------------------------------------------------------- finding


def _find(line: Line, query: Find) -> Talk[Answer]:
    """By name and by the start of the name."""
    if query.tags:
        return Failed(InvalidSpec("find by tags not supported"))
    matches = _kit.matcher(query.name) if query.name is not None else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    held = yield from _config(line)
    if not isinstance(held, dict):
        return Failed(held)
    if len(held) > FOUND_MAX:
        return Failed(Broken(f"the config has more than {FOUND_MAX} secrets"))
    start = query.path or ""
    return Found(Entries({name: value for name, value in held.items() if name.startswith(start) and (matches is None or matches(name))}))


def _config(line: Line) -> Talk[dict[str, SecretBytes] | Failure]:
    """All secrets, or the file that they make."""
    store = line.store
    query = {name: value for name, value in (("name_transformer", store.transformer), ("format", store.format)) if value}
    if not store.format:
        held = yield from line.download(query, _managed)
        return {name: _kit.secret(value) for name, value in held.items()} if isinstance(held, dict) else held
    accept = JSON if store.format == "json" else "text/plain"
    file = yield from line.download(query, partial(_file, store.format), accept)
    return {FILE: SecretBytes(file)} if isinstance(file, bytes) else file


def _managed(body: bytes) -> dict[str, str] | None:
    """A whole config; ``None`` for nothing at all, because Doppler adds secrets of its own, such as ``DOPPLER_PROJECT``, to each."""
    return texts(body) or None


def _file(form: str, body: bytes) -> bytes | None:
    """The file as it is; ``None`` for what is not of its form, as far as that can be told."""
    return body if form not in ("json", "dotnet-json") or _kit.decoded(body, dict[str, object]) is not None else None


# ---------------------------------------------------------------- dialect


def _whole(raw: bytes, prop: str) -> Answer:
    """The whole value: properties play no part, as in the reference."""
    return Found(Blob(SecretBytes(raw)))


PROVIDER = Provider(
    key="doppler",
    label="Doppler",
    capabilities="ReadOnly",
    parse=parse,
    needs=needs,
    login=login,
    fetch=fetch,
    dialect=_kit.blob_dialect(_whole, json_to_secret_data_map),
    push=push,
    delete=delete,
    exists=exists,
    batch_max=BATCH,
)
