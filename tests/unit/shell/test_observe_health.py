"""Checks, and how their failures are made known."""

from __future__ import annotations

import asyncio
import json
import logging as stdlib
from collections.abc import Iterator
from typing import Any

import pytest

from eso_shell.observe import logging
from eso_shell.observe.health import Health, watch_health


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Log lines without their time."""
    root = stdlib.getLogger()
    before = (list(root.handlers), root.level)
    found: list[dict[str, Any]] = []
    logging.configure("debug", write=lambda raw: found.append({k: v for k, v in json.loads(raw).items() if k != "ts"}), mono_ns=lambda: 0)
    yield found
    stdlib.captureWarnings(False)
    logging.configure()
    root.handlers[:], root.level = before
    stdlib.captureWarnings(False)


class Checks:
    """Two checks; one is well as long as ``why`` is empty."""

    def __init__(self) -> None:
        self.why = ""
        self.health = Health({"queue": self.queue, "watches": lambda: (True, "")})

    def queue(self) -> tuple[bool, str]:
        if self.why == "raise":
            raise LookupError
        return not self.why, self.why


def test_one_line_when_it_begins_and_one_when_it_ends(lines: list[dict[str, Any]]) -> None:
    checks = Checks()
    for why in ("", "late by 301 s", "late by 302 s", "late by 303 s", "", ""):
        checks.why = why
        checks.health.look()
        checks.health.reading()
        checks.health.probes()["watches"]()
    assert lines == [
        {"level": "error", "logger": "health", "msg": "not healthy", "check": "queue", "reason": "late by 301 s"},
        {"level": "info", "logger": "health", "msg": "healthy again", "check": "queue"},
    ]


def test_probes_and_reading_say_what_holds_now() -> None:
    checks = Checks()
    probes = checks.health.probes()
    assert {name: probe() for name, probe in probes.items()} == {"queue": (True, ""), "watches": (True, "")}
    checks.why = "late"
    assert (probes["queue"](), probes["watches"]()) == ((False, "late"), (True, ""))
    assert checks.health.reading() == {"queue": 0.0, "watches": 1.0}


def test_a_check_that_cannot_be_made_fails() -> None:
    checks = Checks()
    checks.why = "raise"
    assert checks.health.look() == {"queue": "the check failed: LookupError", "watches": ""}


async def test_the_log_tells_without_any_probe(lines: list[dict[str, Any]]) -> None:
    checks, turns = Checks(), iter(["", "late", "late"])

    async def sleep(seconds: float) -> None:
        try:
            checks.why = next(turns)
        except StopIteration:
            raise asyncio.CancelledError from None

    with pytest.raises(asyncio.CancelledError):
        await watch_health(checks.health, sleep=sleep)
    assert [line["msg"] for line in lines] == ["not healthy"]
