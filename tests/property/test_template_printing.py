"""Laws of the printing of templates: totality, round trips, and what a width and a precision promise."""

import json
import string

from hypothesis import assume, given
from hypothesis import strategies as st

from eso_core.compat.text import go_text
from eso_core.template.errors import FunctionError
from eso_core.template.escapers import html, js, urlquery
from eso_core.template.printing import quoted, show, sprint, sprintf, sprintln
from eso_core.template.values import Bytes, Int64, Strings, Uint8, Uint64
from eso_core.template.verbs import runes

INT = st.integers(-(1 << 63), (1 << 63) - 1)
FLOAT = st.floats(allow_subnormal=True)
SCALAR = (
    st.none()
    | st.booleans()
    | INT
    | FLOAT
    | st.complex_numbers()
    | st.binary(max_size=12)
    | INT.map(Int64)
    | st.integers(0, 255).map(Uint8)
    | st.integers(0, (1 << 64) - 1).map(Uint64)
)
VALUE = st.recursive(
    SCALAR | st.lists(st.binary(max_size=4), max_size=3).map(Strings) | st.binary(max_size=4).map(lambda raw: Bytes(map(Uint8, raw))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=4), inner, max_size=4),
    max_leaves=10,
)
DIRECTIVE = st.builds(
    "%{}{}{}{}".format,
    st.text("#0+- ", max_size=3),
    st.sampled_from(["", "[1]", "[2]", "[9]", "[x", "[]"]),
    st.sampled_from(["", "0", "3", "12", "*", "[1]*", "1000001"]) | st.sampled_from([".", ".0", ".5", ".*", ".[2]*", ".25"]),
    st.sampled_from([*string.ascii_letters, "%", "!", "é", ""]),
).map(str.encode)
FORMAT = st.lists(DIRECTIVE | st.binary(max_size=4), max_size=5).map(b"".join)


class TestTotality:
    @given(FORMAT, st.lists(VALUE, max_size=4))
    def test_sprintf(self, form, args):
        """Any format over any values is a text, or more than a value may be."""
        try:
            assert type(sprintf([form, *args])) is bytes
        except FunctionError:
            assert b"1000001" in form or b"*" in form

    @given(st.lists(VALUE, max_size=4))
    def test_all_others(self, args):
        for printer in (sprint, sprintln, html, js, urlquery):
            assert type(printer(args)) is bytes

    @given(VALUE)
    def test_show_is_percent_v(self, value):
        assert show(value) == sprint([value]) == sprintf([b"%v", value])


class TestRoundTrips:
    @given(INT, st.sampled_from([("d", 10), ("x", 16), ("X", 16), ("o", 8), ("b", 2), ("#x", 0), ("#X", 0), ("#b", 0), ("O", 0)]))
    def test_integers(self, number, verb):
        """Each base reads back; base 0 is told by the prefix."""
        letter, base = verb
        assert int(sprintf([f"%{letter}".encode(), number]), base) == number

    @given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([b"%v", b"%g", b"%.17g", b"%.17e", b"%G"]))
    def test_floats(self, number, form):
        """The shortest digits, and 17 of them, read back equal."""
        assert float(sprintf([form, number])) == number

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_hexadecimal_floats(self, number):
        assert float.fromhex(sprintf([b"%x", number]).decode()) == number

    @given(st.binary())
    def test_hexadecimal(self, raw):
        assert bytes.fromhex(sprintf([b"% x", raw]).decode()) == raw

    @given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])).filter(lambda text: not set(text) & set("\a\v\x7f")))
    def test_quoted(self, text):
        """Within the escapes that JSON shares, a quoted text is a JSON string."""
        raw = quoted(text.encode())
        assume(b"\\x" not in raw)
        assert json.loads(raw) == text


class TestSizes:
    @given(st.integers(0, 40), st.binary(max_size=20))
    def test_a_width_is_the_least_number_of_runes(self, width, raw):
        padded = sprintf([b"%*s", width, raw])
        assert runes(padded) == max(width, len(go_text(raw)))
        assert padded.endswith(raw)

    @given(st.integers(0, 20), st.binary(max_size=20))
    def test_a_precision_is_the_most(self, prec, raw):
        short = sprintf([b"%.*s", prec, raw])
        assert raw.startswith(short)
        assert runes(short) == min(prec, runes(raw))

    @given(st.integers(-40, 40), FLOAT | INT)
    def test_numbers_fill_their_width(self, width, number):
        assert len(sprintf([b"%0*v", width, number])) == max(abs(width), len(show(number)))


class TestEscapes:
    @given(st.binary())
    def test_nothing_special_is_left(self, raw):
        assert not set(html([raw])) & set(b"<>\"'\0")
        assert not set(js([raw])) & set(b"<>&=\0\n")
        assert not set(urlquery([raw])) & set(b" &=?#/<>\"'")
