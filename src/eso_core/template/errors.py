"""What can be wrong with a template.

A text has two forms. The full one is Go's, byte for byte, and may hold secret bytes: it is shown to whoever has the data already
(``eso template --reveal``). The public one never does: it holds the template's own words, names of functions and types, and what a
function says of any input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["parse", "exec"]


class FunctionError(Exception):
    """A function gave up. ``what`` is a sentence without data; ``detail`` follows it in the full text and may hold data."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(what)
        self.what, self.detail = what, detail

    @property
    def public(self) -> str:
        """What anybody may read."""
        return self.what or "its message is not shown, since it may hold data"

    @property
    def full(self) -> str:
        """Go's text."""
        return self.what + self.detail


class LimitExceeded(FunctionError):
    """A template asks for more than it may have. It ends the execution, whoever raised it."""


@dataclass(frozen=True, slots=True)
class TemplateError:
    """``line`` and ``column`` count from 1 and 0, in bytes, as Go's do; 0 and -1 where Go tells none.

    ``kind`` is a hint for people and tests: ``missing-key``, ``call``, ``arg-count``, ``arg-type``, ``field``, ``range``,
    ``command``, ``template``, ``limit`` or ``other``; empty for parse errors.
    """

    stage: Stage
    name: str
    line: int
    column: int
    public: str
    full: str = field(repr=False)
    kind: str = ""
