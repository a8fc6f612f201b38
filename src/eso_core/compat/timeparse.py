"""Go's `time.Parse` for any layout (source: Go 1.26, `time/format.go`, `time/format_rfc3339.go`).

One zone is known, UTC: it is also the local one. Texts are bytes; a failure is Go's text of it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from returns.result import Failure, Result, Success

from eso_core.compat.civil import civil_from_days, days_from_civil, days_in, is_leap
from eso_core.compat.duration import quote_ascii
from eso_core.compat.layouts import LONG_DAYS, LONG_MONTHS, RFC3339, RFC3339_NANO, SHORT_DAYS, SHORT_MONTHS, Element, elements


class Parsed(NamedTuple):
    """`zone` is the abbreviation; None: the zone is not told or the local one. `utc`: it is told to be UTC."""

    seconds: int  # since the Unix epoch
    nanoseconds: int
    zone: bytes | None = None
    offset: int = 0
    utc: bool = False


class _OutOfRange(Exception):
    """A number that its element cannot have; the argument is Go's name for it."""


class _Reading:
    """What has been read so far."""

    __slots__ = (
        "am",
        "at",
        "day",
        "hour",
        "minute",
        "month",
        "nanoseconds",
        "offset",
        "pm",
        "second",
        "utc",
        "value",
        "yday",
        "year",
        "zone",
    )

    def __init__(self, value: bytes) -> None:
        self.value, self.at = value, 0
        self.year = self.hour = self.minute = self.second = self.nanoseconds = 0
        self.month = self.day = self.yday = self.offset = -1  # not told; as in Go an offset of -1 second is none
        self.pm = self.am = self.utc = False
        self.zone = b""


_STRICT = re.compile(
    rb"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:Z|([-+])([0-9]{2}):([0-9]{2}))",
)


def parse(layout: bytes, value: bytes) -> Result[Parsed, str]:
    """`time.ParseInLocation` for UTC. What a layout lacks is zero, or one where there is no zero: the year too is 0 then."""
    if layout in (RFC3339, RFC3339_NANO):
        strict = _rfc3339(value)
        if strict is not None:
            return Success(strict)
    read = _Reading(value)
    found = elements(layout)
    for index, element in enumerate(found):
        if element.prefix and not _skip(read, element.prefix):
            return _mismatch(layout, value, read.at, element.prefix)
        if not element.kind:
            break
        start = read.at
        try:
            fits = _READERS[element.kind](read, element, found[index + 1].kind)
        except _OutOfRange as wrong:
            return _wrong(value, f"{wrong} out of range")
        if not fits:
            return _mismatch(layout, value, start, element.text)
    if read.at < len(value):
        return _wrong(value, f"extra text: {quote_ascii(value[read.at :])}")
    return _instant(read)


def _mismatch(layout: bytes, value: bytes, at: int, element: bytes) -> Result[Parsed, str]:
    return Failure(
        f"parsing time {quote_ascii(value)} as {quote_ascii(layout)}: cannot parse {quote_ascii(value[at:])} as {quote_ascii(element)}"
    )


def _wrong(value: bytes, what: str) -> Result[Parsed, str]:
    return Failure(f"parsing time {quote_ascii(value)}: {what}")


_SPACES = re.compile(rb" *")
_RUNS = re.compile(rb" +|[^ ]+")


def _skip(read: _Reading, prefix: bytes) -> bool:
    """Pass `prefix`; one run of spaces is as good as another, and none is needed at the end. If it fails, `at` is where."""
    value = read.value
    if value.startswith(prefix, read.at) and b" " not in prefix:
        read.at += len(prefix)
        return True
    for run in _RUNS.findall(prefix):
        if run[0] == 0x20:
            if read.at < len(value) and value[read.at] != 0x20:
                return False
            read.at = _SPACES.match(value, read.at).end()  # type: ignore[union-attr]  # it matches anywhere
        elif value.startswith(run, read.at):
            read.at += len(run)
        else:
            while value[read.at : read.at + 1] == run[:1]:
                read.at, run = read.at + 1, run[1:]
            return False
    return True


def _rfc3339(value: bytes) -> Parsed | None:
    """`parseRFC3339`: a time that keeps to the letter; None: see what the elements make of it."""
    match = _STRICT.fullmatch(value)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    if not (1 <= month <= 12 and 1 <= day <= days_in(year, month) and hour <= 23 and minute <= 59 and second <= 59):
        return None
    nanoseconds = int(match[7][:9].ljust(9, b"0")) if match[7] else 0
    seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    if not match[8]:
        return Parsed(seconds, nanoseconds, utc=True)
    hours, minutes = int(match[9]), int(match[10])
    if hours > 23 or minutes > 59:
        return None
    offset = (hours * 60 + minutes) * (-60 if match[8] == b"-" else 60)
    return Parsed(seconds - offset, nanoseconds, b"" if offset else None, offset)


