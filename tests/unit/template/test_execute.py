"""The language: statements, variables, fields, pipelines. Each expectation is what Go's text/template does."""

import pytest

from tests.unit.template.engine import output, why


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", b""),
        ("x{{.a}}y", b"xalphay"),
        ("{{.}}", b'map[a:alpha json:{"a":null,"b":{"c":null,"d":[1,null,{"e":2}]},"m":{},"s":"x"} n:5]'),
        ("{{1}} {{1.0}} {{1e2}} {{0x10}} {{'a'}} {{1i}} {{true}} {{`r`}}", b"1 1 100 16 97 (0+1i) true r"),
        ("{{.a | upper}}{{.a | printf `%s-%s` `x` | len}}", b"ALPHA7"),
        ("{{(fromJson .json).b.d}}", b"[1 <nil> map[e:2]]"),
        ("{{(fromJson .json).a}}", b"<no value>"),
        ("{{printf `%v` (fromJson .json).a}}", b"<nil>"),
        ("{{if .a}}1{{else}}2{{end}}{{if ``}}1{{else if 0}}2{{else}}3{{end}}", b"13"),
        ("{{with .a}}{{.}}{{end}}{{with ``}}{{.}}{{else with .n}}{{.}}{{else}}z{{end}}", b"alpha5"),
        ("{{define `t`}}<{{.}}{{$}}>{{end}}{{template `t` .a}}{{template `t`}}", b"<alphaalpha><<no value><no value>>"),
        ("{{block `b` .a}}{{.}}{{end}}{{template `b` .n}}", b"alpha5"),
        ("{{hello | upper}}{{print hello}}", b"HELLO!Hello!"),
    ],
)
def test_what_is_printed(text: str, shown: bytes) -> None:
    assert output(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{range list 5 6}}{{.}};{{end}}{{range list}}{{else}}e{{end}}", b"5;6;e"),
        ("{{range 3}}{{.}}{{end}}{{range -1}}{{else}}e{{end}}", b"012e"),
        ("{{range int64 2}}{{typeOf .}} {{end}}", b"int64 int64 "),
        ("{{range $i, $e := list 5 6}}{{$i}}{{$e}};{{end}}", b"05;16;"),
        ("{{range $k, $v := dict `b` 1 `a` 2}}{{$k}}{{$v}}{{end}}", b"a2b1"),
        ("{{range $x, $x := list 5 6}}{{$x}}{{end}}", b"56"),
        ("{{$x := 1}}{{range $x = list 5 6}}{{end}}{{$x}}", b"6"),
        ("{{range list nil}}{{.}}{{end}}{{range fromJson `null`}}{{else}}e{{end}}", b"<no value>e"),
        ("{{range $i, $e := list 5 6}}{{$e = 8}}{{$i = 9}}{{$i}}{{$e}}{{end}}", b"9898"),
        ("{{range list 1 2 3}}{{if eq . 2}}{{continue}}{{end}}{{.}}{{end}}", b"13"),
        ("{{range list 1 2 3}}{{with .}}{{if eq . 2}}{{break}}{{end}}{{end}}{{.}}{{else}}z{{end}}", b"1"),
        ("{{range until 2}}{{range list}}{{else}}{{break}}{{end}}{{.}}{{end}}", b"01"),
        ("{{range until 2}}{{range list}}{{else}}{{continue}}{{end}}{{.}}{{end}}", b""),
        ("{{$d := dict `x` 1}}{{range $k, $v := $d}}{{$_ := set $d `y` 1}}{{$k}}{{end}}", b"x"),
    ],
)
def test_range(text: str, shown: bytes) -> None:
    assert output(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{$x := 1}}{{$x = `a`}}{{$x}}", b"a"),
        ("{{$x := 1}}{{with $x := 2}}{{$x}}{{$x = 3}}{{end}}{{$x}}", b"21"),
        ("{{$x := 1}}{{with $x = 2}}{{$x}}{{end}}{{$x}}", b"22"),
        ("{{$x := 7}}{{if false}}{{$x := 1}}{{else}}{{$x}}{{end}}", b"7"),
        ("{{range $x := list}}{{else}}{{$x}}{{end}}", b"[]"),
        ("{{template `t` $x := 1}}{{$x}}{{define `t`}}{{.}}{{end}}", b"11"),
        ("{{print ($x := 3) $x}}", b"3 3"),
        ("{{$x := 5}}{{and false ($x := 1)}}{{$x}}", b"false5"),
        ("{{$x := 5}}{{and true ($x := 1)}}{{$x}}", b"11"),
        ("{{$x := 5}}{{range until 2}}{{and . ($x := 9)}}{{$x}};{{end}}", b"05;99;"),
    ],
)
def test_variables(text: str, shown: bytes) -> None:
    assert output(text) == shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{.b}}", '1:2: executing "out" at <.b>: map has no entry for key "b"'),
        ("\n é {{.b}}", '2:6: executing "out" at <.b>: map has no entry for key "b"'),
        ("{{(fromJson .json).zz}}", '1:12: executing "out" at <.json>: map has no entry for key "zz"'),
        ("{{(fromJson .json).a.x}}", '1:12: executing "out" at <.json>: nil pointer evaluating interface {}.x'),
        ("{{(fromJson `null`).x}}", '1:12: executing "out" at <`null`>: nil data; no entry for key "x"'),
        ("{{.a.x}}", '1:4: executing "out" at <.a.x>: can\'t evaluate field x in type string'),
        ("{{range list 1}}{{.x}}{{end}}", '1:18: executing "out" at <.x>: can\'t evaluate field x in type interface {}'),
        ("{{range until 1}}{{.x}}{{end}}", '1:19: executing "out" at <.x>: can\'t evaluate field x in type int'),
        ("{{range $v := list 1}}{{$v = 2}}{{$v.x}}{{end}}", '1:36: executing "out" at <$v.x>: can\'t evaluate field x in type int'),
        ("{{.a 1}}", '1:2: executing "out" at <.a>: a is not a method but has arguments'),
        ("{{$x := .a}}{{$x 1}}", '1:14: executing "out" at <$x>: can\'t give argument to non-function $x'),
        ("{{(print 1) 2}}", '1:2: executing "out" at <(print 1) 2>: can\'t give argument to non-function print 1'),
        ("{{nil}}", '1:2: executing "out" at <nil>: nil is not a command'),
        ("{{$x = 1}}", '1:7: executing "out" at <1>: undefined variable: $x'),
        ("{{and false ($x := 1)}}{{$x}}", '1:25: executing "out" at <$x>: undefined variable: $x'),
        ("{{if false}}{{$x := 1}}{{else}}{{$x}}{{end}}", '1:33: executing "out" at <$x>: undefined variable: $x'),
        ("{{range $i, $e := 3}}{{end}}", '1:18: executing "out" at <3>: can\'t use 3 to iterate over more than one variable'),
        ("{{range .a}}{{end}}", '1:8: executing "out" at <.a>: range can\'t iterate over alpha'),
        ("{{template `t`}}", '1:11: executing "out" at <{{template "t"}}>: template "t" not defined'),
        ("{{define `t`}}{{.x}}{{end}}{{template `t` .}}", '1:16: executing "t" at <.x>: map has no entry for key "x"'),
        ("{{.a | fail}}", '1:7: executing "out" at <fail>: error calling fail: alpha'),
        ("{{9223372036854775808}}", '1:2: executing "out" at <9223372036854775808>: 9223372036854775808 overflows int'),
    ],
)
def test_errors_are_those_of_go(text: str, reason: str) -> None:
    assert why(text) == reason


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{.b}}", b"<no value>"),
        ("{{.b.c.d}}", b"<no value>"),
        ("{{with .b}}x{{else}}y{{end}}", b"y"),
        ("{{default `d` .b}}{{len (list .b)}}", b"d1"),
        ("{{index . `b`}}", b""),
    ],
)
def test_missing_keys_may_be_allowed(text: str, shown: bytes) -> None:
    assert output(text, strict=False) == shown


def test_allowed_does_not_mean_that_all_goes() -> None:
    assert why("{{upper .b}}", strict=False) == '1:8: executing "out" at <.b>: invalid value; expected string'
    assert why("{{(fromJson .json).a.x}}", strict=False).endswith("nil pointer evaluating interface {}.x")
