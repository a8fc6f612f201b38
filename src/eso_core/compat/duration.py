"""Go's `time.ParseDuration` and `Duration.String`. A duration is an int of nanoseconds in [-2**63, 2**63)."""

import re
from functools import lru_cache

from returns.result import Failure, Result, Success

from eso_core.compat.text import to_bytes

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_LIMIT = 1 << 63
_KEPT_MAX = 64  # characters of a text that is worth to be remembered
_UNITS = {
    b"ns": NANOSECOND,
    b"us": MICROSECOND,
    "µs".encode(): MICROSECOND,  # U+00B5, the micro sign
    "μs".encode(): MICROSECOND,  # U+03BC, the Greek letter
    b"ms": MILLISECOND,
    b"s": SECOND,
    b"m": MINUTE,
    b"h": HOUR,
}
_PART = re.compile(rb"([0-9]*)(?:(\.)([0-9]*))?([^.0-9]*)")


def parse_duration(text: str | bytes) -> Result[int, str]:
    """Nanoseconds of `text`, such as `1h15m30.918273645s`; fractions of a nanosecond are cut off."""
    return _parse_kept(text) if len(text) <= _KEPT_MAX else _parse(text)


def _parse(text: str | bytes) -> Result[int, str]:
    raw = text if isinstance(text, bytes) else to_bytes(text)
    body = raw[1:] if raw[:1] in (b"-", b"+") else raw
    if body == b"0":
        return Success(0)
    if not body:
        return _invalid(raw)
    return _magnitude(body, raw).bind(lambda total: _signed(total, raw))


_parse_kept = lru_cache(maxsize=1024)(_parse)


def format_duration(nanoseconds: int) -> str:
    """`Duration.String`: `1h0m0s`, `1m30s`, `1.5s`, `2ms`, `0s`."""
    sign, total = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if total < SECOND:
        return sign + _small(total)
    minutes, rest = divmod(total, MINUTE)
    seconds = _fraction(rest, SECOND) + "s"
    if not minutes:
        return sign + seconds
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}h{minutes}m{seconds}" if hours else f"{sign}{minutes}m{seconds}"


def _magnitude(body: bytes, text: bytes) -> Result[int, str]:
    total = at = 0
    while at < len(body):
        part = _PART.match(body, at)
        if part is None or not (part[1] or part[3]):
            return _invalid(text)
        if len(part[1].lstrip(b"0")) > 19 or int(part[1][-20:] or 0) > _LIMIT:
            return _invalid(text)
        if not part[4]:
            return Failure(f"time: missing unit in duration {quote_ascii(text)}")
        unit = _UNITS.get(part[4])
        if unit is None:
            return Failure(f"time: unknown unit {quote_ascii(part[4])} in duration {quote_ascii(text)}")
        total += int(part[1][-20:] or 0) * unit + _fraction_of(part[3] or b"", unit)
        if total > _LIMIT:
            return _invalid(text)
        at = part.end()
    return Success(total)


def _fraction_of(digits: bytes, unit: int) -> int:
    """The part after the point, as Go computes it: at most 18 digits count, and a float64 multiplication does the scaling."""
    value, scale = 0, 1.0
    for digit in digits:
        following = value * 10 + digit - 0x30
        if value > (_LIMIT - 1) // 10 or following > _LIMIT:
            break
        value, scale = following, scale * 10
    return int(float(value) * (float(unit) / scale)) if value else 0


def _signed(total: int, text: bytes) -> Result[int, str]:
    if text[:1] == b"-":
        return Success(-total)
    return Success(total) if total < _LIMIT else _invalid(text)


def _invalid(text: bytes) -> Result[int, str]:
    return Failure(f"time: invalid duration {quote_ascii(text)}")


def quote_ascii(text: str | bytes) -> str:
    """`time.quote`: `"` and `\\` are escaped, bytes outside printable ASCII print as `\\xNN`."""
    raw = text if isinstance(text, bytes) else to_bytes(text)
    out = [chr(byte) if 0x20 <= byte < 0x80 else f"\\x{byte:02x}" for byte in raw]
    return '"' + "".join("\\" + char if char in '"\\' else char for char in out) + '"'


def _small(total: int) -> str:
    if not total:
        return "0s"
    if total < MICROSECOND:
        return f"{total}ns"
    return _fraction(total, MICROSECOND) + "µs" if total < MILLISECOND else _fraction(total, MILLISECOND) + "ms"


def _fraction(total: int, unit: int) -> str:
    whole, rest = divmod(total, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
