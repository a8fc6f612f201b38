"""What the server knows of an object's structure: enough to decode it, and to say who owns which field.

A shape is a tree. Three forms, and one that is decided by the value:

======  =========================================================================================================
map     named ``fields`` and, unless ``item`` is ``None``, any other key. Native kinds are closed: other keys are dropped
list    atomic (one field as a whole), a set (``keys == ()``) or a map by ``keys``
leaf    one value; ``type`` is checked for native kinds
any     a map owns its keys one by one, a list is atomic, anything else is a leaf
======  =========================================================================================================
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from eso_core.sim.text import canonical_micro_time, canonical_time

Omit = Literal["empty", "null", "never"]
_EMPTY: Mapping[str, Any] = {}
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shape:
    """One node. ``omit`` says when a field of this shape is left out of its parent: Go's ``omitempty``, a pointer, or neither."""

    form: Literal["map", "list", "leaf", "any"]
    type: str = ""
    fields: Mapping[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    atomic: bool = False
    keys: tuple[str, ...] = ()
    omit: Omit = "empty"


ANY = Shape(form="any")


def leaf(kind: str, omit: Omit = "empty") -> Shape:
    """A leaf of type ``string``, ``bytes``, ``bool``, ``int``, ``time`` or ``microtime``."""
    return Shape(form="leaf", type=kind, omit=omit)


def struct(fields: Mapping[str, Shape], *, atomic: bool = False, omit: Omit = "empty") -> Shape:
    """A closed map."""
    return Shape(form="map", fields=fields, atomic=atomic, omit=omit)


def map_of(item: Shape, *, atomic: bool = False) -> Shape:
    """A map with any keys."""
    return Shape(form="map", item=item, atomic=atomic)


def list_of(item: Shape, *, keys: tuple[str, ...] | None = None, omit: Omit = "empty") -> Shape:
    """A list: atomic when ``keys`` is ``None``, a set when it is empty."""
    return Shape(form="list", item=item, atomic=keys is None, keys=keys or (), omit=omit)


STRING = leaf("string")
_OWNER = struct(
    {
        "apiVersion": leaf("string", "never"),
        "kind": leaf("string", "never"),
        "name": leaf("string", "never"),
        "uid": leaf("string", "never"),
        "controller": leaf("bool", "null"),
        "blockOwnerDeletion": leaf("bool", "null"),
    },
    atomic=True,
    omit="never",
)
METADATA = struct(
    {
        "name": STRING,
        "generateName": STRING,
        "namespace": STRING,
        "selfLink": STRING,
        "uid": STRING,
        "resourceVersion": STRING,
        "generation": leaf("int"),
        "creationTimestamp": leaf("time", "null"),
        "deletionTimestamp": leaf("time", "null"),
        "deletionGracePeriodSeconds": leaf("int", "null"),
        "labels": map_of(STRING),
        "annotations": map_of(STRING),
        "ownerReferences": list_of(_OWNER, keys=("uid",)),
        "finalizers": list_of(STRING, keys=()),
        "managedFields": list_of(ANY, omit="null"),
    },
    omit="never",
)


def fits(shape: Shape, value: Any) -> bool:
    """Whether ``value`` has the structure of ``shape``: maps, lists and leaves in their places. Null fits everywhere."""
    if value is None or shape.form == "any":
        return True
    if shape.form == "map":
        item = shape.item or ANY
        return type(value) is dict and all(fits(shape.fields.get(key, item), inner) for key, inner in value.items())
    if shape.form == "list":
        item = shape.item or ANY
        return type(value) is list and all(fits(item, inner) and _has_keys(shape, inner) for inner in value)
    return type(value) in _LEAF_TYPES.get(shape.type, (str, int, float, bool))


def _has_keys(shape: Shape, item: Any) -> bool:
    return not shape.keys or (type(item) is dict and all(key in item for key in shape.keys))


_LEAF_TYPES: Mapping[str, tuple[type, ...]] = {"string": (str,), "integer": (int, float), "number": (int, float), "boolean": (bool,)}


def strangers(shape: Shape, value: Any, path: str = "") -> list[str]:
    """The paths of fields that a closed map in ``shape`` does not know."""
    if shape.form == "list" and type(value) is list:
        return [found for index, inner in enumerate(value) for found in strangers(shape.item or ANY, inner, f"{path}[{index}]")]
    if shape.form != "map" or type(value) is not dict:
        return []
    out: list[str] = []
    for key, inner in value.items():
        below = shape.fields.get(key, shape.item)
        here = f"{path}.{key}" if path else key
        out += [here] if below is None else strangers(below, inner, here)
    return out


# ---------------------------------------------------------------- decoding


class Mismatch(Exception):
    """A value has not the type its field has. The text is fit for a message."""


def decode(shape: Shape, value: Any, path: str = "", known: Any = None) -> Any:
    """``value`` as Go would hold it: unknown fields dropped, empty ones left out, base64 and times in one spelling.

    What is the very same object as in ``known``, a value that was decoded before, is not looked at again.
    Raises :class:`Mismatch`. The argument is never changed; parts of it may be shared with the result.
    """
    if value is known and value is not None:
        return value
    return _DECODERS[shape.form](shape, value, path, known)


def _decode_any(shape: Shape, value: Any, path: str, known: Any) -> Any:
    return value


def _decode_map(shape: Shape, value: Any, path: str, known: Any) -> Any:
    if value is None:
        value = {}
    if type(value) is not dict:
        raise Mismatch(_cannot(value, "object", path))
    if shape.item is not None:
        return _decode_items(shape.item, value, path)
    before = known if type(known) is dict else _EMPTY
    fields = shape.fields
    out: dict[str, Any] = {}
    for key, inner in value.items():
        field_shape = fields.get(key)
        if field_shape is None:
            continue
        nothing = inner is None and field_shape.omit == "null"
        decoded = None if nothing else decode(field_shape, inner, f"{path}.{key}", before.get(key))
        if not _left_out(field_shape, decoded):
            out[key] = decoded
    for key, field_shape in fields.items():
        if field_shape.omit == "never" and key not in out:
            out[key] = decode(field_shape, None, path)
    return out


def _decode_items(item: Shape, value: dict[str, Any], path: str) -> dict[str, Any]:
    if item.type == "string" and all(type(inner) is str for inner in value.values()):
        return value
    return {key: decode(item, inner, f"{path}.{key}") for key, inner in value.items()}


def _left_out(shape: Shape, value: Any) -> bool:
    if shape.omit == "never":
        return False
    return value is None if shape.omit == "null" else (not value and value is not None) or value is None


def _decode_list(shape: Shape, value: Any, path: str, known: Any) -> Any:
    if value is None:
        return []
    if type(value) is not list:
        raise Mismatch(_cannot(value, "array", path))
    item = shape.item or ANY
    return [decode(item, inner, path) for inner in value]


def _decode_leaf(shape: Shape, value: Any, path: str, known: Any) -> Any:
    return _LEAVES[shape.type](value, path)


def _string(value: Any, path: str) -> Any:
    if value is None:
        return ""
    if type(value) is not str:
        raise Mismatch(_cannot(value, "string", path))
    return value


def _bool(value: Any, path: str) -> Any:
    if value is None:
        return False
    if type(value) is not bool:
        raise Mismatch(_cannot(value, "bool", path))
    return value


def _int(value: Any, path: str) -> Any:
    if value is None:
        return 0
    if type(value) is not int or value not in _INT64:
        raise Mismatch(_cannot(value, "int64", path))
    return value


def _bytes(value: Any, path: str) -> Any:
    text = _string(value, path)
    try:
        raw = binascii.a2b_base64(text.replace("\n", "").replace("\r", ""), strict_mode=True) if text else b""
    except (binascii.Error, ValueError) as error:
        raise Mismatch(f"illegal base64 data in {path.lstrip('.')}") from error
    return binascii.b2a_base64(raw, newline=False).decode()


def _time(value: Any, path: str) -> Any:
    return _moment(value, path, canonical_time)


def _micro_time(value: Any, path: str) -> Any:
    return _moment(value, path, canonical_micro_time)


def _moment(value: Any, path: str, spell: Callable[[str], str | None]) -> Any:
    if value is None:
        return None
    spelled = spell(value) if type(value) is str else None
    if spelled is None:
        raise Mismatch(f"parsing time in {path.lstrip('.')}: not RFC 3339")
    return spelled


def _cannot(value: Any, wanted: str, path: str) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
    return f"json: cannot unmarshal {names.get(type(value), 'null')} into Go struct field {path.lstrip('.')} of type {wanted}"


_LEAVES: Mapping[str, Callable[[Any, str], Any]] = {
    "string": _string,
    "bytes": _bytes,
    "bool": _bool,
    "int": _int,
    "time": _time,
    "microtime": _micro_time,
}
_DECODERS: Mapping[str, Callable[[Shape, Any, str, Any], Any]] = {
    "any": _decode_any,
    "map": _decode_map,
    "list": _decode_list,
    "leaf": _decode_leaf,
}
