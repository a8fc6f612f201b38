"""Jinja2 templates: what they print, what they may not reach, what they may use, and what their errors say."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import jinja2.filters
import jinja2.tests
import pytest
from returns.result import Failure, Result, Success

from eso_core.api import crd
from eso_core.template.errors import TemplateError
from eso_core.template.jinja import compile_jinja
from eso_core.template.jinja.arguments import parameters_of
from eso_core.template.jinja.callees import GLOBALS
from eso_core.template.jinja.checks import TESTS
from eso_core.template.jinja.filters import FILTERS
from eso_core.template.limits import Ambient, Meter
from tests.docs.markdown import blocks
from tests.template_chance import SeededChance

ROOT = Path(__file__).parents[3]
DATA = {"user": b"bob", "password": b"canary", "my-key": b"x", "bin": b"\xff\x00\xfe", "json": b'{"port":5432,"x":[1.5,null,{"b":true}]}'}


def ambient() -> Ambient:
    return Ambient(1_700_000_000 * 10**9, SeededChance(), Meter())


def render(text: str, data: Mapping[str, bytes] = DATA) -> Result[bytes, TemplateError]:
    values = {key.encode(): value for key, value in data.items()}
    return compile_jinja("key", text.encode()).bind(lambda made: made.execute(values, ambient()))


def fault(text: str, data: Mapping[str, bytes] = DATA) -> TemplateError:
    made = render(text, data)
    assert isinstance(made, Failure), made
    return made.failure()


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a {{ user }}\r\n", b"a bob\n"),
        ("{{ data['my-key'] }}{{ data.user }}", b"xbob"),
        ("{{ bin }}{{ bin|length }}{{ bin|b64enc }}", b"\xff\x00\xfe3/wD+"),
        ("{{ bin[1:] ~ bin[:1] }}", b"\x00\xfe\xff"),
        ("{{ user|upper|b64enc }}", b"Qk9C"),
        ("{{ (json|fromJson).port }} {{ fromJson(json).x }}", b"5432 [1.5, None, {'b': True}]"),
        ("{{ user|trunc(2) }}{{ trunc(-2, user) }}", b"boob"),
        ("{{ user|replace('b', 'd') }}{{ replace('b', 'd', user) }}", b"doddod"),
        ("{{ set({'a': 1}, 'b', 2)|toJson }}", b'{"a":1,"b":2}'),
        ("{% set d = {'a': 1} %}{% set e = set(d, 'b', 2) %}{{ d }}", b"{'a': 1}"),
        ("{{ now()|date('2006') }} {{ now().Year() }}", b"2023 2023"),
        ("{{ addf(1, 2.5) }} {{ add(1, 2) }} {{ 7|divf(2) }}", None),
        ("{{ genCA('x', 1).Cert|trunc(10) }}", b"-----BEGIN"),
        ("{{ printf('%s-%d', user, 3) }} {{ '%s-%03d'|format(user, 3) }} {{ '%(a)s%%' % {'a': 1} }}", b"bob-3 bob-003 1%"),
        ("{{ '\\ud800' }}", b"\xef\xbf\xbd"),
        ("{{ 10 // 3 }} {{ 2 ** 3 }} {{ 7 % 4 }} {{ 1 / 2 }} {{ -(user|length) }} {{ 2 * 'ab' }}", b"3 8 3 0.5 -3 abab"),
        (
            "{% for k, v in data|dictsort %}{{ loop.index }}{{ k }}{{ ',' if not loop.last }}{% endfor %}",
            b"1bin,2json,3my-key,4password,5user",
        ),
        ("{% for x in [[1, [2]], [3]] recursive %}{{ x if x is number else loop(x) }}{% endfor %}", b"123"),
        ("{% for g in [{'a': 1}, {'a': 2}, {'a': 1}]|groupby('a') %}{{ g.grouper }}:{{ g.list|length }} {% endfor %}", b"1:2 2:1 "),
        ("{% block a %}A{{ user }}{% endblock %}{{ self.a() }}", b"AbobAbob"),
        ("{% set x %}a{{ user }}{% endset %}{{ x|upper }}", b"ABOB"),
        ("{% macro m(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, c=4) }}", b"12(3,){'c': 4}"),
        ("{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}", b"1212"),
        ("{% set j = joiner('|') %}{{ j() }}a{{ j() }}b", b"a|b"),
        ("{{ nope|default('d') }}{{ nope is defined }}{{ 'x' if false }}", b"dFalse"),
    ],
)
def test_prints(text: str, printed: bytes | None) -> None:
    made = render(text)
    assert isinstance(made, Success) or printed is None, made
    assert printed is None or made.unwrap() == printed


def test_data_is_all_keys_whatever_they_are_called() -> None:
    data = {"data": b"1", "upper": b"2", "class": b"3", "b64enc": b"4"}
    assert render("{{ data.data }}{{ data['class'] }}{{ upper|upper }}{{ b64enc }}", data) == Success(b"1324")


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ().__class__.__base__.__subclasses__() }}",
        "{{ ''|attr('__class__') }}",
        "{{ ['']|map(attribute='__class__')|list|string }}",
        "{{ ['']|map('attr', '__class__')|list }}",
        "{{ [user]|groupby('__class__') }}",
        "{{ [user]|sort(attribute='__class__') }}",
        "{{ [user]|sum(attribute='__class__') }}",
        "{{ [user]|selectattr('__class__')|list }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ '{a}'.format_map({'a': 1}) }}",
        "{{ ('{0.__class__}'|attr('format'))(1) }}",
        "{% set f = '{0.__class__}'.format %}{{ f(1) }}",
        "{{ ['{0.__class__}'.format]|first }}",
        "{{ '{0.__class__}'|map('format', 1)|list|first.__class__ }}",
        "{{ user.encode() }}",
        "{{ range.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ namespace(a=1).__class__ }}",
        "{{ namespace.__init__ }}",
        "{{ joiner().sep }}",
        "{{ lipsum.__globals__ }}",
        "{{ self.__init__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ b64enc.function }}",
        "{{ b64enc.call }}",
        "{{ now().__class__ }}",
        "{{ now().seconds }}",
        "{{ now().fields() }}",
        "{{ genCA('x', 1)._key }}",
        "{% macro m() %}{% endmacro %}{{ m.__call__ }}",
        "{% macro m() %}{% endmacro %}{{ m.definition }}",
        "{% for x in [1] %}{{ loop.elements }}{% endfor %}",
        "{% for x in [1] %}{{ loop.__init__ }}{% endfor %}",
        "{{ [].append(1) }}",
        "{{ {}.update({'a': 1}) }}",
        "{{ data.pop('user') }}",
        "{{ data.setdefault('a', 1) }}",
        "{% set data.x = 1 %}",
        "{{ caller.__globals__ }}",
        "{{ nope.__class__ }}",
        "{{ [1, 2]|random }}",
        "{{ user|pprint }}",
        "{{ {'a': 1}|xmlattr }}",
        "{{ user|urlize }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% do [] %}",
    ],
)
def test_out_of_reach(text: str) -> None:
    fault(text)


LEFT_OUT = {"attr", "random", "pprint", "urlize", "xmlattr"}


def test_the_tables_hold_what_is_allowed() -> None:
    assert not {"lipsum", "attr", "and", "or", "not", "call"} & GLOBALS.keys()
    assert TESTS.keys() == jinja2.tests.TESTS.keys()
    assert jinja2.filters.FILTERS.keys() - FILTERS.keys() == LEFT_OUT


DAG = (
    "{% set ns = namespace(s=(1,), t=(1,)) %}{% for i in range(60) %}{% set ns.s = (ns.s, ns.s) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}"
)
GREEDY = [
    "{% set ns = namespace(s='a') %}{% for i in range(999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(999) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(n=3) %}{% for i in range(999) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    *(DAG + use for use in ("{{ ns.s }}", "{{ ns.s == ns.t }}", "{{ {ns.s: 1} }}", "{{ [ns.s]|unique }}", "{{ ns.s|tojson }}")),
    *(DAG + use for use in ("{{ ns.s|toYaml }}", "{{ '%s' % [ns.s] }}", "{{ ns.s in [ns.t] }}", "{{ ns.s < ns.t }}")),
    *(DAG + use for use in ("{{ [ns.s].count(ns.t) }}", "{{ {}.get(ns.t) }}")),
    "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}" + "x" * 10_000 + "{% endfor %}",
    "{{ 10 ** 10 ** 10 ** 10 }}",
    "{{ 'a' * 10 ** 9 }}",
    "{{ [[1]] * 10 ** 9 }}",
    "{{ (1,) * 10 ** 9 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%.999999999f'|format(1.5) }}",
    "{{ '%*d' % (10 ** 9, 1) }}",
    "{{ ('%2000000d' * 100) % ((1,) * 100) }}",
    "{{ 'a'|center(10 ** 9) }}",
    "{{ 'a'.ljust(10 ** 9) }}",
    "{{ 'a'.zfill(10 ** 9) }}",
    "{{ ('\t' * 10000).expandtabs(100000) }}",
    "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
    "{{ (['a'] * 10000)|join('b' * 1000) }}",
    "{{ ('a\n' * 10000)|indent(100000) }}",
    "{{ [1]|tojson(indent=10 ** 9) }}",
    "{{ [1]|batch(10 ** 9, 'x') }}",
    "{{ [1]|slice(10 ** 9) }}",
    "{{ range(10 ** 9) }}",
    "{{ ('a ' * 900000).split() }}",
    "{% set a = 'a' * 1000000 %}{{ ([a ~ 'b', a ~ 'c'] * 50000)|sort }}",
    "{% set a = 'a' * 1000000 %}{% for i in range(30000) %}{% if a ~ '' == a %}{% endif %}{% endfor %}",
    "{% set a = '1' * 1000000 %}{% for i in range(30000) %}{{ a.isdigit() }}{% endfor %}",
    "{{ range(99999)|groupby(0) }}",
    "{{ range(99999)|map('string')|join }}",
    "{{ ('a' * 400000)|wordwrap(1) }}",
    "{{ ('%%' * 900000) % () }}",
    "{{ ([[1]] * 50000)|sum(start=[]) }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(a=m()) %}{% endmacro %}{{ m() }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{{ repeat(10 ** 9, 'a') }}",
    "{{ until(10 ** 9) }}",
    "{{" + "(" * 100_000,
    "{{ " + "not " * 5000 + "1 }}",
    "{{ " + "-" * 5000 + "1 }}",
    "{{ 1" + "|string" * 1000 + " }}",
    "{{ 1" + " + 1" * 1000 + " }}",
    "{% if 1 %}" * 300 + "{% endif %}" * 300,
    "{{ 1" + "0" * 5000 + " }}",
    "{{ 0x" + "f" * 5000 + " }}",
    "{{ a }}" * 30_000,
    "{#" * 100_000,
    "{{ '" + "a" * 200_000,
    "a" * 300_000,
]


@pytest.mark.parametrize("text", GREEDY, ids=lambda text: text[-60:])
def test_bounds(text: str) -> None:
    """Time is measured generously: the machine may be busy."""
    started = time.thread_time()
    fault(text)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("text", GREEDY[:11] + GREEDY[-30:-20], ids=lambda text: text[-60:])
def test_memory(text: str) -> None:
    tracemalloc.start()
    try:
        fault(text)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "stage", "line", "public", "kind"),
    [
        ("a\n{{ nope }}", "exec", 2, "'nope' is undefined", "missing-key"),
        ("\n\n{{ data.nope }}", "exec", 3, "'dict object' has no attribute 'nope'", "missing-key"),
        ("{{ data[password] }}", "exec", 1, "'dict object' has no such attribute", "missing-key"),
        ("{{ fail(password) }}", "exec", 1, "error calling fail", "call"),
        ("{{ 1 + password }}", "exec", 1, "unsupported operand types for +: 'int' and 'str'", "other"),
        ("{{ b64enc(1) }}", "exec", 1, "error calling b64enc: wrong type for value; expected string; got int", "arg-type"),
        ("{{ b64enc() }}", "exec", 1, "wrong number of args for b64enc", "arg-count"),
        ("{{ repeat(2 ** 70, 'a') }}", "exec", 1, "an integer that does not fit in 64 bits", "arg-type"),
        ("{{ user|center }}{{ user|center(1, 2) }}", "exec", 1, "the filter center takes at most 1 arguments", "arg-count"),
        ("{{ user() }}", "exec", 1, "'str' object is not callable", "other"),
        ("{% for x in 1 %}{% endfor %}", "exec", 1, "'int' object is not iterable", "other"),
        ("\n{{ user|nosuch }}", "parse", 2, "No filter named 'nosuch'.", ""),
        ("{{ user is nosuch }}", "parse", 1, "No test named 'nosuch'.", ""),
        ("{{ 'a }}", "parse", 1, 'unexpected char "\'" at 3', ""),
        ("{% for %}", "parse", 1, "Expected an expression, got 'end of statement block'", ""),
    ],
)
def test_errors(text: str, stage: str, line: int, public: str, kind: str) -> None:
    error = fault(text)
    assert (error.stage, error.line, error.column, error.kind) == (stage, line, -1, kind)
    assert error.public == f"template: key:{line}: {public}"
    assert "canary" not in error.public + repr(error)


@pytest.mark.parametrize("text", ["{{ fail(password) }}", "{{ data[password] }}", "{{ password|map(password)|list }}"])
def test_the_full_text_tells_what_the_public_one_leaves_out(text: str) -> None:
    assert "canary" in fault(text).full


def test_the_meter_is_shared() -> None:
    shared = ambient()
    template = compile_jinja("key", b"{% for i in range(30000) %}{% endfor %}").unwrap()
    made = [template.execute({}, shared) for _ in range(5)]
    assert isinstance(made[0], Success)
    assert isinstance(made[-1], Failure)


def test_threads_may_share_a_template() -> None:
    template = compile_jinja(
        "key", b"{% set ns = namespace(x='') %}{% for c in v %}{% set ns.x = c ~ ns.x %}{% endfor %}{{ ns.x }}"
    ).unwrap()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: template.execute({b"v": b"%d" % number}, ambient()).unwrap(), range(100, 300)))
    assert made == [str(number)[::-1].encode() for number in range(100, 300)]


LENGTHS = ["{% set a, b = password %}", "{{ b64enc(*password) }}", "{{ user|upper(*password) }}", "{{ password % 1 }}"]


@pytest.mark.parametrize("text", LENGTHS)
def test_not_even_the_length_of_a_value_is_public(text: str) -> None:
    longer = {**DATA, "password": DATA["password"] * 2}
    assert fault(text).public == fault(text, longer).public


def test_nothing_of_an_execution_is_kept() -> None:
    before = parameters_of.cache_info().currsize
    text = "{% for x in [1] %}{{ loop.cycle(1) }}{% endfor %}{{ cycler(1).next() }}{% block a %}{% endblock %}{{ self.a() }}"
    for _ in range(3):
        assert isinstance(render(text), Success)
    assert parameters_of.cache_info().currsize == before


def test_compiling_is_cached() -> None:
    assert compile_jinja("key", b"{{ 1 }}").unwrap() is compile_jinja("key", b"{{ 1 }}").unwrap()


def test_jinja_is_imported_when_it_is_asked_for() -> None:
    code = "import sys, eso_core.stages.templates; print([name for name in sys.modules if name.split('.')[0] in ('jinja2', 'markupsafe')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "src")})
    assert done.stdout == "[]\n"


def test_the_crd_allows_it() -> None:
    [manifest] = [each for each in crd.crds() if each["metadata"]["name"] == "externalsecrets.external-secrets.io"]
    spec = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    template = spec["properties"]["target"]["properties"]["template"]
    assert template["properties"]["engineVersion"]["enum"] == ["v2", "jinja2"]


def examples() -> list[tuple[str, str]]:
    """The templates of the documentation, each with what it prints."""
    found = list(blocks(ROOT / "docs/jinja2.md"))
    return [(block.text, after.text) for block, after in pairwise(found) if block.language == "jinja" and after.language == "text"]


@pytest.mark.parametrize(("text", "printed"), examples())
def test_documentation(text: str, printed: str) -> None:
    [values] = [block.text for block in blocks(ROOT / "docs/jinja2.md") if block.language == "json"]
    made = render(text, {key: value.encode() for key, value in json.loads(values).items()})
    assert made == Success(printed.encode())


def test_the_documentation_has_examples() -> None:
    assert len(examples()) >= 6
