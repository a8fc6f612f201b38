"""What reaches a terminal: columns, colour where it is wanted, and no control characters."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eso_core.secret import SecretBytes
from eso_shell.cli.show import GREEN, PLAIN, Paint, paint_for, printable, revealed, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestColour:
    @pytest.mark.parametrize(
        ("stream", "environ", "coloured"),
        [
            (Terminal(), {"TERM": "xterm"}, True),
            (Terminal(), {}, True),
            (io.StringIO(), {"TERM": "xterm"}, False),
            (Terminal(), {"NO_COLOR": "1"}, False),
            (Terminal(), {"NO_COLOR": ""}, True),  # no-color.org: present and not empty
            (Terminal(), {"TERM": "dumb"}, False),
        ],
    )
    def test_only_on_a_terminal_that_wants_it(self, stream: io.StringIO, environ: dict[str, str], coloured: bool) -> None:
        assert paint_for(stream, environ)(GREEN, "x") == (f"{GREEN}x{PLAIN}" if coloured else "x")

    def test_no_colour_is_no_escape(self) -> None:
        assert Paint(colour=True)("", "x") == "x"


class TestTable:
    def test_columns(self) -> None:
        assert table(("A", "LONG HEAD"), [("wide cell", "x"), ("b", "")]) == "A           LONG HEAD\nwide cell   x\nb"

    def test_the_last_column_takes_no_room(self) -> None:
        assert table(("A", "B"), [("1", "x" * 200), ("2", "y")]).splitlines()[2] == "2   y"

    def test_no_rows(self) -> None:
        assert table(("A", "B"), []) == "A   B"

    def test_colour_is_for_the_cells_of_one_column(self) -> None:
        paint = Paint(colour=True)
        found = table(("READY", "NAME"), [("True", "True")], lambda head, cell: paint(GREEN, cell) if head == "READY" else cell)
        assert found.splitlines()[1] == f"{GREEN}True {PLAIN}   True"

    def test_control_characters(self) -> None:
        assert table(("A",), [("\x1b[2J\n",)]) == "A\n\\x1b[2J\\x0a"


class TestPrintable:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("plain, with ümläut and 世界", "plain, with ümläut and 世界"),
            ("a\nb\tc\r", "a\\x0ab\\x09c\\x0d"),
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("\x9b31m", "\\x9b31m"),  # C1: an escape sequence in one character
            ("\u202egnp.exe", "\\u202egnp.exe"),  # turns the direction of writing
            ("\U000e0041", "\\U000e0041"),
            ("\udc80", "\\udc80"),  # half a file name
        ],
    )
    def test_examples(self, text: str, shown: str) -> None:
        assert printable(text) == shown

    @given(st.text())
    def test_the_result_is_one_line_that_can_be_written(self, text: str) -> None:
        shown = printable(text)
        assert shown.isprintable()
        shown.encode()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"plain", "plain"),
        (b"two\nlines\x1b[m", "two\\x0alines\\x1b[m"),
        (b"\xff\x00", "2 bytes, not text: ff00"),
        (b"\xff" * 40, "40 bytes, not text: " + "ff" * 24 + "…"),
    ],
)
def test_revealed(value: bytes, shown: str) -> None:
    assert revealed(SecretBytes(value)) == shown
