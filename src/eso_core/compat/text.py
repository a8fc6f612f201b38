"""Go strings are bytes, Python strings are code points: the crossings between the two.

Source: Go specification, "for range over string" and conversions; `strconv.Quote`.
"""

import re
from collections.abc import Mapping
from functools import cache

from eso_core.compat.printable import is_print, printable_class

_ESCAPED = re.compile("[\ud800-\udfff]")
_CLEAN = re.compile(rb"[ !#-\[\]-~]*")
_NOT_PLAIN = re.compile(r"([^ !#-\[\]-~])")
_NOT_RAW = re.compile(rb"[\x00-\x08\x0a-\x1f`\x7f]")


def go_text(raw: bytes) -> str:
    """The runes of `raw`; every byte that is not part of valid UTF-8 becomes one U+FFFD."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return whole(raw.decode("utf-8", "surrogateescape"))


def whole(text: str) -> str:
    """`text` with each lone surrogate replaced by U+FFFD."""
    return _ESCAPED.sub("\ufffd", text)


def to_bytes(text: str) -> bytes:
    """The UTF-8 bytes of `text`; a lone surrogate, which no Go string has, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return whole(text).encode()


def quote(text: str) -> str:
    """`strconv.Quote`, which is what the verb `%q` prints. A code point of `surrogateescape` is the byte that it stands for."""
    return f'"{_escaped(text)}"'


def quote_bytes(raw: bytes, *, ascii_only: bool = False) -> bytes:
    """`strconv.Quote` of any Go string, or `strconv.QuoteToASCII`."""
    if _CLEAN.fullmatch(raw):
        return b'"%b"' % raw
    text = raw.decode("utf-8", "surrogateescape")
    return b'"%b"' % (_ascii_escaped(text) if ascii_only else _escaped(text)).encode()


def quote_rune(rune: str, *, ascii_only: bool = False) -> str:
    """`strconv.QuoteRune` or `strconv.QuoteRuneToASCII` of one code point."""
    inner = {"'": "\\'", '"': '"'}.get(rune) or (_ascii_escaped(rune) if ascii_only else _escaped(rune))
    return f"'{inner}'"


def can_backquote(raw: bytes) -> bool:
    """`strconv.CanBackquote`: one line of valid UTF-8 without control characters other than the tab, backquotes and byte order marks."""
    if _NOT_RAW.search(raw):
        return False
    try:
        return "\ufeff" not in raw.decode()
    except UnicodeDecodeError:
        return False


def replace_each(pattern: re.Pattern[str], table: Mapping[str, str], text: str) -> str:
    """`text` with each match of `pattern`, which is one group, replaced by its entry; faster than `re.sub` where there are many."""
    parts = pattern.split(text)
    if len(parts) > 1:
        parts[1::2] = map(table.__getitem__, parts[1::2])
    return "".join(parts)


def _escaped(text: str) -> str:
    return replace_each(_NOT_PLAIN, _ESCAPES, text) if text.isascii() else replace_each(_unprintable(), _PRINTABLE_OR_ESCAPES, text)


def _ascii_escaped(text: str) -> str:
    return replace_each(_NOT_PLAIN, _ESCAPES, text)


@cache
def _unprintable() -> re.Pattern[str]:
    """What may have to be escaped: beyond U+FFFF, all."""
    return re.compile(rf"([^ !#-\[\]-~{printable_class()}])")


class _Escapes(dict[str, str]):
    """The escape of each code point; the shorter ones are entries."""

    def __missing__(self, rune: str) -> str:
        code = ord(rune)
        if code < 0x80 or 0xDC80 <= code <= 0xDCFF:
            return f"\\x{code & 0xFF:02x}"
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ESCAPES = _Escapes({'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"})


class _PrintableOrEscapes(_Escapes):
    def __missing__(self, rune: str) -> str:
        return rune if rune > "\uffff" and is_print(rune) else super().__missing__(rune)


_PRINTABLE_OR_ESCAPES = _PrintableOrEscapes(_ESCAPES)
