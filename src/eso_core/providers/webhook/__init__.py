"""``spec.provider.webhook``: one HTTP request for each value, made of templates.

A read is found as a :class:`Blob` of the response, before which stands what the dialect has to know: one line of JSON with the template
of the JSONPath and, where that is a template indeed, what it may read. So the path can depend on ``remoteRef.property``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.compat import jsonpath
from eso_core.compat.gofmt import float_f
from eso_core.compat.gojson import Json, Number, Numbers, marshal
from eso_core.compat.gojson import parse as parse_json
from eso_core.compat.text import go_text, to_bytes
from eso_core.compat.values import get_byte_values
from eso_core.door import (
    Absent,
    Access,
    Answer,
    Blob,
    Delete,
    Dialect,
    Done,
    Entries,
    Exists,
    Failed,
    Find,
    Found,
    Get,
    Payload,
    Probe,
    Provider,
    Push,
    Query,
    Session,
    Talk,
)
from eso_core.failure import Broken, Failure, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers._push import push_value
from eso_core.providers.webhook.store import REQUEST, Request, Store, failure_of, needs, parse, request, secrets_of, send
from eso_core.providers.webhook.text import Luck, Printer, draw, given, read_ref
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply

DIGITS_MAX: Final = 400  # of a number that is written out; a float64 has 309 at most

# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get():
                answers[query] = yield from _get(access, query)
            case Find():
                answers[query] = Failed(InvalidSpec("a webhook cannot find secrets"))
            case Probe():
                answers[query] = yield from _probe(access)
    return answers


def _get(access: Access, query: Get) -> Talk[Answer]:
    store: Store = access.spec
    luck = yield from draw(store.lucky)
    if not isinstance(luck, Luck):
        return Failed(luck)
    ref = read_ref(access, query.key, query.version, query.property)
    reply = yield from _read(access, luck, ref)
    if not isinstance(reply, HttpReply):
        return reply
    found = Blob(_wrapped(access, luck, ref, reply.body))
    unfit = _opened(found, query.property).bind(lambda opened: _at(*opened))
    return Failed(unfit.failure()) if isinstance(unfit, Wrong) else Found(found)


def _read(access: Access, luck: Luck, ref: Mapping[str, bytes]) -> Talk[HttpReply | Absent | Failed]:
    """The response to a read, of a status of 2xx."""
    store: Store = access.spec
    printed = request(access, Printer(luck), ref, store.method or "GET", store.body)
    if isinstance(printed, Wrong):
        return Failed(printed.failure())
    asked = printed.unwrap()
    reply = yield from send(access, asked)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if 200 <= reply.status < 300:
        return reply
    if reply.status == 304:
        return Failed(Broken(f"{asked.what}: not modified"))
    return Absent() if reply.status == 404 else Failed(failure_of(asked, reply))


def _probe(access: Access) -> Talk[Answer]:
    """Does the host answer? Any answer of HTTP will do; where the address cannot be told without a key, nothing is known."""
    store: Store = access.spec
    luck = yield from draw(store.lucky)
    if not isinstance(luck, Luck):
        return Failed(luck)
    printed = request(access, Printer(luck), read_ref(access, ""), "HEAD", b"")
    if isinstance(printed, Wrong):
        return Failed(printed.failure(), unsure=True)
    tls = _kit.tls_of(access, store.ca_pem)
    url = f"{printed.unwrap().at.origin}/"
    reply = _kit.http((yield HttpCall(method="HEAD", url=url, tls=tls, timeout_s=min(store.timeout_s, 15.0), name=REQUEST)))
    return Found(Entries({})) if isinstance(reply, HttpReply) else Failed(reply)


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """The value, as the body or as the templates have it. Whether it is new, the endpoint knows."""
    if not command.key:
        return Failed(InvalidSpec("remote key must be defined"))
    value = push_value(command)
    if isinstance(value, Wrong):
        unpushed: Failed = value.failure()
        return unpushed
    raw = value.unwrap().reveal()
    names = {"remoteKey": command.key, **({"secretKey": command.secret_key} if command.secret_key else {})}
    ref = {**{name: to_bytes(text) for name, text in names.items()}, command.key: raw}
    store: Store = access.spec
    reply = yield from _command(access, ref, store.method or "POST", store.body or raw)
    match reply:
        case (asked, HttpReply(status=404)):
            return Failed(Missing(f"{asked.what}: endpoint gave error 404"))
        case (_, HttpReply(status=status)):
            return Done(changed=status != 304)
        case _:
            return Failed(reply)


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """A request of method DELETE, without a body."""
    if not command.key:
        return Failed(InvalidSpec("remote key must be defined"))
    reply = yield from _command(access, {"remoteKey": to_bytes(command.key)}, "DELETE", b"")
    match reply:
        case (_, HttpReply(status=status)):
            return Done(changed=status not in (304, 404))
        case _:
            return Failed(reply)


def _command(access: Access, ref: Mapping[str, bytes], method: str, body: str | bytes) -> Talk[tuple[Request, HttpReply] | Failure]:
    """The answer: of a status of 2xx, 304 or 404."""
    store: Store = access.spec
    luck = yield from draw(store.lucky)
    if not isinstance(luck, Luck):
        return luck
    printed = request(access, Printer(luck), ref, method, body)
    if isinstance(printed, Wrong):
        unprinted: InvalidSpec = printed.failure()
        return unprinted
    asked = printed.unwrap()
    reply = yield from send(access, asked)
    if not isinstance(reply, HttpReply):
        return reply
    return (asked, reply) if 200 <= reply.status < 300 or reply.status in (304, 404) else failure_of(asked, reply)


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether a read finds something."""
    store: Store = access.spec
    luck = yield from draw(store.lucky)
    if not isinstance(luck, Luck):
        return Failed(luck)
    reply = yield from _read(access, luck, {**read_ref(access, command.key), "remoteKey": to_bytes(command.key)})
    return reply if isinstance(reply, Failed) else not isinstance(reply, Absent)


