"""``range`` over what Go 1.26 ranges over: integers, lists, and maps by sorted key (``text/template/exec.go``: walkRange)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from eso_core.template.calls import Evaluate
from eso_core.template.errors import FunctionError
from eso_core.template.nodes import Node
from eso_core.template.printing import show
from eso_core.template.run import BOXED_NIL, SORT_COST, Run, Signal, Step, Stop, step
from eso_core.template.scope import assign
from eso_core.template.values import Sized, Value

Target = tuple[tuple[int, ...], str]
"""The slots where a variable may be, and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A compiled ``range``: what to range over, the variables set in each turn, and both lists of statements with their costs."""

    node: Node
    last: Node | None
    get: Evaluate
    index: Target | None
    element: Target | None
    box: int
    body: tuple[Step, ...]
    cost: int
    orelse: tuple[Step, ...]
    other_cost: int


def loop_step(loop: Loop) -> Step:
    """A ``break`` in the ``else`` part ends this loop, although it has not begun; a ``continue`` there goes on with the one around it."""
    get, body, cost, box, node = loop.get, loop.body, loop.cost, loop.box, loop.node
    index, element = loop.index, loop.element
    slot = element[0][0] if element is not None and len(element[0]) == 1 else None

    def perform(run: Run, dot: Value) -> Signal:
        value = get(run, dot)
        boxed = type(value) is list or type(value) is dict
        empty = True
        for key, item in _turns(run, loop, value):
            empty = False
            if item is None:
                item = BOXED_NIL
            run.vars[box] = boxed
            if slot is not None:
                run.vars[slot] = item
            elif element is not None:
                assign(run, *element, item)
            if index is not None:
                assign(run, *index, key)
            step(run, cost, node)
            for each in body:
                signal = each(run, item)
                if signal is not None:
                    break
            else:
                continue
            if signal == "break":
                break
        if empty:
            step(run, loop.other_cost, node)
            for each in loop.orelse:
                signal = each(run, dot)
                if signal is not None:
                    return signal if signal == "continue" else None
        return None

    return perform


def _turns(run: Run, loop: Loop, value: Value) -> Iterator[tuple[Value, Value]]:
    """Index and element of each turn. A list's elements are looked at one by one, since a turn may change them; its length is settled."""
    if value is None:
        return
    if isinstance(value, list):
        for at in range(len(value)):
            yield at, value[at]
    elif isinstance(value, dict):
        try:
            run.meter.spend(SORT_COST * len(value))
        except FunctionError as error:
            raise Stop(loop.node, error.what, "limit") from None
        yield from sorted(value.items(), key=itemgetter(0))
    elif isinstance(value, int) and not isinstance(value, bool):
        if loop.index is not None:
            shown = show(value).decode("utf-8", "replace")
            reason = "can't use {} to iterate over more than one variable"
            raise Stop(loop.last, reason.format("an integer"), "range", reason.format(shown))
        kind = type(value) if isinstance(value, Sized) else int
        for number in range(value):
            yield None, kind(number)
    else:
        shown = show(value).decode("utf-8", "replace")
        raise Stop(loop.last, "range can't iterate over this value", "range", f"range can't iterate over {shown}")
