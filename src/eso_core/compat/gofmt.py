"""Go's text for values: `fmt.Sprintf("%+v", v)` as the object hash needs it, and the number formats of `strconv`.

    None                  <nil>             a nil interface
    True                  true
    7                     7                 int64
    1e6                   1e+06             float64, verb %v: shortest digits, exponent when < -4 or >= 6
    "a b"                 a b               strings are not quoted
    b"hi"                 [104 105]         []byte: decimal bytes
    [1, "a"]              [1 a]
    {"b": 1, "a": None}   map[a:<nil> b:1]  keys in byte order

The sort order of Python strings (by code point) is the byte order of their UTF-8.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Printable: TypeAlias = "bool | int | float | str | bytes | Sequence[Printable] | Mapping[str, Printable] | None"

_DECIMAL = tuple(str(byte) for byte in range(256))
_decimal = _DECIMAL.__getitem__


def bytes_text(value: bytes) -> str:
    """`%v` of a []byte: its decimal values between brackets."""
    return "[" + " ".join(map(_decimal, value)) + "]"


def bytes_map_text(data: Mapping[str, bytes]) -> str:
    """`%+v` of a map[string][]byte, the type of a Secret's data. Empty and absent print alike."""
    return "map[" + " ".join([f"{key}:[{' '.join(map(_decimal, data[key]))}]" for key in sorted(data)]) + "]"


def string_map_text(data: Mapping[str, str] | None) -> str:
    """`%+v` of a map[string]string."""
    if not data:
        return "map[]"
    return "map[" + " ".join([f"{key}:{data[key]}" for key in sorted(data)]) + "]"


def plus_v(value: Printable) -> str:
    """`%+v` of an unstructured value, any depth."""
    out: list[str] = []
    todo: list[Printable | _Literal] = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, _Literal):
            out.append(item.text)
        elif isinstance(item, Mapping):
            todo.extend(reversed(_map_parts(item)))
        elif isinstance(item, Sequence) and not isinstance(item, str | bytes):
            todo.extend(reversed(_list_parts(item)))
        else:
            out.append(_scalar(item))
    return "".join(out)


class _Literal:
    """Text that is already rendered."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_SPACE, _CLOSE = _Literal(" "), _Literal("]")


def _map_parts(value: Mapping[str, Printable]) -> "list[Printable | _Literal]":
    parts: list[Printable | _Literal] = [_Literal("map[")]
    for key in sorted(value):
        if len(parts) > 1:
            parts.append(_SPACE)
        parts += (_Literal(f"{key}:"), value[key])
    parts.append(_CLOSE)
    return parts


def _list_parts(value: Sequence[Printable]) -> "list[Printable | _Literal]":
    parts: list[Printable | _Literal] = [_Literal("[")]
    for item in value:
        if len(parts) > 1:
            parts.append(_SPACE)
        parts.append(item)
    parts.append(_CLOSE)
    return parts


def _scalar(value: Printable) -> str:
    if value is None:
        return "<nil>"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, bytes):
        return bytes_text(value)
    return float_v(value) if isinstance(value, float) else str(value)


def float_v(value: float) -> str:
    """`%v` of a float64."""
    if 1e-4 <= value < 1e6 or -1e6 < value <= -1e-4:
        text = repr(value)
        return text[:-2] if text.endswith(".0") else text
    special = _special(value)
    if special:
        return special
    sign, digits, point = _decimal_parts(value)
    if -4 <= point - 1 < 6:
        return sign + _plain(digits, point)
    return sign + _scientific(digits, point)


def float_f(value: float) -> str:
    """`strconv.FormatFloat(v, 'f', -1, 64)`: the shortest digits that read back equal, never an exponent."""
    special = _special(value)
    if special:
        return special
    sign, digits, point = _decimal_parts(value)
    return sign + _plain(digits, point)


def float_json(value: float) -> str:
    """The text `encoding/json` writes for a finite float64: like `float_f`, but an exponent below 1e-6 and from 1e21 on."""
    sign, digits, point = _decimal_parts(value)
    if digits == "0" or -6 <= point - 1 < 21:
        return sign + _plain(digits, point)
    text = _scientific(digits, point)
    return sign + (text[:-2] + text[-1] if text[-4:-1] == "e-0" else text)


def format_float(value: float, letter: str, prec: int) -> str:
    """`strconv.FormatFloat(value, letter, prec, 64)`; the letter is one of `b e E f g G x X`. A negative `prec`: the shortest digits."""
    special = _special(value)
    if special:
        return special
    if letter in "bxX":
        return _binary(value) if letter == "b" else _hexadecimal(value, prec, letter)
    if prec >= 0:
        return f"{value:.{prec}{letter}}"
    if letter == "f":
        return float_f(value)
    if letter == "g":
        return float_v(value)
    if letter == "G":
        return float_v(value).upper()
    sign, digits, point = _decimal_parts(value)
    text = sign + _scientific(digits, point)
    return text.upper() if letter == "E" else text


def _mantissa(value: float) -> tuple[str, int, int]:
    """(sign, mantissa, exponent): the value is mantissa * 2**exponent, as it is stored."""
    [bits] = struct.unpack("<Q", struct.pack("<d", value))
    exponent, mantissa = bits >> 52 & 0x7FF, bits & ((1 << 52) - 1)
    if exponent:
        mantissa |= 1 << 52
    return "-" if bits >> 63 else "", mantissa, (exponent or 1) - 1075


def _binary(value: float) -> str:
    sign, mantissa, exponent = _mantissa(value)
    return f"{sign}{mantissa}p{exponent:+d}"


def _hexadecimal(value: float, prec: int, letter: str) -> str:
    """One digit before the point, 1 unless the value is zero; rounded half to even."""
    sign, mantissa, exponent = _mantissa(value)
    shift = 53 - mantissa.bit_length() if mantissa else 0
    mantissa, exponent = mantissa << shift, exponent + 52 - shift if mantissa else 0
    if 0 <= prec < 13:
        drop = 4 * (13 - prec)
        half, rest = 1 << (drop - 1), mantissa & ((1 << drop) - 1)
        mantissa >>= drop
        mantissa += rest > half or (rest == half and mantissa & 1)
        mantissa <<= drop
        if mantissa >> 53:
            mantissa, exponent = mantissa >> 1, exponent + 1
    fraction = f"{mantissa & ((1 << 52) - 1):013x}"
    fraction = fraction.rstrip("0") if prec < 0 else fraction[:prec].ljust(prec, "0")
    text = f"{sign}0x{mantissa >> 52}{'.' if fraction else ''}{fraction}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return text.upper() if letter == "X" else text


def _special(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return ""


def _decimal_parts(value: float) -> tuple[str, str, int]:
    """(sign, digits, point): the shortest digits, and how many of them stand before the decimal point (may be <= 0)."""
    mantissa, _, exponent = repr(value).partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    before, _, after = mantissa.lstrip("-").partition(".")
    digits = (before + after).lstrip("0")
    point = len(before) + int(exponent or 0) - (len(before + after) - len(digits))
    digits = digits.rstrip("0")
    return (sign, digits, point) if digits else (sign, "0", 1)


def _plain(digits: str, point: int) -> str:
    if point <= 0:
        return "0." + "0" * -point + digits
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return digits[:point] + "." + digits[point:]


def _scientific(digits: str, point: int) -> str:
    exponent = point - 1
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
