"""Query parameters and bodies of requests, parsed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from eso_core.refs import Kind
from eso_core.sim.resource import Doc, Resource
from eso_core.sim.status import Cause, bad_request, invalid, ruled_out, too_large, wrong
from eso_core.sim.table import Key

BODY_MAX = 3 * 1024 * 1024  # bytes
DEPTH_MAX = 100  # levels of objects and arrays in a body; every walk over a document is recursive
_MANAGER_MAX = 128  # characters
_PROPAGATION = ("Background", "Foreground", "Orphan")
_FRACTION = re.compile(rb"[:,\[\s]-?[0-9]+[.eE]")  # every number that is not whole looks like this, and few texts do
_WHOLE_MAX = 2.0**63
_NOTHING: Mapping[str, Any] = {}


def options_kind(name: str) -> Kind:
    """How refusals call a set of options."""
    return Kind("meta.k8s.io", "v1", name, "", namespaced=False)


def whole_number(text: str, what: str) -> int:
    """``text`` as a non-negative integer. Refuses with 400."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise bad_request(f'{what}: Invalid value: "{text}": invalid syntax')
    return int(text)


def is_true(text: str) -> bool:
    """How the server reads a boolean parameter: anything but ``false`` and ``0``, the empty string included, is true."""
    return text.lower() not in ("false", "0")


def body_object(body: bytes | None, *, null: Doc | None = None) -> Doc:
    """The body as a JSON object; ``null`` is what the JSON null stands for, if for anything. Refuses with 400 and 413."""
    if not body:
        raise bad_request("the body of the request is empty")
    if len(body) > BODY_MAX:
        raise too_large(f"limit is {BODY_MAX}")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _repaired(body)
    if value is None and null is not None:
        return null
    if body.count(b"{") + body.count(b"[") > DEPTH_MAX and _is_deep(value, DEPTH_MAX):
        raise bad_request("json: exceeded max depth")
    if _FRACTION.search(body):
        value = _integral(value)
    if type(value) is not dict:
        raise bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct")
    return value


def _is_deep(value: Any, levels: int) -> bool:
    """Whether ``value`` has more than so many levels of objects and arrays."""
    if type(value) is dict:
        return levels == 0 or any(_is_deep(inner, levels - 1) for inner in value.values())
    return type(value) is list and (levels == 0 or any(_is_deep(inner, levels - 1) for inner in value))


def _integral(value: Any) -> Any:
    """``value`` with whole numbers for what has no fraction: ``1.0`` is stored as ``1``."""
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) < _WHOLE_MAX else value
    if type(value) is dict:
        return {key: _integral(inner) for key, inner in value.items()}
    return [_integral(inner) for inner in value] if type(value) is list else value


def _repaired(body: bytes) -> Any:
    """Bytes that are not UTF-8 are replaced, not refused."""
    try:
        return orjson.loads(body.decode("utf-8", "replace"))
    except orjson.JSONDecodeError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None


def document(resource: Resource, value: Doc, *, patched: bool = False) -> Doc:
    """A body as a document of ``resource``, without ``apiVersion`` and ``kind``. Refuses with 400.

    These must be the right ones; for native kinds they may be missing. Of a custom resource a wrong kind (or, after a patch, a wrong
    version) decodes: it stays in the document, which is refused as invalid later on.
    """
    kind = resource.kind
    doc = dict(value)
    version, name = doc.pop("apiVersion", None), doc.pop("kind", None)
    if not all(type(given) in (str, type(None)) for given in (version, name)):
        raise bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal into Go struct field .kind of type string")
    if not resource.native and not (version and name):
        raise bad_request("Object 'Kind' is missing" if version else "Object 'apiVersion' is missing")
    if (version or kind.api_version) != kind.api_version:
        if resource.native or not patched:
            raise bad_request(f"the API version in the data ({version}) does not match the expected API version ({kind.api_version})")
        doc["apiVersion"] = version
    if (name or kind.name) != kind.name:
        if resource.native:
            raise bad_request(f"the kind in the data ({name}) does not match the expected kind ({kind.name})")
        doc["kind"] = name
    return doc


