"""Regular expressions. What the functions find, and how they refuse, is what Go does with the same arguments."""

import pytest

from eso_core.compat.regexp import compile_pattern
from eso_core.template.equal import NilStrings
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.regex import TABLE
from eso_core.template.limits import ITEMS_MAX, VALUE_MAX, Ambient, Meter
from eso_core.template.values import Strings, Value
from tests.template_chance import SeededChance


def call(name: str, *args: Value) -> Value:
    function = TABLE[name]
    return function.call(*((Ambient(0, SeededChance(), Meter()),) if function.ambient else ()), *args)


@pytest.mark.parametrize(
    ("name", "args", "made"),
    [
        ("regexMatch", (b"^a+$", b"aaa"), True),
        ("regexMatch", (b"[", b"a"), False),
        ("regexMatch", (b"\\B", b"b\xe2\x85\xa7a"), False),
        ("mustRegexMatch", (b"b", b"abc"), True),
        ("regexFind", (b"a.", b"xab\xff"), b"ab"),
        ("regexFind", (b".b", b"\xffb"), b"\xffb"),
        ("regexFind", (b"z", b"a"), b""),
        ("mustRegexFind", (b"a|b", b"b"), b"b"),
        ("regexFindAll", (b"", b"a\xc3\xa9\xff", -1), [b"", b"", b"", b""]),
        ("regexFindAll", (b"a*", b"baab", -1), [b"", b"aa", b""]),
        ("regexFindAll", (b"a", b"aaa", 2), [b"a", b"a"]),
        ("regexFindAll", (b"a", b"aaa", 0), []),
        ("regexFindAll", (b"x", b"aaa", -1), []),
        ("mustRegexFindAll", (b".", b"\xff\xe4\xb8a", -1), [b"\xff", b"\xe4", b"\xb8", b"a"]),
        ("regexFindAll", (b"|a", b"aa", -1), [b"", b"", b""]),
        ("regexReplaceAll", (b"a(x*)b", b"-ab-axxb-", b"${1}W"), b"-W-xxW-"),
        ("regexReplaceAll", (b"a(x*)b", b"-ab-axxb-", b"$1W"), b"---"),
        ("regexReplaceAll", (b"(?P<n>a)", b"ba\xff", b"[$n$$$\xfe]"), b"b[a$$\xfe]\xff"),
        ("regexReplaceAll", (b"(a)", b"a", b"$1\xc2\xb2"), b"a\xc2\xb2"),
        ("regexReplaceAll", (b"a*", b"baac", b"-"), b"-b-c-"),
        ("regexReplaceAll", (b"\xef\xbf\xbd", b"a\xff\xfe", b"x"), b"axx"),
        ("mustRegexReplaceAll", (b"(a)(b)?", b"ac", b"<$2$1$9>"), b"<a>c"),
        ("regexReplaceAllLiteral", (b"a", b"banana", b"$1"), b"b$1n$1n$1"),
        ("mustRegexReplaceAllLiteral", (b"", b"ab", b"-"), b"-a-b-"),
        ("regexSplit", (b"a", b"banana", -1), [b"b", b"n", b"n", b""]),
        ("regexSplit", (b"a", b"banana", 2), [b"b", b"nana"]),
        ("regexSplit", (b"a", b"banana", 0), []),
        ("regexSplit", (b"", b"abc", -1), [b"a", b"b", b"c"]),
        ("regexSplit", (b"", b"", -1), []),
        ("regexSplit", (b"x", b"", -1), [b""]),
        ("regexSplit", (b"z*", b"pizza", -1), [b"p", b"i", b"a"]),
        ("mustRegexSplit", (b"a+", b"xaay\xffa", 3), [b"x", b"y\xff", b""]),
        ("regexQuoteMeta", (b"a.b*c\\d[^$]{1}|(x)+?\xff-/",), b"a\\.b\\*c\\\\d\\[\\^\\$\\]\\{1\\}\\|\\(x\\)\\+\\?\xff-/"),
    ],
)
def test_makes(name: str, args: tuple[Value, ...], made: Value) -> None:
    assert call(name, *args) == made


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("mustRegexMatch", (b"[", b"a"), "error parsing regexp: missing closing ]: `[`"),
        ("mustRegexFind", (b"(?P<n", b"b"), "error parsing regexp: invalid named capture: `(?P<n`"),
        ("regexFind", (b"a**", b""), "regexp: Compile(`a**`): error parsing regexp: invalid nested repetition operator: `**`"),
        ("regexFind", (b"a`[", b""), 'regexp: Compile("a`["): error parsing regexp: missing closing ]: `[`'),
        ("regexFind", (b"\xff", b""), 'regexp: Compile("\\xff"): error parsing regexp: invalid UTF-8: `�`'),
        ("mustRegexFind", (b"a\xff", b""), "error parsing regexp: invalid UTF-8: `�`"),
        ("mustRegexFindAll", (b"(", b"", -1), "error parsing regexp: missing closing ): `(`"),
        ("mustRegexReplaceAll", (b"?", b"", b""), "error parsing regexp: missing argument to repetition operator: `?`"),
        ("mustRegexReplaceAllLiteral", (b")", b"", b""), "error parsing regexp: unexpected ): `)`"),
        ("mustRegexSplit", (b"[", b"", 3), "error parsing regexp: missing closing ]: `[`"),
    ],
)
def test_refuses(name: str, args: tuple[Value, ...], text: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(name, *args)
    assert caught.value.full == text


def test_nil_slices() -> None:
    assert type(call("regexFindAll", b"x", b"a", -1)) is type(call("regexSplit", b"x", b"a", 0)) is NilStrings
    assert type(call("regexFindAll", b"a", b"a", -1)) is type(call("regexSplit", b"", b"", -1)) is Strings


def test_patterns_are_in_the_detail_alone() -> None:
    with pytest.raises(FunctionError) as caught:
        call("regexFind", b"[secret", b"")
    assert caught.value.what == "regexp: Compile"
    with pytest.raises(FunctionError) as caught:
        call("mustRegexFind", b"[secret", b"")
    assert caught.value.what == "error parsing regexp: missing closing ]"


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("regexFindAll", (b"", b"a" * ITEMS_MAX, -1)),
        ("regexSplit", (b"a", b"a" * (ITEMS_MAX + 1), -1)),
        ("regexReplaceAll", (b"a", b"a" * 2048, b"b" * 4096)),
        ("regexReplaceAll", (b"a(.*b)?", b"a" * 100_000, b"")),
        ("regexQuoteMeta", (b"." * VALUE_MAX,)),
    ],
)
def test_bounds(name: str, args: tuple[Value, ...]) -> None:
    with pytest.raises(LimitExceeded):
        call(name, *args)


