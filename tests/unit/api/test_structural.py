"""Prune, default, validate: answers recorded from a kube-apiserver, and the corners of each step."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.api.crd import schema_for
from eso_core.api.structural import apply_schema, unknown

EXTERNAL_SECRET = schema_for("external-secrets.io", "v1", "externalsecrets")
STORE = schema_for("external-secrets.io", "v1", "secretstores")
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


def errors(schema: Any, value: Any) -> list[str]:
    return [str(error) for error in apply_schema(schema, value)[1]]


def stored(schema: Any, value: Any) -> Any:
    return apply_schema(schema, value)[0]


class TestPrune:
    def test_the_head_stays_and_unknown_fields_go(self) -> None:
        raw = {"apiVersion": "v", "kind": "k", "metadata": {"any": 1}, "nonsense": 1, "spec": {"nonsense": 2, "refreshInterval": "1h"}}
        kept = {"apiVersion": "v", "kind": "k", "metadata": {"any": 1}, "spec": {"refreshInterval": "1h"}}
        assert stored(EXTERNAL_SECRET, raw)["metadata"] == {"any": 1}
        assert {key: value for key, value in stored(EXTERNAL_SECRET, raw).items() if key != "spec"} == {
            key: value for key, value in kept.items() if key != "spec"
        }
        assert "nonsense" not in stored(EXTERNAL_SECRET, raw)["spec"]
        assert list(unknown(EXTERNAL_SECRET, raw)) == ["nonsense", "spec.nonsense"]

    def test_unknown_fields_in_lists_are_named(self) -> None:
        raw = {"spec": {"data": [{"secretKey": "a", "remoteRef": {"key": "k", "nope": 1}}]}}
        assert list(unknown(EXTERNAL_SECRET, raw)) == ["spec.data[0].remoteRef.nope"]

    def test_an_untyped_provider_keeps_all(self) -> None:
        loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": {"type": "object"}}}
        assert stored(loose, {"a": {"b": 1}, "c": {"d": None}}) == {"a": {}, "c": {"d": None}}


class TestDefault:
    def test_defaults_fill_what_is_absent_when_the_parent_is_there(self) -> None:
        assert stored(EXTERNAL_SECRET, {"spec": {}}) == {
            "spec": {"refreshInterval": "1h0m0s", "target": {"creationPolicy": "Owner", "deletionPolicy": "Retain"}}
        }
        assert stored(EXTERNAL_SECRET, {}) == {}

    def test_a_null_goes_or_becomes_the_default(self) -> None:
        raw = {"spec": {"refreshInterval": None, "data": None, "target": {"name": None}}, "status": {"refreshTime": None}}
        assert stored(EXTERNAL_SECRET, raw) == {
            "spec": {"refreshInterval": "1h0m0s", "target": {"creationPolicy": "Owner", "deletionPolicy": "Retain"}},
            "status": {"refreshTime": None},
        }
        assert errors(EXTERNAL_SECRET, raw) == []

    def test_a_null_in_a_list_stays_and_is_a_fault(self) -> None:
        assert errors(EXTERNAL_SECRET, {"spec": {"data": [None]}}) == [
            'spec.data[0]: Invalid value: "null": spec.data[0] in body must be of type object: "null"'
        ]

    def test_nothing_given_is_changed(self) -> None:
        raw: dict[str, Any] = {"spec": {"target": {}, "data": [{"x": 1}]}}
        stored(EXTERNAL_SECRET, raw)
        assert raw == {"spec": {"target": {}, "data": [{"x": 1}]}}


class TestValidate:
    @pytest.mark.parametrize(
        ("spec", "error", "reason"),
        [
            (
                {"secretStoreRef": {"kind": "Vault"}},
                'spec.secretStoreRef.kind: Unsupported value: "Vault": supported values: "SecretStore", "ClusterSecretStore"',
                "FieldValueNotSupported",
            ),
            (
                {"secretStoreRef": {"name": "Store"}},
                f"spec.secretStoreRef.name: Invalid value: \"Store\": spec.secretStoreRef.name in body should match '{NAME_PATTERN}'",
                "FieldValueInvalid",
            ),
            (
                {"secretStoreRef": {"name": ""}},
                'spec.secretStoreRef.name: Invalid value: "": spec.secretStoreRef.name in body should be at least 1 chars long',
                "FieldValueInvalid",
            ),
            (
                {"secretStoreRef": {"name": "a" * 254}},
                "spec.secretStoreRef.name: Too long: may not be more than 253 bytes",
                "FieldValueTooLong",
            ),
            (
                {"dataFrom": [{"sourceRef": {"generatorRef": {"kind": "Fake"}}}]},
                "spec.dataFrom[0].sourceRef.generatorRef.name: Required value",
                "FieldValueRequired",
            ),
            (
                {"dataFrom": [{"sourceRef": {}}]},
                "spec.dataFrom[0].sourceRef: Invalid value: 0: spec.dataFrom[0].sourceRef in body should have at least 1 properties",
                "FieldValueInvalid",
            ),
            (
                {"dataFrom": [{"rewrite": [{"transform": {"template": ""}, "merge": {}}]}]},
                "spec.dataFrom[0].rewrite[0]: Too many: 2: must have at most 1 item",
                "FieldValueTooMany",
            ),
            (
                {"syncWindows": {"kind": "allow", "windows": []}},
                "spec.syncWindows.windows: Invalid value: 0: spec.syncWindows.windows in body should have at least 1 items",
                "FieldValueInvalid",
            ),
            (
                {"data": "x"},
                'spec.data: Invalid value: "string": spec.data in body must be of type array: "string"',
                "FieldValueTypeInvalid",
            ),
            (
                {"target": {"immutable": 1}},
                'spec.target.immutable: Invalid value: "integer": spec.target.immutable in body must be of type boolean: "integer"',
                "FieldValueTypeInvalid",
            ),
        ],
    )
    def test_texts_and_reasons(self, spec: Any, error: str, reason: str) -> None:
        found = apply_schema(EXTERNAL_SECRET, {"spec": spec})[1]
        assert [(str(each), each.reason) for each in found] == [(error, reason)]

    def test_all_errors_come_at_once(self) -> None:
        raw = {"spec": {"data": [{"remoteRef": {}}], "refreshPolicy": "Never"}}
        assert [error.partition(":")[0] for error in errors(EXTERNAL_SECRET, raw)] == [
            "spec.data[0].remoteRef.key",
            "spec.data[0].secretKey",
            "spec.refreshPolicy",
        ]

    def test_a_wrong_type_breaks_the_enum_too(self) -> None:
        assert errors(EXTERNAL_SECRET, {"spec": {"refreshPolicy": 7}}) == [
            'spec.refreshPolicy: Invalid value: "integer": spec.refreshPolicy in body must be of type string: "integer"',
            'spec.refreshPolicy: Unsupported value: 7: supported values: "CreatedOnce", "Periodic", "OnChange"',
        ]

    @pytest.mark.parametrize(
        ("time", "good"),
        [
            ("2026-02-28T23:59:59Z", True),
            ("2026-02-28t23:59:59.123+01:00", True),
            ("2026-02-30T00:00:00Z", False),
            ("2026-02-28T24:00:00Z", False),
            ("2026-02-28", False),
            ("20260228T000000Z", False),
            ("", False),
        ],
    )
    def test_date_time(self, time: str, good: bool) -> None:
        assert (errors(EXTERNAL_SECRET, {"status": {"refreshTime": time}}) == []) is good

    @pytest.mark.parametrize(("text", "good"), [("TUlJ", True), ("TUk=", True), ("TUk", False), ("", False), ("-_==", False)])
    def test_byte(self, text: str, good: bool) -> None:
        raw = {"spec": {"provider": {"kubernetes": {"server": {"caBundle": text}}}}}
        assert (errors(STORE, raw) == []) is good

    @pytest.mark.parametrize(
        ("number", "good"), [(2**31 - 1, True), (-(2**31), True), (2**31, False), (3.0, True), (3.5, False), (True, False)]
    )
    def test_int32(self, number: Any, good: bool) -> None:
        raw = {"spec": {"provider": {"fake": {"data": []}}, "retrySettings": {"maxRetries": number}}}
        assert (errors(STORE, raw) == []) is good

    def test_int_or_string(self) -> None:
        fine = {"provider": {"fake": {"data": []}}}
        assert errors(STORE, {"spec": {**fine, "refreshInterval": "5m"}}) == []
        assert errors(STORE, {"spec": {**fine, "refreshInterval": 5}}) == []
        assert errors(STORE, {"spec": {**fine, "refreshInterval": []}}) == [
            'spec.refreshInterval: Invalid value: "array": spec.refreshInterval in body must be of type integer,string: "array"'
        ]

    def test_lengths_count_code_points(self) -> None:
        schema = {"type": "string", "maxLength": 2}
        assert errors(schema, "ää") == []
        assert errors(schema, "äää") == ["Too long: may not be more than 2 bytes"]

    def test_patterns_are_re2_and_not_anchored(self) -> None:
        assert errors({"type": "string", "pattern": "b+"}, "abba") == []
        assert errors({"type": "string", "pattern": "^b$"}, "b\n") != []

    def test_a_schema_without_type_takes_all(self) -> None:
        assert errors({}, [1, {"a": None}]) == []
