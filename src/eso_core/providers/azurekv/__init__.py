"""``spec.provider.azurekv``: secrets, keys and certificates of Azure Key Vault.

Reads are plain HTTP; tokens and what is written go through Azure's own packages in the shell (``eso_shell/sdk/azure.py``).

What is found is carried as follows, so that the dialect knows what it reads in:

==================  ===================================================================================
found               payload
==================  ===================================================================================
a secret            a :class:`Blob`: its value
a key               :class:`Entries` ``key``: its public part as a JSON Web Key
a certificate       :class:`Entries` ``cert``: its DER form
metadata            :class:`Entries` ``<kind>/<name>``: tags and times, a JSON object of texts and nulls
==================  ===================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from returns.result import Failure as Wrong

from eso_core.compat.gojson import Json, marshal
from eso_core.compat.gotime import format_time
from eso_core.compat.property import property_azure
from eso_core.compat.text import to_bytes
from eso_core.compat.values import json_to_secret_data_map, json_to_string_map
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
from eso_core.failure import Broken, InvalidSpec, Missing
from eso_core.instant import SECOND
from eso_core.providers import _kit
from eso_core.providers.azurekv.line import (
    API_VERSION,
    CERT,
    KEY,
    NAME,
    SECRET,
    Attributes,
    Bundle,
    Line,
    Object,
    ask,
    line_of,
    object_of,
    read,
    what,
)
from eso_core.providers.azurekv.logins import login
from eso_core.providers.azurekv.pushes import delete, exists, push
from eso_core.providers.azurekv.store import needs, parse
from eso_core.secret import SecretBytes
from eso_core.wire import HttpReply

FOUND_MAX: Final = 10_000  # secrets that one find looks at
PAGES_MAX: Final = 1_000  # a page has 25 secrets at most, and may have none
JWK: Final = ("kid", "kty", "key_ops", "n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "key_hsm", "crv", "x", "y")
"""Members of a key in the order of the reference's older SDK (``JSONWebKey`` of ``services/keyvault/v7.0``)."""
TIMES: Final = {"attribute.expires": "exp", "attribute.created": "created", "attribute.updated": "updated", "attribute.notBefore": "nbf"}
TIME_END: Final = 253_402_300_800  # the year 10000, in seconds since 1970


# ---------------------------------------------------------------- what a vault answers


class _Item(msgspec.Struct):
    id: str
    tags: dict[str, str | None] | None = None
    attributes: Attributes | None = None


class _Page(msgspec.Struct, rename={"next_link": "nextLink"}):
    value: list[_Item]  # required: an answer without it is no empty list
    next_link: str | None = None


# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time. A probe is answered by the login: no permission is one that every user has."""
    line = line_of(access, session)
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get():
                answers[query] = yield from _get(line, query)
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                answers[query] = Found(Entries({}))
    return answers


def _get(line: Line, query: Get) -> Talk[Answer]:
    found = object_of(query.key)
    if isinstance(found, Wrong):
        return Failed(found.failure())
    if query.version and not NAME.fullmatch(query.version):
        return Failed(InvalidSpec("the version of an object of a key vault has letters, digits and dashes only"))
    wanted = found.unwrap()
    bundle = yield from read(line, wanted, query.version)
    if not isinstance(bundle, Bundle):
        return bundle if isinstance(bundle, Absent) else Failed(bundle)
    payload = _metadata(wanted, bundle) if query.metadata else _payload(line, wanted, bundle)
    return Found(payload) if payload is not None else Failed(Broken(f"Azure Key Vault: {wanted.kind} {wanted.name} has no value"))


def _payload(line: Line, wanted: Object, bundle: Bundle) -> Payload | None:
    """The value; ``None`` where there is none, as of a certificate that is still being made."""
    if wanted.kind == SECRET:
        return Blob(_kit.secret(bundle.value)) if bundle.value is not None else None
    if wanted.kind == KEY:
        return Entries({KEY: SecretBytes(_jwk(bundle.key, in_order=line.store.sorted_keys))}) if bundle.key is not None else None
    return Entries({CERT: SecretBytes(bundle.cer)}) if bundle.cer is not None else None


def _jwk(key: Mapping[str, str | list[str] | None], *, in_order: bool) -> bytes:
    """The key's JSON text as the reference writes it."""
    names = sorted(JWK) if in_order else JWK
    members = (marshal(name) + b":" + marshal(_json(key[name])) for name in names if key.get(name) is not None)
    return b"{" + b",".join(members) + b"}"


def _json(value: str | list[str] | None) -> Json:
    return [*value] if isinstance(value, list) else value


def _metadata(wanted: Object, bundle: Bundle) -> Payload:
    held: dict[str, str | None] = dict(bundle.tags or {})
    for name, attribute in TIMES.items():
        seconds = getattr(bundle.attributes, attribute, None)
        if seconds is not None and 0 <= seconds < TIME_END:
            held[name] = format_time(seconds * SECOND)
    return Entries({f"{wanted.kind}/{wanted.name}": SecretBytes(marshal({**held}))})


# ---------------------------------------------------------------- finding


def _find(line: Line, query: Find) -> Talk[Answer]:
    """Enabled secrets that carry all tags and have a name that matches; there are no paths, and besides these one does not count."""
    if query.path is not None and query.name is None and not query.tags:
        return Failed(InvalidSpec("a key vault has no paths: find secrets by name or by tags"))
    matches = _kit.matcher(query.name or "")
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    items = yield from _list(line)
    if isinstance(items, Failed):
        return items
    values: dict[str, SecretBytes] = {}
    for name, item in items.items():
        tags, wanted = item.tags or {}, item.attributes is not None and item.attributes.enabled is True
        if not (wanted and matches(name) and all(tags.get(tag) == text for tag, text in query.tags)):
            continue
        answer = yield from _get(line, Get(key=f"{SECRET}/{name}"))
        match answer:
            case Found(Blob(value)):
                values[name] = value
            case Failed():
                return answer
            case _:
                continue  # deleted since it was listed
    return Found(Entries(values))


