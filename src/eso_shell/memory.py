"""Memory that the process does not use any more, handed back to the system.

The first synchronisation of many objects needs more than the rest of a life. glibc keeps what lies free between used blocks unless asked.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import Final, NoReturn

EVERY_S: Final = 30.0  # one call takes about a millisecond for each 50 MB


def trimmer() -> Callable[[], object] | None:
    """The function that hands memory back; ``None`` where the C library has none (musl, macOS)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return None if trim is None else lambda: trim(0)


async def give_back(trim: Callable[[], object] | None, *, interval_s: float = EVERY_S) -> NoReturn:
    """Trim for ever, or do nothing where that is impossible. Runs until it is cancelled."""
    while True:
        await asyncio.sleep(interval_s)
        if trim is not None:
            trim()
