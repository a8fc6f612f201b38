"""Who owns which field: ``metadata.managedFields`` as the API server keeps it for Update operations.

Theory. A field's path is a tuple of elements in their wire spelling (``f:name``, ``k:{"uid":"x"}``, ``v:"x"``). Every write compares the
object before and after:

* a path whose value appeared or changed becomes the writer's, and nobody else's;
* a path that went away becomes nobody's;
* every other path stays whose it was, the writer's included: writing the value that is already there takes nothing.

A *manager* is the tuple (operation, name, apiVersion, subresource); one name has one entry per subresource. An entry without paths goes
away. Identity and bookkeeping fields (name, uid, resource version, ...) are never owned. The main endpoint neither sees nor takes
``status`` where that is a subresource, and ``/status`` sees nothing but it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from eso_core.sim.shape import ANY, Shape

Path = tuple[str, ...]

_UNOWNED_METADATA = (
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion",
)  # fmt: skip
_UNOWNED: frozenset[Path] = frozenset({("f:metadata",), *(("f:metadata", f"f:{name}") for name in _UNOWNED_METADATA)})
_UPDATE_MANAGERS_MAX = 10  # entries of operation Update; the oldest are merged beyond it
_OLDEST = "ancient-changes"
_MISSING: Any = object()


class Manager(NamedTuple):
    """Who wrote, and how."""

    operation: str
    name: str
    api_version: str
    subresource: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one manager owns, and when that last changed (RFC 3339; empty: not known)."""

    paths: frozenset[Path]
    time: str


Owners = Mapping[Manager, Share]


@dataclass(frozen=True, slots=True)
class Change:
    """What a write did: paths that appeared or changed, and paths that went away."""

    set: frozenset[Path]
    removed: frozenset[Path]


# ---------------------------------------------------------------- comparing


def compare(before: Any, after: Any, shape: Shape) -> Change:
    """The fields of ``shape`` in which two objects differ."""
    touched: set[Path] = set()
    removed: set[Path] = set()
    _walk(before, after, shape, (), touched, removed)
    touched.discard(())
    return Change(frozenset(touched), frozenset(removed))


def _walk(before: Any, after: Any, shape: Shape, path: Path, touched: set[Path], removed: set[Path]) -> None:
    if before is after:
        return
    form = shape.form
    if form == "any":
        form = "map" if type(before) is dict or type(after) is dict else "leaf"
        if form == "map" and type(before) is not type(after) and before is not _MISSING and after is not _MISSING:
            touched.add(path)  # a map took the place of something else, or something else that of a map
    if form == "map" and not shape.atomic and _walk_map(before, after, shape, path, touched, removed):
        pass
    elif form == "list" and not shape.atomic and (_is_filled(before, list) or _is_filled(after, list)):
        _walk_list(before, after, shape, path, touched, removed)
    elif before is not _MISSING and after is not _MISSING and not same(before, after):
        touched.add(path)
    if before is _MISSING:
        touched.add(path)
    elif after is _MISSING:
        removed.add(path)


def _is_filled(value: Any, kind: type) -> bool:
    return type(value) is kind and bool(value)


def _walk_map(before: Any, after: Any, shape: Shape, path: Path, touched: set[Path], removed: set[Path]) -> bool:
    """Whether there was anything to descend into; two empty maps are compared as leaves."""
    if not _is_filled(before, dict) and not _is_filled(after, dict):
        return False
    left: Mapping[str, Any] = before if type(before) is dict else {}
    right: Mapping[str, Any] = after if type(after) is dict else {}
    fields, item = shape.fields, shape.item or ANY
    for key, value in left.items():
        other = right.get(key, _MISSING)
        if value is not other:
            _walk(value, other, fields.get(key, item), (*path, f"f:{key}"), touched, removed)
    for key, value in right.items():
        if key not in left:
            _walk(_MISSING, value, fields.get(key, item), (*path, f"f:{key}"), touched, removed)
    return True


def _walk_list(before: Any, after: Any, shape: Shape, path: Path, touched: set[Path], removed: set[Path]) -> None:
    left, right = _by_element(before, shape), _by_element(after, shape)
    for element in {**left, **right}:
        ours, theirs = left.get(element, []), right.get(element, [])
        here = (*path, element)
        if len(ours) < 2 and len(theirs) < 2:
            _walk(ours[0] if ours else _MISSING, theirs[0] if theirs else _MISSING, shape.item or ANY, here, touched, removed)
        elif len(theirs) < 2:
            removed.add(here)
            if theirs:
                _walk(_MISSING, theirs[0], shape.item or ANY, here, touched, removed)
        elif not same(ours, theirs):
            touched.add(here)


def _by_element(value: Any, shape: Shape) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for inner in value if type(value) is list else ():
        out.setdefault(_element(inner, shape), []).append(inner)
    return out


