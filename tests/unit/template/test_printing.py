"""Go's fmt: what `print`, `println`, `printf` and actions write. The expected texts come from Go 1.26."""

import pytest

from eso_core.template.equal import NilList, NilStrings
from eso_core.template.limits import VALUE_MAX, LimitExceeded
from eso_core.template.printing import plain, quoted, show, sprint, sprintf, sprintln
from eso_core.template.values import Bytes, Int64, Ints, Lists, Object, Sized, StringMap, Strings, Uint8, Uint64

NAN, INF = float("nan"), float("inf")


class Month(Sized):
    go_type, kind = "time.Month", "int"

    def text(self) -> str:
        return "March"


class Pair(Object):
    go_type = "sprig.pair"

    def __init__(self, *items):
        self.items = items

    def fields(self):
        return dict(zip("AB", self.items, strict=True))


class PairPointer(Pair):
    go_type, kind = "*sprig.pair", "ptr"


class NilPointer(Object):
    go_type, kind, address = "*sprig.pair", "ptr", 0


class Version(Object):
    go_type, kind = "*semver.Version", "ptr"

    def text(self):
        return "1.2"

    def private(self):
        return {"major": Uint64(1), "pre": b"rc"}


class Time(Object):
    go_type = "time.Time"

    def text(self):
        return "noon"

    def go_string(self):
        return "time.Noon"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b"<nil>"),
        (True, b"true"),
        (False, b"false"),
        (-7, b"-7"),
        (Int64(5), b"5"),
        (Uint8(200), b"200"),
        (Month(3), b"March"),
        (1.0, b"1"),
        (1e6, b"1e+06"),
        (999999.5, b"999999.5"),
        (1e20, b"1e+20"),
        (1e-5, b"1e-05"),
        (0.0001, b"0.0001"),
        (-0.0, b"-0"),
        (NAN, b"NaN"),
        (INF, b"+Inf"),
        (complex(1, -2.5), b"(1-2.5i)"),
        (b"\xff<", b"\xff<"),
        ([], b"[]"),
        ([1, None, b"a b", [2.5]], b"[1 <nil> a b [2.5]]"),
        (Strings([b"a", b""]), b"[a ]"),
        (Ints([1, 2]), b"[1 2]"),
        (Lists([[1], []]), b"[[1] []]"),
        (Bytes([Uint8(104), Uint8(105)]), b"[104 105]"),
        (NilList(), b"[]"),
        ({b"b": 1, b"B": None, b"a": {}}, b"map[B:<nil> a:map[] b:1]"),
        (StringMap({b"\xff": b"x", "é".encode(): b"y"}), "map[é:y ".encode() + b"\xff:x]"),
        (Pair(b"a", [1]), b"{a [1]}"),
        (PairPointer(b"a", 1), b"{a 1}"),
        (Version(), b"1.2"),
        ([Month(3), Version()], b"[March 1.2]"),
    ],
)
def test_an_action_writes(value, text):
    assert show(value) == text


def test_a_pointer_shows_where_fmt_prints_it():
    assert plain(PairPointer(b"a", 1)) == b"&{a 1}"
    assert plain([PairPointer(b"a", 1)]) == b"[0xc000010000]"
    assert plain(NilPointer()) == b"<nil>"


@pytest.mark.parametrize(
    ("args", "text", "line"),
    [
        ([], b"", b"\n"),
        ([1, 2, b"a", 3, 4, b"b", b"c"], b"1 2a3 4bc", b"1 2 a 3 4 b c\n"),
        ([None, None], b"<nil> <nil>", b"<nil> <nil>\n"),
        ([b"", 1, b""], b"1", b" 1 \n"),
        ([[b"a"], b"", 1.5], b"[a]1.5", b"[a]  1.5\n"),
    ],
)
def test_sprint_and_sprintln(args, text, line):
    assert sprint(args) == text
    assert sprintln(args) == line


