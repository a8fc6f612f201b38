"""What each verb of Go's fmt makes of a value that is not a container: `fmt/format.go`, and the choice by verb in `fmt/print.go`.

A function here returns ``None`` for a verb that does not fit its kind of value; ``printing`` then writes `%!d(string=hi)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from eso_core.compat.gofmt import format_float
from eso_core.compat.printable import is_print
from eso_core.compat.text import can_backquote, quote_bytes, quote_rune
from eso_core.template.limits import room_for

_MASK = (1 << 64) - 1
_RUNE_MAX = 0x10FFFF
_PIECE = 1 << 16  # bytes


@dataclass(frozen=True, slots=True)
class Spec:
    """Flags, width (0: none) and precision (-1: none). ``%v`` turns + and # into ``plus_v`` and ``sharp_v``."""

    minus: bool = False
    plus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    plus_v: bool = False
    sharp_v: bool = False
    width: int = 0
    prec: int = -1


PLAIN = Spec()


def runes(text: bytes) -> int:
    """How many runes there are, each byte of invalid UTF-8 being one: `utf8.RuneCount`."""
    return len(text) if text.isascii() else len(text.decode("utf-8", "surrogateescape"))


def pad(spec: Spec, text: bytes) -> bytes:
    """``text`` in the width: `fmt.pad`."""
    if not spec.width:
        return text
    return _fill(spec, text, spec.width - runes(text), zero=spec.zero)


def _fill(spec: Spec, text: bytes, missing: int, *, zero: bool) -> bytes:
    if missing <= 0:
        return text
    if spec.minus:
        return text + b" " * missing
    return (b"0" if zero else b" ") * missing + text


def boolean(spec: Spec, verb: str, value: bool) -> bytes | None:
    return pad(spec, b"true" if value else b"false") if verb in "tv" else None


def integer(spec: Spec, verb: str, value: int, signed: bool = True) -> bytes | None:
    if verb == "d" or verb == "v":
        if spec is PLAIN:
            return b"%d" % value
        if spec.sharp_v and not signed:
            return _digits(spec, "x", value, sharp=True)
        return _digits(spec, verb, value, sharp=spec.sharp)
    if verb in "boOxX":
        return _digits(spec, verb, value, sharp=spec.sharp)
    if verb == "c":
        return pad(spec, _rune(value).encode())
    if verb == "q":
        return pad(spec, quote_rune(_rune(value), ascii_only=spec.plus).encode())
    return _unicode(spec, value & _MASK) if verb == "U" else None


def hexadecimal(spec: Spec, value: int, prefix: bool) -> bytes:
    """An address, with 0x or not: `fmt0x64`."""
    return _digits(spec, "x", value, sharp=prefix)


_BASES = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "x": "0x", "X": "0X"}


def _digits(spec: Spec, verb: str, value: int, *, sharp: bool) -> bytes:
    """`fmt.fmtInteger`: the 0 flag asks for digits, not for padding; a precision overrules it."""
    negative, base, prec = value < 0, _BASES[verb], 0
    if spec.prec >= 0:
        prec = spec.prec
        if prec == 0 and value == 0:
            return b" " * spec.width
    elif spec.zero and not spec.minus and spec.width:
        prec = spec.width - (1 if negative or spec.plus or spec.space else 0)
    text = format(abs(value), base).rjust(prec, "0")
    if sharp:
        text = _PREFIXES.get(base, "" if base == "d" or text[0] == "0" else "0") + text
    if verb == "O":
        text = "0o" + text
    text = f"{'-' if negative else '+' if spec.plus else ' ' if spec.space else ''}{text}"
    return _fill(spec, text.encode(), spec.width - len(text), zero=False)


def _rune(value: int) -> str:
    return chr(value) if 0 <= value <= _RUNE_MAX and not 0xD800 <= value <= 0xDFFF else "\ufffd"


def _unicode(spec: Spec, value: int) -> bytes:
    text = f"U+{value:0{max(spec.prec, 4)}X}"
    if spec.sharp and value <= _RUNE_MAX and is_print(chr(value)):
        text += f" '{chr(value)}'"
    return _fill(spec, text.encode(), spec.width - len(text), zero=False)


