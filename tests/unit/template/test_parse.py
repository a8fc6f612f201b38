"""The parser of templates against Go's errors, lines, positions and numbers."""

from __future__ import annotations

from typing import Any

import pytest
from returns.pipeline import is_successful

from eso_core.template import lex, nodes
from eso_core.template.limits import DEPTH_MAX, TEXT_MAX
from eso_core.template.nodes import Number, Tree
from eso_core.template.parse import ACTIONS_MAX, parse

FUNCTIONS = frozenset(("foo", "bar", "printf", "index"))


def tree(text: bytes | str, name: str = "out", **delimiters: bytes) -> Tree:
    return parse(name, text.encode() if isinstance(text, str) else text, FUNCTIONS, **delimiters).unwrap()


def body(text: bytes | str, name: str = "out") -> tuple[Any, ...]:
    return tree(text).bodies[name].nodes


def error(text: bytes | str, name: str = "out") -> str:
    failure = parse(name, text.encode() if isinstance(text, str) else text, FUNCTIONS).failure()
    assert (failure.stage, failure.name, failure.column, failure.public) == ("parse", name, -1, failure.full)
    return failure.full


def operand(text: bytes | str) -> Any:
    [action] = body(text)
    return action.pipe.commands[0].args[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{", "1: unclosed action"),
        ("{{.a\n\n", "3: unclosed action started at out:1"),
        ("{{\n(.a }}", "2: unclosed left paren in action started at out:1"),
        ("{{.a)}}", "1: unexpected right paren"),
        ("{{.a | .b(}}", '1: unexpected "(" in operand'),
        ("{{/* a", "1: unclosed comment"),
        ("{{/* a */ }}", "1: comment ends before closing delimiter"),
        ("{{if .a}}\n{{/* a", "2: unclosed comment in action started at out:1"),
        ("{{if .a}}{{.b}}\n{{/* a", "2: unclosed comment"),
        ('{{"a}}', "1: unterminated quoted string"),
        ('{{"a\\\n"}}', "1: unterminated quoted string"),
        ("{{`a}}", "1: unterminated raw quoted string"),
        ("{{'a}}", "1: unterminated character constant"),
        ("{{.a-b}}", "1: bad character U+002D '-'"),
        ("{{foo$}}", "1: bad character U+0024 '$'"),
        (b"{{.a\xff}}", "1: bad character U+FFFD '\ufffd'"),
        ("{{ \u00a0 }}", "1: unrecognized character in action: U+00A0"),
        ("{{\x01}}", "1: unrecognized character in action: U+0001"),
        ("{{.x : 1}}", "1: expected :="),
        ("{{$x : 1}}", '1: undefined variable "$x"'),
        ("{{.a[0]}}", "1: bad character U+005B '['"),
        ("{{ [ }}", '1: unexpected "[" in command'),
        ("{{}}", "1: missing value for command"),
        ("{{if}}{{end}}", "1: missing value for if"),
        ("{{()}}", "1: missing value for parenthesized pipeline"),
        ('{{block "x"}}{{end}}', "1: missing value for block clause"),
        ("{{end}}", "1: unexpected {{end}}"),
        ("{{else}}", "1: unexpected {{else}}"),
        ("{{if .a}}{{else}}{{else}}{{end}}", "1: expected end; found {{else}}"),
        ("{{if .a}}{{else with .b}}{{end}}", "1: unexpected <with> in input"),
        ("{{range .a}}{{else range .b}}{{end}}{{end}}", "1: unexpected <range> in else"),
        ("{{if .a}}\nx\n", "3: unexpected EOF"),
        ('{{if .a}}{{define "x"}}{{end}}{{end}}', "1: unexpected <define> in command"),
        ('{{define "x"}}{{else}}{{end}}', "1: unexpected {{else}} in define clause"),
        ('{{block\n"x" .}}\n\n{{else}}{{end}}', "2: unexpected {{else}} in block clause"),
        ('{{define "x"}}a{{end}}\n{{define "x"}}b{{end}}', '2: template: multiple definition of template "x"'),
        ('{{define "out"}}a{{end}}b\n', '2: template: multiple definition of template "out"'),
        ("{{template .a}}", '1: unexpected ".a" in template clause'),
        ('{{template "a" "b" | "c"}}', "1: non executable command in pipeline stage 2"),
        ("{{foo | 1}}", "1: non executable command in pipeline stage 2"),
        ("{{break}}", "1: {{break}} outside {{range}}"),
        ('{{range .}}{{block "x" .}}{{continue}}{{end}}{{end}}', "1: {{continue}} outside {{range}}"),
        ("{{range .}}{{break 1}}{{end}}", '1: unexpected "1" in {{break}}'),
        ("{{nope}}", '1: function "nope" not defined'),
        ("{{$x\n}}", '2: undefined variable "$x"'),
        ("{{if $x := 1}}{{end}}{{$x}}", '1: undefined variable "$x"'),
        ("{{$x, $y := .}}", "1: too many declarations in command"),
        ("{{range $x, $y, $z := .}}{{end}}", "1: too many declarations in range"),
        ("{{range $x, .a}}{{end}}", "1: range can only initialize variables"),
        ("{{nil.a}}", '1: unexpected . after term "nil"'),
        ("{{nil.a\n}}", '1: unexpected . after term "nil"'),
        ("{{nil.a\n-}}", '2: unexpected . after term "nil"'),
        (b'{{"\xff".a}}', '1: unexpected . after term "\\"\\xff\\""'),
        ("{{.a.}}", "1: unexpected <.> in operand"),
        ("{{`longer than ten`.}}", "1: unexpected <.> in operand"),
        ("{{if .a}}{{end `longer than ten`}}", '1: unexpected "`longer th"... in end'),
        ("{{1_}}", '1: illegal number syntax: "1_"'),
        ("{{08}}", '1: integer overflow: "08"'),
        ("{{18446744073709551616}}", '1: integer overflow: "18446744073709551616"'),
        ("{{-.x}}", '1: bad number syntax: "-.x"'),
        ("{{1a}}", '1: bad number syntax: "1a"'),
        ("{{1+2}}", '1: bad number syntax: "1+2"'),
        ("{{1e400}}", '1: illegal number syntax: "1e400"'),
        ("{{1+i}}", "1: syntax error scanning complex number"),
        ("{{1e999+2i}}", '1: strconv.ParseFloat: parsing "1e999": value out of range'),
        ("{{.", '1: illegal number syntax: "."'),
        ("{{'ab'}}", "1: malformed character constant: 'ab'"),
        ("{{''}}", "1: invalid syntax"),
        ("{{'\\\"'}}", "1: invalid syntax"),
        ('{{"\\q"}}', "1: invalid syntax"),
        ('{{"\\400"}}', "1: invalid syntax"),
        ('{{"\\ud800"}}', "1: invalid syntax"),
        ('{{template "\\q"}}', "1: invalid syntax"),
    ],
)
def test_errors(text: bytes | str, says: str) -> None:
    assert error(text) == f"template: out:{says}"


