"""``reflect.DeepEqual``: types, nil, NaN, shared references, cycles."""

import pytest

from eso_core.template.equal import WORK, Known, NilList, NilStrings, deep_equal
from eso_core.template.errors import LimitExceeded
from eso_core.template.values import Bytes, Int64, Ints, Lists, Object, StringMap, Strings, Uint8, Value

NAN = float("nan")
HOLDS_NAN = [NAN]


class Pair(Object):
    go_type = "pair"

    def __init__(self, left: Value, right: Value) -> None:
        self.left, self.right = left, right

    def fields(self) -> dict[str, Value]:
        return {"Left": self.left, "Right": self.right}


class Parity(Object):
    go_type = "parity"

    def __init__(self, number: int) -> None:
        self.number = number

    def deep_equal(self, other: "Parity") -> bool:
        return self.number % 2 == other.number % 2


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1, True),
        (1, Int64(1), False),
        (Int64(1), Int64(1), True),
        (1, 1.0, False),
        (True, 1, False),
        (0.0, -0.0, True),
        (NAN, NAN, False),
        (HOLDS_NAN, HOLDS_NAN, True),
        ([NAN], [NAN], False),
        (1j, 1j, True),
        (b"a", b"a", True),
        (b"a", b"b", False),
        (None, None, True),
        (None, [], False),
        ([], None, False),
        ([1, [2, {b"a": b"b"}]], [1, [2, {b"a": b"b"}]], True),
        ([1, [2, {b"a": b"b"}]], [1, [2, {b"a": b"c"}]], False),
        ([1], [1, 1], False),
        ([b"a"], Strings([b"a"]), False),
        ([], Strings(), False),
        (Ints([1]), Ints([1]), True),
        (Lists([[1]]), [[1]], False),
        (Bytes([Uint8(1)]), Bytes([Uint8(1)]), True),
        (NilList(), [], False),
        (NilList(), NilList(), True),
        (NilStrings(), Strings(), False),
        ({b"a": 1}, {b"a": 1}, True),
        ({b"a": 1}, {b"b": 1}, False),
        ({b"a": b"b"}, StringMap({b"a": b"b"}), False),
        ({b"a": None}, {b"a": None}, True),
        ([], {}, False),
        (Pair(1, [2]), Pair(1, [2]), True),
        (Pair(1, [2]), Pair(1, [3]), False),
        (Pair(1, 2), Parity(1), False),
        (Parity(1), Parity(3), True),
        (Parity(1), Parity(2), False),
        (Parity(1), 1, False),
    ],
)
def test_deep_equal(left: Value, right: Value, same: bool) -> None:
    assert deep_equal(left, right) is same
    assert deep_equal(right, left) is same
    assert deep_equal([left], [right]) is same
    assert (left in Known([right])) is same


def cycle(end: Value) -> dict[bytes, Value]:
    value: dict[bytes, Value] = {b"end": end}
    value[b"self"] = [value]
    return value


def test_cycles_end() -> None:
    assert deep_equal(cycle(1), cycle(1))
    assert not deep_equal(cycle(1), cycle(2))


def test_shared_parts_are_compared_once() -> None:
    left: Value = [1]
    right: Value = [1]
    for _ in range(60):
        left, right = [left, left], [right, right]
    assert deep_equal(left, right)


def test_large_values_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        deep_equal([[0] * WORK], [[0] * WORK])
