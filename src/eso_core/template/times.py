"""time.Time and its kin as templates see them (source: Go 1.26, ``time/time.go``, ``time/zoneinfo.go``).

A time is a number of seconds since the year 1, an int64 that overflows as Go's does, and nanoseconds within the second. One that the
clock told also has a monotonic reading, which ``String`` prints and which differences prefer. The zone decides how it looks: UTC,
the local zone (UTC too, but another pointer, and ``%#v`` tells them apart), or a fixed offset that a parsed text told.

Zones with rules never get into a ``Time`` here: ``dateInZone`` formats in them at once, see ``zones``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from eso_core.compat.civil import civil_from_days, days_from_civil
from eso_core.compat.duration import SECOND, quote_ascii
from eso_core.compat.layouts import LONG_DAYS, LONG_MONTHS, RFC3339_NANO, Moment, write
from eso_core.template.durations import DURATION_MAX, DURATION_MIN, Duration, truncated
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import Ambient, items
from eso_core.template.locations import LOCAL, NO_LOCATION, UTC, Location
from eso_core.template.values import Bytes, Function, Int64, Object, Sized, Uint8, Uint64, Value, wrap

DAY: Final = 86_400
TEXT_MAX: Final = 1 << 14  # bytes of a layout, time or duration
UNIX_TO_INTERNAL: Final = 62_135_596_800  # seconds from the year 1 to 1970

_ABSOLUTE_YEARS = 292_277_022_400  # Go counts its days from 1 March of this year before the year 0, so that they are positive
_ABSOLUTE_DAYS = days_from_civil(-_ABSOLUTE_YEARS, 3, 1)
_INTERNAL_TO_ABSOLUTE = (days_from_civil(1, 1, 1) - _ABSOLUTE_DAYS) * DAY
_MASK = (1 << 64) - 1
_WALL = days_from_civil(1885, 1, 1) - days_from_civil(1, 1, 1)  # days; a time with a monotonic reading lies in the 2**33 s after it
_STRING = b"2006-01-02 15:04:05.999999999 -0700 MST"


class Month(Sized):
    __slots__ = ()
    go_type, kind = "time.Month", "int"

    def text(self) -> str:
        return LONG_MONTHS[self - 1].decode() if 1 <= self <= 12 else f"%!Month({self % (1 << 64)})"


class Weekday(Sized):
    """Sunday is 0."""

    __slots__ = ()
    go_type, kind = "time.Weekday", "int"

    def text(self) -> str:
        return LONG_DAYS[self].decode() if 0 <= self <= 6 else f"%!Weekday({self % (1 << 64)})"


class Time(Object):
    """``seconds`` since the year 1; ``zone`` is never ``UTC`` itself but None, as in Go; ``monotonic`` in nanoseconds."""

    __slots__ = ("monotonic", "nanoseconds", "seconds", "zone")
    go_type = "time.Time"

    def __init__(self, seconds: int, nanoseconds: int = 0, zone: Location | None = None, monotonic: int | None = None) -> None:
        self.seconds, self.nanoseconds, self.zone, self.monotonic = seconds, nanoseconds, zone, monotonic

    def __eq__(self, other: object) -> bool:
        """Go's ``==``: the same fields, not only the same instant."""
        if not isinstance(other, Time):
            return NotImplemented
        return self._fields() == other._fields() and self.zone is other.zone

    def __hash__(self) -> int:
        return hash(self._fields())

    def deep_equal(self, other: object) -> bool:
        """``reflect.DeepEqual``: zones may be different pointers to the same."""
        if not isinstance(other, Time) or self._fields() != other._fields():
            return False
        return self.zone is other.zone or (self.zone is not None and self.zone.deep_equal(other.zone))

    def _fields(self) -> tuple[int, int]:
        """``wall`` and ``ext``."""
        if self.monotonic is None:
            return self.nanoseconds, self.seconds
        return 1 << 63 | (self.seconds - _WALL * DAY) << 30 | self.nanoseconds, self.monotonic

    def private(self) -> dict[str, Value]:
        """The unexported fields."""
        wall, ext = self._fields()
        return {"wall": Uint64(wall), "ext": Int64(ext), "loc": self.zone or NO_LOCATION}

    def text(self) -> str:
        shown = write(_STRING, self.moment()).decode("utf-8", "surrogateescape")
        if self.monotonic is None:
            return shown
        whole, rest = divmod(abs(self.monotonic), SECOND)
        return f"{shown} m={'-' if self.monotonic < 0 else '+'}{whole}.{rest:09d}"

    def go_string(self) -> str:
        """``GoString``: what ``%#v`` prints."""
        year, month, day = civil_from_days(self.clock()[0])
        seconds = self.clock()[1]
        zone = "time.UTC" if self.zone is None else "time.Local" if self.zone is LOCAL else f"time.Location({quote_ascii(self.zone.name)})"
        return (
            f"time.Date({year}, time.{LONG_MONTHS[month - 1].decode()}, {day}, {seconds // 3600}, {seconds // 60 % 60}, {seconds % 60}, "
            f"{self.nanoseconds}, {zone})"
        )

    def json(self) -> bytes:
        """``MarshalJSON``."""
        return b'"' + self.strict("Time.MarshalJSON: ") + b'"'

    def strict(self, prefix: str) -> bytes:
        """``appendStrictRFC3339``: not every time can be written by that rule."""
        shown = write(RFC3339_NANO, self.moment())
        if shown[4:5] != b"-":
            raise FunctionError(prefix + "year outside of range [0,9999]")
        if shown[-1:] != b"Z" and (shown[-6:-5].isdigit() or int(shown[-5:-3]) >= 24):
            raise FunctionError(prefix + "timezone hour outside of range [0,23]")
        return shown

    @property
    def location(self) -> Location:
        return self.zone or UTC

    def clock(self) -> tuple[int, int]:
        """Days since 1970 and seconds of the day, as the zone shows them."""
        days, seconds = divmod((self.seconds + self.location.offset + _INTERNAL_TO_ABSOLUTE) & _MASK, DAY)
        return days + _ABSOLUTE_DAYS, seconds

    def moment(self) -> Moment:
        days, seconds = self.clock()
        return Moment(days, seconds, self.nanoseconds, self.location.name, self.location.offset)

    def format(self, ambient: Ambient, layout: bytes) -> bytes:
        """``Format``."""
        weigh(ambient, layout)
        return write(layout, self.moment())

    def in_zone(self, zone: Location | None) -> Time:
        """``In``; UTC is None here too."""
        return Time(self.seconds, self.nanoseconds, None if zone is UTC else zone)

    def unix(self) -> int:
        return wrap(self.seconds - UNIX_TO_INTERNAL)

    def compare(self, other: Time) -> int:
        """-1, 0 or 1; by the monotonic readings if both have one."""
        if self.monotonic is not None and other.monotonic is not None:
            return (self.monotonic > other.monotonic) - (self.monotonic < other.monotonic)
        mine, others = (self.seconds, self.nanoseconds), (other.seconds, other.nanoseconds)
        return (mine > others) - (mine < others)

    def add(self, duration: int) -> Time:
        """``Add``: seconds do not overflow but stay at the bounds, and a monotonic reading goes where it no longer fits."""
        more, rest = divmod(duration, SECOND)
        carry, nanoseconds = divmod(self.nanoseconds + rest, SECOND)
        seconds = self.seconds + more + carry
        monotonic = None if self.monotonic is None else self.monotonic + duration
        if monotonic is not None and (monotonic != wrap(monotonic) or not 0 <= seconds - _WALL * DAY < 1 << 33):
            monotonic = None
        if seconds != wrap(seconds):
            seconds = DURATION_MAX if seconds > 0 else -DURATION_MAX
        return Time(seconds, nanoseconds, self.zone, monotonic)

    def sub(self, other: Time) -> Duration:
        """``Sub``, at the bounds of a duration if it is longer."""
        if self.monotonic is not None and other.monotonic is not None:
            difference = self.monotonic - other.monotonic
        else:
            difference = (self.seconds - other.seconds) * SECOND + self.nanoseconds - other.nanoseconds
        return Duration(max(DURATION_MIN, min(DURATION_MAX, difference)))

    def truncate(self, unit: int) -> Time:
        """``Truncate``: down to a multiple of ``unit`` since the year 1; the monotonic reading goes in any case."""
        plain = Time(self.seconds, self.nanoseconds, self.zone)
        return plain.add(-self._rest(unit)) if unit > 0 else plain

    def round(self, unit: int) -> Time:
        """``Round``: to the nearest multiple of ``unit``, halves up."""
        plain = Time(self.seconds, self.nanoseconds, self.zone)
        if unit <= 0:
            return plain
        rest = self._rest(unit)
        return plain.add(-rest if rest + rest < unit else unit - rest)

    def _rest(self, unit: int) -> int:
        return (self.seconds * SECOND + self.nanoseconds) % unit

    def add_date(self, years: int, months: int, days: int) -> Time:
        """``AddDate``: a day that the month lacks runs over into the next."""
        here, seconds = self.clock()
        year, month, day = civil_from_days(here)
        over, month = divmod(wrap(wrap(month + months) - 1), 12)
        absolute = _absolute_days(wrap(wrap(year + years) + over), month + 1, wrap(day + days))
        unix = wrap(absolute * DAY + seconds + _ABSOLUTE_DAYS * DAY - self.location.offset)
        return Time(wrap(unix + UNIX_TO_INTERNAL), self.nanoseconds, self.zone)


