"""``spec.provider.lockers``: the lockers of a small HTTP service.

=====================  ===============================================================================================
operation              calls
=====================  ===============================================================================================
login                  ``POST /v1/token`` with a client's name and secret, once for as long as the token lives
read                   ``GET /v1/lockers/NAME``, ``?version=N``
find                   ``GET /v1/lockers``, 100 names a page, then one read for each that matches
push                   a read, and ``PUT /v1/lockers/NAME`` unless the value is there
delete                 a read, and ``DELETE /v1/lockers/NAME`` if the operator made it
=====================  ===============================================================================================

An error is ``{"error": WORD}``. Only the words ``no_such_locker`` and ``no_such_version`` say that there is no secret; a 404 without them
comes from something in between.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.types import Model, NonEmpty
from eso_core.compat.property import property_gjson
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
    SecretKey,
    Session,
    Talk,
)
from eso_core.failure import Broken, Failure, InvalidSpec, Refused
from eso_core.providers import _kit
from eso_core.providers._push import MANAGED_BY, MANAGED_BY_US, NOT_MANAGED, push_metadata, push_value
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply

ABSENT = ("no_such_locker", "no_such_version")
PAGES_MAX = 100


# ---------------------------------------------------------------- what is written in a store


class KeyOf(Model):
    """A key of a Secret."""

    name: NonEmpty
    key: NonEmpty
    namespace: str | None = None


class Spec(Model):
    """``spec.provider.lockers``."""

    server: str
    client_id: str
    client_secret_ref: KeyOf


class Metadata(Model):
    """``spec.data[].metadata.spec`` of a PushSecret."""

    tags: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Store:
    """The parsed form."""

    base: str
    client_id: str
    secret: SecretKey


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """An address and a client."""
    if not model.client_id:
        return Wrong(InvalidSpec("must not be empty", "spec.provider.lockers.clientId"))
    base = _kit.base_url(model.server, "spec.provider.lockers.server")
    return base.map(lambda url: Store(url, model.client_id, _kit.secret_key(model.client_secret_ref)))


def needs(store: Store) -> Mapping[str, Need]:
    """The client's secret."""
    return {"secret": store.secret}


# ---------------------------------------------------------------- what the service says


class Token(msgspec.Struct):
    """Of ``POST /v1/token``. ``expires_in``: seconds."""

    token: str
    expires_in: float


class Locker(msgspec.Struct):
    """One locker; ``value`` is base64."""

    name: str
    value: str
    tags: dict[str, str]


class Named(msgspec.Struct):
    """A locker in a list."""

    name: str
    tags: dict[str, str]


class Page(msgspec.Struct):
    """Of ``GET /v1/lockers``. ``next``: the cursor of the next page; empty on the last."""

    lockers: list[Named]
    next: str


class Error(msgspec.Struct):
    """Of every answer that is not 200."""

    error: str


def failure_of(reply: HttpReply, what: str) -> Failure:
    """The failure behind a status that is not 200."""
    common = _kit.common_failure(reply, what)
    if common is not None:
        return common
    told = _kit.decoded(reply.body, Error)
    text = f"{what}: status {reply.status}{f', {_kit.line(told.error)}' if told is not None else ''}"
    return Refused(text, session=reply.status == 401) if reply.status in (401, 403) else Broken(text)


# ---------------------------------------------------------------- conversations


