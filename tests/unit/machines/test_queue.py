"""The work queue."""

from __future__ import annotations

from eso_core.machines.queue import Queue
from eso_core.machines.turns import REASONS, Reason


def made(**at: int) -> Queue[str]:
    queue: Queue[str] = Queue()
    for key, time in at.items():
        queue.add(key, time)
    return queue


def drained(queue: Queue[str], now: int) -> list[str]:
    taken = []
    while (key := queue.take(now)) is not None:
        taken.append(key)
    return taken


def test_earliest_first_and_not_before_it_is_due() -> None:
    queue = made(late=30, early=10, middle=20)
    assert (queue.take(9), queue.next_at(), len(queue)) == (None, 10, 3)
    assert drained(queue, 20) == ["early", "middle"]
    assert (queue.next_at(), queue.running, len(queue)) == (30, 2, 1)


def test_ties_in_order_of_addition() -> None:
    assert drained(made(b=5, a=5, c=5), 5) == ["b", "a", "c"]


def test_once_with_its_earliest_time() -> None:
    queue = made(a=20)
    queue.add("a", 30)
    assert queue.next_at() == 20
    queue.add("a", 10)
    assert (queue.next_at(), len(queue)) == (10, 1)
    assert drained(queue, 100) == ["a"]


def test_a_running_key_is_not_handed_out_again() -> None:
    queue = made(a=1)
    assert queue.take(1) == "a"
    queue.add("a", 2)
    assert (queue.take(100), len(queue), queue.next_at()) == (None, 0, None)
    queue.done("a", None)
    assert (queue.next_at(), queue.running) == (2, 0)


def test_done_takes_the_earlier_of_both() -> None:
    for added, again, expected in [(5, 9, 5), (9, 5, 5), (None, 7, 7), (7, None, 7), (None, None, None)]:
        queue = made(a=1)
        queue.take(1)
        if added is not None:
            queue.add("a", added)
        queue.done("a", again)
        assert queue.next_at() == expected


def test_the_earliest_addition_while_running_counts() -> None:
    queue = made(a=1)
    queue.take(1)
    for at in (9, 4, 6):
        queue.add("a", at)
    queue.done("a", None)
    assert queue.next_at() == 4


def test_a_superseded_time_does_not_run_twice() -> None:
    queue = made(a=10)
    queue.add("a", 5)
    assert queue.take(5) == "a"
    queue.done("a", 10)
    assert drained(queue, 10) == ["a"]
    queue.done("a", None)
    assert drained(queue, 100) == []


def test_how_long_it_has_been_due() -> None:
    queue = made(a=10)
    assert [queue.due_since(now) for now in (5, 10, 25)] == [0, 0, 15]
    assert Queue().due_since(5) == 0


def test_memory_follows_the_keys() -> None:
    queue: Queue[str] = Queue()
    for at in range(100_000, 0, -1):
        queue.add("a", at)
    for reason in reversed(REASONS):
        queue.add("a", 0, reason)
    assert sum(map(len, queue._heaps)) < 500
    assert drained(queue, 100_000) == ["a"]


class TestClasses:
    """Among classes with due keys each has its share; within a class the earliest due comes first."""

    def filled(self, each: int, *reasons: Reason) -> Queue[str]:
        queue: Queue[str] = Queue()
        for reason in reasons:
            for number in range(each):
                queue.add(f"{reason.name}{number}", number, reason)
        return queue

    def classes(self, queue: Queue[str], count: int) -> dict[str, int]:
        taken = [str(queue.take(1000)).rstrip("0123456789") for _ in range(count)]
        return {name: taken.count(name) for name in dict.fromkeys(taken)}

    def test_shares(self) -> None:
        queue = self.filled(30, *REASONS[1:])
        assert self.classes(queue, 30) == {"CHANGED": 16, "NEW": 8, "REFRESH": 4, "RETRY": 2}

    def test_shares_are_of_what_is_due(self) -> None:
        queue = self.filled(30, Reason.RETRY, Reason.NEW)
        queue.add("later", 2000, Reason.CHANGED)
        assert self.classes(queue, 10) == {"NEW": 8, "RETRY": 2}
        assert self.classes(self.filled(30, Reason.RETRY), 10) == {"RETRY": 10}

    def test_stores_before_everything(self) -> None:
        queue = self.filled(30, *REASONS)
        assert self.classes(queue, 30) == {"STORE": 30}

    def test_a_new_object_does_not_wait_behind_refreshes(self) -> None:
        queue = self.filled(500, Reason.REFRESH)
        self.classes(queue, 100)
        queue.add("new", 999, Reason.NEW)
        assert queue.take(1000) == "new"

    def test_up_and_never_down(self) -> None:
        queue = made(a=20)
        queue.add("a", 30, Reason.CHANGED)
        queue.add("a", 40, Reason.RETRY)
        assert (queue.next_at(), len(queue)) == (20, 1)
        assert queue.take(20) == "a"
        assert queue.reason("a") is Reason.CHANGED
        assert drained(queue, 100) == []

    def test_while_it_runs(self) -> None:
        queue = made(a=1)
        queue.take(1)
        queue.add("a", 9, Reason.CHANGED)
        queue.add("a", 5, Reason.RETRY)
        queue.done("a", 7, Reason.REFRESH)
        assert queue.take(5) == "a"
        assert queue.reason("a") is Reason.CHANGED

    def test_a_class_does_not_stick(self) -> None:
        queue: Queue[str] = Queue()
        queue.add("a", 1, Reason.CHANGED)
        queue.take(1)
        queue.done("a", 2, Reason.REFRESH)
        queue.take(2)
        assert queue.reason("a") is Reason.REFRESH

    def test_overdue(self) -> None:
        queue: Queue[str] = Queue()
        queue.add("a", 10, Reason.REFRESH)
        queue.add("b", 15, Reason.NEW)
        queue.add("c", 99, Reason.RETRY)
        assert queue.overdue(20) == {
            Reason.STORE: 0,
            Reason.CHANGED: 0,
            Reason.NEW: 5,
            Reason.REFRESH: 10,
            Reason.RETRY: 0,
        }


