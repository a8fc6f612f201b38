"""What a JSONPath is made of, and what it gives for a document: `eso_core.compat.jsonpath` parses a text into these.

An expression is a function of a `Scope`. Go's nil, numbers and texts turn into each other as gval does it: `convertToFloat`,
`convertToBool`, `%v`, `reflect.DeepEqual`. Every value that is looked at is paid for from `Steps`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from eso_core.compat.gofmt import plus_v
from eso_core.compat.gojson import Number
from eso_core.compat.strconv import INT64_MAX, INT64_MIN, parse_float, parse_int

STEPS_MAX: Final = 500_000  # values that one evaluation looks at; about half a second

Value: TypeAlias = Any  # Json, or a float that an expression gave


class Fault(Exception):
    """Go's error: it ends the evaluation, but a filter or a list of keys leaves out what has one."""


class Exhausted(Exception):
    """More work than is allowed."""


class Steps:
    """What is left of one evaluation."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS_MAX

    def spend(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise Exhausted


@dataclass(frozen=True, slots=True)
class Scope:
    """`$`, `@`, and the steps left."""

    root: Value
    current: Value
    steps: Steps

    def at(self, value: Value) -> Scope:
        return Scope(self.root, value, self.steps)


Expression: TypeAlias = Callable[[Scope], Value]
_One: TypeAlias = Callable[[Scope, Value], Value]
_Many: TypeAlias = Callable[[Scope, Value], Iterator[Value]]


@dataclass(frozen=True, slots=True)
class Constant:
    """Known when the path is parsed."""

    value: Value

    def __call__(self, scope: Scope) -> Value:
        return self.value


@dataclass(frozen=True, slots=True)
class Selector:
    """One part of a path: exactly one value, or any number of them."""

    one: _One | None = None
    many: _Many | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """Selectors, one after the other."""

    selectors: tuple[Selector, ...]

    def __call__(self, scope: Scope) -> Value:
        first = next((at for at, selector in enumerate(self.selectors) if selector.many is not None), None)
        if first is None:
            return self._plain(scope, scope.root, 0)[0]
        return list(self._matches(scope))

    def _plain(self, scope: Scope, value: Value, at: int) -> tuple[Value, int]:
        """What the plain selectors from `at` on give, and where the next one of the other kind is."""
        while at < len(self.selectors) and (one := self.selectors[at].one) is not None:
            scope.steps.spend()
            value = one(scope, value)
            at += 1
        return value, at

    def _matches(self, scope: Scope) -> Iterator[Value]:
        """Depth first; what a plain selector does not find is left out."""
        todo: list[tuple[Iterator[Value], int]] = [(iter((scope.root,)), 0)]
        while todo:
            values, at = todo[-1]
            try:
                found = next(values)
            except StopIteration:
                todo.pop()
                continue
            scope.steps.spend()
            try:
                value, behind = self._plain(scope, found, at)
            except Fault:
                continue
            if behind == len(self.selectors):
                yield value
            else:
                many = self.selectors[behind].many
                assert many is not None
                todo.append((many(scope, value), behind + 1))


def current(scope: Scope, value: Value) -> Value:
    return scope.current


def member(key: Expression) -> _One:
    """One member or element, by the key that is evaluated with `@` as the value that is selected from."""

    def select(scope: Scope, value: Value) -> Value:
        if isinstance(value, list):
            index = _int(key(scope.at(value)))
            if not 0 <= index < len(value):
                raise Fault("an index is out of bounds")
            return value[index]
        if isinstance(value, dict):
            name = _string(key(scope.at(value)), scope.steps)
            if name not in value:
                raise Fault("a key is unknown")
            return value[name]
        raise Fault("only objects and arrays have members")

    return select


def members(keys: tuple[Expression, ...]) -> _Many:
    selects = tuple(map(member, keys))

    def select(scope: Scope, value: Value) -> Iterator[Value]:
        for one in selects:
            try:
                found = one(scope, value)
            except Fault:
                continue
            yield found

    return select if keys else every


def every(scope: Scope, value: Value) -> Iterator[Value]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def within(scope: Scope, value: Value) -> Iterator[Value]:
    todo = [iter((value,))]
    while todo:
        found = next(todo[-1], _END)
        if found is _END:
            todo.pop()
            continue
        scope.steps.spend()
        yield found
        todo.append(every(scope, found))


_END: Final = object()


def filtered(condition: Expression) -> _Many:
    def select(scope: Scope, value: Value) -> Iterator[Value]:
        for item in every(scope, value):
            scope.steps.spend()
            try:
                wanted = _bool(condition(scope.at(item)))
            except Fault:
                continue
            if wanted:
                yield item

    return select


def sliced(low: Expression, high: Expression, step: Expression) -> _Many:
    def select(scope: Scope, value: Value) -> Iterator[Value]:
        if not isinstance(value, list):
            return
        try:
            first, last, by = (_int(bound(scope.at(value))) for bound in (low, high, step))
        except Fault:
            return
        if first > last:
            return
        begin, end = _bound(first, len(value)), _bound(last, len(value))
        indexes = range(begin, end, by or 1) if by >= 0 else range(end - 1, begin - 1, by)
        yield from map(value.__getitem__, indexes)

    return select


def _bound(index: int, size: int) -> int:
    return max(size + index, 0) if index < 0 else min(index, size)


def script(expression: Expression) -> _One:
    return lambda scope, value: expression(scope.at(value))


def variable(keys: tuple[Expression, ...]) -> Expression:
    """A name of the document's own. A missing member is null; a key that no element of a list has leaves the list as it is."""

    def evaluate(scope: Scope) -> Value:
        names = [_string(key(scope), scope.steps) for key in keys]
        value = scope.root
        for name in names:
            if isinstance(value, dict):
                value = value.get(name)
            elif isinstance(value, list):
                index, fault = parse_int(name.encode("utf-8", "replace"))
                value = value[index] if not fault and 0 <= index < len(value) else value
            else:
                raise Fault("a parameter is unknown")
        return value

    return evaluate


