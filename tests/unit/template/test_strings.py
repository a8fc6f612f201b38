"""Functions of text. What they make, and how they refuse, is what Go does with the same arguments."""

import pytest

from eso_core.template import casing
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.strings import TABLE, strslice
from eso_core.template.limits import ITEMS_MAX, VALUE_MAX, Ambient, Meter
from eso_core.template.values import Bytes, Int64, StringMap, Strings, Uint8, Value
from tests.template_chance import SeededChance


def call(name: str, *args: Value) -> Value:
    function = TABLE[name]
    return function.call(*((Ambient(0, SeededChance(), Meter()),) if function.ambient else ()), *args)


@pytest.mark.parametrize(
    ("name", "args", "made"),
    [
        ("abbrev", (5, b"hello world"), b"he..."),
        ("abbrev", (3, b"hello world"), b"hello world"),
        ("abbrev", (6, b"h\xc3\xa9llo w\xc3\xb6rld"), b"h\xc3\xa9..."),
        ("abbrev", (11, b"hello world"), b"hello world"),
        ("abbrevboth", (5, 10, b"1234 5678 9123"), b"...5678..."),
        ("abbrevboth", (6, 10, b"1234 5678 9123 4567"), b"...678 ..."),
        ("abbrevboth", (5, 6, b"1234567890"), b"1234567890"),
        ("abbrevboth", (-5, 7, b"1234567890"), b"1234..."),
        ("abbrevboth", (-9223372036854775808, 5, b"1234567890"), b""),
        ("abbrevboth", (20, 8, b"1234567890"), b"...67890"),
        ("camelcase", (b"http_server",), b"HttpServer"),
        ("camelcase", (b"__a--b  c_",), b"__A-B C_"),
        ("camelcase", (b"HTTPServer URL",), b"HttpserverUrl"),
        ("camelcase", (b"_",), b"__"),
        ("camelcase", (b"x",), b"X"),
        ("camelcase", (b"",), b""),
        ("camelcase", (b"_\xe9a\xff\xff_b",), b"_\xef\xbf\xbda\xef\xbf\xbd\xef\xbf\xbdB"),
        ("snakecase", (b"FirstName",), b"first_name"),
        ("snakecase", (b"HTTPServer",), b"http_server"),
        ("snakecase", (b"http2xx",), b"http_2xx"),
        ("snakecase", (b"HTTP20xOK",), b"http_20x_ok"),
        ("snakecase", (b"Duration2m3s",), b"duration_2m3s"),
        ("snakecase", (b"Bld4Floor3rd",), b"bld4_floor_3rd"),
        ("snakecase", (b"GO PATH-a.B!c",), b"go_path_a.b!c"),
        ("snakecase", (b"\xc3\x89cole\xc3\x80\xe4\xb8\xad\xe6\x96\x87AB",), b"\xc3\xa9cole_\xc3\xa0_\xe4\xb8\xad\xe6\x96\x87_ab"),
        ("snakecase", (b"a\xffB\xfe1C",), b"a_\xef\xbf\xbdb\xfe1_c"),
        ("snakecase", (b"\xe2\x85\xa7a\xc2\xb2B$",), b"\xe2\x85\xa7a\xc2\xb2_b_$"),
        ("snakecase", (b"AB12",), b"ab12"),
        ("snakecase", (b"A1_",), b"a1_"),
        ("kebabcase", (b"FirstName",), b"first-name"),
        ("kebabcase", (b"aB__c\tD",), b"a-b--c-d"),
        ("kebabcase", (b"",), b""),
        ("swapcase", (b"aBc dE",), b"AbC De"),
        ("swapcase", (b"\xc7\x86a \xc7\x85 \xc3\x9f\xc3\x89",), b"\xc7\x85A \xc7\x86 \xc3\x9f\xc3\xa9"),
        ("upper", (b"stra\xc3\x9fe \xc5\x89 \xc7\x86",), b"STRA\xc3\x9fE \xc5\x89 \xc7\x84"),
        ("upper", (b"a\xffb",), b"A\xef\xbf\xbdB"),
        ("lower", (b"\xc3\x80\xc4\xb0\xce\xa9",), b"\xc3\xa0i\xcf\x89"),
        ("lower", (b"ABC",), b"abc"),
        ("title", (b"hello wOrld-foo_bar 2nd x.y'z",), b"Hello WOrld-Foo_bar 2nd X.Y'Z"),
        (
            "title",
            (b"\xc7\x86 \xc3\xa9a\xc2\xa0\xc3\xa9\xc3\x9f \xe1\x83\xb0",),
            b"\xc7\x85 \xc3\x89a\xc2\xa0\xc3\x89\xc3\x9f \xe1\x83\xb0",
        ),
        ("title", (b"\xffa",), b"\xef\xbf\xbda"),
        ("untitle", (b"Hello World-Foo",), b"hello world-Foo"),
        ("untitle", (b"\xc3\x89a\xe2\x80\x83\xc3\x89b",), b"\xc3\xa9a\xe2\x80\x83\xc3\xa9b"),
        ("initials", (b"First Try of",), b"FTo"),
        ("initials", (b"\xc3\xa9a b",), b"\xc3\x83b"),
        ("nospace", (b" a\tb\nc ",), b"abc"),
        ("nospace", (b"\xc3\xa9 b",), b"\xc3\x83\xc2\xa9b"),
        ("nospace", (b"\xc3\xa9b",), b"\xc3\xa9b"),
        ("trim", (b"\xe2\x80\x83\n a \xc2\x85\xc2\xa0",), b"a"),
        ("trim", (b"\xff \xa0",), b"\xff \xa0"),
        ("trimAll", (b"$", b"$5.00$"), b"5.00"),
        ("trimAll", (b"\xc3\xa9\xef\xbf\xbd", b"\xc3\xa9\xc3\xa9\xef\xbf\xbda\xff\xfe"), b"a"),
        ("trimAll", (b"", b" a "), b" a "),
        ("trimall", (b"ab", b"abcba"), b"c"),
        (
            "trimAll",
            (
                b"\xc4\x80\xc4\x81\xc4\x82\xc4\x83\xc4\x84\xc4\x85\xc4\x86\xc4\x87\xc4\x88\xc4\x89\xc4\x8a\xc4\x8b\xc4\x8c\xc4\x8d\xc4\x8e\xc4\x8f\xc4\x90\xc4\x91\xc4\x92\xc4\x93\xc4\x94\xc4\x95\xc4\x96\xc4\x97\xc4\x98\xc4\x99\xc4\x9a\xc4\x9b\xc4\x9c\xc4\x9d\xc4\x9e\xc4\x9f\xc4\xa0\xc4\xa1\xc4\xa2\xc4\xa3\xc4\xa4\xc4\xa5\xc4\xa6\xc4\xa7\xc4\xa8\xc4\xa9\xc4\xaa\xc4\xab\xc4\xac\xc4\xad\xc4\xae\xc4\xaf\xc4\xb0\xc4\xb1\xc4\xb2\xc4\xb3\xc4\xb4\xc4\xb5\xc4\xb6\xc4\xb7\xc4\xb8\xc4\xb9\xc4\xba\xc4\xbb\xc4\xbc\xc4\xbd\xc4\xbe\xc4\xbf\xc5\x80\xc5\x81\xc5\x82\xc5\x83\xc5\x84\xc5\x85\xc5\x86\xc5\x87\xc5\x88\xc5\x89\xc5\x8a\xc5\x8b\xc5\x8c\xc5\x8d\xc5\x8e\xc5\x8f",
                b"\xc4\x80\xc4\x81x\xc5\x8c",
            ),
            b"x",
        ),
        ("trimPrefix", (b"-", b"--a"), b"-a"),
        ("trimSuffix", (b"-", b"a--"), b"a-"),
        ("trunc", (3, b"hello"), b"hel"),
        ("trunc", (-3, b"hello"), b"llo"),
        ("trunc", (-9, b"hello"), b"hello"),
        ("trunc", (0, b"hello"), b""),
        ("trunc", (2, b"\xc3\xa9\xe2\x82\xac"), b"\xc3\xa9"),
        ("substr", (0, 3, b"hello"), b"hel"),
        ("substr", (-1, 2, b"hello"), b"he"),
        ("substr", (2, -1, b"hello"), b"llo"),
        ("substr", (2, 99, b"hello"), b"llo"),
        ("split", (b",", b"a,b,,"), {b"_0": b"a", b"_1": b"b", b"_2": b"", b"_3": b""}),
        ("split", (b"", b"a\xc3\xa9\xff"), {b"_0": b"a", b"_1": b"\xc3\xa9", b"_2": b"\xff"}),
        ("splitn", (b",", 2, b"a,b,c"), {b"_0": b"a", b"_1": b"b,c"}),
        ("splitn", (b"", 2, b"\xc3\xa9ab"), {b"_0": b"\xc3\xa9", b"_1": b"ab"}),
        ("splitn", (b",", 0, b"a"), {}),
        ("splitn", (b",", -1, b"a,b"), {b"_0": b"a", b"_1": b"b"}),
        ("splitn", (b",", 99, b"a,b"), {b"_0": b"a", b"_1": b"b"}),
        ("splitList", (b",", b""), [b""]),
        ("splitList", (b"", b""), []),
        ("splitList", (b"", b"a\xe4\xb8b"), [b"a", b"\xe4", b"\xb8", b"b"]),
        ("join", (b"-", [1, None, b"a", 1.5, True]), b"1-a-1.5-true"),
        ("join", (b"-", None), b""),
        ("join", (b"-", b"a"), b"a"),
        ("join", (b"-", Strings([b"a", b"b"])), b"a-b"),
        ("toStrings", ([1, None, [b"x"]],), [b"1", b"[x]"]),
        ("toStrings", (None,), []),
        ("toStrings", (5,), [b"5"]),
        ("sortAlpha", ([b"b", 10, 9, b"a"],), [b"10", b"9", b"a", b"b"]),
        ("sortAlpha", (3,), [b"3"]),
        ("sortAlpha", (None,), [b"<nil>"]),
        ("toString", (1000000.0,), b"1e+06"),
        ("toString", (None,), b"<nil>"),
        ("toString", ([1, b"a"],), b"[1 a]"),
        ("quote", (b'a"b\\\n\xff\x00', None, 1, b"\xc3\xa9\xe2\x80\x8b"), b'"a\\"b\\\\\\n\\xff\\x00" "1" "\xc3\xa9\\u200b"'),
        ("quote", (), b""),
        ("squote", (b"a'b", None, 2.5), b"'a'b' '2.5'"),
        ("cat", (1, None, b"b", True), b"1 b true"),
        ("cat", (), b""),
        ("repeat", (3, b"ab"), b"ababab"),
        ("repeat", (0, b"ab"), b""),
        ("repeat", (4611686018427387904, b""), b""),
        ("replace", (b"a", b"bb", b"banana"), b"bbbnbbnbb"),
        ("replace", (b"", b"-", b"a\xc3\xa9\xff"), b"-a-\xc3\xa9-\xff-"),
        ("replace", (b"x", b"", b"a"), b"a"),
        ("indent", (2, b"a\n\nb"), b"  a\n  \n  b"),
        ("indent", (0, b"a"), b"a"),
        ("nindent", (1, b""), b"\n "),
        ("plural", (b"one", b"many", 1), b"one"),
        ("plural", (b"one", b"many", 0), b"many"),
        ("wrap", (5, b"hello world foo"), b"hello\nworld\nfoo"),
        ("wrap", (3, b"abcdef gh i"), b"abcdef\ngh\ni"),
        ("wrap", (0, b"a b"), b"a\nb"),
        ("wrap", (4, b"   a    b     c"), b"a   \nb   \n c"),
        ("wrapWith", (3, b"|", b"abcdefgh ij"), b"abc|def|gh|ij"),
        ("wrapWith", (2, b"", b"abc"), b"ab\nc"),
        ("wrapWith", (2, b"|", b"\xc3\xa9\xc3\xa9"), b"\xc3\xa9|\xc3\xa9"),
        ("contains", (b"b", b"abc"), True),
        ("contains", (b"", b""), True),
        ("hasPrefix", (b"a", b"ba"), False),
        ("hasSuffix", (b"a", b"ba"), True),
    ],
)
def test_makes(name: str, args: tuple[Value, ...], made: Value) -> None:
    assert call(name, *args) == made


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("substr", (3, 1, b"hello"), "runtime error: slice bounds out of range [3:1]"),
        ("substr", (6, 7, b"hello"), "runtime error: slice bounds out of range [6:5]"),
        ("substr", (-1, 9, b"hello"), "runtime error: slice bounds out of range [:9] with length 5"),
        ("substr", (-1, -2, b"hello"), "runtime error: slice bounds out of range [:-2]"),
        ("repeat", (-1, b"a"), "strings: negative Repeat count"),
        ("indent", (-1, b"a"), "strings: negative Repeat count"),
        ("nindent", (-1, b""), "strings: negative Repeat count"),
    ],
)
def test_refuses(name: str, args: tuple[Value, ...], text: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(name, *args)
    assert caught.value.full == text


def test_types() -> None:
    assert type(call("split", b",", b"a")) is StringMap
    assert type(call("splitList", b",", b"a")) is type(call("sortAlpha", [])) is type(call("toStrings", 1)) is Strings


def test_text_of_values() -> None:
    assert call("toString", Bytes([Uint8(104), Uint8(105)])) == b"hi"
    assert call("toStrings", Bytes([Uint8(104)])) == [b"104"]
    assert call("squote", Bytes([Uint8(104)])) == b"'[104]'"
    assert call("cat", Int64(5), [b"a"]) == b"5 [a]"


def test_a_string_slice_is_sorted_in_place() -> None:
    parts = Strings((b"b", b"a"))
    assert call("sortAlpha", parts) is parts
    assert parts == [b"a", b"b"]
    assert strslice(parts) is parts
    values = [b"b", b"a"]
    assert call("sortAlpha", values) == [b"a", b"b"]
    assert values == [b"b", b"a"]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("repeat", (VALUE_MAX + 1, b"a")),
        ("repeat", (2**62, b"ab")),
        ("indent", (VALUE_MAX, b"a")),
        ("nindent", (3, b"\n" * (VALUE_MAX // 2))),
        ("replace", (b"a", b"b" * 4096, b"a" * 2048)),
        ("replace", (b"", b"b" * 4096, b"a" * 2048)),
        ("split", (b"", b"a" * (ITEMS_MAX + 1))),
        ("splitList", (b",", b"," * ITEMS_MAX)),
        ("join", (b"a" * VALUE_MAX, [1, 2, 3])),
        ("toStrings", ([b"a" * (VALUE_MAX // 2)] * 3,)),
        ("wrap", (1, b"a " * (ITEMS_MAX + 1))),
        ("wrapWith", (1, b"b" * VALUE_MAX, b"abc")),
        ("randAlpha", (VALUE_MAX + 1,)),
        ("shuffle", (b"a" * (ITEMS_MAX + 1),)),
        ("quote", (b"\xff" * VALUE_MAX,)),
        ("upper", (b"\xff" * (VALUE_MAX // 2),)),
        ("snakecase", (b"aB" * (VALUE_MAX // 2),)),
    ],
)
def test_bounds(name: str, args: tuple[Value, ...]) -> None:
    with pytest.raises(LimitExceeded):
        call(name, *args)


@pytest.mark.parametrize(
    ("name", "alphabet"),
    [
        ("randAlpha", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        ("randNumeric", b"0123456789"),
        ("randAlphaNum", b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        ("randAscii", bytes(range(32, 127))),
    ],
)
def test_random_texts(name: str, alphabet: bytes) -> None:
    text = call(name, 10_000)
    assert len(text) == 10_000
    assert bytes(sorted(set(text))) == alphabet
    assert max(map(text.count, alphabet)) < 2 * 10_000 // len(alphabet)
    assert call(name, 0) == call(name, -1) == b""


def test_shuffle_keeps_the_characters() -> None:
    text = "añb€".encode() * 20
    shuffled = call("shuffle", text)
    assert shuffled != text
    assert sorted(shuffled.decode()) == sorted(text.decode())
    assert call("shuffle", b"\xff") == b"\xef\xbf\xbd"


@pytest.mark.parametrize("text", ["HTTPServer2Go", "a1B2c3", "AB12_cd-EF  G", "x$y~Z", "ABc!D.e", "99Ab", "--A--"])
def test_both_ways_to_cut_words_agree(text: str) -> None:
    assert casing._ascii_words(text) == casing._words(text)
