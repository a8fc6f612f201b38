"""Filters and tests by the name that a template's value gives: ``map("upper")``."""

from __future__ import annotations

from collections.abc import Callable

from eso_core.template.jinja.state import Fault, Value


def filter_named(name: str) -> Callable[..., Value]:
    """The filter; an error if there is none of that name."""
    from eso_core.template.jinja.filters import FILTERS  # which has the filters that ask for it

    found = FILTERS.get(name)
    if found is None:
        raise Fault("no filter of that name", f": '{name}'")
    return found


def test_named(name: str) -> Callable[..., bool]:
    """The test; an error if there is none of that name."""
    from eso_core.template.jinja.checks import TESTS

    found = TESTS.get(name)
    if found is None:
        raise Fault("no test of that name", f": '{name}'")
    return found