@pytest.mark.parametrize(
    ("form", "args", "text"),
    [
        (b"100%%", [], b"100%"),
        (b"%s and %v", [b"a", b"b"], b"a and b"),
        (b"%5s|%-5s|%05s", [b"ab", b"ab", b"ab"], b"   ab|ab   |000ab"),
        (b"%.2s|%.9s|%5.1s", ["éàü".encode(), b"ab", b"xyz"], "éà|ab|    x".encode()),
        (b"%.2s|%4s", [b"\xff\xfe\xfd", b"\xc3"], b"\xff\xfe|   \xc3"),
        (b"%x|%X|% x|%#x|% #x|%.1x|%6x|%-6x|%06x", [b"hi"] * 9, b"6869|6869|68 69|0x6869|0x68 0x69|68|  6869|6869  |006869"),
        (b"[%5x][%05x]", [b"", b""], b"[     ][00000]"),
        (b"%q|%+q|%#q|%#q", ["é\n".encode(), "é".encode(), b"a\\b", b"a`b"], '"é\\n"|"\\u00e9"|`a\\b`|"a`b"'.encode()),
        (b"%q", [b"\xff\x00\x7f\a\"'"], b'"\\xff\\x00\\x7f\\a\\"\'"'),
        (b"%#q|%#q", [b"\xff", "\ufeff".encode()], b'"\\xff"|"\\ufeff"'),
        (b"%8q|%-8q|%.1q", [b"ab"] * 3, b'    "ab"|"ab"    |"a"'),
    ],
)
def test_strings(form, args, text):
    assert sprintf([form, *args]) == text


@pytest.mark.parametrize(
    ("form", "args", "text"),
    [
        (b"%d|%5d|%-5d|%05d|%+d|% d", [42] * 6, b"42|   42|42   |00042|+42| 42"),
        (b"%05d|%+05d|% 05d|%-05d|", [-42, 42, 42, 42], b"-0042|+0042| 0042|42   |"),
        (b"%.5d|%8.5d|%-8.5d|%08.5d", [42] * 4, b"00042|   00042|00042   |   00042"),
        (b"[%.0d][%5.0d][%05.0d]", [0, 0, 0], b"[][     ][     ]"),
        (b"%b|%o|%O|%x|%X|%#b|%#o|%#x|%#X", [42] * 9, b"101010|52|0o52|2a|2A|0b101010|052|0x2a|0X2A"),
        (b"%#o|%O|%#O|%+x", [0, -8, 8, -255], b"0|-0o10|0o010|-ff"),
        (b"%#06x|%#08b|%06O", [5, 5, 5], b"0x000005|0b00000101|0o000005"),
        (b"%c|%c|%c|%5c|%c", [97, 0x20AC, 0xD800, 98, -1], "a|€|�|    b|�".encode()),
        (b"%q|%q|%q|%+q|%#q|%q", [97, 39, 34, 0x20AC, 10, 1 << 40], "'a'|'\\''|'\"'|'\\u20ac'|'\\n'|'�'".encode()),
        (b"%U|%#U|%#U|%#.6U|%8U|%-8U|", [97, 97, 10, 0x1F600, 5, 5], "U+0061|U+0061 'a'|U+000A|U+01F600 '😀'|  U+0005|U+0005  |".encode()),
        (b"%U", [-1], b"U+FFFFFFFFFFFFFFFF"),
        (b"%d|%x", [-(1 << 63), Uint64((1 << 64) - 1)], b"-9223372036854775808|ffffffffffffffff"),
        (b"%d|%v|%s|%x|%q|%5d", [Month(3)] * 6, b'3|March|March|4d61726368|"March"|    3'),
        (b"%#v|%#v|%#v", [7, Uint8(7), Month(3)], b"7|0x7|3"),
        (b"%t|%7t|%v", [True, False, True], b"true|  false|true"),
    ],
)
def test_integers_and_booleans(form, args, text):
    assert sprintf([form, *args]) == text


@pytest.mark.parametrize(
    ("form", "args", "text"),
    [
        (b"%f|%.2f|%.0f|%8.3f|%-8.2f|%08.3f|%+.1f|% .1f", [3.14159] * 8, b"3.141590|3.14|3|   3.142|3.14    |0003.142|+3.1| 3.1"),
        (b"%e|%E|%.1e|%.0e|%g|%G|%g", [123456.789] * 5 + [1e-7, 1e6], b"1.234568e+05|1.234568E+05|1.2e+05|1e+05|123456.789|1E-07|1e+06"),
        (b"%.0f %.0f %.0f %.1f", [0.5, 1.5, 2.5, 0.25], b"0 2 2 0.2"),
        (b"%.3g|%.3g|%.10g|%.0g", [1234.5, 0.00001234, 100.0, 99.0], b"1.23e+03|1.23e-05|100|1e+02"),
        (b"%#g|%#.3g|%#v|%#.0f|%#e|%#x", [1.0, 1.0, 1.0, 1.0, 1.0, 1.0], b"1.00000|1.00|1|1.|1.000000e+00|0x1.0000p+00"),
        (
            b"%b|%x|%X|%.2x|%.0x|%x",
            [1.0, 1.5, -0.1, 1.999, 1.5, 0.0],
            b"4503599627370496p-52|0x1.8p+00|-0X1.999999999999AP-04|0x1.00p+01|0x1p+01|0x0p+00",
        ),
        (b"%x|%x", [5e-324, 1.7976931348623157e308], b"0x1p-1074|0x1.fffffffffffffp+1023"),
        (b"%f|%+f|%06f|%6.1f|%e|% f|%-6f|", [INF, INF, -INF, NAN, NAN, NAN, NAN], b"+Inf|+Inf|  -Inf|   NaN|NaN| NaN|NaN   |"),
        (b"%v|%.1f|%+v|%8.2f", [1 + 2j, 1 - 0.25j, 1j, -1.5j], b"(1+2i)|(1.0-0.2i)|(0+1i)|(   -0.00   -1.50i)"),
        (b"%+05.1f|%-07.1f|%F", [1.25, 1.25, 1.0], b"+01.2|1.2    |1.000000"),
    ],
)
def test_floats(form, args, text):
    assert sprintf([form, *args]) == text


