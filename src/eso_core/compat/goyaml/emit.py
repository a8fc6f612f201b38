"""From values to text (source: go-yaml v2.4 ``encode.go``, ``emitterc.go``, ``sorter.go``; sigs.k8s.io/yaml v1.6 ``Marshal``).

The library writes JSON, reads that as YAML, and writes what it read. So what is no YAML in the JSON is an error: control characters that
JSON does not escape, keys of more than 1024 characters; U+0085 is a line break there and is folded; ``1e6`` is the int ``1000000``.
The errors are the library's but for the line, which is that of the JSON.

Layout: two spaces a level, sequences in mappings at the level of their key, ``{}`` and ``[]`` for empty ones; long lines are folded at a
space behind column 80. Style of a string: literal if it has a line feed, plain if that reads back as a string, else double quoted; single
quoted where plain may not begin with or contain what the string does, double quoted where neither may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cmp_to_key
from unicodedata import category

from returns.result import Failure, Result, Success

from eso_core.compat.gofmt import float_json, float_v
from eso_core.compat.gojson import Json, marshal
from eso_core.compat.goyaml.fault import Fault, Refused
from eso_core.compat.goyaml.parser import DEPTH_MAX
from eso_core.compat.goyaml.reader import BOM
from eso_core.compat.goyaml.resolve import STR, resolve
from eso_core.compat.goyaml.scanner import KEY_MAX
from eso_core.compat.runes import is_letter
from eso_core.compat.text import whole

WIDTH = 80  # column behind which a line is folded
SIMPLE_KEY_MAX = 128  # bytes of a key that stands before its colon without a ``?``

_INT64 = 1 << 63
_BREAK = "\n\r\x85\u2028\u2029"
_SIMPLE = re.compile(r"[A-Za-z_/](?:[\w./@%+=,;()$!*&^~<>|{}\[\]\"'`?-]|:(?=[^\s:])| (?=[\w./]))*+", re.ASCII)
_UNREADABLE = re.compile("[\x7f-\x84\x86-\x9f\ufffe\uffff]")
_NEL = re.compile(" *\x85[ \x85]*")
_MARK_BEHIND_NEL = re.compile("\x85(?:---|\\.\\.\\.)[ \x85]")
_UNPRINTABLE = re.compile("[^\n -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_ESCAPED = re.compile("[^ !#-\\[\\]-~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_BASE60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_ANY_BREAK = re.compile(f"[{_BREAK}]")
_SPACE_BREAK = re.compile(f" [{_BREAK}]")
_BREAK_SPACE = re.compile(f"[{_BREAK}] ")
_PIECES = re.compile(f" |[{_BREAK}]|[^ {_BREAK}]+")
_LINES = re.compile(f"[{_BREAK}]|[^{_BREAK}]+")
_NAMES = {
    "\0": "0",
    "\a": "a",
    "\b": "b",
    "\t": "t",
    "\n": "n",
    "\v": "v",
    "\f": "f",
    "\r": "r",
    "\x1b": "e",
    '"': '"',
    "\\": "\\",
    "\x85": "N",
    "\xa0": "_",
    "\u2028": "L",
    "\u2029": "P",
}


def dump(value: Json) -> Result[bytes, Fault]:
    """``yaml.Marshal``. A lone surrogate is U+FFFD, as Go's JSON writes it."""
    writer = _Writer()
    try:
        writer.root(value)
    except Refused as refused:
        return Failure(refused.fault)
    except RecursionError:  # the caller has used most of what Python allows
        return Failure(Fault(_failed("value is nested too deeply")))
    return Success("".join(writer.out).encode("utf-8", "replace"))


