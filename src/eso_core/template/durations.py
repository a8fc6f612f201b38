"""time.Duration as templates see it (source: Go 1.26, ``time/time.go``): nanoseconds in an int64."""

from __future__ import annotations

from typing import Final

from eso_core.compat.duration import HOUR, MINUTE, SECOND, format_duration
from eso_core.template.values import Function, Int64, Sized, wrap

DURATION_MIN: Final = -1 << 63
DURATION_MAX: Final = (1 << 63) - 1


class Duration(Sized):
    __slots__ = ()
    go_type, kind = "time.Duration", "int64"

    def text(self) -> str:
        return format_duration(self)


def truncated(value: int, unit: int) -> tuple[int, int]:
    """Quotient and remainder of Go's integer division, which goes towards zero."""
    quotient, rest = divmod(abs(value), unit)
    return (-quotient, -rest) if value < 0 else (quotient, rest)


def in_units(duration: int, unit: int) -> float:
    """``Seconds``, ``Minutes`` and ``Hours``: whole units and the rest are converted one by one."""
    whole, rest = truncated(duration, unit)
    return float(whole) + float(rest) / float(unit)


def absolute(duration: int) -> Duration:
    """``Abs``: the least duration has no positive twin."""
    return Duration(min(abs(duration), DURATION_MAX))


def rounded(duration: int, unit: int) -> Duration:
    """``Round``: halves away from zero, and no further than the bounds."""
    if unit <= 0:
        return Duration(duration)
    size = abs(duration)
    rest = size % unit
    size = size - rest if rest + rest < unit else size + unit - rest
    return Duration(max(DURATION_MIN, min(DURATION_MAX, -size if duration < 0 else size)))


def shortened(duration: int, unit: int) -> Duration:
    """``Truncate``."""
    return Duration(duration - truncated(duration, unit)[1] if unit > 0 else duration)


Duration.methods = {
    "Abs": Function("func() time.Duration", absolute),
    "Hours": Function("func() float64", lambda duration: in_units(duration, HOUR)),
    "Microseconds": Function("func() int64", lambda duration: Int64(truncated(duration, 1_000)[0])),
    "Milliseconds": Function("func() int64", lambda duration: Int64(truncated(duration, 1_000_000)[0])),
    "Minutes": Function("func() float64", lambda duration: in_units(duration, MINUTE)),
    "Nanoseconds": Function("func() int64", lambda duration: Int64(wrap(duration))),
    "Round": Function("func(time.Duration) time.Duration", rounded),
    "Seconds": Function("func() float64", lambda duration: in_units(duration, SECOND)),
    "String": Function("func() string", lambda duration: format_duration(duration).encode()),
    "Truncate": Function("func(time.Duration) time.Duration", shortened),
}
