"""``reflect.DeepEqual`` over the values of templates (source: Go 1.26 ``reflect/deepequal.go``), and the nil slices that it tells apart.

Types count: ``1`` is not ``int64(1)``, ``[]string`` is not ``[]interface {}``, and a nil slice is not an empty one. NaN equals nothing,
yet a list or map that holds one equals itself, because Go compares references first. Two values that are being compared further up
count as equal, so cycles end.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from heapq import nsmallest

from eso_core.template.errors import LimitExceeded
from eso_core.template.values import NilMap, Object, Sized, Strings, TypedList, Value, type_of

WORK = 200_000  # comparisons of two values within one call
_SAMPLE = 4
_SMALL = 64  # elements of maps whose least keys are worth finding
_COMPOSITE = (list, dict, Object)


class NilList(TypedList):
    """The nil ``[]interface {}``: always empty, printed like an empty list, but ``null`` in JSON."""

    __slots__ = ()


class NilStrings(Strings):
    """The nil ``[]string``."""

    __slots__ = ()


def is_nil_slice(value: Value) -> bool:
    kind = type(value)
    return kind is NilList or kind is NilStrings


def is_nil_map(value: Value) -> bool:
    return type(value) is NilMap


def deep_equal(left: Value, right: Value) -> bool:
    kind = type(left)
    if kind is bytes or kind is int:
        return kind is type(right) and bool(left == right)
    return _Comparison().equal(left, right)


class Known:
    """Values to look others up in, as ``DeepEqual`` finds them: scalars by hash, the rest one by one among those that look alike."""

    __slots__ = ("_composite", "_scalars", "_work")

    def __init__(self, values: Iterable[Value] = ()) -> None:
        self._scalars: set[tuple[type, Value]] = set()
        self._composite: dict[Hashable, list[Value]] = {}
        self._work = _Comparison()
        for value in values:
            self.add(value)

    def add(self, value: Value) -> None:
        if isinstance(value, _COMPOSITE):
            self._composite.setdefault(_look(value), []).append(value)
        elif value == value:
            self._scalars.add((type(value), value))

    def __contains__(self, value: Value) -> bool:
        if isinstance(value, _COMPOSITE):
            return any(self._work.equal(value, other) for other in self._composite.get(_look(value), ()))
        return value == value and (type(value), value) in self._scalars


def _look(value: Value, levels: int = 2) -> Hashable:
    """The same for any two values that are equal: type, size, and the look of some elements."""
    if isinstance(value, list):
        return type_of(value), len(value), tuple(_look(item, levels - 1) for item in value[:_SAMPLE]) if levels else ()
    if isinstance(value, dict):
        names = nsmallest(_SAMPLE, value) if levels and len(value) <= _SMALL else ()
        return type_of(value), len(value), tuple((name, _look(value[name], levels - 1)) for name in names)
    if isinstance(value, Object):
        return value.go_type
    return type(value), value if value == value else None


class _Comparison:
    """Any number of comparisons within one bound."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = WORK

    def equal(self, one: Value, other: Value) -> bool:
        """Pairs are compared depth first; the order does not matter, as the first difference settles it."""
        todo: list[tuple[Value, Value]] = [(one, other)]
        seen: set[tuple[int, int]] = set()
        self.spend(1)
        while todo:
            a, b = todo.pop()
            if isinstance(a, (list, dict)):
                if a is b:
                    continue
                if not self.same_shape(a, b):
                    return False
                pair = (id(a), id(b))
                if pair not in seen:
                    seen.add(pair)
                    todo.extend(zip(a, b, strict=True) if isinstance(a, list) else [(a[key], b[key]) for key in a])
            elif isinstance(a, Object):
                if not _equal_objects(a, b, todo):
                    return False
            elif not _equal_scalars(a, b):
                return False
        return True

    def same_shape(self, a: Value, b: Value) -> bool:
        """Two lists or maps of the same type, length and keys."""
        if (
            not isinstance(b, (list, dict))
            or len(a) != len(b)
            or is_nil_slice(a) != is_nil_slice(b)
            or is_nil_map(a) != is_nil_map(b)
            or type_of(a) != type_of(b)
        ):
            return False
        self.spend(len(a))
        return isinstance(a, list) or (isinstance(b, dict) and a.keys() == b.keys())

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise LimitExceeded("values that are too large to be compared")


def _equal_objects(a: Object, b: Value, todo: list[tuple[Value, Value]]) -> bool:
    """By the class's own ``deep_equal`` where it has one, else field by field (which is left to the caller)."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    own = getattr(a, "deep_equal", None)
    if own is not None:
        return bool(own(b))
    todo.extend(zip(a.fields().values(), b.fields().values(), strict=True))
    return True


def _equal_scalars(a: Value, b: Value) -> bool:
    if type(a) is not type(b):
        return isinstance(a, Sized) and isinstance(b, Sized) and a.go_type == b.go_type and int(a) == int(b)
    return bool(a == b)
