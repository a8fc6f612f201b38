"""The driver with a scripted engine and a scripted API server, in virtual time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from eso_core.effect import Computed
from eso_core.failure import Broken, Failure, Unreachable
from eso_core.instant import SECOND, Now
from eso_core.machines.commands import CloseWatch, Command, OpenWatch, Report, SendCall, SendKube, SendWork
from eso_core.plan import OnChange, Settled
from eso_core.refs import EXTERNAL_SECRET, Ref
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, KubeCall, KubeReply, SdkCall, SdkReply
from eso_shell.drive import STOP_S, Driver
from eso_shell.kube import StreamFailed
from tests.unit.shell.virtual import virtual_now, virtual_run

GET = KubeCall(method="GET", path="/api/v1/secrets")
HOUR_S = 3600


class Engine:
    """Gives out what a test puts into ``todo``, and keeps what it is told with the second of its arrival."""

    def __init__(self, *todo: Command) -> None:
        self.todo = list(todo)
        self.heard: list[tuple[Any, ...]] = []
        self.wake: Callable[[], int | None] = lambda: None
        self.busy = 0
        self.ticks = 0
        self.stopped = False

    def tick(self, now: Now) -> list[Command]:
        self.ticks += 1
        commands, self.todo = self.todo, []
        self.busy += sum(isinstance(command, SendKube | SendCall | SendWork) for command in commands)
        return commands

    def wake_at(self) -> int | None:
        return self.wake()

    def stop(self) -> None:
        self.stopped = True

    def kube_reply(self, ticket: int, reply: KubeReply | CallFailed, now: Now) -> None:
        self.busy -= 1
        self.heard.append((ticket, reply, now.mono / SECOND))

    def call_reply(self, ticket: int, reply: CallReply, now: Now) -> None:
        self.busy -= 1
        self.heard.append((ticket, reply, now.mono / SECOND))

    def work_reply(self, ticket: int, computed: Computed, now: Now) -> None:
        self.busy -= 1
        self.heard.append((ticket, computed, now.mono / SECOND))

    def watch_lines(self, ticket: int, lines: list[bytes], now: Now) -> None:
        self.heard.append((ticket, lines, now.mono / SECOND))

    def watch_closed(self, ticket: int, failure: Failure | None, now: Now, status: int = 0) -> None:
        self.heard.append((ticket, failure, status, now.mono / SECOND))


class World:
    """API server and backends in one. Each call takes ``takes_s``; the stream is what a test gives."""

    def __init__(self, takes_s: float = 0.0, stream: Callable[[], AsyncGenerator[list[bytes], None]] | None = None) -> None:
        self.takes_s = takes_s
        self.answer: CallReply = HttpReply(status=200)
        self.dropped = 0
        self._stream = stream

    async def call(self, call: Any) -> Any:
        await self._wait()
        return KubeReply(status=200, body=b"{}") if isinstance(call, KubeCall) else self.answer

    async def run_sdk(self, call: SdkCall) -> CallReply:
        await self._wait()
        return self.answer

    def stream(self, call: KubeCall, *, idle_s: float) -> AsyncGenerator[list[bytes], None]:
        assert self._stream is not None
        return self._stream()

    async def _wait(self) -> None:
        try:
            await asyncio.sleep(self.takes_s)
        except asyncio.CancelledError:
            self.dropped += 1
            raise


class Watcher:
    def __init__(self) -> None:
        self.said: list[object] = []

    def report(self, report: Report) -> None:
        self.said.append(report)

    def called(self, label: str, name: str, *, ok: bool) -> None:
        self.said.append((label, name, ok))


def driver_of(engine: Engine, world: World, watcher: Watcher | None = None) -> Driver:
    port: Any = world
    scripted: Any = engine
    return Driver(scripted, port, port, port, watcher or Watcher(), now=virtual_now)


async def drive(driver: Driver, *, stop_at: float) -> float:
    """Run the driver, stop it at ``stop_at``; the second at which it has ended."""
    loop = asyncio.get_running_loop()
    loop.call_at(stop_at, driver.stop)
    await driver.run()
    return loop.time()


def called(command: Call, answer: CallReply) -> list[object]:
    """What the watcher is told of a backend call."""
    engine, world, watcher = Engine(SendCall(1, command, "vault")), World(), Watcher()
    world.answer = answer
    virtual_run(drive(driver_of(engine, world, watcher), stop_at=1))
    assert [heard[:2] for heard in engine.heard] == [(1, answer)]
    return watcher.said


class TestCommands:
    def test_answers_come_back_under_their_tickets(self) -> None:
        engine = Engine(SendKube(7, GET), SendCall(8, HttpCall(method="GET", url="http://x"), "fake"))
        virtual_run(drive(driver_of(engine, World(takes_s=2)), stop_at=5))
        assert sorted(heard[0] for heard in engine.heard) == [7, 8]
        assert {heard[2] for heard in engine.heard} == {2.0}

    def test_work_is_done_in_a_thread(self) -> None:
        threads: list[str] = []

        def run() -> Computed:
            threads.append(threading.current_thread().name)
            return Computed("made")

        async def main() -> list[object]:
            engine = Engine(SendWork(3, run))
            driver = driver_of(engine, World())
            asyncio.get_running_loop().call_later(0.2, driver.stop)
            await driver.run()
            return [heard[:2] for heard in engine.heard]

        assert asyncio.run(main()) == [(3, Computed("made"))]
        assert [name.rpartition("_")[0] for name in threads] == ["template"]

    def test_reports_go_to_the_watcher(self) -> None:
        report = Report(Ref(EXTERNAL_SECRET, "a", "b"), Settled(requeue=OnChange()), 5, ())
        watcher = Watcher()
        virtual_run(drive(driver_of(Engine(report), World(), watcher), stop_at=1))
        assert watcher.said == [report]

    @pytest.mark.parametrize(
        ("answer", "ok"), [(HttpReply(status=204), True), (HttpReply(status=404), False), (CallFailed(Unreachable("x")), False)]
    )
    def test_named_backend_calls_are_counted(self, answer: CallReply, ok: bool) -> None:
        assert called(HttpCall(method="GET", url="http://x", name="ReadSecret"), answer) == [("vault", "ReadSecret", ok)]

    def test_calls_without_a_name_are_not_counted(self) -> None:
        assert called(HttpCall(method="GET", url="http://x"), HttpReply(status=200)) == []
        assert called(SdkCall(name="aws.credentials", args={}), SdkReply(value={})) == []
        assert called(SdkCall(name="azure.set", counted="SetSecret"), SdkReply(value={})) == [("vault", "SetSecret", True)]
        assert called(SdkCall(name="azure.set", counted="SetSecret"), CallFailed(Broken("x"))) == [("vault", "SetSecret", False)]

    def test_what_is_answered_is_new_work_at_once(self) -> None:
        engine = Engine(SendKube(1, GET))
        told = engine.kube_reply

        def reply(ticket: int, reply: KubeReply | CallFailed, now: Now) -> None:
            told(ticket, reply, now)
            if ticket < 3:
                engine.todo.append(SendKube(ticket + 1, GET))

        engine.kube_reply = reply  # type: ignore[method-assign]
        virtual_run(drive(driver_of(engine, World(takes_s=1)), stop_at=10))
        assert [(heard[0], heard[2]) for heard in engine.heard] == [(1, 1.0), (2, 2.0), (3, 3.0)]


class TestStop:
    def test_idle(self) -> None:
        engine = Engine()
        assert virtual_run(drive(driver_of(engine, World()), stop_at=3)) == 3
        assert engine.stopped

    def test_work_under_way_is_finished(self) -> None:
        engine = Engine(SendKube(1, GET))
        assert virtual_run(drive(driver_of(engine, World(takes_s=5)), stop_at=1)) == 5
        assert [heard[0] for heard in engine.heard] == [1]

    @pytest.mark.parametrize("command", [SendKube(1, GET), SendCall(1, HttpCall(method="GET", url="http://x"), "fake")])
    def test_what_never_ends_is_dropped_in_bounds(self, command: Command) -> None:
        engine, world = Engine(command), World(takes_s=10 * HOUR_S)
        assert virtual_run(drive(driver_of(engine, world), stop_at=1)) == 1 + STOP_S
        assert (engine.heard, world.dropped) == ([], 1)

    def test_a_second_stop_changes_nothing(self) -> None:
        async def twice() -> float:
            driver = driver_of(Engine(SendKube(1, GET)), World(takes_s=10 * HOUR_S))
            asyncio.get_running_loop().call_at(4, driver.stop)
            return await drive(driver, stop_at=1)

        assert virtual_run(twice()) == 1 + STOP_S

    def test_streams_are_closed(self) -> None:
        closed: list[str] = []

        async def endless() -> AsyncGenerator[list[bytes], None]:
            try:
                yield [b"{}"]
                await asyncio.sleep(10 * HOUR_S)
            finally:
                closed.append("closed")

        engine = Engine(OpenWatch(1, GET))
        assert virtual_run(drive(driver_of(engine, World(stream=endless)), stop_at=2)) == 2
        assert (engine.heard, closed) == ([(1, [b"{}"], 0.0)], ["closed"])

    def test_cancelling_drops_everything(self) -> None:
        world = World(takes_s=10 * HOUR_S)

        async def cancelled() -> float:
            task = asyncio.create_task(driver_of(Engine(SendKube(1, GET)), world).run())
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return asyncio.get_running_loop().time()

        assert (virtual_run(cancelled()), world.dropped) == (1, 1)


class TestStreams:
    def test_the_engine_closes_one(self) -> None:
        closed: list[float] = []

        async def endless() -> AsyncGenerator[list[bytes], None]:
            try:
                while True:
                    await asyncio.sleep(1)
                    yield [b"{}"]
            finally:
                closed.append(asyncio.get_running_loop().time())

        engine = Engine(OpenWatch(1, GET))
        lines = engine.watch_lines

        def three(ticket: int, seen: list[bytes], now: Now) -> None:
            lines(ticket, seen, now)
            if len(engine.heard) == 3:
                engine.todo.append(CloseWatch(1))

        engine.watch_lines = three  # type: ignore[method-assign]
        virtual_run(drive(driver_of(engine, World(stream=endless)), stop_at=60))
        assert [heard[-1] for heard in engine.heard] == [1.0, 2.0, 3.0]  # and nothing of its end: nobody expects that
        assert closed == [3.0]

    def test_closing_what_has_ended_is_no_fault(self) -> None:
        async def empty() -> AsyncGenerator[list[bytes], None]:
            return
            yield []

        engine = Engine(OpenWatch(1, GET))
        ended = engine.watch_closed

        def close_late(ticket: int, failure: Failure | None, now: Now, status: int = 0) -> None:
            ended(ticket, failure, now, status)
            engine.todo.append(CloseWatch(1))

        engine.watch_closed = close_late  # type: ignore[method-assign]
        virtual_run(drive(driver_of(engine, World(stream=empty)), stop_at=1))
        assert engine.heard == [(1, None, 0, 0.0)]

    @pytest.mark.parametrize(
        ("error", "failure", "status"),
        [
            (StreamFailed(Unreachable("API server: silent"), status=503), Unreachable("API server: silent"), 503),
            (ConnectionResetError("with a text"), Broken("watch: ConnectionResetError"), 0),
            (ValueError("with a text"), Broken("watch: ValueError"), 0),
        ],
    )
    def test_failures(self, error: Exception, failure: Failure, status: int) -> None:
        async def broken() -> AsyncGenerator[list[bytes], None]:
            yield [b"{}"]
            raise error

        engine = Engine(OpenWatch(1, GET))
        virtual_run(drive(driver_of(engine, World(stream=broken)), stop_at=1))
        assert engine.heard == [(1, [b"{}"], 0.0), (1, failure, status, 0.0)]


class TestWaiting:
    def test_nothing_to_do_costs_nothing(self) -> None:
        engine = Engine()
        virtual_run(drive(driver_of(engine, World()), stop_at=HOUR_S))
        assert engine.ticks == 1

    def test_far_times_are_looked_at_twice_a_minute(self) -> None:
        """The wall clock may jump, so no wait is longer than half a minute."""
        engine = Engine()
        engine.wake = lambda: 10 * HOUR_S * SECOND
        virtual_run(drive(driver_of(engine, World()), stop_at=HOUR_S))
        assert HOUR_S / 30 <= engine.ticks <= HOUR_S / 30 + 1

    def test_the_engine_is_woken_when_it_wants(self) -> None:
        engine, woken = Engine(), []
        tick = engine.tick

        def noted(now: Now) -> list[Command]:
            woken.append(now.mono / SECOND)
            return tick(now)

        engine.tick = noted  # type: ignore[method-assign]
        engine.wake = lambda: 5 * SECOND if len(woken) == 1 else None
        virtual_run(drive(driver_of(engine, World()), stop_at=HOUR_S))
        assert woken[0] == 0
        assert woken[1] == pytest.approx(5)
        assert len(woken) == 2

    def test_an_engine_that_is_always_due_starves_nobody(self) -> None:
        engine = Engine(SendKube(1, GET))
        engine.wake = lambda: 0 if engine.busy else None
        virtual_run(drive(driver_of(engine, World()), stop_at=1))
        assert [heard[0] for heard in engine.heard] == [1]


def test_a_bug_in_a_port_ends_the_driver() -> None:
    """Ports raise nothing; if one does, the process must not go on without the answer."""

    class Faulty(World):
        async def call(self, call: Any) -> Any:
            raise LookupError("a bug")

    with pytest.raises(ExceptionGroup) as caught:
        virtual_run(drive(driver_of(Engine(SendKube(1, GET)), Faulty()), stop_at=HOUR_S))
    assert caught.group_contains(LookupError)
