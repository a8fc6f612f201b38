"""When one desk (an identity at one backend) is asked, how often at a time, and when it is tried again.

======  ============================  ==============================================================  ===========================
state   asks                          goes over to                                                    talks at a time
======  ============================  ==============================================================  ===========================
closed  go through                    open: ``DEAD_AFTER`` unreachable or throttled answers in a      ``permitted``: ``START`` at
                                      row, or one throttled answer that names a time                  first and after ``IDLE``, twice
                                                                                                      as many after each good answer
                                                                                                      up to ``most``, half after a
                                                                                                      bad one
open    fail at once, without a call; closed: a good answer, once the time that the backend named     one probe every ``PROBE_LAST``
        one from ``probe_at`` on is   is over. ``permitted`` is 1 then.
        a probe
======  ============================  ==============================================================  ===========================

A good answer is any but unreachable and throttled: the backend is there. Probes that fail quickly come 1, 2, 4, 8 seconds, then
``PROBE_LAST`` apart; one that hangs does not keep the next from starting. So a dead backend costs at most ``60 s / (0.9 * PROBE_LAST)`` =
6.7 probes a minute for each desk, and four more in the first minute, however many objects ask.
"""

from __future__ import annotations

from eso_core.failure import Throttled, Unreachable, cause
from eso_core.instant import MINUTE, SECOND
from eso_core.machines.backoff import pause

DEAD_AFTER = 3  # bad answers in a row
PROBE_FIRST, PROBE_LAST = 1 * SECOND, 10 * SECOND
START = 4  # talks at a time of a desk that has not shown how many it bears
IDLE = 1 * MINUTE  # without an answer, after which it has to show it again
ALONE = 1 * MINUTE  # after which whoever was refused tries by itself, whatever becomes of the probes
ASKED_MAX = 10 * MINUTE  # the longest time that a backend gets at its word


class Breaker:
    """See the module's docstring. Times are monotonic nanoseconds; ``jitter`` is in ``[0, 1)``."""

    __slots__ = ("_asked_until", "_good_at", "_probes", "_row", "most", "opened_at", "permitted", "probe_at", "proven", "why")

    def __init__(self, most: int) -> None:
        """``most`` talks at a time when all is well."""
        self.most = most
        self.permitted = min(most, START)
        self.proven = False  # the last answer was good, and not long ago
        self.why: Throttled | Unreachable | None = None  # None: closed
        self.opened_at = 0
        self.probe_at = 0
        self._asked_until = 0
        self._good_at = 0
        self._row = 0
        self._probes = 0  # that have failed

    @property
    def open(self) -> bool:
        """Asks fail at once."""
        return self.why is not None

    def good(self, now: int) -> bool:
        """A good answer came; whether it closes the breaker."""
        self._good_at, self.proven = now, True
        if self.why is None:
            self._row = 0
            self.permitted = min(self.most, 2 * self.permitted)
            return False
        if now < self._asked_until:
            return False
        self.why, self._row, self._probes, self.permitted = None, 0, 0, 1
        return True

    def bad(self, failure: Throttled | Unreachable, now: int, jitter: float) -> bool:
        """A bad answer came; whether it opens the breaker."""
        asked = min(failure.after_ns, ASKED_MAX) if isinstance(failure, Throttled) else 0
        if self.why is not None:
            self._probes += 1
            self._heed(failure, asked, now)
            self.probe_at = max(self._asked_until, min(self.probe_at, now + _wait(self._probes, jitter)))
            return False
        self._row += 1
        self.proven = False
        self.permitted = max(1, self.permitted // 2)
        if not asked and self._row < DEAD_AFTER:
            return False
        self._heed(failure, asked, now)
        self.opened_at = now
        self.probe_at = max(self._asked_until, now + _wait(0, jitter))
        return True

    def late(self, failure: Throttled | Unreachable, now: int) -> None:
        """A bad answer to a call from before the breaker opened: no news, but for a time that it names."""
        if self.why is not None and isinstance(failure, Throttled) and failure.after_ns:
            self._heed(failure, min(failure.after_ns, ASKED_MAX), now)
            self.probe_at = max(self.probe_at, self._asked_until)

    def probed(self, now: int, jitter: float) -> None:
        """A probe has begun."""
        self.probe_at = now + PROBE_LAST - int(PROBE_LAST * jitter / 10)

    def rested(self, now: int) -> None:
        """Nothing is under way, and something is about to be."""
        if now - self._good_at > IDLE:
            self.permitted, self.proven = min(self.permitted, START), False

    def woke(self) -> None:
        """A desk whose talks all hang has answered a new one: as after it was open."""
        self.permitted = 1

    def postpone(self, now: int) -> None:
        """A probe cannot begin yet."""
        self.probe_at = now + PROBE_FIRST

    def refusal(self, now: int) -> Throttled:
        """What an ask is told while the breaker is open. It need not come back soon by itself: it is called when there is an answer."""
        assert self.why is not None
        return Throttled(self.why.what, max(ALONE, self.probe_at - now), why=cause(self.why))

    def _heed(self, failure: Throttled | Unreachable, asked: int, now: int) -> None:
        self.why = failure
        if asked:
            self._asked_until = max(self._asked_until, now + asked)


def _wait(attempt: int, jitter: float) -> int:
    return pause(attempt, jitter, first=PROBE_FIRST, last=PROBE_LAST)
