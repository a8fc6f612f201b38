"""Base64, base32 and hex (source: Go 1.26 ``encoding/base64``, ``encoding/base32``, ``encoding/hex``).

Line breaks within base64 and base32 do not count, nor do bits that are left over. A text that cannot be decoded gives Go's error text as
the value (source: the reference's ``sprig/strings.go``).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from returns.result import Failure

from eso_core.compat.decode import decode
from eso_core.template.limits import room_for
from eso_core.template.values import Function

_NEWLINES = b"\r\n"
_BASE32_GROUPS = re.compile(rb"(?:[A-Z2-7]{8})*+")
_BASE32_GROUP = re.compile(rb"[A-Z2-7]{0,8}")
_BASE32_DIGITS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv")
_HEX = re.compile(rb"[0-9a-fA-F]*+")


def b64enc(text: bytes) -> bytes:
    room_for(len(text) * 4 // 3)
    return binascii.b2a_base64(text, newline=False)


def b64dec(text: bytes) -> bytes:
    if len(text) % 4 == 0 and not text.endswith(b"==="):  # else the strict mode lets padding follow a group that is whole
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            pass
    decoded = decode("Base64", text)
    return decoded.failure().encode() if isinstance(decoded, Failure) else decoded.unwrap()


def b32enc(text: bytes) -> bytes:
    room_for(len(text) * 8 // 5)
    return base64.b32encode(text)


def b32dec(text: bytes) -> bytes:
    """Groups of eight characters; the last one may be padded. What follows padding is not looked at if it is short."""
    text = text.translate(None, _NEWLINES)
    groups = _BASE32_GROUPS.match(text)
    start = groups.end() if groups else 0
    fault = _base32_fault(text, start) if start < len(text) else None
    if fault is not None:
        return b"illegal base32 data at input byte %d" % fault
    tail = _BASE32_GROUP.match(text, start)
    end = tail.end() if tail else start
    bits = int(text[:end].translate(_BASE32_DIGITS) or b"0", 32) >> (end * 5 % 8)
    return bits.to_bytes(end * 5 // 8, "big")


def _base32_fault(text: bytes, start: int) -> int | None:
    """Where Go finds fault with the group that begins at ``start``, which is not whole; None if its padding makes up for it."""
    found = _BASE32_GROUP.match(text, start)
    at = found.end() if found else start
    size, left = at - start, len(text) - at - 1
    if left < 0:
        return start
    if text[at] != ord("=") or size < 2 or left >= 8:
        return at
    if left + size < 7:
        return len(text)
    for padding in range(at + 1, start + 8):
        if padding < len(text) and text[padding] != ord("="):
            return padding - 1
    return at if size in (3, 6) else None


def hexdec(text: bytes) -> bytes:
    found = _HEX.match(text)
    end = found.end() if found else 0
    if end < len(text):
        rune = chr(text[end])
        shown = f" '{rune}'" if rune.isprintable() else ""
        return f"encoding/hex: invalid byte: U+{text[end]:04X}{shown}".encode()
    if end % 2:
        return b"encoding/hex: odd length hex string"
    return binascii.unhexlify(text)


_SIGNATURE = "func(string) string"

TABLE: Mapping[str, Function] = {
    "b64enc": Function(_SIGNATURE, b64enc),
    "b64dec": Function(_SIGNATURE, b64dec),
    "b32enc": Function(_SIGNATURE, b32enc),
    "b32dec": Function(_SIGNATURE, b32dec),
    "hexdec": Function(_SIGNATURE, hexdec),
}
