"""Emptiness."""

import pytest

from eso_core.template.equal import NilList
from eso_core.template.functions.defaults import TABLE
from eso_core.template.values import Int64, Object, StringMap, Strings, Value

EMPTY: list[Value] = [None, False, 0, Int64(0), 0.0, -0.0, 0j, b"", [], Strings(), NilList(), {}, StringMap()]
FULL: list[Value] = [True, 1, -1, Int64(1), 0.1, float("nan"), 1j, b" ", b"\0", [None], {b"": None}, Object()]


@pytest.mark.parametrize("value", EMPTY)
def test_empty(value: Value) -> None:
    assert TABLE["empty"].call(value) is True
    assert TABLE["default"].call(b"else", value) == b"else"
    assert TABLE["coalesce"].call(value, 7) == 7
    assert TABLE["all"].call(1, value) is False
    assert TABLE["any"].call(value) is False


@pytest.mark.parametrize("value", FULL)
def test_not_empty(value: Value) -> None:
    assert TABLE["empty"].call(value) is False
    assert TABLE["default"].call(b"else", value, b"") is value
    assert TABLE["coalesce"].call(None, value, 7) is value
    assert TABLE["all"].call(1, value) is True
    assert TABLE["any"].call(0, value) is True


def test_nothing_given() -> None:
    assert TABLE["default"].call(b"else") == b"else"
    assert TABLE["coalesce"].call() is None
    assert TABLE["all"].call() is True
    assert TABLE["any"].call() is False


def test_ternary() -> None:
    assert TABLE["ternary"].call(1, 2, True) == 1
    assert TABLE["ternary"].call(1, 2, False) == 2
