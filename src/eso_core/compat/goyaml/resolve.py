"""What a scalar means (source: go-yaml v2.4 ``resolve.go``).

    null        empty, ~, null Null NULL
    bool        y Y yes Yes YES on On ON true True TRUE, and n, no, off, false likewise
    float       [-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?, .inf, .nan
    int         as Go's ParseInt with base 0: 0x, 0o, 0b, 0 (octal); 64 bits, signed or not
    timestamp   a date, or a date with a time; as a value it stays text

Underscores in numbers count for nothing. What overflows is text. ``1:30`` is text, although it is written in quotes.
"""

from __future__ import annotations

import re
import struct
from typing import TypeAlias, cast

from eso_core.compat.civil import days_in
from eso_core.compat.gofmt import float_v
from eso_core.compat.goyaml.fault import Refused
from eso_core.compat.goyaml.parser import PREFIX

Resolved: TypeAlias = "bool | int | float | str | None"

STR, BOOL, INT, FLOAT, NULL, TIMESTAMP, BINARY, MERGE = (
    PREFIX + name for name in ("str", "bool", "int", "float", "null", "timestamp", "binary", "merge")
)
_RESOLVABLE = frozenset(("", STR, BOOL, INT, FLOAT, NULL, TIMESTAMP))
_HINTED = frozenset("+-0123456789yYnNtTfFoO~.")
_NUMBER_START = frozenset("+-0123456789")
_WORDS: dict[str, tuple[str, Resolved]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), (BOOL, True)),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), (BOOL, False)),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (NULL, None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (FLOAT, float("nan"))),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (FLOAT, float("inf"))),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (FLOAT, float("-inf"))),
}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_FRACTION = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
_BASES = (16, 2, 8, 10)
_BINARY = re.compile(r"0b[-+]?[01]+")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:([Tt])| +)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def resolve(tag: str, text: str) -> tuple[str, Resolved]:
    """The tag and the value of a plain scalar, or of one with a tag. Raises :class:`Refused` where the two do not fit."""
    if tag not in _RESOLVABLE:
        return tag, text
    if tag == STR or (text and text[0] not in _HINTED):
        found: tuple[str, Resolved] = (STR, text)
    else:
        found = _WORDS.get(text) or _number(tag, text)
    if tag in ("", STR, found[0]):
        return found
    kind, value = found
    if tag == FLOAT and kind == INT and isinstance(value, int) and value < 1 << 63:
        return FLOAT, float(value)
    raise Refused(f"cannot decode {short(kind)}", f" `{text}` as a {short(tag)}")


def as_key(value: Resolved) -> str | tuple[type, Resolved]:
    """A value as a key among others: of another type it is another key."""
    return value if isinstance(value, str) else (type(value), value)


def short(tag: str) -> str:
    """``tag`` as it is written."""
    return "!!" + tag[len(PREFIX) :] if tag.startswith(PREFIX) else tag


def _number(tag: str, text: str) -> tuple[str, Resolved]:
    first = text[0]
    if first == ".":  # ParseFloat as it is, which takes underscores between digits
        return _float(text.replace("_", "") if _FRACTION.fullmatch(text) else text) or (STR, text)
    if first not in _NUMBER_START:
        return STR, text
    if tag in ("", TIMESTAMP) and is_timestamp(text):
        return TIMESTAMP, text
    digits = text.replace("_", "") if "_" in text else text
    return _int(digits) or _float(digits) or _binary(digits) or (STR, text)


def _int(text: str) -> tuple[str, Resolved] | None:
    match = _INT.fullmatch(text)
    if match is None:
        return None
    for base, digits in zip(_BASES, match.groups()[1:], strict=True):
        if digits is not None:
            value = _bounded(digits, base)
            break
    if match[1]:  # ParseUint takes no sign
        value = -value if match[1] == "-" else value
        return (INT, value) if -(1 << 63) <= value < 1 << 63 else None
    return (INT, value) if value < 1 << 64 else None


def _bounded(digits: str, base: int) -> int:
    """The value of ``digits``, or of so many of them that it is out of any bounds."""
    return int(digits.lstrip("0")[:70] or "0", base)


def _float(text: str) -> tuple[str, Resolved] | None:
    if not _FLOAT.fullmatch(text):
        return None
    value = float(text)
    return None if value in (float("inf"), float("-inf")) else (FLOAT, value)


def _binary(text: str) -> tuple[str, Resolved] | None:
    """``0b`` with a sign behind it."""
    if not _BINARY.fullmatch(text):
        return None
    digits = text[2:]
    value = _bounded(digits.lstrip("+-"), 2) * (-1 if digits[0] == "-" else 1)
    return (INT, value) if -(1 << 63) <= value < 1 << 63 else None


def is_timestamp(text: str) -> bool:
    """Whether one of the library's layouts reads ``text`` (``time.Parse``)."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if not (1 <= month <= 12 and 1 <= day <= days_in(year, month)):
        return False
    if match[5] is None:
        return True
    zone = match[8]
    if bool(match[4]) != bool(zone) or int(match[5]) > 23 or int(match[6]) > 59 or int(match[7]) > 59:
        return False
    return zone in (None, "Z") or (int(zone[1:3]) <= 24 and int(zone[4:]) < 60)


def float32_text(value: float) -> str:
    """``strconv.FormatFloat(value, 'g', -1, 32)``: the fewest digits that give the same float32."""
    if value != value:
        return "NaN"
    single = _single(value)
    if single in (float("inf"), float("-inf")):
        return "+Inf" if single > 0 else "-Inf"
    for digits in range(9):
        shown = float(f"{single:.{digits}e}")
        if _single(shown) == single:
            return float_v(shown)
    return float_v(single)


def _single(value: float) -> float:
    """``float32(value)``."""
    try:
        return cast(float, struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