def test_the_name_is_part_of_the_format() -> None:
    assert error("{{nope}}", "50%") == "template: 50%!:(string=nope)1: function %!q(MISSING) not defined"
    assert error("{{nope}}", "%s") == "template: nope:1: function %!q(MISSING) not defined"
    assert error("{{}}", "%%") == "template: %:1: missing value for command"


def test_names_that_ask_for_too_much_are_shown_as_they_are() -> None:
    for name in ("%s" * 1001, "%999999[1]s" * 9):
        assert error("{{}}", name) == f"template: {name}:1: missing value for command"


@pytest.mark.parametrize(
    ("text", "int_", "uint", "float_", "complex_"),
    [
        ("0", 0, 0, 0.0, None),
        ("+5", 5, None, 5.0, None),
        ("-5", -5, None, -5.0, None),
        ("-0", 0, 0, 0.0, None),
        ("0x_1F", 31, 31, 31.0, None),
        ("0b1_0", 2, 2, 2.0, None),
        ("0o17", 15, 15, 15.0, None),
        ("017", 15, 15, 15.0, None),
        ("1_000", 1000, 1000, 1000.0, None),
        ("9223372036854775808", None, 1 << 63, float(1 << 63), None),
        ("-9223372036854775808", -(1 << 63), None, -float(1 << 63), None),
        ("1.", 1, 1, 1.0, None),
        (".5", None, None, 0.5, None),
        ("1e3", 1000, 1000, 1000.0, None),
        ("1e19", None, 10**19, 1e19, None),
        ("1e20", None, None, 1e20, None),
        ("08.5", None, None, 8.5, None),
        ("1e-99999999999", 0, 0, 0.0, None),
        ("0x1p-2", None, None, 0.25, None),
        ("0x1.8p1", 3, 3, 3.0, None),
        ("2i", None, None, None, 2j),
        ("0i", 0, 0, 0.0, 0j),
        ("1+2i", None, None, None, 1 + 2j),
        ("1.5-0i", None, None, 1.5, 1.5 + 0j),
        ("'a'", 97, 97, 97.0, None),
        ("'\u00e9'", 233, 233, 233.0, None),
        ("'\\xff'", 255, 255, 255.0, None),
        ("'\\U0001F600'", 0x1F600, 0x1F600, 128512.0, None),
        ("'\\''", 39, 39, 39.0, None),
    ],
)
def test_numbers(text: str, int_: int | None, uint: int | None, float_: float | None, complex_: complex | None) -> None:
    assert operand(f"{{{{{text}}}}}") == Number(2, text, int_, uint, float_, complex_)


