"""What ``eso template`` prints: the targets as YAML, as JSON, or for a person."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eso_core.compat.goyaml import dump
from eso_core.secret import SecretBytes
from eso_shell.cli.show import BOLD, Paint, printable, revealed


def as_yaml(objects: Sequence[Mapping[str, Any]]) -> bytes:
    """Documents one after the other, as ``sigs.k8s.io/yaml`` writes them."""
    return b"---\n".join(dump(dict(one)).unwrap() for one in objects)


def as_json(objects: Sequence[Mapping[str, Any]]) -> bytes:
    """One object, or a list of them."""
    whole = objects[0] if len(objects) == 1 else {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    return json.dumps(whole, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def as_text(objects: Sequence[Mapping[str, Any]], paint: Paint) -> bytes:
    """One key after the other."""
    return "\n".join("\n".join((*_lines(one, paint), "")) for one in objects).encode("utf-8", "replace")


def _lines(one: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    meta = one.get("metadata") or {}
    name = "/".join(str(meta[part]) for part in ("namespace", "name") if meta.get(part))
    kind = str(one.get("kind", "Secret"))
    yield paint(BOLD, printable(f"{kind} {name}".rstrip())) + (f"  {printable(str(one['type']))}" if one.get("type") else "")
    for part in ("labels", "annotations"):
        for key, text in sorted((meta.get(part) or {}).items()):
            yield from _value(f"{part}.{key}", str(text).encode("utf-8", "replace"))
    if kind == "Secret":
        for key, text in sorted((one.get("data") or {}).items()):
            yield from _value(f"data.{key}", base64.b64decode(text or ""))
        return
    content = {field: value for field, value in one.items() if field not in ("apiVersion", "kind", "metadata")}
    yield from (f"  {printable(line)}" for line in dump(content).unwrap().decode().splitlines())


def _value(name: str, value: bytes) -> Iterator[str]:
    """A short text stands behind its key, a longer one below, and of what is no text the beginning is shown."""
    shown = printable(name)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        yield f"  {shown}: ({revealed(SecretBytes(value))})"
        return
    if not text:
        yield f"  {shown}: (empty)"
    elif "\n" not in text[:-1]:
        yield f"  {shown}: {printable(text)}"
    else:
        yield f"  {shown}:" + ("" if text.endswith("\n") else "  (without a line break at its end)")
        yield from (f"    {printable(line.expandtabs(4))}" for line in text.removesuffix("\n").split("\n"))
