"""How often talks may begin at one desk: a bucket of tokens, one for each talk (the generic cell rate algorithm)."""

from __future__ import annotations

import math

from eso_core.instant import SECOND

LONG_AGO = -(2**62)


class Pace:
    """At most ``per_s`` talks a second, and as many at once after a pause; one at least. ``None``: no bound.

    Guarantee: within any ``t`` seconds at most ``max(1, per_s) + t * per_s`` talks begin.
    """

    __slots__ = ("_apart", "_next", "_spare")

    def __init__(self, per_s: float | None) -> None:
        self._apart = math.ceil(SECOND / per_s) if per_s else 0  # between two talks in the long run
        self._spare = (max(1, int(per_s)) - 1) * self._apart if per_s else 0
        self._next = LONG_AGO  # when the next talk would begin, had all come evenly

    @property
    def ready_at(self) -> int:
        """From when on a talk may begin."""
        return self._next - self._spare

    def take(self, now: int) -> bool:
        """A talk may begin now, and does."""
        if now < self.ready_at:
            return False
        if self._apart:
            self._next = max(self._next, now) + self._apart
        return True
