"""The vectors observed from the reference, for every function that has an adapter."""

from pathlib import Path

import pytest

from tests.parity import vectors

DATA = Path(__file__).parent / "data"


def test_every_vector_of_a_built_function_passes():
    tally = vectors.run(DATA)
    assert tally.failures == []
    assert tally.passed > 2_000


def test_every_adapter_is_used():
    assert set(vectors.ADAPTERS) <= {vector["fn"] for vector in vectors.vectors(DATA)}


def test_bad_arguments():
    assert vectors.main([]) == 2


def test_a_failure_is_told(tmp_path, capsys):
    (tmp_path / "x.jsonl").write_text(
        '{"id":"x/1","fn":"duration_string","args":{"ns":"1"},"ok":true,"result":"2ns"}\n{"id":"x/2","fn":"nope","args":{},"ok":true}\n'
    )
    assert vectors.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == ["x/1: got '1ns', want '2ns'", "not built yet: nope: 1", "0 passed, 1 failed"]


@pytest.mark.parametrize("value", ["a", {"b64": "/w=="}])
def test_values_survive_both_ways(value):
    assert vectors.plain(vectors.raw(value)) == value
