"""How many examples property tests run.

``default`` for a working copy, ``ci`` the same examples on every run, ``long`` for a night: ``HYPOTHESIS_PROFILE=long``.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

SHARED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", max_examples=200, **SHARED)
settings.register_profile("ci", max_examples=300, derandomize=True, database=None, print_blob=True, **SHARED)
settings.register_profile("long", max_examples=20_000, **SHARED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))

_RUN: dict[str, int] = {}  # property test -> examples that passed


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """Remember how many examples a property test ran."""
    yield
    counts = re.findall(r"(\d+) passing", getattr(item, "hypothesis_statistics", ""))
    if counts:
        item.user_properties.append(("examples", sum(map(int, counts))))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for name, count in report.user_properties:
            if name == "examples" and isinstance(count, int):
                _RUN[report.nodeid] = count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line: the laws and their examples."""
    if _RUN:
        terminalreporter.write_line(f"{len(_RUN)} property tests, {sum(_RUN.values())} examples")
