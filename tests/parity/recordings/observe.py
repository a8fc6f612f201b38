"""Objects, events and writes as a recording shows them: without what is different in every run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.parity.recordings.journal import Entry, Journal, Key, Object
from tests.parity.recordings.places import Places

USER = "recorder"  # manager of what a scenario applies
PATCHER = "manual"  # manager of what a scenario patches
CLUSTER = "kube-controller-manager"  # tells on a Namespace how far its end has come
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIMES = frozenset({"lastTransitionTime", "refreshTime", "deletionTimestamp", "garbageCollectionDeadline"})
_WITHOUT_GENERATION = frozenset({"Secret", "ConfigMap", "Namespace"})
_COUNTED = frozenset({"Secret", "ConfigMap", "ExternalSecret"})  # kinds whose writes are counted
_WRITES = {"ADDED": "created", "MODIFIED": "modified", "DELETED": "deleted"}


class Observer:
    """Looks at the journal for one scenario. ``wrote`` are the objects whose spec the scenario itself wrote."""

    def __init__(self, journal: Journal, namespaces: list[str], places: Places) -> None:
        self._journal = journal
        self._places = places
        self._hidden = places.hidden()
        self._namespaces = namespaces
        self.wrote: set[Key] = set()
        self._aliases: dict[str, str] = {}
        self._seen: dict[str, int] = {}  # event -> count before this step
        self._refreshed: dict[str, str] = {}  # uid -> refresh time before this step

    # ------------------------------------------------------------ texts

    def text(self, text: str) -> str:
        """``text`` without names, times and identities of this run."""
        for own, general in (*self._hidden, *self._aliases.items()):
            text = text.replace(own, general)
        return _UID.sub(self._identity, _TIME.sub("<time>", text))

    def _identity(self, found: re.Match[str]) -> str:
        key = self._journal.uids.get(found[0])
        return f"<uid of {key[0]}/{key[2]}>" if key is not None else found[0]

    def _tree(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {self.text(name): self._tree(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._tree(inner) for inner in value]
        if isinstance(value, str):
            return "<time>" if value and key in _TIMES else self.text(value)
        return value

    def label(self, kind: str, namespace: str, name: str) -> str:
        """How a recording calls an object."""
        near = namespace in ("", self._namespaces[0])
        return f"{kind}/{name}" if near else f"{kind}/{namespace}/{name}"

    # ------------------------------------------------------------ objects

    def visible(self) -> list[tuple[Key, Object]]:
        """The objects of the scenario in the order in which they are named."""
        first = {uid: number for number, uid in enumerate(self._journal.uids)}

        def rank(pair: tuple[Key, Object]) -> tuple[str, str, int, str]:
            (kind, namespace, name), meta = pair[0], pair[1]["metadata"]
            return kind, namespace, first[meta["uid"]] if meta.get("generateName") else 0, name

        return sorted((pair for pair in self._journal.objects.items() if self._shows(pair[0])), key=rank)

    def _shows(self, key: Key) -> bool:
        kind, namespace, name = key
        if kind == "Namespace":
            return name in self._namespaces
        return kind != "Event" and (namespace in self._namespaces if namespace else key in self.wrote)

    def objects(self) -> dict[str, Any]:
        """Every visible object."""
        visible = self.visible()
        self._aliases = self._named(visible)
        out = {}
        for (kind, namespace, name), found in visible:
            seen = self._object(found, written=(kind, namespace, name) in self.wrote)
            if kind != "Namespace" or _touched(seen["metadata"]):
                out[self.label(kind, namespace, self._aliases.get(name) or self.text(name))] = seen
        return out

    def _named(self, visible: Iterable[tuple[Key, Object]]) -> dict[str, str]:
        """Generated names, as numbers in the order of their making."""
        self._aliases = {}
        count: Counter[Key] = Counter()
        out = {}
        for (kind, namespace, name), found in visible:
            prefix = found["metadata"].get("generateName")
            if prefix:
                prefix = self.text(prefix)
                count[kind, namespace, prefix] += 1
                out[name] = f"{prefix}*#{count[kind, namespace, prefix]}"
        return out

    def _object(self, found: Object, *, written: bool) -> Object:
        kind, meta = found["kind"], found["metadata"]
        out = {"metadata": self._metadata(kind, meta)}
        if kind == "Namespace":
            return out
        for name, value in found.items():
            if name in ("apiVersion", "kind", "metadata") or (name == "spec" and written):
                continue
            out[name] = self._places.recorded(value) if name == "data" and kind == "Secret" else self._tree(value, name)
        return out

    def _metadata(self, kind: str, meta: Object) -> Object:
        kept = {name: meta[name] for name in ("generateName", "labels", "annotations", "finalizers", "ownerReferences") if meta.get(name)}
        if meta.get("deletionTimestamp"):
            kept["deletionTimestamp"] = meta["deletionTimestamp"]
        if meta.get("generation") and kind not in _WITHOUT_GENERATION:
            kept["generation"] = meta["generation"]
        out: Object = self._tree(kept)
        if kind == "Namespace":
            out.get("labels", {}).pop("kubernetes.io/metadata.name", None)
        owners = self._owners(kind, meta)
        return {**out, "managedFields": owners} if owners else out

    def _owners(self, kind: str, meta: Object) -> dict[str, list[str]]:
        out: dict[str, set[str]] = {}
        for entry in meta.get("managedFields", ()):
            if entry["manager"] == USER and kind not in ("Secret", "ConfigMap"):
                continue
            if entry["manager"] == CLUSTER and kind == "Namespace":
                continue
            name = "|".join(part for part in (entry["manager"], entry["operation"], entry.get("subresource")) if part)
            out.setdefault(name, set()).update(self.text(path) for path in field_paths(entry.get("fieldsV1", {})))
        return {name: sorted(paths) for name, paths in out.items()}

    # ------------------------------------------------------------ what happened in a step

    def refreshed(self) -> dict[str, bool]:
        """Which refresh times are others than at the last call."""
        out = {}
        for (kind, namespace, name), found in self.visible():
            time = (found.get("status") or {}).get("refreshTime")
            if kind in ("ExternalSecret", "PushSecret") and time:
                uid = found["metadata"]["uid"]
                out[self.label(kind, namespace, name)] = self._refreshed.get(uid) != time
                self._refreshed[uid] = time
        return out

    def events(self) -> dict[str, Any]:
        """Events that came, or were counted up, since the last call."""
        now: Counter[str] = Counter()
        for (kind, _, _), event in self._journal.objects.items():
            about = event.get("involvedObject") or {}
            if kind == "Event" and self._concerns(about):
                name = self.label(about["kind"], about.get("namespace", ""), self.text(about["name"]))
                now[f"{event['type']} {event['reason']} {name}"] += event.get("count") or 1
        out = {name: {"count": count - self._seen.get(name, 0)} for name, count in sorted(now.items()) if count > self._seen.get(name, 0)}
        self._seen = dict(now)
        return out

    def _concerns(self, about: Mapping[str, str]) -> bool:
        namespace = about.get("namespace", "")
        return namespace in self._namespaces if namespace else (about.get("kind", ""), "", about.get("name", "")) in self.wrote

    def writes(self, entries: Iterable[Entry], own: set[str]) -> dict[str, dict[str, int]]:
        """How often others than the user wrote which object; ``own`` are the versions that the user made."""
        out: dict[str, Counter[str]] = {}
        for entry in entries:
            kind, namespace, name = entry.key
            if kind in _COUNTED and namespace in self._namespaces and (entry.version not in own or entry.type == "DELETED"):
                out.setdefault(self.label(kind, namespace, name), Counter())[_WRITES[entry.type]] += 1
        return {name: dict(counts) for name, counts in out.items()}


def _touched(meta: Object) -> bool:
    """Somebody other than the scenario has left something on a Namespace."""
    owners = [name for name in meta.get("managedFields", {}) if not name.startswith(f"{PATCHER}|")]
    return bool(meta.get("finalizers") or meta.get("annotations") or owners or meta.get("deletionTimestamp"))


def field_paths(tree: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The leaves of ``fieldsV1``, written as ``metadata.labels.x`` and ``list[key]``."""
    out = []
    for element, below in tree.items():
        if element == ".":
            continue
        member = element.removeprefix("f:")
        here = f"{prefix}[{element}]" if member == element else f"{prefix}.{member}" if prefix else member
        inner = field_paths(below, here) if below else []
        out += inner or [here]
    return out
