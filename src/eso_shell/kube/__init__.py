"""The API server's side of the shell: the port, and what a broken stream raises. :mod:`.client` is real, :mod:`.memory` simulated."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from eso_core.failure import Failure, describe
from eso_core.wire import CallFailed, KubeCall, KubeReply

__all__ = ["Kube", "StreamFailed"]


class StreamFailed(Exception):
    """A stream did not start, or broke. ``status`` and ``body`` are the API server's refusal, 0 and empty when it gave no whole answer."""

    def __init__(self, failure: Failure, status: int = 0, body: bytes = b"", retry_after_s: int = 0) -> None:
        super().__init__(describe(failure))
        self.failure = failure
        self.status = status
        self.body = body
        self.retry_after_s = retry_after_s


class Kube(Protocol):
    """Where API calls go. One event loop owns it."""

    async def call(self, call: KubeCall) -> KubeReply | CallFailed:
        """Send one call and wait for the whole answer, of any status. Raises nothing but cancellation."""
        ...

    def stream(self, call: KubeCall, *, idle_s: float) -> AsyncGenerator[list[bytes], None]:
        """Open a watch and yield its lines, without line ends, as they arrive: every list is not empty.

        Ends when the server ends the stream; raises :class:`StreamFailed` when it is refused, breaks, or is silent for ``idle_s`` seconds.
        The caller closes it (``contextlib.aclosing``), which drops the connection.
        """
        ...

    async def close(self) -> None:
        """Drop all connections. Calls and streams under way fail."""
        ...
