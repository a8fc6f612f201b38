"""YAML as the Kubernetes tools read it, with bounds, and errors that have a place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eso_shell.kubeyaml import DEPTH_MAX, Document, Unreadable, documents

OBSERVED = json.loads((Path(__file__).parent / "sigs_yaml_1_6_0.json").read_text())["pairs"]
TEXTS = st.text(st.characters(max_codepoint=0x7E), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def one(text: str) -> Any:
    found = documents(text.encode())
    return found[0].value if found else None


def fault(text: str | bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        documents(text if isinstance(text, bytes) else text.encode())
    return f"{caught.value.line}:{caught.value.column}: {caught.value}"


@pytest.mark.parametrize(("text", "expected"), OBSERVED, ids=repr)
def test_as_observed_of_go(text: str, expected: str) -> None:
    """Observed by running the Go library; numbers beyond 64 bits are equal, though written in another way."""
    if expected == "error":
        assert fault(text)
    else:
        got = orjson.dumps(one(text)).decode()
        assert json.loads(got, parse_int=float) == json.loads(expected, parse_int=float)
        assert ("." in got) == ("." in expected) or "e+" in got  # 1.0 is written as 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a: &x {b: 1}, c: {<<: *x, b: 2}}", {"b": 2}),
        ("{a: &x {b: 1}, c: {b: 2, <<: *x}}", {"b": 1}),  # go-yaml 2 takes what it meets last
        ("{a: &x {b: 1}, e: &z {b: 3, f: 4}, c: {<<: [*x, *z]}}", {"b": 1, "f": 4}),
        ("{c: {'<<': {b: 1}}}", {"<<": {"b": 1}}),
    ],
)
def test_merge_keys(text: str, expected: dict[str, Any]) -> None:
    assert one(text)["c"] == expected


class TestDocuments:
    def test_places(self) -> None:
        assert documents(b"# head\na: 1\n---\n---\n# only a comment\n---\n  b: 2\n") == [
            Document(2, 1, {"a": 1}),
            Document(7, 3, {"b": 2}),
        ]

    def test_json_objects_one_after_the_other(self) -> None:
        assert documents(b'{"a": 1}\n {"b": "\\ud83d\\ude00\\t"}') == [Document(1, 1, {"a": 1}), Document(2, 2, {"b": "\U0001f600\t"})]

    def test_json_with_tabs(self) -> None:
        assert one('{\n\t"a": 1.0,\n\t"b": [1e2, null, true]\n}') == {"a": 1, "b": [100, None, True]}

    @pytest.mark.parametrize("head", ["", "\ufeff"])
    def test_a_byte_order_mark(self, head: str) -> None:
        assert one(head + '{"a": 1}') == one(head + "a: 1") == {"a": 1}

    @pytest.mark.parametrize("text", ["", "\n", "---\n", "# nothing", "null", "---\n---\n"])
    def test_nothing(self, text: str) -> None:
        assert documents(text.encode()) == []

    def test_flow_style_is_yaml(self) -> None:
        assert one("{a: b, c: [d]}") == {"a": "b", "c": ["d"]}

    @given(st.dictionaries(TEXTS, JSON, max_size=3))
    def test_both_readers_read_json_alike(self, value: dict[str, Any]) -> None:
        text = json.dumps(value)
        assert one(text) == one("---\n" + text) == value


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a: 1\nb: 2\na: 3\n", '3:1: the key "a" stands twice in one object'),
            ('{"a": 1,\n "a": 2}', '2:2: the key "a" stands twice in one object'),
            ("1: a\n'1': b", '2:1: the key "1" stands twice in one object'),
            ("a:\n  - b\n - c", "3:2: did not find expected key"),
            ("a: [1,\n", "2:1: did not find expected node content"),
            ("a: 'b", "1:6: found unexpected end of stream"),
            ("a: *b", "1:4: found undefined alias"),
            ("&a [*a]", "1:1: an alias holds itself"),
            ("{<<: 5}", "1:6: a << takes a mapping, or a list of mappings"),
            ("a:\n  b: .nan", "2:6: infinity and not-a-number cannot be JSON"),
            ("a: !!int x", "1:4: the value is not a !!int"),
            ("a: !!binary /w==", "1:4: the value is not a !!binary text"),
            ("[a]: b", "1:1: a key must be a text, a number or a boolean"),
            ("a: \x00", "1:4: control characters are not allowed"),
            (b"a: 1\nb: \xff", "2:4: invalid leading UTF-8 octet"),
        ],
    )
    def test_they_have_a_place(self, text: str | bytes, says: str) -> None:
        assert fault(text) == says

    def test_no_value_is_repeated(self) -> None:
        for text in (
            "a: !!int CANARY",
            "a: !!binary CANARY!",
            'a: "CANARY',
            "CANARY: *x",
            "a: [CANARY",
            "a: CANARY: b",
            '{"a": "CANARY" 5}',
        ):
            assert "CANARY" not in fault(text)


class TestBounds:
    @pytest.mark.parametrize("text", ["[" * 100_000, "[" * 500 + "]" * 500, '{"a":' * 300 + "1" + "}" * 300, "- " * 5000, "{a: " * 50_000])
    def test_depth(self, text: str) -> None:
        assert "levels" in fault(text) or "nesting" in fault(text)

    def test_depth_by_aliases(self) -> None:
        lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, DEPTH_MAX + 50))]
        assert "levels" in fault("\n".join(lines))

    @pytest.mark.parametrize("form", ["[{}]", "{{<<: [{}]}}", "{{a: {}, b: {}}}"])
    def test_aliases_that_multiply(self, form: str) -> None:
        many = form.count("{}")
        lines = [
            "a0: &a0 {k: v}",
            *(f"a{i}: &a{i} " + form.format(*[",".join([f"*a{i - 1}"] * (9 if many == 1 else 1))] * many) for i in range(1, 40)),
        ]
        assert "values" in fault("\n".join(lines))

    def test_an_alias_that_is_used_often_is_fine(self) -> None:
        assert one("a: &a {b: c}\nd: [" + ", ".join(["*a"] * 1000) + "]")["d"] == [{"b": "c"}] * 1000


@given(st.binary(max_size=60) | st.text("{}[]:,-&*!<> \n'\"#|a1.", max_size=60).map(str.encode))
def test_nothing_else_is_ever_raised_and_all_of_it_is_json(text: bytes) -> None:
    try:
        for document in documents(text):
            orjson.dumps(document.value)
    except Unreadable as error:
        place = (error.line, error.column)
        assert min(place) >= 1
