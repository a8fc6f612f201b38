"""Go signatures, and what an argument must be to fit a parameter (sources: Go 1.26 ``text/template/exec.go``: validateType, evalArg).

Constants take the type of the parameter; every other value must have it already, or the parameter be an interface. A nil fits what can be
nil in Go. Where the type is not known here by name, it is the name of an ``Object`` or ``Sized``, compared as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from eso_core.template.nodes import Bool, Nil, Node, Number, String
from eso_core.template.run import BOXED_NIL, Stop
from eso_core.template.values import Ints, Sized, StringMap, Strings, Value, type_of, wrap

ANY = "interface {}"
REFLECT = "reflect.Value"  # a parameter of a built-in function: any value; an interface without a value stays one

EXACT: dict[str, type] = {
    "string": bytes,
    "int": int,
    "bool": bool,
    "float64": float,
    "map[string]interface {}": dict,
    "[]interface {}": list,
    "map[string]string": StringMap,
    "[]string": Strings,
    "[]int": Ints,
}
"""The Python type whose values fit for certain."""

KINDS = {
    "string": "string",
    "bool": "bool",
    "int": "int",
    "float64": "float64",
    "complex128": "complex128",
    "sprig.HashAlgorithm": "string",
}
"""Kinds of the types that constants may take, besides those of ``Sized``."""


@dataclass(frozen=True, slots=True)
class Signature:
    """``fixed`` parameters, the type of each further one or None, the result's type, and why Go cannot call it (empty if it can)."""

    fixed: tuple[str, ...]
    variadic: str | None
    result: str
    fault: str

    def parameter(self, index: int) -> str:
        """The type of the argument number ``index``."""
        return self.fixed[index] if index < len(self.fixed) or self.variadic is None else self.variadic

    def count_fault(self, name: str, given: int, total: int) -> str:
        """Why ``total`` arguments are not right; of them ``given`` are in the command itself. Go tells one or the other. Empty if right."""
        if self.variadic is not None:
            few = total < len(self.fixed)
            return f"wrong number of args for {name}: want at least {len(self.fixed)} got {given}" if few else ""
        return "" if total == len(self.fixed) else f"wrong number of args for {name}: want {len(self.fixed)} got {total}"


@lru_cache(maxsize=1024)
def signature_of(text: str, name: str) -> Signature:
    """The parsed ``func(A, ...B) (C, error)`` of the function ``name``."""
    end = _closing(text, text.index("("))
    types = list(_split(text[text.index("(") + 1 : end]))
    results = text[end + 1 :].strip()
    outs = list(_split(results[1:-1])) if results.startswith("(") else [results] if results else []
    fault = ""
    if len(outs) == 2 and outs[1] != "error":
        fault = f"invalid function signature for {name}: second return value should be error; is {outs[1]}"
    elif not 1 <= len(outs) <= 2:
        fault = f"function {name} has {len(outs)} return values; should be 1 or 2"
    variadic = types.pop()[3:] if types and types[-1].startswith("...") else None
    return Signature(tuple(types), variadic, outs[0] if outs else "", fault)


def _closing(text: str, start: int) -> int:
    """Where the parenthesis at ``start`` closes."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise ValueError(f"no signature: {text}")


def _split(text: str) -> Iterator[str]:
    """The parts between the commas that are in no bracket."""
    depth, part = 0, ""
    for char in text:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            yield part.strip()
            part = ""
        else:
            part += char
    if part.strip():
        yield part.strip()


def can_be_nil(go_type: str) -> bool:
    """Whether Go's nil fits."""
    return go_type in (ANY, REFLECT, "error") or go_type.startswith(("map[", "[]", "*", "func(", "chan "))


def zero(go_type: str) -> Value:
    """What stands for the nil of a type that can be nil: an empty list, else None; functions of maps take None for Go's nil map."""
    return EXACT.get(go_type, list)() if go_type.startswith("[]") else None


def accept(value: Value, go_type: str, node: Node | None) -> Value:
    """``value`` as an argument of type ``go_type``: Go's validateType."""
    if go_type == REFLECT:
        return value
    if value is None:
        if can_be_nil(go_type):
            return zero(go_type)
        raise Stop(node, f"invalid value; expected {go_type}", "arg-type")
    if value is BOXED_NIL:
        if go_type == ANY:
            return None
        raise Stop(node, f"wrong type for value; expected {go_type}; got {ANY}", "arg-type")
    if go_type == ANY:
        return value
    got = type_of(value)
    if got in (go_type, f"*{go_type}"):
        return value
    raise Stop(node, f"wrong type for value; expected {go_type}; got {got}", "arg-type")


def constant(node: Nil | Bool | Number | String, go_type: str) -> Value:
    """A constant as an argument of type ``go_type``: Go's evalArg for what is no expression. :class:`Stop` if it does not fit."""
    if isinstance(node, Nil):
        if can_be_nil(go_type):
            return None if go_type in (ANY, REFLECT) else zero(go_type)
        raise Stop(node, f"cannot assign nil to {go_type}", "arg-type")
    if go_type in (ANY, REFLECT):
        return ideal(node) if isinstance(node, Number) else node.value
    sized = _sized(go_type)
    kind = sized.kind if sized is not None else KINDS.get(go_type, "")
    if sized is not None:
        return _integer(node, sized)
    if kind == "bool":
        return _wanted(node, node.value if isinstance(node, Bool) else None, "bool")
    if kind == "string":
        return _wanted(node, node.value if isinstance(node, String) else None, "string")
    if kind == "int":
        return _wanted(node, node.int_ if isinstance(node, Number) else None, "integer")
    if kind == "float64":
        return _wanted(node, node.float_ if isinstance(node, Number) else None, "float")
    if kind == "complex128":
        return _wanted(node, node.complex_ if isinstance(node, Number) else None, "complex")
    raise Stop(node, f"can't handle {node} for arg of type {go_type}", "arg-type")


def _wanted(node: Node, value: Value, what: str) -> Value:
    if value is None:
        raise Stop(node, f"expected {what}; found {node}", "arg-type")
    return value


def _integer(node: Node, sized: type[Sized]) -> Value:
    if sized.signed:
        value = _wanted(node, node.int_ if isinstance(node, Number) else None, "integer")
    else:
        value = _wanted(node, node.uint if isinstance(node, Number) else None, "unsigned integer")
    return sized(wrap(value, sized.bits, sized.signed))


def _sized(go_type: str) -> type[Sized] | None:
    """The integer type of that name."""
    todo = [Sized]
    while todo:
        kind = todo.pop()
        if kind.go_type == go_type and kind is not Sized:
            return kind
        todo.extend(kind.__subclasses__())
    return None


def ideal(node: Number) -> Value:
    """A number where no type is asked for: the way it is written tells (Go's idealConstant)."""
    if node.complex_ is not None and node.text.endswith("i"):
        return node.complex_
    if node.float_ is not None and not _hexadecimal(node.text) and not node.text.startswith("'") and any(c in ".eEpP" for c in node.text):
        return node.float_
    if node.int_ is not None:
        return node.int_
    if node.uint is not None:
        raise Stop(node, f"{node.text} overflows int", "other")
    return None


def _hexadecimal(text: str) -> bool:
    return len(text) > 2 and text[0] == "0" and text[1] in "xX" and not any(c in "pP" for c in text)
