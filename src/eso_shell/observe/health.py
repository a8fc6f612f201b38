"""Is the operator alive? Asked by the kubelet, shown as a metric, and told in the log: a line when a check fails, and one when it is well.

All of it runs on the event loop. A loop that stands still answers no probe and writes no line: the probe's own time limit tells then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn, TypeAlias

from eso_shell.observe import logging

Check: TypeAlias = Callable[[], tuple[bool, str]]  # is it well, and if not, why
INTERVAL_S = 1.0


class Health:
    """Named checks, and which of them failed when somebody last looked."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._unwell: set[str] = set()
        self._log = logging.get("health")

    def look(self) -> Mapping[str, str]:
        """By check: why it fails, ``""`` when it is well. A change is told in the log, whoever looks first."""
        found = {name: _asked(check) for name, check in self._checks.items()}
        for name, why in found.items():
            if why and name not in self._unwell:
                self._unwell.add(name)
                self._log.error("not healthy", check=name, reason=why)
            elif not why and name in self._unwell:
                self._unwell.discard(name)
                self._log.info("healthy again", check=name)
        return found

    def reading(self) -> Mapping[str, float]:
        """For a gauge: 1 for each check that is well, 0 for the others."""
        return {name: float(not why) for name, why in self.look().items()}

    def probes(self) -> Mapping[str, Check]:
        """The same checks for an endpoint."""

        def probe(name: str) -> Check:
            def check() -> tuple[bool, str]:
                why = self.look()[name]
                return not why, why

            return check

        return {name: probe(name) for name in self._checks}


def _asked(check: Check) -> str:
    try:
        well, why = check()
    except Exception as error:
        return f"the check failed: {type(error).__name__}"
    return "" if well else why or "not well"


async def watch_health(
    health: Health, *, interval_s: float = INTERVAL_S, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> NoReturn:
    """Look again and again, so that the log tells of trouble that no probe asks for. Runs until it is cancelled."""
    while True:
        await sleep(interval_s)
        health.look()
