"""Numbers out of text as Go's `strconv` reads them: `ParseInt`, `Atoi` and `ParseFloat`.

An error is `syntax`, or `range` with the nearest value that fits; no error is an empty string.
"""

import math
import re
from typing import Literal, TypeAlias

Fault: TypeAlias = Literal["", "syntax", "range"]

INT64_MAX = (1 << 63) - 1
INT64_MIN = -(1 << 63)

_UINT64_MAX = (1 << 64) - 1
_BASES = {b"b": 2, b"o": 8, b"x": 16}
_DIGITS = {base: re.compile(rb"[%b]*" % digits) for base, digits in ((2, b"01"), (8, b"0-7"), (10, b"0-9"), (16, b"0-9a-fA-F"))}
_DIGITS_MAX = 400  # significant digits that are looked at; more overflow any integer
_STRAY = re.compile(rb"(?<![0-9bBoO])_|_(?![0-9])")  # an underscore that does not stand between digits or after a prefix
_STRAY_HEX = re.compile(rb"(?<![0-9a-fA-FxX])_|_(?![0-9a-fA-F])")
_PLAIN_INT = re.compile(rb"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(rb"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_HEX_FLOAT = re.compile(rb"([-+]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([-+]?)([0-9]+)")
_SPECIAL = re.compile(rb"[-+]?(?:inf|infinity)|nan", re.IGNORECASE)


def parse_int(text: bytes, base: int = 10) -> tuple[int, Fault]:
    """`strconv.ParseInt(text, base, 64)` for base 2, 8, 10, 16 or 0 (by prefix, underscores allowed)."""
    if base == 10 and _PLAIN_INT.fullmatch(text):
        return int(text), ""
    negative = text[:1] == b"-"
    body = text[1:] if negative or text[:1] == b"+" else text
    value, fault = _parse_uint(body, base)
    if fault == "syntax":
        return 0, fault
    if fault or value > INT64_MAX + negative:
        return (INT64_MIN if negative else INT64_MAX), "range"
    return (-value if negative else value), ""


def atoi(text: bytes) -> int:
    """`i, _ := strconv.Atoi(text)`: 0 where the syntax is wrong, the nearest integer where it does not fit."""
    return parse_int(text)[0]


def parse_float(text: bytes) -> tuple[float, Fault]:
    """`strconv.ParseFloat(text, 64)`; out of range gives an infinity."""
    if b"_" in text:
        if not _well_separated(text):
            return 0.0, "syntax"
        text = text.replace(b"_", b"")
    if _FLOAT.fullmatch(text):
        value = float(text)
        return value, "range" if math.isinf(value) else ""
    if _SPECIAL.fullmatch(text):
        return float(text), ""
    return _parse_hex(text)


def _parse_uint(body: bytes, base: int) -> tuple[int, Fault]:
    if not body:
        return 0, "syntax"
    digits, by_prefix = body, base == 0
    if by_prefix:
        base, digits = _prefix(body)
        digits = digits.replace(b"_", b"")
    found = _DIGITS[base].match(digits)
    valid = found[0].lstrip(b"0") if found is not None else b""
    value = int(valid[:_DIGITS_MAX] or b"0", base)
    if value > _UINT64_MAX:
        return _UINT64_MAX, "range"
    if found is None or found.end() < len(digits) or (by_prefix and not _well_separated(body)):
        return 0, "syntax"
    return value, ""


def _prefix(body: bytes) -> tuple[int, bytes]:
    if body[:1] != b"0":
        return 10, body
    named = _BASES.get(body[1:2].lower()) if len(body) >= 3 else None
    return (named, body[2:]) if named else (8, body[1:])


def _well_separated(text: bytes) -> bool:
    """`underscoreOK`."""
    stray = _STRAY_HEX if text.lstrip(b"+-")[:2].lower() == b"0x" else _STRAY
    return b"_" not in text or stray.search(text) is None


def _parse_hex(text: bytes) -> tuple[float, Fault]:
    """A mantissa in base 16 with the exponent that it must have."""
    found = _HEX_FLOAT.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return 0.0, "syntax"
    digits, exponent = f"{found[2].decode()}.{(found[3] or b'').decode()}", found[5].lstrip(b"0")[:8].decode() or "0"
    try:
        value = float.fromhex(f"{found[1].decode()}0x{digits}p{found[4].decode()}{exponent}")
    except OverflowError:
        return (-math.inf if found[1] == b"-" else math.inf), "range"
    return value, ""
