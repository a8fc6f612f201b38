"""Watches everything that recordings show, on a thread of its own, and wakes those who wait for something."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
import orjson

from eso_core.instant import SECOND
from eso_core.refs import Kind, collection_path
from tests.e2e.harness.control_plane import ControlPlane
from tests.parity.recordings.journal import Journal
from tests.parity.recordings.kinds import OBSERVED, kind_of

START_S = 30.0
_HOUR = "3600"  # seconds that the API server may keep a watch open
_LINE_MAX = 4 * 2**20  # bytes of one line: an object of the largest size that etcd takes, with room


class WatchBroke(Exception):
    """What the witness saw is not all there was."""


class Witness:
    """A context manager. The definitions of the kinds must be installed before; kinds that are not served are left out.

    ``journal`` is written on the thread; who reads more than one item holds ``news``, which is notified of every line.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self.journal = Journal()
        self.news = threading.Condition()
        self._plane = plane
        self._unlisted = set(OBSERVED)
        self._broke: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._main, name="witness", daemon=True)

    def __enter__(self) -> Witness:
        self._thread.start()
        self.wait_until(START_S, lambda: not self._unlisted)
        if self._unlisted:
            raise WatchBroke(f"not listed within {START_S:g} s: {sorted(self._unlisted)}")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    # ------------------------------------------------------------ for those who wait

    def wait_until(self, seconds: float, there: Callable[[], bool]) -> None:
        """Return when ``there()``, which is asked after every line, or when the time is over. Raises ``WatchBroke``."""
        with self.news:
            self.news.wait_for(lambda: self._broke is not None or there(), seconds)
            self._check()

    def wait_quiet(self, quiet_s: float, timeout_s: float, last: Callable[[], int]) -> None:
        """Return when it is ``quiet_s`` since ``last()`` (monotonic nanoseconds), or when the time is over. Raises ``WatchBroke``."""
        deadline = time.monotonic_ns() + int(timeout_s * SECOND)
        with self.news:
            while True:
                self._check()
                left = min(last() + int(quiet_s * SECOND), deadline) - time.monotonic_ns()
                if left <= 0:
                    return
                self.news.wait(left / SECOND)

    def _check(self) -> None:
        if self._broke is not None:
            raise WatchBroke(repr(self._broke)) from self._broke

    # ------------------------------------------------------------ on the thread

    def _main(self) -> None:
        try:
            self._loop.run_until_complete(self._watch_all())
        except BaseException as error:
            with self.news:
                self._broke = error
                self.news.notify_all()

    async def _watch_all(self) -> None:
        trust = ssl.create_default_context(cadata=self._plane.ca_pem.decode())
        headers = {"Authorization": f"Bearer {self._plane.admin_token}"}
        timeout = aiohttp.ClientTimeout(total=None, connect=10)
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)
        async with (
            aiohttp.ClientSession(
                self._plane.server, headers=headers, timeout=timeout, connector=connector, read_bufsize=_LINE_MAX
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            tasks = [group.create_task(self._watch(session, kind_of(name))) for name in OBSERVED]
            await self._over.wait()
            await session.close()  # first: it waits for its connections to be gone, those of cancelled requests would be left to themselves
            for task in tasks:
                task.cancel()

    async def _watch(self, session: aiohttp.ClientSession, kind: Kind) -> None:
        path = collection_path(kind, "")
        async with session.get(path) as answer:
            if answer.status == 404:
                self._take(kind, ())
                return
            answer.raise_for_status()
            listed = orjson.loads(await answer.read())
        self._take(kind, (("ADDED", {**item, "kind": kind.name}) for item in listed["items"]))
        version = str(listed["metadata"]["resourceVersion"])
        while True:
            async with session.get(path, params={"watch": "1", "resourceVersion": version, "timeoutSeconds": _HOUR}) as stream:
                stream.raise_for_status()
                async for line in stream.content:
                    told = orjson.loads(line)
                    if told["type"] == "ERROR":
                        raise WatchBroke(f"{kind.name}: {line.decode()}")
                    version = str(told["object"]["metadata"]["resourceVersion"])
                    self._take(kind, ((told["type"], told["object"]),))

    def _take(self, kind: Kind, lines: Iterable[tuple[str, Any]]) -> None:
        with self.news:
            for type_, found in lines:
                self.journal.take(kind.name, type_, found, time.monotonic_ns())
            self._unlisted.discard(kind.name)
            self.news.notify_all()
