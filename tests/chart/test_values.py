"""values.yaml is the one source of descriptions and schema."""

from __future__ import annotations

import re

import helm_python
import pytest
import yaml

from helm import values_schema
from tests.chart.render import CHART

VALUES = values_schema.parse((CHART / "values.yaml").read_text())  # raises for a key without a description


@pytest.mark.parametrize("path", values_schema.outputs(), ids=lambda path: path.name)
def test_generated_files_are_current(path):
    """`python helm/values_schema.py` writes them."""
    assert path.read_text() == values_schema.outputs()[path]


def test_every_value_is_described_once():
    abouts = [v.about for v in values_schema.walk(VALUES)]
    assert all(abouts)
    assert all(about.endswith(".") for about in abouts)
    paths = [v.path for v in values_schema.walk(VALUES)]
    assert len(paths) == len(set(paths))


def test_every_value_is_used():
    """A template reads it, or its description says that nothing does."""
    templates = "".join(path.read_text() for path in sorted((CHART / "templates").iterdir()))
    idle = [v.path for v in values_schema.walk(VALUES) if v.about.startswith("Accepted, no effect") or v.path == ("enabled",)]
    # Values that are passed on whole, or of which the parts are looked up by name.
    whole = [("securityContext",), ("podSecurityContext",), ("livenessProbe", "spec"), ("readinessProbe", "spec"), ("crds",)]
    for path in (v.path for v in values_schema.walk(VALUES)):
        if not any(path[: len(prefix)] == prefix for prefix in idle + whole):
            assert re.search(rf"[. \"]{path[-1]}\b", templates), ".".join(path)


def test_defaults_satisfy_the_schema():
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(yaml.load((CHART / "values.yaml").read_text(), Loader=yaml.CSafeLoader))


def test_chart_metadata():
    with helm_python.Chart.load(CHART) as chart:
        assert (chart.name, chart.version, chart.metadata["appVersion"]) == ("external-secrets", "2.9.0", "0.1.0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n", "a has no description"),
        ("# About.\na:\n", "a is null and has no @schema type"),
        ("# About.\na:\n  b: 1\n", "a.b has no description"),
    ],
)
def test_undescribed_values_are_an_error(text, message):
    with pytest.raises(ValueError, match=message):
        values_schema.parse(text)
