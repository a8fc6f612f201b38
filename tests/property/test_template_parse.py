"""Laws of parsing templates."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from eso_core.template.nodes import Tree
from eso_core.template.parse import parse
from eso_core.template.references import references

FUNCTIONS = frozenset(("foo", "bar", "index"))
NAMES = st.sampled_from(("a", "b1", "_c", "\u00e9t\u00e9", "if"))
VARIABLES = st.sampled_from(("$", "$x"))
CONSTANTS = st.sampled_from(
    ("true", "0", "-7", "0x1F", "1.5e3", "2i", "1+2i", "'a'", "'\\n'", '"s"', '"\\u00e9\\xff\\"{{"', "`raw\n}}`", '"\u00e9"')
)
PIECES = st.sampled_from(
    (
        *(
            "{{",
            "}}",
            "{{- ",
            " -}}",
            " ",
            "\n",
            "/*",
            "*/",
            ".",
            ".a",
            "$",
            "$x",
            ":=",
            "=",
            ",",
            "|",
            "(",
            ")",
            "foo",
            "nope",
            "nil",
            "true",
        ),
        *("if ", "else ", "end", "range ", "with ", "block ", "define ", "template ", "break", "continue", '"s"', '"', "'", "`", "'a'"),
        *("1", "0x", "1e", "+", "-", "i", "_", "\u00e9", "\u00a0", "\x00", ":", "text", "{", "}", "\\", "{{if .a}}", "{{end}}", "{{else}}"),
    )
)


def arguments(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    fields = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "".join(f".{name}" for name in names))
    group = inner.map(lambda pipeline: f"({pipeline})")
    return st.one_of(
        fields, CONSTANTS, VARIABLES, st.just("."), st.builds(str.__add__, VARIABLES, fields), group, st.builds(str.__add__, group, fields)
    )


def commands(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    words = st.tuples(st.sampled_from(("foo", "bar", "index")), st.lists(arguments(inner), max_size=3))
    call = words.map(lambda parts: " ".join((parts[0], *parts[1])))
    return st.one_of(call, arguments(inner))


def pipelines() -> st.SearchStrategy[str]:
    first = st.just(".a")
    return st.recursive(
        first,
        lambda inner: st.tuples(
            st.sampled_from(("", "", "$x := ", "$x = ")),
            commands(inner),
            st.lists(st.sampled_from(("foo", "bar 1", "index .a")), max_size=2),
        ).map(lambda parts: parts[0] + " | ".join((parts[1], *parts[2]))),
        max_leaves=4,
    )


def bodies() -> st.SearchStrategy[str]:
    pipeline = pipelines()
    leaf = st.one_of(
        st.text("ab \n}\u00e9", min_size=1, max_size=5),
        pipeline.map(lambda text: f"{{{{{text}}}}}"),
        st.builds('{{{{template "{}" {}}}}}'.format, NAMES, pipeline),
        st.just('{{template "t"}}'),
    )

    def branches(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        body = st.lists(inner, max_size=3).map("".join)
        return st.one_of(
            st.builds("{{{{if {}}}}}{}{{{{end}}}}".format, pipeline, body),
            st.builds("{{{{if {}}}}}{}{{{{else if {}}}}}{}{{{{else}}}}{}{{{{end}}}}".format, pipeline, body, pipeline, body, body),
            st.builds("{{{{with {}}}}}{}{{{{else}}}}{}{{{{end}}}}".format, pipeline, body, body),
            st.builds("{{{{range $i, $e := ({})}}}}{}{{{{break}}}}{{{{end}}}}".format, pipeline, body),
            st.builds('{{{{block "{}" {}}}}} {{{{end}}}}'.format, NAMES, pipeline),
        )

    return st.lists(st.recursive(leaf, branches, max_leaves=6), max_size=4).map(lambda parts: "{{$x := 1}}" + "".join(parts))


def shape(value: Any) -> Any:
    """A node without its place."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.name not in ("pos", "line")]
        return type(value).__name__, {name: shape(getattr(value, name)) for name in names}
    return [shape(item) for item in value] if isinstance(value, tuple) else value


def tree(text: str) -> Tree:
    return parse("out", text.encode(), FUNCTIONS).unwrap()


class TestTotality:
    """Any text has a tree or an error, and a tree has references."""

    @given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map(lambda parts: "".join(parts).encode())))
    def test_any_text(self, text: bytes) -> None:
        match parse("out", text, FUNCTIONS):
            case Success(found):
                references(found)
            case Failure(error):
                assert error.full.startswith("template: out:")
                assert error.line <= text.count(b"\n") + 1
                assert error.full.split(":")[2] == str(error.line)

    @given(st.binary(max_size=60), st.text(max_size=10), st.binary(min_size=1, max_size=3), st.binary(min_size=1, max_size=3))
    def test_any_name_and_delimiters(self, inside: bytes, name: str, left: bytes, right: bytes) -> None:
        result = parse(name, b"a" + left + inside + right, FUNCTIONS, left, right)
        assert isinstance(result, Success | Failure)


class TestRoundTrip:
    """What a node reads as parses to the same node."""

    @given(bodies())
    def test_text_of_a_tree(self, text: str) -> None:
        body = tree(text).bodies["out"]
        again = tree(str(body)).bodies["out"]
        assert shape(again) == shape(body)
        assert str(again) == str(body)
