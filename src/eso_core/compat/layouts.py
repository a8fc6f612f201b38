"""Go's layouts: what `time.Format` makes of a text like `Mon, 02 Jan 2006 15:04:05 MST`.

Source: Go 1.26, `time/format.go`. A layout is literal text around these elements; the first that fits wins, as in `_ELEMENT`:

    2006 06            year                     15 3 03        hour of 24, of 12
    January Jan 1 01   month                    4 04  5 05     minute, second
    Monday Mon         day of the week          PM pm          half of the day
    2 _2 02            day of the month         .000 ,999 …    fraction of a second, after either sign; nines: without trailing zeros
    __2 002            day of the year          MST            abbreviation of the zone
    -07 -0700 -07:00 -070000 -07:00:00          offset of the zone; with Z for the sign: `Z` where the offset is 0

Texts are bytes. An element's `kind` is its text, save `.0` and `.9` for fractions and the empty text for the end of the layout.
Reading them is the business of `timeparse`.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from eso_core.compat.civil import civil_from_days, days_from_civil

RFC3339 = b"2006-01-02T15:04:05Z07:00"
RFC3339_NANO = b"2006-01-02T15:04:05.999999999Z07:00"

LONG_MONTHS = tuple(b"January February March April May June July August September October November December".split())
SHORT_MONTHS = tuple(name[:3] for name in LONG_MONTHS)
LONG_DAYS = tuple(b"Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split())
SHORT_DAYS = tuple(name[:3] for name in LONG_DAYS)

_ELEMENT = re.compile(
    rb"Jan(?:uary|(?![a-z]))|Mon(?:day|(?![a-z]))|MST|0[1-6]|002|15|1|2006|2|_2(?!006)|__2|3|4|5|PM|pm"
    rb"|[-Z]07(?:0000|:00:00|00|:00)?|[.,](?:0++|9++)(?![0-9])"
)
_KEPT_MAX = 128  # bytes of a layout that is worth to be remembered


class Element(NamedTuple):
    """An element of a layout and the literal text before it."""

    prefix: bytes
    kind: str
    text: bytes = b""
    digits: int = 0  # of a fraction


class Moment(NamedTuple):
    """A time as a calendar and a clock in its zone show it."""

    days: int  # since 1970-01-01
    seconds: int  # of the day
    nanoseconds: int
    zone: bytes  # abbreviation, may be empty
    offset: int  # seconds east of UTC


def elements(layout: bytes) -> tuple[Element, ...]:
    """`nextStdChunk` to the end: the last element has the kind `""`."""
    return _elements_kept(layout) if len(layout) <= _KEPT_MAX else _elements(layout)


def _elements(layout: bytes) -> tuple[Element, ...]:
    found, last = [], 0
    for match in _ELEMENT.finditer(layout):
        text = match[0]
        if text[0] in b".,":
            # Go keeps the number of digits in twelve bits.
            found.append(Element(layout[last : match.start()], "." + chr(text[1]), text, len(text) - 1 & 0xFFF))
        else:
            found.append(Element(layout[last : match.start()], text.decode(), text))
        last = match.end()
    found.append(Element(layout[last:], ""))
    return tuple(found)


_elements_kept = lru_cache(maxsize=256)(_elements)


def write(layout: bytes, moment: Moment) -> bytes:
    """`Time.Format`."""
    date = civil_from_days(moment.days)
    parts: list[bytes] = []
    for prefix, kind, text, digits in elements(layout):
        if prefix:
            parts.append(prefix)
        if kind in _WRITERS:
            parts.append(_WRITERS[kind](moment, date))
        elif kind in (".0", ".9"):
            parts.append(_fraction(moment.nanoseconds, kind, text, digits))
        elif kind:
            parts.append(_offset(kind, moment.offset))
    return b"".join(parts)


_Date = tuple[int, int, int]


def _padded(value: int, width: int) -> bytes:
    """`appendInt`: the sign comes on top of the width."""
    return b"%0*d" % (width, value) if value >= 0 else b"-%0*d" % (width, -value)


def _half(moment: Moment) -> int:
    return moment.seconds // 3600 % 12 or 12


def _day_of_year(moment: Moment, date: _Date) -> int:
    return moment.days - days_from_civil(date[0], 1, 1) + 1


def _abbreviation(moment: Moment, _date: _Date) -> bytes:
    return moment.zone or _offset("-0700", moment.offset)


_WRITERS: Final[Mapping[str, Callable[[Moment, _Date], bytes]]] = {
    "2006": lambda moment, date: _padded(date[0], 4),
    "06": lambda moment, date: b"%02d" % (abs(date[0]) % 100),
    "January": lambda moment, date: LONG_MONTHS[date[1] - 1],
    "Jan": lambda moment, date: SHORT_MONTHS[date[1] - 1],
    "1": lambda moment, date: b"%d" % date[1],
    "01": lambda moment, date: b"%02d" % date[1],
    "Monday": lambda moment, date: LONG_DAYS[(moment.days + 4) % 7],
    "Mon": lambda moment, date: SHORT_DAYS[(moment.days + 4) % 7],
    "2": lambda moment, date: b"%d" % date[2],
    "_2": lambda moment, date: b"%2d" % date[2],
    "02": lambda moment, date: b"%02d" % date[2],
    "__2": lambda moment, date: b"%3d" % _day_of_year(moment, date),
    "002": lambda moment, date: b"%03d" % _day_of_year(moment, date),
    "15": lambda moment, date: b"%02d" % (moment.seconds // 3600),
    "3": lambda moment, date: b"%d" % _half(moment),
    "03": lambda moment, date: b"%02d" % _half(moment),
    "4": lambda moment, date: b"%d" % (moment.seconds // 60 % 60),
    "04": lambda moment, date: b"%02d" % (moment.seconds // 60 % 60),
    "5": lambda moment, date: b"%d" % (moment.seconds % 60),
    "05": lambda moment, date: b"%02d" % (moment.seconds % 60),
    "PM": lambda moment, date: b"PM" if moment.seconds >= 43_200 else b"AM",
    "pm": lambda moment, date: b"pm" if moment.seconds >= 43_200 else b"am",
    "MST": _abbreviation,
}


def _offset(kind: str, offset: int) -> bytes:
    """An offset. The sign is that of the minutes: -30 seconds print as `+00:00:-30`, as in Go."""
    if kind[0] == "Z" and offset == 0:
        return b"Z"
    minutes, seconds = divmod(abs(offset), 60)
    negative = offset <= -60
    parts = [b"%c%02d" % (b"+-"[negative], minutes // 60)]
    if len(kind) > 3:
        parts.append(b"%02d" % (minutes % 60))
    if len(kind) > 6:
        parts.append(_padded(seconds if negative or offset >= 0 else -seconds, 2))
    return (b":" if ":" in kind else b"").join(parts)


def _fraction(nanoseconds: int, kind: str, text: bytes, digits: int) -> bytes:
    """`appendNano`: at most nine digits."""
    if kind == ".0":
        return text[:1] + (b"%09d" % nanoseconds)[:digits]
    shown = (b"%09d" % nanoseconds)[:digits].rstrip(b"0")
    return text[:1] + shown if shown else b""
