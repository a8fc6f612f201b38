"""Times, generated names and identities as the API server writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from eso_core.instant import SECOND, Instant

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # no vowels and no digits that look like letters: a suffix never spells a word
_SUFFIX_LENGTH = 5
_BASE_MAX = 63 - _SUFFIX_LENGTH


def stamp(at: Instant) -> str:
    """RFC 3339 in UTC, cut to whole seconds."""
    return _stamp(at.ns // SECOND)


@lru_cache(maxsize=1024)
def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical_time(text: str) -> str | None:
    """``text`` as the server stores it (UTC, whole seconds), or ``None`` when it is not RFC 3339."""
    moment = _moment(text)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def canonical_micro_time(text: str) -> str | None:
    """The same with six digits of a second, as in Leases and Events; they must be there."""
    moment = _moment(text) if _MICRO.fullmatch(text) else None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


def _moment(text: str) -> datetime | None:
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def uid_of(number: int) -> str:
    """A version 4 UUID that is a counter."""
    return f"00000000-0000-4000-8000-{number:012d}"


def generated_name(prefix: str, number: int) -> str:
    """``prefix``, cut to 58 characters, and five characters that differ for 27**5 numbers in a row."""
    mixed = (number * 7_368_787 + 4_356_617) % 27**_SUFFIX_LENGTH  # a prime factor: neighbours do not look alike
    suffix = ""
    for _ in range(_SUFFIX_LENGTH):
        mixed, digit = divmod(mixed, 27)
        suffix += _ALPHABET[digit]
    return prefix[:_BASE_MAX] + suffix
