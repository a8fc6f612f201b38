"""Maps (source: the reference's ``sprig/dict.go``, ``dario.cat/mergo`` 1.0, ``mitchellh/copystructure`` 1.2).

``set``, ``unset`` and the merges change the map that they are given and return that very map; the others build new ones. Nil stands for
a nil ``map[string]interface {}``: it reads as empty. Where Go's order is random, ours is the byte order of the keys.

How a merge treats one key of the source, by what the destination has there ("empty" as in mergo: nil, zero, no elements):

    source                   nothing, or empty    a map               anything else
    nil                      (merge) nothing, (overwrite) the key becomes nil
    map                      the source's map     merged into it      (overwrite) replaced
    everything else          replaced             (overwrite) replaced

An empty map that is not empty any more after the source's map was merged into it stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eso_core.template.equal import is_nil_map, is_nil_slice
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.strings import strval
from eso_core.template.limits import DEPTH_MAX, NODES_MAX, items, survey
from eso_core.template.values import Function, NilMap, Object, StringMap, Strings, Value, kind_of, type_of

Map = dict[bytes, Any]

_NO_TYPE = "reflect: call of reflect.Value.Type on zero Value"


def make_dict(*pairs: Value) -> Map:
    """Keys that are not strings are written as ``toString`` does; a last key without a value gets an empty string."""
    out: Map = {}
    for at in range(0, len(pairs), 2):
        key = pairs[at]
        out[key if type(key) is bytes else strval(key)] = pairs[at + 1] if at + 1 < len(pairs) else b""
    return out


def get(values: Map | None, key: bytes) -> Value:
    return values.get(key, b"") if values else b""


def set_(values: Map | None, key: bytes, value: Value) -> Map:
    if values is None or is_nil_map(values):
        raise FunctionError("assignment to entry in nil map")
    if key not in values:
        items(len(values) + 1)
    values[key] = value
    return values


def unset(values: Map | None, key: bytes) -> Map:
    if values is None:
        return NilMap()
    values.pop(key, None)
    return values


def has_key(values: Map | None, key: bytes) -> bool:
    return values is not None and key in values


def pluck(key: bytes, *maps: Map | None) -> list[Value]:
    return [values[key] for values in maps if values and key in values]


def keys(*maps: Map | None) -> Strings:
    """One map after the other; a key of two maps comes twice."""
    items(sum(len(values) for values in maps if values))
    return Strings([key for values in maps if values for key in sorted(values)])


def values_(values: Map | None) -> list[Value]:
    return [values[key] for key in sorted(values)] if values else []


def pick(values: Map | None, *names: bytes) -> Map:
    return {name: values[name] for name in names if name in values} if values else {}


def omit(values: Map | None, *names: bytes) -> Map:
    left_out = set(names)
    return {name: value for name, value in values.items() if name not in left_out} if values else {}


def dig(*path: Value) -> Value:
    """``dig "key" … default map``."""
    if len(path) < 3:
        raise FunctionError("dig needs at least three arguments")
    step = _as_map(path[-1])
    for name in path[:-2]:
        if type(name) is not bytes:
            raise _no_conversion(name, "string")
    *outer, last = path[:-2]
    for name in outer:
        if name not in step:
            return path[-2]
        step = _as_map(step[name])
    return step.get(last, path[-2])


def _as_map(value: Value) -> Map:
    """Go's ``value.(map[string]interface {})``."""
    if type(value) is not dict and type(value) is not NilMap:
        raise _no_conversion(value, "map[string]interface {}")
    found: Map = value
    return found


def _no_conversion(value: Value, wanted: str) -> FunctionError:
    found = "nil" if value is None else type_of(value)
    return FunctionError(f"interface conversion: interface {{}} is {found}, not {wanted}")


# --- merging -------------------------------------------------------------------------------------------------------------------


class _DifferentTypes(Exception):
    """``mergo.ErrDifferentArgumentsTypes``"""


def merge(target: Map | None, *sources: Map | None) -> Value:
    return _merged(target, sources, overwrite=False, must=False)


def must_merge(target: Map | None, *sources: Map | None) -> Value:
    return _merged(target, sources, overwrite=False, must=True)


def merge_overwrite(target: Map | None, *sources: Map | None) -> Value:
    return _merged(target, sources, overwrite=True, must=False)


def must_merge_overwrite(target: Map | None, *sources: Map | None) -> Value:
    return _merged(target, sources, overwrite=True, must=True)


def _merged(target: Map | None, sources: tuple[Map | None, ...], *, overwrite: bool, must: bool) -> Value:
    if _is_nil(target) and all(map(_is_nil, sources)):
        return NilMap()
    out = {} if target is None or is_nil_map(target) else target
    work = _Merge(overwrite)
    try:
        for source in sources:
            if source:
                work.merge(out, source, 0)
    except _DifferentTypes:
        if must:
            raise FunctionError("src and dst must be of same type") from None
        return b""
    return out


def _is_nil(values: Map | None) -> bool:
    return values is None or is_nil_map(values)


