"""Laws of parsing, dumping, defaulting and schema application."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from eso_core.api import ExternalSecret, InvalidObject, dump, parse_external_secret, parse_store
from eso_core.api.admission import admission_errors
from eso_core.api.crd import RESOURCES, defaulted, schema_for
from eso_core.api.structural import apply_schema, unknown
from tests.property.strategies import api as made

SENTINEL = "s3cr3t-sentinel"
PLURALS = {resource.kind: resource.plural for resource in RESOURCES}


def schema_of(raw: dict[str, Any]) -> Any:
    return schema_for("external-secrets.io", "v1", PLURALS[raw["kind"]])


def parse(raw: dict[str, Any]) -> Any:
    return parse_external_secret(raw) if raw["kind"] == "ExternalSecret" else parse_store(raw)


def with_unset(value: Any) -> Any:
    """Every field, set or not: for comparing what models mean."""
    return value.model_dump(mode="json", by_alias=True)


class TestRoundTrip:
    """What was set comes back under its JSON name; nothing else appears."""

    @given(made.manifests())
    def test_dump_gives_back_the_manifest(self, raw: dict[str, Any]) -> None:
        assert dump(parse(raw).unwrap()) == raw

    @given(made.manifests())
    def test_parse_gives_back_the_model(self, raw: dict[str, Any]) -> None:
        model = parse(raw).unwrap()
        assert parse(dump(model)).unwrap() == model

    @given(made.manifests())
    def test_bytes_and_objects_parse_the_same(self, raw: dict[str, Any]) -> None:
        text = json.dumps(raw).encode()
        read = parse_external_secret(text) if raw["kind"] == "ExternalSecret" else parse_store(text)
        assert read.unwrap() == parse(raw).unwrap()


class TestSchema:
    """The schema and the models agree."""

    @given(made.manifests())
    def test_generated_manifests_are_admitted(self, raw: dict[str, Any]) -> None:
        stored, errors = apply_schema(schema_of(raw), raw)
        assert errors == ()
        assert list(unknown(schema_of(raw), raw)) == []
        assert apply_schema(schema_of(raw), stored) == (stored, ())

    @given(made.manifests())
    def test_defaulting_is_idempotent(self, raw: dict[str, Any]) -> None:
        once = defaulted(raw["kind"], raw)
        assert defaulted(raw["kind"], once) == once

    @given(made.manifests())
    def test_model_defaults_are_those_of_the_schema(self, raw: dict[str, Any]) -> None:
        assert with_unset(parse(defaulted(raw["kind"], raw)).unwrap()) == with_unset(parse(raw).unwrap())

    @given(made.damaged(made.manifests()))
    def test_what_the_api_server_stores_parses(self, raw: dict[str, Any]) -> None:
        """A store without ``spec`` is the exception: it is admitted and means nothing."""
        stored, errors = apply_schema(schema_of(raw), raw)
        if not errors and (raw["kind"] == "ExternalSecret" or "spec" in stored):
            assert is_successful(parse(stored))

    @given(made.damaged(made.manifests()))
    def test_what_is_stored_is_stable(self, raw: dict[str, Any]) -> None:
        stored, errors = apply_schema(schema_of(raw), raw)
        assert apply_schema(schema_of(raw), stored) == (stored, errors)
        assert list(unknown(schema_of(raw), stored)) == []


class TestTotality:
    """Every JSON value is either a model or a list of faults; nothing is raised and no value is repeated."""

    @given(made.json_values(30))
    def test_any_json(self, raw: Any) -> None:
        for result in (parse_external_secret(raw), parse_store(raw)):
            assert is_successful(result) or isinstance(result.failure(), InvalidObject)

    @given(st.binary(max_size=40) | made.json_values().map(lambda value: json.dumps(value).encode()))
    def test_any_bytes(self, raw: bytes) -> None:
        for result in (parse_external_secret(raw), parse_store(raw)):
            assert is_successful(result) or isinstance(result.failure(), InvalidObject)

    @given(st.data(), made.json_values(30))
    def test_any_json_meets_any_schema(self, data: st.DataObject, raw: Any) -> None:
        kind = data.draw(st.sampled_from(sorted(PLURALS)))
        apply_schema(schema_of({"kind": kind}), raw)
        apply_schema(schema_of({"kind": kind}), {"kind": kind, "spec": raw, "status": raw})

    @given(made.damaged(made.manifests()))
    def test_damaged_manifests(self, raw: dict[str, Any]) -> None:
        result = parse(raw)
        if not is_successful(result):
            faults = result.failure()
            assert faults.errors
            assert "\n" not in faults.summary()
            assert all(error.path.partition(".")[0] in ("spec", "status") for error in faults.errors)

    @given(made.damaged(made.manifests(), st.sampled_from([SENTINEL, [SENTINEL], {"x": SENTINEL}])))
    def test_no_value_is_repeated(self, raw: dict[str, Any]) -> None:
        result = parse(raw)
        if not is_successful(result):
            assert SENTINEL not in result.failure().summary()
            assert all(SENTINEL not in str(error) for error in result.failure().errors)


class TestAdmission:
    """The strategies make what admission lets pass."""

    @given(made.external_secrets())
    def test_generated_external_secrets_pass(self, raw: dict[str, Any]) -> None:
        es = parse_external_secret(raw).unwrap()
        assert isinstance(es, ExternalSecret)
        assert admission_errors(es) == ()
