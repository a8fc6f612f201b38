"""Manifests to models: defaults, effective values, and faults with their paths."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from eso_core.api import ClusterSecretStore, FieldError, InvalidObject, SecretStore, dump, parse_external_secret, parse_store

MINIMAL: dict[str, Any] = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "metadata": {"name": "app", "namespace": "team"},
    "spec": {"secretStoreRef": {"name": "store"}, "data": [{"secretKey": "password", "remoteRef": {"key": "db"}}]},
}


def external_secret(**spec: Any) -> dict[str, Any]:
    return {**MINIMAL, "spec": {**MINIMAL["spec"], **spec}}


def store(kind: str = "SecretStore", **provider: Any) -> dict[str, Any]:
    return {"apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": {"name": "s"}, "spec": {"provider": provider}}


def faults(raw: Any) -> list[str]:
    parse = parse_external_secret if isinstance(raw, dict) and raw.get("kind") == "ExternalSecret" else parse_store
    return [str(error) for error in parse(raw).failure().errors]


class TestExternalSecret:
    def test_absent_fields_have_their_effective_values(self) -> None:
        es = parse_external_secret(MINIMAL).unwrap()
        assert es.spec.refresh_interval == "1h0m0s"
        assert es.spec.refresh_policy == "Periodic"
        assert es.spec.secret_store_ref.kind == "SecretStore"
        assert (es.spec.target.creation_policy, es.spec.target.deletion_policy) == ("Owner", "Retain")
        assert es.spec.target.template is None
        [entry] = es.spec.data
        assert (entry.remote_ref.conversion_strategy, entry.remote_ref.decoding_strategy) == ("Default", "None")
        assert (es.status.refresh_time, es.status.synced_resource_version, es.status.conditions) == (None, "", ())

    def test_unknown_fields_are_dropped(self) -> None:
        es = parse_external_secret(external_secret(nonsense={"a": 1})).unwrap()
        assert dump(es) == MINIMAL

    def test_a_null_is_absent(self) -> None:
        es = parse_external_secret(external_secret(target=None, refreshInterval=None, dataFrom=None)).unwrap()
        assert es.spec.target.deletion_policy == "Retain"
        assert es.spec.refresh_interval == "1h0m0s"
        assert es.spec.data_from == ()

    def test_models_are_immutable(self) -> None:
        es = parse_external_secret(MINIMAL).unwrap()
        with pytest.raises(ValidationError):
            es.spec.refresh_interval = "1m"  # type: ignore[misc]

    def test_python_names_build_what_json_names_say(self) -> None:
        es = parse_external_secret(MINIMAL).unwrap()
        changed = es.model_copy(update={"spec": es.spec.model_copy(update={"refresh_interval": "5m"})})
        assert dump(changed)["spec"]["refreshInterval"] == "5m"

    def test_other_kinds_and_versions_are_refused(self) -> None:
        raw = {**MINIMAL, "apiVersion": "external-secrets.io/v1beta1"}
        assert faults(raw) == ["apiVersion: must be 'external-secrets.io/v1'"]
        assert str(parse_external_secret({**MINIMAL, "kind": "Secret"}).failure().errors[0]) == "kind: must be 'ExternalSecret'"


class TestFaults:
    def test_paths_name_the_field(self) -> None:
        data = [MINIMAL["spec"]["data"][0], {"secretKey": 7, "remoteRef": {"key": "k", "decodingStrategy": "Rot13"}}, {"secretKey": "x"}]
        assert faults(external_secret(data=data, refreshPolicy="Sometimes")) == [
            "spec.refreshPolicy: must be 'CreatedOnce', 'Periodic' or 'OnChange'",
            "spec.data[1].secretKey: must be a string",
            "spec.data[1].remoteRef.decodingStrategy: must be 'Auto', 'Base64', 'Base64URL' or 'None'",
            "spec.data[2].remoteRef: is required",
        ]

    @pytest.mark.parametrize(
        ("spec", "fault"),
        [
            ({"data": {}}, "spec.data: must be a list"),
            ({"data": "x"}, "spec.data: must be a list"),
            ({"data": ["x"]}, "spec.data[0]: must be an object"),
            ({"target": 1}, "spec.target: must be an object"),
            ({"target": {"immutable": "yes"}}, "spec.target.immutable: must be a boolean"),
            ({"target": {"template": {"data": {"a": 1}}}}, "spec.target.template.data.a: must be a string"),
            ({"target": {"template": {"data": []}}}, "spec.target.template.data: must be an object"),
            ({"data": [None]}, "spec.data[0]: must be an object"),
        ],
    )
    def test_wrong_types(self, spec: dict[str, Any], fault: str) -> None:
        assert faults(external_secret(**spec)) == [fault]

    def test_bytes_that_are_not_json(self) -> None:
        for parse in (parse_external_secret, parse_store):
            assert str(parse(b'{"spec": "s3cr3t').failure().errors[0]) == "is not valid JSON"

    def test_what_is_no_object(self) -> None:
        for parse in (parse_external_secret, parse_store):
            assert parse([]).failure().summary() == "must be an object"  # type: ignore[arg-type]
            assert parse(b"[]").failure().summary() == "must be an object"

    def test_nesting_without_end_is_a_fault(self) -> None:
        assert parse_external_secret(b"[" * 100_000).failure().summary() == "is nested too deeply"
        deep: Any = 1
        for _ in range(5_000):
            deep = {"a": deep}
        assert parse_external_secret(external_secret(target=deep, data=1)).failure().summary() == "spec.data: must be a list"

    def test_a_summary_is_one_line_with_a_count(self) -> None:
        several = InvalidObject(tuple(FieldError(f"spec.data[{i}]", "is required") for i in range(7)))
        assert several.summary().endswith("spec.data[4]: is required; and 2 more")
        assert InvalidObject(several.errors[:1]).summary() == "spec.data[0]: is required"

    def test_names_in_paths_are_short_and_printable(self) -> None:
        [fault] = faults(external_secret(target={"template": {"data": {"k\n" * 99: 1}}}))
        assert "\n" not in fault
        assert len(fault) < 130


class TestStore:
    def test_kind_tells_the_model(self) -> None:
        assert type(parse_store(store(fake={"data": []})).unwrap()) is SecretStore
        assert type(parse_store(store("ClusterSecretStore", fake={"data": []})).unwrap()) is ClusterSecretStore
        assert faults(store("Secret")) == ["kind: must be 'SecretStore' or 'ClusterSecretStore'"]
        assert faults({}) == ["kind: must be 'SecretStore' or 'ClusterSecretStore'"]

    def test_the_provider_is_typed(self) -> None:
        made = parse_store(store(vault={"server": "https://v", "auth": {"kubernetes": {"role": "r"}}})).unwrap()
        assert made.provider_key == "vault"
        spec = made.provider_spec("vault")
        assert (spec.version, spec.auth.kubernetes.mount_path, spec.path) == ("v2", "kubernetes", None)
        assert made.provider_spec("aws") is None

    def test_a_provider_without_type_is_kept(self) -> None:
        raw = store(outer={"host": "h", "auth": {"x": [1, None]}})
        made = parse_store(raw).unwrap()
        assert made.provider_spec("outer") == {"host": "h", "auth": {"x": [1, None]}}
        assert dump(made) == raw

    def test_not_exactly_one_provider(self) -> None:
        assert parse_store(store()).unwrap().provider_key is None
        both = parse_store(store(fake={"data": []}, aws={"service": "SecretsManager", "region": "r"})).unwrap()
        assert (both.provider_key, both.provider_keys) == (None, ("fake", "aws"))

    def test_unknown_providers_count(self) -> None:
        made = parse_store(store(fake={"data": []}, nosuch={"a": 1}, aws=None)).unwrap()
        assert (made.provider_keys, made.provider_key) == (("fake", "nosuch"), None)

    def test_faults_inside_providers_have_their_path(self) -> None:
        raw = store(vault={"version": "v3", "auth": {"jwt": {"kubernetesServiceAccountToken": {"expirationSeconds": 2**70}}}}, gitlab=3)
        assert faults(raw) == [
            "spec.provider.vault.server: is required",
            "spec.provider.vault.version: must be 'v1' or 'v2'",
            "spec.provider.vault.auth.jwt.kubernetesServiceAccountToken.serviceAccountRef: is required",
            "spec.provider.vault.auth.jwt.kubernetesServiceAccountToken.expirationSeconds: must be at most 9223372036854775807",
            "spec.provider.gitlab: must be an object",
        ]

    @pytest.mark.parametrize("interval", [300, "5m", 0])
    def test_refresh_interval_is_an_integer_or_text(self, interval: int | str) -> None:
        raw = store(fake={"data": []})
        raw["spec"]["refreshInterval"] = interval
        assert parse_store(raw).unwrap().spec.refresh_interval == interval

    @pytest.mark.parametrize("interval", [1.5, True, [], {}])
    def test_and_nothing_else(self, interval: Any) -> None:
        raw = store(fake={"data": []})
        raw["spec"]["refreshInterval"] = interval
        assert faults(raw) == ["spec.refreshInterval: must be an integer or a string"]

    def test_values_in_a_spec_do_not_show(self) -> None:
        made = parse_store(store(fake={"data": [{"key": "k", "value": "s3cr3t"}]})).unwrap()
        assert "s3cr3t" not in repr(made)
        assert "s3cr3t" in json.dumps(dump(made))


def test_importing_the_api_loads_no_provider_and_no_schema_code() -> None:
    code = (
        "import sys, eso_core.api; "
        "print([m for m in sys.modules if m == 're2' or m.startswith('eso_core.api.providers.') "
        "or m in ('eso_core.api.crd', 'eso_core.api.structural')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
