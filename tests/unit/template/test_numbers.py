"""Arithmetic. Results are Go's on amd64 for the same arguments."""

import math

import pytest

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.numbers import TABLE
from eso_core.template.limits import ITEMS_MAX, Ambient, Meter
from eso_core.template.values import Int64, Ints, Value
from tests.template_chance import SeededChance

NAN, INF = math.nan, math.inf


def call(name: str, *args: Value) -> Value:
    function = TABLE[name]
    return function.call(*((Ambient(0, SeededChance(), Meter()),) if function.ambient else ()), *args)


def same(left: Value, right: Value) -> bool:
    """Equality that tells -0 from 0 and takes NaN for itself."""
    return repr(left) == repr(right) if type(right) is float else bool(left == right)


@pytest.mark.parametrize(
    ("name", "args", "made"),
    [
        ("add", (), 0),
        ("add", (1, b"2", 2.9, None, True, b"x"), 6),
        ("add", (9223372036854775807, 1), -9223372036854775808),
        ("add1", (b"0x0f",), 16),
        ("sub", (1, b"010"), -7),
        ("mul", (3, b"3.9", -2), -18),
        ("mul", (4611686018427387904, 4), 0),
        ("div", (-7, 2), -3),
        ("div", (-9223372036854775808, -1), -9223372036854775808),
        ("mod", (-7, 3), -1),
        ("mod", (7, -3), 1),
        ("max", (1, b"5", 3), 5),
        ("biggest", (b"x",), 0),
        ("min", (2.9, b"-1"), -1),
        ("addf", (0.1, 0.2), 0.3),
        ("addf", (), 0.0),
        ("addf", (1e308, 1e308), INF),
        ("add1f", (b"0.1",), 1.1),
        ("subf", (0.3, 0.1), 0.2),
        ("subf", (5,), 5.0),
        ("mulf", (1.1, 1.1, b"2"), 2.42),
        ("mulf", (1e308, 10, -1), -INF),
        ("mulf", (1e-320, 1e-10), 0.0),
        ("divf", (1, 3), 0.3333333333333333),
        ("divf", (-2, 3), -0.6666666666666667),
        ("divf", (1, 30000000000.0), 3.33333e-11),
        ("divf", (2, 1e-20), 2e20),
        ("maxf", (1, NAN), NAN),
        ("maxf", (NAN, INF), INF),
        ("maxf", (-0.0, 0.0), 0.0),
        ("minf", (0.0, -0.0), -0.0),
        ("minf", (-INF, NAN), -INF),
        ("minf", (1.5, b"1.25", 9), 1.25),
        ("ceil", (-0.5,), -0.0),
        ("ceil", (b"1.1",), 2.0),
        ("floor", (-1.5,), -2.0),
        ("floor", (INF,), INF),
        ("round", (2.5, 0), 3.0),
        ("round", (-2.5, 0), -3.0),
        ("round", (1.005, 2), 1.0),
        ("round", (2.675, 2), 2.68),
        ("round", (123.5555, 3, 0.9), 123.555),
        ("round", (5, -400), NAN),
        ("round", (0.5, 400), NAN),
        ("round", (0, 400), NAN),
        ("round", (1.25, 23), 1.25),
        ("round", (123456, -2), 123500.0),
        ("round", (1, 4611686018427387904), NAN),
        ("int", (3.9,), 3),
        ("int", (-1e300,), -9223372036854775808),
        ("int64", (NAN,), -9223372036854775808),
        ("int", (b"1_000",), 1000),
        ("float64", (b"1e3",), 1000.0),
        ("float64", (b"1e999",), 0.0),
        ("atoi", (b"99999999999999999999",), 9223372036854775807),
        ("atoi", (b"12x",), 0),
        ("atoi", (b"-5",), -5),
        ("atoi", (b"9999999999999999999x",), 0),
        ("toDecimal", (777,), 511),
        ("toDecimal", (b"0o7",), 0),
        ("toDecimal", (b"9",), 0),
        ("toDecimal", (None,), 0),
        ("until", (3,), [0, 1, 2]),
        ("until", (-3,), [0, -1, -2]),
        ("until", (0,), []),
        ("untilStep", (0, 10, 3), [0, 3, 6, 9]),
        ("untilStep", (5, 0, -2), [5, 3, 1]),
        ("untilStep", (0, 5, -1), []),
        ("untilStep", (0, 5, 0), []),
        ("untilStep", (5, 0, 1), []),
        ("seq", (), b""),
        ("seq", (3,), b"1 2 3"),
        ("seq", (-2,), b"1 0 -1 -2"),
        ("seq", (2, 5), b"2 3 4 5"),
        ("seq", (5, 2), b"5 4 3 2"),
        ("seq", (0, 2, 7), b"0 2 4 6"),
        ("seq", (7, -3, 0), b"7 4 1"),
        ("seq", (5, 1, 0), b""),
        ("seq", (0, -1, 5), b""),
        ("seq", (1, 2, 3, 4), b""),
        ("seq", (1, 0, 1), b""),
    ],
)
def test_makes(name: str, args: tuple[Value, ...], made: Value) -> None:
    assert same(call(name, *args), made)


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("div", (1, b""), "runtime error: integer divide by zero"),
        ("mod", (1, 0), "runtime error: integer divide by zero"),
        ("divf", (1, 0), "decimal division by 0"),
        ("addf", (NAN,), "Cannot create a Decimal from NaN"),
        ("addf", (-INF,), "Cannot create a Decimal from -Inf"),
    ],
)
def test_refuses(name: str, args: tuple[Value, ...], text: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(name, *args)
    assert caught.value.full == text


def test_types() -> None:
    for name in ("add", "sub", "mul", "div", "mod", "max", "min", "biggest"):
        assert type(call(name, 7, 2)) is Int64, name
    for name in ("add1", "int64", "toDecimal"):
        assert type(call(name, 7)) is Int64, name
    assert type(call("until", 2)) is type(call("untilStep", 2, 0, 1)) is Ints
    assert type(call("int", Int64(5))) is type(call("atoi", b"5")) is int
    assert type(call("floor", 5)) is float


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("until", (ITEMS_MAX + 1,)),
        ("until", (-(2**63),)),
        ("untilStep", (2**63 - 2, 2**63 - 1, 2)),
        ("untilStep", (-(2**63) + 1, -(2**63), -2)),
        ("seq", (2**63 - 2,)),
        ("seq", (-(2**63), 2**63 - 2)),
        ("mulf", (1e308,) * 400),
        ("mulf", (1e-308,) * 400),
        ("divf", (1e308,) + (5e-324,) * 400),
        ("mulf", (999_999_999_999_999,) * 10_000),
    ],
)
def test_bounds(name: str, args: tuple[Value, ...]) -> None:
    with pytest.raises(LimitExceeded):
        call(name, *args)


def test_random_integers() -> None:
    ambient = Ambient(0, SeededChance(), Meter())
    drawn = {TABLE["randInt"].call(ambient, -3, 4) for _ in range(500)}
    assert drawn == set(range(-3, 4))
    assert -(2**62) <= TABLE["randInt"].call(ambient, -(2**62), 2**62 - 1) < 2**62
    for low, high in ((5, 5), (6, 5), (-(2**63), 2**63 - 1)):
        with pytest.raises(FunctionError, match="invalid argument to Intn"):
            TABLE["randInt"].call(ambient, low, high)
