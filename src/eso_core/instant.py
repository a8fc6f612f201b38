"""Points in time and lengths of time, as integers of nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A point in time: nanoseconds since 1970-01-01T00:00:00Z, without leap seconds. May be negative."""

    ns: int

    def plus(self, length_ns: int) -> Instant:
        """This point moved by ``length_ns`` (may be negative)."""
        return Instant(self.ns + length_ns)

    def since(self, earlier: Instant) -> int:
        """Nanoseconds from ``earlier`` to this point; negative when ``earlier`` is later."""
        return self.ns - earlier.ns


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of both clocks.

    ``wall`` is for what objects say (refresh times); it may jump. ``mono`` (nanoseconds, arbitrary origin, never decreases)
    is for how long to wait.
    """

    wall: Instant
    mono: int

    def mono_of(self, at: Instant) -> int:
        """The monotonic reading at which the wall clock will show ``at``, if it does not jump."""
        return self.mono + at.since(self.wall)
