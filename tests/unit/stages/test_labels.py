"""Label selectors."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.api import LabelSelector
from eso_core.stages.labels import selects

LABELS = {"env": "prod", "team": "a", "empty": ""}


def rule(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"env": "prod"}}, True),
        ({"matchLabels": {"env": "dev"}}, False),
        ({"matchLabels": {"env": "prod", "team": "b"}}, False),
        ({"matchLabels": {"absent": ""}}, False),
        (rule("env", "In", "dev", "prod"), True),
        (rule("env", "In"), False),
        (rule("absent", "In", ""), False),
        (rule("env", "NotIn", "dev"), True),
        (rule("env", "NotIn", "prod"), False),
        (rule("absent", "NotIn", "prod"), True),
        (rule("empty", "Exists"), True),
        (rule("absent", "Exists"), False),
        (rule("absent", "DoesNotExist"), True),
        (rule("env", "DoesNotExist"), False),
        (rule("env", "Gt", "1"), False),
        ({"matchLabels": {"env": "prod"}, **rule("team", "NotIn", "a")}, False),
    ],
)
def test_selects(selector: dict[str, Any], expected: bool) -> None:
    assert selects(LabelSelector.model_validate(selector), LABELS) is expected
