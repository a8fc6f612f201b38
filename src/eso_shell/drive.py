"""Carries out what the engine asks for. Decides nothing.

One task per request or stream, in one task group; the engine itself runs in :meth:`Driver.run` only, so it needs no lock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Protocol, assert_never

from eso_core.effect import Computed
from eso_core.failure import Broken
from eso_core.instant import SECOND, Instant, Now
from eso_core.machines.commands import CloseWatch, Command, OpenWatch, Report, SendCall, SendKube, SendWork
from eso_core.machines.engine import Engine
from eso_core.machines.watch import SILENCE_S
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, KubeCall
from eso_shell.converse import SdkRunner
from eso_shell.http import HttpClient
from eso_shell.kube import Kube, StreamFailed

WORKERS = 2  # threads for what takes long; the libraries let go of the interpreter lock meanwhile
STOP_S = 8.0  # seconds that passes under way get when the operator stops


class Watcher(Protocol):
    """Who wants to know what happens."""

    def report(self, report: Report) -> None:
        """One pass has ended."""
        ...

    def called(self, label: str, name: str, *, ok: bool) -> None:
        """One backend call has ended."""
        ...


def clocks() -> Now:
    """Both clocks, now."""
    return Now(Instant(time.time_ns()), time.monotonic_ns())


class Driver:
    """The engine's hands. :meth:`run` ends after :meth:`stop`."""

    def __init__(
        self, engine: Engine, kube: Kube, http: HttpClient, sdk: SdkRunner, watcher: Watcher, *, now: Callable[[], Now] = clocks
    ) -> None:
        self._engine = engine
        self._kube = kube
        self._http = http
        self._sdk = sdk
        self._watcher = watcher
        self._now = now
        self._news = asyncio.Event()
        self._streams: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._workers = ThreadPoolExecutor(WORKERS, "template")
        self._stop_at: int | None = None  # monotonic nanoseconds
        self.ticked_at = 0  # monotonic nanoseconds

    def stop(self) -> None:
        """Start nothing new; end when what is under way is done, or after ``STOP_S`` seconds."""
        if self._stop_at is None:
            self._stop_at = self._now().mono + int(STOP_S * SECOND)
            self._engine.stop()
            self._news.set()

    async def run(self) -> None:
        """Until :meth:`stop`. Cancelling drops everything at once, which loses nothing: a pass can be repeated."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._turn(tasks)
                for task in self._tasks:
                    task.cancel()  # streams, lists, and what got no answer in time
        finally:
            self._workers.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, tasks: asyncio.TaskGroup) -> None:
        while not self._over():
            self._news.clear()
            now = self._now()
            self.ticked_at = now.mono
            for command in self._engine.tick(now):
                self._carry_out(command, tasks)
            await self._wait()

    def _over(self) -> bool:
        return self._stop_at is not None and (self._engine.busy == 0 or self._now().mono >= self._stop_at)

    async def _wait(self) -> None:
        """For news, or until the engine or the end of the stop asks for the next tick."""
        times = [at for at in (self._engine.wake_at(), self._stop_at) if at is not None]
        seconds = (min(times) - self._now().mono) / SECOND if times else None
        if self._news.is_set() or (seconds is not None and seconds <= 0):
            await asyncio.sleep(0)  # requests and streams get their turn
            return
        loop = asyncio.get_running_loop()
        alarm = None if seconds is None else loop.call_later(min(seconds, 30.0), self._news.set)
        try:
            await self._news.wait()
        finally:
            if alarm is not None:
                alarm.cancel()

    def _carry_out(self, command: Command, tasks: asyncio.TaskGroup) -> None:
        match command:
            case SendKube(ticket, call):
                self._start(tasks, self._send_kube(ticket, call))
            case SendCall(ticket, call, label):
                self._start(tasks, self._send_call(ticket, call, label))
            case SendWork(ticket, run):
                self._start(tasks, self._work(ticket, run))
            case OpenWatch(ticket, call):
                self._streams[ticket] = self._start(tasks, self._watch(ticket, call))
            case CloseWatch(ticket):
                stream = self._streams.pop(ticket, None)
                if stream is not None:
                    stream.cancel()
            case Report():
                self._watcher.report(command)
            case _:
                assert_never(command)

    def _start(self, tasks: asyncio.TaskGroup, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = tasks.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send_kube(self, ticket: int, call: KubeCall) -> None:
        reply = await self._kube.call(call)
        self._engine.kube_reply(ticket, reply, self._now())
        self._news.set()

    async def _send_call(self, ticket: int, call: Call, label: str) -> None:
        reply = await self._backend(call)
        counted = call.name if isinstance(call, HttpCall) else call.counted
        if counted:
            failed = isinstance(reply, CallFailed) or (isinstance(reply, HttpReply) and reply.status >= 400)
            self._watcher.called(label, counted, ok=not failed)
        self._engine.call_reply(ticket, reply, self._now())
        self._news.set()

    async def _backend(self, call: Call) -> CallReply:
        if isinstance(call, HttpCall):
            return await self._http.call(call)
        return await self._sdk.run_sdk(call)

    async def _work(self, ticket: int, run: Callable[[], Computed]) -> None:
        computed = await asyncio.get_running_loop().run_in_executor(self._workers, run)
        self._engine.work_reply(ticket, computed, self._now())
        self._news.set()

    async def _watch(self, ticket: int, call: KubeCall) -> None:
        failure, status = None, 0
        try:
            async with aclosing(self._kube.stream(call, idle_s=SILENCE_S)) as stream:
                async for lines in stream:
                    self._engine.watch_lines(ticket, lines, self._now())
                    self._news.set()
        except StreamFailed as error:
            failure, status = error.failure, error.status
        except (OSError, ValueError) as error:
            failure = Broken(f"watch: {type(error).__name__}")
        self._streams.pop(ticket, None)
        self._engine.watch_closed(ticket, failure, self._now(), status)
        self._news.set()
