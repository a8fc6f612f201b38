"""One pass over one key, as the engine keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eso_core.effect import Computed, Flow
from eso_core.instant import Now
from eso_core.machines.apply import Applicable
from eso_core.machines.turns import Reason
from eso_core.plan import Outcome, Settled
from eso_core.refs import Kind, Ref


@dataclass(slots=True, eq=False)
class Pass:
    """A flow under way. ``asked``: when it was last asked for, a monotonic reading."""

    key: Ref
    flow: Flow[Settled]
    started: Now
    reason: Reason
    asked: int
    effects: int = 0
    parked: bool = False
    follows: Kind | None = None
    saw: dict[Ref, int] = field(default_factory=dict)  # version of what was read from the cache, 0: it was not there
    writes: list[tuple[Applicable, Outcome]] = field(default_factory=list)


@dataclass(slots=True)
class Held:
    """A write of a target under way: watch events of that target are judged when its answer is there."""

    versions: list[tuple[int, tuple[Ref, ...], Reason]] = field(default_factory=list)


def computed(run: Callable[[], object]) -> Computed:
    """What ``run`` gives. It raises nothing."""
    try:
        return Computed(run())
    except Exception as bug:  # told to the flow, which ends by it
        return Computed(None, bug)


def place_of(bug: BaseException) -> str:
    """File and line of the innermost frame: enough to find a bug, nothing of its data."""
    tb: Any = bug.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    if tb is None:
        return "unknown place"
    return f"{tb.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{tb.tb_lineno}"
