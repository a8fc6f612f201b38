"""The API server's side of the shell: the port, and what a broken stream raises. :mod:`.client` is real, :mod:`.memory` simulated."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from eso_core.failure import Broken, Failure, Missing, Refused, Stale, Throttled, Unreachable, describe
from eso_core.wire import CallFailed, KubeCall, KubeReply

PEER = "API server"  # how failures name it


class StreamFailed(Exception):
    """A stream did not start, or broke. ``status`` and ``body`` are the API server's refusal, 0 and empty when it gave no whole answer."""

    def __init__(self, failure: Failure, status: int = 0, body: bytes = b"", retry_after_s: int = 0) -> None:
        super().__init__(describe(failure))
        self.failure = failure
        self.status = status
        self.body = body
        self.retry_after_s = retry_after_s


def refused(reply: KubeReply) -> StreamFailed:
    """The end of a stream that the API server answers with another status than 200."""
    what = f"{PEER}: answered {reply.status} to a watch"
    failure: Failure
    match reply.status:
        case 401 | 403:
            failure = Refused(what)
        case 404:
            failure = Missing(what)
        case 410:
            failure = Stale(what)
        case 429:
            failure = Throttled(what, reply.retry_after_s * 1_000_000_000)
        case status if status >= 500:
            failure = Unreachable(what)
        case _:
            failure = Broken(what)
    return StreamFailed(failure, reply.status, reply.body, reply.retry_after_s)


class Kube(Protocol):
    """Where API calls go. One event loop owns it."""

    stats: dict[tuple[str, int], int]  # answers by method and status, 0 for no answer

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
        """Drop all connections. Calls and streams under way fail, and all that come after."""
        ...