ZERO: Final = Time(0)

_TEXT_COST = 400  # work of a byte of a layout, and of what is read by one


def weigh(ambient: Ambient, *texts: bytes) -> None:
    """Charge for layouts and for what is read by them, which takes long for its size; :class:`LimitExceeded` for one that nobody writes."""
    for text in texts:
        if len(text) > TEXT_MAX:
            raise LimitExceeded(f"a time or layout of more than {TEXT_MAX} bytes")
        ambient.meter.spend(_TEXT_COST * len(text))


def unix_time(seconds: int, nanoseconds: int = 0) -> Time:
    """``time.Unix``, in the local zone."""
    return Time(wrap(seconds + UNIX_TO_INTERNAL), nanoseconds, LOCAL)


def clock_time(now_ns: int, monotonic: int) -> Time:
    """``time.Now``. From 2157 on there is no room for the monotonic reading."""
    seconds, nanoseconds = divmod(now_ns, SECOND)
    seconds += UNIX_TO_INTERNAL
    fits = 0 <= seconds - _WALL * DAY < 1 << 33
    return Time(wrap(seconds), nanoseconds, LOCAL, monotonic if fits else None)


def _absolute_days(year: int, month: int, day: int) -> int:
    """``dateToAbsDays``, which overflows in years that no one sees."""
    before = month < 3
    years = (year - before + _ABSOLUTE_YEARS) & _MASK
    century, of_century = divmod(years, 100)
    centuries = (146_097 * century & _MASK) // 4
    return (centuries + 1461 * of_century // 4 + (979 * (month + 12 * before) - 2919 >> 5) + day - 1) & _MASK


# --- methods -------------------------------------------------------------------------------------------------------------------


def _field(part: int) -> Callable[[Time], int]:
    return lambda time: civil_from_days(time.clock()[0])[part]


def _of_day(unit: int, base: int) -> Callable[[Time], int]:
    return lambda time: time.clock()[1] // unit % base


def _year_day(time: Time) -> int:
    days, _ = time.clock()
    return days - days_from_civil(civil_from_days(days)[0], 1, 1) + 1


def _scaled(scale: int) -> Callable[[Time], Int64]:
    return lambda time: Int64(wrap(time.unix() * scale + time.nanoseconds // (SECOND // scale)))


def _in(time: Time, zone: Location | None) -> Time:
    if zone is None:
        raise FunctionError("time: missing Location in call to Time.In")
    return time.in_zone(zone)


def _appended(start: Bytes | None, text: bytes) -> Bytes:
    items(len(start or ()) + len(text))
    return Bytes([*(start or ()), *map(Uint8, text)])


def _append_format(ambient: Ambient, time: Time, start: Bytes | None, layout: bytes) -> Bytes:
    return _appended(start, time.format(ambient, layout))


def _append_text(time: Time, start: Bytes | None) -> Bytes:
    return _appended(start, time.strict("Time.AppendText: "))


def _append_binary(time: Time, start: Bytes | None = None) -> Bytes:
    """``AppendBinary``: version, seconds, nanoseconds, minutes east of UTC (-1 is UTC), and seconds for an odd offset."""
    minutes, seconds = (-1, 0) if time.zone is None else truncated(time.zone.offset, 60)
    if time.zone is not None and (minutes == -1 or not -1 << 15 <= minutes < 1 << 15):
        raise FunctionError("Time.MarshalBinary: unexpected zone offset")
    parts = [bytes([2 if seconds else 1]), time.seconds.to_bytes(8, "big", signed=True), time.nanoseconds.to_bytes(4, "big")]
    parts.append(minutes.to_bytes(2, "big", signed=True))
    if seconds:
        parts.append(seconds.to_bytes(1, "big", signed=True))
    return _appended(start, b"".join(parts))


def _uncallable(*_arguments: Value) -> Value:
    """Stands for a method whose results no template can take; the executor refuses it by its signature."""
    raise FunctionError("a method with results that no template can take")


def _text(value: Month | Weekday) -> bytes:
    return value.text().encode()


Month.methods = Weekday.methods = {"String": Function("func() string", _text)}
Time.methods = {
    "Add": Function("func(time.Duration) time.Time", Time.add),
    "AddDate": Function("func(int, int, int) time.Time", Time.add_date),
    "After": Function("func(time.Time) bool", lambda time, other: time.compare(other) > 0),
    "AppendBinary": Function("func([]uint8) ([]uint8, error)", _append_binary),
    "AppendFormat": Function("func([]uint8, string) []uint8", _append_format, ambient=True),
    "AppendText": Function("func([]uint8) ([]uint8, error)", _append_text),
    "Before": Function("func(time.Time) bool", lambda time, other: time.compare(other) < 0),
    "Clock": Function("func() (int, int, int)", _uncallable),
    "Compare": Function("func(time.Time) int", Time.compare),
    "Date": Function("func() (int, time.Month, int)", _uncallable),
    "Day": Function("func() int", _field(2)),
    "Equal": Function("func(time.Time) bool", lambda time, other: time.compare(other) == 0),
    "Format": Function("func(string) string", lambda ambient, time, layout: time.format(ambient, layout), ambient=True),
    "GoString": Function("func() string", lambda time: time.go_string().encode()),
    "GobEncode": Function("func() ([]uint8, error)", _append_binary),
    "Hour": Function("func() int", _of_day(3600, 24)),
    "ISOWeek": Function("func() (int, int)", _uncallable),
    "In": Function("func(*time.Location) time.Time", _in),
    "IsDST": Function("func() bool", lambda time: False),
    "IsZero": Function("func() bool", lambda time: not time.seconds and not time.nanoseconds),
    "Local": Function("func() time.Time", lambda time: time.in_zone(LOCAL)),
    "Location": Function("func() *time.Location", lambda time: time.location),
    "MarshalBinary": Function("func() ([]uint8, error)", _append_binary),
    "MarshalJSON": Function("func() ([]uint8, error)", lambda time: _appended(None, time.json())),
    "MarshalText": Function("func() ([]uint8, error)", lambda time: _appended(None, time.strict("Time.MarshalText: "))),
    "Minute": Function("func() int", _of_day(60, 60)),
    "Month": Function("func() time.Month", lambda time: Month(civil_from_days(time.clock()[0])[1])),
    "Nanosecond": Function("func() int", lambda time: time.nanoseconds),
    "Round": Function("func(time.Duration) time.Time", Time.round),
    "Second": Function("func() int", _of_day(1, 60)),
    "String": Function("func() string", lambda time: time.text().encode("utf-8", "surrogateescape")),
    "Sub": Function("func(time.Time) time.Duration", Time.sub),
    "Truncate": Function("func(time.Duration) time.Time", Time.truncate),
    "UTC": Function("func() time.Time", lambda time: time.in_zone(None)),
    "Unix": Function("func() int64", lambda time: Int64(time.unix())),
    "UnixMicro": Function("func() int64", _scaled(1_000_000)),
    "UnixMilli": Function("func() int64", _scaled(1_000)),
    "UnixNano": Function("func() int64", _scaled(SECOND)),
    "Weekday": Function("func() time.Weekday", lambda time: Weekday((time.clock()[0] + 4) % 7)),
    "Year": Function("func() int", _field(0)),
    "YearDay": Function("func() int", _year_day),
    "Zone": Function("func() (string, int)", _uncallable),
    "ZoneBounds": Function("func() (time.Time, time.Time)", _uncallable),
}