def test_what_waits_is_what_is_due() -> None:
    """Keys that come back in an hour do not wait; an alert on the number would always fire."""
    queue: Queue[str] = Queue()
    queue.add("late", 100, Reason.REFRESH)
    queue.add("due", 10, Reason.REFRESH)
    assert [queue.waiting(now) for now in (9, 10, 100)] == [0, 1, 2]
    assert queue.take(10) == "due"
    assert queue.waiting(10) == 0


class TestAsked:
    """When a pass was last asked for: the latest time up to its turn for which its key was added."""

    def asked(self, queue: Queue[str], now: int, key: str = "a") -> int:
        assert queue.take(now) == key
        return queue.asked_at(key)

    def test_when_it_became_due(self) -> None:
        assert self.asked(made(a=10), 25) == 10

    def test_the_latest(self) -> None:
        queue = made(a=10)
        for at in (12, 20, 14):
            queue.add("a", at)
        assert self.asked(queue, 30) == 20

    def test_what_is_planned_for_later_does_not_count(self) -> None:
        queue = made(a=100)
        queue.add("a", 10)
        assert self.asked(queue, 30) == 10

    def test_unless_its_time_has_come(self) -> None:
        queue = made(a=100)
        queue.add("a", 10)
        assert self.asked(queue, 130) == 100

    def test_not_after_its_turn(self) -> None:
        queue = made(a=100)
        queue.add("a", 10)
        queue.add("a", 20)
        assert self.asked(queue, 30) == 30

    def test_a_turn_ends_it(self) -> None:
        queue = made(a=10)
        queue.add("a", 20)
        assert self.asked(queue, 20) == 20
        queue.done("a", 15)
        assert self.asked(queue, 30) == 15

    def test_while_it_ran(self) -> None:
        queue = made(a=10)
        queue.take(10)
        for at in (12, 17):
            queue.add("a", at)
        queue.done("a", 1000)
        assert queue.next_at() == 12
        assert self.asked(queue, 17) == 17

    def test_while_it_ran_and_for_later(self) -> None:
        queue = made(a=10)
        queue.take(10)
        for at in (12, 17, 90):
            queue.add("a", at)
        queue.done("a", None)
        assert self.asked(queue, 17) == 17

    def test_whoever_could_not_use_its_turn_keeps_the_question(self) -> None:
        queue = made(other=5)
        queue.add_first("a", 30, Reason.REFRESH, 7)
        assert self.asked(queue, 30) == 7
        queue.done("a", None)
        queue.add_first("a", 30, Reason.REFRESH, 7)
        queue.add("a", 29)
        assert self.asked(queue, 30) == 29

    def test_so_it_does_when_nobody_else_waits(self) -> None:
        queue = made()
        queue.add_first("a", 30, Reason.REFRESH, 7)
        assert self.asked(queue, 30) == 7

    def test_first_while_it_runs(self) -> None:
        queue = made(a=1, b=2)
        queue.take(1)
        queue.add_first("a", 30, Reason.REFRESH, 7)
        queue.done("a", None)
        queue.take(30)
        assert self.asked(queue, 30) == 30