def floating(spec: Spec, verb: str, value: float, *, plus: bool | None = None) -> bytes | None:
    """`pp.fmtFloat`. The digits are those of strconv: `%v` is `%g`, which turns to an exponent at 1e+06 unless a precision is given."""
    plus = spec.plus if plus is None else plus
    if verb == "v":
        letter, prec = "g", -1
    elif verb in "bgGxX":
        letter, prec = verb, -1
    elif verb in "fFeE":
        letter, prec = ("f" if verb == "F" else verb), 6
    else:
        return None
    if spec.prec >= 0:
        prec = spec.prec
    text = format_float(value, letter, prec)
    sign, text = (text[0], text[1:]) if text[0] in "+-" else ("+", text)
    if spec.space and sign == "+" and not plus:
        sign = " "
    if text[0] in "IN":
        if text[0] == "N" and not spec.space and not plus:
            sign = ""
        text = sign + text
        return _fill(spec, text.encode(), spec.width - len(text), zero=False)
    if spec.sharp and letter != "b":
        text = _with_point(text, letter, prec)
    if not plus and sign == "+":
        return pad(spec, text.encode())
    if spec.zero and not spec.minus:
        text = text.rjust(spec.width - 1, "0")
    return pad(spec, (sign + text).encode())


def _with_point(text: str, letter: str, prec: int) -> str:
    """The # flag: a decimal point in any case, and the zeros that %g took away."""
    at = min((i for i, char in enumerate(text) if char in "pP" or (char in "eE" and letter not in "xX")), default=len(text))
    number, tail = text[:at], text[at:]
    digits = (6 if prec == -1 else prec) if letter in "gGx" else 0
    digits -= len(number.replace(".", "").lstrip("0"))
    if "." not in number:
        digits -= number == "0"
        number += "."
    return number + "0" * digits + tail


def complex_(spec: Spec, verb: str, value: complex) -> bytes | None:
    real, imaginary = floating(spec, verb, value.real), floating(spec, verb, value.imag, plus=True)
    return None if real is None or imaginary is None else b"(%bi)" % (real + imaginary)


def string(spec: Spec, verb: str, value: bytes) -> bytes | None:
    if verb == "s" or verb == "v":
        if spec is PLAIN:
            return value
        return _quoted(spec, value) if spec.sharp_v and verb == "v" else pad(spec, _truncated(spec, value))
    if verb == "q":
        return _quoted(spec, value)
    return _hex(spec, verb, value) if verb in "xX" else None


def _truncated(spec: Spec, value: bytes) -> bytes:
    """The first runes, as many as the precision says."""
    if spec.prec < 0 or len(value) <= spec.prec:
        return value
    if value.isascii():
        return value[: spec.prec]
    return value.decode("utf-8", "surrogateescape")[: spec.prec].encode("utf-8", "surrogateescape")


def _quoted(spec: Spec, value: bytes) -> bytes:
    value = _truncated(spec, value)
    if spec.sharp and can_backquote(value):
        return pad(spec, b"`%b`" % value)
    return pad(spec, quoted(value, ascii_only=spec.plus))


def quoted(value: bytes, *, ascii_only: bool = False) -> bytes:
    """`strconv.Quote` or `strconv.QuoteToASCII`; long texts piece by piece, so that what becomes too large is noticed early."""
    if len(value) <= _PIECE:
        return quote_bytes(value, ascii_only=ascii_only)
    parts, size, start = [b'"'], 2, 0
    while start < len(value):
        end = start + _PIECE
        while start < end < len(value) and end > start + _PIECE - 4 and value[end] & 0xC0 == 0x80:
            end -= 1  # a rune stays in one piece
        parts.append(quote_bytes(value[start:end], ascii_only=ascii_only)[1:-1])
        size += len(parts[-1])
        room_for(size)
        start = end
    return b"".join((*parts, b'"'))


def _hex(spec: Spec, verb: str, value: bytes) -> bytes:
    """`fmt.fmtSbx`: the precision counts bytes, # puts 0x before the text, or with the space flag before each byte."""
    if spec.prec >= 0:
        value = value[: spec.prec]
    if not value:
        return (b"0" if spec.zero and not spec.minus else b" ") * spec.width
    room_for(5 * len(value) if spec.space and spec.sharp else 3 * len(value) if spec.space else 2 * len(value))
    prefix = ("0" + verb) if spec.sharp else ""
    text = prefix + (value.hex(" ").replace(" ", " " + prefix) if spec.space else value.hex())
    if verb == "X":
        text = text.upper()
    return _fill(spec, text.encode(), spec.width - len(text), zero=spec.zero)