class _Merge:
    """``mergo.deepMerge`` for maps. Values that Go reaches through an interface cannot be set there, so only maps change."""

    __slots__ = ("left", "overwrite")

    def __init__(self, overwrite: bool) -> None:
        self.overwrite, self.left = overwrite, NODES_MAX

    def merge(self, target: dict[bytes, Any], source: dict[bytes, Any], depth: int) -> None:
        self.left -= len(source)
        if self.left < 0 or depth > DEPTH_MAX:
            raise LimitExceeded("maps that are too large or nested too deeply to be merged")
        items(len(target) + len(source))
        for key in list(source):
            self.merge_key(target, source, key, depth)

    def merge_key(self, target: dict[bytes, Any], source: dict[bytes, Any], key: bytes, depth: int) -> None:
        new, old = source[key], target.get(key)
        if new is None:
            if self.overwrite:
                _assign(target, source, key)
            return
        if isinstance(new, dict | Object):
            self.descend(old, new, depth)
        elif isinstance(new, list) and type(target) is StringMap:
            raise _no_list(new, key in target)
        if key in target and not is_empty(old):
            both_maps = isinstance(new, dict) and isinstance(old, dict)
            if both_maps or not self.overwrite:
                return
        _assign(target, source, key)

    def descend(self, old: Value, new: Value, depth: int) -> None:
        if isinstance(old, dict):
            if isinstance(new, dict) and not is_nil_map(old):
                self.merge(old, new, depth + 1)
        elif isinstance(old, Object):
            _check_objects(old, new, self.overwrite)


def _check_objects(old: Object, new: Value, overwrite: bool) -> None:
    """mergo refuses to put something else over a pointer, and looks for the fields of an exported struct in whatever comes."""
    if old.kind == "ptr":
        if kind_of(new) != "ptr" and not overwrite:
            raise _DifferentTypes
    elif old.fields() and kind_of(new) != "struct":
        raise FunctionError(f"reflect: call of reflect.Value.Field on {kind_of(new)} Value")


def _assign(target: dict[bytes, Any], source: dict[bytes, Any], key: bytes) -> None:
    """Within a merge only a ``map[string]string`` can refuse a value: what comes out of an interface, whatever it is."""
    if type(target) is StringMap and type(source) is not StringMap:
        raise FunctionError("reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string")
    target[key] = source[key]


def _no_list(new: list[Value], present: bool) -> FunctionError:
    """What comes of a list that is to be merged into a ``map[string]string``."""
    if present:
        return FunctionError("reflect: call of reflect.Value.IsNil on string Value")
    return FunctionError(f"reflect.Value.SetMapIndex: value of type {type_of(new)} is not assignable to type string")


def is_empty(value: Value) -> bool:
    """``mergo.isEmptyValue``: as ``empty``, except that complex numbers never are."""
    return not value and type(value) is not complex


# --- copying -------------------------------------------------------------------------------------------------------------------


def deep_copy(value: Value) -> Value:
    """Scalars are values already. An ``Object`` is the same one, unless its class says by ``copied()`` what copystructure sees of it."""
    if value is None:
        raise FunctionError(_NO_TYPE)
    survey(value)
    return _copy(value)


def _copy(value: Value) -> Value:
    if isinstance(value, list):
        return value if is_nil_slice(value) else type(value)(map(_copy, value))
    if isinstance(value, dict):
        return type(value)((key, _copy(item)) for key, item in value.items())
    if isinstance(value, Object):
        own = getattr(value, "copied", None)
        return value if own is None else own()
    return value


_READ = "func(map[string]interface {}, string) "
_NAMES = "func(map[string]interface {}, ...string) map[string]interface {}"
_MERGE = "func(map[string]interface {}, ...map[string]interface {}) interface {}"
_MUST_MERGE = "func(map[string]interface {}, ...map[string]interface {}) (interface {}, error)"

TABLE: Mapping[str, Function] = {
    "dict": Function("func(...interface {}) map[string]interface {}", make_dict),
    "get": Function(_READ + "interface {}", get),
    "set": Function("func(map[string]interface {}, string, interface {}) map[string]interface {}", set_),
    "unset": Function(_READ + "map[string]interface {}", unset),
    "hasKey": Function(_READ + "bool", has_key),
    "pluck": Function("func(string, ...map[string]interface {}) []interface {}", pluck),
    "keys": Function("func(...map[string]interface {}) []string", keys),
    "values": Function("func(map[string]interface {}) []interface {}", values_),
    "pick": Function(_NAMES, pick),
    "omit": Function(_NAMES, omit),
    "merge": Function(_MERGE, merge),
    "mustMerge": Function(_MUST_MERGE, must_merge),
    "mergeOverwrite": Function(_MERGE, merge_overwrite),
    "mustMergeOverwrite": Function(_MUST_MERGE, must_merge_overwrite),
    "dig": Function("func(...interface {}) (interface {}, error)", dig),
    "deepCopy": Function("func(interface {}) interface {}", deep_copy),
    "mustDeepCopy": Function("func(interface {}) (interface {}, error)", deep_copy),
}