# ---------------------------------------------------------------- what is found


class _Head(msgspec.Struct, omit_defaults=True):
    """What stands before a response."""

    path: str = ""
    ref: dict[str, bytes] = {}
    secrets: list[tuple[str, dict[str, bytes]]] = []
    now_ns: int = 0
    seed: bytes = b""


def _wrapped(access: Access, luck: Luck, ref: Mapping[str, bytes], body: bytes) -> SecretBytes:
    store: Store = access.spec
    head = _Head(path=store.json_path)
    if "{{" in store.json_path:
        secrets = [(name, dict(keys)) for name, keys in secrets_of(access)]
        head = _Head(store.json_path, dict(ref), secrets, luck.now_ns, luck.seed)
    return SecretBytes(msgspec.json.encode(head) + b"\n" + body)


def _opened(payload: Payload, prop: str) -> Result[tuple[str, bytes], Failure]:
    """The JSONPath, printed, and the response."""
    if not isinstance(payload, Blob):
        return Wrong(Broken("several values where one was expected"))
    line, _, body = payload.value.reveal().partition(b"\n")
    head = _kit.decoded(line, _Head)
    if head is None:
        return Wrong(Broken("the response was not kept"))
    if "{{" not in head.path:
        return Success((head.path, body))
    data = given({**head.ref, "property": to_bytes(prop)}, head.secrets)
    printed = Printer(Luck(head.now_ns, head.seed)).text(head.path, data, "result.jsonPath")
    return printed.map(lambda path: (go_text(path), body))


def _value(payload: Payload, prop: str) -> Answer:
    """`extractSecretData`: one value; of several the first, of an object its JSON. Without a path, the response as it is."""
    opened = _opened(payload, prop)
    if isinstance(opened, Wrong):
        return Failed(opened.failure())
    path, body = opened.unwrap()
    if not path:
        return Found(Blob(SecretBytes(body)))
    got = _at(path, body)
    if isinstance(got, Wrong):
        return Failed(got.failure())
    value = got.unwrap()
    while isinstance(value, list):
        if not value:
            return Failed(Missing("filter worked but didn't get any result"))
        value = value[0]
    return Found(Blob(SecretBytes(_bytes(value))))


def _entries(payload: Payload, prop: str) -> Answer:
    """The members of the object at the path, which may be in a text."""
    opened = _opened(payload, prop)
    if isinstance(opened, Wrong):
        return Failed(opened.failure())
    path, body = opened.unwrap()
    got = _at(path, body) if path else _document(body)
    if isinstance(got, Success) and isinstance(got.unwrap(), str):
        got = _document(to_bytes(got.unwrap()))
    if isinstance(got, Wrong):
        return Failed(got.failure())
    value = got.unwrap()
    if not isinstance(value, dict):
        return Failed(Broken("failed to get response: it is not a JSON object"))
    flat: dict[str, Any] = {name: _bytes(item) for name, item in value.items()}
    return _kit.entries_of(get_byte_values(flat))


def _at(path: str, body: bytes) -> Result[Any, Failure]:
    """What the path selects of a response; without a path nothing is looked at."""
    return _document(body).bind(lambda document: _selected(path, document)) if path else Success(None)


def _document(body: bytes) -> Result[Json, Failure]:
    if _kit.crowded(body):
        return Wrong(_kit.CROWDED.failure)
    return parse_json(body, Numbers.TEXT).alt(lambda _: Broken("failed to parse response json"))


def _selected(path: str, document: Json) -> Result[Any, Failure]:
    compiled = jsonpath.compile_path(path)
    if isinstance(compiled, Wrong):
        return Wrong(InvalidSpec(compiled.failure(), "spec.provider.webhook.result.jsonPath"))
    found = jsonpath.evaluate(compiled.unwrap(), document)
    return found.alt(lambda why: Missing(f"failed to get response path: {why}"))


def _bytes(value: Any) -> bytes:
    match value:
        case str():
            return value.encode("utf-8", "surrogateescape")
        case None:
            return b""
        case bool():
            return b"true" if value else b"false"
        case Number():
            return _exactly(value.text).encode()
        case float():
            return float_f(value).encode()
        case _:
            return marshal(_plain(value))


def _exactly(text: str) -> str:
    """A JSON number without an exponent, and without zeros that say nothing; the number is never rounded."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > DIGITS_MAX:
        return text
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _plain(value: Json) -> Json:
    """``value``, its numbers as Go marshals them; those that a float64 cannot hold keep their text. It is changed in place."""
    todo: list[Any] = [value]
    while todo:
        held = todo.pop()
        for key, item in list(held.items() if isinstance(held, dict) else enumerate(held)):
            if isinstance(item, dict | list):
                todo.append(item)
            elif isinstance(item, Number) and _exactly(float_f(float(item.text))) == _exactly(item.text):
                held[key] = float(item.text)
    return value


PROVIDER = Provider(
    key="webhook",
    label="Webhook",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    dialect=Dialect(value=_value, entries=_entries),
    push=push,
    delete=delete,
    exists=exists,
    asks_property=True,
    by_namespace=lambda store: store.by_namespace,
)
