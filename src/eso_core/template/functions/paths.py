"""Paths with slashes: Go's ``path``, and ``path/filepath`` as it is on Unix, which is the same."""

from __future__ import annotations

from collections.abc import Mapping

from eso_core.template.values import Function


def base(path: bytes) -> bytes:
    """`path.Base`: the last element; ``.`` for an empty path and ``/`` for one of slashes."""
    if not path:
        return b"."
    return path.rstrip(b"/").rpartition(b"/")[2] or b"/"


def clean(path: bytes) -> bytes:
    """`path.Clean`: the shortest path that means the same by its text alone."""
    rooted = path[:1] == b"/"
    out: list[bytes] = []
    for element in path.split(b"/"):
        if element == b"..":
            if out and out[-1] != b"..":
                out.pop()
            elif not rooted:
                out.append(element)
        elif element not in (b"", b"."):
            out.append(element)
    return (b"/" if rooted else b"") + b"/".join(out) or b"."


def directory(path: bytes) -> bytes:
    """`path.Dir`: all but the last element, cleaned."""
    return clean(path[: path.rfind(b"/") + 1])


def extension(path: bytes) -> bytes:
    """`path.Ext`: from the last dot of the last element on."""
    name = path[path.rfind(b"/") + 1 :]
    dot = name.rfind(b".")
    return name[dot:] if dot >= 0 else b""


def is_absolute(path: bytes) -> bool:
    """`path.IsAbs`."""
    return path[:1] == b"/"


_TEXT, _TEST = "func(string) string", "func(string) bool"

TABLE: Mapping[str, Function] = {
    "base": Function(_TEXT, base),
    "clean": Function(_TEXT, clean),
    "dir": Function(_TEXT, directory),
    "ext": Function(_TEXT, extension),
    "isAbs": Function(_TEST, is_absolute),
    "osBase": Function(_TEXT, base),
    "osClean": Function(_TEXT, clean),
    "osDir": Function(_TEXT, directory),
    "osExt": Function(_TEXT, extension),
    "osIsAbs": Function(_TEST, is_absolute),
}
