"""Watches: a reader's place in the history of one resource."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from eso_core.sim.cluster import Cluster
from eso_core.sim.options import is_true, options_kind, whole_number
from eso_core.sim.read import Test, body_of, selector
from eso_core.sim.resource import Resource
from eso_core.sim.status import Cause, Refusal, expired, invalid, ruled_out, unparsable_version
from eso_core.sim.table import Change, Stored, Table, freeze


class Watch:
    """One open watch: a machine with one owner, the connection it feeds.

    Nothing is buffered for it: it reads the history when asked, so a reader that comes too late gets the same ERROR event (410, Expired) as
    one that starts too late.
    """

    __slots__ = ("_at", "_bookmarks", "_cluster", "_from", "_namespace", "_ready", "_resource", "_table", "_test", "closed")

    def __init__(self, cluster: Cluster, resource: Resource, namespace: str, test: Test | None, *, since: int, bookmarks: bool) -> None:
        self._cluster = cluster
        self._resource = resource
        self._namespace = namespace
        self._test = test
        self._bookmarks = bookmarks
        self._table: Table = cluster.table(resource)
        self._from = since  # versions up to this one are known to the reader
        self._at = self._table.position(since)
        self._ready: list[bytes] = []
        self.closed = False

    def take(self) -> list[bytes]:
        """The events since the last take, in order, each one line of JSON. After an ERROR event the watch is closed."""
        self._advance()
        ready, self._ready = self._ready, []
        return ready

    def bookmark(self) -> None:
        """Append a BOOKMARK event for everything before it, if the reader asked for bookmarks."""
        if self._bookmarks and not self.closed:
            self._advance()
            self._add_bookmark({})

    def close(self) -> None:
        """End the watch. Events that were not taken can still be."""
        self._advance()
        self.closed = True

    def begin_with_state(self) -> None:
        """Start with the present objects as ADDED events; a bookmark says where they end, if the reader asked for bookmarks."""
        for stored in self._table.select(self._namespace):
            if self._test is None or self._test(stored):
                self._add("ADDED", stored)
        self._from = self._cluster.rv
        self._at = self._table.end
        if self._bookmarks:
            self._add_bookmark({"annotations": {"k8s.io/initial-events-end": "true"}})

    def begin_now(self) -> None:
        """Start with the next change."""
        self._from = self._cluster.rv
        self._at = self._table.end

    def fail(self, refusal: Refusal) -> None:
        """End with an ERROR event."""
        self._ready.append(orjson.dumps({"type": "ERROR", "object": refusal.status()}) + b"\n")
        self.closed = True

    def _advance(self) -> None:
        if self.closed or self._at == self._table.end:
            return
        changes = self._table.changes_from(self._at)
        if changes is None:
            self.fail(too_old(self._from, self._table))
            return
        self._at = self._table.end
        for change in changes:
            self._from = change.rv
            self._add_change(change)

    def _add_change(self, change: Change) -> None:
        before = change.old is not None and self._shows(change.old)
        after = change.type != "DELETED" and self._shows(change.new)
        if after:
            self._add("MODIFIED" if before else "ADDED", change.new)
        elif before and change.old is not None:
            gone = change.new if change.type == "DELETED" else freeze(change.old.key, change.old.doc, change.rv, change.old.owners)
            self._add("DELETED", gone)

    def _shows(self, stored: Stored) -> bool:
        return self._namespace in ("", stored.key[0]) and (self._test is None or self._test(stored))

    def _add(self, kind: str, stored: Stored) -> None:
        self._ready.append(b'{"type":"%b","object":%b}\n' % (kind.encode(), body_of(self._resource, stored)))

    def _add_bookmark(self, meta: Mapping[str, object]) -> None:
        kind = self._resource.kind
        shown = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": {"resourceVersion": str(self._cluster.rv), **meta}}
        self._ready.append(orjson.dumps({"type": "BOOKMARK", "object": shown}) + b"\n")


def too_old(version: int, table: Table) -> Refusal:
    """What a reader is told that is behind the history."""
    return expired(f"too old resource version: {version} ({table.floor + 1})")


def open_watch(cluster: Cluster, resource: Resource, namespace: str, query: Mapping[str, str]) -> Watch:
    """The watch a query describes. Refuses with 400 and 422; a version that is too old is an ERROR event, not a refusal."""
    initial = query.get("sendInitialEvents")
    if causes := _causes(initial, query.get("resourceVersionMatch", "")):
        raise invalid(options_kind("ListOptions"), "", causes)
    text = query.get("resourceVersion", "")
    if text and not text.isdecimal():
        raise unparsable_version(text)
    version = whole_number(text, "resourceVersion") if text else 0
    bookmarks = is_true(query["allowWatchBookmarks"]) if "allowWatchBookmarks" in query else False
    watch = Watch(cluster, resource, namespace, selector(resource, query), since=version, bookmarks=bookmarks)
    if (initial is not None and is_true(initial)) or (initial is None and version == 0):
        watch.begin_with_state()
    elif initial is not None and version == 0:
        watch.begin_now()
    elif version < cluster.table(resource).floor:
        watch.fail(too_old(version, cluster.table(resource)))
    return watch


def _causes(initial: str | None, match: str) -> list[Cause]:
    if initial is not None and match != "NotOlderThan":
        return [ruled_out("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]
    if initial is None and match:
        return [ruled_out("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
    return []
