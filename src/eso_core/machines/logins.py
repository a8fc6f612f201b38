"""The session of one identity: when it is used, renewed, given up, and when not to ask for another.

===========================================  ======================================================================================
what happens                                 what follows
===========================================  ======================================================================================
its lease has a fifth left, 1 min at most    a login beside the calls, which go on with the old session until there is the new one
that login fails                             the old session is used to its end; another try after 1, 2, 4 ... s, ``LAST`` at most
a call is refused for it                     it is given up: one new login, one repetition of the call
the repetition is refused, too               the session is not what is wrong. Until 1, 2, 4 ... s have passed, refusals are believed
a login is refused                           asks are told so without a call for 1, 2, 4 ... s, then the next one tries again
===========================================  ======================================================================================

So a wrong credential costs at most one login a minute in the long run, however many objects use it; some backends lock an account after
a few. A login that is throttled or unreachable is the breaker's matter, and one that made no call (a token as it is) costs nothing.
"""

from __future__ import annotations

from eso_core.door import Session
from eso_core.failure import Failure, Throttled, Unreachable
from eso_core.instant import HOUR, MINUTE, SECOND
from eso_core.machines.backoff import pause

RENEWED = 1 * MINUTE  # before the end of the lease, or a fifth of it if that is less
FIRST, LAST = 1 * SECOND, 1 * MINUTE
LEASE_MAX_S = 365 * 24 * HOUR / SECOND


class Logins:
    """See the module's docstring. Times are monotonic nanoseconds; ``jitter`` is in ``[0, 1)``."""

    __slots__ = (
        "_denials", "_denied", "_denied_until", "_renew_at", "_renewals", "_until", "_vain", "_vain_until", "_vain_with", "real", "session",
    )  # fmt: skip

    def __init__(self) -> None:
        self.session: Session | None = None
        self.real = False  # the login that gave it made calls
        self._until: int | None = None
        self._renew_at: int | None = None
        self._renewals = 0  # that have failed
        self._denied: Failure | None = None
        self._denials = 0  # in a row
        self._denied_until = 0
        self._vain = 0  # new sessions in a row that were refused as the old one was
        self._vain_until = 0
        self._vain_with: Session | None = None

    def usable(self, now: int) -> Session | None:
        """The session, if its lease is not over."""
        return self.session if self._until is None or now < self._until else None

    def wants_renewal(self, now: int) -> bool:
        """The usable session is soon over."""
        return self._renew_at is not None and now >= self._renew_at

    def denied(self, now: int) -> Failure | None:
        """Why not to log in now."""
        return self._denied if now < self._denied_until else None

    def came(self, session: Session, now: int, *, real: bool) -> None:
        """A login gave ``session``. ``real``: it made calls."""
        self.session, self.real = session, real
        self._denied, self._denials, self._denied_until, self._renewals, self._vain_with = None, 0, 0, 0, None
        if session.lease_s is None:
            self._until = self._renew_at = None
            return
        length = max(1, int(min(session.lease_s, LEASE_MAX_S) * SECOND)) if session.lease_s > 0 else 1
        self._until = now + length
        self._renew_at = self._until - min(length // 5, RENEWED)

    def failed(self, failure: Failure, now: int, jitter: float, *, real: bool) -> None:
        """A login gave no session."""
        if self._renew_at is not None:
            asked = failure.after_ns if isinstance(failure, Throttled) else 0
            self._renew_at = now + max(asked, pause(self._renewals, jitter, first=FIRST, last=LAST))
            self._renewals += 1
        if real and not isinstance(failure, Throttled | Unreachable):
            self._denied, self._denied_until = failure, now + pause(self._denials, jitter, first=FIRST, last=LAST)
            self._denials += 1

    def refused(self, session: Session | None, now: int) -> bool:
        """A call was refused for ``session``: whether to repeat it with another. If so, this one is not used any more."""
        if session is not self.session:
            return True
        if self._vain and now < self._vain_until:
            return False
        self.session = None
        return True

    def in_vain(self, session: Session | None, now: int, jitter: float) -> None:
        """The repetition with ``session`` was refused, too."""
        if session is self.session and session is not self._vain_with:
            self._vain_with, self._vain_until = session, now + pause(self._vain, jitter, first=FIRST, last=LAST)
            self._vain += 1

    def helped(self) -> None:
        """The repetition was not refused."""
        self._vain, self._vain_with = 0, None
