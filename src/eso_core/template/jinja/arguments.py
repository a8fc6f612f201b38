"""Arguments by position and by name, and what they have to be."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from eso_core.template.jinja.state import CALL_COST, Fault, Run, Undefined, Value, type_name
from eso_core.template.jinja.texts import text


@dataclass(frozen=True, slots=True)
class Parameters:
    """Of a function whose first parameters are the ``Run`` and, for methods, filters and tests, the value."""

    names: tuple[str, ...]
    required: int
    most: int | None  # by position; None if any
    open: bool  # to any names


@cache
def parameters_of(call: Callable[..., Value], skipped: int) -> Parameters:
    """Read once from the function, without the ``skipped`` first ones. It is kept for ever: no methods of values."""
    names, required, most, any_name = [], 0, 0, False
    by_position: int | None = 0
    for parameter in list(inspect.signature(call).parameters.values())[skipped:]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            by_position = None
        elif parameter.kind is parameter.VAR_KEYWORD:
            any_name = True
        else:
            names.append(parameter.name)
            most += 1
            required += parameter.default is parameter.empty
    return Parameters(tuple(names), required, most if by_position is not None else None, any_name)


def check(name: str, wanted: Parameters, args: list[Value], kwargs: dict[str, Value]) -> None:
    """An error unless the arguments fit."""
    if wanted.most is not None and len(args) > wanted.most:
        raise Fault(f"{name} takes at most {wanted.most} arguments", f", not {len(args)}", "arg-count")
    if not kwargs:
        if len(args) < wanted.required:
            raise Fault(f"{name} needs {wanted.required} arguments", f", not {len(args)}", "arg-count")
        return
    for key in kwargs:
        if key in wanted.names[: len(args)]:
            raise Fault(f"{name} is given an argument twice", f": '{key}'", "arg-count")
        if key not in wanted.names and not wanted.open:
            raise Fault(f"{name} has no such argument", f": '{key}'", "arg-count")
    missing = [key for key in wanted.names[len(args) : wanted.required] if key not in kwargs]
    if missing:
        raise Fault(f"{name} needs an argument '{missing[0]}'", kind="arg-count")


def charge(run: Run, *values: Value) -> None:
    """Pays for a call that looks at its arguments, but not into them."""
    work = CALL_COST
    for value in values:
        if type(value) is str:
            work += len(value)
    run.spend(work)


def string(run: Run, value: Value) -> str:
    """A text, or the text of a value, as Jinja2's filters of texts take it."""
    return value if type(value) is str else text(run, value)


def a_string(value: Value) -> str:
    """A text, and nothing else."""
    if type(value) is str:
        return value
    if type(value) is Undefined:
        raise value.fault()
    raise Fault(f"a string is needed, not a '{type_name(value)}'", kind="arg-type")


def an_int(value: Value) -> int:
    """An integer that a size can have."""
    if not isinstance(value, int):
        if type(value) is Undefined:
            raise value.fault()
        raise Fault(f"an integer is needed, not a '{type_name(value)}'", kind="arg-type")
    if not -(1 << 31) <= value < 1 << 31:
        raise Fault("an integer that is too large", kind="limit")
    return int(value)


def a_number(value: Value) -> int | float:
    """An integer or a float."""
    if isinstance(value, int | float):
        return value
    if type(value) is Undefined:
        raise value.fault()
    raise Fault(f"a number is needed, not a '{type_name(value)}'", kind="arg-type")
