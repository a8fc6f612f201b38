"""All cases of all providers."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pathlib import Path

from eso_core.sim.provider.case import Case

WITH_CASES = sorted(path.parent.name for path in Path(__file__).parent.glob("*/case.py"))
"""The folders here that have a file with cases."""


def cases_of(name: str) -> tuple[Case, ...]:
    """The cases of one folder."""
    found: tuple[Case, ...] = import_module(f"tests.providers.{name}.case").CASES
    return found


def _readable() -> list[Case]:
    cases: list[Case] = []
    for name in WITH_CASES:
        with suppress(Exception):  # a test tells of it; it must not hide the others
            cases.extend(cases_of(name))
    return cases


CASES = _readable()
