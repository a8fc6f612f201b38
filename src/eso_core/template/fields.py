"""``.Name`` of a value (source: Go 1.26 ``text/template/exec.go``: evalField)."""

from __future__ import annotations

from eso_core.template.nodes import Node
from eso_core.template.run import BOXED_NIL, Stop
from eso_core.template.values import Function, Object, Sized, Value, type_of


def method(receiver: Value, name: str) -> Function | None:
    """The method of that name."""
    return receiver.methods.get(name) if isinstance(receiver, Object | Sized) else None


def field(receiver: Value, name: str, node: Node | None, *, strict: bool, boxed: bool = False, called: bool = False) -> Value:
    """The field or entry of that name; ``BOXED_NIL`` for one that holds nothing.

    ``strict`` makes a missing entry an error, else it gives None. ``boxed`` says that the receiver was reached as an interface, and
    ``called`` that the field has arguments, which only methods may have.
    """
    if receiver is None:
        if strict:
            raise Stop(node, f'nil data; no entry for key "{name}"', "command")
        return None
    if receiver is BOXED_NIL:
        raise Stop(node, f"nil pointer evaluating interface {{}}.{name}", "field")
    if isinstance(receiver, dict):
        return _entry(receiver, name, node, strict=strict, called=called)
    if isinstance(receiver, Object):
        fields = receiver.fields()
        if name in fields:
            if called:
                raise Stop(node, f"{name} has arguments but cannot be invoked as function", "field")
            return fields[name]
        private = getattr(receiver, "private", None)
        if private is not None and name in private():
            raise Stop(node, f"{name} is an unexported field of struct type {type_of(receiver)}", "field")
    raise Stop(node, f"can't evaluate field {name} in type {'interface {}' if boxed else type_of(receiver)}", "field")


def _entry(receiver: dict[bytes, Value], name: str, node: Node | None, *, strict: bool, called: bool) -> Value:
    if called:
        raise Stop(node, f"{name} is not a method but has arguments", "field")
    key = name.encode()
    if key in receiver:
        value = receiver[key]
        return BOXED_NIL if value is None else value
    if strict:
        raise Stop(node, f'map has no entry for key "{name}"', "missing-key")
    return None