def test_work_grows_with_program_and_text() -> None:
    spent = []
    for pattern in (b"b", b"[^q]{0,200}b"):
        meter = Meter()
        TABLE["regexMatch"].call(Ambient(0, SeededChance(), meter), pattern, b"a" * 10_000)
        spent.append(Meter().work - meter.work)
    assert 0 < 10 * spent[0] < spent[1]


@pytest.mark.parametrize(
    ("pattern", "endless", "explosive"),
    [
        (r"\s+", False, False),
        (r"(\w+)\s*=\s*(.*)", False, False),
        (r"(foo|bar)=(.*)", False, False),
        (r"a.*b", False, False),
        (r"[|)?]+\|\)?", False, False),
        (r"\Qa|b*\E", False, False),
        (r"^\s+|\s+$", True, False),
        ("a*b|a", True, False),
        ("a(.*b)?", True, False),
        ("((a*)b|c)", True, False),
        ("(.*)*", True, False),
        ("(a|b)*a(a|b){12}c", False, True),
        (r".*a\d\d\d\d\d\d\d\d\d\d", False, True),
        ("(a?b?){100}", False, True),
        ("b{1000}", False, False),
    ],
)
def test_what_makes_a_pattern_dear(pattern: str, endless: bool, explosive: bool) -> None:
    compiled = compile_pattern(pattern).unwrap()
    assert (compiled.endless, compiled.explosive) == (endless, explosive)


def test_a_pattern_is_paid_for_once() -> None:
    ambient = Ambient(0, SeededChance(), Meter())
    spent = []
    for _ in range(2):
        before = ambient.meter.work
        TABLE["regexMatch"].call(ambient, b"a[bc]", b"abc")
        spent.append(before - ambient.meter.work)
    assert 0 < 10 * spent[1] < spent[0]
