"""The bench of templates."""

import pytest

from bench import templates
from bench.templates import Cost


def test_both_engines_are_measured() -> None:
    for measured in (templates.ours(2), templates.jinja(2)):
        assert 0 < measured.execute < measured.compile


def test_the_table() -> None:
    shown = templates.table({"ours": Cost(12.34, 456.7), "Jinja2": Cost(5.0, 1000.0)})
    assert shown.splitlines() == ["µs           execute   compile", "ours            12.3       457", "Jinja2           5.0      1000"]


def test_there_is_nothing_to_choose(capsys: pytest.CaptureFixture[str]) -> None:
    assert templates.main(["--fast"]) == 2
    assert capsys.readouterr().err == "usage: python -m bench.templates\n"
