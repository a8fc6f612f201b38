"""Who waits for what."""

from __future__ import annotations

from eso_core.machines.waits import Waits


def test_told_once() -> None:
    waits: Waits[str, str] = Waits()
    waits.wait("a", frozenset({"x", "y"}))
    assert waits.changed("x") == ("a",)
    assert waits.changed("x") == ()
    assert waits.changed("y") == ("a",)


def test_waiting_anew_replaces_and_forgetting_ends_it() -> None:
    waits: Waits[str, str] = Waits()
    waits.wait("a", frozenset({"x"}))
    waits.wait("a", frozenset({"y"}))
    assert waits.changed("x") == ()
    waits.forget("a")
    assert waits.changed("y") == ()
