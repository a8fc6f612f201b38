"""Templates that ask for too much end in an error, soon."""

import time

import pytest

from eso_core.template import TemplateError, compile_template
from eso_core.template.limits import DEPTH_MAX
from tests.unit.template.engine import output

GREEDY = {
    "steps": "{{range 1000000000}}{{end}}",
    "nested ranges": "{{range 1000}}{{range 1000}}{{range 1000}}a{{end}}{{end}}{{end}}",
    "a list": "{{range until 1000000000}}{{end}}",
    "doubling text": "{{$x := .a}}{{range 1000}}{{$x = print $x $x}}{{end}}",
    "doubling list": "{{$x := list}}{{range 40}}{{$x = list $x $x}}{{end}}{{$x}}",
    "doubling list, deeply": "{{$x := list}}{{range 1000}}{{$x = list $x $x}}{{end}}{{deepEqual $x 1}}{{toJson $x}}",
    "a map in itself": "{{$d := dict}}{{$_ := set $d `d` $d}}{{$d}}",
    "growing list": "{{$x := list}}{{range 90000}}{{$x = append $x .}}{{end}}",
    "many large values": "{{range 1000}}{{$x := until 100000}}{{end}}",
    "a large value printed often": "{{$x := until 15000}}{{range 1000}}{{$x}}{{end}}",
    "a large value walked often": "{{$x := list (until 15000)}}{{range 50000}}{{deepEqual $x $x}}{{end}}",
    "output": "{{$x := repeat 1000000 `a`}}{{range 10}}{{$x}}{{end}}",
    "text output": "{{range 30000}}" + "a" * 1000 + "{{end}}",
    "replacing": "{{$x := repeat 1000 `ab`}}{{range 90000}}{{$_ := regexReplaceAll `a` $x `b`}}{{end}}",
    "hashing": "{{$x := repeat 1000000 `a`}}{{range 1000}}{{sha256sum $x}}{{end}}",
    "sorting": "{{$d := dict}}{{range until 1000}}{{$_ := set $d (toString .) .}}{{end}}{{range 90000}}{{range $d}}{{break}}{{end}}{{end}}",
}


@pytest.mark.parametrize("what", GREEDY)
def test_greed_ends_in_an_error_of_its_own_kind(what: str) -> None:
    before = time.process_time()
    error = output(GREEDY[what])
    assert isinstance(error, TemplateError)
    assert error.kind == "limit"
    assert error.line == 1
    assert time.process_time() - before < 2  # a tenth of that on an idle machine


def test_templates_that_call_themselves() -> None:
    for text in (
        "{{define `t`}}{{template `t`}}{{end}}{{template `t`}}",
        "{{define `a`}}{{if true}}{{template `b`}}{{end}}{{end}}{{define `b`}}{{range 2}}{{template `a`}}{{end}}{{end}}{{template `a`}}",
        "{{define `t`}}" + "{{if true}}" * 150 + "{{template `t`}}" + "{{end}}" * 150 + "{{end}}{{template `t`}}",
    ):
        error = output(text)
        assert isinstance(error, TemplateError)
        assert error.full.endswith(f"exceeded maximum template depth ({DEPTH_MAX})")


@pytest.mark.parametrize(
    "text",
    [
        "{{if true}}" * 199 + "{{" + "(print " * 99 + "1" + ")" * 99 + "}}" + "{{end}}" * 199,
        "{{" + "(and 1 " * 99 + "1" + ")" * 99 + "}}",
        "{{if false}}" + "{{else if false}}" * 198 + "{{else}}1{{end}}",
        "{{1" + "| print" * 3000 + "}}",
    ],
)
def test_what_may_be_deep_or_long_is_executed(text: str) -> None:
    assert output(text) == b"1"


def test_a_loop_within_bounds_is_executed() -> None:
    assert output("{{range 20000}}a{{end}}") == b"a" * 20000


def test_results_are_kept_up_to_some_size_of_text() -> None:
    short, long = b"{{1}}short", b"{{1}}" + b"x" * 20_000
    assert compile_template("k", short) is compile_template("k", short)
    assert compile_template("k", b"{{") is compile_template("k", b"{{")
    assert compile_template("k", short) is not compile_template("k", short, missing_is_error=False)
    assert compile_template("k", short) is not compile_template("l", short)
    assert compile_template("k", long) is not compile_template("k", long)
