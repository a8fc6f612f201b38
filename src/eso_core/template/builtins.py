"""The functions of the language itself (source: Go 1.26 ``text/template/funcs.go``).

``and`` and ``or`` are built into the executor, which stops at the argument that settles them; here they have their signatures only.
``call`` has nothing to call: no value of a template is a function. Of Go's list ``slice`` is missing, since sprig's takes its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from eso_core.template.comparison import eq, ge, gt, le, lt, ne
from eso_core.template.errors import FunctionError
from eso_core.template.escapers import html, js, urlquery
from eso_core.template.printing import sprint, sprintf, sprintln
from eso_core.template.run import BOXED_NIL
from eso_core.template.values import Function, Object, StringMap, Uint8, Value, type_of, wrap


def truth(value: Value) -> bool:
    """Go's isTrue: not empty, not zero, not nil; every struct is true."""
    return value is not BOXED_NIL and bool(value)


def index(item: Value, *indexes: Value) -> Value:
    if item is None or item is BOXED_NIL:
        raise FunctionError("index of untyped nil")
    for key in indexes:
        if item is None:
            raise FunctionError("index of nil pointer")
        key = None if key is BOXED_NIL else key
        if isinstance(item, dict):
            item = _entry(item, key)
        elif isinstance(item, list | bytes):
            at = _position(key, len(item))
            if at == len(item):  # Go lets the size itself through, and panics then
                raise FunctionError(f"reflect: {'string' if isinstance(item, bytes) else 'slice'} index out of range")
            item = Uint8(item[at]) if isinstance(item, bytes) else item[at]
        else:
            raise FunctionError(f"can't index item of type {_pointed(item)}")
    return item


def _entry(item: dict[bytes, Value], key: Value) -> Value:
    """The entry, or the zero of the map's elements."""
    if type(key) is not bytes:
        raise FunctionError("value is nil; should be of type string" if key is None else f"value has type {type_of(key)}; should be string")
    return item.get(key, b"" if isinstance(item, StringMap) else None)


def _position(key: Value, size: int) -> int:
    if key is None:
        raise FunctionError("cannot index slice/array with nil")
    if not isinstance(key, int) or isinstance(key, bool):
        raise FunctionError(f"cannot index slice/array with type {type_of(key)}")
    at = wrap(key)
    if not 0 <= at <= size:
        raise FunctionError("index out of range", f": {at}")
    return at


def _pointed(value: Value) -> str:
    """The type of a value, or of what it points to."""
    return type_of(value).removeprefix("*") if isinstance(value, Object) else type_of(value)


def length(item: Value) -> int:
    if isinstance(item, bytes | list | dict):
        return len(item)
    if item is BOXED_NIL:
        raise FunctionError("len of nil pointer")
    raise FunctionError("reflect: call of reflect.Value.Type on zero Value" if item is None else f"len of type {_pointed(item)}")


def negation(value: Value) -> bool:
    return not truth(value)


def call(name: str, callee: Value) -> Value:
    """``name`` is how the template writes the callee, or what the callee is if a pipeline gives it."""
    if callee is None or callee is BOXED_NIL:
        raise FunctionError("call of nil")
    raise FunctionError("non-function", f" {name} of type {type_of(callee)}")


def _uncalled(*_: Value) -> Value:
    raise FunctionError("unreachable")


def _print(*args: Value) -> bytes:
    return sprint(args)


def _println(*args: Value) -> bytes:
    return sprintln(args)


def _printf(*args: Value) -> bytes:
    return sprintf(args)


def _html(*args: Value) -> bytes:
    return html(args)


def _js(*args: Value) -> bytes:
    return js(args)


def _urlquery(*args: Value) -> bytes:
    return urlquery(args)


_PAIR = "func(interface {}, interface {}) (bool, error)"
_ANY = "func(...interface {}) string"
_LAZY = "func(reflect.Value, ...reflect.Value) reflect.Value"

BUILTINS: Mapping[str, Function] = MappingProxyType(
    {
        "and": Function(_LAZY, _uncalled),
        "or": Function(_LAZY, _uncalled),
        "call": Function(_LAZY, _uncalled),
        "index": Function("func(reflect.Value, ...reflect.Value) (reflect.Value, error)", index),
        "len": Function("func(reflect.Value) (int, error)", length),
        "not": Function("func(reflect.Value) bool", negation),
        "print": Function(_ANY, _print),
        "printf": Function("func(string, ...interface {}) string", _printf),
        "println": Function(_ANY, _println),
        "html": Function(_ANY, _html),
        "js": Function(_ANY, _js),
        "urlquery": Function(_ANY, _urlquery),
        "eq": Function("func(interface {}, ...interface {}) (bool, error)", eq),
        "ne": Function(_PAIR, ne),
        "lt": Function(_PAIR, lt),
        "le": Function(_PAIR, le),
        "gt": Function(_PAIR, gt),
        "ge": Function(_PAIR, ge),
    }
)