def _element(value: Any, shape: Shape) -> str:
    if not shape.keys:
        return f"v:{orjson.dumps(value).decode()}"
    chosen = {key: value.get(key) for key in shape.keys if key in value} if type(value) is dict else {}
    return f"k:{orjson.dumps(chosen, option=orjson.OPT_SORT_KEYS).decode()}"


def same(left: Any, right: Any) -> bool:
    """JSON equality: unlike Python's, ``true`` is not ``1``."""
    if left != right:
        return False
    return type(left) is type(right) is str or orjson.dumps(left, option=_SORTED) == orjson.dumps(right, option=_SORTED)


_SORTED = orjson.OPT_SORT_KEYS

# ---------------------------------------------------------------- owning


def own(owners: Owners, change: Change, writer: Manager, ignored: frozenset[str], time: str) -> Owners:
    """The owners after a write. ``ignored``: top-level elements the writer cannot touch. The same mapping comes back when nothing moved."""
    touched, removed = change.set, change.removed
    if ignored:
        touched = frozenset(path for path in touched if path[0] not in ignored)
        removed = frozenset(path for path in removed if path[0] not in ignored)
    if not touched and not removed:
        return owners
    gone = touched | removed
    after = {manager: _without(share, gone) for manager, share in owners.items()}
    mine = touched - _UNOWNED
    if mine:
        previous = after.get(writer)
        after[writer] = Share(mine | previous.paths if previous else mine, time)
    return _capped({manager: share for manager, share in after.items() if share.paths})


def _without(share: Share, gone: frozenset[Path]) -> Share:
    return share if share.paths.isdisjoint(gone) else Share(share.paths - gone, share.time)


def _capped(owners: dict[Manager, Share]) -> Owners:
    """At most ten Update entries: the oldest of one API version are merged into one."""
    updates = [manager for manager in owners if manager.operation == "Update"]
    if len(updates) <= _UPDATE_MANAGERS_MAX:
        return owners
    updaters = sorted(updates, key=lambda manager: (owners[manager].time, _wire_id(manager)))
    excess = len(updaters) - _UPDATE_MANAGERS_MAX
    first: dict[str, Manager] = {}
    for manager in updaters:
        if excess <= 0:
            break
        seen = first.setdefault(manager.api_version, manager)
        if seen is manager:
            continue
        bucket = Manager("Update", _OLDEST, manager.api_version, "")
        if bucket not in owners:
            owners[bucket] = owners.pop(seen)
        share = owners.pop(manager)
        owners[bucket] = Share(owners[bucket].paths | share.paths, share.time)
        excess -= 1
    return owners


def _wire_id(manager: Manager) -> str:
    entry = {"manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version}
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return orjson.dumps(entry).decode()


# ---------------------------------------------------------------- the wire form


def encode(owners: Owners) -> list[dict[str, Any]]:
    """``managedFields``, in the server's order: operation, time, name."""
    return [_entry(manager, share) for manager, share in sorted(owners.items(), key=_rank)]


def _rank(pair: tuple[Manager, Share]) -> tuple[str, ...]:
    manager, share = pair
    return manager.operation, share.time, manager.name, manager.api_version, manager.subresource


def _entry(manager: Manager, share: Share) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": encode_paths(share.paths),
    }
    if share.time:
        entry["time"] = share.time
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


@lru_cache(maxsize=4096)
def encode_paths(paths: frozenset[Path]) -> dict[str, Any]:
    """``FieldsV1``: a trie in which ``.`` marks an owned node that has owned children. Not to be changed: equal sets share one trie."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for depth, element in enumerate(path):
            child = node.get(element)
            if child is None:
                child = node[element] = {}
                if depth and path[:depth] in paths:
                    node["."] = {}
            node = child
    return root


def decode_entries(entries: Any) -> Owners | None:
    """The owners an object brings along, or ``None`` when any entry is not well formed."""
    out: dict[Manager, Share] = {}
    for entry in entries if type(entries) is list else ():
        if type(entry) is not dict or entry.get("operation") not in ("Apply", "Update") or entry.get("fieldsType") != "FieldsV1":
            return None
        texts = [entry.get(key, "") for key in ("operation", "manager", "apiVersion", "subresource", "time")]
        if not all(type(text) is str for text in texts) or not texts[2]:
            return None
        paths: set[Path] = set()
        if not _decode_paths(entry.get("fieldsV1", {}), (), paths):
            return None
        out[Manager(*texts[:4])] = Share(frozenset(paths), texts[4])
    return out


def _decode_paths(node: Any, path: Path, out: set[Path]) -> bool:
    if type(node) is not dict:
        return False
    for element, child in node.items():
        if element == ".":
            out.add(path)
            continue
        if element[:2] not in ("f:", "k:", "v:", "i:"):
            return False
        here = (*path, element)
        if child == {}:
            out.add(here)
        elif not _decode_paths(child, here, out):
            return False
    return True
