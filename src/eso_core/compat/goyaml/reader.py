"""From bytes to characters (source: go-yaml v2.4 ``readerc.go``).

UTF-8, or UTF-16 with a byte order mark. The library reads 512 bytes at a time, as the scanner asks for them, so a character that is
refused matters only to a scanner that gets as far as its block: :class:`Source` ends before that block and says what follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

END = "\0"  # behind the last character; no document may have it
BOM = "\ufeff"
BLOCK = 512  # bytes
_PAD = END * 8  # the scanner looks some characters ahead
_REFUSED = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Source:
    """``text`` is padded with ``END``; ``size`` is its length without. ``problem`` is what the reader says when asked for more."""

    text: str
    size: int
    problem: str = ""


def source(data: bytes) -> Source:
    """The characters of ``data``."""
    encoding = _UTF16.get(data[:2])
    if encoding is not None:
        return _source(data[2:], encoding, 2)
    if data.startswith(b"\xef\xbb\xbf"):
        return _source(data[3:], "utf-8", 3)
    return _source(data, "utf-8", 0)


def _source(data: bytes, encoding: str, mark: int) -> Source:
    """``mark``: the bytes before ``data`` in its first block."""
    problem = ""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        text, problem = data[: error.start].decode(encoding), _undecodable(data[error.start : error.start + 4], encoding)
    refused = None if text.isascii() and text.isprintable() else _REFUSED.search(text)
    if refused is not None:
        text, problem = text[: refused.start()], "control characters are not allowed"
    if problem:
        text = _whole_blocks(text.encode(encoding), encoding, mark).decode(encoding)
    return Source(text + _PAD, len(text), problem)


def _whole_blocks(data: bytes, encoding: str, mark: int) -> bytes:
    """``data`` up to the end of its last full block; a character that does not end in a block is in the next one."""
    at, end = 0, BLOCK - mark
    while end <= len(data):
        if encoding == "utf-8":
            while end < len(data) and data[end] & 0xC0 == 0x80:
                end -= 1
        else:
            end -= end % 2
            high = end + encoding.endswith("le")
            if high < len(data) and data[high] & 0xFC == 0xDC:
                end -= 2
        at, end = end, end + BLOCK
    return data[:at]


def _undecodable(data: bytes, encoding: str) -> str:
    """What the library says of the bytes at the beginning of ``data``, which are not a character."""
    if encoding != "utf-8":
        return _undecodable16(data, encoding)
    lead = data[0]
    width = 2 if lead & 0xE0 == 0xC0 else 3 if lead & 0xF0 == 0xE0 else 4 if lead & 0xF8 == 0xF0 else 0
    if not width:
        return "invalid leading UTF-8 octet"
    if len(data) < width:
        return "incomplete UTF-8 octet sequence"
    if any(octet & 0xC0 != 0x80 for octet in data[1:width]):
        return "invalid trailing UTF-8 octet"
    value = lead & (0x7F >> width)
    for octet in data[1:width]:
        value = value << 6 | octet & 0x3F
    return "invalid length of a UTF-8 sequence" if value < (0, 0, 0x80, 0x800, 0x10000)[width] else "invalid Unicode character"


def _undecodable16(data: bytes, encoding: str) -> str:
    if len(data) < 2:
        return "incomplete UTF-16 character"
    if data[encoding.endswith("le")] & 0xFC == 0xDC:
        return "unexpected low surrogate area"
    return "incomplete UTF-16 surrogate pair" if len(data) < 4 else "expected low surrogate area"
