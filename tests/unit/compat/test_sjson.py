"""A value set at a path of a JSON text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from eso_core.compat.gjson import escape_dots, get
from eso_core.compat.sjson import set_text


@pytest.mark.parametrize(
    ("document", "path", "value", "made"),
    [
        (b"", "a", b"x", b'{"a":"x"}'),
        (b" \n", "a.b", b"x", b'{"a":{"b":"x"}}'),
        (b'{"a": "1", "n": 1.50 }', "a", b"2", b'{"a": "2", "n": 1.50 }'),
        (b'{"a": "1"}', "a", b"1", b'{"a": "1"}'),
        (b'{"a": "1" }', "b", b"2", b'{"a": "1" ,"b":"2"}'),
        (b'{"a":{"b":1},"a.b":2}', "a.b", b"x", b'{"a":{"b":"x"},"a.b":2}'),
        (b'{"a":{"b":1},"a.b":2}', "a\\.b", b"x", b'{"a":{"b":1},"a.b":"x"}'),
        (b'{"l": [1, {"k": 2}]}', "l.1.k", b"x", b'{"l": [1, {"k": "x"}]}'),
        (b'{"l": [1, 2] }', "l.3", b"x", b'{"l": [1,2,null,"x"] }'),
        (b'{"l": [1, 2] }', "l.-1", b"x", b'{"l": [1, 2,"x"] }'),
        (b"[]", "1", b"x", b'[null,"x"]'),
        (b"", "1", b"x", b'[null,"x"]'),
        (b"{}", "a.:1", b"x", b'{"a":{"1":"x"}}'),
        (b"{}", "a.1.b", b"x", b'{"a":[null,{"b":"x"}]}'),
        (b'{"a":1}', "a.b", b"x", b'{"a":{"b":"x"}}'),
        (b'"text"', "a", b"x", b'{"a":"x"}'),
        (b'{"\\u0061":1}', "a", b"x", b'{"\\u0061":"x"}'),
        (b'{"a":1,"a":2}', "a", b"x", b'{"a":"x","a":2}'),
        (b"{}", "a", b"<&>", b'{"a":"<&>"}'),
        (b"{}", "a", b'<"&>', b'{"a":"\\u003c\\"\\u0026\\u003e"}'),
        (b"{}", "a", b"\xff", b'{"a":"\\ufffd"}'),
        (b'{"x":"\xc3\xbc"}', "y", "ü".encode(), '{"x":"ü","y":"ü"}'.encode()),
    ],
)
def test_as_sjson(document, path, value, made):
    assert set_text(document, path, value) == Success(made)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (b"{", "a"),
        (b"text", "a"),
        (b"{}", ""),
        (b"{}", "a*"),
        (b"{}", "#"),
        (b"{}", "a.@this"),
        (b"[1]", "a"),
        (b"{}", "a.99999999"),
        (b"{}", "." * 200),
    ],
)
def test_what_cannot_be_set(document, path):
    assert isinstance(set_text(document, path, b"c4n4ry"), Failure)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)
NAME = st.text(st.sampled_from('abxyz01ü "\\<.'), min_size=1, max_size=4).map(lambda name: f"n{name}")


@given(
    document=st.dictionaries(TEXT, JSON, max_size=4),
    names=st.lists(NAME, min_size=1, max_size=3),
    value=TEXT,
    indent=st.sampled_from([None, 1]),
)
def test_what_was_set_is_read_and_nothing_else_changes(document, names, value, indent):
    text = json.dumps(document, indent=indent).encode()
    path = ".".join(escape_dots(name.replace("\\", "\\\\")) for name in names)
    made = set_text(text, path, value.encode()).unwrap()
    assert get(made, path).unwrap().string == value.encode()
    assert set_text(made, path, value.encode()) == Success(made)
    after, before = json.loads(made), document
    for name in names[:-1]:
        after, inner = after[name], before.get(name)
        before = inner if isinstance(inner, dict) else {}
    assert {key: item for key, item in after.items() if key != names[-1]} == {key: item for key, item in before.items() if key != names[-1]}


@given(document=st.binary(max_size=30), path=st.text(max_size=10), value=st.binary(max_size=6))
def test_anything(document, path, value):
    made = set_text(document, path, value)
    if isinstance(made, Success):
        json.loads(made.unwrap())
