"""Schedules of robfig/cron v3.0.1 (standard parser: five fields or a descriptor) and the sync windows built on them.

    minute hour day-of-month month day-of-week     lists, ranges, steps, names; `?` is `*`; `N/step` runs to the maximum
    @yearly @annually @monthly @weekly @daily @midnight @hourly
    @every 1h30m                                   no anchor: that long after the time asked about, cut to seconds
    TZ=Europe/Berlin 0 5 * * *                     also CRON_TZ=

Days match if day of month *and* day of week match where one of them is a star, else if either matches. A wall clock time that a zone
skips does not fire, one that it repeats fires twice. Times are int nanoseconds since the epoch.

A time zone is a function (`Offset`), because reading a zone's rules is the caller's business.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from returns.result import Failure, Result, Success

from eso_core.compat.civil import civil_from_days, days_from_civil
from eso_core.compat.duration import SECOND, parse_duration
from eso_core.compat.text import quote

YEARS_MAX = 5  # years looked ahead before a schedule counts as one that never fires
STEPS_MAX = 50_000  # moves of one search; around a skipped midnight robfig/cron can search for ever

Offset: TypeAlias = Callable[[int], int]
"""Seconds east of UTC at a time in seconds since the epoch."""
Zones: TypeAlias = Callable[[str], Offset | None]
"""The zone of an IANA name; None if there is none."""


def utc(_at: int) -> int:
    """The offset of UTC."""
    return 0


def only_utc(name: str) -> Offset | None:
    """A `Zones` that knows UTC alone."""
    return utc if name in ("", "UTC") else None


@dataclass(frozen=True, slots=True)
class Fields:
    """A schedule of five fields, each the set of values that match. `zone` None: the zone of the time asked about."""

    minute: frozenset[int]
    hour: frozenset[int]
    day: frozenset[int]
    month: frozenset[int]
    weekday: frozenset[int]  # Sunday is 0
    any_day: bool  # a star stands for the day of month or the day of week
    zone: Offset | None = None


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed distance, in nanoseconds, a multiple of one second."""

    delay: int


Schedule: TypeAlias = Fields | Every


def parse_schedule(spec: str, zones: Zones = only_utc) -> Result[Schedule, str]:
    """The schedule that `spec` describes."""
    if not spec:
        return Failure("empty spec string")
    if not spec.startswith(("TZ=", "CRON_TZ=")):
        return _schedule(spec, None)
    zone, space, rest = spec.partition("=")[2].partition(" ")
    if not space:
        return Failure(f"provided bad location {zone}: no schedule follows")
    offset = zones(zone)
    if offset is None:
        return Failure(f"provided bad location {zone}: unknown time zone {zone}")
    return _schedule(rest.strip(), offset)


