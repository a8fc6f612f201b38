"""The vectors observed from the reference, for every function that has an adapter."""

from pathlib import Path

import pytest

from tests.parity import deliberate, form, vectors

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def tally() -> vectors.Tally:
    return vectors.run(DATA)


def test_every_vector_of_a_built_function_passes(tally):
    assert tally.failures == []
    assert tally.passed > 2_400


def test_only_what_a_document_tells_differs_on_purpose(tally):
    assert {row for _, row in tally.deliberate} <= deliberate.rows()
    assert len(tally.deliberate) <= 10


def test_a_difference_without_a_row_is_a_failure():
    args = {"creationPolicy": "None"}
    assert deliberate.reason("secret_valid", args, deliberate.rows()) == "`creationPolicy: None`"
    assert deliberate.reason("secret_valid", args, frozenset()) == ""
    assert deliberate.reason("secret_valid", {"creationPolicy": "Owner"}, deliberate.rows()) == ""
    assert deliberate.reason("decode", args, deliberate.rows()) == ""


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
    assert form.plain(form.raw(value)) == value


@pytest.mark.parametrize(("got", "want"), [({"a": []}, {"a": None}), ([], None), (None, {}), ([[], {}], [None, None])])
def test_a_null_and_an_empty_collection_do_not_differ(got, want):
    assert form.same(got, want)
    assert form.same(want, got)


@pytest.mark.parametrize(("got", "want"), [({"a": ""}, {"a": None}), ([1], [2]), ([], [[]]), ("", "x"), ({"a": 1}, {})])
def test_other_values_differ(got, want):
    assert not form.same(got, want)
