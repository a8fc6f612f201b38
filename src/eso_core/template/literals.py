"""Constants of the template language: what a literal is worth.

Sources: Go 1.26 ``text/template/parse/node.go`` (``newNumber``), ``strconv`` (``ParseInt``, ``ParseUint`` and ``ParseFloat`` with base 0,
``Unquote``, ``UnquoteChar``) and ``fmt.Sscan`` for complex numbers. A number is kept in every type that holds it exactly, as Go's ideal
constants are; conversions of floats that are out of range behave as on amd64.
"""

from __future__ import annotations

import math
import re

from eso_core.compat.text import go_text, quote, to_bytes
from eso_core.template.nodes import Number

_INT = re.compile(r"([+-]?)(?:0[xX]((?:_?[0-9a-fA-F])+)|0[oO]((?:_?[0-7])+)|0[bB]((?:_?[01])+)|0((?:_?[0-7])*)|([1-9](?:_?[0-9])*))")
_BASES = (0, 0, 16, 8, 2, 8, 10)  # of each group
_DIGITS = r"(?:[0-9](?:_?[0-9])*)"
_HEX = r"(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*)"
_FLOAT = re.compile(rf"([+-]?(?:0(?:_?[0-9])*|{_DIGITS})?(?:\.{_DIGITS}?)?)(?:[eE]([+-]?)({_DIGITS}))?")
_HEX_FLOAT = re.compile(rf"([+-]?0[xX]_?{_HEX}?(?:\.{_HEX}?)?)[pP]([+-]?)({_DIGITS})")
_COMPLEX_PART = (
    r"([+-]?+i?+(?:0[xX][0-9a-fA-F_]*+(?:\.[0-9a-fA-F_]*+)?+(?:[pP][+-]?[0-9_]*+)?+|[0-9_]*+(?:\.[0-9_]*+)?+(?:[eEpP][+-]?[0-9_]*+)?+))"
)
_COMPLEX = re.compile(rf"{_COMPLEX_PART}([+-]){_COMPLEX_PART}i")
_ESCAPE = re.compile(
    rb"""\\(?:([abfnrtv\\"'])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|)""",
)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\"}
_INT64 = range(-(1 << 63), 1 << 63)
_UINT64 = range(1 << 64)
_DIGITS_MAX = 400  # more decimal digits than any 64 bit integer has; Python refuses to convert very long ones


class BadLiteral(Exception):
    """A literal that Go refuses; the text is Go's."""


def unquote(raw: bytes) -> bytes:
    """The value of a quoted or raw string, as ``strconv.Unquote`` gives it (which makes U+FFFD of invalid bytes between double quotes)."""
    inner = raw[1:-1]
    if raw[:1] == b"`":
        return inner.replace(b"\r", b"") if b"\r" in inner else inner
    if not inner.isascii():
        inner = to_bytes(go_text(inner))
    return _ESCAPE.sub(lambda escape: _unescaped(escape, b'"'), inner) if b"\\" in inner else inner


def _unescaped(escape: re.Match[bytes], delimiter: bytes) -> bytes:
    letter, byte, short, long, octal = escape.groups()
    if letter is not None:
        if letter == delimiter:
            return letter
        if letter in _LETTERS:
            return _LETTERS[letter]
    elif byte is not None:
        return bytes((int(byte, 16),))
    elif octal is not None:
        if (code := int(octal, 8)) <= 0xFF:
            return bytes((code,))
    elif (digits := short or long) is not None:
        code = int(digits, 16)
        if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
            return chr(code).encode()
    raise BadLiteral("invalid syntax")


