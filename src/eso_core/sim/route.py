"""Paths to resources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

Place = tuple[str, str, str]  # group, version, plural


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names. ``namespace`` and ``name`` are ``""`` where the path has none."""

    place: Place
    namespace: str
    name: str
    subresource: str


@lru_cache(maxsize=4096)
def parse(path: str) -> Target | None:
    """The target of ``/api/v1/...`` and ``/apis/<group>/<version>/...``; ``None`` for every other path."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        return _within("", parts[1], parts[2:])
    if parts[0] == "apis" and len(parts) > 3:
        return _within(parts[1], parts[2], parts[3:])
    return None


def _within(group: str, version: str, rest: list[str]) -> Target | None:
    namespace = ""
    # "/namespaces/x" and its subresources are about the Namespace itself; anything else below it is inside of it
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3 or "" in rest:
        return None
    plural, name, subresource = (*rest, "", "")[:3]
    return Target((group, version, plural), namespace, name, subresource)