class _Writer:
    """What was written, and where that ends: ``indented`` if there is nothing but indentation and indicators on the line so far."""

    __slots__ = ("column", "depth", "indented", "out", "spaced")

    def __init__(self) -> None:
        self.out: list[str] = []
        self.column = self.depth = 0
        self.spaced = self.indented = True

    def root(self, value: Json) -> None:
        """A document."""
        self._node(value, -1, in_mapping=False)
        self._indent(0)

    def _put(self, text: str) -> None:
        self.out.append(text)
        self.column += len(text)

    def _line(self) -> None:
        self.out.append("\n")
        self.column = 0

    def _indent(self, indent: int) -> None:
        """Begin a line at ``indent``, unless the line that is written is at its beginning."""
        if not self.indented or self.column > indent or (self.column == indent and not self.spaced):
            self._line()
        if self.column < indent:
            self._put(" " * (indent - self.column))
        self.spaced = self.indented = True

    def _indicator(self, text: str, apart: bool = True, spaced: bool = False, indented: bool = False) -> None:
        if apart and not self.spaced:
            self._put(" ")
        self._put(text)
        self.spaced = spaced
        self.indented = self.indented and indented

    def _node(self, value: Json, indent: int, in_mapping: bool) -> None:
        if isinstance(value, dict | list):
            self.depth += 1
            if self.depth > DEPTH_MAX:
                raise Refused(_failed(f"exceeded max depth of {DEPTH_MAX}"))
            if not value:
                self._indicator("{}" if isinstance(value, dict) else "[]")
            elif isinstance(value, dict):
                self._mapping(value, indent + 2 if indent >= 0 else 0)
            else:
                self._sequence(value, indent if in_mapping and not self.indented and indent >= 0 else indent + 2 if indent >= 0 else 0)
            self.depth -= 1
        elif isinstance(value, str):
            self._string(_as_read(value), indent + 2 if indent >= 0 else 2, simple_key=False)
        else:
            self._plain(_scalar(value), 0, False)

    def _sequence(self, items: list[Json], indent: int) -> None:
        for item in items:
            self._indent(indent)
            self._indicator("-", indented=True)
            self._node(item, indent, in_mapping=False)

    def _mapping(self, members: dict[str, Json], indent: int) -> None:
        shown = {_key_as_read(key): value for key, value in members.items()}
        for key in sorted_keys(shown):
            self._member(key, shown[key], indent)

    def _member(self, key: str, value: Json, indent: int) -> None:
        self._indent(indent)
        if _is_simple_key(key):
            self._string(key, indent + 2, simple_key=True)
            self._indicator(":", apart=False)
        else:
            self._indicator("?", indented=True)
            self._string(key, indent + 2, simple_key=False)
            self._indent(indent)
            self._indicator(":", indented=True)
        self._node(value, indent, in_mapping=True)

    # --- strings ------------------------------------------------------------------------------------------------------------------

    def _string(self, text: str, indent: int, simple_key: bool) -> None:
        if _SIMPLE.fullmatch(text) and resolve("", text)[0] == STR:
            self._plain(text, indent, not simple_key)
            return
        special = _UNPRINTABLE.search(text) is not None or _SPACE_BREAK.search(text) is not None
        if "\n" in text:
            if special or simple_key or text[-1] == " ":
                self._double(text, indent, not simple_key)
            else:
                self._literal(text, indent)
        elif special or resolve("", text)[0] != STR or _BASE60.fullmatch(text) or _BREAK_SPACE.search(text):
            self._double(text, indent, not simple_key)
        elif text[0] == " " or text[-1] == " " or _ANY_BREAK.search(text) or _has_indicator(text):
            self._single(text, indent, not simple_key)
        else:
            self._plain(text, indent, not simple_key)

    def _plain(self, text: str, indent: int, fold: bool) -> None:
        if not self.spaced:
            self._put(" ")
        if not fold or self.column + len(text) <= WIDTH or " " not in text:
            self._put(text)
        else:
            self._folded(text, indent, "")
        self.spaced = self.indented = False

    def _single(self, text: str, indent: int, fold: bool) -> None:
        self._indicator("'")
        if fold and (self.column + len(text) > WIDTH or _ANY_BREAK.search(text)):
            self._folded(text, indent, "'")
        else:
            self._put(text.replace("'", "''"))
        self._indicator("'", apart=False)
        self.spaced = self.indented = False

    def _folded(self, text: str, indent: int, quote: str) -> None:
        """Plain or single quoted, over several lines."""
        at, spaces, broken = 0, False, False
        for piece in _PIECES.findall(text):
            at += len(piece)
            if piece == " ":
                inner = not quote or 1 < at < len(text)
                if not spaces and self.column > WIDTH and inner and not text.startswith(" ", at):
                    self._indent(indent)
                else:
                    self._put(piece)
                spaces = True
            elif piece in _BREAK:
                self.out.append(piece)
                self.column, self.indented, broken = 0, True, True
            else:
                if broken:
                    self._indent(indent)
                self._put(piece.replace("'", "''") if quote else piece)
                self.indented = spaces = broken = False

    def _double(self, text: str, indent: int, fold: bool) -> None:
        self._indicator('"')
        shown = "".join(map(_escape, text)) if text.startswith(BOM) else _ESCAPED.sub(lambda rune: _escape(rune.group()), text)
        if not fold or self.column + len(shown) <= WIDTH or " " not in shown:
            self._put(shown)
        else:
            self._folded_double(shown, indent)
        self._indicator('"', apart=False)
        self.spaced = self.indented = False

    def _folded_double(self, shown: str, indent: int) -> None:
        at, spaces = 0, False
        for piece in _PIECES.findall(shown):
            at += len(piece)
            if piece != " ":
                self._put(piece)
                spaces = False
                continue
            if not spaces and self.column > WIDTH and 1 < at < len(shown):
                self._indent(indent)
                if shown.startswith(" ", at):
                    self._put("\\")
            else:
                self._put(" ")
            spaces = True

    def _literal(self, text: str, indent: int) -> None:
        chomp = "-" if text[-1] not in _BREAK else "+" if len(text) == 1 or text[-2] in _BREAK else ""
        self._indicator("|")
        self._put(("2" if text[0] in " " + _BREAK else "") + chomp)
        self._line()
        self.spaced = self.indented = broken = True
        for piece in _LINES.findall(text):
            if piece in _BREAK:
                self.out.append(piece)
                self.column, self.indented, broken = 0, True, True
            else:
                if broken:
                    self._indent(indent)
                self._put(piece)
                self.indented = broken = False


