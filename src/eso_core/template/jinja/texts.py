"""How values are written: as Python does, since people who choose Jinja2 expect it."""

from __future__ import annotations

from eso_core.template.jinja.state import Callee, Run, Undefined, Value, from_bytes
from eso_core.template.limits import room_for
from eso_core.template.printing import show
from eso_core.template.values import Object, Sized


def text(run: Run, value: Value) -> str:
    """``str(value)``."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is Undefined:
        if value.silent:
            return ""
        raise value.fault()
    if isinstance(value, list | tuple | dict):
        return quoted(run, value)
    return _scalar(value)


def quoted(run: Run, value: Value) -> str:
    """``repr(value)``, paid for."""
    room_for(run.weigh(value))
    return run.made(_repr(value))


def _repr(value: Value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_repr, value))}]"
    if isinstance(value, tuple):
        return f"({_repr(value[0])},)" if len(value) == 1 else f"({', '.join(map(_repr, value))})"
    if isinstance(value, dict):
        return "{" + ", ".join([f"{_repr(key)}: {_repr(inner)}" for key, inner in value.items()]) + "}"
    return repr(value) if type(value) is str else _scalar(value)


def _scalar(value: Value) -> str:
    if isinstance(value, Object | Sized):
        return from_bytes(show(value))
    if isinstance(value, Callee):
        return value.text()
    return str(value)
