"""The syntax tree of a template, and how a node reads (source: Go 1.26 ``text/template/parse/node.go``).

``pos`` is the byte offset of a node in the text of its template. ``str(node)`` is Go's ``Node.String()``: errors quote it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Text outside of actions, trimmed."""

    pos: int
    text: bytes

    def __str__(self) -> str:
        return self.text.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a function."""

    pos: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Variable:
    """``$x.Field.Field``; ``fields`` may be empty. ``name`` begins with ``$``."""

    pos: int
    name: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


@dataclass(frozen=True, slots=True)
class Dot:
    """``.``"""

    pos: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil:
    """``nil``"""

    pos: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Field:
    """``.Field.Field``"""

    pos: int
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.fields)


@dataclass(frozen=True, slots=True)
class Chain:
    """A term followed by fields: ``(pipeline).Field`` and the like."""

    pos: int
    node: Node
    fields: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return inner + "".join(f".{name}" for name in self.fields)


@dataclass(frozen=True, slots=True)
class Bool:
    """``true`` or ``false``"""

    pos: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric or character constant with each type that it fits: ``None`` where it does not (``IsInt`` and so on in Go)."""

    pos: int
    text: str
    int_: int | None  # fits int64
    uint: int | None  # fits uint64
    float_: float | None
    complex_: complex | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class String:
    """A quoted or raw string: as written, and its value."""

    pos: int
    quoted: str
    value: bytes

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True, slots=True)
class Command:
    """A function or operand with its arguments."""

    pos: int
    args: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, Pipe) else str(arg) for arg in self.args)


@dataclass(frozen=True, slots=True)
class Pipe:
    """``$x, $y := command | command``; ``assign`` is set for ``=``."""

    pos: int
    line: int
    assign: bool
    declares: tuple[Variable, ...]
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        names = ", ".join(map(str, self.declares))
        sign = " = " if self.assign else " := "
        return (names + sign if names else "") + " | ".join(map(str, self.commands))


@dataclass(frozen=True, slots=True)
class Action:
    """An action without control: its value is printed unless it declares or assigns."""

    pos: int
    line: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True)
class Branch:
    """``if``, ``with`` or ``range`` (``word``), with an optional ``else`` part. ``else if`` is an ``if`` inside ``orelse``."""

    pos: int
    line: int
    word: str
    pipe: Pipe
    body: List
    orelse: List | None

    def __str__(self) -> str:
        other = f"{{{{else}}}}{self.orelse}" if self.orelse is not None else ""
        return f"{{{{{self.word} {self.pipe}}}}}{self.body}{other}{{{{end}}}}"


@dataclass(frozen=True, slots=True)
class Leap:
    """``break`` or ``continue`` (``word``)."""

    pos: int
    line: int
    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


@dataclass(frozen=True, slots=True)
class Invoke:
    """``template "name" pipeline``; a ``block`` is its definition and an Invoke."""

    pos: int
    line: int
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        argument = f" {self.pipe}" if self.pipe is not None else ""
        return f'{{{{template "{self.name}"{argument}}}}}'


@dataclass(frozen=True, slots=True)
class List:
    """Nodes in order."""

    pos: int
    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))


Operand: TypeAlias = Identifier | Variable | Dot | Nil | Field | Chain | Bool | Number | String
Node: TypeAlias = Operand | Text | Command | Pipe | Action | Branch | Leap | Invoke | List


@dataclass(frozen=True, slots=True)
class Tree:
    """One text as parsed: the body of each template that it defines, by name, its own included.

    ``text`` is the whole text, which positions refer to; ``name`` is the name of the text's own template (the key that it renders).
    """

    name: str
    text: bytes = field(repr=False)
    bodies: dict[str, List] = field(repr=False)
