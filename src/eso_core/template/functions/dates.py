"""sprig's dates: ``runtime/template/v2/sprig/date.go``. The local zone is UTC.

What is no time where one is wanted counts as now, as nothing (``durationRound``, ``duration``), or as the year 1 (``toDate``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from returns.result import Failure, Result

from eso_core.compat.duration import HOUR, MINUTE, SECOND, format_duration, parse_duration
from eso_core.compat.timeparse import parse
from eso_core.template.durations import DURATION_MAX, DURATION_MIN, rounded
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import WORK_MAX, Ambient
from eso_core.template.locations import LOCAL, fixed_zone
from eso_core.template.times import TEXT_MAX, UNIX_TO_INTERNAL, ZERO, Time, clock_time, unix_time, weigh
from eso_core.template.values import Function, Int32, Int64, Value, wrap
from eso_core.template.zones import zone_at

_HTML = b"2006-01-02"
_ROUNDED = (
    (24 * 365 * HOUR, b"y"),
    (24 * 30 * HOUR, b"mo"),
    (24 * HOUR, b"d"),
    (HOUR, b"h"),
    (MINUTE, b"m"),
    (SECOND, b"s"),
)
_INTEGER = re.compile(rb"[-+]?[0-9]+")


def now(ambient: Ambient) -> Time:
    """``time.Now``. The clock goes on by the work that was spent, so that no two calls see the same time."""
    ambient.meter.spend(1)
    elapsed = WORK_MAX - ambient.meter.work
    return clock_time(ambient.now_ns + elapsed, elapsed)


def date(ambient: Ambient, layout: bytes, value: Value) -> bytes:
    return date_in_zone(ambient, layout, value, b"Local")


def html_date(ambient: Ambient, value: Value) -> bytes:
    return date_in_zone(ambient, _HTML, value, b"Local")


def html_date_in_zone(ambient: Ambient, value: Value, zone: bytes) -> bytes:
    return date_in_zone(ambient, _HTML, value, zone)


def date_in_zone(ambient: Ambient, layout: bytes, value: Value, zone: bytes) -> bytes:
    if isinstance(value, Time):
        time = value
    elif type(value) in (int, Int64, Int32):
        time = unix_time(int(value))
    else:
        time = now(ambient)
    return time.in_zone(zone_at(zone, time.unix())).format(ambient, layout)


def date_modify(text: bytes, time: Time) -> Time:
    """The time as it is if ``text`` is no duration."""
    moved = _duration(text).value_or(None)
    return time if moved is None else time.add(moved)


def must_date_modify(text: bytes, time: Time) -> Time:
    moved = _duration(text)
    if isinstance(moved, Failure):
        raise _refused(moved.failure())
    return time.add(moved.unwrap())


def ago(ambient: Ambient, value: Value) -> bytes:
    if isinstance(value, Time):
        time = value
    elif type(value) in (int, Int64):
        time = unix_time(int(value))
    else:
        time = now(ambient)
    return format_duration(rounded(now(ambient).sub(time), SECOND)).encode()


def duration(value: Value) -> bytes:
    """Of seconds: an int64 or its text, which counts as zero if it is none and as the nearest int64 if it is too large."""
    seconds = 0
    if type(value) is Int64:
        seconds = int(value)
    elif type(value) is bytes and _INTEGER.fullmatch(value):
        seconds = _nearest(value)
    return format_duration(wrap(seconds * SECOND)).encode()


def duration_round(ambient: Ambient, value: Value) -> bytes:
    """The largest unit that fits in more than once, and how often; the sign is lost."""
    size = 0
    if type(value) is bytes:
        size = _duration(value).value_or(0)
    elif type(value) is Int64:
        size = int(value)
    elif isinstance(value, Time):
        size = now(ambient).sub(value)
    size = abs(size)
    return next((b"%d%b" % (size // unit, name) for unit, name in _ROUNDED if size > unit), b"0s")


def to_date(ambient: Ambient, layout: bytes, text: bytes) -> Time:
    found = _parsed(ambient, layout, text)
    return found if isinstance(found, Time) else ZERO


def must_to_date(ambient: Ambient, layout: bytes, text: bytes) -> Time:
    found = _parsed(ambient, layout, text)
    if isinstance(found, Time):
        return found
    raise _refused(found)


def unix_epoch(time: Time) -> bytes:
    return b"%d" % time.unix()


def _parsed(ambient: Ambient, layout: bytes, text: bytes) -> Time | str:
    """The time, or what is wrong with the text."""
    weigh(ambient, layout, text)
    found = parse(layout, text)
    if isinstance(found, Failure):
        return str(found.failure())
    seconds, nanoseconds, name, offset, utc = found.unwrap()
    zone = None if utc else LOCAL if name is None else fixed_zone(name, offset)
    return Time(seconds + UNIX_TO_INTERNAL, nanoseconds, zone)


def _duration(text: bytes) -> Result[int, str]:
    if len(text) > TEXT_MAX:
        raise LimitExceeded(f"a duration of more than {TEXT_MAX} bytes")
    return parse_duration(text)


def _refused(failure: str) -> FunctionError:
    """Go's words go public up to the first thing that it quotes."""
    what, quote, detail = failure.partition(' "')
    return FunctionError(what, quote + detail)


def _nearest(text: bytes) -> int:
    digits = text.lstrip(b"-+").lstrip(b"0")
    size = int(digits or 0) if len(digits) < 20 else 1 << 64
    return max(DURATION_MIN, min(DURATION_MAX, -size if text[:1] == b"-" else size))


_MODIFY = Function("func(string, time.Time) time.Time", date_modify)
_MUST_MODIFY = Function("func(string, time.Time) (time.Time, error)", must_date_modify)
_IN_ZONE = Function("func(string, interface {}, string) string", date_in_zone, ambient=True)

TABLE: Final[Mapping[str, Function]] = {
    "ago": Function("func(interface {}) string", ago, ambient=True),
    "date": Function("func(string, interface {}) string", date, ambient=True),
    "dateInZone": _IN_ZONE,
    "dateModify": _MODIFY,
    "date_in_zone": _IN_ZONE,
    "date_modify": _MODIFY,
    "duration": Function("func(interface {}) string", duration),
    "durationRound": Function("func(interface {}) string", duration_round, ambient=True),
    "htmlDate": Function("func(interface {}) string", html_date, ambient=True),
    "htmlDateInZone": Function("func(interface {}, string) string", html_date_in_zone, ambient=True),
    "mustDateModify": _MUST_MODIFY,
    "mustToDate": Function("func(string, string) (time.Time, error)", must_to_date, ambient=True),
    "must_date_modify": _MUST_MODIFY,
    "now": Function("func() time.Time", now, ambient=True),
    "toDate": Function("func(string, string) time.Time", to_date, ambient=True),
    "unixEpoch": Function("func(time.Time) string", unix_epoch),
}
