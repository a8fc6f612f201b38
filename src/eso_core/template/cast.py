"""Any value as a number: `github.com/spf13/cast` 1.10, ``number.go`` (what sprig's arithmetic does to its operands).

Nothing is refused: what is no number is 0. Text is read with Go's prefixes (``0x10`` is 16, ``010`` is 8, ``08`` is 0); for an integer,
digits after a point are dropped first (``3.9`` is 3), while an exponent makes it 0.
"""

from __future__ import annotations

import re

from eso_core.compat.strconv import INT64_MIN, parse_float, parse_int
from eso_core.template.values import Sized, Value, wrap

_DECIMAL = re.compile(rb"([-+]?[0-9]*)\.[0-9]*")
_SIGN_ALONE = {b"": b"0", b"-": b"-0", b"+": b"+0"}
_SHORT = re.compile(rb"(?:0|[1-9][0-9]{0,17})")
_TOO_LARGE = float(1 << 63)


def to_int64(value: Value) -> int:
    """`cast.ToInt64`, as a plain ``int`` that fits."""
    kind = type(value)
    if kind is int:
        return value  # type: ignore[no-any-return]
    if kind is bytes:
        return _text_to_int(value)
    if kind is float:
        return float_to_int(value)
    if kind is bool:
        return 1 if value else 0
    return wrap(int(value)) if isinstance(value, Sized) else 0


to_int = to_int64  # ``int`` has 64 bits


def to_float64(value: Value) -> float:
    """`cast.ToFloat64`."""
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is bytes:
        number, fault = parse_float(value)
        return 0.0 if fault else number
    return float(value) if kind is int or kind is bool or isinstance(value, Sized) else 0.0


def float_to_int(value: float) -> int:
    """``int64(value)`` as amd64 does it: truncated; what does not fit, and NaN, is the smallest integer."""
    return int(value) if -_TOO_LARGE <= value < _TOO_LARGE else INT64_MIN


def _text_to_int(text: bytes) -> int:
    if _SHORT.fullmatch(text):
        return int(text)
    if b"." in text:
        found = _DECIMAL.fullmatch(text)
        if found is None:
            return 0
        text = _SIGN_ALONE.get(found[1], found[1])
    number, fault = parse_int(text, 0)
    return 0 if fault else number
