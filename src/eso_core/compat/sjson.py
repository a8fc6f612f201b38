"""A value set at a path of a JSON text, as sjson v1.2.5 does it (`PushSecret` with a property).

The text is edited and not written anew: what is not touched stays byte for byte. Setting a value that is there already changes nothing.

    a.b        member `b` of member `a`; what is missing on the way is made
    a.1        element of an array; missing ones before it become null
    a.-1       behind the last element
    a.:1       member `1`, where an array would be made otherwise
    a\\.b       member `a.b`

Where the path cannot be set (wildcards, queries, a name in an array), sjson gives the text back as it was, and this fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from returns.result import Failure, Result, Success

from eso_core.compat.gjson.scan import QUOTED, VALUE_START, unescape, value_end
from eso_core.compat.gojson import finish, is_valid, quoted
from eso_core.compat.text import to_bytes

STEPS_MAX = 100  # of a path; sjson has no bound
INDEX_MAX = 10_000  # of an array element; the same

_COMPLEX = frozenset("|#@*?")
_BLANKS = "".join(map(chr, range(33)))


@dataclass(frozen=True, slots=True)
class _Step:
    """One component of a path. `forced`: a member, whatever it looks like."""

    name: str
    forced: bool

    @property
    def index(self) -> int | None:
        """The element it names, if it names one. An empty name is element 0, as in sjson."""
        return None if self.forced or self.name.strip("0123456789") else int(self.name[:18] or "0")

    @property
    def appends(self) -> bool:
        return not self.forced and self.name == "-1"


class _Unset(Exception):
    """The path cannot be set; the text says why."""


def set_text(document: bytes, path: str, value: bytes) -> Result[bytes, str]:
    """`sjson.SetBytes` of `value` as a JSON string. A blank `document` is an empty object. Failures repeat the path and nothing else."""
    text = document.decode("latin-1")
    if text.strip(_BLANKS) and not is_valid(document):
        return Failure("is not JSON")
    try:
        steps = _steps(to_bytes(path).decode("latin-1"))
        return Success(_set(text, steps, _quoted(value.decode("latin-1"))).encode("latin-1"))
    except _Unset as fault:
        return Failure(f"cannot be set at {path}: {fault}")


def _steps(path: str) -> list[_Step]:
    if not path:
        raise _Unset("the path is empty")
    steps: list[_Step] = []
    rest: str | None = path
    while rest is not None:
        if len(steps) >= STEPS_MAX:
            raise _Unset(f"more than {STEPS_MAX} steps")
        forced = rest.startswith(":")
        name, rest = _component(rest[1:] if forced else rest)
        steps.append(_Step(name, forced))
    return steps


def _component(path: str) -> tuple[str, str | None]:
    """The first component without its escapes, and what follows its dot; None where nothing does."""
    name: list[str] = []
    characters = iter(enumerate(path))
    for at, char in characters:
        if char == "\\":
            escaped = next(characters, None)
            name.append(escaped[1] if escaped is not None else "")
        elif char == ".":
            return "".join(name), path[at + 1 :]
        elif char in _COMPLEX:
            raise _Unset("wildcards and queries name no single place")
        else:
            name.append(char)
    return "".join(name), None


def _set(text: str, steps: Sequence[_Step], leaf: str) -> str:
    place = _place(text, steps[0])
    if place is None:
        return _added(text, steps, leaf)
    start, end = place
    return text[:start] + (leaf if len(steps) == 1 else _set(text[start:end], steps[1:], leaf)) + text[end:]


def _place(text: str, step: _Step) -> tuple[int, int] | None:
    """Where the value that the step names begins and ends, in a valid JSON text."""
    at = len(text) - len(text.lstrip(_BLANKS))
    bracket, at = text[at : at + 1], at + 1
    if bracket not in ("{", "["):
        return None
    wanted = int(step.name[:18]) if step.name.isascii() and step.name.isdigit() else -1
    count = 0
    while True:
        found = VALUE_START.search(text, at)
        if found is None or (bracket == "{" and found[0] != '"'):
            return None
        key, at = "", found.start()
        if bracket == "{":
            quoted = QUOTED.match(text, at)
            if quoted is None:
                return None
            key, at = unescape(quoted[0][1:-1]), quoted.end()
            found = VALUE_START.search(text, at)
            if found is None:
                return None
            at = found.start()
        end = value_end(text, at)
        if end < 0:
            return None
        if (key == step.name) if bracket == "{" else (count == wanted):
            return at, end
        at, count = end, count + 1


def _added(text: str, steps: Sequence[_Step], leaf: str) -> str:
    """`text` with what is missing; a text that is no object or array is replaced by one."""
    index = steps[0].index
    raw = text.lstrip(_BLANKS)
    if not raw.startswith(("{", "[")):
        raw = "{}" if index is None else "[]"
    raw = raw.rstrip(_BLANKS)
    empty = not raw[1:-1].strip(_BLANKS)
    comma = "" if empty else ","
    if raw[0] == "{":
        return f"{raw[:-1]}{comma}{_built(steps, leaf, array=False)}}}"
    if steps[0].appends:
        return f"{raw[:-1]}{comma}{_built(steps, leaf, array=True)}]"
    if index is None:
        raise _Unset("an array has no named members")
    elements = _elements(raw)
    elements += ["null"] * (_bounded(index) - len(elements))
    return f"[{','.join([*elements, _built(steps, leaf, array=True)])}]"


def _elements(raw: str) -> list[str]:
    elements: list[str] = []
    at = 1
    while (found := VALUE_START.search(raw, at)) is not None:
        at = value_end(raw, found.start())
        elements.append(raw[found.start() : at])
    return elements


def _built(steps: Sequence[_Step], leaf: str, *, array: bool) -> str:
    """What holds the leaf: the first step is a member, or an element whose place is known already."""
    inner = leaf
    for step in reversed(steps[1:]):
        if step.index is not None or step.appends:
            inner = f"[{'null,' * _bounded(step.index or 0)}{inner}]"
        else:
            inner = f"{{{_quoted(step.name)}:{inner}}}"
    return inner if array else f"{_quoted(steps[0].name)}:{inner}"


def _bounded(index: int) -> int:
    if index > INDEX_MAX:
        raise _Unset(f"an index of more than {INDEX_MAX}")
    return index


def _quoted(text: str) -> str:
    """A JSON string of byte text. `<`, `>` and `&` are escaped only where something else is, too: a peculiarity of sjson."""
    if any(char < " " or char > "\x7f" or char in '"\\' for char in text):
        return finish(quoted(text.encode("latin-1")), True).decode("latin-1")
    return f'"{text}"'
