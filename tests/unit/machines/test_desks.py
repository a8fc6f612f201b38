"""How long a desk lives: it holds a session and credentials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eso_core.door import Access, Ask, Get, Session, Talk
from eso_core.instant import SECOND
from eso_core.machines.desks import DESKS, UNUSED_AFTER
from eso_core.machines.turns import Reason
from eso_core.refs import CLUSTER_SECRET_STORE, Ref
from eso_core.wire import HttpCall, HttpReply
from tests.unit.core.objects import access, blob
from tests.unit.machines.conversing import PLACES, PLAIN, WITH_LOGIN, Bench, ref, who

SHARED = Ref(CLUSTER_SECRET_STORE, "", "shared")


def ask(bench: Bench, used: Access, key: str = "a") -> None:
    bench.backends.ask(Ask("plain", used, Get(key=key)), bench.now, lambda ask, answer, at: bench.answers.append((ask.query, answer)))
    bench.collect()


def desks(bench: Bench) -> list[str]:
    bench.tend()
    return list(bench.backends._desks.by_identity)


def used(identity: str, namespace: str = "ns", store: Ref = SHARED) -> Access:
    return replace(access(identity), store=store, namespace=namespace)


class TestSuperseded:
    """A store has one identity in each namespace at a time: when the credential changes, what holds the old one goes."""

    def test_at_once_if_nothing_is_under_way(self) -> None:
        bench = Bench(WITH_LOGIN)
        ask(bench, used("old"))
        bench.answer_all()
        ask(bench, used("new"))
        assert (bench.backends.tend_at(), bench.urls) == (0, ["new/login"])
        assert desks(bench) == ["new"]
        assert bench.backends.tend_at() != 0
        bench.answer_all()
        assert len(bench.answers) == 2

    def test_else_when_all_is_answered(self) -> None:
        bench = Bench()
        ask(bench, used("old"))
        ask(bench, used("new"))
        assert desks(bench) == ["old", "new"]
        bench.reply()
        assert bench.last == blob(b"v")
        assert desks(bench) == ["new"]

    def test_with_its_answers(self) -> None:
        bench = Bench()
        ask(bench, used("old"))
        bench.reply()
        shelf = bench.backends._desks.by_identity["old"].shelf
        ask(bench, used("new"))
        desks(bench)
        assert (shelf.kept, bench.backends._recent.size) == ({}, 0)

    def test_other_stores_and_namespaces_are_let_be(self) -> None:
        bench = Bench()
        for each in (used("a"), used("b", "other"), used("c", store=Ref(CLUSTER_SECRET_STORE, "", "second"))):
            ask(bench, each)
            bench.answer_all()
        assert desks(bench) == ["a", "b", "c"]

    def test_one_of_several_namespaces_goes_with_the_last(self) -> None:
        bench = Bench()
        for each in (used("old", "x"), used("old", "y"), used("new", "x")):
            ask(bench, each, each.namespace)
            bench.answer_all()
        assert desks(bench) == ["old", "new"]
        ask(bench, used("new", "y"))
        bench.answer_all()
        assert desks(bench) == ["new"]

    def test_who_is_asked_again_lives_again(self) -> None:
        """A credential that was changed and changed back."""
        bench = Bench()
        for identity in ("one", "two", "one", "two"):
            ask(bench, used(identity))
            assert bench.urls == [f"{identity}/a"]
            bench.answer_all()
            assert desks(bench) == [identity]
            bench.now += 1

    def test_also_if_it_is_not_gone_yet(self) -> None:
        bench = Bench()
        for identity in ("one", "two", "one"):
            ask(bench, used(identity), identity)
        bench.answer_all()
        assert desks(bench) == ["one"]

    def test_who_stands_in_its_line_goes_to_the_new_one(self) -> None:
        bench = Bench().opened()
        bench.visit(*"abcdefgh")
        assert bench.out() == []
        ask(bench, replace(who(), identity="new"))
        assert bench.backends.wake_at(PLACES, PLACES) == 0
        assert bench.out() == list("abcdefgh")
        assert desks(bench) == ["new"]
        assert bench.backends.held_back() == {}

    def test_with_the_time_at_which_they_were_asked_for(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=1))
        bench.visit("a", "b")
        bench.visit("c", asked=5)
        ask(bench, replace(who(), identity="new"))
        assert bench.backends.let_out(bench.now, PLACES, PLACES) == [(ref("c"), Reason.REFRESH, 5)]


class TestEnd:
    def test_a_store_that_is_gone(self) -> None:
        bench = Bench(WITH_LOGIN)
        ask(bench, used("a"))
        bench.answer_all()
        ask(bench, used("b", store=Ref(CLUSTER_SECRET_STORE, "", "second")))
        bench.answer_all()
        bench.backends.gone(SHARED)
        assert desks(bench) == ["b"]
        assert len(bench.backends._desks._latest) == 1

    def test_unused(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a")
        bench.answer_all()
        bench.now += UNUSED_AFTER
        assert desks(bench) == ["me"]
        bench.now += 1
        assert desks(bench) == []
        assert bench.backends._desks._latest == {}

    def test_not_while_something_is_under_way(self) -> None:
        bench = Bench()
        bench.ask("a")
        bench.now += UNUSED_AFTER + 1
        assert desks(bench) == ["me"]

    def test_too_many(self) -> None:
        bench = Bench()
        bench.ask("busy", identity="busy")
        for number in range(DESKS + 10):
            bench.ask("a", identity=str(number))
            bench.reply(index=-1)
            bench.tend()
        assert len(bench.backends._desks.by_identity) <= DESKS
        assert bench.urls == ["busy/busy"]
        bench.reply()
        assert bench.last == blob(b"v")

    def test_too_many_of_which_none_is_idle(self) -> None:
        bench = Bench()
        for number in range(DESKS + 1):
            bench.ask("a", identity=str(number))
        assert len(bench.backends._desks.by_identity) == DESKS + 1
        assert bench.backends.waiting == DESKS + 1


class TestLabel:
    def call(self, label: str) -> str:
        def fetch(access: Any, session: Session, queries: Any) -> Talk[Any]:
            yield HttpCall(method="GET", url="https://b", provider=label)
            return {}

        bench = Bench(replace(PLAIN, fetch=fetch))
        bench.ask("a")
        return bench.open[0].label

    def test_of_the_provider(self) -> None:
        assert self.call("") == "Plain"

    def test_of_the_call(self) -> None:
        assert self.call("Plain/Second") == "Plain/Second"


def test_a_reply_after_the_desk_was_given_up() -> None:
    bench = Bench(WITH_LOGIN)
    ask(bench, used("old"))
    ask(bench, used("new"))
    bench.now += SECOND
    bench.reply()
    assert bench.urls == ["new/login", "old/a"]
    bench.reply(HttpReply(status=401), index=1)
    bench.reply(index=1)
    bench.reply(index=1)
    assert (bench.last, desks(bench)) == (blob(b"v"), ["new"])
