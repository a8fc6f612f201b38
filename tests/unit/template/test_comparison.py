"""`eq`, `ne`, `lt`, `le`, `gt`, `ge`."""

import pytest

from eso_core.template.comparison import eq, ge, gt, le, lt, ne
from eso_core.template.errors import FunctionError
from eso_core.template.values import Int64, StringMap, Strings, Uint8, Value
from tests.unit.template.engine import output

NAN = float("nan")


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1, True),
        (1, Int64(1), True),
        (1, Uint8(1), True),
        (-1, Uint8(255), False),
        (1.0, 1.0, True),
        (NAN, NAN, False),
        (b"a", b"a", True),
        (1j, 1j, True),
        (True, False, False),
        (None, None, True),
        (None, 1, False),
        ([], None, False),
        (None, StringMap(), False),
    ],
)
def test_equality(left: Value, right: Value, equal: bool) -> None:
    assert eq(left, right) is equal
    assert ne(left, right) is not equal


@pytest.mark.parametrize(
    ("left", "right", "full"),
    [
        (1, 1.0, "incompatible types for comparison: int and float64"),
        (True, 1, "incompatible types for comparison: bool and int"),
        (b"", [], "incompatible types for comparison: string and []interface {}"),
        ([1], [1], "non-comparable type [%!s(int=1)]: []interface {}"),
        ({}, {}, "non-comparable type map[]: map[string]interface {}"),
        ([1], {}, "non-comparable types [%!s(int=1)]: []interface {}, map[string]interface {}: map[]"),
        (Strings([b"s"]), [], "non-comparable type []: []interface {}"),
    ],
)
def test_what_cannot_be_equal(left: Value, right: Value, full: str) -> None:
    with pytest.raises(FunctionError) as raised:
        eq(left, right)
    assert raised.value.full == full


def test_the_first_equal_one_settles_it() -> None:
    assert eq(1, 2, 1, b"x")
    with pytest.raises(FunctionError, match="incompatible"):
        eq(1, 2, b"x", 1)
    with pytest.raises(FunctionError, match="missing argument for comparison"):
        eq(1)


@pytest.mark.parametrize(
    ("left", "right", "less", "same"),
    [
        (1, 2, True, False),
        (-1, Uint8(0), True, False),
        (Uint8(3), Int64(3), False, True),
        (b"a", b"b", True, False),
        (2.5, 1.5, False, False),
    ],
)
def test_order(left: Value, right: Value, less: bool, same: bool) -> None:
    assert (lt(left, right), le(left, right)) == (less, less or same)
    assert (gt(left, right), ge(left, right)) == (not (less or same), not less)


def test_nothing_is_less_than_nan_and_all_is_greater() -> None:
    assert (lt(1.0, NAN), le(1.0, NAN), gt(1.0, NAN), ge(1.0, NAN)) == (False, False, True, True)


@pytest.mark.parametrize("pair", [(True, False), (1j, 2j), ([], []), (None, 1), (1, None)])
def test_what_has_no_order(pair: tuple[Value, Value]) -> None:
    with pytest.raises(FunctionError, match="invalid type for comparison"):
        lt(*pair)


def test_pointers_and_structs() -> None:
    assert output("{{$v := semver `1.2.3`}}{{eq $v $v}}{{eq $v (semver `1.2.3`)}}") == b"truefalse"
    assert output("{{eq (toDate `2006` `2024`) (toDate `2006` `2024`)}}") == b"true"
