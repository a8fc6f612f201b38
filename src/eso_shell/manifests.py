"""Manifests from files, folders and standard input, read as ``kubectl`` reads them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ENDINGS = (".yaml", ".yml", ".json")
SIZE_MAX = 64 * 1024 * 1024  # bytes of one file
DEPTH_MAX = 100  # levels of one document
NODES_MAX = 1_000_000  # values of one document, aliases counted as often as they are used


class ManifestError(Exception):
    """A file cannot be used; the text names it, the place in it, and what is wrong."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader, where PyYAML has it
    """Plain scalars as ``sigs.k8s.io/yaml`` reads them: no dates, no base 60, exponents without a point."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _tag, _pattern, _first in (
    ("bool", r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$", "yYnNtTfFoO"),
    ("int", r"^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$", "-+0123456789"),
    ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def load(paths: list[str], *, recursive: bool = False) -> list[Mapping[str, Any]]:
    """Every object in ``paths`` (files, folders, ``-``), in order of file name and place. Lists are taken apart.

    Raises :class:`ManifestError`.
    """
    return [manifest for path in paths for name, text in _texts(path, recursive=recursive) for manifest in _objects(name, text)]


def _texts(path: str, *, recursive: bool) -> Iterator[tuple[str, bytes]]:
    if path == "-":
        yield "standard input", sys.stdin.buffer.read(SIZE_MAX)
        return
    for file in _files(Path(path), recursive=recursive):
        try:
            if file.stat().st_size > SIZE_MAX:
                raise ManifestError(f"{file}: larger than {SIZE_MAX} bytes")
            yield str(file), file.read_bytes()
        except OSError as error:
            raise ManifestError(f"{file}: {error.strerror}") from error


def _files(path: Path, *, recursive: bool) -> list[Path]:
    if not path.exists():
        raise ManifestError(f"the path {str(path)!r} does not exist")
    if path.is_file():
        return [path]
    found = path.rglob("*") if recursive else path.glob("*")
    files = sorted(file for file in found if file.suffix in ENDINGS and file.is_file())
    if not files:
        raise ManifestError(f"no {', '.join(ENDINGS)} file in {str(path)!r}")
    return files


def _objects(name: str, text: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        for number, document in enumerate(yaml.load_all(text, Loader=_Loader), 1):  # a safe loader with other scalars
            if document is not None:
                _bounded(document)
                yield from _flattened(f"{name}, document {number}", document)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestError(f"{name}: {_one_line(error)}") from error


def _flattened(place: str, document: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(document, dict):
        raise ManifestError(f"{place}: is not an object")
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        for item in items:
            yield from _flattened(place, item)
        return
    for path, value in (("apiVersion", document.get("apiVersion")), ("kind", document.get("kind"))):
        if not isinstance(value, str) or not value:
            raise ManifestError(f"{place}: {path}: is required")
    meta = document.get("metadata")
    if not isinstance(meta, dict) or not isinstance(meta.get("name"), str) or not meta["name"]:
        raise ManifestError(f"{place}: metadata.name: is required")
    yield document


def _bounded(document: Any) -> None:
    """Refuse what would be endless as JSON: aliases that hold themselves or multiply. Raises :class:`ValueError`."""
    waiting = [(document, 0)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > DEPTH_MAX or count > NODES_MAX:
            raise ValueError(f"more than {DEPTH_MAX} levels or {NODES_MAX} values")
        if isinstance(value, dict):
            waiting.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            waiting.extend((item, depth + 1) for item in value)


def _one_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark is not None else str(problem)
