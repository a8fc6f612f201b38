"""Types, kinds and deep equality (source: the reference's ``sprig/reflect.go``)."""

from __future__ import annotations

from collections.abc import Mapping

from eso_core.template.equal import deep_equal
from eso_core.template.values import Function, Value, kind_of, type_of


def type_name(value: Value) -> bytes:
    return type_of(value).encode()


def type_is(target: bytes, value: Value) -> bool:
    return target == type_name(value)


def type_is_like(target: bytes, value: Value) -> bool:
    """A pointer to the type will do."""
    found = type_name(value)
    return target == found or b"*" + target == found


def kind_name(value: Value) -> bytes:
    return kind_of(value).encode()


def kind_is(target: bytes, value: Value) -> bool:
    return target == kind_name(value)


TABLE: Mapping[str, Function] = {
    "typeOf": Function("func(interface {}) string", type_name),
    "typeIs": Function("func(string, interface {}) bool", type_is),
    "typeIsLike": Function("func(string, interface {}) bool", type_is_like),
    "kindOf": Function("func(interface {}) string", kind_name),
    "kindIs": Function("func(string, interface {}) bool", kind_is),
    "deepEqual": Function("func(interface {}, interface {}) bool", deep_equal),
}
