"""A line with a caret: bytes, tabs, wide characters, long lines."""

from __future__ import annotations

import pytest

from eso_shell.cli.caret import WIDTH, excerpt


def under(text: bytes, column: int, line: int = 1) -> str:
    """What stands above the caret."""
    shown, marks = excerpt(text, line, column)
    place, width = marks.index("^"), 0
    for number, character in enumerate(shown):
        if width == place and not 0x300 <= ord(character) < 0x370:
            return shown[number:]
        width += 2 if ord(character) > 0x2E80 else 0 if 0x300 <= ord(character) < 0x370 else 1
    return "" if width == place else "?"


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        (b"abc", 0, "abc"),
        (b"abc", 2, "c"),
        (b"abc", 3, ""),
        (b"\ta", 1, "a"),
        (b"a\tb", 2, "b"),
        ("ä€x".encode(), 5, "x"),
        ("漢字x".encode(), 6, "x"),
        ("e\u0301x".encode(), 3, "x"),
        (b"\xff\xfex", 2, "x"),
        (b"\x1b[31mx", 5, "x"),
        (b"one\r\n", 1, "ne"),
    ],
)
def test_the_caret_stands_under_its_byte(text: bytes, column: int, expected: str) -> None:
    assert under(text, column) == expected


def test_the_line_has_its_number() -> None:
    assert excerpt(b"one\ntwo\nthree", 2, 1) == ["    2 | two", "      |  ^"]
    assert excerpt(b"one\ntwo", 2, None) == ["    2 | two"]


@pytest.mark.parametrize(("line", "column"), [(0, 0), (3, 0)])
def test_no_such_line(line: int, column: int) -> None:
    assert excerpt(b"one\ntwo", line, column) == []


@pytest.mark.parametrize("column", [-1, 4, 1 << 40])
def test_no_such_column(column: int) -> None:
    assert excerpt(b"one", 1, column) == ["    1 | one"]


@pytest.mark.parametrize("column", [0, 50, 99, 100, 5_000, 99_990, 99_999])
def test_long_lines_are_cut_around_the_caret(column: int) -> None:
    text = b"-" * column + b"X" + b"-" * (99_999 - column)
    shown, marks = excerpt(text, 1, column)
    assert shown[marks.index("^")] == "X"
    assert len(shown) <= WIDTH + len("    1 | ") + 2
    assert shown.endswith("…") == (column < 99_950)
    assert ("| …" in shown) == (column > 60)


def test_a_long_line_of_wide_characters() -> None:
    shown, marks = excerpt("漢".encode() * 5_000 + b"X", 1, 15_000)
    assert shown.endswith("X")
    assert len(marks) < WIDTH + 20


def test_terminals_are_not_told_anything() -> None:
    assert "\x1b" not in "".join(excerpt(b"\x1b]0;title\x07x", 1, 3))
