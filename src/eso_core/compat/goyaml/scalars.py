"""The longer tokens: scalars and tags (source: go-yaml v2.4 ``scannerc.go``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eso_core.compat.goyaml.reader import END

if TYPE_CHECKING:
    from eso_core.compat.goyaml.scanner import Scanner

_BREAK = "\n\r\x85\u2028\u2029"
_BREAKZ = END + _BREAK
_BLANKS_AND_BREAKS = frozenset(" \t" + _BREAK)
_BLANKZ = _BREAKZ + " \t"
_PLAIN = re.compile(f"(?:[^{_BLANKZ}:]++|:(?![{_BLANKZ}]))++")
_PLAIN_FLOW = re.compile(f"(?:[^{_BLANKZ}:,?\\[\\]{{}}]++|:(?![{_BLANKZ}]))++")
_RUN = {"'": re.compile(f"[^{_BLANKZ}']+"), '"': re.compile(f'(?:[^{_BLANKZ}"\\\\]++|\\\\[0abt\tnvfre "\'\\\\N_LP])++')}
_SIMPLE_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = re.compile("[ \t]+")
_WHOLE = {"'": re.compile(f"'([^{_BREAKZ}']*)'"), '"': re.compile(f'"([^{_BREAKZ}"\\\\]*)"')}
_LINE = re.compile(f"[^{_BREAKZ}]*")
_SPACES = re.compile(" *")
_HEADER = re.compile("[|>](?:([+-])([0-9]?)|([0-9])([+-]?))?")
_URI = re.compile("[0-9A-Za-z_;/?:@&=+$,.!~*'()\\[\\]-]+")
_OCTET = re.compile("%([0-9A-Fa-f]{2})")
_HEX = re.compile("[0-9A-Fa-f]*")
_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_CODES = {"x": 2, "u": 4, "U": 8}


class _Fold:
    """White space between the parts of a scalar: kept within a line; a line break is a space, several are one less."""

    __slots__ = ("blanks", "first", "more", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.blanks = self.first = ""  # ``first``: the first line break
        self.more: list[str] = []  # the line breaks behind it

    def flush(self) -> None:
        """The white space is between two parts."""
        if not self.first:
            self.parts.append(self.blanks)
        elif self.first == "\n":
            self.parts.append("".join(self.more) or " ")
        else:
            self.parts.append(self.first + "".join(self.more))
        self.blanks = self.first = ""
        self.more = []


def plain(scan: Scanner) -> str:
    """A scalar without quotes, over several lines perhaps."""
    text, run = scan.text, _PLAIN_FLOW if scan.flow else _PLAIN
    first = run.match(text, scan.at)
    assert first is not None
    scan.at = first.end()
    if text[scan.at] not in _BLANKS_AND_BREAKS:
        scan.need(1)
        return first.group()
    fold, indent = _Fold(), scan.indent + 1
    fold.parts.append(first.group())
    while True:
        scan.need(2)
        broken = _gap(scan, fold, False, indent)
        scan.need(4)
        if not scan.flow and scan.at - scan.start < indent:
            break
        if (scan.at == scan.start and scan.at_document_mark()) or text[scan.at] == "#":
            break
        part = run.match(text, scan.at)
        if part is None:
            break
        fold.flush()
        broken = False
        fold.parts.append(part.group())
        scan.at = part.end()
        if text[scan.at] not in _BLANKS_AND_BREAKS:
            break
    if broken:
        scan.key_allowed = True
    return "".join(fold.parts)


def _gap(scan: Scanner, fold: _Fold, broken: bool, indent: int = -1) -> bool:
    """Take blanks and line breaks. ``indent``: where a tab is refused before. Whether a line break was among them or before them."""
    text = scan.text
    while True:
        rune = text[scan.at]
        if rune == " " or rune == "\t":
            blanks = _BLANKS.match(text, scan.at)
            assert blanks is not None
            if not broken:
                fold.blanks = blanks.group()
            elif -1 < text.find("\t", scan.at, blanks.end()) < scan.start + indent:
                scan.at = text.find("\t", scan.at)
                raise scan.fail("found a tab character that violates indentation")
            scan.at = blanks.end()
        elif rune in _BREAK:
            if rune == "\n":
                line_break, more = "\n", "\n" * (scan.skip_lines() - 1)
            else:
                line_break, more = scan.read_break(), ""
            if broken:
                more = line_break + more
            else:
                fold.blanks, fold.first, broken = "", line_break, True
            fold.more.append(more)
        else:
            scan.need(1)
            return broken


def quoted(scan: Scanner, quote: str) -> str:
    """A scalar in quotes."""
    text = scan.text
    whole = _WHOLE[quote].match(text, scan.at)
    if whole is not None and not (quote == "'" and text[whole.end()] == "'"):
        scan.at = whole.end()
        return whole.group(1)
    scan.at += 1
    fold = _Fold()
    while True:
        scan.need(4)
        if scan.at == scan.start and scan.at_document_mark():
            raise scan.fail("found unexpected document indicator")
        if text[scan.at] == END:
            raise scan.fail("found unexpected end of stream")
        broken = _parts(scan, quote, fold.parts)
        scan.need(1)
        if text[scan.at] == quote:
            scan.at += 1
            return "".join(fold.parts)
        if _gap_quoted(scan, fold, broken):
            fold.flush()


def _gap_quoted(scan: Scanner, fold: _Fold, escaped: bool) -> bool:
    """Take white space; behind an escaped line break (``escaped``) blanks count for nothing. Whether there is anything to fold."""
    if not escaped:
        _gap(scan, fold, False)
        return True
    broken = _gap(scan, fold, True)
    fold.parts.append("".join(fold.more))
    fold.more = []
    return not broken


def _parts(scan: Scanner, quote: str, parts: list[str]) -> bool:
    """Take what is neither white space nor the end; whether an escaped line break ended it."""
    text, run = scan.text, _RUN[quote]
    while True:
        part = run.match(text, scan.at)
        if part is not None:
            shown = part.group()
            parts.append(_SIMPLE_ESCAPE.sub(_unescaped, shown) if quote == '"' and "\\" in shown else shown)
            scan.at = part.end()
        scan.need(2)
        rune = text[scan.at]
        if rune == "\\" and quote == '"':
            if text[scan.at + 1] in _BREAK:
                scan.at += 1
                scan.skip_break()
                return True
            parts.append(_escape(scan))
        elif rune == "'" == quote and text[scan.at + 1] == "'":
            parts.append("'")
            scan.at += 2
        else:
            return False


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPES[escape[1]]


def _escape(scan: Scanner) -> str:
    """An escape with digits."""
    name = scan.text[scan.at + 1]
    width = _CODES.get(name)
    if width is None:
        raise scan.fail("found unknown escape character")
    scan.at += 2
    scan.need(width)
    digits = scan.text[scan.at : scan.at + width]
    if not _HEX.fullmatch(digits) or len(digits) < width:
        raise scan.fail("did not find expected hexdecimal number")
    code = int(digits, 16)
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        raise scan.fail("found invalid Unicode character escape code")
    scan.at += width
    return chr(code)


def block(scan: Scanner, literal: bool) -> str:
    """A scalar behind ``|`` or ``>``."""
    text = scan.text
    header = _HEADER.match(text, scan.at)
    assert header is not None
    chomp = header[1] or header[4] or ""
    digit = header[2] or header[3] or ""
    scan.at = header.end()
    if digit == "0":
        raise scan.fail("found an indentation indicator equal to 0")
    if not scan.skip_blanks_and_comment():
        raise scan.fail("did not find expected comment or line break")
    scan.read_break()
    indent = max(scan.indent, 0) + int(digit) if digit else 0
    parts: list[str] = []
    leading, after_blank = "", False  # the break of the last line, and whether that line began with a blank
    breaks, indent = _block_breaks(scan, indent)
    scan.need(1)
    while scan.at - scan.start == indent and text[scan.at] != END:
        blank = text[scan.at] in " \t"
        if not literal and not after_blank and not blank and leading == "\n":
            if not breaks:
                parts.append(" ")
        else:
            parts.append(leading)
        parts.append(breaks)
        after_blank = blank
        line = _LINE.match(text, scan.at)
        assert line is not None
        parts.append(line.group())
        scan.at = line.end()
        scan.need(2)
        leading = scan.read_break()
        breaks, indent = _block_breaks(scan, indent)
    if chomp != "-":
        parts.append(leading)
    if chomp == "+":
        parts.append(breaks)
    return "".join(parts)


def _block_breaks(scan: Scanner, indent: int) -> tuple[str, int]:
    """Take indentation and empty lines; their breaks, and the indentation of the scalar: it is found out here if it was 0."""
    text, widest = scan.text, 0
    breaks: list[str] = []
    while True:
        spaces = _SPACES.match(text, scan.at)
        assert spaces is not None
        scan.at = spaces.end() if not indent else max(scan.at, min(spaces.end(), scan.start + indent))
        column = scan.at - scan.start
        widest = max(widest, column)
        if text[scan.at] == "\t" and (not indent or column < indent):
            raise scan.fail("found a tab character where an indentation space is expected")
        scan.need(1)
        line_break = scan.read_break()
        if not line_break:
            return "".join(breaks), indent or max(widest, scan.indent + 1, 1)
        breaks.append(line_break)


def tag(scan: Scanner) -> tuple[str, str]:
    """The handle and the suffix of a tag."""
    if scan.text[scan.at + 1] == "<":
        scan.at += 2
        handle, suffix = "", tag_uri(scan, "")
        if scan.text[scan.at] != ">":
            raise scan.fail("did not find the expected '>'")
        scan.at += 1
    else:
        handle = tag_handle(scan, directive=False)
        if len(handle) > 1 and handle.endswith("!"):
            suffix = tag_uri(scan, "")
        else:
            suffix = tag_uri(scan, handle)
            handle, suffix = ("!", suffix) if suffix else ("", "!")
    scan.need(1)
    if scan.text[scan.at] not in _BLANKZ:
        raise scan.fail("did not find expected whitespace or line break")
    return handle, suffix


def tag_handle(scan: Scanner, directive: bool) -> str:
    """``!``, ``!!`` or ``!name!``; in a tag also ``!name``, which is a handle and the beginning of a suffix."""
    if scan.text[scan.at] != "!":
        raise scan.fail("did not find expected '!'")
    handle = "!" + scan.word(1)
    if scan.text[scan.at] == "!":
        scan.at += 1
        return handle + "!"
    if directive and handle != "!":
        raise scan.fail("did not find expected '!'")
    return handle


def tag_uri(scan: Scanner, head: str) -> str:
    """What follows ``head``, with it but without its ``!``."""
    parts = [head[1:]]
    begin = scan.at
    while True:
        part = _URI.match(scan.text, scan.at)
        if part is not None:
            parts.append(part.group())
            scan.at = part.end()
        scan.need(1)
        if scan.text[scan.at] != "%":
            break
        parts.append(_octets(scan))
    if not head and scan.at == begin:
        raise scan.fail("did not find expected tag URI")
    return "".join(parts)


def _octets(scan: Scanner) -> str:
    """One character as escaped octets."""
    raw, left = bytearray(), 1
    while left:
        octet = _OCTET.match(scan.text, scan.at)
        if octet is None:
            raise scan.fail("did not find URI escaped octet")
        value = int(octet[1], 16)
        if not raw:
            left = 1 if value < 0x80 else 2 if value & 0xE0 == 0xC0 else 3 if value & 0xF0 == 0xE0 else 4 if value & 0xF8 == 0xF0 else 0
            if not left:
                raise scan.fail("found an incorrect leading UTF-8 octet")
        elif value & 0xC0 != 0x80:
            raise scan.fail("found an incorrect trailing UTF-8 octet")
        raw.append(value)
        scan.at += 3
        left -= 1
    return raw.decode("utf-8", "surrogateescape")