def test_numbers_of_any_length() -> None:
    assert error("{{" + "1" * 5000 + "}}").endswith('1"')
    assert operand("{{0x" + "0" * 5000 + "1}}").int_ == 1
    assert operand("{{0." + "0" * 5000 + "1}}").float_ == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'"a\\n\\t\\x00\\xff\\101\\u00e9\\U0001F600\\"\\\\"', b'a\n\t\x00\xffA\xc3\xa9\xf0\x9f\x98\x80"\\'),
        (b'"\xff"', b"\xef\xbf\xbd"),
        (b'"\xff\\xff"', b"\xef\xbf\xbd\xff"),
        (b"`\xff\\n\r\n`", b"\xff\\n\n"),
        (b'"}}{{"', b"}}{{"),
        (b"``", b""),
    ],
)
def test_strings(text: bytes, value: bytes) -> None:
    assert operand(b"{{" + text + b"}}").value == value


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("a {{- .x -}} \r\n b", [b"a", b"b"]),
        ("a {{.x -}}\n{{- .x}} b", [b"a ", b" b"]),
        ("a {{/* c */}} b", [b"a ", b" b"]),
        ("a {{- /* c */ -}} b", [b"a", b"b"]),
        ("a\u00a0{{- .x}}", ["a\u00a0".encode()]),
        ("a {{-\n3}}", [b"a"]),
        ("{{- .x}}", []),
    ],
)
def test_trimming(text: str, texts: list[bytes]) -> None:
    assert [node.text for node in body(text) if isinstance(node, nodes.Text)] == texts


def test_a_minus_without_space_is_a_sign() -> None:
    assert operand("{{-3}}").int_ == -3


def test_positions_are_those_of_go() -> None:
    [field] = body("{{ .a.b.c }}")
    assert field.pipe.commands[0].args == (nodes.Field(5, ("a", "b", "c")),)  # of the second name
    _, variable = body("{{$x := 1}}{{$x.a.b}}")
    assert variable.pipe.commands[0].args == (nodes.Variable(15, "$x", ("a", "b")),)  # of the first field
    [chain] = body("{{(foo .a).b}}")
    assert chain.pipe.commands[0].args[0].pos == 10
    first, text, second = body("{{\n.a}}\n{{if .b}}{{end}}")
    assert (first.pos, first.line, text.pos, second.pos, second.line) == (3, 2, 7, 13, 3)


def test_else_if_is_an_if_within_else() -> None:
    [node] = body("{{if .a}}1{{else if .b}}2{{else}}3{{end}}")
    [inner] = node.orelse.nodes
    assert (node.word, inner.word, inner.orelse.nodes[0].text) == ("if", "if", b"3")
    assert str(node) == "{{if .a}}1{{else}}{{if .b}}2{{else}}3{{end}}{{end}}"


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ('{{define "a"}}x{{end}}y', {"a": "x", "out": "y"}),
        ('{{define "out"}}x{{end}} \n', {"out": "x"}),  # its own text is empty
        ('{{define "out"}} {{end}}x', {"out": "x"}),
        ('{{define "a"}} {{end}}{{define "a"}}{{/* c */}}{{end}}', {"a": "", "out": ""}),
        ('{{define "a"}}x{{end}}{{define "a"}}\u00a0{{end}}', {"a": "x", "out": ""}),
        ('{{block "a" .b}}x{{end}}', {"a": "x", "out": '{{template "a" .b}}'}),
        ('{{define `a`}}{{block "b" .}}x{{end}}{{end}}', {"a": '{{template "b" .}}', "b": "x", "out": ""}),
    ],
)
def test_definitions(text: str, bodies: dict[str, str]) -> None:
    assert {name: str(node) for name, node in tree(text).bodies.items()} == bodies


