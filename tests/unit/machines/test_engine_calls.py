"""The engine and its backends: what wakes it, what it passes on, and what it tells them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from eso_core.door import Absent, Access, Ask, Failed, Get, Retries, Session, Talk
from eso_core.effect import Flow, fetch
from eso_core.failure import Unreachable
from eso_core.instant import MILLISECOND, SECOND
from eso_core.machines.commands import SendCall
from eso_core.plan import At, OnChange, Settled
from eso_core.refs import CONFIG_MAP, SECRET_STORE, Kind, Ref
from eso_core.wire import HttpCall, HttpReply
from tests.unit.core.objects import access
from tests.unit.machines.fair import LATENCY, OK, PROVIDER, Fair


class OneKey(Fair):
    """All objects read one key, and are due again at ``due`` if there is such a time."""

    due: int | None = None
    retries = Retries()

    def _flow(self, key: Ref) -> Flow[Settled]:
        self.mono += self.cost
        self.passes[key.name] += 1
        used: Access = replace(access("s"), store=Ref(SECRET_STORE, "ns", "s"), retries=self.retries)
        yield from fetch((Ask("p", used, Get(key="shared")),))
        self.synced[key] = self.mono
        return Settled(requeue=OnChange() if self.due is None else At(self.now.wall.plus(self.due - self.mono)))


def answering(*statuses: int) -> Any:
    left = list(statuses)
    return lambda name, now: (LATENCY, HttpReply(status=left.pop(0)) if left else OK)


def down(access: Any, session: Session, queries: Any) -> Talk[Any]:
    """Unreachable for every answer but 200."""
    reply = yield HttpCall(method="GET", url=f"https://{access.identity}/")
    good = isinstance(reply, HttpReply) and reply.status == 200
    return {query: Absent() if good else Failed(Unreachable("down")) for query in queries}


class TestOneKey:
    def test_twenty_objects_created_at_once(self) -> None:
        """Most of them begin only when the call is over: at first there is room for eight."""
        fair = OneKey(answering())
        for number in range(20):
            fair.create(f"s-{number}")
        fair.run(5)
        assert (len(fair.synced), len(fair.calls)) == (20, 1)

    def test_two_hundred_whose_passes_take_longer_than_the_call(self) -> None:
        fair = OneKey(answering(), cost=5 * MILLISECOND)
        for number in range(200):
            fair.create(f"s-{number}")
        fair.run(10)
        assert (len(fair.synced), len(fair.calls)) == (200, 1)

    def test_one_more_for_what_is_created_later(self) -> None:
        fair = OneKey(answering())
        fair.create("s-0")
        fair.run(1)
        fair.create("s-1")
        fair.run(1)
        assert len(fair.calls) == 2

    def test_refreshes_that_are_due_at_one_time(self) -> None:
        """The calls of the first time do not count: a refresh asks for what is so when it is due."""
        fair = OneKey(answering())
        fair.due = fair.mono + SECOND
        for number in range(20):
            fair.create(f"s-{number}")
        fair.run(0.9)
        assert len(fair.calls) == 1
        due, fair.due = fair.due, None
        fair.run(5)
        assert [at >= due for at, _ in fair.calls] == [False, True]
        assert min(fair.passes.values()) == 2


class TestWaking:
    def test_for_an_ask_that_is_put_again(self) -> None:
        fair = OneKey(answering(503), provider=replace(PROVIDER, fetch=down))
        fair.retries = Retries(1, 7 * SECOND)
        fair.create("s-0")
        fair.run(20)
        assert len(fair.synced) == 1
        first, second = (at for at, _ in fair.calls)
        assert second == first + LATENCY + 7 * SECOND

    def test_also_while_it_stops(self) -> None:
        fair = OneKey(answering(503), provider=replace(PROVIDER, fetch=down))
        fair.retries = Retries(1, SECOND)
        fair.create("s-0")
        fair.run(0.5)
        fair.engine.stop()
        fair.run(5)
        assert (len(fair.synced), fair.engine.busy) == (1, 0)

    def test_for_a_pace(self) -> None:
        fair = Fair(answering(), provider=replace(PROVIDER, talks_per_s=2.0))
        for number in range(6):
            fair.create(f"s-{number}")
        fair.run(5)
        begin = fair.calls[0][0]
        assert [round((at - begin) / SECOND, 1) for at, _ in fair.calls] == [0, 0, 0.5, 1, 1.5, 2]

    def test_to_let_go_of_values(self) -> None:
        fair = OneKey(answering())
        fair.create("s-0")
        fair.run(1)
        [desk] = fair.engine._backends._desks.by_identity.values()
        assert len(desk.shelf.kept) == 1
        fair.run(3)
        assert len(desk.shelf.kept) == 0


def test_the_label_of_a_call() -> None:
    def talk(access: Any, session: Session, queries: Any) -> Talk[Any]:
        yield HttpCall(method="GET", url="https://s/", provider="P/Second")
        return dict.fromkeys(queries, Absent())

    fair = OneKey(answering(), provider=replace(PROVIDER, fetch=talk))
    fair.create("s-0")
    sent = [command for command in fair.engine.tick(fair.now) if isinstance(command, SendCall)]
    assert [command.label for command in sent] == ["P/Second"]


def told(fair: Fair, kind: Kind, name: str, what: str) -> None:
    """A line of the watch. Its pass asks nothing."""
    meta = {"name": name, "namespace": "ns", "resourceVersion": "9999"}
    fair.mute.add(name)
    fair.engine.watch_lines(fair._streams[kind.plural], [json.dumps({"type": what, "object": {"metadata": meta}}).encode()], fair.now)
    fair.run(1)


@pytest.mark.parametrize(
    ("kind", "name", "what", "left"),
    [
        (SECRET_STORE, "s", "DELETED", {"t"}),
        (SECRET_STORE, "s", "MODIFIED", {"s", "t"}),
        (CONFIG_MAP, "s-0", "DELETED", {"s", "t"}),
    ],
)
def test_a_store_that_is_deleted_takes_its_desk_along(kind: Kind, name: str, what: str, left: set[str]) -> None:
    fair = Fair(answering())
    fair.create("s", SECRET_STORE)
    fair.create("t", SECRET_STORE)
    fair.create("s-0")
    fair.run(1)
    told(fair, kind, name, what)
    assert set(fair.engine._backends._desks.by_identity) == left
