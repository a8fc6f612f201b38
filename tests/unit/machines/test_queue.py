"""The work queue."""

from __future__ import annotations

from eso_core.machines.queue import Queue


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
    assert len(queue._heap) < 100
    assert drained(queue, 100_000) == ["a"]
