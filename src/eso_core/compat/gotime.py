"""Times as Kubernetes objects carry them: `metav1.Time`, RFC 3339 with a precision of one second.

Source: Go's `time.Parse(time.RFC3339, ...)` with its oddities (an hour may have one digit, a fraction may follow a comma, an offset of
24:00 is accepted) and `metav1.Time`'s JSON methods. A time is an int of nanoseconds since the Unix epoch.
"""

import re

from returns.result import Failure, Result, Success

from eso_core.compat.duration import HOUR, MINUTE, SECOND, quote_ascii

LAYOUT = "2006-01-02T15:04:05Z07:00"
ZERO = -62_135_596_800 * SECOND  # 0001-01-01T00:00:00Z, what Go's IsZero tests

_DAY = 24 * HOUR
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FRACTION = re.compile("[.,]([0-9]+)")
_OFFSET = re.compile("[+-]([0-9]{2}):([0-9]{2})")

# Element of the layout, pattern of its value, what Go calls it when it is out of range, its range.
_ELEMENTS = (
    ("2006", re.compile("[0-9]{4}"), "", 0, 9999),
    ("-", re.compile("-"), "", 0, 0),
    ("01", re.compile("[0-9]{2}"), "month", 1, 12),
    ("-", re.compile("-"), "", 0, 0),
    ("02", re.compile("[0-9]{2}"), "", 0, 99),
    ("T", re.compile("T"), "", 0, 0),
    ("15", re.compile("[0-9]{1,2}"), "hour", 0, 23),
    (":", re.compile(":"), "", 0, 0),
    ("04", re.compile("[0-9]{2}"), "minute", 0, 59),
    (":", re.compile(":"), "", 0, 0),
    ("05", re.compile("[0-9]{2}"), "second", 0, 59),
)


def parse_time(text: str) -> Result[int, str]:
    """Nanoseconds since the epoch of an RFC 3339 time. Digits after the ninth of a fraction are dropped."""
    numbers: list[int] = []
    at = 0
    for element, pattern, name, low, high in _ELEMENTS:
        found = pattern.match(text, at)
        if found is None:
            return _mismatch(text, text[at:], element)
        at = found.end()
        if len(element) > 1:
            numbers.append(int(found[0]))
            if not low <= numbers[-1] <= high:
                return _out_of_range(text, name)
    return _rest(text, at, numbers)


def format_time(nanoseconds: int) -> str:
    """RFC 3339 in UTC; a fraction of a second is cut off, towards the past."""
    days, rest = divmod(nanoseconds, _DAY)
    year, month, day = civil_from_days(days)
    seconds = rest // SECOND
    shown = f"{year:04d}" if year >= 0 else f"-{-year:04d}"
    return f"{shown}-{month:02d}-{day:02d}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def time_json(nanoseconds: int) -> str:
    """JSON text of a `metav1.Time`: the zero time is null."""
    return "null" if nanoseconds == ZERO else f'"{format_time(nanoseconds)}"'


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date of the proleptic Gregorian calendar; `day` may lie outside the month."""
    shifted = year if month > 2 else year - 1
    era, of_era = divmod(shifted, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year + day - 719_469


def days_in(year: int, month: int) -> int:
    """Number of days of a month."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _MONTH_DAYS[month - 1]


def civil_from_days(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def _rest(text: str, at: int, numbers: list[int]) -> Result[int, str]:
    """What follows the seconds: an optional fraction, the zone, nothing more."""
    fraction = _FRACTION.match(text, at)
    nanoseconds = int(fraction[1][:9].ljust(9, "0")) if fraction else 0
    at = fraction.end() if fraction else at
    if text.startswith("Z", at):
        offset, at = 0, at + 1
    else:
        zone = _OFFSET.match(text, at)
        if zone is None:
            return _mismatch(text, text[at:], "Z07:00")
        if int(zone[1]) > 24 or int(zone[2]) > 60:
            return _out_of_range(text, "time zone offset hour" if int(zone[1]) > 24 else "time zone offset minute")
        offset, at = int(zone[1]) * HOUR + int(zone[2]) * MINUTE, zone.end()
        offset = -offset if zone[0][0] == "-" else offset
    if at < len(text):
        return Failure(f"parsing time {quote_ascii(text)}: extra text: {quote_ascii(text[at:])}")
    return _instant(text, numbers, nanoseconds - offset)


def _instant(text: str, numbers: list[int], rest: int) -> Result[int, str]:
    year, month, day, hour, minute, second = numbers
    if not 1 <= day <= days_in(year, month):
        return _out_of_range(text, "day")
    return Success(days_from_civil(year, month, day) * _DAY + hour * HOUR + minute * MINUTE + second * SECOND + rest)


def _mismatch(text: str, rest: str, element: str) -> Result[int, str]:
    return Failure(f"parsing time {quote_ascii(text)} as {quote_ascii(LAYOUT)}: cannot parse {quote_ascii(rest)} as {quote_ascii(element)}")


def _out_of_range(text: str, name: str) -> Result[int, str]:
    return Failure(f"parsing time {quote_ascii(text)}: {name} out of range")
