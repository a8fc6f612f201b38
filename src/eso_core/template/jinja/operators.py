"""Operators. Numbers and texts as in Python, with a bound on what they make."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from eso_core.template.jinja.state import INT_BITS, ITEM_COST, NODE_COST, Fault, Run, Undefined, Value, type_name
from eso_core.template.jinja.texts import quoted, text
from eso_core.template.limits import items, room_for
from eso_core.template.values import Object

_PERCENT = re.compile(r"%(?:\(([^()]*)\))?([#0\- +]*)(\d+|\*)?(?:\.(\d+|\*)?)?[hlL]?(.)?", re.DOTALL)

PYTHON_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError)


def number(value: int | float | complex) -> Value:
    """A number that is not too large."""
    if isinstance(value, int):
        if value.bit_length() > INT_BITS:
            raise Fault(f"an integer of more than {INT_BITS} bits", kind="limit")
        return value
    if isinstance(value, complex):
        raise Fault("the root of a negative number")
    return value


def is_number(value: Value) -> bool:
    return isinstance(value, int | float)


def defined(*values: Value) -> None:
    """An error for what is undefined."""
    for value in values:
        if type(value) is Undefined:
            raise value.fault()


def unsupported(sign: str, left: Value, right: Value) -> Fault:
    defined(left, right)
    return Fault(f"unsupported operand types for {sign}: '{type_name(left)}' and '{type_name(right)}'")


def add(run: Run, left: Value, right: Value) -> Value:
    if is_number(left) and is_number(right):
        return _computed(operator.add, left, right)
    if type(left) is str and type(right) is str:
        room_for(len(left) + len(right))
        return run.made(left + right)
    for kind in (list, tuple):
        if isinstance(left, kind) and isinstance(right, kind):
            items(len(left) + len(right))
            return run.listed([*left, *right]) if kind is list else tuple(run.listed([*left, *right]))
    raise unsupported("+", left, right)


def multiply(run: Run, left: Value, right: Value) -> Value:
    if is_number(left) and is_number(right):
        return _computed(operator.mul, left, right)
    if isinstance(left, int):
        left, right = right, left
    if isinstance(right, int):
        count = max(int(right), 0)
        if type(left) is str:
            room_for(len(left) * count)
            return run.made(left * count) if left else ""
        if isinstance(left, list | tuple):
            items(len(left) * count)
            run.spend(ITEM_COST * len(left) * count)
            return (tuple(left) if isinstance(left, tuple) else left) * (count if left else 0)
    raise unsupported("*", left, right)


def power(run: Run, left: Value, right: Value) -> Value:
    if not (is_number(left) and is_number(right)):
        raise unsupported("**", left, right)
    if isinstance(left, int) and isinstance(right, int) and abs(left) > 1 and abs(right) > INT_BITS:
        raise Fault(f"an integer of more than {INT_BITS} bits", kind="limit")
    return _computed(operator.pow, left, right)


def modulo(run: Run, left: Value, right: Value) -> Value:
    if type(left) is str:
        return percent(run, left, right)
    if not (is_number(left) and is_number(right)):
        raise unsupported("%", left, right)
    return _computed(operator.mod, left, right)


def _numeric(sign: str, call: Callable[[Value, Value], Value]) -> Callable[[Run, Value, Value], Value]:
    def computed(run: Run, left: Value, right: Value) -> Value:
        if is_number(left) and is_number(right):
            return _computed(call, left, right)
        raise unsupported(sign, left, right)

    return computed


def _computed(call: Callable[[Value, Value], Value], left: Value, right: Value) -> Value:
    try:
        return number(call(left, right))
    except ZeroDivisionError:
        raise Fault("division by zero") from None
    except OverflowError:
        raise Fault("a number that is too large") from None


BINARY: Mapping[str, Callable[[Run, Value, Value], Value]] = MappingProxyType(
    {
        "Add": add,
        "Sub": _numeric("-", operator.sub),
        "Mul": multiply,
        "Div": _numeric("/", operator.truediv),
        "FloorDiv": _numeric("//", operator.floordiv),
        "Mod": modulo,
        "Pow": power,
    }
)
"""By the class of Jinja2's node."""


def signed(sign: str, value: Value) -> Value:
    """``-value`` or ``+value``."""
    if not is_number(value):
        defined(value)
        raise Fault(f"bad operand type for unary {sign}: '{type_name(value)}'")
    return -value if sign == "-" else +value


