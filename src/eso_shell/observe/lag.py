"""How late the event loop is: the first number to look at when everything is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

INTERVAL_S = 0.5


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
