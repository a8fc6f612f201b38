"""Bounds of gjson lookups, and the odd corners that were compared with gjson v1.18.0 itself."""

import pytest
from returns.result import Failure

from eso_core.compat import gjson


def found(json, path):
    value = gjson.get(json.encode(), path).unwrap()
    return value.string.decode() if value.exists else None


@pytest.mark.parametrize(
    ("json", "path", "want"),
    [
        ('{"a":{"b":"c"}}', "a.b", "c"),
        ('{"a.b":"c"}', "a\\.b", "c"),
        ('{"a":1.0,"b":1e3,"c":-0}', "[a,b,c]", "[1.0,1e3,-0]"),
        ('{"a":1.0}', "a", "1"),
        ('{"a":12345678901234567890}', "a", "12345678901234567890"),
        ('{"a":null}', "a", ""),
        ('{"a":1,"a":2}', "a", "1"),
        ("[1,2,3]", "#", "3"),
        ('[{"a":1},{"a":2}]', "#.a", "[1,2]"),
        ('[{"a":1},{"a":2}]', "#(a>1).a", "2"),
        ('[{"a":1},{"a":2}]', "#(a>5)#", "[]"),
        ('[{"a":1},{"a":2}]', "#(a>5)", None),
        ('{"a":[1,[2,3]]}', "a.@flatten", "[1,2,3]"),
        ('{"a":1}', '{"x":a}', '{"x":1}'),
        ('{"a":1}', '!"lit"', "lit"),
        ('{"a":1}', "@keys", '["a"]'),
        ('{"a":1}', "@pretty", '{\n  "a": 1\n}\n'),
        ('{"a": "\\u00e9"}', "a", "\u00e9"),
        ('{"a": "\\ud800x"}', "a", "\ufffdx"),
        ('{"a":1', "a", "1"),
        ('{"a":"x', "a", None),
        ("", "a", None),
        ('{"a":1}', "{a", None),
        ('{"a":{"b":1}}\n{"a":{"b":2}}', "..#.a.b", "[1,2]"),
    ],
)
def test_lookups(json, path, want):
    assert found(json, path) == want


def test_bytes_that_are_not_utf8_pass_through():
    assert gjson.get(b'{"a":"\xff\x00"}', "a").unwrap().string == b"\xff\x00"


@pytest.mark.parametrize(
    ("json", "path"),
    [
        (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, ".".join(["a"] * 1_000)),
        (b"[1]", "|".join(["@this"] * 1_000)),
        (b"[" * 5_000 + b"]" * 5_000, "@dig:a"),
        (b"[" * 5_000 + b"]" * 5_000, '@flatten:{"deep":true}'),
        (b"[" * 5_000 + b"]" * 5_000, "@pretty"),
        (b'{"a":"' + b"x" * 1_000 + b'"}', "|".join(["[@this,@this]"] * 40)),
        (b"[1]", "[" * 3_000),
        (b"[1]", "#(" * 3_000),
    ],
)
def test_what_costs_too_much_is_an_error_or_an_answer_but_no_crash(json, path):
    gjson.get(json, path)


def test_growth_is_refused():
    assert gjson.get(b'{"a":"' + b"x" * 1_000 + b'"}', "|".join(["[@this,@this]"] * 40)) == Failure(gjson.TOO_COMPLEX)


def test_wildcards_do_not_blow_up():
    json = b'{"' + b"a" * 2_000 + b'":1}'
    assert found(json.decode(), "*a" * 40 + "b") is None
    assert found(json.decode(), "*a" * 40) == "1"
