"""Kubernetes events: repeats are counted on one object, and no object can flood the API server.

As client-go's ``EventCorrelator``: per object 25 events at once, then one in 5 minutes; equal events within 10 minutes become one event
with a count.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import orjson

from eso_core.compat.gotime import format_time
from eso_core.instant import MINUTE, Now
from eso_core.plan import Event
from eso_core.refs import EVENT, Ref, collection_path
from eso_core.wire import MERGE_PATCH, KubeCall

REMEMBERED = 4096  # events and objects
BURST, REFILL = 25, 5 * MINUTE
SAME = 10 * MINUTE
MESSAGE_MAX = 1024  # bytes, the API server's bound


@dataclass(slots=True)
class _Series:
    name: str
    count: int
    last: int


class EventRecorder:
    """Turns events into calls; ``None`` when an event is to be dropped."""

    def __init__(self) -> None:
        self._series: OrderedDict[tuple[str, str, str], _Series] = OrderedDict()
        self._spent: OrderedDict[str, tuple[int, int]] = OrderedDict()  # uid -> (tokens, at)
        self._stamp = 0

    def record(self, event: Event, now: Now) -> KubeCall | None:
        """The call that makes ``event`` known."""
        if not self._allowed(event.uid, now.mono):
            return None
        key = (event.uid, event.reason, event.message)
        known = self._series.get(key)
        namespace = event.about.namespace or "default"
        if known is not None and now.mono - known.last < SAME:
            known.count, known.last = known.count + 1, now.mono
            self._series.move_to_end(key)
            body = orjson.dumps({"count": known.count, "lastTimestamp": format_time(now.wall.ns)})
            return KubeCall(method="PATCH", path=Ref(EVENT, namespace, known.name).path, body=body, content_type=MERGE_PATCH)
        self._stamp = max(self._stamp + 1, now.wall.ns)  # two events of one moment need two names
        name = f"{event.about.name[:230]}.{self._stamp:x}"
        self._series[key] = _Series(name, 1, now.mono)
        if len(self._series) > REMEMBERED:
            self._series.popitem(last=False)
        return KubeCall(method="POST", path=collection_path(EVENT, namespace), body=orjson.dumps(_manifest(event, name, namespace, now)))

    def lost(self, call: KubeCall) -> None:
        """The call found no event to count up (it expired): the next equal event starts a new one."""
        name = call.path.rsplit("/", 1)[-1]
        for key, series in list(self._series.items()):
            if series.name == name:
                del self._series[key]

    def _allowed(self, uid: str, now: int) -> bool:
        tokens, at = self._spent.get(uid, (BURST, now))
        refill = (now - at) // REFILL
        tokens, at = min(BURST, tokens + refill), at + refill * REFILL
        if tokens == BURST:
            at = now
        self._spent[uid] = (max(0, tokens - 1), at)
        self._spent.move_to_end(uid)
        if len(self._spent) > REMEMBERED:
            self._spent.popitem(last=False)
        return tokens > 0


def _manifest(event: Event, name: str, namespace: str, now: Now) -> dict[str, object]:
    at = format_time(now.wall.ns)
    about = event.about
    involved = {"apiVersion": about.kind.api_version, "kind": about.kind.name, "name": about.name, "uid": event.uid}
    if about.namespace:
        involved["namespace"] = about.namespace
    message = event.message.encode()
    if len(message) > MESSAGE_MAX:
        message = message[: MESSAGE_MAX - 3] + "…".encode()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved,
        "reason": event.reason,
        "message": message.decode("utf-8", "ignore"),
        "source": {"component": event.source},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "type": "Warning" if event.warning else "Normal",
    }
