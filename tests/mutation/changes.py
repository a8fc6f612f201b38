"""What a mutant is: one function, or one constant of a module, with one change.

=====================  =================================================================
place                  change
=====================  =================================================================
comparison             ``<`` and ``<=``, ``>`` and ``>=`` swapped; the others negated
``and``, ``or``        swapped
``not x``              ``x``
condition, guard       ``True`` and ``False``
number                 one more, one less
text, bytes            longer; empty
``True``, ``False``    swapped
arithmetic             ``+`` and ``-``, ``*`` and ``//`` swapped; ``a | b`` becomes ``a``
``return x``           ``return None``, where the function's type has it
statement              a call, a ``yield``, ``+=``, ``x[y] = z``, ``continue``, ``break`` removed
container              each element of a display with several removed
``.bind .map .alt``    removed
``any all max min``    ``any`` and ``all``, ``max`` and ``min`` swapped
=====================  =================================================================

Annotations, decorators, defaults of parameters, docstrings, asserts and ``assert_never`` are left alone.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
SWAPPED = {"any": "all", "all": "any", "max": "min", "min": "max"}
CHAINED = ("bind", "map", "alt")
SHOWN_MAX = 90  # characters of code in a description

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Unit:
    """A function, or a constant of a module: what is replaced as a whole. ``owner`` is the class of a method."""

    node: Function | ast.Assign | ast.AnnAssign
    owner: str = ""

    @property
    def name(self) -> str:
        """As in ``__qualname__``."""
        if isinstance(self.node, Function):
            return f"{self.owner}.{self.node.name}" if self.owner else self.node.name
        target = self.node.targets[0] if isinstance(self.node, ast.Assign) else self.node.target
        return ast.unparse(target)


@dataclass(frozen=True)
class Mutant:
    """One change.

    ``at``: index of the changed node in ``ast.walk(unit.node)``; ``new``: what takes its place; ``lines``: of the statement around it.
    """

    path: Path
    unit: Unit
    at: int
    new: ast.AST
    change: str
    line: int
    lines: frozenset[int]

    @property
    def key(self) -> str:
        """The mutant without its line number."""
        return f"{self.path.parent.name}/{self.path.name} {self.unit.name}: {self.change}"

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.unit.name}: {self.change}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for unit in _units(tree):
        yield from sorted(_of_unit(path, unit), key=lambda mutant: mutant.line)


def mutated(mutant: Mutant) -> ast.AST:
    """The unit with its change."""
    whole = copy.deepcopy(mutant.unit.node)
    old = list(ast.walk(whole))[mutant.at]
    for parent in ast.walk(whole):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, mutant.new)
            elif isinstance(value, list):
                setattr(parent, name, [mutant.new if item is old else item for item in value])
    return ast.fix_missing_locations(whole)


def _units(tree: ast.Module) -> Iterator[Unit]:
    for node in tree.body:
        if isinstance(node, Function):
            yield Unit(node)
        elif isinstance(node, ast.ClassDef):
            yield from (Unit(item, node.name) for item in node.body if isinstance(item, Function))
        elif _is_constant(node):
            yield Unit(node)


def _is_constant(node: ast.stmt) -> TypeGuard[ast.Assign | ast.AnnAssign]:
    if isinstance(node, ast.AnnAssign):
        return node.value is not None and ast.unparse(node.annotation) != "TypeAlias"
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and not _is_type(node.value)


def _is_type(value: ast.expr) -> bool:
    """The right side of a type alias or type variable: names that begin with a capital, joined by ``|`` or subscripted."""
    if isinstance(value, ast.BinOp):
        return _is_type(value.left)
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) in ("TypeVar", "NewType")
    return isinstance(value, ast.Subscript | ast.Name | ast.Attribute)


def _of_unit(path: Path, unit: Unit) -> Iterator[Mutant]:
    whole = list(ast.walk(unit.node))
    places = {id(node): index for index, node in enumerate(whole)}
    optional = isinstance(unit.node, Function) and unit.node.returns is not None and "None" in ast.unparse(unit.node.returns)
    for node, statement, around in _reached(unit.node):
        for new in _changes(node, optional=optional):
            ast.copy_location(new, node) if isinstance(new, ast.expr | ast.stmt) else None
            change = _described(node, new) + (f" in {_shown(around)}" if isinstance(node, ast.Constant) else "")
            yield Mutant(path, unit, places[id(node)], new, change, getattr(node, "lineno", statement.lineno), _lines(statement))


def _described(old: ast.AST, new: ast.AST) -> str:
    return f"{_shown(old)} => {_shown(new)}"


def _shown(node: ast.AST) -> str:
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).strip().partition("\n")[0]
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."


def _lines(statement: ast.stmt) -> frozenset[int]:
    """Lines that run when the statement runs: all, or for one with a body its head."""
    if isinstance(statement, ast.Match):
        return frozenset({statement.lineno, *(case.pattern.lineno for case in statement.cases)})
    body = getattr(statement, "body", None)
    end = body[0].lineno - 1 if isinstance(body, list) else statement.end_lineno or statement.lineno
    return frozenset(range(statement.lineno, max(end, statement.lineno) + 1))


# ---------------------------------------------------------------- where


def _reached(unit: ast.AST) -> Iterator[tuple[ast.AST, ast.stmt, ast.AST]]:
    """Every node that may change, with the statement around it and the node right above it."""
    assert isinstance(unit, ast.stmt)
    if isinstance(unit, Function):
        for statement in unit.body:
            if not _is_docstring(statement):
                yield from _below(statement, statement, unit)
        return
    value = unit.value if isinstance(unit, ast.Assign | ast.AnnAssign) else None
    if value is not None:
        yield from _below(value, unit, unit)


def _below(node: ast.AST, statement: ast.stmt, around: ast.AST) -> Iterator[tuple[ast.AST, ast.stmt, ast.AST]]:
    if isinstance(node, ast.Assert) or _never(node):
        return
    statement = node if isinstance(node, ast.stmt) else statement
    yield node, statement, around
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args", "format_spec") and not isinstance(node, ast.Call):
            continue
        if isinstance(node, ast.ClassDef | ast.Import | ast.ImportFrom):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _below(child, statement, node)


def _never(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "assert_never"


def _is_docstring(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)


# ---------------------------------------------------------------- what


def _changes(node: ast.AST, *, optional: bool) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            yield from _compared(node)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(op=ast.Or() if isinstance(op, ast.And) else ast.And(), values=values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=value):
            yield from (ast.Constant(other) for other in _other_values(value))
        case ast.BinOp(left=left, op=ast.BitOr()):
            yield left
        case ast.BinOp(left=left, op=op, right=right) if type(op) in COMPUTED:
            yield ast.BinOp(left=left, op=COMPUTED[type(op)](), right=right)
        case ast.Return(value=ast.expr() as value) if optional and not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(value=ast.Constant(None))
        case ast.Call():
            yield from _called(node)
        case ast.Dict() | ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) | ast.Set():
            yield from _shorter(node)
        case ast.Continue() | ast.Break() | ast.AugAssign():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript()]):
            yield ast.Pass()
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield ast.Pass()
    yield from _decided(node)


def _decided(node: ast.AST) -> Iterator[ast.AST]:
    """Conditions that hold always, or never."""
    for value in (True, False):
        match node:
            case ast.If() | ast.While() | ast.IfExp():
                yield _with(node, test=ast.Constant(value))
            case ast.match_case(guard=ast.expr()):
                yield _with(node, guard=ast.Constant(value))
            case ast.comprehension(ifs=[_, *_]):
                yield _with(node, ifs=[ast.Constant(value)])


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _compared(node: ast.Compare) -> Iterator[ast.AST]:
    for index, op in enumerate(node.ops):
        ops = [COMPARED[type(op)]() if at == index else other for at, other in enumerate(node.ops)]
        yield ast.Compare(left=node.left, ops=ops, comparators=node.comparators)


def _other_values(value: object) -> Iterator[bool | int | str | bytes]:
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
            yield value - 1
        case str() | bytes():
            more = "~" if isinstance(value, str) else b"~"
            yield value + more  # type: ignore[operator]
            if value:
                yield type(value)()


def _called(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Attribute) and node.func.attr in CHAINED:
        yield node.func.value
    if isinstance(node.func, ast.Name) and node.func.id in SWAPPED:
        yield ast.Call(func=ast.Name(SWAPPED[node.func.id], ast.Load()), args=node.args, keywords=node.keywords)


def _shorter(node: ast.Dict | ast.Tuple | ast.List | ast.Set) -> Iterator[ast.AST]:
    """The display without each of its elements; only displays with a spread, for others are of fixed shape."""
    if isinstance(node, ast.Dict):
        if None in node.keys and len(node.keys) > 1:
            for index in range(len(node.keys)):
                yield ast.Dict(keys=node.keys[:index] + node.keys[index + 1 :], values=node.values[:index] + node.values[index + 1 :])
    elif len(node.elts) > 1 and (isinstance(node, ast.Set) or any(isinstance(item, ast.Starred) for item in node.elts)):
        for index in range(len(node.elts)):
            yield _with(node, elts=node.elts[:index] + node.elts[index + 1 :])
