"""The fixed sequences of ``traces.py`` have the statuses that a real API server answered with."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from eso_core.instant import SECOND, Instant
from eso_core.sim.conformance import Session, Step
from tests.unit.sim.traces import TRACES
from tests.unit.sim.world import World

STATUSES = {
    "service_accounts": "201 201 201 422 400 400 400 405 404 200 200 404 405 405",
    "events": "201 201 422 200 201 200 201 200 200 400 400 400 200",
    "leases": "400 201 422 200 422 200 201 201 400 200 200",
    "namespaces": "201 409 422 200 200 200 200 201 409 200 200 403 403 200 200 200 200 422 200 404 404 400 200 403 404 200 405",
    "paths": "404 404 404 404 404 404 404 405 405 405 404 422 201 422 422 404 405 405 422 422 422 422 400 400 201 400 422",
    "empties": "201 200 200 200 201 200 200 200",
    "sizes": "201 422 201 422 413 422",
    "pages": (
        "201 201 201 201 201 201 201 200 200 200 200 400 200 504 504 400 200 200 504 200 500 422 422 422 "
        "200 200 400 200 400 400 200 400 400 400 400 200 200 200 400 200 200 200"
    ),
    "keyed_lists": "201 200 200 200 200 200 200 200 200 200 200 200 422 200 200 422 200 400 200 409",
}


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.__name__)
def test_statuses(trace: Callable[[str], list[Step]]) -> None:
    world = World()
    world.server.create_namespace("t")
    clock = itertools.count(1_700_000_000)
    session = Session(lambda call: world.server.handle(call, Instant(next(clock) * SECOND)))
    assert " ".join(str(session.run(step).status) for step in trace("t")) == STATUSES[trace.__name__]