def _instant(read: _Reading) -> Result[Parsed, str]:
    """The time that the numbers stand for."""
    if read.pm and read.hour < 12:
        read.hour += 12
    elif read.am and read.hour == 12:
        read.hour = 0
    if read.yday >= 0:
        wrong = _by_day_of_year(read)
        if wrong:
            return _wrong(read.value, wrong)
    month, day = 1 if read.month < 0 else read.month, 1 if read.day < 0 else read.day
    if not 1 <= day <= days_in(read.year, month):
        return _wrong(read.value, "day out of range")
    seconds = days_from_civil(read.year, month, day) * 86_400 + read.hour * 3600 + read.minute * 60 + read.second
    if read.utc:
        return Success(Parsed(seconds, read.nanoseconds, utc=True))
    if read.offset != -1:
        local = read.offset == 0 and not read.zone
        return Success(Parsed(seconds - read.offset, read.nanoseconds, None if local else read.zone, read.offset))
    if not read.zone:
        return Success(Parsed(seconds, read.nanoseconds))
    # A name alone tells no offset, save behind GMT; that one does not move the time either.
    offset = int(read.zone[3:]) * 3600 if read.zone.startswith(b"GMT") and len(read.zone) > 3 else 0
    return Success(Parsed(seconds, read.nanoseconds, read.zone, offset))


def _by_day_of_year(read: _Reading) -> str:
    """Month and day by the day of the year; what is wrong with it, or nothing."""
    if not 1 <= read.yday <= 365 + is_leap(read.year):
        return "day-of-year out of range"
    _, month, day = civil_from_days(days_from_civil(read.year, 1, read.yday))
    if read.month not in (-1, month):
        return "day-of-year does not match month"
    if read.day not in (-1, day):
        return "day-of-year does not match day"
    read.month, read.day = month, day
    return ""


# A reader moves `at` behind its element; False if the text has none there. Its other arguments are the element and the kind of the next.
_Reader = Callable[[_Reading, Element, str], bool]
_NUMBER = {(low, high): re.compile(b"[0-9]{%d,%d}" % (low, high)) for low, high in ((1, 2), (2, 2), (1, 3), (3, 3), (4, 4))}
_TWO_DIGIT_YEAR = re.compile(b"[-+]?[0-9]+")
_FRACTION = re.compile(b"[.,][0-9]+")
_SIGNED = re.compile(b"[-+][0-9]+")
_NAME = re.compile(b"[A-Z]{3,6}")
_SIGNED_DIGITS = re.compile(b"[-+]?[0-9]*")


def _number(field: str, low: int, high: int, *, least: int = 0, most: int = 999, name: str = "", spaces: int = 0) -> _Reader:
    """A reader of `low` to `high` digits, after up to `spaces` spaces; out of `least` to `most` it is the `name` that is wrong."""
    pattern = _NUMBER[low, high]

    def reader(read: _Reading, _element: Element, _following: str) -> bool:
        for _ in range(spaces):
            if read.value[read.at : read.at + 1] == b" ":
                read.at += 1
        found = pattern.match(read.value, read.at)
        if found is None:
            return False
        number = int(found[0])
        setattr(read, field, number)
        read.at = found.end()
        if not least <= number <= most:
            raise _OutOfRange(name)
        return True

    return reader


def _named(field: str, names: tuple[bytes, ...]) -> _Reader:
    """A reader of one of `names`, whatever its case; its number counts from 1."""
    pattern = re.compile(b"|".join(b"(%s)" % name for name in names), re.IGNORECASE)

    def reader(read: _Reading, _element: Element, _following: str) -> bool:
        found = pattern.match(read.value, read.at)
        if found is None:
            return False
        if field:
            setattr(read, field, found.lastindex)
        read.at = found.end()
        return True

    return reader


def _two_digit_year(read: _Reading, _element: Element, _following: str) -> bool:
    text = read.value[read.at : read.at + 2]
    if len(text) < 2 or not _TWO_DIGIT_YEAR.fullmatch(text):
        return False
    year = int(text)
    read.year, read.at = year + (1900 if year >= 69 else 2000), read.at + 2
    return True


def _second(low: int) -> _Reader:
    """A reader of seconds; a fraction may follow although the layout has none."""
    whole = _number("second", low, 2, most=59, name="second")

    def reader(read: _Reading, element: Element, following: str) -> bool:
        if not whole(read, element, following):
            return False
        found = None if following in (".0", ".9") else _FRACTION.match(read.value, read.at)
        if found:
            read.nanoseconds, read.at = int(found[0][1:10].ljust(9, b"0")), found.end()
        return True

    return reader


def _fraction_exactly(read: _Reading, element: Element, _following: str) -> bool:
    """As many digits as the layout has; Go takes a sign among them, and refuses what is below zero."""
    text = read.value[read.at : read.at + 1 + element.digits]
    if len(text) <= element.digits or text[0] not in b".,":
        return False
    digits = text[1:10]
    if not _SIGNED_DIGITS.fullmatch(digits):
        return False
    read.nanoseconds, read.at = int(digits.lstrip(b"-+") or 0) * 10 ** (9 - len(digits)), read.at + len(text)
    if digits[:1] == b"-" and read.nanoseconds:
        raise _OutOfRange("fractional second")
    return True


