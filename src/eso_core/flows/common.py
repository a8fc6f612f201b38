"""What flows of all kinds share: reading to a fix-point, and the end of a pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from eso_core.effect import Flow, Whole, World, read, write
from eso_core.failure import Broken, Stale
from eso_core.plan import Again, Backoff, Emit, NotDone, Settled
from eso_core.stages.needs import Blocked, Unresolved

S = TypeVar("S")
ROUNDS_MAX = 8  # stores, then namespaces, then credentials; more is a bug


def read_all(world: World, needs: Callable[[World], S | Unresolved]) -> Flow[tuple[World, S | Blocked]]:
    """Read what ``needs`` asks for until it asks for nothing more."""
    for _ in range(ROUNDS_MAX):
        step = needs(world)
        if not isinstance(step, Unresolved):
            return world, step
        more, _now = yield from read(*step.what)
        world = world | more
    return world, Blocked(Broken("internal error: the needs of this object have no end"))


def conclude(settled: Settled) -> Flow[Settled]:
    """Tell the events and write the status; a status that cannot be written makes another pass.

    A 404 is no exception: the object may be there (its kind was not served for a moment), and only the watch says that it is gone.
    """
    for event in settled.events:
        yield from write(Emit(event))
    if settled.status is None:
        return settled
    outcome, _now = yield from write(settled.status)
    if not isinstance(outcome, NotDone):
        return settled
    again = Again() if isinstance(outcome.failure, Stale) else Backoff()
    if isinstance(outcome.failure, Stale):
        yield from read(Whole(settled.status.ref))  # so that the next pass sees what this one did not
    return Settled(requeue=again, because=settled.because, detail=outcome.failure, waits_on=settled.waits_on)