@pytest.mark.parametrize(
    "text",
    [
        "{{.a |}}",  # Go lets it pass
        "{{range 5}}{{break}}{{end}}",
        "{{range $i, $e := .}}{{$i}}{{continue}}{{else}}{{$e}}{{end}}",
        "{{range $x = .}}{{end}}",
        "{{$x = 1}}",  # an error when it runs
        "{{$ := 1}}{{$}}",
        "{{if .a}}{{$x := 1}}{{else}}{{$x}}{{end}}",
        "{{with $x := .a}}{{$x}}{{else with .b}}{{$x}}{{end}}",
        "{{($y := 1) | foo $y}}",
        "{{.\u00e9\u0661}}",
        "{{.if.else}}",
        "{{nil}}",
        "{{template `x`}}",
    ],
)
def test_accepted(text: str) -> None:
    assert is_successful(parse("out", text.encode(), FUNCTIONS))


def test_a_function_hides_break() -> None:
    tree = parse("out", b"{{break 1}}", frozenset(("break",))).unwrap()
    assert str(tree.bodies["out"]) == "{{break 1}}"


def test_delimiters() -> None:
    found = tree("{{.a}}<< .b -->> c", left=b"<<", right=b"-->>").bodies["out"].nodes
    assert [str(node) for node in found] == ["{{.a}}", "{{.b}}", " c"]
    assert str(tree("[[.a]]x", left=b"[[", right=b"]]").bodies["out"]) == "{{.a}}x"
    assert str(tree("{{.a}}x", left=b"", right=b"").bodies["out"]) == "{{.a}}x"


def test_a_name_ends_where_a_delimiter_of_letters_begins_it() -> None:
    assert str(tree("<.END", left=b"<", right=b"END").bodies["out"]) == "{{.}}"


class TestBounds:
    def test_length(self) -> None:
        assert is_successful(parse("out", b"a" * TEXT_MAX, FUNCTIONS))
        assert error(b"a" * (TEXT_MAX + 1)) == f"template: out: longer than {TEXT_MAX} bytes"

    def test_words(self) -> None:
        assert error("{{.a}}" * lex.WORDS_MAX).endswith(f"more than {lex.WORDS_MAX} words")
        assert error("{{" + "1 " * lex.WORDS_MAX).endswith(f"more than {lex.WORDS_MAX} words")

    @pytest.mark.parametrize(
        ("begin", "middle", "end", "most"),
        [
            ("{{if .a}}", "", "{{end}}", ACTIONS_MAX),
            ("{{with .a}}", "x", "{{end}}", ACTIONS_MAX),
            ("{{if .a}}{{else if .b}}", "", "{{end}}", ACTIONS_MAX // 2),
        ],
    )
    def test_nested_actions(self, begin: str, middle: str, end: str, most: int) -> None:
        assert is_successful(parse("out", (begin * most + middle + end * most).encode(), FUNCTIONS))
        assert error(begin * (most + 1) + middle + end * (most + 1)) == f"template: out:1: nested more than {ACTIONS_MAX} levels deep"

    def test_nested_parentheses(self) -> None:
        assert is_successful(parse("out", b"{{" + b"(" * DEPTH_MAX + b".a" + b")" * DEPTH_MAX + b"}}", FUNCTIONS))
        assert error("{{" + "(" * 10_000) == f"template: out:1: nested more than {DEPTH_MAX} levels deep"

    def test_chains_of_else_if_are_not_recursion(self) -> None:
        text = "{{if .a}}" + "{{else if .b}}" * (ACTIONS_MAX - 1) + "{{end}}"
        assert is_successful(parse("out", text.encode(), FUNCTIONS))
