"""Emptiness and what to take instead (source: the reference's ``sprig/defaults.go``).

Empty are nil, false, every zero, and strings, lists and maps without elements: what Python takes for false. Structs and pointers never are,
nor is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping

from eso_core.template.values import Function, Value


def default(fallback: Value, *given: Value) -> Value:
    """Values after the first are ignored."""
    return given[0] if given and given[0] else fallback


def empty(value: Value) -> bool:
    return not value


def coalesce(*values: Value) -> Value:
    for value in values:
        if value:
            return value
    return None


def all_(*values: Value) -> bool:
    return all(values)


def any_(*values: Value) -> bool:
    return any(values)


def ternary(yes: Value, no: Value, which: bool) -> Value:
    return yes if which else no


TABLE: Mapping[str, Function] = {
    "default": Function("func(interface {}, ...interface {}) interface {}", default),
    "empty": Function("func(interface {}) bool", empty),
    "coalesce": Function("func(...interface {}) interface {}", coalesce),
    "all": Function("func(...interface {}) bool", all_),
    "any": Function("func(...interface {}) bool", any_),
    "ternary": Function("func(interface {}, interface {}, bool) interface {}", ternary),
}
