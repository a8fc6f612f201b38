"""What a template reads of its data."""

from __future__ import annotations

import pytest

from eso_core.template.parse import parse
from eso_core.template.references import Place, References, references

FUNCTIONS = frozenset(("index", "upper", "toJson", "default", "fromJson", "list", "printf", "now"))


def read(text: str) -> References:
    return references(parse("out", text.encode(), FUNCTIONS).unwrap())


@pytest.mark.parametrize(
    ("text", "keys", "whole"),
    [
        ("text", "", False),
        ("{{ .b }}{{ .a | upper }}", "a b", False),
        ("{{ .a.b.c }}", "a", False),
        ("{{ $.a }}{{ $.b.c }}", "a b", False),
        ("{{ (.).a }}{{ ($).b.c }}", "a b", False),
        ('{{ index . "a-b" }}{{ index $ `c.d` }}', "a-b c.d", False),
        ('{{ (index . "a").b }}', "a", False),
        ('{{ index . ("a") }}{{ "b" | index . }}', "a b", False),
        ('{{ index . "a" 0 }}{{ index . "b" .c }}', "a b c", False),
        ("{{ index . .a }}", "a", True),
        ("{{ index . }}", "", True),
        ('{{ . | index "a" }}', "", True),
        ('{{ index . (printf "a") }}', "", True),
        ('{{ index .a "b" }}', "a", False),
        ('{{ index . "a" . }}', "a", True),
        # the root as a whole
        ("{{ . }}", "", True),
        ("{{ $ | toJson }}", "", True),
        ("{{ toJson . }}", "", True),
        ("{{ .a | default . }}", "a", True),
        ("{{ (list $).x }}", "", True),
        ("{{ if . }}{{ .a }}{{ end }}", "a", True),
        ("{{ .a $ }}", "a", True),
        # variables
        ("{{ $x := . }}{{ $x.a }}", "a", False),
        ("{{ $x := . }}{{ $x }}", "", True),
        ("{{ $x := .a }}{{ $x.b }}{{ $x }}", "a", False),
        ("{{ $x := .a }}{{ $x = $ }}{{ $x.b }}", "a b", False),
        ("{{ $x := .a }}{{ range .b }}{{ $x.c }}{{ $x = $ }}{{ end }}", "a b c", False),
        ("{{ $x := . }}{{ if .a }}{{ $x := .b }}{{ $x.c }}{{ end }}{{ $x.d }}", "a b d", False),
        ("{{ $x := 1 }}{{ $y := 1 }}{{ range .l }}{{ $y.k }}{{ $y = $x }}{{ $x = $ }}{{ end }}", "k l", False),
        ("{{ $x := ($y := .) }}{{ $x.a }}{{ $y.b }}", "a b", False),
        ("{{ $ := .a }}{{ $.b }}", "a", False),
        ("{{ $y := . }}{{ $ = $y }}{{ $.b }}", "b", False),
        # dot
        ("{{ with .a }}{{ .b }}{{ . }}{{ $.c }}{{ else }}{{ .d }}{{ end }}", "a c d", False),
        ("{{ with $ }}{{ .b }}{{ end }}", "b", True),
        ("{{ with $x := . }}{{ $x.a }}{{ end }}", "a", True),
        ("{{ with .a }}{{ with $ }}{{ .b }}{{ end }}{{ end }}", "a b", True),
        ("{{ with .a }}x{{ else with .b }}{{ .c }}{{ else }}{{ .d }}{{ end }}", "a b d", False),
        ("{{ range .a }}{{ .b }}{{ $.c }}{{ break }}{{ else }}{{ .d }}{{ end }}{{ .e }}", "a c d e", False),
        ("{{ range $k, $v := . }}{{ $k }}{{ $v.x }}{{ .y }}{{ end }}", "", True),
        ("{{ range 5 }}{{ . }}{{ $.a }}{{ end }}", "a", False),
        ("{{ if .a }}{{ .b }}{{ else if .c }}{{ .d }}{{ end }}", "a b c d", False),
        # templates
        ('{{ define "t" }}{{ .a }}{{ $.b }}{{ end }}{{ template "t" . }}', "a b", False),
        ('{{ define "t" }}{{ .a }}{{ $.b }}{{ end }}{{ template "t" .c }}', "c", False),
        ('{{ define "t" }}{{ .a }}{{ end }}{{ template "t" }}', "", False),
        ('{{ define "t" }}{{ .a }}{{ end }}', "", False),
        ('{{ define "t" }}{{ . }}{{ end }}{{ template "t" $ }}', "", True),
        (
            '{{ define "t" }}{{ with .a }}{{ template "u" $ }}{{ end }}{{ end }}{{ define "u" }}{{ .b }}{{ end }}{{ template "t" . }}',
            "a b",
            False,
        ),
        ('{{ define "t" }}{{ .a }}{{ template "t" . }}{{ end }}{{ template "t" . }}', "a", False),
        ('{{ block "t" . }}{{ .a }}{{ end }}', "a", False),
        ('{{ with .a }}{{ block "t" . }}{{ .b }}{{ end }}{{ end }}', "a", False),
        ('{{ template "unknown" . }}', "", True),
        ('{{ define "out" }}{{ .a }}{{ end }}', "a", False),
    ],
)
def test_keys_and_whole(text: str, keys: str, whole: bool) -> None:
    found = read(text)
    assert (found.keys, found.whole) == (tuple(keys.split()), whole)
    assert set(found.places) == set(found.keys)


def test_functions_are_those_that_can_be_called() -> None:
    found = read('{{ .a | upper | printf "%s" }}{{ (now).x }}{{ list toJson }}{{ define "t" }}{{ fromJson .a }}{{ end }}')
    assert found.functions == ("list", "now", "printf", "toJson", "upper")


def test_places_are_lines_and_columns_in_bytes() -> None:
    found = read('\u00e9{{ .a }}\n{{ $.b.c }}{{ .a.b }}\n\n{{ index . "a" }}{{ "d" | index . }}')
    assert found.places == {"a": (Place(1, 5), Place(2, 14), Place(4, 11)), "b": (Place(2, 4),), "d": (Place(4, 26),)}


def test_a_key_that_is_no_text_is_named() -> None:
    assert read('{{ index . "\\xff" }}').keys == ("\\xff",)


def test_long_chains_of_variables_end_as_whole() -> None:
    chain = "".join(f"{{{{ $v{n} = $v{n + 1} }}}}" for n in range(40))
    text = "".join(f"{{{{ $v{n} := 1 }}}}" for n in range(41)) + "{{ range .l }}" + chain + "{{ $v40 = $ }}{{ end }}{{ $v0.a }}"
    found = read(text)
    assert found.whole
    assert "l" in found.keys


def test_deep_and_large_templates() -> None:
    deep = "{{ if .a }}{{ with $ }}" * 100 + "{{ .b }}" + "{{ end }}{{ end }}" * 100
    assert read(deep).keys == ("a", "b")
    parentheses = "{{ " + "(" * 100 + ".a" + ")" * 100 + " }}"
    assert read(parentheses).keys == ("a",)
    assert len(read("".join(f"{{{{ .k{n} }}}}\n" for n in range(3_000))).keys) == 3_000
