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

``what`` is one sentence without secret bytes; it goes into events, logs and ``eso plan``. It may differ from try to try. What a condition
says is steadier: :func:`cause` and ``about``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, assert_never


@dataclass(frozen=True, slots=True)
class _About:
    """``about``: the store and the key that the failure belongs to, in words; empty where not known. It does not count in ``==``."""

    about: str = field(default="", compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class InvalidSpec(_About):
    """``path`` names the field, like ``spec.data[2].remoteRef.key``; empty when the whole object is meant."""

    what: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Refused(_About):
    """Authentication or authorization failed. ``session`` says that a new login may help."""

    what: str
    session: bool = False


@dataclass(frozen=True, slots=True)
class Missing(_About):
    """A named thing is not there."""

    what: str


@dataclass(frozen=True, slots=True)
class Throttled(_About):
    """The other side asked for fewer calls; not before ``after_ns`` nanoseconds from now (0: it did not say).

    ``why``: the operator itself holds calls back, after failures of this class.
    """

    what: str
    after_ns: int = 0
    why: str = field(default="", compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Unreachable(_About):
    """Connection refused, reset, timed out, TLS failure, or a 5xx answer."""

    what: str


@dataclass(frozen=True, slots=True)
class Stale(_About):
    """A precondition did not hold: conflict, already exists, or gone."""

    what: str


@dataclass(frozen=True, slots=True)
class Broken(_About):
    """An answer that breaks its protocol, or a fault of our own."""

    what: str


Failure: TypeAlias = InvalidSpec | Refused | Missing | Throttled | Unreachable | Stale | Broken


def describe(failure: Failure) -> str:
    """One line for a person: the path, if there is one, and the sentence."""
    if isinstance(failure, InvalidSpec) and failure.path:
        return f"{failure.path}: {failure.what}"
    return failure.what


def cause(failure: Failure) -> str:
    """The class of a failure in a word or two, as conditions say it."""
    match failure:
        case InvalidSpec():
            return "invalid"
        case Refused(session=True):
            return "auth"
        case Refused():
            return "denied"
        case Missing():
            return "missing"
        case Throttled(why=why):
            return why or "throttled"
        case Unreachable():
            return "unreachable"
        case Stale() | Broken():
            return "bad data"
        case _:
            assert_never(failure)
