"""Go strings are bytes, Python strings are code points: the crossings between the two.

Source: Go specification, "for range over string" and conversions; `strconv.Quote`.
"""

import re

_ESCAPED = re.compile("[\ud800-\udfff]")
_QUOTED = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


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
    """`strconv.Quote`, which is what the verb `%q` prints."""
    return '"' + "".join(map(_quoted_rune, text)) + '"'


def _quoted_rune(rune: str) -> str:
    if rune in _QUOTED:
        return _QUOTED[rune]
    if rune.isprintable():
        return rune
    code = ord(rune)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
