"""Items of Akeyless: what they are, their values, and lists of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from returns.result import Success

from eso_core.compat.gojson import Json, marshal, parse
from eso_core.door import Answer, Blob, Failed, Found, Talk
from eso_core.failure import Broken, Failure, Refused, Throttled, Unreachable
from eso_core.providers import _kit
from eso_core.providers.akeyless.store import UNIVERSAL, Line, failure_of, says_absent, what
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply

STATIC: Final = "STATIC_SECRET"
DYNAMIC: Final = "DYNAMIC_SECRET"
ROTATED: Final = "ROTATED_SECRET"
CERTIFICATE: Final = "CERTIFICATE"
LISTED: Final = ("static-secret", "dynamic-secret", "rotated-secret")
BATCH: Final = 10  # items in one conversation, which describes one after the other
READ_MAX: Final = 20  # static secrets in one call
FOUND_MAX: Final = 10_000  # items that one find looks at
PAGES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Item:
    """``type`` is empty where a list does not tell it."""

    name: str
    type: str
    tags: tuple[str, ...] = ()


class _Item(msgspec.Struct):
    item_name: str
    item_type: str = ""
    item_tags: list[str] | None = None


class _Page(msgspec.Struct):
    items: list[_Item] | msgspec.UnsetType | None = msgspec.UNSET
    folders: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    next_page: str | None = None


class _Certificate(msgspec.Struct):
    certificate_pem: str | None = None
    private_key_pem: str | None = None


class _Validity(msgspec.Struct):
    is_valid: bool
    reason: str = ""


# ---------------------------------------------------------------- what is there


def describe(line: Line, name: str) -> Talk[Item | Failed | None]:
    """The item; ``None`` where Akeyless says that there is none."""
    call = line.call("/describe-item", "DescribeItem", {"name": name})
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if not 200 <= reply.status < 300:
        return None if says_absent(reply) else Failed(failure_of(call, reply, name))
    held = _kit.decoded(reply.body, _Item)
    if held is None or not held.item_name:
        return _strange(call)
    return Item(name, held.item_type, tuple(held.item_tags or ()))


def listed(line: Line, path: str, tag: str) -> Talk[list[Item] | Failed]:
    """Static, dynamic and rotated secrets whose name begins with ``path``, page by page; with ``tag`` those that carry it."""
    body: dict[str, Any] = {"filter": path, "type": LISTED, "minimal-view": not tag, "auto-pagination": "disabled"}
    if tag:
        body["tag"] = tag
    items: list[Item] = []
    for _ in range(PAGES_MAX):
        call = line.call("/list-items", "ListItems", body)
        reply = yield from line.ask(call)
        if not isinstance(reply, HttpReply):
            return Failed(reply)
        if not 200 <= reply.status < 300:
            return Failed(failure_of(call, reply))
        page = _kit.decoded(reply.body, _Page)
        if page is None or (page.items is msgspec.UNSET and page.folders is msgspec.UNSET):
            return _strange(call)
        held = page.items if isinstance(page.items, list) else []
        items += (Item(item.item_name, item.item_type) for item in held if item.item_name.startswith(path))
        if len(items) > FOUND_MAX:
            break
        if not page.next_page:
            return items
        body["pagination-token"] = page.next_page
    return Failed(Broken(f"Akeyless list-items: more than {FOUND_MAX} items or {PAGES_MAX} pages; narrow the find by a path"))


def valid_token(line: Line) -> Talk[Failed | None]:
    """Why the token is not valid. Tokens of a universal identity are not asked about; a Gateway that knows no such call leaves it open."""
    if line.token.startswith(UNIVERSAL):
        return None
    call = line.call("/validate-token", "", {})
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if not 200 <= reply.status < 300:
        return Failed(failure_of(call, reply), unsure=reply.status == 404)
    held = _kit.decoded(reply.body, _Validity)
    if held is None:
        return _strange(call)
    return None if held.is_valid else Failed(Refused(f"Akeyless: the token is not valid: {_kit.line(held.reason)}", session=True))


def _strange(call: HttpCall) -> Failed:
    return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))


# ---------------------------------------------------------------- values


def static_values(line: Line, names: Sequence[str]) -> Talk[dict[str, Answer]]:
    """Latest values, in one call. What that does not give is read by itself, for one item that may not be read refuses the call."""
    if not names:
        return {}
    answers: dict[str, Answer] = {}
    if len(names) > 1:
        held = yield from _read(line, "/get-secret-value", "GetSecretValue", {"names": list(names), **line.cache})
        if isinstance(held, dict):
            answers = {name: _text(held, name) for name in names if name in held}
        elif isinstance(held, Throttled | Unreachable):
            return dict.fromkeys(names, Failed(held))
    for name in names:
        if name not in answers:
            answers[name] = yield from item_value(line, Item(name, STATIC), 0)
            if hopeless(answers[name]):
                return dict.fromkeys(names, answers[name]) | answers
    return answers


def hopeless(answer: Answer | None) -> bool:
    """More calls would not help now."""
    return isinstance(answer, Failed) and isinstance(answer.failure, Throttled | Unreachable)


def item_value(line: Line, item: Item, version: int) -> Talk[Answer]:
    """The value of an item of any type."""
    at = {"version": version} if version else {}
    match item.type:
        case "STATIC_SECRET":
            held = yield from _read(line, "/get-secret-value", "GetSecretValue", {"names": [item.name], **at, **line.cache})
            return _text(held, item.name) if isinstance(held, dict) else Failed(held)
        case "DYNAMIC_SECRET":
            held = yield from _read(line, "/get-dynamic-secret-value", "GetDynamicSecretsValue", {"name": item.name})
            return _json(held) if isinstance(held, dict) else Failed(held)
        case "ROTATED_SECRET":
            held = yield from _read(line, "/get-rotated-secret-value", "GetRotatedSecretValue", {"names": item.name, **at, **line.cache})
            return _rotated(held) if isinstance(held, dict) else Failed(held)
        case "CERTIFICATE":
            held = yield from _read(line, "/get-certificate-value", "GetCertificateValue", {"name": item.name, **at, **line.cache})
            return _certificate(held) if isinstance(held, dict) else Failed(held)
        case _:
            return Failed(Broken(f"Akeyless {_kit.line(item.name)}: invalid item type: {_kit.line(item.type)}"))


def _read(line: Line, path: str, name: str, body: dict[str, Any]) -> Talk[dict[str, Json] | Failure]:
    """An answer that is a JSON object."""
    call = line.call(path, name, body)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    asked = body.get("name") or body["names"]
    if not 200 <= reply.status < 300:
        return failure_of(call, reply, asked if isinstance(asked, str) else ", ".join(asked))
    parsed = parse(reply.body) if not _kit.crowded(reply.body) else None
    value = parsed.unwrap() if isinstance(parsed, Success) else None
    return value if isinstance(value, dict) else Broken(f"{what(call)}: the answer is not JSON of the expected shape")


def _text(held: dict[str, Json], name: str) -> Answer:
    value = held.get(name)
    if not isinstance(value, str):
        return Failed(Broken(f"Akeyless get-secret-value {_kit.line(name)}: the answer holds no text of this name"))
    return Found(Blob(_kit.secret(value)))


def _json(value: Json) -> Answer:
    return Found(Blob(SecretBytes(marshal(value))))


def _rotated(held: dict[str, Json]) -> Answer:
    if "value" not in held:
        return _json(held)
    value = held["value"]
    if not isinstance(value, dict):
        return Failed(Broken("Akeyless get-rotated-secret-value: the value is not an object"))
    payload = value.get("payload")
    if "payload" in value:
        return Found(Blob(_kit.secret(payload))) if isinstance(payload, str) else _json(payload)
    return _json(value.get("target_value", value))


def _certificate(held: dict[str, Json]) -> Answer:
    """Only what the reference's model of the answer has."""
    known = {name: held[name] for name in ("certificate_pem", "private_key_pem") if held.get(name) is not None}
    if "certificate_pem" not in known or not all(isinstance(value, str) for value in known.values()):
        return Failed(Broken("Akeyless get-certificate-value: the answer holds no certificate"))
    return _json(known)
