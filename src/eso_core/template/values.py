"""Go values in Python: the types that templates can tell apart.

=============================  =================================================================================
Go                             here
=============================  =================================================================================
nil                            ``None``
bool, int, float64, complex128 ``bool``, ``int``, ``float``, ``complex``: exactly these, no subclass
string                         ``bytes``: any bytes, as in Go; text functions decode (``compat.text.go_text``)
other integers                 subclasses of ``Sized``: ``Int64``, ``Uint8``, ``Month``…; never a plain ``int``
[]interface {}                 ``list``
[]string, []int, …             ``Strings``, ``Ints``, …: subclasses of ``TypedList``
map[string]interface {}        ``dict`` with ``bytes`` keys; ``NilMap`` where it is nil
map[string]string              ``StringMap`` with ``bytes`` keys and values
structs and pointers           subclasses of ``Object``
=============================  =================================================================================

Lists and maps are references, as in Go: ``set`` changes the map that it is given, all others build new ones.
A plain ``int`` lies in [-2**63, 2**63); whoever computes one wraps it (:func:`wrap`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

Value = Any  # one of the above; a closed union would have to be recursive and generic at once


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method as templates see it.

    ``signature`` is Go's, like ``func(string, ...interface {}) (string, error)``: the executor checks and converts arguments by it before
    it calls, so ``call`` gets values of the right types (variadic ones as further positional arguments) and returns a value of the
    result type; it raises ``FunctionError`` where Go returns an error or panics. With ``ambient`` its first argument is the ``Ambient``.
    A method gets its receiver first (after the ambient).
    """

    signature: str
    call: Callable[..., Value]
    ambient: bool = False


class Sized(int):
    """An integer of another type than ``int``. Arithmetic on it gives a plain ``int``: wrap the result in its type again."""

    __slots__ = ()
    go_type: ClassVar[str] = "int64"
    kind: ClassVar[str] = "int64"
    bits: ClassVar[int] = 64
    signed: ClassVar[bool] = True
    methods: ClassVar[Mapping[str, Function]] = {}

    def text(self) -> str | None:
        """Go's ``String()``, if the type has one."""
        return None


class Int64(Sized):
    __slots__ = ()


class Int32(Sized):
    __slots__ = ()
    go_type, kind, bits = "int32", "int32", 32


class Uint8(Sized):
    __slots__ = ()
    go_type, kind, bits, signed = "uint8", "uint8", 8, False


class Uint32(Sized):
    __slots__ = ()
    go_type, kind, bits, signed = "uint32", "uint32", 32, False


class Uint64(Sized):
    __slots__ = ()
    go_type, kind, bits, signed = "uint64", "uint64", 64, False


class TypedList(list[Any]):
    """A slice whose elements all have one type."""

    __slots__ = ()
    element: ClassVar[str] = "interface {}"


class Strings(TypedList):
    __slots__ = ()
    element = "string"


class Ints(TypedList):
    __slots__ = ()
    element = "int"


class Lists(TypedList):
    __slots__ = ()
    element = "[]interface {}"


class Bytes(TypedList):
    """A ``[]uint8`` of ``Uint8``; printed like a string by ``%s``, as numbers by ``%v``."""

    __slots__ = ()
    element = "uint8"


class StringMap(dict[bytes, bytes]):
    """map[string]string, the type of a template's data."""

    __slots__ = ()


class NilMap(dict[bytes, Any]):
    """A nil map[string]interface {}: always empty, printed like an empty map, but ``null`` in JSON, and nothing can be set in it."""

    __slots__ = ()


class Object:
    """A struct, or a pointer to one, with fields and methods of its own."""

    __slots__ = ()
    go_type: ClassVar[str] = ""
    kind: ClassVar[str] = "struct"  # or "ptr"
    methods: ClassVar[Mapping[str, Function]] = {}

    def fields(self) -> Mapping[str, Value]:
        """The exported fields, in the order of the struct."""
        return {}

    def text(self) -> str | None:
        """Go's ``String()``, if the type has one."""
        return None


def wrap(value: int, bits: int = 64, signed: bool = True) -> int:
    """``value`` modulo ``2**bits``, as Go's integers overflow."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def type_of(value: Value) -> str:
    """Go's name of the type (``%T``); ``<nil>`` for nil."""
    kind = type(value)
    plain = _PLAIN.get(kind)
    if plain is not None:
        return plain
    if isinstance(value, Sized | Object):
        return value.go_type
    if isinstance(value, TypedList):
        return f"[]{value.element}"
    raise TypeError(f"no value of a template: {kind.__name__}")


def kind_of(value: Value) -> str:
    """Go's ``reflect.Kind``; ``invalid`` for nil."""
    if value is None:
        return "invalid"
    if isinstance(value, list):
        return "slice"
    if isinstance(value, dict):
        return "map"
    if isinstance(value, Sized | Object):
        return value.kind
    return _PLAIN[type(value)]


_PLAIN: Mapping[type, str] = {
    type(None): "<nil>",
    bool: "bool",
    int: "int",
    float: "float64",
    complex: "complex128",
    bytes: "string",
    list: "[]interface {}",
    dict: "map[string]interface {}",
    NilMap: "map[string]interface {}",
    StringMap: "map[string]string",
}
