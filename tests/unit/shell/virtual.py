"""An event loop with a clock of its own: time passes only when nothing else can happen, and then at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from eso_core.instant import SECOND, Instant, Now

T = TypeVar("T")


class VirtualSelector(selectors.SelectSelector):
    """``now`` is in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("every task waits, and nothing will ever happen")
        self.now += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs tests that wait for hours in no time."""

    def __init__(self) -> None:
        self.virtual = VirtualSelector()
        super().__init__(self.virtual)

    def time(self) -> float:
        return self.virtual.now


def virtual_run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` in virtual time, from second 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def virtual_now() -> Now:
    """Both clocks, as the running virtual loop has them."""
    ns = round(asyncio.get_running_loop().time() * SECOND)
    return Now(Instant(1_700_000_000 * SECOND + ns), ns)
