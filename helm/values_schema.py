"""Writes values.schema.json and the table of values in README.md from the chart's values.yaml.

    python helm/values_schema.py            # write both
    python helm/values_schema.py --check    # exit 1 where one differs

A default implies its schema: a scalar its type, a list `array`, an empty map a map of anything, a map with keys a closed group
of these keys. A `# @schema {...}` line in the comment above a key is merged over that. A key without a comment is an error.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parent / "external-secrets"
MARK = "@schema "

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """One key of values.yaml."""

    path: tuple[str, ...]
    default: Any
    about: str  # the comment, without the schema line
    override: Schema
    children: tuple[Value, ...]

    @property
    def schema(self) -> Schema:
        return implied(self.default, self.children) | self.override


def implied(default: Any, children: tuple[Value, ...]) -> Schema:
    match default:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case str():
            return {"type": "string"}
        case list():
            return {"type": "array"}
        case dict() if not children:
            return {"type": "object"}
        case dict():
            return {"type": "object", "additionalProperties": False, "properties": {c.path[-1]: c.schema for c in children}}
    return {}


def parse(text: str) -> tuple[Value, ...]:
    """The top-level keys of *text*. Raises ValueError for a key without a description, or of which the schema is unknown."""
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise ValueError("values.yaml is not a map")
    return _children(node, (), text.splitlines(), yaml.load(text, Loader=yaml.CSafeLoader))


def walk(values: tuple[Value, ...]) -> Iterator[Value]:
    for value in values:
        yield value
        yield from walk(value.children)


def schema(values: tuple[Value, ...]) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {value.path[-1]: value.schema for value in values},
    }


def readme(values: tuple[Value, ...]) -> str:
    return "\n".join(
        [
            "# external-secrets",
            "",
            "Chart of the operator. How it differs from the reference chart: `docs/chart.md` in the repository.",
            "",
            "Written by `helm/values_schema.py` from `values.yaml`.",
            "",
            "| value | default | meaning |",
            "|---|---|---|",
            *(_row(value) for value in walk(values)),
            "",
        ]
    )


def _row(value: Value) -> str:
    default = "" if value.children else f"`{json.dumps(value.default)}`"
    return f"| `{'.'.join(value.path)}` | {default} | {value.about} |".replace("  |", " |")


def _children(node: yaml.MappingNode, path: tuple[str, ...], lines: list[str], defaults: dict[str, Any]) -> tuple[Value, ...]:
    return tuple(_value(key, child, path, lines, defaults) for key, child in node.value)


def _value(key: yaml.ScalarNode, node: yaml.Node, path: tuple[str, ...], lines: list[str], defaults: dict[str, Any]) -> Value:
    here = (*path, key.value)
    default = defaults[key.value]
    comment = _comment_above(lines, key.start_mark.line)
    about = " ".join(line for line in comment if not line.startswith(MARK))
    if not about:
        raise ValueError(f"{'.'.join(here)} has no description")
    override: Schema = {}
    for line in comment:
        if line.startswith(MARK):
            override |= json.loads(line.removeprefix(MARK))
    if default is None and "type" not in override:
        raise ValueError(f"{'.'.join(here)} is null and has no @schema type")
    children = _children(node, here, lines, default) if isinstance(node, yaml.MappingNode) else ()
    return Value(path=here, default=default, about=about, override=override, children=children)


def _comment_above(lines: list[str], line: int) -> list[str]:
    found: list[str] = []
    while line > 0 and (match := re.fullmatch(r"\s*# ?(.*)", lines[line - 1])):
        found.insert(0, match[1].strip())
        line -= 1
    return found


def outputs() -> dict[Path, str]:
    values = parse((CHART / "values.yaml").read_text())
    return {
        CHART / "values.schema.json": json.dumps(schema(values), indent=2) + "\n",
        CHART / "README.md": readme(values),
    }


def main(argv: list[str]) -> int:
    differing = {path: text for path, text in outputs().items() if not path.exists() or path.read_text() != text}
    if argv == ["--check"]:
        sys.stderr.writelines(f"differs: {path.name}\n" for path in differing)
        return 1 if differing else 0
    for path, text in differing.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
