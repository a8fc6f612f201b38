"""``spec.provider.gcpsm``: Google Secret Manager, global secrets or those of one location.

A secret has versions; ``latest`` is the newest, whatever its state. What the answers mean: :mod:`eso_core.providers._gcp.api`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from eso_core.compat.gojson import marshal
from eso_core.compat.property import property_gcp
from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import (
    Absent,
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
from eso_core.failure import Broken, Failure, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers._gcp.api import LABEL, ask, failed
from eso_core.providers.gcpsm import pushes as _gcp_push
from eso_core.providers.gcpsm.store import (
    LATEST,
    VERSION,
    Accessed,
    Line,
    bad_key,
    line_of,
    login,
    needs,
    newest_enabled,
    parse,
    payload_of,
)
from eso_core.secret import SecretBytes

PAGE_MAX: Final = 500  # secrets on one page; more with many labels would not fit into an answer
FOUND_MAX: Final = 10_000  # secrets that one find looks at
UNUSABLE: Final = ("DESTROYED state", "DISABLED state")  # in messages about a version
LABEL_PATTERN: Final = re.compile(r"[\w-]{1,63}")  # keys and values of labels

ANNOTATIONS: Final = "annotations"
LABELS: Final = "labels"

# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    line = line_of(access, session)
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get(metadata=True):
                answers[query] = yield from _metadata(line, query.key)
            case Get():
                answers[query] = yield from _get(line, query.key, query.version)
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                answers[query] = Found(Entries({}))  # the login has given a token, which is what the reference validates
    return answers


def _get(line: Line, key: str, version: str = "") -> Talk[Answer]:
    """A version, by default the latest; with ``LatestOrFetch`` the newest enabled one where that is disabled or destroyed."""
    wrong = bad_key(key) if VERSION.fullmatch(version or LATEST) else InvalidSpec("a version of GCP is a number, an alias or latest")
    if wrong is not None:
        return Failed(wrong)
    answer = yield from _access(line, key, version or LATEST)
    if not line.store.latest_or_fetch or version or not _unusable(answer):
        return answer
    newest = yield from newest_enabled(line, key)
    if isinstance(newest, str):
        return (yield from _access(line, key, newest)) if newest else answer
    return newest if isinstance(newest, Absent) else Failed(newest)


def _access(line: Line, key: str, version: str) -> Talk[Answer]:
    what = f"AccessSecretVersion {key}/{version}"
    held = yield from ask(line.call("GET", "AccessSecretVersion", f"/{key}/versions/{version}:access"), what, Accessed)
    if not isinstance(held, Accessed):
        return held if isinstance(held, Absent) else Failed(held)
    value = payload_of(held, what)
    return Found(Blob(value)) if isinstance(value, SecretBytes) else Failed(value)


def _unusable(answer: Answer) -> bool:
    failure = answer.failure if isinstance(answer, Failed) else None
    return isinstance(failure, Missing) and "FAILED_PRECONDITION" in failure.what and any(mark in failure.what for mark in UNUSABLE)


class _Metadata(msgspec.Struct):
    name: str  # required: an answer without it is none, whatever its status
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None


def _metadata(line: Line, key: str) -> Talk[Answer]:
    """Annotations and labels, each as a JSON object; ``null`` where there are none, as in the reference."""
    wrong = bad_key(key)
    if wrong is not None:
        return Failed(wrong)
    call = line.call("GET", "GetSecret", f"/{key}", query=f"?{urlencode({'fields': 'name,annotations,labels'})}")
    held = yield from ask(call, f"GetSecret {key}", _Metadata)
    if not isinstance(held, _Metadata):
        return held if isinstance(held, Absent) else Failed(held)
    parts = {ANNOTATIONS: held.annotations, LABELS: held.labels}
    return Found(Entries({name: SecretBytes(marshal(dict(texts) if texts else None)) for name, texts in parts.items()}))


# ---------------------------------------------------------------- finding


class _Named(msgspec.Struct):
    name: str
    labels: dict[str, str] = {}


class _Listed(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """An empty list is ``{}``, but not every object is an empty list."""

    secrets: list[_Named] = []
    next_page_token: str = ""
    total_size: int = 0


def _find(line: Line, query: Find) -> Talk[Answer]:
    """By name (which wins) or by labels; ``path`` is a prefix of the name. One read after the other."""
    if query.name is None and not query.tags:
        return Failed(InvalidSpec("unexpected find operator: name or tags must be given"))
    matches = _kit.matcher(query.name) if query.name is not None else None
    filters = _filters(query)
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    secrets = (yield from _list(line, filters)) if isinstance(filters, str) else filters
    if not isinstance(secrets, list):
        return Failed(secrets)
    values: dict[str, SecretBytes] = {}
    for named in secrets:
        key = named.name.rpartition("/")[2]
        wanted = matches(key) if matches is not None else all(named.labels.get(name) == value for name, value in query.tags)
        if not wanted or not key.startswith(query.path or "") or key in values:
            continue
        answer = yield from _get(line, key)
        if isinstance(answer, Failed):
            return answer
        if isinstance(answer, Found) and isinstance(answer.payload, Blob):
            values[key] = answer.payload.value
    return Found(Entries(values))


def _filters(query: Find) -> str | InvalidSpec:
    """The filter of the list: it spares pages, and what it lets through is looked at again."""
    tags = query.tags if query.name is None else ()
    if not all(LABEL_PATTERN.fullmatch(name) and (not value or LABEL_PATTERN.fullmatch(value)) for name, value in tags):
        return InvalidSpec("the key and the value of a label of GCP have up to 63 letters, digits, '_' and '-'")
    if query.path and bad_key(query.path) is not None:
        return InvalidSpec("find.path is the beginning of a name: letters, digits, '_' and '-'")
    parts = [f"labels.{name}={value}" if value else f'labels.{name}=""' for name, value in tags]
    return " ".join([*parts, *([f"name:{query.path}"] if query.path else [])])


def _list(line: Line, filters: str) -> Talk[list[_Named] | Failure]:
    """The secrets that the filter lets through, by name and labels."""
    found: list[_Named] = []
    asked = {"pageSize": str(PAGE_MAX), "fields": "secrets(name,labels),nextPageToken", **({"filter": filters} if filters else {})}
    token = ""
    for _ in range(1 + FOUND_MAX):
        more = {"pageToken": token} if token else {}
        held = yield from ask(line.call("GET", "ListSecrets", "", query=f"?{urlencode(asked | more)}"), "ListSecrets", _Listed)
        if not isinstance(held, _Listed):
            return failed(held, "ListSecrets")
        found += held.secrets
        if not held.next_page_token:
            return found
        if len(found) > FOUND_MAX or held.next_page_token == token:
            break
        token = held.next_page_token
    return Broken(f"ListSecrets: more than {FOUND_MAX} secrets; narrow the find by a path or tags")


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    return _kit.value_of(property_gcp(raw, prop, ""), f"key {prop} does not exist in the secret")


_VALUES: Final = _kit.blob_dialect(_read, json_to_secret_data_map)


def _value(payload: Payload, prop: str) -> Answer:
    return _VALUES.value(payload, prop) if isinstance(payload, Blob) else _of_metadata(payload.values, prop)


def _entries(payload: Payload, prop: str) -> Answer:
    found = _value(payload, prop)
    return _VALUES.entries(found.payload, "") if isinstance(found, Found) else found


def _of_metadata(parts: Mapping[str, SecretBytes], prop: str) -> Answer:
    """``annotations``, ``labels``, one of either behind a dot, or both as a JSON object."""
    if not prop:
        whole = b",".join(b'"%b":%b' % (name.encode(), parts[name].reveal()) for name in sorted(parts))
        return Found(Blob(SecretBytes(b"{%b}" % whole)))
    kind, dot, name = prop.partition(".")
    if kind not in parts or (dot and not name):
        what = f"invalid property {prop}: metadata property should start with either {ANNOTATIONS} or {LABELS}"
        return Failed(InvalidSpec(what))
    if not dot:
        return Found(Blob(parts[kind]))
    held = _kit.decoded(parts[kind].reveal(), dict[str, str]) or {}
    if name not in held:
        return Failed(Missing(f"{kind[:-1]} with key {name} does not exist in the secret"))
    return Found(Blob(_kit.secret(held[name])))


PROVIDER = Provider(
    key="gcpsm",
    label=LABEL,
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    login=login,
    dialect=Dialect(value=_value, entries=_entries),
    push=_gcp_push.push,
    delete=_gcp_push.delete,
    exists=_gcp_push.exists,
    find_converts=True,
)
