"""How the human commands print: plain columns, colour only on a terminal, secret values only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TextIO

from eso_core.secret import SecretBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from eso_shell.plugins import Plugins

RED, GREEN, YELLOW, BOLD, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[0m"


class Paint:
    """Colours, or none."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def __call__(self, code: str, text: str) -> str:
        return f"{code}{text}{PLAIN}" if self._colour and code else text


def paint_for(stream: TextIO, environ: Mapping[str, str]) -> Paint:
    """Colours on a terminal that can show them, unless ``NO_COLOR`` is set (no-color.org)."""
    return Paint(colour=stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], colour: Callable[[str, str], str] = lambda head, cell: cell) -> str:
    """Columns as ``kubectl get`` prints them. Control characters are shown, not sent to the terminal.

    ``colour`` paints a padded cell of the column ``head``; it may add nothing that takes up room.
    """
    lines = [tuple(heads), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    widths[-1] = 0  # nothing follows the last column
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    body = [[colour(head, cell) for head, cell in zip(heads, line, strict=True)] for line in padded[1:]]
    return "\n".join("   ".join(line).rstrip() for line in (padded[0], *body))


def plugins_told(stream: TextIO) -> Plugins:
    """Providers from other packages; ``stream`` is told of those that cannot be used."""
    from eso_shell.plugins import plugins

    held = plugins()
    for trouble in held.troubles:
        stream.write(f"warning: {printable(trouble)}\n")
    return held


def printable(text: str) -> str:
    """``text`` on one line, without anything that a terminal would act on."""
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def revealed(value: SecretBytes) -> str:
    """A value for a person who asked to see it."""
    raw = value.reveal()
    try:
        return printable(raw.decode())
    except UnicodeDecodeError:
        return f"{len(raw)} bytes, not text: {raw[:24].hex()}{'…' if len(raw) > 24 else ''}"
