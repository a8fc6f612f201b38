"""From a Secret as JSON to its Go type (source: ``k8s.io/apimachinery/pkg/runtime/converter.go``: FromUnstructured).

The reference sets a path in the JSON form of the target and converts that back. A Secret keeps what its type has, in its types; anything
else is lost, or an error. Of other kinds only the kind has to be there.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from returns.result import Failure

from eso_core.compat.decode import decode
from eso_core.compat.gojson import marshal, value_kind
from eso_core.compat.gotime import parse_time

Restore: TypeAlias = Callable[[Any], Any]

_INT64 = 1 << 63
_KINDS = {str: "string", bool: "bool", int: "int64", float: "float64", list: "slice", dict: "map", bytes: "slice"}


class Mismatch(Exception):
    """``text`` is Go's; ``public`` the same without data."""

    def __init__(self, text: str, public: str = "") -> None:
        super().__init__(public or text)
        self.text, self.public = text, public or text


def restore_secret(fields: Mapping[str, Any]) -> dict[str, Any]:
    """``fields``, whose data is base64, as a Secret, whose data is bytes. Raises :class:`Mismatch`."""
    return _struct(_SECRET)(fields)  # type: ignore[no-any-return]


def unrestored(secret: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON form of a Secret."""
    data = {key: base64.b64encode(value).decode() for key, value in (secret.get("data") or {}).items()}
    shown = {"metadata": {}, **secret, "data": data}
    return shown if data else {name: value for name, value in shown.items() if name != "data"}


def check_kind(fields: Mapping[str, Any]) -> None:
    """Raises :class:`Mismatch` unless ``fields`` is an object of some kind."""
    kind, version = fields.get("kind"), fields.get("apiVersion")
    if not isinstance(kind, str) or not kind or (isinstance(version, str) and version.count("/") > 1):
        what = "Object 'Kind' is missing"
        raise Mismatch(f"{what} in '{marshal(dict(fields)).decode()}'", what)


def _simple(kind: type, name: str, go_kind: str) -> Restore:
    def restore(value: Any) -> Any:
        if type(value) is kind:
            return value
        if kind is int and type(value) is float:
            if value.is_integer():
                return int(value) if -_INT64 <= value < _INT64 else -_INT64  # as amd64 does
            raise Mismatch(f"cannot convert float64 to {name}")
        if kind is str and type(value) is int:  # Go converts an integer to the text of a rune
            raise Mismatch(f"cannot convert int64 to {name}")
        raise Mismatch(f"unrecognized type: {go_kind}")

    return restore


def _map(restore: Restore, zero: Any) -> Restore:
    def restored(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(f"cannot restore map from {_KINDS[type(value)]}")
        return {key: zero if value[key] is None else restore(value[key]) for key in sorted(value)}

    return restored


def _list(restore: Restore, zero: Any) -> Restore:
    def restored(value: Any) -> Any:
        if not isinstance(value, list):
            raise Mismatch(f"cannot restore slice from {_KINDS[type(value)]}")
        return [zero if item is None else restore(item) for item in value]

    return restored


def _struct(fields: Mapping[str, Restore]) -> Restore:
    def restored(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(f"cannot restore struct from: {_KINDS[type(value)]}")
        return {name: restore(value[name]) for name, restore in fields.items() if value.get(name) is not None}

    return restored


def _bytes(value: Any) -> bytes:
    if isinstance(value, list):
        return bytes(0 if item is None else _octet(item) & 0xFF for item in value)
    if not isinstance(value, str):
        raise Mismatch(f"cannot restore slice from {_KINDS[type(value)]}")
    decoded = decode("Base64", value.encode("utf-8", "replace"))
    if isinstance(decoded, Failure):
        raise Mismatch(f"error decoding from json: {decoded.failure()}", "error decoding from json: illegal base64 data")
    return decoded.unwrap()


def _time(value: Any) -> Any:
    """A ``metav1.Time``."""
    if not isinstance(value, str):
        raise Mismatch(f"json: cannot unmarshal {value_kind(value)} into Go value of type string")
    parsed = parse_time(value)
    if isinstance(parsed, Failure):
        raise Mismatch(parsed.failure(), "cannot parse a time")
    return value


def _as_is(value: Any) -> Any:
    return value


_octet = _simple(int, "uint8", "uint8")
_string, _bool, _int64 = _simple(str, "string", "string"), _simple(bool, "bool", "bool"), _simple(int, "int64", "int64")
_uid = _simple(str, "types.UID", "string")
_string_map = _map(_string, "")

_OWNER: Mapping[str, Restore] = {
    **dict.fromkeys(("apiVersion", "kind", "name"), _string),
    "uid": _uid,
    **dict.fromkeys(("controller", "blockOwnerDeletion"), _bool),
}
_META: Mapping[str, Restore] = {
    **dict.fromkeys(("name", "generateName", "namespace", "selfLink", "resourceVersion"), _string),
    "uid": _uid,
    **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), _int64),
    **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _time),
    "managedFields": _as_is,
    **dict.fromkeys(("labels", "annotations"), _string_map),
    "ownerReferences": _list(_struct(_OWNER), {}),
    "finalizers": _list(_string, ""),
}
_SECRET: Mapping[str, Restore] = {
    **dict.fromkeys(("apiVersion", "kind"), _string),
    "metadata": _struct(_META),
    "immutable": _bool,
    "data": _map(_bytes, b""),
    "stringData": _string_map,
    "type": _simple(str, "v1.SecretType", "string"),
}
