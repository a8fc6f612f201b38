"""What fits a parameter, and calls of functions and methods."""

import pytest

from eso_core.template.arguments import Signature, signature_of
from tests.unit.template.engine import output, why


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("func() string", Signature((), None, "string", "")),
        ("func(string, ...interface {}) (string, error)", Signature(("string",), "interface {}", "string", "")),
        (
            "func(map[string]interface {}, func(rune, int) (a, b)) int",
            Signature(("map[string]interface {}", "func(rune, int) (a, b)"), None, "int", ""),
        ),
        ("func() (int, int)", Signature((), None, "int", "invalid function signature for F: second return value should be error; is int")),
        ("func() (int, int, int)", Signature((), None, "int", "function F has 3 return values; should be 1 or 2")),
        ("func()", Signature((), None, "", "function F has 0 return values; should be 1 or 2")),
    ],
)
def test_signatures(text: str, parsed: Signature) -> None:
    assert signature_of(text, "F") == parsed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{until 3.0}}{{until 'a' | len}}", b"[0 1 2]97"),
        ("{{round 1 0}} {{round 1.255 2 1}}", b"1 1.25"),
        ("{{ternary 1 2 true}}", b"1"),
        ("{{keys nil}}{{keys (fromJson `null`)}}{{hasKey nil `a`}}", b"[][]false"),
        ("{{htpasswd `a` `b` `sha` | trunc 7}}", b"a:{SHA}"),
        ("{{list (list 1) . nil 1.5 | len}}", b"4"),
        ("{{range list nil}}{{printf `%v` .}}{{end}}", b"<nil>"),
        ("{{(toDate `2006-01-02` `2024-02-29`).Format `2006`}}", b"2024"),
        ("{{`Jan` | (toDate `2006-01-02` `2024-02-29`).Format}}", b"Feb"),
        ("{{(toDate `2006-01-02` `2024-02-29`).Month.String}}", b"February"),
        ("{{((toDate `2006-01-02` `2024-02-29`).Add 1000000000).Second}}", b"1"),
        ("{{$v := semver `1.2.3`}}{{$v.Compare (semver `1.2.4`)}}{{$v.Major}}", b"-11"),
        ("{{add (index .a 0) 1}}", b"98"),
        ("{{and 1 0 (fail `x`)}}{{or 0 `b` (fail `x`)}}{{.a | and 1}}{{.a | or 1}}", b"0balpha1"),
    ],
)
def test_what_fits(text: str, shown: bytes) -> None:
    assert output(text) == shown


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("{{upper 1}}", "1:8 1", "expected string; found 1"),
        ("{{upper nil}}", "1:8 nil", "cannot assign nil to string"),
        ("{{upper (list)}}", "1:9 list", "wrong type for value; expected string; got []interface {}"),
        ("{{upper (fromJson `null`)}}", "1:18 `null`", "invalid value; expected string"),
        ("{{range list nil}}{{upper .}}{{end}}", "1:26 .", "wrong type for value; expected string; got interface {}"),
        ("{{range list nil}}{{keys .}}{{end}}", "1:25 .", "wrong type for value; expected map[string]interface {}; got interface {}"),
        ("{{list 1 `b` | upper}}", "1:15 upper", "wrong type for value; expected string; got []interface {}"),
        ("{{list | trimAll `b`}}", "1:17 `b`", "wrong type for value; expected string; got []interface {}"),
        ("{{keys .}}", "1:7 .", "wrong type for value; expected map[string]interface {}; got map[string]string"),
        ("{{keys `a`}}", "1:7 `a`", "can't handle `a` for arg of type map[string]interface {}"),
        ("{{until `a`}}", "1:8 `a`", "expected integer; found `a`"),
        ("{{until 3.5}}", "1:8 3.5", "expected integer; found 3.5"),
        ("{{until (int64 1)}}", "1:15 1", "wrong type for value; expected int; got int64"),
        ("{{htpasswd `a` `b` .a}}", "1:19 .a", "wrong type for value; expected sprig.HashAlgorithm; got string"),
        ("{{derivePassword -1 `a` `b` `c` `d`}}", "1:17 -1", "expected unsigned integer; found -1"),
        ("{{ternary 1 2 1}}", "1:14 1", "expected bool; found 1"),
        ("{{round 1 2 `a`}}", "1:12 `a`", "expected float; found `a`"),
        ("{{upper}}", "1:2 upper", "wrong number of args for upper: want 1 got 0"),
        ("{{max}}", "1:2 max", "wrong number of args for max: want at least 1 got 0"),
        ("{{and}}", "1:2 and", "wrong number of args for and: want at least 1 got 0"),
        ("{{(semver `1.2.3`).Compare}}", "1:10 `1.2.3`", "wrong number of args for Compare: want 1 got 0"),
        ("{{(semver `1.2.3`).Compare 1}}", "1:27 1", "can't handle 1 for arg of type *semver.Version"),
        ("{{(toDate `2006` `2024`).Date}}", "1:17 `2024`", "function Date has 3 return values; should be 1 or 2"),
        ("{{(semver `1.2.3`).major}}", "1:10 `1.2.3`", "major is an unexported field of struct type *semver.Version"),
        ("{{(semver `1.2.3`).Nope}}", "1:10 `1.2.3`", "can't evaluate field Nope in type *semver.Version"),
    ],
)
def test_what_does_not_fit(text: str, place: str, reason: str) -> None:
    at, node = place.split(" ", 1)
    assert why(text) == f'{at}: executing "out" at <{node}>: {reason}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{index nil}}", "error calling index: index of untyped nil"),
        ("{{index (dict `a` nil) `a` `b`}}", "error calling index: index of nil pointer"),
        ("{{index .a 9}}", "error calling index: index out of range: 9"),
        ("{{index .a 5}}", "error calling index: reflect: string index out of range"),
        ("{{index .a true}}", "error calling index: cannot index slice/array with type bool"),
        ("{{index .a nil}}", "error calling index: cannot index slice/array with nil"),
        ("{{index . 1}}", "error calling index: value has type int; should be string"),
        ("{{index . nil}}", "error calling index: value is nil; should be of type string"),
        ("{{index 3 1}}", "error calling index: can't index item of type int"),
        ("{{len 3}}", "error calling len: len of type int"),
        ("{{len nil}}", "error calling len: reflect: call of reflect.Value.Type on zero Value"),
        ("{{range list nil}}{{len .}}{{end}}", "error calling len: len of nil pointer"),
        ("{{call .a}}", "error calling call: non-function .a of type string"),
        ("{{3 | call}}", "error calling call: non-function <int Value> of type int"),
        ("{{call nil}}", "error calling call: call of nil"),
    ],
)
def test_builtins_that_refuse(text: str, reason: str) -> None:
    assert why(text).endswith(f">: {reason}")
