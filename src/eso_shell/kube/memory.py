"""The in-memory API server behind the same port as the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import final

from eso_core.failure import Unreachable
from eso_core.instant import Instant
from eso_core.machines.apply import failure_of
from eso_core.sim.api import ApiServer
from eso_core.wire import CallFailed, KubeCall, KubeReply
from eso_shell.kube import StreamFailed


@final
class MemoryKube:
    """Implements :class:`eso_shell.kube.Kube` over an :class:`ApiServer` that lives in the same event loop."""

    def __init__(self, server: ApiServer, *, now: Callable[[], Instant]) -> None:
        self._server = server
        self._now = now
        self._closed = False
        self._changed = asyncio.Event()
        self._unsubscribe = server.subscribe(self._changed.set)

    async def call(self, call: KubeCall) -> KubeReply | CallFailed:
        """See :class:`eso_shell.kube.Kube`."""
        if self._closed:
            return CallFailed(Unreachable("the connection is closed"))
        return self._server.handle(call, self._now())

    async def stream(self, call: KubeCall, *, idle_s: float) -> AsyncGenerator[list[bytes], None]:
        """See :class:`eso_shell.kube.Kube`. Never silent: the server is not remote."""
        watch = self._server.watch(call)
        if isinstance(watch, KubeReply):
            raise StreamFailed(failure_of(watch), watch.status, watch.body)
        try:
            while not (watch.closed or self._closed):
                lines = [line.rstrip(b"\n") for line in watch.take()]
                if lines:
                    yield lines
                    continue
                changed = self._changed
                await changed.wait()
                changed.clear()
        finally:
            watch.close()

    async def close(self) -> None:
        """See :class:`eso_shell.kube.Kube`."""
        self._closed = True
        self._unsubscribe()
        self._changed.set()
