"""The offset and abbreviation of a named zone at a time (source: Go 1.26, ``time/zoneinfo.go``: ``LoadLocation``, ``lookup``).

The rules are those of the tz database that the standard library finds: the system's, or else the package ``tzdata``. A calendar repeats
after 400 years, so do the rules; before the year 1 the earliest offset holds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eso_core.compat.civil import days_from_civil
from eso_core.template.locations import LOCAL, UTC, Location

_NAME_MAX: Final = 255  # bytes
_DAY = 86_400
_FIRST = days_from_civil(1, 1, 3) * _DAY
_LAST = days_from_civil(9999, 1, 1) * _DAY
_CYCLE = 146_097 * _DAY


def zone_at(name: bytes, unix: int) -> Location:
    """The zone ``name`` as it is at ``unix`` seconds since 1970; UTC if there is none of that name."""
    if name in (b"", b"UTC"):
        return UTC
    if name == b"Local":
        return LOCAL
    zone = _load(name)
    if zone is None:
        return UTC
    if unix >= _LAST:
        unix = _LAST - _CYCLE + (unix - _LAST) % _CYCLE
    here = datetime.fromtimestamp(max(unix, _FIRST), zone)
    offset = here.utcoffset() or timedelta()
    return Location((here.tzname() or "").encode(), offset.days * _DAY + offset.seconds)


def _load(name: bytes) -> ZoneInfo | None:
    """Go takes the name as a path below the database, so case counts and `.` and `//` do not."""
    if len(name) > _NAME_MAX or b".." in name or name[:1] in (b"/", b"\\") or not name.isascii():
        return None
    *folders, last = name.decode().split("/")
    return _zone("/".join([*(part for part in folders if part not in ("", ".")), last]))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return None
