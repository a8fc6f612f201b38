"""Lists (source: the reference's ``sprig/list.go``). All build a new list: ``slice`` one of the same type, the others ``[]interface {}``.

The must… variants differ from the plain ones only in how Go reports the error, which a template cannot see.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from eso_core.template.cast import to_int
from eso_core.template.equal import Known, NilList
from eso_core.template.errors import FunctionError
from eso_core.template.limits import items
from eso_core.template.values import Function, Lists, Object, Strings, Value, kind_of

NIL_POINTER = "runtime error: invalid memory address or nil pointer dereference"
_MAKESLICE = "runtime error: makeslice: len out of range"
_OUT_OF_BOUNDS = "reflect.Value.Slice: slice index out of bounds"


class Roomy(Strings):
    """A ``[]string`` with more capacity than length. ``slice`` reaches what lies between: empty strings."""

    __slots__ = ("capacity",)
    capacity: int


def _demand(value: Value, complaint: str) -> list[Any]:
    """``value`` if it is a list; else what Go says: the complaint with the kind, or a nil pointer for nil."""
    if isinstance(value, list):
        return value
    raise FunctionError(NIL_POINTER if value is None else complaint % kind_of(value))


def make_list(*values: Value) -> list[Value]:
    return list(values)


def first(value: Value) -> Value:
    elements = _demand(value, "Cannot find first on type %s")
    return elements[0] if elements else None


def last(value: Value) -> Value:
    elements = _demand(value, "Cannot find last on type %s")
    return elements[-1] if elements else None


def rest(value: Value) -> list[Value]:
    elements = _demand(value, "Cannot find rest on type %s")
    return elements[1:] if elements else NilList()


def initial(value: Value) -> list[Value]:
    elements = _demand(value, "Cannot find initial on type %s")
    return elements[:-1] if elements else NilList()


def push(value: Value, element: Value) -> list[Value]:
    elements = _demand(value, "Cannot push on type %s")
    items(len(elements) + 1)
    return [*elements, element]


def prepend(value: Value, element: Value) -> list[Value]:
    elements = _demand(value, "Cannot prepend on type %s")
    items(len(elements) + 1)
    return [element, *elements]


def concat(*values: Value) -> list[Value]:
    """Nothing at all gives the nil slice."""
    total = 0
    for value in values:
        total += len(_demand(value, "Cannot concat type %s as list"))
    items(total)
    return [element for value in values for element in value] or NilList()


def reverse(value: Value) -> list[Value]:
    return list(reversed(_demand(value, "Cannot find reverse on type %s")))


def compact(value: Value) -> list[Value]:
    """Without what is ``empty``."""
    return [element for element in _demand(value, "Cannot compact on type %s") if element]


def uniq(value: Value) -> list[Value]:
    known = Known()
    out: list[Value] = []
    for element in _demand(value, "Cannot find uniq on type %s"):
        if element not in known:
            known.add(element)
            out.append(element)
    return out


def without(value: Value, *omit: Value) -> list[Value]:
    elements = _demand(value, "Cannot find without on type %s")
    known = Known(omit)
    return [element for element in elements if element not in known]


def has(needle: Value, haystack: Value) -> bool:
    """Nil holds nothing."""
    if haystack is None:
        return False
    elements = _demand(haystack, "Cannot find has on type %s")
    if isinstance(needle, list | dict | Object):
        return needle in Known(elements)
    kind = type(needle)
    return needle in elements and any(type(element) is kind and element == needle for element in elements)


def slice_(value: Value, *indices: Value) -> Value:
    """An empty list gives nil, whatever the indices. Indices after the second are ignored."""
    elements = _demand(value, "list should be type of slice or array but %s")
    if not elements:
        return None
    capacity = elements.capacity if type(elements) is Roomy else len(elements)
    start = to_int(indices[0]) if indices else 0
    end = to_int(indices[1]) if len(indices) > 1 else len(elements)
    if not 0 <= start <= end <= capacity:
        raise FunctionError(_OUT_OF_BOUNDS)
    part = elements[start:end]
    if type(elements) is Roomy:
        return Strings(part + [b""] * (end - start - len(part)))
    return part if type(elements) is list else type(elements)(part)


def chunk(size: int, value: Value) -> Lists:
    elements = _demand(value, "Cannot chunk type %s")
    if size <= 0:
        return _chunk_backwards(size, elements)
    return Lists([elements[at : at + size] for at in range(0, len(elements), size)])


def _chunk_backwards(size: int, elements: list[Value]) -> Lists:
    """What Go's arithmetic makes of a size of 0 or less: most often a length that ``make`` refuses."""
    length = len(elements)
    count = math.floor((length - 1) / size) + 1 if size else -1
    if count == 0:
        return Lists()
    if count == 1 and length == 1 and size < -1:
        return Lists([list(elements)])
    raise FunctionError(_MAKESLICE)


_PLAIN = "func(interface {}) []interface {}"
_MUST = "func(interface {}) ([]interface {}, error)"


def _both(name: str, call: Callable[..., Value], plain: str, must: str) -> dict[str, Function]:
    return {name: Function(plain, call), f"must{name[0].upper()}{name[1:]}": Function(must, call)}


_ADD = ("func(interface {}, interface {}) []interface {}", "func(interface {}, interface {}) ([]interface {}, error)")
_PICK = ("func(interface {}) interface {}", "func(interface {}) (interface {}, error)")

TABLE: Mapping[str, Function] = {
    "list": Function("func(...interface {}) []interface {}", make_list),
    "tuple": Function("func(...interface {}) []interface {}", make_list),
    **_both("first", first, *_PICK),
    **_both("last", last, *_PICK),
    **_both("rest", rest, _PLAIN, _MUST),
    **_both("initial", initial, _PLAIN, _MUST),
    **_both("append", push, *_ADD),
    **_both("push", push, *_ADD),
    **_both("prepend", prepend, *_ADD),
    "concat": Function("func(...interface {}) interface {}", concat),
    **_both("reverse", reverse, _PLAIN, _MUST),
    **_both("compact", compact, _PLAIN, _MUST),
    **_both("uniq", uniq, _PLAIN, _MUST),
    **_both(
        "without",
        without,
        "func(interface {}, ...interface {}) []interface {}",
        "func(interface {}, ...interface {}) ([]interface {}, error)",
    ),
    **_both("has", has, "func(interface {}, interface {}) bool", "func(interface {}, interface {}) (bool, error)"),
    **_both(
        "slice", slice_, "func(interface {}, ...interface {}) interface {}", "func(interface {}, ...interface {}) (interface {}, error)"
    ),
    **_both("chunk", chunk, "func(int, interface {}) [][]interface {}", "func(int, interface {}) ([][]interface {}, error)"),
}