def character(pos: int, raw: bytes) -> Number:
    """A character constant: a number. ``raw`` has its quotes."""
    inner = raw[1:-1]
    if not inner:
        raise BadLiteral("invalid syntax")
    escape = _ESCAPE.match(inner)
    if escape is not None:
        value, rest = _unescaped(escape, b"'"), inner[escape.end() :]
        code = value[0] if len(value) == 1 else ord(value.decode())
    else:
        rune = go_text(inner[:4])[0]
        size = 1 if rune == "\ufffd" and inner[:3] != b"\xef\xbf\xbd" else len(rune.encode())
        code, rest = ord(rune), inner[size:]
    if rest:
        raise BadLiteral(f"malformed character constant: {go_text(raw)}")
    return Number(pos, go_text(raw), code, code, float(code), None)


def number(pos: int, text: str) -> Number:
    """A number without a second part: an integer, a float, or imaginary."""
    if text.isdecimal() and text[0] != "0" and len(text) < 19:
        small = int(text)
        return Number(pos, text, small, small, float(small), None)
    if text.endswith("i"):
        part = _float(text[:-1])
        if isinstance(part, float):
            return _simplified(pos, text, complex(0.0, part))
    value = _integer(text)
    if value is not None:
        int_ = value if value in _INT64 else None
        uint = value if value in _UINT64 and (text[0] not in "+-" or value == 0) else None
        if int_ is not None or uint is not None:
            return Number(pos, text, int_, uint, float(value), None)
    real = _float(text)
    if not isinstance(real, float):
        raise BadLiteral(f"illegal number syntax: {quote(text)}")
    if not any(mark in text for mark in ".eEpP"):
        raise BadLiteral(f"integer overflow: {quote(text)}")
    return Number(pos, text, _exact(real, _INT64), _exact(real, _UINT64), real, None)


def pair(pos: int, text: str) -> Number:
    """A complex number with two parts, like ``1+2i``."""
    found = _COMPLEX.match(text)
    if found is None:
        raise BadLiteral("syntax error scanning complex number")
    parts = []
    for part in (found[1], found[2] + found[3]):
        value = _float(part)
        if not isinstance(value, float):
            raise BadLiteral(f"strconv.ParseFloat: parsing {quote(part)}: {value}")
        parts.append(value)
    return _simplified(pos, text, complex(*parts))


def _simplified(pos: int, text: str, value: complex) -> Number:
    if value.imag != 0:
        return Number(pos, text, None, None, None, value)
    return Number(pos, text, _exact(value.real, _INT64), _exact(value.real, _UINT64), value.real, value)


def _exact(value: float, bounds: range) -> int | None:
    """``value`` as an integer if it is one within ``bounds``. (``x in range`` is constant time for an ``int`` only.)"""
    return whole if value.is_integer() and (whole := int(value)) in bounds else None


def _integer(text: str) -> int | None:
    found = _INT.fullmatch(text)
    if found is None or found.lastindex is None:
        return None
    group = found.lastindex
    digits = found[group] or "0"
    if _BASES[group] == 10 and len(digits) > _DIGITS_MAX:
        return None
    size = int(digits.lstrip("_"), _BASES[group])
    return -size if found[1] == "-" else size


def _float(text: str) -> float | str:
    """``strconv.ParseFloat``: the value, or the text of the error."""
    hexadecimal = _HEX_FLOAT.fullmatch(text)
    found = hexadecimal or _FLOAT.fullmatch(text)
    if found is None:
        return "invalid syntax"
    mantissa, sign, exponent = found.groups()
    if hexadecimal:
        if not re.search("[0-9a-fA-F]", mantissa[2 + (mantissa[0] in "+-") :]):
            return "invalid syntax"
    elif not re.search("[0-9]", mantissa):
        return "invalid syntax"
    plain = mantissa.replace("_", "")
    power = f"{sign}{_exponent(exponent)}" if exponent is not None else "0"
    try:
        value = float.fromhex(f"{plain}p{power}") if hexadecimal else float(f"{plain}e{power}")
    except OverflowError:
        return "value out of range"
    return "value out of range" if math.isinf(value) else value


def _exponent(digits: str) -> int:
    """Digits after the first that reaches 10000 do not count (``readFloat``)."""
    value = 0
    for digit in digits:
        if digit != "_" and value < 10000:
            value = value * 10 + int(digit)
    return value
