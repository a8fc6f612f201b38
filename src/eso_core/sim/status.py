"""``Status`` bodies, and :class:`Refusal`: how any layer of the API server says no.

Refusals are raised, never returned, and caught in one place (``ApiServer.handle``): a request has one outcome and no layer between the
rule that fails and the reply has anything to add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from eso_core.refs import Kind


@dataclass(frozen=True, slots=True)
class Cause:
    """One violated rule. ``reason`` is the machine-readable type (``FieldValueInvalid``), ``message`` has no field name in it."""

    reason: str
    message: str
    field: str


@dataclass(eq=False, slots=True)
class Refusal(Exception):
    """The request has no other effect than this answer."""

    code: int
    reason: str
    message: str
    details: Mapping[str, Any] | None = None
    plain: bytes = b""  # the body, where the real server does not answer with an object

    def body(self) -> bytes:
        """The ``Status`` object."""
        return self.plain or orjson.dumps(self.status())

    def status(self) -> dict[str, Any]:
        """The ``Status`` object as a mapping; an empty reason and missing details are left out."""
        status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message}
        if self.reason:
            status["reason"] = self.reason
        if self.details:
            status["details"] = self.details
        status["code"] = self.code
        return status


def resource_name(kind: Kind) -> str:
    """``secrets`` or ``externalsecrets.external-secrets.io``: how messages call a resource."""
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _kind_name(kind: Kind) -> str:
    return f"{kind.name}.{kind.group}" if kind.group else kind.name


def _about(kind: Kind, name: str, label: str) -> dict[str, Any]:
    pairs = (("name", name), ("group", kind.group), ("kind", label))
    return {key: value for key, value in pairs if value}


def bad_request(message: str) -> Refusal:
    """400: the request cannot be understood."""
    return Refusal(400, "BadRequest", message)


def forbidden(kind: Kind, name: str, why: str, causes: Sequence[Cause] = ()) -> Refusal:
    """403: understood, and not allowed in this state."""
    details = _about(kind, name, kind.plural)
    if causes:
        details["causes"] = _causes(causes)
    subject = f'{resource_name(kind)} "{name}"' if name else resource_name(kind)
    return Refusal(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def not_found(kind: Kind, name: str) -> Refusal:
    """404 about one object."""
    return Refusal(404, "NotFound", f'{resource_name(kind)} "{name}" not found', _about(kind, name, kind.plural))


def no_such_path() -> Refusal:
    """404 about a path that nothing is served at."""
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def no_such_group() -> Refusal:
    """404 about an API group or version that is not served at all."""
    return Refusal(404, "NotFound", "404 page not found", {}, b"404 page not found\n")


def not_allowed(custom: Kind | None = None) -> Refusal:
    """405: the resource is served, this verb is not. Only for a custom resource the answer says which."""
    details = _about(custom, "", custom.plural) if custom else {}
    return Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details)


def unparsable_version(text: str) -> Refusal:
    """500, and no reason: what the real server makes of a resource version that is no number, except in lists."""
    return Refusal(500, "", f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')


def already_exists(kind: Kind, name: str) -> Refusal:
    """409 on create."""
    return Refusal(409, "AlreadyExists", f'{resource_name(kind)} "{name}" already exists', _about(kind, name, kind.plural))


def conflict(kind: Kind, name: str, why: str) -> Refusal:
    """409: a precondition does not hold."""
    message = f'Operation cannot be fulfilled on {resource_name(kind)} "{name}": {why}'
    return Refusal(409, "Conflict", message, _about(kind, name, kind.plural))


def expired(message: str) -> Refusal:
    """410: the resource version is older than the history."""
    return Refusal(410, "Expired", message)


def unsupported_media(accepted: Sequence[str]) -> Refusal:
    """415: no decoder for the body."""
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return Refusal(415, "UnsupportedMediaType", message)


def too_large(message: str) -> Refusal:
    """413: the body is over the request limit."""
    return Refusal(413, "RequestEntityTooLarge", f"Request entity too large: {message}")


def invalid(kind: Kind, name: str, causes: Sequence[Cause], label: str | None = None) -> Refusal:
    """422: the object breaks rules. One cause is named in the message, several are put in brackets."""
    each = [f"{cause.field}: {cause.message}" for cause in causes]
    joined = each[0] if len(each) == 1 else f"[{', '.join(each)}]"
    details = _about(kind, name, label or kind.name)
    details["causes"] = _causes(causes)
    return Refusal(422, "Invalid", f'{_kind_name(kind)} "{name}" is invalid: {joined}', details)


def rv_too_large(wanted: int, current: int) -> Refusal:
    """504: a resource version from the future. The real server waits 3 seconds for it first."""
    details = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1}
    return Refusal(504, "Timeout", f"Timeout: Too large resource version: {wanted}, current: {current}", details)


def _causes(causes: Sequence[Cause]) -> list[dict[str, str]]:
    return [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]


# ---------------------------------------------------------------- causes


def wrong(field: str, value: object, why: str) -> Cause:
    """``Invalid value: "x": why``."""
    return Cause("FieldValueInvalid", f"Invalid value: {_shown(value)}: {why}", field)


def required(field: str, why: str = "") -> Cause:
    """``Required value``."""
    return Cause("FieldValueRequired", f"Required value: {why}" if why else "Required value", field)


def ruled_out(field: str, why: str) -> Cause:
    """``Forbidden: why``."""
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def too_long(field: str, limit: int) -> Cause:
    """``Too long: may not be more than N bytes``."""
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} bytes", field)


def _shown(value: object) -> str:
    return orjson.dumps(value).decode()
