"""How late the event loop is: the first number to look at when everything is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

INTERVAL_S = 0.5


class Lag:
    """How late the event loop is now: of the last sleep that ended and the one that has not ended yet, what is worse."""

    def __init__(self, now_s: Callable[[], float], *, interval_s: float = INTERVAL_S) -> None:
        self._now_s = now_s
        self._interval_s = interval_s
        self._last = 0.0
        self._woken_at = now_s()

    def observe(self, seconds: float) -> None:
        """A sleep has ended, this much too late."""
        self._last, self._woken_at = seconds, self._now_s()

    def seconds(self) -> float:
        """Whoever asks runs on the loop, and so between its delays."""
        return max(self._last, self._now_s() - self._woken_at - self._interval_s)


async def watch_lag(
    observe: Callable[[float], None],
    *,
    interval_s: float = INTERVAL_S,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    now_s: Callable[[], float] | None = None,
) -> NoReturn:
    """Sleep again and again and report by how many seconds each sleep was too long (never negative). Runs until it is cancelled."""
    clock = now_s or asyncio.get_running_loop().time
    while True:
        start = clock()
        await sleep(interval_s)
        observe(max(0.0, clock() - start - interval_s))
