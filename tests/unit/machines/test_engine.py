"""The engine with flows of its own: wake-ups, bounds, held writes, and what a bad flow may not do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from returns.result import Success

from eso_core.because import SYNCED
from eso_core.door import Absent, Ask, Dialect, Found, Get, Provider
from eso_core.effect import Flow, Gone, Present, Read, Selection, Unreadable, Whole, World, Write, compute, fetch, read, write
from eso_core.failure import Broken, Failure, Missing, Stale, Throttled, Unreachable
from eso_core.instant import SECOND, Instant, Now
from eso_core.machines.backoff import FIRST
from eso_core.machines.cache import Cache, Change, Packed
from eso_core.machines.commands import CloseWatch, Command, OpenWatch, Report, SendCall, SendKube, SendWork
from eso_core.machines.engine import Engine, Limits
from eso_core.machines.kinds import Watched
from eso_core.machines.turns import Reason
from eso_core.machines.watch import SILENCE_S
from eso_core.plan import (
    Again,
    At,
    Backoff,
    CreateTarget,
    DeleteTarget,
    Desired,
    Done,
    Emit,
    Event,
    NotDone,
    OnChange,
    Outcome,
    Requeue,
    SecretBody,
    SetStatus,
    Settled,
    Version,
)
from eso_core.refs import CONFIG_MAP, SECRET, SECRET_STORE, Ref
from eso_core.template import Ambient
from eso_core.wire import CallFailed, HttpCall, HttpReply, KubeCall, KubeReply
from tests.template_chance import SeededChance
from tests.unit.core.objects import access

WALL = Instant(10**18)
MADE: list[object] = []
KEY, OTHER, SOURCE = Ref(CONFIG_MAP, "ns", "key"), Ref(CONFIG_MAP, "ns", "other"), Ref(SECRET, "ns", "source")
END = Settled(requeue=OnChange())


def obj(ref: Ref, version: int, **more: Any) -> bytes:
    return json.dumps({"metadata": {"name": ref.name, "namespace": ref.namespace, "resourceVersion": str(version)}, **more}).encode()


def pack(kind: Any) -> Callable[[bytes], Packed | None]:
    def made(raw: bytes) -> Packed | None:
        meta = json.loads(raw).get("metadata", {})
        if "resourceVersion" not in meta:
            return None
        gate = json.loads(raw).get("gate", meta["resourceVersion"])
        return Packed(Ref(kind, meta["namespace"], meta["name"]), int(meta["resourceVersion"]), raw, gate)

    return made


def wakes(change: Change, cache: Cache) -> Iterable[Ref]:
    """A ConfigMap wakes itself; a Secret wakes two keys."""
    return (change.ref,) if change.ref.kind == CONFIG_MAP else (KEY, OTHER)


PROVIDER = Provider(
    key="p", label="P", capabilities="ReadOnly", parse=lambda m, s: Success(m), needs=lambda s: {},
    fetch=lambda a, s, q: _talk(q), dialect=Dialect(value=lambda p, _: Found(p), entries=lambda p, _: Found(p)),
)  # fmt: skip


def _talk(queries: Any) -> Any:
    yield HttpCall(method="GET", url="https://b")
    return {query: Absent() for query in queries}


@dataclass
class Bench:
    """An engine whose passes run ``flow``, and everything that it wants."""

    flow: Callable[[Ref], Flow[Settled]]
    limits: Limits = field(default_factory=Limits)
    objects: dict[Ref, int] = field(default_factory=dict)
    synced: bool = True
    mono: int = 0
    reports: list[Report] = field(default_factory=list)
    kube: list[SendKube] = field(default_factory=list)
    calls: list[SendCall] = field(default_factory=list)
    works: list[SendWork] = field(default_factory=list)
    streams: dict[str, int] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = Engine(
            follow=lambda kind: Watched(kind=kind, pack=pack(kind), wakes=wakes),
            watched=(Watched(kind=k, pack=pack(k), wakes=wakes) for k in (SECRET, CONFIG_MAP)),
            flows={CONFIG_MAP: self.flow},
            load=lambda _: PROVIDER,
            random=lambda: 0.0,
            chance=SeededChance(),
            limits=self.limits,
        )
        if self.synced:
            self.list()

    @property
    def now(self) -> Now:
        return Now(WALL.plus(self.mono), self.mono)

    def list(self) -> None:
        """Answer the first lists with ``objects``."""
        self.tick()
        for sent in list(self.kube):
            kind = SECRET if "secrets" in sent.call.path else CONFIG_MAP
            items = ",".join(obj(ref, version).decode() for ref, version in self.objects.items() if ref.kind == kind)
            body = f'{{"metadata":{{"resourceVersion":"100"}},"items":[{items}]}}'.encode()
            self.reply(sent.ticket, KubeReply(status=200, body=body))
        self.tick()

    def tick(self, passed: int = 0) -> list[Command]:
        self.mono += passed
        commands = self.engine.tick(self.now)
        for command in commands:
            match command:
                case SendKube():
                    self.kube.append(command)
                case SendCall():
                    self.calls.append(command)
                case SendWork():
                    self.works.append(command)
                case OpenWatch(ticket, call):
                    self.streams[call.path] = ticket
                case CloseWatch(ticket):
                    self.streams = {path: held for path, held in self.streams.items() if held != ticket}
                case Report():
                    self.reports.append(command)
        self.commands += commands
        return commands

    def reply(self, ticket: int | None = None, reply: KubeReply | CallFailed | None = None) -> None:
        index = 0 if ticket is None else next(i for i, sent in enumerate(self.kube) if sent.ticket == ticket)
        sent = self.kube.pop(index)
        self.engine.kube_reply(sent.ticket, reply or KubeReply(status=200, body=b"{}"), self.now)

    def event(self, ref: Ref, version: int, kind: str = "MODIFIED", **more: Any) -> None:
        path = "/api/v1/secrets" if ref.kind == SECRET else "/api/v1/configmaps"
        line = json.dumps({"type": kind, "object": json.loads(obj(ref, version, **more))}).encode()
        self.engine.watch_lines(self.streams[path], [line], self.now)

    def wake(self, *keys: Ref) -> None:
        for key in keys:
            self.engine.queue.add(key, self.mono)
        self.tick()

    @property
    def ended(self) -> list[Ref]:
        return [report.key for report in self.reports]

    @property
    def last(self) -> Settled:
        return self.reports[-1].settled


def ends(settled: Settled = END) -> Callable[[Ref], Flow[Settled]]:
    def flow(key: Ref) -> Flow[Settled]:
        yield from read(key)
        return settled

    return flow


def reads(*what: Any, then: Settled = END) -> Callable[[Ref], Flow[Settled]]:
    def flow(key: Ref) -> Flow[Settled]:
        SEEN.append((yield from read(*what))[0])
        return then

    return flow


SEEN: list[World] = []
DESIRED = Desired(ref=SOURCE, labels={}, annotations={}, owners=(), finalizers=(), body=SecretBody({}))


def writes(*actions: Any, then: Settled = END) -> Callable[[Ref], Flow[Settled]]:
    def flow(key: Ref) -> Flow[Settled]:
        for action in actions:
            outcome, _ = yield from write(action)
            OUTCOMES.append(outcome)
        return then

    return flow


OUTCOMES: list[Outcome] = []


@pytest.fixture(autouse=True)
def _clean() -> None:
    SEEN.clear()
    OUTCOMES.clear()


class TestStart:
    def test_no_pass_before_every_list(self) -> None:
        bench = Bench(ends(), synced=False)
        bench.tick()
        assert [sent.call.path for sent in bench.kube] == ["/api/v1/secrets", "/api/v1/configmaps"]
        assert (bench.engine.synced, bench.engine.not_ready) == (False, "not listed yet: secrets, configmaps")
        bench.reply(
            bench.kube[1].ticket, KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"9"},"items":[' + obj(KEY, 5) + b"]}")
        )
        bench.tick()
        assert bench.ended == []
        assert bench.engine.overdue(bench.now) == 0
        bench.reply(bench.kube[0].ticket, KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"9"}}'))
        bench.tick()
        assert bench.ended == [KEY]
        assert bench.engine.not_ready == ""

    def test_every_listed_object_gets_a_pass(self) -> None:
        assert Bench(ends(), objects={KEY: 5, OTHER: 6}).ended == [KEY, OTHER]

    def test_stopping(self) -> None:
        bench = Bench(ends())
        bench.engine.stop()
        bench.event(KEY, 101, "ADDED")
        bench.tick()
        assert bench.ended == []
        assert bench.engine.wake_at() == SILENCE_S * SECOND + 1


class TestWatching:
    def test_changes_make_passes(self) -> None:
        bench = Bench(ends())
        bench.event(KEY, 101, "ADDED")
        bench.event(OTHER, 102, "ADDED")
        bench.event(KEY, 103, "DELETED")
        bench.tick()
        assert bench.ended == [OTHER, KEY] or bench.ended == [KEY, OTHER]
        assert bench.engine.cache.get(KEY) is None

    def test_a_change_that_does_not_matter_makes_none(self) -> None:
        bench = Bench(ends())
        bench.event(KEY, 101, "ADDED", gate="same")
        bench.tick()
        bench.event(KEY, 102, gate="same")
        bench.tick()
        assert bench.ended == [KEY]
        packed = bench.engine.cache.get(KEY)
        assert packed is not None
        assert packed.version == 102

    def test_a_silent_stream_is_replaced(self) -> None:
        bench = Bench(ends())
        old = dict(bench.streams)
        wake = bench.engine.wake_at()
        assert wake == SILENCE_S * SECOND + 1
        bench.tick(wake)
        assert bench.streams == {}
        bench.tick(SECOND)
        assert set(bench.streams) == set(old)
        assert not set(bench.streams.values()) & set(old.values())
        assert not any(isinstance(command, SendKube) for command in bench.commands[-4:])

    def test_lines_of_a_stream_that_was_given_up_are_ignored(self) -> None:
        bench = Bench(ends())
        ticket = bench.streams["/api/v1/configmaps"]
        bench.engine.watch_lines(ticket, [b"garbage"], bench.now)
        assert any(isinstance(command, CloseWatch) for command in bench.tick())
        bench.engine.watch_lines(ticket, [json.dumps({"type": "ADDED", "object": json.loads(obj(KEY, 101))}).encode()], bench.now)
        bench.engine.watch_closed(ticket, None, bench.now)
        bench.tick()
        assert bench.ended == []

    def test_what_vanished_between_two_lists(self) -> None:
        bench = Bench(ends(), objects={KEY: 5, OTHER: 6})
        bench.reports.clear()
        bench.engine.watch_closed(bench.streams["/api/v1/configmaps"], Unreachable("x"), bench.now, 410)
        bench.tick(SECOND)
        bench.reply(None, KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"200"},"items":[' + obj(KEY, 5) + b"]}"))
        bench.tick()
        assert bench.ended == [OTHER]
        assert bench.engine.cache.get(OTHER) is None

    def test_a_list_that_was_broken_off_does_not_count(self) -> None:
        """What only its pages showed may be gone by the time of the list that succeeds."""
        bench = Bench(ends(), objects={KEY: 5, OTHER: 6})
        bench.reports.clear()
        bench.engine.watch_closed(bench.streams["/api/v1/configmaps"], Unreachable("x"), bench.now, 410)
        bench.tick(SECOND)
        bench.reply(
            None, KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"200","continue":"t"},"items":[' + obj(OTHER, 6) + b"]}")
        )
        bench.tick()
        bench.reply(None, KubeReply(status=410, body=b"{}"))
        bench.tick(SECOND)
        bench.reply(None, KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"300"},"items":[' + obj(KEY, 5) + b"]}"))
        bench.tick()
        assert bench.engine.cache.get(OTHER) is None
        assert bench.ended == [OTHER]


class TestRequeue:
    @pytest.mark.parametrize(
        ("requeue", "after"),
        [
            (At(WALL.plus(5 * SECOND)), 5 * SECOND),
            (At(WALL.plus(-5 * SECOND)), 0),
            (Backoff(), FIRST),
            (Backoff(30 * SECOND), 30 * SECOND),
            (Again(), FIRST // 10),
            (OnChange(), None),
        ],
    )
    def test_when(self, requeue: Requeue, after: int | None) -> None:
        bench = Bench(ends(Settled(requeue=requeue)), limits=Limits(starts_max=1))
        bench.wake(KEY)
        assert bench.engine.queue.next_at() == after

    def test_pauses_grow_until_something_else_happens(self) -> None:
        made: list[Requeue] = [Backoff(), Backoff(), Backoff(), OnChange(), Backoff()]
        bench = Bench(lambda key: ends(Settled(requeue=made.pop(0)))(key))
        waits = []
        for _ in range(5):
            bench.wake(KEY)
            at = bench.engine.queue.next_at()
            waits.append(None if at is None else (at - bench.mono) // FIRST)
            bench.mono += 3600 * SECOND
        assert waits == [1, 2, 4, None, 1]

    def test_added_while_running(self) -> None:
        bench = Bench(reads(Whole(SOURCE)))
        bench.wake(KEY)
        bench.engine.queue.add(KEY, bench.mono)
        bench.tick()
        assert (len(bench.kube), bench.engine.passes) == (1, 1)
        bench.reply()
        bench.tick()
        assert bench.ended == [KEY]
        assert (len(bench.kube), bench.engine.passes) == (1, 1)


class TestClasses:
    """Why a key is worth a pass is what its place in the queue comes from."""

    def reason(self, bench: Bench, key: Ref = KEY) -> Reason:
        return bench.engine.queue._reason[key]

    @pytest.mark.parametrize(
        ("requeue", "reason"),
        [(At(WALL.plus(5 * SECOND)), Reason.REFRESH), (Backoff(), Reason.RETRY), (Again(), Reason.CHANGED)],
    )
    def test_requeues(self, requeue: Requeue, reason: Reason) -> None:
        """A pass that has to begin again keeps its class."""
        bench = Bench(ends(Settled(requeue=requeue)), objects={KEY: 1}, limits=Limits(starts_max=1))
        bench.event(KEY, 101)
        bench.tick(3600 * SECOND)
        assert self.reason(bench) is reason

    def test_changes(self) -> None:
        bench = Bench(ends(), objects={KEY: 1, SOURCE: 2})
        bench.event(KEY, 101)
        bench.event(Ref(CONFIG_MAP, "ns", "turned up"), 102, "ADDED")
        assert self.reason(bench) is Reason.CHANGED
        assert self.reason(bench, Ref(CONFIG_MAP, "ns", "turned up")) is Reason.REFRESH  # the rule of the kind may know better
        bench.tick()
        bench.event(SOURCE, 103, "DELETED")
        assert (self.reason(bench), self.reason(bench, OTHER)) == (Reason.CHANGED, Reason.CHANGED)

    def test_what_somebody_waited_for(self) -> None:
        waiter = Ref(CONFIG_MAP, "ns", "waiter")
        bench = Bench(reads(SOURCE, then=Settled(requeue=OnChange(), waits_on=frozenset({SOURCE}))))
        bench.wake(waiter)
        bench.event(SOURCE, 101, "ADDED")
        assert self.reason(bench, waiter) is Reason.RETRY

    def test_an_edited_object_starts_with_a_clean_record(self) -> None:
        bench = Bench(ends(Settled(requeue=Backoff())), objects={KEY: 1})
        waits = []
        for version in (None, None, 101, None):
            if version is None:
                bench.tick(bench.engine.queue.next_at() or 0)
            else:
                bench.event(KEY, version)
                bench.tick()
            at = bench.engine.queue.next_at()
            assert at is not None
            waits.append((at - bench.mono) // FIRST)
        assert waits == [2, 4, 1, 2]

    def test_but_not_with_another_object(self) -> None:
        bench = Bench(ends(Settled(requeue=Backoff())), objects={KEY: 1, SOURCE: 2})
        bench.event(SOURCE, 101)
        bench.tick()
        assert bench.engine._pauses._failures == {KEY: 2, OTHER: 2}


class TestWaiting:
    """``Settled.waits_on``: woken by the next change, and never too late."""

    WAITS = Settled(requeue=OnChange(), waits_on=frozenset({SOURCE}))

    def test_woken(self) -> None:
        bench = Bench(reads(SOURCE, then=self.WAITS))
        bench.wake(Ref(CONFIG_MAP, "ns", "waiter"))
        assert bench.engine.queue.next_at() is None
        bench.event(SOURCE, 101, "ADDED", gate="g")
        bench.tick()
        assert Ref(CONFIG_MAP, "ns", "waiter") in bench.ended[1:]

    def test_even_by_a_change_that_matters_to_nobody_else(self) -> None:
        waiter = Ref(CONFIG_MAP, "ns", "waiter")
        bench = Bench(reads(SOURCE, then=self.WAITS))
        bench.event(SOURCE, 101, "ADDED", gate="g")
        bench.tick()
        bench.wake(waiter)
        bench.reports.clear()
        bench.event(SOURCE, 102, gate="g")
        bench.tick()
        assert waiter in bench.ended

    def test_a_change_while_the_pass_ran_is_not_lost(self) -> None:
        waiter = Ref(CONFIG_MAP, "ns", "waiter")

        def flow(key: Ref) -> Flow[Settled]:
            if key != waiter:
                return END
            yield from read(SOURCE)
            yield from read(Whole(OTHER))
            return self.WAITS

        bench = Bench(flow)
        bench.wake(waiter)
        bench.event(SOURCE, 101, "ADDED")
        bench.reply()
        bench.tick()
        bench.tick()
        assert bench.ended.count(waiter) == 1
        assert bench.engine.passes == 1  # again under way
        bench.reply()
        bench.tick()
        assert bench.ended.count(waiter) == 2
        assert bench.engine.passes == 0  # and now it waits

    def test_a_key_that_has_run_since_is_not_woken_again(self) -> None:
        ended: list[Settled] = [self.WAITS, END, END, END]
        bench = Bench(lambda key: ends(ended.pop(0))(key))
        waiter = Ref(CONFIG_MAP, "ns", "waiter")
        bench.wake(waiter)
        bench.wake(waiter)
        bench.event(SOURCE, 101, "ADDED")
        bench.tick()
        assert bench.ended.count(waiter) == 2


class TestReading:
    def test_from_the_cache(self) -> None:
        bench = Bench(reads(KEY, OTHER), objects={KEY: 5})
        assert dict(SEEN[0].seen) == {KEY: Present(obj(KEY, 5)), OTHER: Gone()}
        assert bench.kube == []

    def test_selection(self) -> None:
        Bench(reads(Selection(SECRET, "ns", "l", "v")), objects={KEY: 1})
        assert SEEN[0].raw(Selection(SECRET, "ns", "l", "v")) == b""

    def test_kinds_that_are_not_watched_and_whole_objects_are_requested(self) -> None:
        store = Ref(SECRET_STORE, "ns", "s")
        bench = Bench(reads(store, Whole(SOURCE), KEY), objects={KEY: 5})
        assert sorted(sent.call.path for sent in bench.kube) == sorted([store.path, SOURCE.path])
        tickets = {sent.call.path: sent.ticket for sent in bench.kube}
        bench.reply(tickets[store.path], KubeReply(status=404, body=b""))
        bench.tick()
        assert bench.ended == []
        bench.reply(tickets[SOURCE.path], KubeReply(status=500, body=b'{"message":"m"}'))
        bench.tick()
        assert dict(SEEN[0].seen) == {store: Gone(), Whole(SOURCE): Unreadable(Unreachable("m")), KEY: Present(obj(KEY, 5))}

    def test_nothing_to_read(self) -> None:
        bench = Bench(reads())
        bench.wake(KEY)
        assert bench.ended == [KEY]


class TestFetching:
    ASK = Ask("p", access(), Get(key="k"))

    def flow(self, *asks: Ask) -> Callable[[Ref], Flow[Settled]]:
        def made(key: Ref) -> Flow[Settled]:
            answers, _ = yield from fetch(asks)
            assert set(answers.by_ask) == set(asks)
            return END

        return made

    def test_answers(self) -> None:
        bench = Bench(self.flow(self.ASK, self.ASK, Ask("p", access(), Get(key="j"))))
        bench.wake(KEY)
        assert [call.label for call in bench.calls] == ["P", "P"]
        assert bench.engine.busy == 3
        for call in bench.calls:
            bench.engine.call_reply(call.ticket, HttpReply(status=200), bench.now)
        bench.tick()
        assert (bench.ended, bench.last.detail, bench.engine.busy) == ([KEY], None, 0)

    def test_nothing_to_ask(self) -> None:
        bench = Bench(self.flow())
        bench.wake(KEY)
        assert (bench.ended, bench.last.detail) == ([KEY], None)

    def test_waiting_for_a_backend_leaves_room_for_others(self) -> None:
        bench = Bench(lambda key: (self.flow(self.ASK) if key == KEY else ends())(key), limits=Limits(passes_max=1))
        bench.wake(KEY, OTHER)
        assert bench.ended == [OTHER]

    def test_but_not_for_ever_more(self) -> None:
        """Parked passes have a bound of their own; desks that have not answered yet take no more than half of it."""
        bench = Bench(lambda key: self.flow(Ask("p", access(key.name), Get(key="k")))(key), limits=Limits(parked_max=4))
        keys = [Ref(CONFIG_MAP, "ns", str(i)) for i in range(5)]
        bench.wake(*keys)
        assert bench.engine.passes == 2
        bench.engine.call_reply(bench.calls[0].ticket, HttpReply(status=200), bench.now)
        bench.tick()
        assert bench.ended == keys[:1]
        assert bench.engine.passes == 2


class TestComputing:
    def flow(self, make: Callable[[Ambient], object], *, long: bool) -> Callable[[Ref], Flow[Settled]]:
        def made(key: Ref) -> Flow[Settled]:
            MADE.append((yield from compute(make, long=long)))
            return END

        return made

    def test_at_once(self) -> None:
        bench = Bench(self.flow(lambda ambient: ambient.now_ns, long=False))
        bench.wake(KEY)
        assert (bench.ended, MADE.pop()) == ([KEY], bench.now.wall.ns)

    def test_aside(self) -> None:
        """It takes none of the places for passes, and others go on meanwhile."""
        bench = Bench(lambda key: (self.flow(lambda _: "made", long=True) if key == KEY else ends())(key), limits=Limits(passes_max=1))
        bench.wake(KEY, OTHER)
        [work] = bench.works
        assert (bench.ended, bench.engine.busy) == ([OTHER], 1)
        bench.engine.work_reply(work.ticket, work.run(), bench.now)
        bench.tick()
        assert (bench.ended, MADE.pop(), bench.engine.busy) == ([OTHER, KEY], "made", 0)

    def test_what_is_computed_twice_counts_once(self) -> None:
        bench = Bench(self.flow(lambda _: "made", long=True))
        bench.wake(KEY)
        for _ in range(2):
            bench.engine.work_reply(bench.works[0].ticket, bench.works[0].run(), bench.now)
        bench.tick()
        assert (bench.ended, MADE) == ([KEY], ["made"])
        MADE.clear()

    def test_there_is_a_bound(self) -> None:
        bench = Bench(self.flow(lambda _: None, long=True), limits=Limits(works_max=1))
        bench.wake(KEY, OTHER)
        assert len(bench.works) == 1
        assert [(report.key, type(report.settled.detail), report.settled.requeue) for report in bench.reports] == [
            (OTHER, Throttled, Backoff())
        ]

    @pytest.mark.parametrize("long", [False, True])
    def test_a_bug_stays_with_its_key(self, long: bool) -> None:
        def bug(ambient: Ambient) -> object:
            raise ValueError("s3cr3t")

        bench = Bench(self.flow(bug, long=long))
        bench.wake(KEY)
        for work in bench.works:
            bench.engine.work_reply(work.ticket, work.run(), bench.now)
        bench.tick()
        assert isinstance(bench.last.detail, Broken)
        assert bench.last.detail.what.startswith("internal error: ValueError at test_engine.py:")


class TestWriting:
    CREATE = CreateTarget(DESIRED, "m")
    STATUS = SetStatus(KEY, Version("u", "1"), {})

    def created(self, version: int) -> KubeReply:
        return KubeReply(status=201, body=obj(SOURCE, version))

    def test_an_own_write_is_visible_at_once(self) -> None:
        def flow(key: Ref) -> Flow[Settled]:
            yield from write(self.CREATE)
            SEEN.append((yield from read(SOURCE))[0])
            return END

        bench = Bench(flow)
        bench.wake(KEY)
        bench.reply(None, self.created(101))
        bench.tick()
        assert SEEN[0].raw(SOURCE) == obj(SOURCE, 101)
        assert bench.reports[0].writes == ((self.CREATE, Done(obj(SOURCE, 101))),)

    @pytest.mark.parametrize("before", [True, False], ids=["event first", "answer first"])
    def test_an_own_write_wakes_others_but_not_its_writer(self, before: bool) -> None:
        bench = Bench(lambda key: (writes(self.CREATE) if key == KEY else ends())(key))
        bench.wake(KEY)
        if before:
            bench.event(SOURCE, 101, "ADDED")
            bench.tick()
            assert bench.ended == []
        bench.reply(None, self.created(101))
        bench.tick()
        if not before:
            bench.event(SOURCE, 101, "ADDED")
        bench.tick()
        assert sorted(bench.ended) == sorted([KEY, OTHER])

    def test_a_foreign_change_during_a_write_wakes_the_writer(self) -> None:
        bench = Bench(writes(self.CREATE))
        bench.wake(KEY)
        bench.event(SOURCE, 105)
        bench.reply(None, self.created(101))
        bench.engine.tick(bench.now)
        assert bench.engine.passes == 2  # both keys of the Secret, one of them again

    @pytest.mark.parametrize("reply", [KubeReply(status=409, body=b"{}"), CallFailed(Unreachable("x"))])
    def test_after_a_write_that_failed_every_event_counts(self, reply: KubeReply | CallFailed) -> None:
        """It is not known whether an event tells of the write itself or of what made it fail."""
        bench = Bench(writes(self.CREATE))
        bench.wake(KEY)
        bench.event(SOURCE, 101, "ADDED")
        bench.reply(None, reply)
        bench.engine.tick(bench.now)
        assert bench.engine.passes == 2

    def test_the_failure_reaches_the_flow(self) -> None:
        bench = Bench(writes(self.CREATE, self.STATUS))
        bench.wake(KEY)
        bench.reply(None, KubeReply(status=409, body=b'{"message":"m"}'))
        bench.tick()
        bench.reply(None, KubeReply(status=404, body=b'{"message":"n"}'))
        bench.tick()
        assert [NotDone(Stale("m")), NotDone(Missing("n"))] == OUTCOMES

    def test_events_are_not_waited_for(self) -> None:
        event = Emit(Event(about=KEY, uid="u", reason="R", message="m"))
        bench = Bench(writes(event))
        bench.wake(KEY)
        assert bench.ended == [KEY]
        assert [sent.call.path for sent in bench.kube] == ["/api/v1/namespaces/ns/events"]
        assert bench.engine.busy == 1
        bench.reply()
        assert bench.engine.busy == 0

    def test_a_lost_event_is_made_anew(self) -> None:
        event = Emit(Event(about=KEY, uid="u", reason="R", message="m"))
        bench = Bench(writes(event))
        methods = []
        for status in (201, 404, 201):
            bench.wake(KEY)
            methods.append(bench.kube[0].call.method)
            bench.reply(None, KubeReply(status=status, body=b"{}"))
        assert methods == ["POST", "PATCH", "POST"]

    def test_deletions(self) -> None:
        bench = Bench(writes(DeleteTarget(SOURCE, Version("u", "1"))))
        bench.wake(KEY)
        bench.reply(None, KubeReply(status=404, body=b""))
        bench.tick()
        assert [Done()] == OUTCOMES


class TestBounds:
    def test_passes(self) -> None:
        bench = Bench(reads(Whole(SOURCE)), limits=Limits(passes_max=3))
        keys = [Ref(CONFIG_MAP, "ns", str(i)) for i in range(10)]
        bench.wake(*keys)
        assert bench.engine.passes == 3
        assert bench.engine.wake_at() == SILENCE_S * SECOND + 1
        while bench.kube:
            bench.reply()
            bench.tick()
            assert bench.engine.passes <= 3
        assert sorted(bench.ended) == keys

    def test_requests(self) -> None:
        bench = Bench(reads(Whole(SOURCE)), limits=Limits(kube_max=3, events_max=1))
        bench.wake(*[Ref(CONFIG_MAP, "ns", str(i)) for i in range(5)])
        assert len(bench.kube) == 2
        bench.reply()
        bench.tick()
        assert (len(bench.kube), len(bench.ended)) == (2, 1)

    def test_events(self) -> None:
        event = [Emit(Event(about=KEY, uid=str(i), reason="R", message="m")) for i in range(20)]
        bench = Bench(writes(*event), limits=Limits(events_max=2, events_waiting_max=5))
        bench.wake(KEY)
        assert len(bench.kube) == 2
        assert bench.engine.dropped_events == 15

    def test_starts(self) -> None:
        bench = Bench(ends(), limits=Limits(starts_max=2))
        bench.wake(*[Ref(CONFIG_MAP, "ns", str(i)) for i in range(5)])
        assert len(bench.ended) == 2
        assert bench.engine.wake_at() == 0
        bench.tick()
        bench.tick()
        assert len(bench.ended) == 5

    def test_a_flow_that_does_not_end(self) -> None:
        def flow(key: Ref) -> Flow[Settled]:
            while True:
                yield from read(key)

        bench = Bench(flow)
        bench.wake(KEY)
        assert bench.last == Settled(requeue=Backoff(), detail=Broken("internal error: the pass does not end"))

    def test_the_api_servers_wish_to_be_left_alone(self) -> None:
        bench = Bench(reads(Whole(SOURCE)), limits=Limits(kube_max=2, events_max=1))
        bench.wake(KEY, OTHER)
        bench.reply(None, KubeReply(status=429, body=b"{}", retry_after_s=5))
        bench.tick()
        assert bench.kube == []
        assert bench.engine.wake_at() == 5 * SECOND
        bench.tick(5 * SECOND)
        assert len(bench.kube) == 1

    def test_events_too_go_on_after_it(self) -> None:
        events = [Emit(Event(about=KEY, uid=str(i), reason="R", message="m")) for i in range(2)]
        limits = Limits(kube_max=2, events_max=1)
        bench = Bench(lambda key: (reads(Whole(SOURCE)) if key == KEY else writes(*events))(key), limits=limits)
        bench.wake(KEY, OTHER)
        assert len(bench.kube) == 2
        bench.reply(None, CallFailed(Throttled("slow", 5 * SECOND)))
        bench.reply()
        bench.tick()
        assert bench.kube == []
        assert bench.engine.wake_at() == 5 * SECOND
        bench.tick(5 * SECOND)
        assert len(bench.kube) == 1

    def test_some_requests_are_kept_free_for_events(self) -> None:
        event = Emit(Event(about=KEY, uid="u", reason="R", message="m"))
        reader = reads(Whole(SOURCE))
        bench = Bench(lambda key: (writes(event) if key == KEY else reader)(key), limits=Limits(kube_max=2, events_max=1))
        bench.wake(*[Ref(CONFIG_MAP, "ns", str(i)) for i in range(5)], KEY)
        assert [sent.call.method for sent in bench.kube] == ["GET", "POST"]


class TestBadFlows:
    """A fault stays with its key."""

    def fault(self, flow: Callable[[Ref], Flow[Settled]]) -> Failure | None:
        bench = Bench(lambda key: (flow if key == KEY else ends(Settled(requeue=OnChange(), because=SYNCED)))(key))
        bench.wake(KEY, OTHER)
        by_key = {report.key: report.settled for report in bench.reports}
        assert bench.engine._held == {}
        assert by_key[OTHER].because is SYNCED
        assert by_key[KEY].requeue == Backoff()
        assert bench.engine.queue.next_at() == FIRST
        return by_key[KEY].detail

    def test_raises(self) -> None:
        def flow(key: Ref) -> Flow[Settled]:
            yield from read(key)
            raise ValueError("s3cr3t")

        detail = self.fault(flow)
        assert isinstance(detail, Broken)
        assert detail.what.startswith("internal error: ValueError at test_engine.py:")

    def test_wants_something_impossible(self) -> None:
        def odd(key: Ref) -> Flow[Settled]:
            yield "nonsense"  # type: ignore[misc]
            return END

        def surrogate(key: Ref) -> Flow[Settled]:
            yield Write(SetStatus(KEY, Version("u", "1"), {"x": "\ud800"}))
            return END

        def unreadable(key: Ref) -> Flow[Settled]:
            yield Read(frozenset({1}))  # type: ignore[arg-type]
            return END

        for flow in (odd, surrogate, unreadable):
            detail = self.fault(flow)
            assert isinstance(detail, Broken)
            assert "internal error" in detail.what


def test_replies_to_nothing_are_ignored() -> None:
    bench = Bench(ends())
    bench.engine.kube_reply(999, KubeReply(status=200, body=b""), bench.now)
    bench.engine.call_reply(999, HttpReply(status=200), bench.now)
    bench.engine.watch_closed(999, None, bench.now)
    bench.engine.watch_lines(999, [b"x"], bench.now)


def test_call_is_what_was_sent() -> None:
    bench = Bench(reads(Whole(SOURCE)))
    bench.wake(KEY)
    assert bench.kube[0].call == KubeCall(method="GET", path=SOURCE.path)
