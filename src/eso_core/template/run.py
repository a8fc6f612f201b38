"""One execution of a template: what it holds, and how it ends early.

Go tells two kinds of nil apart, and so do the closures of ``compile.py`` among themselves: ``None`` is the invalid ``reflect.Value``
(a literal nil, what a pipeline makes of nil, a missing key where that is no error), and ``BOXED_NIL`` an interface that holds nothing:
an element of a list or map reached without a pipeline in between. Functions see ``None`` for both.

A node for errors (``Node | None``) is Go's ``state.node`` at that point, the last one looked at. It is known at compile time, save after
``and`` and ``or``, which stop at any of their arguments: these note it in ``Run.at``, which ``None`` refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from eso_core.template.costs import USUAL, Cost, weight
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import OUTPUT_MAX, Ambient, Meter
from eso_core.template.nodes import Node
from eso_core.template.values import Value

STEP_COST = 200  # of a node that is executed
SORT_COST = 200  # of each element of a map that is ranged over


class Marker:
    """A value apart from all others."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


BOXED_NIL: Final = Marker("BOXED_NIL")
MISSING: Final = Marker("MISSING")  # Go's missingVal: there is no final argument
UNSET: Final = Marker("UNSET")  # a variable whose declaration was skipped by ``and`` or ``or``

Signal: TypeAlias = Literal["break", "continue"] | None


class Run:
    """The state of one execution. ``template`` is the one that is being executed, ``depth`` the Python frames that it stands on."""

    __slots__ = ("ambient", "at", "depth", "levels", "meter", "out", "room", "template", "vars")

    def __init__(self, template: str, ambient: Ambient) -> None:
        self.template, self.ambient, self.meter = template, ambient, ambient.meter
        self.at: Node | None = None
        self.vars: list[Value] = []
        self.out: list[bytes] = []
        self.room = OUTPUT_MAX
        self.depth = self.levels = 0


class Stop(Exception):
    """The execution ends at ``node``: ``public`` says why without data, ``full`` as Go does."""

    def __init__(self, node: Node | None, public: str, kind: str, full: str | None = None) -> None:
        super().__init__(public)
        self.node, self.public, self.kind = node, public, kind
        self.full = public if full is None else full


Step: TypeAlias = Callable[[Run, Value], Signal]
"""Executes a node for its effect."""


def failed_call(error: FunctionError, name: str, node: Node | None) -> Stop:
    """What Go's ``evalCall`` says when a function gives an error. A limit is ours, so it keeps its kind."""
    kind = "limit" if isinstance(error, LimitExceeded) else "call"
    return Stop(node, f"error calling {name}: {error.public}", kind, f"error calling {name}: {error.full}")


def take(meter: Meter, argv: Sequence[Value], cost: Cost = USUAL) -> None:
    """Takes from the meter what it costs to look at values."""
    work = cost.call
    for value in argv:
        kind = type(value)
        if kind is bytes:
            work += len(value) * cost.byte
        elif cost.node and isinstance(value, list | dict):
            work += weight(value, cost)
    meter.spend(work)


def give(meter: Meter, result: Value, cost: Cost = USUAL) -> None:
    """Takes from the meter what a call has made."""
    if type(result) is bytes:
        meter.work -= len(result) * cost.made
        if meter.work < 0:
            meter.spend(0)
    elif isinstance(result, list | dict):
        meter.spend(cost.item * len(result))


def step(run: Run, nodes: int, node: Node | None) -> None:
    """Takes ``nodes`` steps from the meter."""
    meter = run.meter
    meter.steps -= nodes
    meter.work -= nodes * STEP_COST
    if meter.steps < 0 or meter.work < 0:
        raise Stop(node, "the template takes more steps than are allowed", "limit")
