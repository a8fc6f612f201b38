"""What is wrong with a template, for the person who wrote it: what Go says, the line with a caret, and what usually helps.

Go tells the line of a fault in a text that it cannot read, and not the column. Where the message names what is wrong, that is looked for
in the line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from eso_core.compat.text import quote, to_bytes
from eso_core.failure import InvalidSpec
from eso_core.stages.templates import TEMPLATE, Fault
from eso_core.template import TemplateError
from eso_core.template.engine import NAMES
from eso_shell.cli.caret import excerpt
from eso_shell.cli.show import BOLD, RED, Paint, printable

MESSAGE_MAX = 2000  # characters of a message that are shown
KEYS_MAX = 20  # of the data that are named
HIDDEN = ("secret", "values")  # origins of texts that are not for everybody

_LEFT_OUT = {"env", "expandenv", "getHostByName"}
_OF_HELM = {"include", "tpl", "required", "lookup", "toToml", "fromJsonArray", "fromYamlArray", "toYamlPretty"}
_EXECUTING = re.compile(r'executing "(?:[^"\\]|\\.)*" at <.*?>: ', re.DOTALL)
_NAME = r'"((?:[^"\\]|\\.)*)"'
_OF_JINJA = r"(?:No (?:filter|test) named )?'(\w+)'(?: is undefined$|\.$)"


@dataclass(frozen=True, slots=True)
class Told:
    """How faults are told. ``keys`` are the names of the data; ``path`` is where the object has its template."""

    keys: Collection[str]
    reveal: bool
    left: bytes
    paint: Paint
    path: str = TEMPLATE


def fault_lines(fault: Fault, name: str, where: str, told: Told) -> Iterator[str]:
    """The lines of one fault of the object ``name``, which is read from ``where``."""
    place = fault.path.replace(TEMPLATE, told.path, 1)
    yield f"{told.paint(RED, 'error:')} {told.paint(BOLD, printable(f'{name}: {place}'))} ({printable(where)})"
    message = _message(fault, told.reveal)
    yield f"  {_shortened(printable(message))}"
    yield from (f"  {line}" for line in _source(fault, message, told))
    yield from (f"  {printable(line)}" for line in advice(message, fault, told.keys))


def _message(fault: Fault, reveal: bool) -> str:
    """Without what only repeats the place. Data is in it only if it may be."""
    error = fault.error
    if error is None:
        return fault.failure.what
    if not reveal and fault.spot is not None and fault.spot.origin in HIDDEN:
        return fault.failure.what
    cause = error.cause
    if cause is None:
        return error.full if reveal else error.public
    return stripped(cause, cause.full if reveal else cause.public)


def stripped(cause: TemplateError, text: str) -> str:
    """``text`` of ``cause`` without the name and the place of the template."""
    text = text.removeprefix("template: ").removeprefix(cause.name).removeprefix(":")
    text = re.sub(r"^[0-9]+(:[0-9]+)?: ", "", text).removeprefix(" ")
    own = f"executing {quote(cause.name)} at <"
    return text[len(own) :].partition(">: ")[2] if text.startswith(own) else _EXECUTING.sub("", text, count=1)


def _shortened(text: str) -> str:
    return text if len(text) <= MESSAGE_MAX else f"{text[:MESSAGE_MAX]}…"


# ---------------------------------------------------------------- the place in the text


def _source(fault: Fault, message: str, told: Told) -> list[str]:
    spot, cause = fault.spot, fault.error.cause if fault.error is not None else None
    if spot is None or cause is None or cause.line < 1:
        return []
    if spot.origin in HIDDEN and not told.reveal:
        what = "is that of a Secret" if spot.origin == "secret" else "was made of values"
        return [f"line {cause.line} of a text that {what}; --reveal shows it"]
    line, column = cause.line, cause.column if cause.column >= 0 else None
    if column is None:
        line, column = _looked_for(spot.text, cause.line, message, told.left)
    return excerpt(spot.text, line, column)


def _looked_for(text: bytes, line: int, message: str, left: bytes) -> tuple[int, int | None]:
    lines = text.split(b"\n", line)
    if line > len(lines):
        return line, None
    row = lines[line - 1]
    if message.startswith(("unclosed action", "unclosed comment")):
        at = text.rfind(left, 0, sum(len(one) + 1 for one in lines[:line]) - 1)
        return (text.count(b"\n", 0, at) + 1, at - text.rfind(b"\n", 0, at) - 1) if at >= 0 else (line, None)
    if message.startswith("unexpected EOF"):
        return line, len(row.rstrip())
    return line, _column(row, message)


def _column(row: bytes, message: str) -> int | None:
    """Where what ``message`` names stands in a line; none if it may be several places."""
    named = re.match(rf"(?:function|undefined variable) {_NAME}", message) or re.match(_OF_JINJA, message)
    if named is not None:
        found = re.search(rb"(?<![\w.$])" + re.escape(to_bytes(named[1])) + rb"(?!\w)", row)
        return found.start() if found is not None else None
    if (bad := re.match(r"bad character U\+([0-9A-F]+)", message)) is not None:
        character = chr(int(bad[1], 16)).encode("utf-8", "replace")
        places = [found.start() for found in re.finditer(rb"(?<=\w)" + re.escape(character), row)]
        return places[0] if len(places) == 1 else None
    if message.startswith("unterminated "):
        quotes = [found.start() for found in re.finditer(rb"[\"'`]", row)]
        return quotes[-1] if quotes else None
    if (word := re.match(rf"(?:unexpected|expected end; found|bad number syntax:) (?:{_NAME}|(\{{\{{\w+\}}\}}))", message)) is not None:
        pattern = re.escape(to_bytes(word[1])) if word[1] is not None else rb"\b" + to_bytes(word[2][2:-2]) + rb"\b"
        places = [found.start() for found in re.finditer(pattern, row)]
        return places[0] if len(places) == 1 else None
    return None


# ---------------------------------------------------------------- what helps


def advice(message: str, fault: Fault, keys: Collection[str]) -> Iterator[str]:
    """What the author may have meant."""
    if fault.spot is None:
        if "not found" in message:
            yield "give it with -f, beside the ExternalSecret, or with --template-from-config-map or --template-from-secret"
        return
    if (unknown := re.match(rf"function {_NAME} not defined", message)) is not None:
        yield from _of_function(unknown[1], keys)
    elif (missing := re.search(rf"map has no entry for key {_NAME}$", message)) is not None:
        yield from _of_key(missing[1], keys)
    elif (undefined := re.match(r"'(\w+)' is undefined$", message)) is not None:
        yield from _of_key(undefined[1], keys, "")
    elif (unnamed := re.match(r"No filter named '(\w+)'", message)) is not None:
        yield from _of_function(unnamed[1], ())
    else:
        yield from (text for start, text in _USUAL if re.search(start, message))
    if fault.error is not None and fault.error.stage == "apply" and isinstance(fault.failure, InvalidSpec):
        yield from (text for start, text in _OF_YAML if start in message)


def _of_function(name: str, keys: Collection[str]) -> Iterator[str]:
    if name in _LEFT_OUT:
        yield "it is left out on purpose: templates know nothing of the machine or the network that they are rendered on"
    elif name in _OF_HELM:
        yield "that is a function of Helm; what is there is in docs/templates.md"
    elif name in keys:
        yield f"a value is read with a dot: .{name}"
    elif near := get_close_matches(name, NAMES, 3):
        yield f"did you mean {_or(near)}?"


def _of_key(key: str, keys: Collection[str], dot: str = ".") -> Iterator[str]:
    """``dot`` is what stands before a key."""
    if key in ("Values", "Release", "Chart"):
        yield "that is an object of Helm; the data of an ExternalSecret is read as .key"
    elif near := get_close_matches(key, keys, 3):
        yield f"did you mean {_or([dot + name for name in near])}?"
    if not keys:
        yield "no data was given: -d FILE or --set KEY=VALUE"
        return
    shown = sorted(keys)[:KEYS_MAX]
    yield f"the data has {', '.join(shown)}{f' and {len(keys) - len(shown)} more' if len(keys) > len(shown) else ''}"


def _or(names: list[str]) -> str:
    return " or ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


_USUAL = (
    (r"^bad character U\+002D", 'a key with a dash or a dot is read with index: {{ index . "my-key" }}'),
    (r"^unclosed action", "every {{ needs a }}; a quote that is not closed hides it"),
    (r"^unclosed comment", "a comment ends with */}}, with nothing between"),
    (r"^unterminated (quoted|raw)", "a text in quotes ends on its line; in `back quotes` it may be longer"),
    (r"^unterminated character|^malformed character", "a text stands in double quotes; single ones are for one character"),
    (r"^unexpected EOF", "an if, range, with, define or block has no {{ end }}"),
    (r"^unexpected \{\{(end|else)", "there is no if, range or with that it belongs to"),
    (r"^undefined variable", "a variable is declared with := in the same block or around it"),
    (
        r"expected map\[string\]interface \{\}; got map\[string\]string",
        "the data is a map of texts, which this function does not take; use .key, index, or a map made with dict or fromJson",
    ),
    (r"incompatible types for comparison", "every value is a text: compare it with a text, or make it a number with int or float64"),
    (r"can't evaluate field \w+ in type string", "a value is a text: read into it with fromJson or fromYaml"),
    (r"nil pointer evaluating|nil data; no entry", "something on the way is not there; index, dig or default stand that"),
    (r"wrong number of args", "a piped value is the last argument"),
    (r"allowed|more than \d+ (bytes|elements|words|levels)|too (large|deeply)", "the bounds are in docs/templates.md"),
    (r"illegal base64", "the value is no base64 as valuesDecodingStrategy wants it"),
)
_OF_YAML = (
    ("map[string][]byte", "what the text gives is read as YAML, a map of texts; toYaml or quote keep line breaks and colons in values"),
    ("template YAML", "what the text gives is read as YAML; toYaml or quote keep line breaks and colons in values"),
)
