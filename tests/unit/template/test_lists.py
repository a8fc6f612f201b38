"""Lists: what each function makes, which lists stay what they were, and Go's words where it panics."""

import pytest

from eso_core.template.equal import NilList
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.lists import NIL_POINTER, TABLE, Roomy
from eso_core.template.limits import ITEMS_MAX
from eso_core.template.values import Int64, Ints, Lists, Strings, Value

NAN = float("nan")
NESTED = [1]


def call(name: str, *args: Value) -> Value:
    return TABLE[name].call(*args)


def refusal(name: str, *args: Value) -> str:
    with pytest.raises(FunctionError) as caught:
        call(name, *args)
    assert caught.value.detail == ""
    return caught.value.what


@pytest.mark.parametrize(
    ("name", "args", "made"),
    [
        ("list", (), []),
        ("tuple", (1, None), [1, None]),
        ("first", ([b"a", b"b"],), b"a"),
        ("first", ([],), None),
        ("last", (Ints([1, 2]),), 2),
        ("last", (Strings(),), None),
        ("rest", (Strings([b"a", b"b"]),), [b"b"]),
        ("rest", ([1],), []),
        ("initial", ([1, 2, 3],), [1, 2]),
        ("append", (Strings([b"a"]), 1), [b"a", 1]),
        ("push", ([], None), [None]),
        ("prepend", (Ints([1]), b"z"), [b"z", 1]),
        ("concat", ([1], Strings([b"a"]), []), [1, b"a"]),
        ("reverse", (Strings([b"a", b"b"]),), [b"b", b"a"]),
        ("compact", ([0, 1, b"", b"a", None, False, {}, [], 0.0, [0], NAN],), [1, b"a", [0], NAN]),
        (
            "uniq",
            ([1, Int64(1), 1.0, True, 1, b"1", None, None, [1], [1], {b"a": 1}, {b"a": 1}],),
            [1, 1, 1.0, True, b"1", None, [1], {b"a": 1}],
        ),
        ("uniq", ([NAN, NAN],), [NAN, NAN]),
        ("without", ([1, 2, b"a", [1]], 1, [1]), [2, b"a"]),
        ("without", (Strings([b"a"]),), [b"a"]),
        ("chunk", (2, Ints([1, 2, 3])), [[1, 2], [3]]),
        ("chunk", (2, []), []),
        ("chunk", (5, [1]), [[1]]),
        ("chunk", (1 << 62, [1, 2]), [[1, 2]]),
        ("chunk", (-2, [1]), [[1]]),
        ("chunk", (-2, [1, 2, 3]), []),
        ("chunk", (-1, [1, 2]), []),
    ],
)
def test_makes_a_plain_list(name: str, args: tuple[Value, ...], made: Value) -> None:
    before = [list(arg) if isinstance(arg, list) else arg for arg in args]
    result = call(name, *args)
    assert result == made or str(result) == str(made)
    if isinstance(made, list):
        assert type(result) is (Lists if name == "chunk" else list)
    assert [list(arg) if isinstance(arg, list) else arg for arg in args] == before or NAN in before[0]


@pytest.mark.parametrize(("name", "args"), [("rest", ([],)), ("initial", (Strings(),)), ("concat", ()), ("concat", ([], NilList()))])
def test_nil_slice(name: str, args: tuple[Value, ...]) -> None:
    assert type(call(name, *args)) is NilList


@pytest.mark.parametrize("name", ["list", "compact", "uniq", "without", "reverse"])
def test_empty_slice(name: str) -> None:
    result = call(name, *(() if name == "list" else ([],)))
    assert result == []
    assert type(result) is list


@pytest.mark.parametrize(
    ("needle", "haystack", "found"),
    [
        (1, [2, 1], True),
        (1, [Int64(1), 1.0, True, b"1"], False),
        (True, [1], False),
        (Int64(1), [1, Int64(1)], True),
        (None, [None], True),
        (None, [0], False),
        (NAN, [NAN], False),
        (NESTED, [NESTED], True),
        ([1, [b"a"]], [[1, [b"b"]], [1, [b"a"]]], True),
        (Strings([b"a"]), [[b"a"]], False),
        (b"a", Strings([b"a"]), True),
        (1, None, False),
    ],
)
def test_has(needle: Value, haystack: Value, found: bool) -> None:
    assert call("has", needle, haystack) is found
    assert call("mustHas", needle, haystack) is found


