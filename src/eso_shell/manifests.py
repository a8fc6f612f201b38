"""Manifests from files, folders and standard input, read as ``kubectl`` reads them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from eso_shell import kubeyaml

ENDINGS = (".yaml", ".yml", ".json")
SIZE_MAX = 64 * 1024 * 1024  # bytes of one file
STDIN = "standard input"


class ManifestError(Exception):
    """A file cannot be used; the text is one line that names it, the place in it, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as written: ``content`` has an apiVersion and a kind. ``where`` is ``file:line:column``."""

    where: str
    content: Mapping[str, Any]


def load(paths: Iterable[str], *, recursive: bool = False) -> list[Manifest]:
    """Every object in ``paths`` (files, folders, ``-``), in order of file name and place. Lists are taken apart.

    Raises :class:`ManifestError`, also when there is no object at all.
    """
    found = [manifest for path in paths for name, text in _texts(path, recursive=recursive) for manifest in _objects(name, text)]
    if not found:
        raise ManifestError(f"{', '.join(STDIN if path == '-' else path for path in paths)}: no objects")
    return found


# ---------------------------------------------------------------- files


def _texts(path: str, *, recursive: bool) -> Iterator[tuple[str, bytes]]:
    if path == "-":
        yield STDIN, _read(STDIN, sys.stdin.buffer)
        return
    try:
        files = _files(Path(path), recursive=recursive)
    except OSError as error:
        raise ManifestError(f"{path}: {reason(error)}") from error
    for file in files:
        try:
            with file.open("rb") as stream:
                text = _read(str(file), stream)
        except OSError as error:
            raise ManifestError(f"{file}: {reason(error)}") from error
        yield str(file), text


def _read(name: str, stream: BinaryIO) -> bytes:
    text = stream.read(SIZE_MAX + 1)
    if len(text) > SIZE_MAX:
        raise ManifestError(f"{name}: larger than {SIZE_MAX} bytes")
    return text


def _files(path: Path, *, recursive: bool) -> list[Path]:
    path.stat()
    if not path.is_dir():
        return [path]
    found = path.rglob("*") if recursive else path.glob("*")
    files = sorted(file for file in found if file.suffix in ENDINGS and file.is_file())
    if not files:
        raise ManifestError(f"{path}: no file ends in {', '.join(ENDINGS)}{'' if recursive else ' (-R looks into its folders, too)'}")
    return files


def reason(error: OSError) -> str:
    """What the system says, as a sentence goes on."""
    text = os.strerror(error.errno) if error.errno else type(error).__name__
    return text[:1].lower() + text[1:]


# ---------------------------------------------------------------- objects


def _objects(name: str, text: bytes) -> Iterator[Manifest]:
    try:
        found = kubeyaml.documents(text)
    except kubeyaml.Unreadable as error:
        raise ManifestError(f"{name}:{error.line}:{error.column}: {error}") from error
    for document in found:
        yield from _flattened(f"{name}:{document.line}:{document.column}", document.value)


def _flattened(where: str, value: Any) -> Iterator[Manifest]:
    if not isinstance(value, dict):
        raise ManifestError(f"{where}: is not an object")
    for field in ("apiVersion", "kind"):
        if not isinstance(value.get(field), str) or not value[field]:
            raise ManifestError(f"{where}: {field}: is required")
    items = value.get("items")
    if value["kind"].endswith("List") and isinstance(items, list):
        for item in items:
            yield from _flattened(where, item)
        return
    yield Manifest(where, value)
