"""Jinja2 templates as the rest of the code sees them: compiled once, executed many times."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from returns.result import Failure, Result, Success

from eso_core.template.engine import CACHED
from eso_core.template.errors import FunctionError, Stage, TemplateError
from eso_core.template.jinja.callees import GLOBALS
from eso_core.template.jinja.state import Run, Statement, located
from eso_core.template.jinja.statements import Compiler
from eso_core.template.jinja.syntax import Rejected, parse
from eso_core.template.limits import Ambient


class JinjaTemplate:
    """A compiled text. It does not change when it is executed, so threads may share it."""

    __slots__ = ("_blocks", "_body", "name")

    def __init__(self, name: str, body: Statement, blocks: Mapping[str, Statement]) -> None:
        self.name, self._body, self._blocks = name, body, blocks

    def execute(self, data: Mapping[bytes, bytes], ambient: Ambient) -> Result[bytes, TemplateError]:
        """What the template prints for ``data``. Bounds are the meter's of ``ambient``, and ``OUTPUT_MAX``."""
        run = Run(ambient, data, GLOBALS, self._blocks)
        try:
            self._body(run, run.root)
            return Success(run.finish())
        except FunctionError as error:
            fault = located(error, 0)
            return Failure(_error("exec", self.name, fault.line, fault.what, fault.full, fault.kind))
        except RecursionError:
            what = "the template is nested too deeply"
            return Failure(_error("exec", self.name, 0, what, what, "limit"))


def _error(stage: Stage, name: str, line: int, public: str, full: str, kind: str = "") -> TemplateError:
    start = f"template: {name}:{line}: " if line else f"template: {name}: "
    return TemplateError(stage, name, line, -1, start + public, start + full, kind)


Compiled: TypeAlias = Result[JinjaTemplate, TemplateError]


def _compiled(name: str, text: bytes) -> Compiled:
    compiler = Compiler()
    try:
        body = compiler.body(parse(text).body)
    except Rejected as fault:
        return Failure(_error("parse", name, fault.line, fault.what, fault.what))
    except RecursionError:
        what = "a template that is nested too deeply"
        return Failure(_error("parse", name, 0, what, what))
    return Success(JinjaTemplate(name, body, compiler.blocks))


_CACHES = tuple((size, lru_cache(maxsize=entries)(_compiled)) for size, entries in CACHED)


def compile_jinja(name: str, text: bytes, *, kept: bool = True) -> Compiled:
    """``text`` as the template of the key ``name``, ``kept`` as Go's are. May be called from any thread."""
    size = len(name) + len(text)
    for limit, cached in _CACHES:
        if kept and size <= limit:
            return cached(name, text)
    return _compiled(name, text)
