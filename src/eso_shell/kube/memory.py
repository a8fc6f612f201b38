"""The API server in memory, behind the same port as a real one: for trying things out, and for tests of the whole shell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import final

from eso_core.failure import Unreachable
from eso_core.instant import Instant
from eso_core.sim.api import ApiServer
from eso_core.wire import CallFailed, KubeCall, KubeReply
from eso_shell.kube import PEER, StreamFailed, refused

BOOKMARK_S = 60.0  # after so long without an event a watch gets a bookmark, as from a real API server


@final
class MemoryKube:
    """Implements :class:`eso_shell.kube.Kube`. ``now`` is the wall clock that the API server's time stamps come from."""

    def __init__(self, server: ApiServer, now: Callable[[], Instant]) -> None:
        self.server = server
        self.stats: dict[tuple[str, int], int] = {}
        self._now = now
        self._open = True
        self._wakers: set[asyncio.Event] = set()

    async def call(self, call: KubeCall) -> KubeReply | CallFailed:
        """See :class:`eso_shell.kube.Kube`. Other tasks run before the answer is there, as with a real one."""
        await asyncio.sleep(0)
        if not self._open:
            return CallFailed(_CLOSED)
        reply = self.server.handle(call, self._now())
        self._count(call.method, reply.status)
        return reply

    async def stream(self, call: KubeCall, *, idle_s: float) -> AsyncGenerator[list[bytes], None]:
        """See :class:`eso_shell.kube.Kube`. It ends after the query's ``timeoutSeconds``; it is never silent for longer than a minute."""
        await asyncio.sleep(0)
        watch = self.server.watch(call)
        if isinstance(watch, KubeReply):
            self._count(call.method, watch.status)
            raise refused(watch)
        self._count(call.method, 200)
        clock = asyncio.get_running_loop().time
        seconds = dict(call.query).get("timeoutSeconds", "")
        ends_at = clock() + float(seconds) if seconds else float("inf")
        changed = asyncio.Event()
        unsubscribe = self.server.subscribe(changed.set)
        self._wakers.add(changed)
        try:
            while self._open:
                changed.clear()
                if lines := watch.take():
                    yield [line.rstrip(b"\n") for line in lines]
                elif watch.closed or clock() >= ends_at:
                    return
                elif not await _within(min(BOOKMARK_S, ends_at - clock()), changed) and clock() < ends_at:
                    watch.bookmark()
            raise StreamFailed(_CLOSED)
        finally:
            unsubscribe()
            self._wakers.discard(changed)
            watch.close()

    async def close(self) -> None:
        """See :class:`eso_shell.kube.Kube`."""
        self._open = False
        for waker in self._wakers:
            waker.set()

    def _count(self, method: str, status: int) -> None:
        self.stats[method, status] = self.stats.get((method, status), 0) + 1


_CLOSED = Unreachable(f"{PEER}: the client is closed")


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
