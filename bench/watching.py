"""What became ready, and when: watches of the bench's own, on a thread beside the measurement.

Secrets are watched as metadata alone. An object counts once its Secret exists and its ``Ready`` condition is true (`Created`), or once
its status shows another refresh than before (`Refreshed`). Times are of the monotonic clock, taken when the event has been read.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp
import orjson
import uvloop

from bench.burst import Target, session
from bench.objects import API, Json

_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_WATCH = "?watch=1&timeoutSeconds=86400"
_AGAIN_S = 0.2
_TICK_S = 0.05
_TOLD = ("ADDED", "MODIFIED")  # the others say that something is gone, or that this watch is

Mark = tuple[str, str]  # of a refresh: refreshTime and syncedResourceVersion


@dataclass(slots=True)
class Seen:
    """Of one ExternalSecret. 0.0 is never."""

    secret_at: float = 0.0
    ready_at: float = 0.0
    mark: Mark = ("", "")
    marked_at: float = 0.0  # when `mark` last changed


@dataclass(slots=True)
class Cluster:
    """What the watches have shown so far. Written by the watching thread alone; entries are never removed."""

    objects: dict[str, Seen] = field(default_factory=dict)
    stores_ready_at: dict[str, float] = field(default_factory=dict)
    secret_changes: int = 0  # of Secrets that exist
    lag_s_max: float = 0.0  # by which the watching thread was late since `take_lag` was last called

    def take_lag(self) -> float:
        lag, self.lag_s_max = self.lag_s_max, 0.0
        return lag

    def secret(self, kind: str, key: str, at: float) -> None:
        if kind == "ADDED":
            seen = self._of(key)
            seen.secret_at = seen.secret_at or at
        elif kind == "MODIFIED":
            self.secret_changes += 1

    def external_secret(self, key: str, status: Json, at: float) -> None:
        seen = self._of(key)
        if not seen.ready_at and _is_ready(status):
            seen.ready_at = at
        mark = (str(status.get("refreshTime") or ""), str(status.get("syncedResourceVersion") or ""))
        if mark != seen.mark:
            seen.mark, seen.marked_at = mark, at

    def store(self, key: str, status: Json, at: float) -> None:
        if _is_ready(status):
            self.stores_ready_at.setdefault(key, at)

    def _of(self, key: str) -> Seen:
        return self.objects.setdefault(key, Seen())


class Wave:
    """A set of objects that are waited for. `times` grows as they arrive."""

    def __init__(self, cluster: Cluster, keys: Collection[str]) -> None:
        self._cluster = cluster
        self._missing = set(keys)
        self.count = len(self._missing)
        self.times: list[float] = []

    def look(self) -> int:
        """How many have arrived."""
        for key in list(self._missing):
            at = self._arrived(key)
            if at:
                self._missing.discard(key)
                self.times.append(at)
        return len(self.times)

    @property
    def missing(self) -> int:
        return len(self._missing)

    def _arrived(self, key: str) -> float:
        raise NotImplementedError


class Created(Wave):
    """Each has a Secret and is Ready."""

    def _arrived(self, key: str) -> float:
        seen = self._cluster.objects.get(key)
        return max(seen.secret_at, seen.ready_at) if seen and seen.secret_at and seen.ready_at else 0.0


class Refreshed(Wave):
    """The status of each shows another refresh than when this was made."""

    def __init__(self, cluster: Cluster, keys: Collection[str]) -> None:
        super().__init__(cluster, keys)
        self._before: Mapping[str, Mark] = {key: cluster.objects[key].mark for key in keys}

    def _arrived(self, key: str) -> float:
        seen = self._cluster.objects[key]
        return seen.marked_at if seen.mark != self._before[key] else 0.0


class Observer:
    """``with Observer(target) as observer:`` watches until the block is left."""

    def __init__(self, target: Target, store_plural: str) -> None:
        self.cluster = Cluster()
        self._target = target
        self._store_plural = store_plural
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._main()), name="observer", daemon=True)

    def __enter__(self) -> Observer:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._loop is not None and self._task is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._started.set()
        with suppress(asyncio.CancelledError):
            async with session(self._target, 0) as api, asyncio.TaskGroup() as group:
                group.create_task(self._measure_lag())
                group.create_task(self._watch(api, "/api/v1/secrets", self._on_secret, {"Accept": _METADATA_ONLY}))
                group.create_task(self._watch(api, f"/apis/{API}/externalsecrets", self._on_external_secret))
                group.create_task(self._watch(api, f"/apis/{API}/{self._store_plural}", self._on_store))

    async def _watch(
        self, api: aiohttp.ClientSession, path: str, handle: Callable[[Json], None], headers: Mapping[str, str] | None = None
    ) -> None:
        """Begins anew whenever the stream ends; what is there is then told again, which changes nothing that is known."""
        while True:
            with suppress(aiohttp.ClientError):
                async with api.get(f"{self._target.server}{path}{_WATCH}", headers=headers, raise_for_status=True) as stream:
                    rest = b""
                    async for chunk in stream.content.iter_any():
                        *lines, rest = (rest + chunk).split(b"\n")
                        for line in lines:
                            handle(orjson.loads(line))
            await asyncio.sleep(_AGAIN_S)

    async def _measure_lag(self) -> None:
        while True:
            due = time.monotonic() + _TICK_S
            await asyncio.sleep(_TICK_S)
            self.cluster.lag_s_max = max(self.cluster.lag_s_max, time.monotonic() - due)

    def _on_secret(self, event: Json) -> None:
        if event["type"] in _TOLD:
            self.cluster.secret(event["type"], _key(event), time.monotonic())

    def _on_external_secret(self, event: Json) -> None:
        if event["type"] in _TOLD:
            self.cluster.external_secret(_key(event), _status(event), time.monotonic())

    def _on_store(self, event: Json) -> None:
        if event["type"] in _TOLD:
            self.cluster.store(_key(event), _status(event), time.monotonic())


def _key(event: Json) -> str:
    metadata = event["object"].get("metadata", {})
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"


def _status(event: Json) -> Json:
    status: Json = event["object"].get("status") or {}
    return status


def _is_ready(status: Json) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in _conditions(status))


def _conditions(status: Json) -> Iterator[dict[str, Any]]:
    yield from status.get("conditions") or ()
