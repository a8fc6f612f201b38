"""`encoding/json`: what it refuses, in which words, and what it writes."""

import pytest
from returns.result import Failure, Success

from eso_core.compat import gojson
from eso_core.compat.gojson import Number, Numbers


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "unexpected end of JSON input"),
        (b"{", "unexpected end of JSON input"),
        (b'{"a"', "unexpected end of JSON input"),
        (b'"a', "unexpected end of JSON input"),
        (b"tru", "invalid character ' ' in literal true (expecting 'e')"),
        (b"1.", "invalid character ' ' after decimal point in numeric literal"),
        (b"NaN", "invalid character 'N' looking for beginning of value"),
        (b"Infinity", "invalid character 'I' looking for beginning of value"),
        (b"01", "invalid character '1' after top-level value"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"":}', "invalid character '}' looking for beginning of value"),
        (b"{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b'"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"),
        (b'"\n"', "invalid character '\\n' in string literal"),
        (b"\xff", "invalid character '\u00ff' looking for beginning of value"),
        (b"1e999", "json: cannot unmarshal number 1e999 into Go value of type float64"),
        (b"[1e999", "unexpected end of JSON input"),
    ],
)
def test_faults(data, fault):
    assert gojson.parse(data) == Failure(fault)


def test_numbers():
    assert gojson.parse(b"[1, -0, 12345678901234567890]") == Success([1.0, -0.0, 12345678901234567168.0])
    assert gojson.parse(b"[1.50]", Numbers.TEXT) == Success([Number("1.50")])
    parsed = gojson.parse(b"[9223372036854775807, 9223372036854775808, 1.0, -0]", Numbers.KUBERNETES).unwrap()
    assert parsed == [9223372036854775807, 9223372036854775808.0, 1.0, 0]
    assert [type(item) for item in parsed] == [int, float, float, int]


def test_strings_are_made_whole():
    assert gojson.parse(b'"a\xffb"') == Success("a\ufffdb")
    assert gojson.parse(b'["\\ud800", {"\\udc00x": "\\ud83d\\ude80"}]') == Success(["\ufffd", {"\ufffdx": "\U0001f680"}])
    assert gojson.parse(b'{"\\ud800": 1, "\\ud801": 2}') == Success({"\ufffd": 2.0})


def test_the_last_of_equal_keys_wins():
    assert gojson.parse(b'{"a":1,"a":2}') == Success({"a": 2.0})
    assert gojson.split_object(b'{"a":1,"a":[ 2 ]}') == Success({"a": b"[ 2 ]"})


@pytest.mark.parametrize("bracket", [b"[]", b'{"a":}'])
def test_nesting_ends_at_ten_thousand_levels(bracket):
    opening, closing = bracket[:-1], bracket[-1:]
    deep = opening * 10_000 + (b"" if bracket == b"[]" else b"1") + closing * 10_000
    assert isinstance(gojson.parse(deep), Success)
    assert gojson.is_valid(deep)
    assert gojson.marshal(gojson.parse(deep).unwrap()) == deep
    assert gojson.parse(opening + deep + closing) == Failure("exceeded max depth")
    assert not gojson.is_valid(opening + deep + closing)


def test_many_brackets_that_are_not_deep():
    data = b"[" + b",".join([b"[]"] * 20_000) + b"]"
    assert gojson.parse(data) == Success([[]] * 20_000)


def test_members_keep_their_text():
    data = b' { "a" : {"x" : "}\\"" } , "b\\u0041":1.0 , "c":"\xff","d":null} '
    assert gojson.split_object(data) == Success({"a": b'{"x" : "}\\"" }', "bA": b"1.0", "c": b'"\xff"', "d": b"null"})
    assert gojson.split_object(b"null") == Success({})
    assert gojson.split_object(b"[]") == Failure("json: cannot unmarshal array into Go value of type map[string]json.RawMessage")


def test_marshal():
    value = {"b": [1.0, True, None, Number("1.50")], "a": "<&>\u2028\x01\x7f"}
    assert gojson.marshal(value) == b'{"a":"\\u003c\\u0026\\u003e\\u2028\\u0001\x7f","b":[1,true,null,1.50]}'
    assert gojson.marshal(value, escape_html=False).startswith(b'{"a":"<&>\\u2028')
    assert gojson.marshal({}) == b"{}"
    assert gojson.marshal([{}, []]) == b"[{},[]]"
    assert gojson.marshal_strings({"a": b"\xff\x00"}) == b'{"a":"\\ufffd\\u0000"}'


def test_targets():
    assert gojson.parse_object(b"null") == Success({})
    assert gojson.parse_object(b"1") == Failure("json: cannot unmarshal number into Go value of type map[string]interface {}")
    assert gojson.parse_string(b"null") == Success(None)
    assert gojson.parse_string(b"true") == Failure("json: cannot unmarshal bool into Go value of type string")
