"""Keys in line: once each, in one class, by turns."""

from __future__ import annotations

from eso_core.machines.turns import Line, Reason


def everyone(line: Line[str]) -> list[str]:
    taken = []
    while (found := line.take()) is not None:
        taken.append(found[0])
    return taken


def test_first_come_first_served() -> None:
    line: Line[str] = Line()
    for key in "cab":
        line.put(key, Reason.NEW)
    line.put("c", Reason.NEW)
    assert (len(line), "a" in line, line.has(Reason.NEW), line.has(Reason.RETRY)) == (3, True, True, False)
    assert everyone(line) == ["c", "a", "b"]
    assert (len(line), line.take()) == (0, None)


def test_a_better_class_but_no_worse_one() -> None:
    line: Line[str] = Line()
    for key, reason in [("a", Reason.RETRY), ("b", Reason.NEW), ("a", Reason.CHANGED), ("b", Reason.RETRY)]:
        line.put(key, reason)
    assert line.take() == ("a", Reason.CHANGED)
    assert line.take() == ("b", Reason.NEW)
    assert line.take() is None


def test_forgotten() -> None:
    line: Line[str] = Line()
    line.put("a", Reason.NEW)
    line.forget("a")
    line.forget("b")
    assert (everyone(line), line.has(Reason.NEW)) == ([], False)


def test_shares() -> None:
    line: Line[int] = Line()
    for number in range(30):
        line.put(number, Reason.RETRY)
        line.put(100 + number, Reason.NEW)
    first = [line.take() for _ in range(10)]
    assert sum(found is not None and found[1] is Reason.RETRY for found in first) == 2
