"""Errors have two texts: Go's own, and one without the data."""

import pytest

from eso_core.template import TemplateError
from tests.unit.template.engine import output


@pytest.mark.parametrize(
    ("text", "kind", "public"),
    [
        ("{{fail .a}}", "call", 'template: out:1:2: executing "out" at <fail .a>: error calling fail'),
        ("{{.a | call}}", "call", 'template: out:1:7: executing "out" at <call>: error calling call: non-function'),
        ("{{range .a}}{{end}}", "range", 'template: out:1:8: executing "out" at <.a>: range can\'t iterate over'),
        ("{{index .a (atoi .n)}}", "call", 'template: out:1:2: executing "out" at <index .a (atoi .n)>: error calling index: '),
        ("{{eq (list .a) (list .a)}}", "call", 'template: out:1:2: executing "out" at <eq (list .a) (list .a)>: error calling eq: '),
        ("{{.b}}", "missing-key", 'template: out:1:2: executing "out" at <.b>: map has no entry for key "b"'),
        (
            "{{upper .}}",
            "arg-type",
            'template: out:1:8: executing "out" at <.>: wrong type for value; expected string; got map[string]string',
        ),
        ("{{upper}}", "arg-count", 'template: out:1:2: executing "out" at <upper>: wrong number of args for upper: want 1 got 0'),
        ("{{.a.b}}", "field", 'template: out:1:4: executing "out" at <.a.b>: can\'t evaluate field b in type string'),
        ("{{nil}}", "command", 'template: out:1:2: executing "out" at <nil>: nil is not a command'),
        ("{{template `x`}}", "template", 'template: out:1:11: executing "out" at <{{template "x"}}>: template "x" not defined'),
        ("{{$x = .a}}", "other", 'template: out:1:7: executing "out" at <.a>: undefined variable: $x'),
    ],
)
def test_kinds_and_public_texts(text: str, kind: str, public: str) -> None:
    error = output(text)
    assert isinstance(error, TemplateError)
    assert (error.stage, error.name, error.kind) == ("exec", "out", kind)
    assert error.public.startswith(public)
    assert "alpha" not in error.public
    assert "full" not in repr(error)


@pytest.mark.parametrize(
    ("text", "place"), [("{{.x}}", (1, 2)), ("a\né\n{{  .x}}", (3, 4)), ("é{{.x}}", (1, 4)), ("{{/* \n */}}{{.x}}", (2, 7))]
)
def test_places_count_bytes(text: str, place: tuple[int, int]) -> None:
    error = output(text)
    assert isinstance(error, TemplateError)
    assert (error.line, error.column) == place
