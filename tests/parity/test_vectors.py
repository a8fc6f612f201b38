"""The vectors observed from the reference: functions that have an adapter, and a part of those of templates, some of each group."""

import json
from pathlib import Path

import pytest

from tests.parity import deliberate, form, vectors

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def tally() -> vectors.Tally:
    return vectors.run(DATA)


def test_every_vector_of_a_built_function_passes(tally):
    assert tally.failures == []
    assert tally.passed > 3_900


def test_errors_of_templates_read_as_the_reference_says(tally):
    assert tally.kinds == []
    assert len(tally.texts) <= 5


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
    assert set(vectors.ADAPTERS) <= {vector["fn"] for vector in vectors.vectors(DATA) if "fn" in vector}


def test_bad_arguments():
    assert vectors.main([]) == 2


def test_a_failure_is_told(tmp_path, capsys):
    (tmp_path / "x.jsonl").write_text(
        '{"id":"x/1","fn":"duration_string","args":{"ns":"1"},"ok":true,"result":"2ns"}\n{"id":"x/2","fn":"nope","args":{},"ok":true}\n'
    )
    assert vectors.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == ["x/1: got '1ns', want '2ns'", "not built yet: nope: 1", "0 passed, 1 failed"]


def test_a_template_is_checked_for_output_class_kind_and_text(tmp_path, capsys):
    cases = [
        {"id": "t/1", "template": "{{ .a }}", "data": {"a": {"b64": "/w=="}}, "ok": True, "output_b64": "/w=="},
        {"id": "t/2", "template": "{{ .a }}", "data": {"a": "x"}, "ok": True, "output": "y"},
        {"id": "t/3", "template": "{{ .b }}", "data": {}, "ok": False, "error_class": "parse"},
        {"id": "t/4", "template": "{{ .b }}", "data": {}, "ok": False, "error_class": "exec", "error_kind": "call", "error": "no"},
        {"id": "t/5", "template": "{{ 1 }}", "data": {}, "ok": False, "error_class": "exec"},
        {"id": "t/6", "template": "{{ .value }}{{ .x }}", "key": "k", "mode": "transform", "ok": True, "output": "k<no value>"},
        {"id": "t/7", "template": "{{ 1 }}", "data": {}, "ok": True, "nondeterministic": True, "check": {"regex": "[2-9]"}},
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    assert vectors.main([str(tmp_path)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[:4]] == ["t/2", "t/3", "t/5", "t/7"]
    assert said[4:] == ["error_kind differs: 1, such as t/4", "error text differs: 1, such as t/4", "3 passed, 4 failed"]


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