def login(access: Access) -> Talk[Session | Failure]:
    """A token, for as long as it lives."""
    store: Store = access.spec
    body = orjson.dumps({"client_id": store.client_id, "client_secret": access.text("secret")})
    call = HttpCall(method="POST", url=f"{store.base}/v1/token", headers={"Content-Type": "application/json"}, body=body, name="Login")
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    if reply.status != 200:
        return failure_of(reply, "login")
    token = _kit.decoded(reply.body, Token)
    return (
        Session(value=token.token, lease_s=token.expires_in) if token is not None and token.token.isascii() else Broken("login: no token")
    )


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query at a time."""
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get():
                answers[query] = yield from get(access, session, query)
            case Find():
                answers[query] = yield from find(access, session, query)
            case Probe():
                page = yield from page_of(access, session, "")
                answers[query] = Found(Entries({})) if isinstance(page, Page) else Failed(page)
    return answers


def get(access: Access, session: Session, query: Get) -> Talk[Answer]:
    """A value, or with ``metadataPolicy: Fetch`` the tags."""
    locker = yield from read(access, session, query.key, query.version)
    if not isinstance(locker, Locker):
        return locker
    if query.metadata:
        return Found(Blob(_kit.json_object(locker.tags)))
    value = value_of(locker)
    return Found(Blob(value)) if value is not None else Failed(Broken(f"get {_kit.line(query.key)}: the value is not base64"))


def read(access: Access, session: Session, key: str, version: str = "") -> Talk[Locker | Absent | Failed]:
    """One locker."""
    what = f"get {_kit.line(key)}"
    if key in ("", ".", ".."):
        return Failed(InvalidSpec("is not the name of a locker", "key"))
    query = f"?{urlencode({'version': version})}" if version else ""
    reply = _kit.http((yield request(access, session, "GET", f"/{quote(key, safe='')}{query}")))
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if reply.status == 200:
        locker = _kit.decoded(reply.body, Locker)
        return locker if locker is not None else Failed(Broken(f"{what}: the answer is not a locker"))
    told = _kit.decoded(reply.body, Error)
    return Absent() if reply.status == 404 and told is not None and told.error in ABSENT else Failed(failure_of(reply, what))


def find(access: Access, session: Session, query: Find) -> Talk[Answer]:
    """All lockers whose name matches and that carry the tags."""
    if query.path is not None:
        return Failed(InvalidSpec("unsupported find operator: lockers have no paths"))
    matches = _kit.matcher(query.name or "")
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    names = yield from listed(access, session)
    if not isinstance(names, list):
        return Failed(names)
    values: dict[str, SecretBytes] = {}
    for named in names:
        if matches(named.name) and all(named.tags.get(tag) == text for tag, text in query.tags):
            answer = yield from get(access, session, Get(key=named.name))
            if isinstance(answer, Failed):
                return answer
            if isinstance(answer, Found) and isinstance(answer.payload, Blob):  # else it was deleted a moment ago
                values[named.name] = answer.payload.value
    return Found(Entries(values))


def listed(access: Access, session: Session) -> Talk[list[Named] | Failure]:
    """All pages of the list."""
    names: list[Named] = []
    cursor = ""
    for _ in range(PAGES_MAX):
        page = yield from page_of(access, session, cursor)
        if not isinstance(page, Page):
            return page
        names.extend(page.lockers)
        cursor = page.next
        if not cursor:
            return names
    return Broken(f"list: more than {PAGES_MAX} pages")


def page_of(access: Access, session: Session, cursor: str) -> Talk[Page | Failure]:
    """One page of the list."""
    query = f"?{urlencode({'cursor': cursor})}" if cursor else ""
    reply = _kit.http((yield request(access, session, "GET", query)))
    if not isinstance(reply, HttpReply):
        return reply
    if reply.status != 200:
        return failure_of(reply, "list")
    page = _kit.decoded(reply.body, Page)
    return page if page is not None else Broken("list: the answer is not a page")


def request(access: Access, session: Session, method: str, path: str, body: Any = None) -> HttpCall:
    """A request for one or all lockers."""
    headers = {"Authorization": f"Bearer {session.value}"}
    return HttpCall(
        method=method,
        url=f"{access.spec.base}/v1/lockers{path}",
        headers=headers if body is None else {**headers, "Content-Type": "application/json"},
        body=b"" if body is None else orjson.dumps(body),
        name={"GET": "Read", "PUT": "Write", "DELETE": "Remove"}[method],
    )


def part_of(raw: bytes, prop: str) -> Answer:
    """``remoteRef.property`` as a path into JSON; the whole value without one."""
    if not prop:
        return Found(Blob(SecretBytes(raw)))
    found = property_gjson(raw, prop)
    value = found.unwrap() if isinstance(found, Success) else None
    return Found(Blob(SecretBytes(value))) if value is not None else Absent()


def value_of(locker: Locker) -> SecretBytes | None:
    """The value; ``None`` when it is not base64."""
    try:
        return SecretBytes(base64.b64decode(locker.value, validate=True))
    except (binascii.Error, ValueError):
        return None


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Write a value, unless it is there already."""
    value, metadata = push_value(command), push_metadata(command, Metadata)
    if not isinstance(value, Success):
        return value.failure()
    if not isinstance(metadata, Success):
        return metadata.failure()
    if command.property:
        return Failed(InvalidSpec("lockers have no properties", "property"))
    held = yield from read(access, session, command.key)
    if isinstance(held, Failed):
        return held
    if isinstance(held, Locker) and held.tags.get(MANAGED_BY) != MANAGED_BY_US:
        return NOT_MANAGED
    tags = {**metadata.unwrap().tags, MANAGED_BY: MANAGED_BY_US}
    if isinstance(held, Locker) and held.tags == tags and value_of(held) == value.unwrap():
        return Done(changed=False)
    body = {"value": base64.b64encode(value.unwrap().reveal()).decode(), "tags": tags}
    return (yield from written(request(access, session, "PUT", f"/{quote(command.key, safe='')}", body)))


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Remove what the operator made."""
    held = yield from read(access, session, command.key)
    if isinstance(held, Failed):
        return held
    if isinstance(held, Absent) or held.tags.get(MANAGED_BY) != MANAGED_BY_US:
        return Done(changed=False)
    return (yield from written(request(access, session, "DELETE", f"/{quote(command.key, safe='')}")))


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """One read."""
    held = yield from read(access, session, command.key)
    return held if isinstance(held, Failed) else isinstance(held, Locker)


def written(call: HttpCall) -> Talk[Done | Failed]:
    """A write, which answers ``{"done": true}``."""
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    what = f"{call.name.lower()} {call.url.rpartition('/')[2]}"
    if reply.status != 200:
        return Failed(failure_of(reply, what))
    return Done(changed=True) if _kit.decoded(reply.body, dict[str, bool]) == {"done": True} else Failed(Broken(f"{what}: not confirmed"))


PROVIDER = Provider(
    key="lockers",
    label="Lockers",
    capabilities="ReadWrite",
    model=Spec,
    parse=parse,
    needs=needs,
    login=login,
    fetch=fetch,
    push=push,
    delete=delete,
    exists=exists,
    dialect=_kit.blob_dialect(part_of, json_to_secret_data_map),
)