def equal(run: Run, left: Value, right: Value) -> bool:
    if type(left) is str and type(right) is str:
        if len(left) == len(right):
            run.spend(len(left))
    else:
        if (type(left) is Undefined and left.silent) or (type(right) is Undefined and right.silent):
            return type(left) is type(right)
        defined(left, right)
        if isinstance(left, list | tuple | dict) and isinstance(right, list | tuple | dict):
            run.weigh(left)
            run.weigh(right)
    return bool(left == right)


def _ordered(sign: str, call: Callable[[Value, Value], bool]) -> Callable[[Run, Value, Value], bool]:
    def compared(run: Run, left: Value, right: Value) -> bool:
        run.weigh(left)
        run.weigh(right)
        if isinstance(left, Object) or isinstance(right, Object):
            raise Fault(f"'{sign}' not supported between '{type_name(left)}' and '{type_name(right)}'")
        try:
            return bool(call(left, right))
        except TypeError:
            raise Fault(f"'{sign}' not supported between '{type_name(left)}' and '{type_name(right)}'") from None

    return compared


def contains(run: Run, left: Value, right: Value) -> bool:
    """``left in right``."""
    run.weigh(left)
    if type(right) is str and type(left) is str:
        run.spend(len(right))
        return left in right
    if isinstance(right, dict):
        return hashed(left) and left in right
    if isinstance(right, list | tuple):
        run.weigh(right)
        return left in right
    defined(right)
    raise Fault(f"'{type_name(left)}' cannot be in '{type_name(right)}'")


def hashed(value: Value) -> bool:
    """Whether a weighed value can be the key of a map."""
    return value is None or isinstance(value, str | int | float) or (isinstance(value, tuple) and all(map(hashed, value)))


COMPARE: Mapping[str, Callable[[Run, Value, Value], bool]] = MappingProxyType(
    {
        "eq": equal,
        "ne": lambda run, left, right: not equal(run, left, right),
        "lt": _ordered("<", operator.lt),
        "lteq": _ordered("<=", operator.le),
        "gt": _ordered(">", operator.gt),
        "gteq": _ordered(">=", operator.ge),
        "in": contains,
        "notin": lambda run, left, right: not contains(run, left, right),
    }
)
"""By Jinja2's name of the operator."""


def percent(run: Run, form: str, given: Value) -> str:
    """``form % given``, without ``*`` for a width or precision."""
    defined(given)
    args = list(given) if isinstance(given, tuple) else [given]
    parts: list[str] = []
    used = size = end = 0
    for found in _PERCENT.finditer(form):
        key, flags, width, precision, verb = found.groups()
        if verb is None or verb not in "diouxXeEfFgGcrsa%" or "*" in (width, precision):
            raise Fault("a format that is not known", f": {found[0]}")
        parts.append(form[end : found.start()])
        end = found.end()
        value: Value = None
        if verb != "%":
            if key is not None:
                value = _keyed(given, key)
            elif used < len(args):
                value, used = args[used], used + 1
            else:
                raise Fault("not enough arguments for the format")
        parts.append(_formatted(run, value, flags, width or "", precision, verb))
        size += len(parts[-1]) + len(parts[-2])
        room_for(size)
    if used < len(args) and not isinstance(given, dict):
        raise Fault("not all arguments of the format are used")
    return run.joined([*parts, form[end:]])


def _keyed(given: Value, key: str) -> Value:
    if not isinstance(given, dict):
        raise Fault("the format requires a mapping")
    if key not in given:
        raise Fault("the format names a key that is not there", f": '{key}'")
    return given[key]


def _formatted(run: Run, value: Value, flags: str, width: str, precision: str | None, verb: str) -> str:
    run.step(1)
    run.spend(NODE_COST)
    if verb == "%":
        return "%"
    for size in (width, precision or ""):
        if len(size) > 7:
            raise Fault("a format that is too wide", kind="limit")
        room_for(int(size or "0"))
    if verb in "sra":
        value = text(run, value) if verb == "s" else quoted(run, value)
        verb = "s" if verb == "r" else verb
        run.spend(len(value))
        if verb == "a":
            value, verb = value.encode("ascii", "backslashreplace").decode(), "s"
        room_for(len(value))
    else:
        defined(value)
        if isinstance(value, Object) or (type(value) is not str and not is_number(value)):
            raise Fault(f"a format that cannot take a '{type_name(value)}'", f": %{verb}")
    try:
        return str(f"%{flags}{width}{'' if precision is None else '.' + precision}{verb}" % (value,))
    except PYTHON_ERRORS:
        raise Fault(f"a format that cannot take this '{type_name(value)}'", f": %{verb}") from None