def _failed(what: str) -> str:
    return f"yaml: {what}"


def _scalar(value: Json) -> str:
    """A scalar that is no string, as the number that its JSON is read as is written."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -(1 << 63) <= value < 1 << 64 else float_v(float(value))
    if not isinstance(value, float):
        raise Refused(f"error marshaling into JSON: json: unsupported type: {type(value).__name__}")
    if value != value or value in (float("inf"), float("-inf")):
        raise Refused(f"error marshaling into JSON: json: unsupported value: {float_v(value)}")
    found = resolve("", float_json(value))[1]
    return float_v(found) if isinstance(found, float) else str(found)


def _as_read(text: str) -> str:
    """A string as the scanner reads its JSON."""
    if text.isascii():
        if "\x7f" not in text:
            return text
    else:
        text = whole(text)
    if _UNREADABLE.search(text):
        raise Refused(_failed("control characters are not allowed"))
    if "\x85" not in text:
        return text
    if _MARK_BEHIND_NEL.search(text):
        raise Refused(_failed("found unexpected document indicator"))
    return _NEL.sub(lambda gap: "\n" * (gap.group().count("\x85") - 1) or " ", text)


def _key_as_read(key: str) -> str:
    """The same for a key, which has to be on one line and may not be long."""
    if "\x85" in key or (len(key) * 6 + 2 > KEY_MAX and len(marshal(key).decode()) > KEY_MAX):
        raise Refused(_failed("did not find expected ',' or '}'"))
    return _as_read(key)


def _is_simple_key(key: str) -> bool:
    if len(key) > SIMPLE_KEY_MAX:
        return False
    if key.isascii():
        return "\n" not in key and "\r" not in key
    return len(key.encode()) <= SIMPLE_KEY_MAX and not _ANY_BREAK.search(key)


def _has_indicator(text: str) -> bool:
    """Whether something in ``text``, which is on one line, means something else in a plain scalar."""
    first = text[0]
    if first in "#,[]{}&*!|>'\"%@`" or text.startswith(("---", "...")):
        return True
    if first in "?-" and (len(text) == 1 or text[1] == " "):
        return True
    return ": " in text or text[-1] == ":" or " #" in text


def _escape(rune: str) -> str:
    name = _NAMES.get(rune)
    if name is not None:
        return "\\" + name
    code = ord(rune)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def sorted_keys(keys: Iterable[str]) -> list[str]:
    """``keyList``: digits as numbers, letters behind everything else."""
    names = list(keys)
    if all(name.isascii() and name.isalpha() for name in names):
        return sorted(names)
    return sorted(names, key=cmp_to_key(_compare))


def _compare(a: str, b: str) -> int:
    return -1 if _is_less(a, b) else 1 if _is_less(b, a) else 0


def _is_less(a: str, b: str) -> bool:
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if at is None:
        return len(a) < len(b)
    x, y = a[at], b[at]
    if _is_letter(x) and _is_letter(y):
        return x < y
    if _is_letter(x) or _is_letter(y):
        return _is_letter(y)
    start = 0
    if x == "0" or y == "0":
        before = at
        while before and _is_digit(a[before - 1]):
            before -= 1
            if a[before] != "0":
                start = 1
                break
    number, end = _number(a, at, start)
    other, other_end = _number(b, at, start)
    if number != other:
        return number < other
    return end < other_end if end != other_end else x < y


def _number(text: str, at: int, start: int) -> tuple[int, int]:
    """The digits from ``at`` on as an int64 that begins with ``start``, and where they end."""
    value = start
    while at < len(text) and _is_digit(text[at]):
        value = (value * 10 + ord(text[at]) - 48 + _INT64) % (2 * _INT64) - _INT64
        at += 1
    return value, at


def _is_letter(rune: str) -> bool:
    return rune.isalpha() if rune.isascii() else is_letter(rune)


def _is_digit(rune: str) -> bool:
    return "0" <= rune <= "9" if rune.isascii() else category(rune) == "Nd"
