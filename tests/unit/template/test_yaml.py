"""``toYaml`` and ``fromYaml``."""

import pytest

from eso_core.template.errors import LimitExceeded
from eso_core.template.functions.yaml import TABLE, from_yaml, to_yaml
from eso_core.template.limits import WORK_MAX, Ambient, Meter
from eso_core.template.values import Bytes, StringMap, Uint8, Uint64

UNMARSHAL = b"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "


def ambient(work=1 << 20):
    return Ambient(0, None, Meter(work=work))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b"null"),
        (b"", b'""'),
        (b"yes", b'"yes"'),
        (b"a\nb\n", b"|\n  a\n  b"),
        (b"\xff", b"\xef\xbf\xbd"),
        (1e6, b"1000000"),
        (Uint64(1 << 63), b"9223372036854775808"),
        ({}, b"{}"),
        ({b"b": [1, {}], b"a": True}, b"a: true\nb:\n- 1\n- {}"),
        (StringMap({b"a1": b"x", b"a10": b"1", b"a2": b""}), b'a1: x\na2: ""\na10: "1"'),
        (Bytes([Uint8(104), Uint8(105)]), b"aGk="),
        (float("nan"), b""),
        (b"a\x7f", b""),
        ({b"k" * 1100: 1}, b""),
    ],
)
def test_to_yaml(value, text):
    assert to_yaml(value) == text


def test_one_line_feed_is_taken_off():
    assert to_yaml(b"a\n\n") == b"|+\n  a\n"


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (b"", {}),
        (b"null", {}),
        (b"a: 1\nb: [x, y]", {b"a": 1.0, b"b": [b"x", True]}),
        (b"a: {1: {2: ~}}", {b"a": {b"1": {b"2": None}}}),
        (b"a: 9007199254740993", {b"a": 9007199254740992.0}),
        (b'a: "\xc3\xa9"', {b"a": b"\xc3\xa9"}),
        (b"a: !!binary /w==", {b"a": b"\xef\xbf\xbd"}),
        (b"- a", {b"Error": UNMARSHAL + b"array into Go value of type map[string]interface {}"}),
        (b"a: .inf", {b"Error": b"error converting YAML to JSON: json: unsupported value: +Inf"}),
        (b"\xff", {b"Error": b"error converting YAML to JSON: yaml: invalid leading UTF-8 octet"}),
    ],
)
def test_from_yaml(text, members):
    got = from_yaml(ambient(), text)
    assert got == members
    assert all(type(value) is float for value in got.values() if isinstance(value, int | float) and not isinstance(value, bool))


def test_aliases_are_values_of_their_own():
    got = from_yaml(ambient(WORK_MAX), b"a: &x {k: 1}\nb: *x")
    got[b"a"][b"k"] = 2
    assert got[b"b"] == {b"k": 1.0}


def test_reading_costs():
    with pytest.raises(LimitExceeded):
        from_yaml(ambient(work=15), b"a")


def test_a_map_within_itself_ends():
    loop = {b"a": None}
    loop[b"a"] = loop
    assert to_yaml(loop) == b""


def test_signatures():
    assert {name: function.signature for name, function in TABLE.items()} == {
        "toYaml": "func(interface {}) string",
        "fromYaml": "func(string) map[string]interface {}",
    }