# ---------------------------------------------------------------- writes


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Who writes, and whether it is a rehearsal."""

    manager: str
    dry_run: bool


def write_options(query: Mapping[str, str], manager: str, kind: str) -> WriteOptions:
    """Options of create, update and patch. Refuses with 422."""
    chosen = query.get("fieldManager", "")
    causes: list[Cause] = []
    if len(chosen.encode()) > _MANAGER_MAX:
        causes.append(Cause("FieldValueTooLong", f"Too long: may not be more than {_MANAGER_MAX} bytes", "fieldManager"))
    if not chosen.isprintable():
        causes.append(wrong("fieldManager", chosen, "should only contain printable characters"))
    causes += _dry_run(query.get("dryRun", ""))
    validation = query.get("fieldValidation", "")
    if validation not in ("", "Ignore", "Warn", "Strict"):
        causes.append(_unsupported("fieldValidation", validation))
    if causes:
        raise invalid(options_kind(kind), "", causes)
    return WriteOptions(chosen or manager, query.get("dryRun", "") == "All")


def _dry_run(value: str) -> list[Cause]:
    return [] if value in ("", "All") else [_unsupported("dryRun", value)]


def _unsupported(field: str, value: str) -> Cause:
    return Cause("FieldValueNotSupported", f'Unsupported value: "{value}"', field)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """Preconditions, and what happens to dependents. ``None`` and ``""``: not given."""

    uid: str | None
    version: str | None
    propagation: str
    accepted_when_pending: bool  # the deprecated orphanDependents=false changes the status code
    dry_run: bool


def delete_options(body: bytes | None, query: Mapping[str, str]) -> DeleteOptions:
    """Options of delete: the body, or the query when there is none. Refuses with 400 and 422."""
    given: Mapping[str, Any] = body_object(body, null={}) if body else query
    if any(type(given.get(key)) not in (str, type(None)) for key in ("kind", "apiVersion")):
        raise bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal into Go struct field .kind of type string")
    if given.get("kind", "DeleteOptions") not in ("DeleteOptions", "", None):
        raise bad_request("decoded object cannot be converted to DeleteOptions")
    preconditions = given.get("preconditions") or _NOTHING
    policy, orphan, dry = given.get("propagationPolicy") or "", given.get("orphanDependents"), given.get("dryRun") or ()
    if type(preconditions) not in (dict, type(_NOTHING)):
        raise bad_request("json: cannot unmarshal a field of DeleteOptions")
    uid: Any = preconditions.get("uid")
    version: Any = preconditions.get("resourceVersion")
    texts = all(type(text) is str for text in (policy, uid or "", version or ""))
    if not texts or type(orphan) not in (bool, type(None), str) or type(dry) not in (list, tuple, str):
        raise bad_request("json: cannot unmarshal a field of DeleteOptions")
    dry_run = [dry] if type(dry) is str else list(dry)
    causes = [cause for value in dry_run for cause in _dry_run(str(value))]
    if policy and orphan is not None:
        causes.append(wrong("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"))
    if policy and policy not in _PROPAGATION:
        causes.append(_unsupported("propagationPolicy", policy))
    if causes:
        raise invalid(options_kind("DeleteOptions"), "", causes)
    orphans = is_true(orphan) if type(orphan) is str else orphan
    chosen = policy or {True: "Orphan", False: "Background", None: ""}[orphans]
    return DeleteOptions(uid, version, chosen, orphans is False, bool(dry_run))


# ---------------------------------------------------------------- lists


@dataclass(frozen=True, slots=True)
class ListOptions:
    """How to list. ``version`` is ``None`` when the query has none; ``after`` is where a further page begins."""

    limit: int
    version: int | None
    exact: bool
    after: Key | None


def list_options(query: Mapping[str, str]) -> ListOptions:
    """Options of list. Refuses with 400 and 422."""
    size = query.get("limit", "0")
    limit = 0 if size.startswith("-") and whole_number(size[1:], "limit") else whole_number(size, "limit")
    version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    token = query.get("continue", "")
    causes = _list_causes(version, match, token)
    if "sendInitialEvents" in query:
        causes.append(ruled_out("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if causes:
        raise invalid(options_kind("ListOptions"), "", causes)
    if token:
        if version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        at, after = _decode_token(token)
        return ListOptions(limit, at, True, after)
    number = whole_number(version, "resourceVersion") if version else None
    if number == 0:
        limit = 0  # any state will do, so it comes from the cache, and that is not paged
    return ListOptions(limit, number, bool(number) and (match == "Exact" or (match == "" and limit > 0)), None)


def _list_causes(version: str, match: str, token: str) -> list[Cause]:
    field = "resourceVersionMatch"
    if not match:
        return []
    if not version:
        return [ruled_out(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")]
    if token:
        return [ruled_out(field, "resourceVersionMatch is forbidden when continue is provided")]
    if match not in ("Exact", "NotOlderThan"):
        return [_unsupported(field, match)]
    if match == "Exact" and version == "0":
        return [ruled_out(field, 'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"')]
    return []


def encode_token(version: int, first: Key) -> str:
    """Where the next page of the list as of ``version`` begins."""
    token = orjson.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": f"{first[0]}/{first[1]}"})
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def _decode_token(token: str) -> tuple[int, Key]:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, _, name = value["start"].partition("/")
        version = value["rv"]
        if type(version) is not int or version < 1 or value["v"] != "meta.k8s.io/v1":
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise bad_request("continue key is not valid: it does not come from this server") from None
    return version, (namespace, name)


# ---------------------------------------------------------------- tokens


def token_seconds(spec: Mapping[str, Any]) -> int:
    """``expirationSeconds`` of a TokenRequest, 3600 when it is missing. Refuses with 400 and 422."""
    seconds = spec.get("expirationSeconds")
    if seconds is None:
        return 3600
    if type(seconds) is not int:
        raise bad_request("json: cannot unmarshal into Go struct field TokenRequestSpec.expirationSeconds of type int64")
    causes: list[Cause] = []
    if seconds < 600:
        causes.append(wrong("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes"))
    if seconds > 1 << 32:
        causes.append(wrong("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"))
    if causes:
        raise invalid(Kind("authentication.k8s.io", "v1", "TokenRequest", "", namespaced=True), "", causes)
    return seconds
