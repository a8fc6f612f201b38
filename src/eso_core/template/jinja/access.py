"""``value.name`` and ``value[key]``: keys of maps, elements of lists, fields of objects, methods of an allow-list. Nothing else.

As in Jinja2, ``.name`` finds a method before a key, and ``[key]`` a key before a method.
"""

from __future__ import annotations

from eso_core.template.jinja.bridge import field
from eso_core.template.jinja.methods import method
from eso_core.template.jinja.operators import PYTHON_ERRORS, hashed
from eso_core.template.jinja.state import ITEM_COST, MISSING, Callee, Fault, Run, Undefined, Value, type_name
from eso_core.template.limits import items
from eso_core.template.values import Object, Sized


class Group(tuple[Value, ...]):
    """What ``groupby`` gives: a pair with names."""

    __slots__ = ()


def attribute(run: Run, value: Value, name: str) -> Value:
    """``value.name``, the name being the template's own."""
    found = _attribute(run, value, name)
    if found is MISSING and type(value) is dict:
        found = value.get(name, MISSING)
    return Undefined(f"'{type_name(value)} object' has no attribute '{name}'") if found is MISSING else found


def _attribute(run: Run, value: Value, name: str) -> Value:
    if isinstance(value, Object | Sized):
        return field(value, name)
    if isinstance(value, Callee):
        return value.attribute(run, name)
    if type(value) is Undefined:
        raise value.fault()
    if type(value) is Group:
        return {"grouper": value[0], "list": value[1]}.get(name) or method(tuple(value), name) or MISSING
    return method(value, name) or MISSING


def item(run: Run, value: Value, key: Value) -> Value:
    """``value[key]``; the key may be data."""
    found: Value = MISSING
    if type(key) is Undefined:
        raise key.fault()
    if isinstance(value, dict):
        run.weigh(key)
        found = value.get(key, MISSING) if hashed(key) else MISSING
    elif isinstance(value, str | list | tuple) and isinstance(key, int) and -len(value) <= key < len(value):
        found = value[key]
    if found is MISSING and type(key) is str:
        found = _attribute(run, value, key)
    if found is MISSING and type(value) is Undefined:
        raise value.fault()
    if found is MISSING:
        what = "attribute" if type(key) is str else "element"
        return Undefined(f"'{type_name(value)} object' has no such {what}", f": {key!r}" if isinstance(key, str | int) else "")
    return found


def part(run: Run, value: Value, start: Value, stop: Value, step: Value) -> Value:
    """``value[start:stop:step]``."""
    if type(value) is Undefined:
        raise value.fault()
    if not isinstance(value, str | list | tuple):
        raise Fault(f"'{type_name(value)}' object has no parts")
    try:
        made = value[slice(start, stop, step)]
    except PYTHON_ERRORS:
        raise Fault("the bounds of a part are integers, and its step is not 0") from None
    if isinstance(made, str):
        return run.made(made)
    items(len(made))
    run.spend(ITEM_COST * len(made))
    return made


def path(run: Run, value: Value, name: Value) -> Value:
    """``attribute=`` of filters: names and positions with dots between them."""
    if isinstance(name, int):
        return item(run, value, name)
    if type(name) is not str:
        raise Fault("an attribute is a string or an integer", kind="arg-type")
    for step in name.split("."):
        value = item(run, value, int(step) if step.isdecimal() and len(step) < 10 else step)
    return value