@pytest.mark.parametrize(
    ("form", "args", "text"),
    [
        (b"%d|%3d|%s|%q", [[1, b"a"], Ints([1, 2]), Strings([b"a"]), [b"a", 98]], b"[1 %!d(string=a)]|[  1   2]|[a]|[\"a\" 'b']"),
        (b"%s|%x|%q|%d|%v|%#v", [Bytes(map(Uint8, b"hi"))] * 6, b'hi|6869|"hi"|[104 105]|[104 105]|[]byte{0x68, 0x69}'),
        (b"%#v", [[Bytes([Uint8(1)])]], b"[]interface {}{[]uint8{0x1}}"),
        (b"%#v", [{b"k": 1, b"j": [b"x", None, 1.5]}], b'map[string]interface {}{"j":[]interface {}{"x", interface {}(nil), 1.5}, "k":1}'),
        (
            b"%#v %#v %#v",
            [Strings([b"a"]), StringMap(), Lists([[]])],
            b'[]string{"a"} map[string]string{} [][]interface {}{[]interface {}{}}',
        ),
        (b"%#v %#v", [NilList(), NilStrings()], b"[]interface {}(nil) []string(nil)"),
        (b"%v|%+v|%#v", [Pair(1, b"x")] * 3, b'{1 x}|{A:1 B:x}|sprig.pair{A:1, B:"x"}'),
        (b"%v|%+v|%#v", [PairPointer(1, None)] * 3, b"&{1 <nil>}|&{A:1 B:<nil>}|&sprig.pair{A:1, B:interface {}(nil)}"),
        (b"%v|%d|%#v", [Version()] * 3, b'1.2|&{1 %!d(string=rc)}|&semver.Version{major:0x1, pre:"rc"}'),
        (b"%v|%10s|%#v|%.4v", [Time()] * 4, b"noon|      noon|time.Noon|noon"),
        (b"%T %T %T %T %T %T", [1, b"", None, [], Pair(1, 2), Month(1)], b"int string <nil> []interface {} sprig.pair time.Month"),
        (b"%6T|%5v|%05v", [1, None, None], b"   int|<nil>|<nil>"),
        (b"%p|%#p|%p", [[], {}, 1], b"0xc000010000|c000010000|%!p(int=1)"),
        (b"%d|%5v|%f|%#v", [NilPointer()] * 4, b"0|<nil>|%!f(*sprig.pair=<nil>)|(*sprig.pair)(nil)"),
        (b"%d|%#v", [[PairPointer(1, 2)]] * 2, b"[824633786368]|[]interface {}{(*sprig.pair)(0xc000010000)}"),
    ],
)
def test_containers_and_objects(form, args, text):
    assert sprintf([form, *args]) == text


