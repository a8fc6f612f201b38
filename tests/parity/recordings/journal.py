"""What somebody who watches everything sees: the present objects, and every write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Key = tuple[str, str, str]  # kind, namespace, name
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One write that the API server told about. ``type``: ADDED, MODIFIED or DELETED."""

    key: Key
    type: str
    version: str


class Journal:
    """Filled by whoever watches. Not safe for threads by itself."""

    def __init__(self) -> None:
        self.objects: dict[Key, Object] = {}
        self.entries: list[Entry] = []
        self.uids: dict[str, Key] = {}  # in the order of their first sight
        self.changed: dict[str, int] = {}  # namespace, or /Kind/name -> monotonic time of the last write, events left out

    def take(self, kind: str, type_: str, found: Object, at: int) -> None:
        """Take in one line of a watch that arrived at ``at`` (monotonic nanoseconds)."""
        meta = found["metadata"]
        key = kind, meta.get("namespace", ""), meta["name"]
        if type_ == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = found
        self.uids.setdefault(meta["uid"], key)
        if kind != "Event":
            scope = key[1] or (key[2] if kind == "Namespace" else f"/{kind}/{key[2]}")
            self.changed[scope] = at
            self.entries.append(Entry(key, type_, meta["resourceVersion"]))
