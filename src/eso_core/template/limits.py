"""How much a template may use. A tenant's template runs beside everybody's: it ends in an error before it can hurt others.

Two ways to hold the bounds. The executor spends from a ``Meter`` for each node and for each call, by what the call takes and gives
(``costs.py``): that bounds the time, and since what is made costs too, the memory. A function that can make much from little asks
:func:`room_for` or :func:`items` *before* it builds, and one that walks a structure walks it through :func:`survey` first: maps can hold
themselves, and lists the same list many times.

A Kubernetes Secret holds at most 1 MiB, which is what the bounds of sizes are made for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from eso_core.template.errors import LimitExceeded

TEXT_MAX = 1 << 20  # bytes of a template
OUTPUT_MAX = 2 << 20  # bytes that one template prints
VALUE_MAX = 2 << 20  # bytes of one value
ITEMS_MAX = 100_000  # elements of one list or map
STEPS_MAX = 100_000  # nodes executed
WORK_MAX = 100_000_000  # nanoseconds, as ``costs.py`` estimates them, of the templates of one object
DEPTH_MAX = 100  # levels of nested actions, parentheses, templates, and of values that are walked
NODES_MAX = 20_000  # values within one structure that is walked


class Chance(Protocol):
    """Randomness, as an argument."""

    def token(self, size: int) -> bytes:
        """``size`` random bytes."""

    def key(self, kind: str) -> Any:
        """A new private key of ``cryptography``: ``rsa-2048``, ``rsa-4096``, ``dsa-2048``, ``ecdsa-p256`` or ``ed25519``."""


class Meter:
    """What is left of one execution, or of several that share it. ``kept`` is what they have paid for and need not pay for again."""

    __slots__ = ("kept", "steps", "work")

    def __init__(self, steps: int = STEPS_MAX, work: int = WORK_MAX) -> None:
        self.steps, self.work = steps, work
        self.kept: dict[Any, Any] = {}

    def spend(self, work: int) -> None:
        """Take ``work``; :class:`LimitExceeded` when there are not as many left."""
        self.work -= work
        if self.work < 0:
            raise LimitExceeded("the template does more work than is allowed")


@dataclass(frozen=True, slots=True)
class Ambient:
    """What a function may know besides its arguments."""

    now_ns: int  # wall clock, nanoseconds since the Unix epoch
    chance: Chance
    meter: Meter


def room_for(size: int) -> None:
    """:class:`LimitExceeded` if ``size`` bytes are more than a value may have."""
    if size > VALUE_MAX:
        raise LimitExceeded(f"a value of more than {VALUE_MAX} bytes")


def items(count: int) -> None:
    """:class:`LimitExceeded` if ``count`` elements are more than a list or map may have."""
    if count > ITEMS_MAX:
        raise LimitExceeded(f"a list of more than {ITEMS_MAX} elements")


def survey(value: Any, seen: Callable[[Any], None] | None = None) -> int:
    """The number of values within ``value``, itself included, each counted as often as it is reached.

    :class:`LimitExceeded` from ``NODES_MAX`` values or ``DEPTH_MAX`` levels on, so a walk of what passes ends. ``seen`` is told each.
    """
    count, todo = 1, [(value, 0)]
    while todo:
        item, depth = todo.pop()
        if seen is not None:
            seen(item)
        if isinstance(item, dict | list):
            count += len(item)
            if count > NODES_MAX or depth >= DEPTH_MAX:
                raise LimitExceeded("a value that is too large or nested too deeply to be walked")
            todo.extend((inner, depth + 1) for inner in (item.values() if isinstance(item, dict) else item))
    return count
