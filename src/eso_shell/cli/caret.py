"""One line of a text with a caret under a place in it.

Places are in bytes, as Go counts them; columns of a terminal are something else: a tab is four here, a wide character is two, a combining
one none. A long line is cut around the caret.
"""

from __future__ import annotations

import unicodedata

from eso_shell.cli.show import printable

WIDTH = 100  # columns of a line that is shown
_BEFORE = 60  # of them at most before the caret, when the line is cut
_TAB = "    "
_CUT = "…"


def excerpt(text: bytes, line: int, column: int | None) -> list[str]:
    """The ``line`` (from 1) of ``text`` with its number, and a caret below its byte ``column`` (from 0). Of no line: nothing."""
    lines = text.split(b"\n", line)
    if not 1 <= line <= len(lines):
        return []
    raw = lines[line - 1].removesuffix(b"\r")
    head = f"{line:>5} | "
    if column is None or not 0 <= column <= len(raw):
        return [head + _window(raw, 0)[0]]
    shown, place = _window(raw, column)
    return [head + shown, f"{'':>5} | {' ' * place}^"]


def _window(raw: bytes, column: int) -> tuple[str, int]:
    """What is shown of a line, and how many columns stand before ``column``."""
    before = [_shown(c) for c in raw[max(0, column - 8 * WIDTH) : column].decode("utf-8", "backslashreplace")]
    after = [_shown(c) for c in raw[column : column + 8 * WIDTH].decode("utf-8", "backslashreplace")]
    if _columns(before) + _columns(after) <= WIDTH and column + len(raw[column:]) <= 8 * WIDTH:
        return "".join(before + after), _columns(before)
    kept = _last(before, _BEFORE)
    start = _CUT if len(kept) < len(before) or column > 8 * WIDTH else ""
    room = WIDTH - _columns(kept)
    rest = _first(after, room)
    end = _CUT if len(rest) < len(after) or len(raw) - column > 8 * WIDTH else ""
    return start + "".join(kept + rest) + end, len(start) + _columns(kept)


def _last(cells: list[str], room: int) -> list[str]:
    return _first(cells[::-1], room)[::-1]


def _first(cells: list[str], room: int) -> list[str]:
    taken: list[str] = []
    for cell in cells:
        room -= _width(cell)
        if room < 0:
            break
        taken.append(cell)
    return taken


def _shown(character: str) -> str:
    return _TAB if character == "\t" else printable(character)


def _columns(cells: list[str]) -> int:
    return sum(map(_width, cells))


def _width(cell: str) -> int:
    """The columns of what :func:`_shown` gives."""
    if cell.isascii():
        return len(cell)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell)
