"""What the services of AWS share: the JSON 1.1 protocol, its errors, its pages.

Written from "AWS JSON 1.1 protocol" (smithy.io), "Common errors" and "Signature Version 4" of the API references of the services, as of
November 2026. Stricter than the services in one thing: an unknown member of a request is refused, so that a misspelled one is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from eso_core.wire import HttpReply

Json = dict[str, Any]
PAGE = 5  # entries of one page, if the request does not ask for fewer


class Refusal(Exception):
    """An error of the service: code and message."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code, self.message = code, message


def reply(body: Any, status: int = 200) -> HttpReply:
    raw = b"" if body is None else orjson.dumps(body)
    return HttpReply(status=status, headers={"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "r"}, body=raw)


def refused(code: str, message: str = "", status: int = 400) -> HttpReply:
    return reply({"__type": code, **({"message": message} if message else {})}, status)


def called(operations: Mapping[str, Callable[..., Any]], operation: str, body: bytes) -> HttpReply:
    """The reply of one operation, whose keyword arguments are the members of the request."""
    function = operations.get(operation)
    if function is None:
        return refused("UnknownOperationException")
    try:
        members = orjson.loads(body)
        known = set(function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount])
        if not isinstance(members, dict) or set(members) - known:
            return refused("ValidationException", f"unknown members {sorted(set(members) - known)}")
        return reply(function(**members))
    except orjson.JSONDecodeError:
        return refused("SerializationException")
    except Refusal as refusal:
        return refused(refusal.code, refusal.message)


def page(found: Sequence[Any], most: int, token: str | None) -> tuple[list[Any], Json]:
    """One page, and what names the next one."""
    start = int(token) if token and token.isdigit() else 0
    if token and not token.isdigit():
        raise Refusal("InvalidNextTokenException", "Invalid NextToken")
    size = min(most, PAGE)
    return list(found[start : start + size]), ({"NextToken": str(start + size)} if start + size < len(found) else {})


def length(value: object, name: str, least: int, most: int) -> None:
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise Refusal("ValidationException", f"1 validation error detected: Value at '{name}' failed to satisfy constraint")


def checked_tags(tags: Sequence[Json]) -> dict[str, str]:
    """Tags by name. Those of AWS itself cannot be written."""
    held = {tag["Key"]: tag["Value"] for tag in tags}
    if any(name.lower().startswith("aws:") or not 1 <= len(name) <= 128 for name in held) or len(held) != len(tags):
        raise Refusal("InvalidParameterException", "a tag is not usable")
    return held
