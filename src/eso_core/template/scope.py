"""Variables of a template body, resolved to slots when it is compiled.

Go keeps a stack of names at run time. Its height at each node is the same in every execution, so a name is a slot, with one
exception: a declaration inside an argument of ``and`` or ``or`` may be skipped. Then its slot holds ``UNSET``, and the name means what
it meant before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from eso_core.template.run import UNSET, Run, Stop
from eso_core.template.values import Value

ROOT: Final = "$"


@dataclass(slots=True)
class Scope:
    """The names declared so far, in order; ``size`` is how many there are at most. A slot without a name is None."""

    names: list[str | None] = field(default_factory=lambda: [ROOT])
    size: int = 1
    skippable: set[int] = field(default_factory=set)
    boxes: dict[int, int] = field(default_factory=dict)
    """For the variables of ``range``: the slot that tells whether the value was reached as an interface."""

    def declare(self, name: str | None) -> int:
        self.names.append(name)
        self.size = max(self.size, len(self.names))
        return len(self.names) - 1

    def mark(self) -> int:
        return len(self.names)

    def leave(self, mark: int) -> None:
        """Forgets what was declared since ``mark``."""
        for slot in range(mark, len(self.names)):
            self.skippable.discard(slot)
            self.boxes.pop(slot, None)
        del self.names[mark:]

    def slots(self, name: str) -> tuple[int, ...]:
        """Where the name may be, the first that is set counts; all but the last are skippable."""
        found: list[int] = []
        for slot in range(len(self.names) - 1, -1, -1):
            if self.names[slot] == name:
                found.append(slot)
                if slot not in self.skippable:
                    break
        return tuple(found)


def find(run: Run, slots: tuple[int, ...], name: str) -> int:
    """The slot that holds the variable now."""
    for slot in slots:
        if run.vars[slot] is not UNSET:
            return slot
    raise Stop(None, f"undefined variable: {name}", "other")


def assign(run: Run, slots: tuple[int, ...], name: str, value: Value) -> None:
    run.vars[find(run, slots, name)] = value
