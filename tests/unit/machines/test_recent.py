"""Answers that came a moment ago are given again to passes that were asked for before their talk began."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from eso_core.door import Absent, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Query, Session, Talk
from eso_core.failure import Missing
from eso_core.instant import SECOND
from eso_core.machines.recent import ALL_BYTES, ALL_MAX, ANSWER_BYTES, DESK_BYTES, DESK_MAX, KEEP, VALUE_BYTES, Recent, Shelf, weight
from eso_core.machines.turns import Reason
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, HttpReply, SdkReply
from tests.unit.core.objects import blob
from tests.unit.machines.conversing import PLACES, PLAIN, WITH_LOGIN, Bench, ref

KEY = Get(key="k")
NEW = HttpReply(status=200, body=b"new")


class TestReuse:
    """No answer comes of a talk that began before the pass was last asked for; whatever began then or later will do."""

    def test_passes_that_do_not_overlap_share_a_call(self) -> None:
        bench = Bench()
        asked = bench.now
        for number in range(20):
            assert bench.visit(str(number), query="k", asked=asked) == [str(number)]
            bench.answer_all()
            bench.now += SECOND // 100
        assert len(bench.answers) == 20
        assert bench.visit("last", query="k", asked=asked + 1) == ["last"]
        assert bench.urls == ["me/k"]

    def test_the_beginning_of_the_call_counts_and_not_its_end(self) -> None:
        bench = Bench()
        bench.visit("a", query="k")
        bench.now += SECOND
        rotated = bench.now
        bench.now += SECOND
        bench.reply()
        bench.visit("b", query="k", asked=rotated)
        assert bench.urls == ["me/k"]
        bench.reply(NEW)
        assert bench.last == blob(b"new")

    def test_one_who_asks_for_something_newer_does_not_join_an_older_call(self) -> None:
        """A forced sync after a rotation: the call under way may have read the old value."""
        bench = Bench()
        bench.visit("a", query="k")
        bench.now += SECOND
        bench.visit("b", query="k")
        assert bench.urls == ["me/k", "me/k"]
        bench.visit("c", query="k", asked=bench.now - SECOND)
        assert len(bench.open) == 2
        bench.reply()
        assert [answer for _, answer in bench.answers] == [blob(b"v")]
        bench.reply(NEW)
        assert [answer for _, answer in bench.answers] == [blob(b"v"), blob(b"new"), blob(b"new")]

    def test_one_that_has_not_begun_is_joined(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=1))
        bench.visit("first")
        bench.visit("a", query="k")
        bench.now += SECOND
        bench.ask("k")
        bench.reply()
        assert bench.urls == ["me/k"]
        bench.reply()
        assert len(bench.answers) == 3

    def test_one_that_is_put_again_has_not_begun(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("k")
        bench.reply()
        bench.reply(HttpReply(status=401))
        bench.now += SECOND
        bench.ask("k")
        bench.reply()
        assert bench.urls == ["me/k"]
        bench.reply()
        assert len(bench.answers) == 2

    def test_one_that_hangs_has_begun_when_it_was_first_asked(self) -> None:
        """It is asked anew beside the talk that hangs, whose answer may come first after all."""
        bench = Bench(replace(PLAIN, talks_max=1)).proven("me")
        bench.visit("a", query="k")
        bench.visit("other")
        bench.now += 10 * SECOND
        bench.out()
        bench.reply(index=1)
        assert bench.urls == ["me/k", "me/k"]
        bench.visit("b", query="k")
        bench.reply(HttpReply(status=200, body=b"old"))
        assert len(bench.answers) == 3
        bench.answer_all(NEW)
        assert (len(bench.answers), bench.last) == (4, blob(b"new"))

    def test_two_of_one_question_are_not_one_batch(self) -> None:
        """The older one was refused for its session, and waits behind the newer one."""
        bench = Bench(replace(WITH_LOGIN, batch_max=9))
        bench.ask("k")
        bench.reply()
        bench.now += SECOND
        bench.ask("k")
        bench.reply(HttpReply(status=401))
        bench.reply(HttpReply(status=401))
        bench.reply()
        assert bench.urls == ["me/k", "me/k"]
        bench.answer_all()
        assert len(bench.answers) == 2

    def test_an_older_answer_that_comes_late_does_not_replace_a_newer_one(self) -> None:
        bench = Bench()
        bench.visit("a", query="k")
        bench.now += 1
        bench.visit("b", query="k")
        bench.reply(NEW, index=1)
        bench.reply()
        bench.visit("c", query="k")
        assert (bench.open, bench.last) == ([], blob(b"new"))

    def test_nothing_is_there_is_an_answer_too(self) -> None:
        bench = Bench()
        bench.visit("a", query="k")
        bench.reply(HttpReply(status=404))
        bench.visit("b", query="k")
        assert (bench.open, bench.last) == ([], Absent())

    def test_so_are_finds(self) -> None:
        bench = Bench()
        bench.ask(Find(name="x"))
        bench.reply()
        bench.ask(Find(name="x"), Find(name="y"))
        assert bench.urls == ["me/Find"]

    @pytest.mark.parametrize("status", [403, 503])
    def test_failures_are_not(self, status: int) -> None:
        bench = Bench()
        bench.visit("a", query="k")
        bench.reply(HttpReply(status=status))
        bench.visit("b", query="k")
        assert bench.urls == ["me/k"]

    def test_nor_are_probes(self) -> None:
        bench = Bench()
        bench.ask(Probe())
        bench.reply()
        bench.ask(Probe())
        assert bench.urls == ["me/Probe"]

    def test_identities_share_nothing(self) -> None:
        bench = Bench()
        bench.visit("a", query="k")
        bench.reply()
        bench.visit("b", query="k", identity="you")
        assert bench.urls == ["you/k"]

    def test_it_needs_no_room(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=1))
        bench.visit("a", query="k")
        bench.reply()
        assert bench.visit("b", "c") == ["b", "c"]
        assert bench.visit("d") == []
        assert bench.visit("e", query="k") == ["e"]
        assert bench.last == blob(b"v")

    def test_and_no_backend(self) -> None:
        bench = Bench()
        bench.visit("a", query="k")
        bench.reply()
        bench.opened()
        bench.visit("b", query="k")
        assert bench.last == blob(b"v")

    def test_whoever_was_put_aside_keeps_the_question(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=1))
        asked = bench.now
        bench.visit("a", "b", "c", query="k", asked=asked)
        bench.now += SECOND
        bench.reply()
        assert bench.backends.let_out(bench.now, PLACES, PLACES) == [(ref("c"), Reason.REFRESH, asked)]

    def test_a_refused_session_takes_them_along(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("k")
        bench.answer_all()
        bench.ask("other")
        bench.reply(HttpReply(status=401))
        bench.reply()
        bench.ask("k")
        assert bench.urls == ["me/other", "me/k"]

    def test_what_cost_no_call_is_not_kept(self) -> None:
        def local(access: Any, session: Session, queries: tuple[Query, ...]) -> Talk[Any]:
            yield from ()
            return dict.fromkeys(queries, Absent())

        bench = Bench(replace(PLAIN, fetch=local))
        bench.ask("k")
        assert bench.backends.tend_at() is None

    def test_they_are_let_go(self) -> None:
        bench = Bench()
        bench.visit("a", query="k")
        bench.reply()
        assert bench.backends.tend_at() == bench.now + KEEP
        asked = bench.now
        bench.now += KEEP
        bench.tend()
        assert bench.backends.tend_at() is None
        bench.visit("b", query="k", asked=asked)
        assert bench.urls == ["me/k"]


def kept(
    shelf: Shelf, answer: Answer = blob(b"v"), query: Query = KEY, began: int = 0, received: int = 0, into: Recent | None = None
) -> Recent:
    made = into or Recent()
    made.put(shelf, query, answer, began, began, received)
    return made


class TestMemory:
    """Bounded in number and bytes, for a desk and in all; the oldest go first."""

    def test_number_of_a_desk(self) -> None:
        shelf, all_of = Shelf(), Recent()
        for number in range(DESK_MAX + 3):
            kept(shelf, query=Get(key=str(number)), into=all_of)
        assert list(shelf.kept) == [Get(key=str(number)) for number in range(3, DESK_MAX + 3)]

    def test_number_of_all(self) -> None:
        shelves, all_of = [Shelf() for _ in range(ALL_MAX + 3)], Recent()
        for shelf in shelves:
            kept(shelf, into=all_of)
        assert [bool(shelf.kept) for shelf in shelves] == [False] * 3 + [True] * ALL_MAX

    def test_bytes_of_a_desk(self) -> None:
        shelf, all_of = Shelf(), Recent()
        for number in range(4):
            kept(shelf, query=Get(key=str(number)), received=DESK_BYTES // 3, into=all_of)
        assert [query.key for query in shelf.kept if isinstance(query, Get)] == ["2", "3"]
        assert shelf.size == all_of.size == 2 * (ANSWER_BYTES + DESK_BYTES // 3)

    def test_bytes_of_all(self) -> None:
        shelves, all_of = [Shelf() for _ in range(ALL_BYTES // DESK_BYTES + 3)], Recent()
        for shelf in shelves:
            kept(shelf, received=DESK_BYTES - ANSWER_BYTES, into=all_of)
        assert [bool(shelf.kept) for shelf in shelves] == [False] * 3 + [True] * (ALL_BYTES // DESK_BYTES)
        assert all_of.size <= ALL_BYTES

    def test_what_is_too_large_is_not_kept(self) -> None:
        shelf = Shelf()
        kept(shelf, received=DESK_BYTES)
        assert (shelf.kept, shelf.size) == ({}, 0)

    def test_every_value_counts(self) -> None:
        shelf = Shelf()
        many = Entries({str(number): SecretBytes(b"") for number in range(100)})
        kept(shelf, Found(many), received=7)
        assert shelf.size == ANSWER_BYTES + 100 * VALUE_BYTES + 7

    def test_replaced_ones_are_counted_once(self) -> None:
        shelf, all_of = Shelf(), Recent()
        for began in range(5):
            kept(shelf, began=began, received=9, into=all_of)
        assert shelf.size == all_of.size == ANSWER_BYTES + 9
        all_of.clear(shelf)
        assert (shelf.size, all_of.size, shelf.kept) == (0, 0, {})
        all_of.sweep(10 * KEEP)
        assert all_of.sweep_at is None

    def test_swept_by_age(self) -> None:
        shelf, all_of = Shelf(), Recent()
        for began in (0, KEEP // 2, KEEP):
            kept(shelf, query=Get(key=str(began)), began=began, into=all_of)
        assert all_of.sweep_at == KEEP
        all_of.sweep(KEEP - 1)
        assert len(shelf.kept) == 3
        all_of.sweep(KEEP)
        assert (len(shelf.kept), all_of.sweep_at) == (2, 2 * KEEP)
        all_of.sweep(2 * KEEP)
        assert (len(shelf.kept), all_of.sweep_at) == (0, None)

    def test_failures_are_not_kept(self) -> None:
        shelf = Shelf()
        kept(shelf, Failed(Missing("x")))
        assert shelf.kept == {}

    def test_nothing_shows(self) -> None:
        assert "s3cr3t" not in repr(Blob(SecretBytes(b"s3cr3t")))
        shelf = Shelf()
        kept(shelf, blob(b"s3cr3t"))
        assert "s3cr3t" not in repr(shelf)


class TestWeight:
    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (HttpReply(status=200, body=b"12345"), 5),
            (CallFailed(Missing("x")), 0),
            (SdkReply(value="abc"), 3),
            (SdkReply(value=7), 0),
            (SdkReply(value={"ab": b"cde", "f": ["g", ("h",)]}), 8 + 5 * VALUE_BYTES),
        ],
    )
    def test_bytes(self, reply: Any, expected: int) -> None:
        assert weight(reply) == expected

    def test_depth_has_an_end(self) -> None:
        value: list[Any] = []
        value.append(value)
        assert weight(SdkReply(value=value)) >= DESK_BYTES


def test_the_numbers() -> None:
    assert (KEEP, DESK_MAX, DESK_BYTES) == (2 * SECOND, 256, 2**20)
    assert (ALL_MAX, ALL_BYTES) == (4096, 8 * 2**20)
