"""Puts a mutant into the running process. Objects that hold a function go on holding it: its code is what changes."""

from __future__ import annotations

import ast
import importlib
import sys
from functools import _lru_cache_wrapper
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutation.changes import Function, Mutant, mutated

FLAGS = annotations.compiler_flag
SOURCES = Path(__file__).parents[2] / "src"


def module_of(path: Path) -> ModuleType:
    """The module of a file below ``src``."""
    return importlib.import_module(".".join(path.resolve().relative_to(SOURCES).with_suffix("").parts))


def install(mutant: Mutant) -> None:
    """From now on the process runs the mutant. What was remembered of the original is forgotten."""
    module, node = module_of(mutant.path), mutated(mutant)
    if isinstance(node, Function):
        function = _function(module, mutant.unit.name)
        function.__code__ = _code(node, mutant.unit.owner, function.__code__)
    else:
        _rebind(module, mutant.unit.name, node)
    forget()


def forget() -> None:
    """Empty every cache of our modules."""
    for name, module in list(sys.modules.items()):
        if name.startswith("eso_"):
            for value in list(vars(module).values()):
                if isinstance(value, _lru_cache_wrapper):
                    value.cache_clear()


def _function(module: ModuleType, name: str) -> FunctionType:
    held: Any = module
    for part in name.split("."):
        held = vars(held)[part]
    held = getattr(held, "fget", None) or getattr(held, "__func__", held)
    while not isinstance(held, FunctionType):
        held = held.__wrapped__
    return held


def _code(node: ast.AST, owner: str, like: CodeType) -> CodeType:
    assert isinstance(node, Function)
    node.decorator_list = []
    body: ast.stmt = ast.ClassDef(name=owner, bases=[], keywords=[], body=[node], decorator_list=[]) if owner else node
    whole = compile(ast.fix_missing_locations(ast.Module([body], [])), like.co_filename, "exec", FLAGS, dont_inherit=True)
    return next(code for code in _codes(whole) if code.co_qualname == like.co_qualname)


def _codes(code: CodeType) -> list[CodeType]:
    inner = [item for item in code.co_consts if isinstance(item, CodeType)]
    return inner + [below for item in inner for below in _codes(item)]


def _rebind(module: ModuleType, name: str, node: ast.AST) -> None:
    """Give a constant its new value, wherever it was imported."""
    assert isinstance(node, ast.Assign | ast.AnnAssign)
    assert node.value is not None
    old, space = vars(module)[name], dict(vars(module))
    new = eval(compile(ast.fix_missing_locations(ast.Expression(node.value)), str(module.__file__), "eval", FLAGS), space)
    for other in list(sys.modules.values()):
        if other is module or (other.__name__.startswith(("eso_", "tests.", "test_")) and vars(other).get(name) is old):
            setattr(other, name, new)