@pytest.mark.parametrize(
    ("form", "args", "text"),
    [
        (b"%d", [b"hi"], b"%!d(string=hi)"),
        (b"%5d|%+z", [b"hi", 1], b"%!d(string=   hi)|%!z(int=+1)"),
        (b"%s|%s|%t", [1, None, b"x"], b"%!s(int=1)|%!s(<nil>)|%!t(string=x)"),
        (b"%d|%s", [1.5, [1, None]], b"%!d(float64=1.5)|[%!s(int=1) <nil>]"),
        (b"%z", [Month(3)], b"%!z(time.Month=3)"),
        (b"%w|%w", [[1], Time()], b"%!w([]interface {}=[1])|%!w(time.Time={})"),
        (b"%!|%\xff", [1, 2], "%!!(int=1)|%!�(int=2)".encode()),
        (b"%d %d", [1], b"1 %!d(MISSING)"),
        (b"%d", [1, b"x", None], b"1%!(EXTRA string=x, <nil>)"),
        (b"", [[1]], b"%!(EXTRA []interface {}=[1])"),
        (b"%", [], b"%!(NOVERB)"),
        (b"%-", [1], b"%!(NOVERB)%!(EXTRA int=1)"),
        (b"a%99999999999d", [1], b"a%!(NOVERB)%!(EXTRA int=1)"),
        (b"%[2]d %[1]d", [1, 2], b"2 1"),
        (b"%[2]d %d", [1, 2], b"2 %!d(MISSING)"),
        (b"%[3]d|%[0]d|%[x]d|%[]d|%[1", [1], b"%!d(BADINDEX)|%!d(BADINDEX)|%!d(BADINDEX)|%!d(BADINDEX)|%!(NOVERB)"),
        (b"%[1]5d|%[1].2f|%5[1]d", [1], b"%!d(BADINDEX)|%!f(BADINDEX)|    1"),
        (b"%[0000000000000000000000000000001]d", [1], b"1"),
        (b"%*d|%-*d|%*d|%.*f", [5, 1, 4, 2, -4, 3, 2, 1.0], b"    1|2   |3   |1.00"),
        (b"%0*d", [-4, 1], b"1   "),
        (b"%*d", [b"x", 1], b"%!(BADWIDTH)1"),
        (b"%*d", [1000001, 1], b"%!(BADWIDTH)1"),
        (b"%.*d", [-1, 1], b"%!(BADPREC)1"),
        (b"%*d", [Int64(4), 7], b"   7"),
        (b"%[3]*.[2]*[1]f|", [12.0, 2, 6], b" 12.00|"),
        (b"%.[2]*[1]f", [1.5], b"%!(BADPREC)%!f(BADINDEX)"),
        (b"%*%%.*%", [1, 2], b"%%"),
        (b"%.", [1], b"%!.(int=1)"),
    ],
)
def test_wrong_formats(form, args, text):
    assert sprintf([form, *args]) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", '""'),
        (b'a"b\\', '"a\\"b\\\\"'),
        ("é☃\u00a0\u3000\u00ad\u2028".encode(), '"é☃\\u00a0\\u3000\\u00ad\\u2028"'),
        ("\U0001fae8\U0001fae9\U000e0001".encode(), '"\U0001fae8\\U0001fae9\\U000e0001"'),
        (b"\xed\xa0\x80\xc3", '"\\xed\\xa0\\x80\\xc3"'),
        ("\ufffd".encode(), '"\ufffd"'),
    ],
)
def test_quoted(raw, text):
    assert quoted(raw) == text.encode()


def test_long_texts_are_quoted_piece_by_piece():
    raw = "aé☃😀".encode() * 30_000 + b"\xff\x80\x80\x80\x80" * 30_000
    assert quoted(raw) == b'"' + "aé☃😀".encode() * 30_000 + b"\\xff\\x80\\x80\\x80\\x80" * 30_000 + b'"'


@pytest.mark.parametrize("size", [1_000_000, 0])
def test_the_widest_width_that_go_knows(size):
    assert len(sprintf([b"%*d", size, 7])) == max(size, 1)


def test_a_precision_beyond_all_digits():
    assert sprintf([b"%.2000f", 0.1]) == b"%.2000f" % 0.1
    assert len(sprintf([b"%.1000000e", 1.5])) == 1_000_006


def endless():
    inner = {}
    inner[b"self"] = [inner]
    return inner


@pytest.mark.parametrize(
    "args",
    [
        [b"%v", endless()],
        [b"%d", endless()],
        [b"%*z", 3, endless()],
        [b"", endless()],
        [b"%1000000d" * 5, 1, 2, 3, 4, 5],
        [b"%1000000v", [1] * 5],
        [b"%v", [b"x" * 1_000_000] * 5],
        [b"%q", b"\0" * (VALUE_MAX // 2)],
        [b"% x", b"\0" * (VALUE_MAX // 2)],
        [b"%%" * 200_000],
        [b"%d" * 90_000 * 10],
    ],
)
def test_what_would_be_too_large_ends(args):
    with pytest.raises(LimitExceeded):
        sprintf(args)


def test_operands_that_are_too_large_together():
    with pytest.raises(LimitExceeded):
        sprint([b"x" * VALUE_MAX, b"x"])
    with pytest.raises(LimitExceeded):
        show(endless())


def test_many_open_brackets_take_no_time():
    assert sprintf([b"%[d" * 60_000]) == b"%!d(BADINDEX)" * 60_000
