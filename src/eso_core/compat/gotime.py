"""Times as Kubernetes objects carry them: `metav1.Time`, RFC 3339 with a precision of one second.

Source: Go's `time.Parse(time.RFC3339, ...)` with its oddities (an hour may have one digit, a fraction may follow a comma, an offset of
24:00 is accepted) and `metav1.Time`'s JSON methods. A time is an int of nanoseconds since the Unix epoch.
"""

from returns.result import Result

from eso_core.compat.civil import civil_from_days
from eso_core.compat.duration import HOUR, SECOND
from eso_core.compat.layouts import RFC3339
from eso_core.compat.text import to_bytes
from eso_core.compat.timeparse import parse

ZERO = -62_135_596_800 * SECOND  # 0001-01-01T00:00:00Z, what Go's IsZero tests

_DAY = 24 * HOUR


def parse_time(text: str) -> Result[int, str]:
    """Nanoseconds since the epoch of an RFC 3339 time. Digits after the ninth of a fraction are dropped."""
    return parse(RFC3339, to_bytes(text)).map(lambda parsed: parsed.seconds * SECOND + parsed.nanoseconds)


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
