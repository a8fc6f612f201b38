"""Memory is handed back."""

from __future__ import annotations

import asyncio
import platform

import pytest

from eso_shell.memory import give_back, trimmer


async def test_it_is_done_again_and_again() -> None:
    times = 0
    twice = asyncio.Event()

    def trim() -> None:
        nonlocal times
        times += 1
        if times == 2:
            twice.set()

    task = asyncio.create_task(give_back(trim, interval_s=0))
    await asyncio.wait_for(twice.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has it")
def test_glibc_can() -> None:
    trim = trimmer()
    assert trim is not None
    assert trim() in (0, 1)


async def test_elsewhere_nothing_is_done() -> None:
    task = asyncio.create_task(give_back(None, interval_s=0))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
