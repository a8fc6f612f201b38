"""JSON of templates' values, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eso_core.template.equal import NilList, NilStrings
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.json import TABLE
from eso_core.template.limits import DEPTH_MAX, ITEMS_MAX, VALUE_MAX, Ambient, Meter
from eso_core.template.values import Bytes, Int64, Ints, Lists, Object, StringMap, Strings, Uint8, Value
from tests.template_chance import SeededChance


class Certificate(Object):
    go_type = "sprig.certificate"

    def fields(self) -> dict[str, Value]:
        return {"Key": b"<k>", "Cert": [1]}


class Moment(Object):
    go_type = "time.Time"

    def json(self) -> bytes:
        return b'"2024-02-29T00:00:00Z"'


def call(name: str, *args: Value) -> Value:
    function = TABLE[name]
    return function.call(*((Ambient(0, SeededChance(), Meter()),) if function.ambient else ()), *args)


def refusal(name: str, *args: Value) -> FunctionError:
    with pytest.raises(FunctionError) as caught:
        call(name, *args)
    return caught.value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b"null"),
        (True, b"true"),
        (False, b"false"),
        (-(1 << 63), b"-9223372036854775808"),
        (Int64(5), b"5"),
        (1.0, b"1"),
        (-0.0, b"-0"),
        (1e21, b"1e+21"),
        (1e20, b"100000000000000000000"),
        (1e-7, b"1e-7"),
        (0.000001, b"0.000001"),
        (b'a"\\/\b\f\n\r\t\x00\x1f\x7f', b'"a\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"'),
        ("é😀\u2028\u2029".encode(), '"é😀\\u2028\\u2029"'.encode()),
        (b"\xff\xed\xa0\x80a", b'"\\ufffd\\ufffd\\ufffd\\ufffda"'),
        ([], b"[]"),
        (NilList(), b"null"),
        (NilStrings(), b"null"),
        (Strings(), b"[]"),
        ([1, [], {}, None], b"[1,[],{},null]"),
        (Strings([b"a", b"b"]), b'["a","b"]'),
        (Ints([1, 2]), b"[1,2]"),
        (Lists([[1], []]), b"[[1],[]]"),
        (Bytes(map(Uint8, b"\x00\xff")), b'"AP8="'),
        ({}, b"{}"),
        ({b"b": 1, b"a": [b"x"], b"\xff": 2, "é".encode(): 3}, '{"a":["x"],"b":1,"é":3,"\\ufffd":2}'.encode()),
        (StringMap({b"b": b"1", b"a": b""}), b'{"a":"","b":"1"}'),
        ([Moment()], b'["2024-02-29T00:00:00Z"]'),
        (Object(), b"{}"),
    ],
)
def test_written(value: Value, text: bytes) -> None:
    for name in ("toJson", "mustToJson", "toRawJson", "mustToRawJson"):
        assert call(name, value) == text


def test_html_is_escaped_unless_raw() -> None:
    value = {b"<&>": Certificate()}
    assert call("toJson", value) == b'{"\\u003c\\u0026\\u003e":{"Key":"\\u003ck\\u003e","Cert":[1]}}'
    assert call("toRawJson", value) == b'{"<&>":{"Key":"<k>","Cert":[1]}}'


def test_pretty() -> None:
    value = {b"b": 1, b"a": [{b"c": b"<"}, [], {}, NilList()]}
    text = b'{\n  "a": [\n    {\n      "c": "\\u003c"\n    },\n    [],\n    {},\n    null\n  ],\n  "b": 1\n}'
    assert call("toPrettyJson", value) == call("mustToPrettyJson", value) == text


@pytest.mark.parametrize(
    ("value", "what", "detail"),
    [
        (float("nan"), "json: unsupported value: ", "NaN"),
        ([float("inf")], "json: unsupported value: ", "+Inf"),
        ({b"a": float("-inf")}, "json: unsupported value: ", "-Inf"),
        ([1j], "json: unsupported type: complex128", ""),
    ],
)
def test_what_json_cannot_hold(value: Value, what: str, detail: str) -> None:
    assert call("toJson", value) == call("toPrettyJson", value) == b""
    for name in ("mustToJson", "mustToPrettyJson", "toRawJson", "mustToRawJson"):
        error = refusal(name, value)
        assert (error.what, error.detail) == (what, detail)


def cycle(lists: int) -> dict[bytes, Value]:
    value: dict[bytes, Value] = {b"a": [{}]}
    end: Value = value
    for _ in range(lists):
        end = [end]
    value[b"d"] = end
    return value


@pytest.mark.parametrize(
    ("name", "value", "via"),
    [
        ("mustToJson", cycle(0), "map[string]interface {}"),
        ("mustToJson", cycle(1), "map[string]interface {}"),
        ("mustToRawJson", cycle(1), "[]interface {}"),
        ("toRawJson", cycle(2), "map[string]interface {}"),
        ("mustToPrettyJson", cycle(2), "[]interface {}"),
        ("mustToJson", [cycle(2)], "map[string]interface {}"),
    ],
)
def test_cycles(name: str, value: Value, via: str) -> None:
    assert call("toJson", value) == b""
    assert refusal(name, value).full == f"json: unsupported value: encountered a cycle via {via}"


def nested(levels: int) -> Value:
    value: Value = 1
    for _ in range(levels):
        value = [value]
    return value


def test_writing_is_bounded() -> None:
    assert call("toJson", nested(DEPTH_MAX)) == b"[" * DEPTH_MAX + b"1" + b"]" * DEPTH_MAX
    shared: Value = b"x" * 1000
    for _ in range(30):
        shared = [shared, shared]
    for value in (nested(DEPTH_MAX + 1), shared, b"\x01" * (VALUE_MAX // 2), b"<" * (VALUE_MAX // 2)):
        with pytest.raises(LimitExceeded):
            call("toJson", value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None),
        (b" true ", True),
        (b"1", 1.0),
        (b"123456789012345678", 123456789012345680.0),
        (b'"a\\u00e9\\ud83d\\ude00"', "aé😀".encode()),
        (b'"\\ud83d"', "\ufffd".encode()),
        (b'"\xff"', "\ufffd".encode()),
        (b'{"b":[1,"x",null],"a":{}}', {b"b": [1.0, b"x", None], b"a": {}}),
        (b'{"a":1,"a":2}', {b"a": 2.0}),
        (b"[]", []),
    ],
)
def test_read(text: bytes, value: Value) -> None:
    assert call("fromJson", text) == call("mustFromJson", text) == value
    assert type(call("fromJson", text)) is type(value)


@pytest.mark.parametrize(
    ("text", "what", "detail", "left"),
    [
        (b"", "unexpected end of JSON input", "", None),
        (b"[1,2", "unexpected end of JSON input", "", None),
        (b"secret", "invalid character ", "'s' looking for beginning of value", None),
        (b"[1,]", "invalid character ", "']' looking for beginning of value", None),
        (b"{'a':1}", "invalid character ", "'\\'' looking for beginning of object key string", None),
        (b'{"a":1} x', "invalid character ", "'x' after top-level value", None),
        (b"NaN", "invalid character ", "'N' looking for beginning of value", None),
        (b'"\x01"', "invalid character ", "'\\x01' in string literal", None),
        (b"[" * 10_001, "exceeded max depth", "", None),
        (b'{"a":[1e999,2]}', "json: cannot unmarshal number ", "1e999 into Go value of type float64", {b"a": [None, 2.0]}),
    ],
)
def test_read_in_vain(text: bytes, what: str, detail: str, left: Value) -> None:
    error = refusal("mustFromJson", text)
    assert (error.what, error.detail) == (what, detail)
    assert call("fromJson", text) == left


def test_reading_is_bounded() -> None:
    for text in (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), b"[0" + b",0" * (ITEMS_MAX + 1) + b"]"):
        with pytest.raises(LimitExceeded):
            call("fromJson", text)


_VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text().map(str.encode),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4).map(str.encode), inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_what_was_written_is_read_back(value: Value) -> None:
    for name in ("toJson", "toRawJson", "toPrettyJson"):
        assert call("fromJson", call(name, value)) == value
