"""What a start costs."""

import json

from bench import imports
from bench.imports import Import, Running

IMPORTED = Import("m", 0.5, 60.0, 100, 0.05, 10.0, [("slow", 12.5)])
RUNNING = Running(0.7, 1.0, 0.1, 65.0, 80.0)


def test_a_real_import_costs_more_than_none() -> None:
    found = imports.measure("json.tool", 2, 3)
    assert found.cpu_s >= found.interpreter_cpu_s - 0.02
    assert found.rss_mb > 3
    assert found.modules > 10
    assert len(found.slowest) == 3


def test_budgets() -> None:
    assert imports.exceeded(IMPORTED, RUNNING, 0.8, 70) == []
    assert imports.exceeded(IMPORTED, RUNNING, None, None) == []
    over = imports.exceeded(IMPORTED, RUNNING, 0.4, 62)
    assert over == ["importing m takes 0.50 s of CPU, more than 0.4", "the running operator takes 65 MB, more than 62"]


def test_both_outputs() -> None:
    assert json.loads(imports.as_json(IMPORTED, None))["running"] is None
    text = imports.as_table(IMPORTED, RUNNING)
    assert "slow" in text
    assert "running, no objects" in text