@pytest.mark.parametrize(
    ("value", "indices", "part"),
    [
        ([1, 2, 3], (), [1, 2, 3]),
        ([1, 2, 3], (1,), [2, 3]),
        ([1, 2, 3], (1, 2), [2]),
        ([1, 2, 3], (0, 1, 9), [1]),
        ([1, 2, 3], (3,), []),
        (Strings([b"a", b"b"]), (b"1", 2.9), Strings([b"b"])),
        ([], (7, -1), None),
    ],
)
def test_slice(value: Value, indices: tuple[Value, ...], part: Value) -> None:
    result = call("slice", value, *indices)
    assert result == part
    assert type(result) is type(part)


@pytest.mark.parametrize(("indices", "part"), [((), [b"a"]), ((0, 2), [b"a", b""]), ((1, 3), [b"", b""]), ((2, 3), [b""])])
def test_slice_reaches_the_capacity(indices: tuple[int, ...], part: list[bytes]) -> None:
    found = Roomy([b"a"])
    found.capacity = 3
    assert call("slice", found, *indices) == Strings(part)
    assert refusal("slice", found, 0, 4) == refusal("slice", found, 2) == "reflect.Value.Slice: slice index out of bounds"


@pytest.mark.parametrize("indices", [(-1,), (4,), (2, 1), (0, 4), (1, -1)])
def test_slice_out_of_bounds(indices: tuple[int, ...]) -> None:
    assert refusal("mustSlice", [1, 2, 3], *indices) == "reflect.Value.Slice: slice index out of bounds"


@pytest.mark.parametrize(("size", "value"), [(0, [1]), (0, []), (-1, []), (-1, [1]), (-2, []), (-1, [1, 2, 3])])
def test_chunk_of_no_size(size: int, value: list[Value]) -> None:
    assert refusal("chunk", size, value) == "runtime error: makeslice: len out of range"


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("first", (), "Cannot find first on type string"),
        ("last", (), "Cannot find last on type string"),
        ("rest", (), "Cannot find rest on type string"),
        ("initial", (), "Cannot find initial on type string"),
        ("append", (1,), "Cannot push on type string"),
        ("push", (1,), "Cannot push on type string"),
        ("prepend", (1,), "Cannot prepend on type string"),
        ("reverse", (), "Cannot find reverse on type string"),
        ("compact", (), "Cannot compact on type string"),
        ("uniq", (), "Cannot find uniq on type string"),
        ("without", (1,), "Cannot find without on type string"),
        ("slice", (1,), "list should be type of slice or array but string"),
    ],
)
def test_not_a_list(name: str, args: tuple[Value, ...], text: str) -> None:
    must = f"must{name[0].upper()}{name[1:]}"
    assert refusal(name, b"secret", *args) == refusal(must, b"secret", *args) == text
    assert refusal(name, None, *args) == NIL_POINTER


def test_not_a_list_elsewhere() -> None:
    assert refusal("has", 1, {}) == "Cannot find has on type map"
    assert refusal("chunk", 2, 1.5) == "Cannot chunk type float64"
    assert refusal("concat", [1], {}) == "Cannot concat type map as list"
    assert refusal("concat", None) == NIL_POINTER


@pytest.mark.parametrize(
    "call_it", [lambda big: call("append", big, 1), lambda big: call("prepend", big, 1), lambda big: call("concat", big, [1])]
)
def test_no_list_grows_without_bound(call_it: object) -> None:
    assert callable(call_it)
    with pytest.raises(LimitExceeded):
        call_it([0] * ITEMS_MAX)


def test_uniq_of_many() -> None:
    assert len(call("uniq", list(range(ITEMS_MAX)))) == ITEMS_MAX
    assert len(call("uniq", [{b"n": number % 3_000} for number in range(4_000)])) == 3_000
    with pytest.raises(LimitExceeded):
        call("uniq", [[[[[number]]]] for number in range(5_000)])