def _fraction_any(read: _Reading, _element: Element, _following: str) -> bool:
    found = _FRACTION.match(read.value, read.at)
    if found:
        read.nanoseconds, read.at = int(found[0][1:10].ljust(9, b"0")), found.end()
    return True


def _half_of_day(read: _Reading, element: Element, _following: str) -> bool:
    text = read.value[read.at : read.at + 2]
    after, before = (b"PM", b"AM") if element.kind == "PM" else (b"pm", b"am")
    if text not in (after, before):
        return False
    read.pm, read.am, read.at = read.pm or text == after, read.am or text == before, read.at + 2
    return True


_OFFSETS = {
    "07": re.compile(b"(.)(..)()()", re.DOTALL),
    "0700": re.compile(b"(.)(..)(..)()", re.DOTALL),
    "07:00": re.compile(b"(.)(..):(..)()", re.DOTALL),
    "070000": re.compile(b"(.)(..)(..)(..)", re.DOTALL),
    "07:00:00": re.compile(b"(.)(..):(..):(..)", re.DOTALL),
}


def _read_offset(read: _Reading, element: Element, _following: str) -> bool:
    """An offset. Hours up to 24, minutes and seconds up to 60 pass; their range is looked at before their sign."""
    if element.kind[0] == "Z" and read.value.startswith(b"Z", read.at):
        read.utc, read.at = True, read.at + 1
        return True
    found = _OFFSETS[element.kind[1:]].match(read.value, read.at)
    if found is None:
        return False
    total, fits, wrong = 0, True, ""
    for text, name, most in zip(found.groups()[1:], ("hour", "minute", "second"), (24, 60, 60), strict=True):
        fits = fits and (not text or text.isdigit())
        number = int(text or 0) if fits else 0
        wrong = name if number > most else wrong
        total = total * 60 + number
    if wrong:
        raise _OutOfRange(f"time zone offset {wrong}")
    read.offset, read.at = -total if found[1] == b"-" else total, found.end()
    return fits and found[1] in (b"+", b"-")


def _read_zone(read: _Reading, _element: Element, _following: str) -> bool:
    """`parseTimeZone`: what looks like the abbreviation of a zone."""
    value, at = read.value, read.at
    if value.startswith(b"UTC", at):
        read.utc, read.at = True, at + 3
        return True
    length = _zone_length(value[at : at + 8], value, at)
    if not length:
        return False
    read.zone, read.at = value[at : at + length], at + length
    return True


def _zone_length(start: bytes, value: bytes, at: int) -> int:
    if len(start) < 3:
        return 0
    if start[:4] in (b"ChST", b"MeST"):
        return 4
    if start[:3] == b"GMT":
        return 3 + _signed_length(value, at + 3)
    if start[0] in b"+-":
        return _signed_length(value, at)
    found = _NAME.match(start)
    upper = len(found[0]) if found else 0
    if upper == 3 or (upper == 4 and (start[3:4] == b"T" or start[:4] == b"WITA")) or (upper == 5 and start[4:5] == b"T"):
        return upper
    return 0


def _signed_length(value: bytes, at: int) -> int:
    """Length of a sign and a number up to 23; 0 if there is none."""
    found = _SIGNED.match(value, at)
    if found is None or len(found[0][1:].lstrip(b"0")) > 2 or int(found[0][1:].lstrip(b"0") or 0) > 23:
        return 0
    return len(found[0])


_READERS: Final[Mapping[str, _Reader]] = {
    "2006": _number("year", 4, 4, most=9999),
    "06": _two_digit_year,
    "January": _named("month", LONG_MONTHS),
    "Jan": _named("month", SHORT_MONTHS),
    "1": _number("month", 1, 2, least=1, most=12, name="month"),
    "01": _number("month", 2, 2, least=1, most=12, name="month"),
    "Monday": _named("", LONG_DAYS),
    "Mon": _named("", SHORT_DAYS),
    "2": _number("day", 1, 2),
    "_2": _number("day", 1, 2, spaces=1),
    "02": _number("day", 2, 2),
    "__2": _number("yday", 1, 3, spaces=2),
    "002": _number("yday", 3, 3),
    "15": _number("hour", 1, 2, most=23, name="hour"),
    "3": _number("hour", 1, 2, most=12, name="hour"),
    "03": _number("hour", 2, 2, most=12, name="hour"),
    "4": _number("minute", 1, 2, most=59, name="minute"),
    "04": _number("minute", 2, 2, most=59, name="minute"),
    "5": _second(1),
    "05": _second(2),
    "PM": _half_of_day,
    "pm": _half_of_day,
    "MST": _read_zone,
    ".0": _fraction_exactly,
    ".9": _fraction_any,
    **dict.fromkeys((sign + form for sign in "-Z" for form in _OFFSETS), _read_offset),
}
