"""``eq``, ``ne``, ``lt``, ``le``, ``gt`` and ``ge`` (source: Go 1.26 ``text/template/funcs.go``).

Values compare within their kind: all signed integers are one, all unsigned ones another, and these two compare as numbers. Types that
have no such kind can only be equal: to nil, or to themselves if Go can compare them. ``>`` is ``not <=``, so NaN is greater than all.
"""

from __future__ import annotations

from eso_core.template.equal import is_nil_map, is_nil_slice
from eso_core.template.errors import FunctionError
from eso_core.template.printing import sprintf
from eso_core.template.values import Object, Sized, Value, type_of

INT, UINT = "int", "uint"
_BASIC = {bool: "bool", int: INT, float: "float", complex: "complex", bytes: "string"}


def _kind(value: Value) -> str:
    """Go's basicKind; empty for a value that has none."""
    basic = _BASIC.get(type(value))
    if basic is not None:
        return basic
    return (INT if value.signed else UINT) if isinstance(value, Sized) else ""


def _whole(kinds: tuple[str, str]) -> bool:
    """Whether these are integers, of whatever sign: Python compares them as Go does."""
    return kinds in ((INT, UINT), (UINT, INT))


def eq(first: Value, *others: Value) -> bool:
    """Whether ``first`` equals one of the others. An error of a later one does not matter if an earlier one is equal."""
    if not others:
        raise FunctionError("missing argument for comparison")
    if type(first) is bytes and type(others[0]) is bytes and len(others) == 1:
        return bool(first == others[0])
    kind = _kind(first)
    return any(_equal(first, kind, other) for other in others)


def _equal(left: Value, left_kind: str, right: Value) -> bool:
    right_kind = _kind(right)
    if left_kind != right_kind:
        if _whole((left_kind, right_kind)):
            return int(left) == int(right)
        if left is not None and right is not None:
            raise FunctionError(f"incompatible types for comparison: {type_of(left)} and {type_of(right)}")
        return False
    return bool(left == right) if left_kind else _same(left, right)


def _same(left: Value, right: Value) -> bool:
    """Equality of two values without a basic kind, either of which may be nil."""
    if left is not None and right is not None and _shape(left) != _shape(right):
        shown = _shown(b"%s", left), _shown(b"%v", right)
        raise FunctionError("non-comparable types", f" {shown[0]}: {type_of(left)}, {type_of(right)}: {shown[1]}")
    if _nil(left) or _nil(right):
        return _nil(left) == _nil(right)
    if not isinstance(right, Object):
        raise FunctionError("non-comparable type", f" {_shown(b'%s', right)}: {type_of(right)}")
    return type_of(left) == type_of(right) and bool(left == right)


def _shown(verb: bytes, value: Value) -> str:
    """Go mixes up the verbs for values and for types."""
    return sprintf((verb, value)).decode("utf-8", "replace")


def _shape(value: Value) -> str:
    return value.kind if isinstance(value, Object) else "slice" if isinstance(value, list) else "map"


def _nil(value: Value) -> bool:
    return value is None or is_nil_slice(value) or is_nil_map(value)


def ne(left: Value, right: Value) -> bool:
    return not eq(left, right)


def lt(left: Value, right: Value) -> bool:
    kinds = _kind(left), _kind(right)
    if not all(kinds):
        raise FunctionError("invalid type for comparison")
    if kinds[0] != kinds[1]:
        if _whole(kinds):
            return int(left) < int(right)
        raise FunctionError(f"incompatible types for comparison: {type_of(left)} and {type_of(right)}")
    if kinds[0] in ("bool", "complex"):
        raise FunctionError("invalid type for comparison")
    return bool(left < right)


def le(left: Value, right: Value) -> bool:
    return lt(left, right) or eq(left, right)


def gt(left: Value, right: Value) -> bool:
    return not le(left, right)


def ge(left: Value, right: Value) -> bool:
    return not lt(left, right)