def next_time(schedule: Schedule, after: int, offset: Offset = utc) -> int | None:
    """The first firing later than `after`, seen from the zone `offset`; None if there is none within `YEARS_MAX` years."""
    if isinstance(schedule, Every):
        return after - after % SECOND + schedule.delay
    if not (schedule.minute and schedule.hour and schedule.month):
        return None
    found = _Walk(after // SECOND + 1, schedule.zone or offset).find(schedule)
    return None if found is None else found * SECOND


def within_window(schedule: Schedule, duration: int, at: int, offset: Offset = utc) -> bool:
    """Whether `at` lies in the window that the oldest firing within `duration` (and one second) before it opens, ends included."""
    opened = next_time(schedule, at - duration - SECOND, offset)
    return opened is not None and opened <= at <= opened + duration


def refresh_allowed(kind: str, windows: Sequence[tuple[str, int]], at: int, offset: Offset = utc, zones: Zones = only_utc) -> bool:
    """Whether `syncWindows` let a periodic refresh pass. A window is (schedule, duration); one that does not parse is never active.

    `kind` is `allow` or `deny`; no windows, and any other kind, allow.
    """
    if not windows or kind not in ("allow", "deny"):
        return True

    def active(window: tuple[str, int]) -> bool:
        parsed = parse_schedule(window[0], zones)
        return isinstance(parsed, Success) and within_window(parsed.unwrap(), window[1], at, offset)

    return any(map(active, windows)) == (kind == "allow")


# --- parsing -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bounds:
    low: int
    high: int
    names: Mapping[str, int]

    @property
    def all(self) -> frozenset[int]:
        return frozenset(range(self.low, self.high + 1))


def _named(first: int, names: str) -> dict[str, int]:
    return {name: number for number, name in enumerate(names.split(), first)}


_MINUTE, _HOUR, _DAY = _Bounds(0, 59, {}), _Bounds(0, 23, {}), _Bounds(1, 31, {})
_MONTH = _Bounds(1, 12, _named(1, "jan feb mar apr may jun jul aug sep oct nov dec"))
_WEEKDAY = _Bounds(0, 6, _named(0, "sun mon tue wed thu fri sat"))
_BOUNDS = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_INTEGER = re.compile("[-+]?[0-9]+")
_INT64_MAX = (1 << 63) - 1


def _schedule(spec: str, zone: Offset | None) -> Result[Schedule, str]:
    if spec.startswith(_EVERY):
        parsed = parse_duration(spec[len(_EVERY) :]).alt(lambda fault: f"failed to parse duration {spec}: {fault}")
        return parsed.map(lambda delay: Every(max(delay - delay % SECOND, SECOND)))
    if spec.startswith("@") and spec not in _DESCRIPTORS:
        return Failure(f"unrecognized descriptor: {spec}")
    parts = _DESCRIPTORS.get(spec, spec).split()
    if len(parts) != len(_BOUNDS):
        return Failure(f"expected exactly {len(_BOUNDS)} fields, found {len(parts)}: [{' '.join(parts)}]")
    return _fields(parts, zone)


def _fields(parts: list[str], zone: Offset | None) -> Result[Schedule, str]:
    values: list[frozenset[int]] = []
    stars: list[bool] = []
    for part, bounds in zip(parts, _BOUNDS, strict=True):
        match _field(part, bounds):
            case Success((matching, star)):
                values.append(matching)
                stars.append(star)
            case Failure(fault):
                return Failure(fault)
    minute, hour, day, month, weekday = values
    return Success(Fields(minute, hour, day, month, weekday, any_day=stars[2] or stars[4], zone=zone))


def _field(part: str, bounds: _Bounds) -> Result[tuple[frozenset[int], bool], str]:
    """(values, whether a star is among the ranges)."""
    values: set[int] = set()
    star = False
    for item in filter(None, part.split(",")):
        match _range(item, bounds):
            case Success((matching, starred)):
                values.update(matching)
                star = star or starred
            case Failure(fault):
                return Failure(fault)
    return Success((frozenset(values), star))


def _range(item: str, bounds: _Bounds) -> Result[tuple[range, bool], str]:
    span, *steps = item.split("/")
    low, *highs = span.split("-")
    if low in ("*", "?"):
        ends: Result[tuple[int, int], str] = Success((bounds.low, bounds.high))
    elif not highs:
        ends = _number(low, bounds).map(lambda first: (first, first))
    elif len(highs) > 1:
        ends = _number(low, bounds).bind(lambda _: Failure(f"too many hyphens: {item}"))
    else:
        ends = _number(low, bounds).bind(lambda first: _number(highs[0], bounds).map(lambda last: (first, last)))
    if len(steps) > 1:
        return ends.bind(lambda _: Failure(f"too many slashes: {item}"))
    shape = (bool(steps) and not highs, low in ("*", "?"))
    step = _integer(steps[0]) if steps else Success(1)
    return ends.bind(lambda pair: step.bind(lambda stride: _checked(item, bounds, pair, stride, shape)))


def _checked(item: str, bounds: _Bounds, ends: tuple[int, int], step: int, shape: tuple[bool, bool]) -> Result[tuple[range, bool], str]:
    """`shape`: whether the range is open (`N/step`), whether it is a star."""
    start, end = ends[0], bounds.high if shape[0] else ends[1]
    if start < bounds.low:
        return Failure(f"beginning of range ({start}) below minimum ({bounds.low}): {item}")
    if end > bounds.high:
        return Failure(f"end of range ({end}) above maximum ({bounds.high}): {item}")
    if start > end:
        return Failure(f"beginning of range ({start}) beyond end of range ({end}): {item}")
    if step == 0:
        return Failure(f"step of range should be a positive number: {item}")
    return Success((range(start, end + 1, step), shape[1] and step == 1))


def _number(text: str, bounds: _Bounds) -> Result[int, str]:
    named = bounds.names.get(text.lower())
    return _integer(text) if named is None else Success(named)


def _integer(text: str) -> Result[int, str]:
    """`strconv.Atoi`, negative numbers refused."""
    fault = f"failed to parse int from {text}: strconv.Atoi: parsing {quote(text)}: "
    if not _INTEGER.fullmatch(text):
        return Failure(fault + "invalid syntax")
    digits = text.lstrip("-+0")
    if len(digits) > 19 or int(digits or "0") > _INT64_MAX:
        return Failure(fault + "value out of range")
    value = int(digits or "0")
    return Failure(f"negative number (-{value}) not allowed: {text}") if text.startswith("-") and value else Success(value)


# --- the next firing -------------------------------------------------------------------------------------------------------------

_DAY_SECONDS = 86_400


class _Walk:
    """A moment that moves forward until every field matches. The moment is in seconds; wall clock fields follow the zone."""

    __slots__ = ("added", "at", "day", "hour", "minute", "month", "offset", "steps", "weekday", "year")

    def __init__(self, at: int, offset: Offset) -> None:
        self.offset = offset
        self.steps = STEPS_MAX  # that are left
        self.added = False  # a field was moved: the finer ones are at their start
        self.move(at)

    def move(self, at: int) -> None:
        """Makes `at` the current moment."""
        self.steps -= 1
        self.at = at
        days, rest = divmod(at + self.offset(at), _DAY_SECONDS)
        self.year, self.month, self.day = civil_from_days(days)
        self.weekday, self.hour, self.minute = (days + 4) % 7, rest // 3600, rest // 60 % 60

    def set(self, year: int, month: int, day: int, seconds: int) -> None:
        """Go's `time.Date`: a wall clock time, `seconds` after midnight; values out of range carry over."""
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        wall = days_from_civil(year, month, day) * _DAY_SECONDS + seconds
        self.move(wall - self.offset(wall - self.offset(wall)))

    def find(self, schedule: Fields) -> int | None:
        """The first moment from the current one on that matches."""
        year_max = self.year + YEARS_MAX
        while self.year <= year_max and self.steps > 0:
            if self.to_month(schedule) and self.to_day(schedule) and self.to_hour(schedule) and self.to_minute(schedule):
                second = self.clock() % 60
                if second == 0:
                    return self.at
                self.added = True
                self.move(self.at + 60 - second)
        return None

    def start(self, year: int, month: int, day: int, seconds: int = 0) -> None:
        """Drops the finer fields, once."""
        if not self.added:
            self.added = True
            self.set(year, month, day, seconds)

    def to_month(self, schedule: Fields) -> bool:
        """Each step answers False where a coarser field has changed, so that all have to be checked again."""
        while self.month not in schedule.month:
            self.start(self.year, self.month, 1)
            self.set(self.year, self.month + 1, self.day, self.clock())
            if self.month == 1 or self.steps <= 0:
                return False
        return True

    def to_day(self, schedule: Fields) -> bool:
        while not self.day_fits(schedule):
            self.start(self.year, self.month, self.day)
            self.set(self.year, self.month, self.day + 1, self.clock())
            if self.hour:  # midnight is skipped or repeated in this zone
                self.move(self.at + (24 - self.hour if self.hour > 12 else -self.hour) * 3600)
            if self.day == 1 or self.steps <= 0:
                return False
        return True

    def to_hour(self, schedule: Fields) -> bool:
        while self.hour not in schedule.hour:
            self.start(self.year, self.month, self.day, self.hour * 3600)
            self.move(self.at + 3600)
            if self.hour == 0 or self.steps <= 0:
                return False
        return True

    def to_minute(self, schedule: Fields) -> bool:
        while self.minute not in schedule.minute:
            if not self.added:
                self.added = True
                self.move(self.at - self.at % 60)
            self.move(self.at + 60)
            if self.minute == 0 or self.steps <= 0:
                return False
        return True

    def clock(self) -> int:
        """Seconds since midnight on the wall clock."""
        return (self.at + self.offset(self.at)) % _DAY_SECONDS

    def day_fits(self, schedule: Fields) -> bool:
        of_month, of_week = self.day in schedule.day, self.weekday in schedule.weekday
        return of_month and of_week if schedule.any_day else of_month or of_week