def _list(line: Line) -> Talk[dict[str, _Item] | Failed]:
    """All secrets of the vault by name, in the order of its pages."""
    items: dict[str, _Item] = {}
    call = line.call(f"{line.store.vault}/secrets?api-version={API_VERSION}", "GetSecrets")
    for _ in range(PAGES_MAX):
        reply = yield from ask(call)
        if not isinstance(reply, HttpReply):
            return Failed(Broken(f"{what(call)}: there is no such list") if isinstance(reply, Absent) else reply)
        page = _kit.decoded(reply.body, _Page)
        if page is None:
            return Failed(Broken(f"{what(call)}: the answer is not a list"))
        for item in page.value:
            name = _name_of(line, item.id)
            if name is None:
                return Failed(Broken(f"{what(call)}: an entry of the list is no secret of this vault"))
            items[name] = item
        if len(items) > FOUND_MAX:
            return Failed(Broken(f"{what(call)}: more than {FOUND_MAX} secrets"))
        if not page.next_link:
            return items
        if not line.is_own(page.next_link, "/secrets"):
            return Failed(Broken(f"{what(call)}: the list goes on at another address, which is not asked"))
        call = line.call(page.next_link, "GetSecrets")
    return Failed(Broken(f"{what(call)}: more than {PAGES_MAX} pages"))


def _name_of(line: Line, identifier: str) -> str | None:
    """The name in an identifier such as ``https://team.vault.azure.net/secrets/name``."""
    name = identifier.rpartition("/")[2]
    return name if NAME.fullmatch(name) and line.is_own(identifier, f"/secrets/{name}") else None


# ---------------------------------------------------------------- dialect


def _secret(raw: bytes, prop: str) -> Answer:
    """A gjson path, else the same with its dots escaped."""
    return _kit.value_of(property_azure(raw, prop, ""), f"property {prop} does not exist")


_SECRETS: Final = _kit.blob_dialect(_secret, json_to_secret_data_map)


def _value(payload: Payload, prop: str) -> Answer:
    match payload:
        case Blob():
            return _SECRETS.value(payload, prop)
        case Entries(values) if KEY in values:
            return _SECRETS.value(Blob(values[KEY]), prop)
        case Entries(values) if CERT in values:
            return Found(Blob(values[CERT]))  # a property is not looked at, as in the reference
        case Entries(values):
            return _tag(_tags(values)[1], prop)


def _entries(payload: Payload, prop: str) -> Answer:
    match payload:
        case Blob():
            return _SECRETS.entries(payload, prop)
        case Entries(values) if KEY in values:
            return Failed(InvalidSpec("cannot get use dataFrom to get key secret"))
        case Entries(values) if CERT in values:
            return Failed(InvalidSpec("cannot get use dataFrom to get certificate secret"))
        case Entries(values):
            wanted, tags = _tags(values)
            return _tag_entries(wanted, tags, prop)


def _tags(values: Mapping[str, SecretBytes]) -> tuple[Object, Mapping[str, str | None]]:
    name, held = next(iter(values.items()), ("/", SecretBytes(b"{}")))
    kind, _, rest = name.partition("/")
    return Object(kind, rest), _kit.decoded(held.reveal(), dict[str, str | None]) or {}


def _tag(tags: Mapping[str, str | None], prop: str) -> Answer:
    """All as a JSON object; a tag by its name; or ``tag.path``, a path into the JSON text of a tag."""
    if not prop:
        return Found(Blob(_kit.json_object({name: text for name, text in tags.items() if text is not None})))
    if prop in tags:
        return Found(Blob(_kit.secret(tags[prop] or "")))
    name, dot, path = prop.partition(".")
    if not dot or name not in tags:
        return Failed(Missing(f"tag {prop} does not exist"))
    text = tags[name]
    return _SECRETS.value(Blob(_kit.secret(text)), path) if text is not None else Found(Blob(SecretBytes(b"")))


def _tag_entries(wanted: Object, tags: Mapping[str, str | None], prop: str) -> Answer:
    """``<secret>_<tag>``; of a tag that is a JSON object of texts ``<secret>_<tag>_<member>``."""
    if wanted.kind != SECRET:
        return Failed(InvalidSpec(f"cannot get use dataFrom to get {'key' if wanted.kind == KEY else 'certificate'} secret"))
    if prop:
        found = _tag(tags, prop)
        if not (isinstance(found, Found) and isinstance(found.payload, Blob)):
            return found
        return Found(Entries({f"{wanted.name}_{prop}": found.payload.value}))
    entries: dict[str, SecretBytes] = {}
    for tag, text in tags.items():
        if text is None:
            continue
        members = json_to_string_map(to_bytes(text)) if not _kit.crowded(to_bytes(text)) else Wrong("")
        if isinstance(members, Wrong):
            entries[f"{wanted.name}_{tag}"] = _kit.secret(text)
        else:
            entries |= {f"{wanted.name}_{tag}_{member}": SecretBytes(value) for member, value in members.unwrap().items()}
    return Found(Entries(entries))


PROVIDER = Provider(
    key="azurekv",
    label="Azure/KeyVault",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    login=login,
    fetch=fetch,
    dialect=Dialect(value=_value, entries=_entries),
    push=push,
    delete=delete,
    exists=exists,
)
