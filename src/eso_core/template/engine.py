"""Templates as the rest of the code sees them: compiled once, executed many times (``runtime/template/v2/template.go``: execute)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from returns.result import Failure, Result, Success

from eso_core.compat.text import quote
from eso_core.template.builtins import BUILTINS
from eso_core.template.compile import Body, compile_tree, execute
from eso_core.template.errors import FunctionError, TemplateError
from eso_core.template.functions import FUNCTIONS
from eso_core.template.limits import Ambient
from eso_core.template.nodes import Node, Tree
from eso_core.template.parse import parse
from eso_core.template.references import References, references
from eso_core.template.run import Run, Stop
from eso_core.template.values import StringMap

CACHED = ((512, 512), (16_384, 16))
"""How many results are kept, errors included, of texts up to so many bytes. Closures weigh 100 to 200 times as much as their text, so this
is up to 100 MB for texts that are made for it, and a tenth of that for usual ones. Longer texts are compiled each time."""

_COMPILING = 1_000  # work of each node of a text: many texts of one object together take their time to compile

NAMES = frozenset({*FUNCTIONS, *BUILTINS})
"""The functions that templates may name."""


class Template:
    """A compiled text. It does not change when it is executed, so threads may share it."""

    __slots__ = ("_bodies", "_cost", "tree")

    def __init__(self, tree: Tree, bodies: dict[str, Body]) -> None:
        self.tree, self._bodies = tree, bodies
        self._cost = _COMPILING * sum(body.size for body in bodies.values())

    @property
    def references(self) -> References:
        """What it reads of its data."""
        return references(self.tree)

    def execute(self, data: Mapping[bytes, bytes], ambient: Ambient) -> Result[bytes, TemplateError]:
        """What the template prints for ``data``. Bounds are the meter's of ``ambient``, and ``OUTPUT_MAX``."""
        run = Run(self.tree.name, ambient)
        body = self._bodies.get(self.tree.name)
        try:
            ambient.meter.spend(self._cost)
            if body is None:
                raise Stop(None, f"{quote(self.tree.name)} is an incomplete or empty template", "other")
            execute(body, run, StringMap(data))
        except Stop as stop:
            return Failure(_described(self.tree, run, stop))
        except FunctionError as error:
            return Failure(_described(self.tree, run, Stop(None, error.what, "limit", error.full)))
        except RecursionError:
            return Failure(_described(self.tree, run, Stop(None, "the template is nested too deeply", "limit")))
        return Success(b"".join(run.out))


def _described(tree: Tree, run: Run, stop: Stop) -> TemplateError:
    """The error as ``text/template`` words it."""
    node = stop.node if stop.node is not None else run.at
    if node is None:
        start, line, column = f"template: {tree.name}: ", 0, -1
    else:
        line, column = _place(tree.text, node)
        start = f"template: {tree.name}:{line}:{column}: executing {quote(run.template)} at <{node}>: "
    return TemplateError("exec", tree.name, line, column, start + stop.public, start + stop.full, stop.kind)


def _place(text: bytes, node: Node) -> tuple[int, int]:
    before = text[: node.pos]
    return before.count(b"\n") + 1, len(before) - before.rfind(b"\n") - 1


_Compiled: TypeAlias = Result[Template, TemplateError]


def _compiled(name: str, text: bytes, left: bytes, right: bytes, missing_is_error: bool) -> _Compiled:
    return parse(name, text, NAMES, left, right).map(lambda tree: Template(tree, compile_tree(tree, FUNCTIONS, BUILTINS, missing_is_error)))


_CACHES = tuple((size, lru_cache(maxsize=entries)(_compiled)) for size, entries in CACHED)


def compile_template(
    name: str, text: bytes, *, left: bytes = b"{{", right: bytes = b"}}", missing_is_error: bool = True, kept: bool = True
) -> Result[Template, TemplateError]:
    """``text`` as the template of the key ``name``. ``missing_is_error`` is Go's ``missingkey=error``. May be called from any thread.

    The result is ``kept`` for the next call with the same text, unless that may hold secrets.
    """
    size = len(name) + len(text)
    for limit, cached in _CACHES:
        if kept and size <= limit:
            return cached(name, text, left, right, missing_is_error)
    return _compiled(name, text, left, right, missing_is_error)