def call(scope: Scope) -> Value:
    raise Fault("there are no functions")


def equality(left: Expression, right: Expression, equal: bool) -> Expression:
    def evaluate(scope: Scope) -> Value:
        return _same(left(scope), right(scope), scope.steps) is equal

    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(evaluate(Scope(None, None, Steps())))
    return evaluate


def negative(inner: Expression) -> Expression:
    def evaluate(scope: Scope) -> Value:
        number = _number(inner(scope))
        if number is None:
            raise Fault("a number was expected")
        return -number

    return Constant(evaluate(Scope(None, None, Steps()))) if isinstance(inner, Constant) else evaluate


# --- values of Go --------------------------------------------------------------------------------------------------------------


def _number(value: Value) -> float | None:
    """`convertToFloat`: numbers, and texts that are numbers."""
    match value:
        case Number():
            return float(value.text)
        case float():
            return value
        case str():
            number, fault = parse_float(value.encode("utf-8", "replace"))
            return None if fault else number
        case _:
            return None


def _int(value: Value) -> int:
    """`EvalInt`: cut off; what an int64 cannot hold is its least value."""
    number = _number(value)
    if number is None:
        raise Fault("a number was expected")
    cut = int(number) if math.isfinite(number) else INT64_MIN
    return cut if INT64_MIN <= cut <= INT64_MAX else INT64_MIN


def _bool(value: Value) -> bool:
    """`convertToBool`."""
    if isinstance(value, bool):
        return value
    if value is None or value in ("false", "FALSE"):
        return False
    if value in ("true", "TRUE"):
        return True
    number = _number(value)
    if number is None:
        raise Fault("a truth value was expected")
    return number != 0


def _string(value: Value, steps: Steps) -> str:
    """`EvalString`: the verb `%v`."""
    if isinstance(value, str):
        return value
    return plus_v(_printable(value, steps))


def _printable(value: Value, steps: Steps) -> Value:
    """A copy whose numbers are floats. It recurses: a value nested deeper than Python allows is refused."""
    steps.spend()
    match value:
        case Number():
            return float(value.text)
        case list():
            return [_printable(item, steps) for item in value]
        case dict():
            return {name: _printable(item, steps) for name, item in value.items()}
        case _:
            return value


def _same(left: Value, right: Value, steps: Steps) -> bool:
    """`reflect.DeepEqual`."""
    todo = [(left, right)]
    while todo:
        steps.spend()
        one, other = todo.pop()
        if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            todo.extend(zip(one, other, strict=True))
        elif isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
            todo.extend((item, other[name]) for name, item in one.items())
        elif not _same_scalar(one, other):
            return False
    return True


def _same_scalar(one: Value, other: Value) -> bool:
    if isinstance(one, Number | float) and isinstance(other, Number | float):
        return _number(one) == _number(other)
    return type(one) is type(other) and not isinstance(one, list | dict) and bool(one == other)
