"""Why something did not work, sorted by who must act.

============  ==========================================  ======================  =====================
failure       meaning                                     who acts                retried
============  ==========================================  ======================  =====================
InvalidSpec   an object says something unusable           its author              when it changes [1]_
Refused       credentials or permission are not enough    operator of the backend with backoff
Missing       a named thing does not exist                its author              with backoff
Throttled     too many calls                              nobody                  not before ``after_ns``
Unreachable   no usable answer came in time               nobody                  with backoff
Stale         the object changed since it was read        nobody                  at once, with a new read
Broken        an answer that makes no sense, or a bug     operator of the backend with backoff
============  ==========================================  ======================  =====================

.. [1] A failure of a *referenced* object is retried with backoff too; the table in ``because.py`` decides.

``what`` is one sentence without secret bytes; it goes into events, logs and ``eso plan``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class InvalidSpec:
    """``path`` names the field, like ``spec.data[2].remoteRef.key``; empty when the whole object is meant."""

    what: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Authentication or authorization failed. ``session`` says that a new login may help."""

    what: str
    session: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """A named thing is not there."""

    what: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """The other side asked for fewer calls; not before ``after_ns`` nanoseconds from now (0: it did not say)."""

    what: str
    after_ns: int = 0


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Connection refused, reset, timed out, TLS failure, or a 5xx answer."""

    what: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A precondition did not hold: conflict, already exists, or gone."""

    what: str


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer that breaks its protocol, or a fault of our own."""

    what: str


Failure: TypeAlias = InvalidSpec | Refused | Missing | Throttled | Unreachable | Stale | Broken


def describe(failure: Failure) -> str:
    """One line for a person: the path, if there is one, and the sentence."""
    if isinstance(failure, InvalidSpec) and failure.path:
        return f"{failure.path}: {failure.what}"
    return failure.what
