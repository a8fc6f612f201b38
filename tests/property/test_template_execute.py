"""Totality of templates: any text and data give bytes or a `TemplateError`, whatever the functions are given."""

import re

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from eso_core.template import Ambient, Meter, TemplateError, compile_template
from eso_core.template.arguments import signature_of
from eso_core.template.builtins import BUILTINS
from eso_core.template.functions import FUNCTIONS
from eso_core.template.limits import OUTPUT_MAX
from tests.template_chance import SeededChance

NOW_NS = 1_781_524_830 * 10**9  # 2026-06-15T12:00:30Z
SLOW = re.compile(r"^(gen|bcrypt|htpasswd|derivePassword)")  # keys and hashes that take their time
NAMES = sorted(name for name in {**FUNCTIONS, **BUILTINS} if not SLOW.match(name))
SIGNATURES = {name: signature_of({**FUNCTIONS, **BUILTINS}[name].signature, name) for name in NAMES}
KEYS = ("a", "b", "json", "yaml", "pem", "n")

WORDS = st.sampled_from(
    (
        *('""', '"a"', '"a,b"', '"42"', '"-7"', '"0x1p4"', '"1.2.3-x"', '">=1, <2"', '"%5.2f %v %*d"', '"[a-z]+(x)?"', '"2006-01-02"'),
        *('"1h3m"', '"Asia/Tokyo"', '"é☃\\xff"', '"{}"', '"[1,[2]]"', '"a: {b: [c]}"', '"/x/../y"', '"http://u@h:1/p?q#f"', '"YWJj"'),
        '"-----BEGIN X-----"',
    )
)
NUMBERS = st.sampled_from(["0", "1", "-1", "3", "64", "1.5", "-0.0", "1e300", "'x'", "2i", "9223372036854775807", "18446744073709551615"])
TERMS = st.one_of(
    WORDS,
    NUMBERS,
    st.sampled_from([".", "$", "nil", "true", "false", "$x", "$x.k", *(f".{key}" for key in KEYS)]),
    st.sampled_from(["(list 1 nil `a`)", "(dict `k` (list))", "(fromJson .json)", "(fromYaml .yaml)", "(until 3)", "(int64 5)"]),
    st.sampled_from(["(semver `1.2.3`)", "(toDate `2006` `2024`)", "(now)"]),
)


@st.composite
def calls(draw: st.DrawFn, depth: int = 2) -> str:
    """A function with about as many arguments as it takes; they may be calls themselves."""
    name = draw(st.sampled_from(NAMES))
    signature = SIGNATURES[name]
    count = len(signature.fixed) + (draw(st.integers(0, 2)) if signature.variadic is not None else 0)
    count += draw(st.sampled_from([0, 0, 0, 0, 0, -1, 1]))
    inner = st.one_of(TERMS, calls(depth - 1).map(lambda call: f"({call})")) if depth else TERMS
    words = [name, *(draw(inner) for _ in range(max(count, 0)))]
    return f"{draw(inner)} | {' '.join(words)}" if draw(st.booleans()) else " ".join(words)


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(st.sampled_from(["if", "with", "range", "range $i, $x :=", "with $x :=", "range $x ="]), calls(1), inner).map(
            lambda parts: f"{{{{{parts[0]} {parts[1]}}}}}{parts[2]}{{{{else}}}}-{{{{end}}}}"
        ),
        st.tuples(calls(1), inner).map(lambda parts: f"{{{{$x = {parts[0]}}}}}{parts[1]}"),
        st.lists(inner, max_size=3).map("".join),
    )


ACTIONS = st.one_of(
    calls().map("{{{{{}}}}}".format),
    st.sampled_from(
        ["text", "{{.a}}", "{{.zz}}", "{{$x}}", "{{template `t` .}}", "{{- /* c */ -}}", "{{(fromJson .json).k.l}}", "{{.a.b}}"]
    ),
)
TEMPLATES = st.recursive(ACTIONS, _around, max_leaves=5).map(lambda body: "{{$x := .a}}{{define `t`}}{{len .}}{{end}}" + body)
DATA = st.fixed_dictionaries(
    {key.encode(): st.binary(max_size=20) | st.sampled_from([b'{"k":[1,null]}', b"- a\n- b: 1", b"5"]) for key in KEYS}
)


def _rendered(text: bytes, data: dict[bytes, bytes], strict: bool) -> Result[bytes, TemplateError]:
    compiled = compile_template("key", text, missing_is_error=strict)
    return compiled.bind(lambda template: template.execute(data, Ambient(NOW_NS, SeededChance(), Meter())))


def _check(result: Result[bytes, TemplateError]) -> None:
    match result:
        case Success(output):
            assert type(output) is bytes
            assert len(output) <= OUTPUT_MAX
        case Failure(error):
            assert isinstance(error, TemplateError)
            assert error.kind or error.stage == "parse"
            assert error.full.startswith("template: key")
            assert error.public.startswith("template: key")


class TestTotality:
    @given(TEMPLATES, DATA, st.booleans())
    def test_of_generated_templates(self, text, data, strict):
        _check(_rendered(text.encode(), data, strict))

    @given(st.text("{}.$|()\"`'-=:,a1 \n\\_/*") | st.text(), DATA)
    def test_of_any_text(self, text, data):
        _check(_rendered(text.encode("utf-8", "replace"), data, True))

    @given(TEMPLATES, st.integers(0, 200), st.sampled_from(["}}", "{{", "|", "(", ")", "$", ".", '"', " ", "-", "{{end}}", "nil"]))
    def test_of_broken_templates(self, text, place, insertion):
        _check(_rendered((text[:place] + insertion + text[place:]).encode(), {b"a": b"x"}, True))


@given(TEMPLATES, DATA)
def test_the_same_again_gives_the_same(text, data):
    assert _rendered(text.encode(), data, True) == _rendered(text.encode(), data, True)


@given(st.dictionaries(st.text("abc", min_size=1).map(str.encode), st.binary(max_size=9)))
def test_values_come_through_unchanged(data):
    text = b"".join(b"{{.%s}}" % key for key in data)
    assert _rendered(text, data, True) == Success(b"".join(data.values()))
