"""The manifests are what Kubernetes wants of a structural schema, small, and the same every time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from eso_core.api import crd, providers

SIZE_MAX = 262_144  # bytes; client-side apply keeps the manifest in an annotation
CRDS = {manifest["metadata"]["name"]: manifest for manifest in crd.crds()}


def schemas(schema: Any) -> Iterator[Any]:
    """A schema and all below it."""
    yield schema
    below = [*schema.get("properties", {}).values(), *(schema[key] for key in ("items", "additionalProperties") if key in schema)]
    for inner in below:
        yield from schemas(inner)


def schema_of(name: str) -> Any:
    return CRDS[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def at(schema: Any, path: str) -> Any:
    for name in path.split("."):
        schema = schema["items"] if name == "[]" else schema["properties"][name]
    return schema


def test_names() -> None:
    assert list(CRDS) == [
        "clustersecretstores.external-secrets.io",
        "externalsecrets.external-secrets.io",
        "secretstores.external-secrets.io",
    ]
    spec = CRDS["externalsecrets.external-secrets.io"]["spec"]
    assert spec["names"]["shortNames"] == ["es"]
    assert spec["versions"][0]["selectableFields"][0] == {"jsonPath": ".spec.secretStoreRef.name"}
    assert CRDS["clustersecretstores.external-secrets.io"]["spec"]["scope"] == "Cluster"


@pytest.mark.parametrize("name", list(CRDS))
class TestEach:
    def test_size(self, name: str) -> None:
        assert len(json.dumps(CRDS[name], separators=(",", ":")).encode()) < SIZE_MAX

    def test_label(self, name: str) -> None:
        assert CRDS[name]["metadata"]["labels"] == {"external-secrets.io/component": "controller"}

    def test_every_schema_is_structural(self, name: str) -> None:
        for schema in schemas(schema_of(name)):
            assert "$ref" not in schema
            assert ("type" in schema) != ("x-kubernetes-int-or-string" in schema)
            assert not {"properties", "additionalProperties"} <= set(schema)
            assert ("items" in schema) == (schema.get("type") == "array")

    def test_the_key_order_is_stable(self, name: str) -> None:
        again = {manifest["metadata"]["name"]: manifest for manifest in crd.crds()}[name]
        assert json.dumps(again) == json.dumps(CRDS[name]) == json.dumps(again, sort_keys=True)

    def test_objects_are_described(self, name: str) -> None:
        described = [schema for schema in schemas(schema_of(name)) if "properties" in schema]
        assert all(0 < len(schema["description"]) < 150 for schema in described)


class TestExternalSecret:
    schema = schema_of("externalsecrets.external-secrets.io")

    def test_defaults_only_where_the_api_server_has_them(self) -> None:
        assert at(self.schema, "spec.refreshInterval")["default"] == "1h0m0s"
        assert at(self.schema, "spec.target")["default"] == {"creationPolicy": "Owner", "deletionPolicy": "Retain"}
        assert "default" not in at(self.schema, "spec.data.[].remoteRef.conversionStrategy")
        assert "default" not in at(self.schema, "spec.refreshPolicy")

    def test_constraints(self) -> None:
        assert at(self.schema, "spec.data.[].secretKey") == {
            "type": "string",
            "minLength": 1,
            "maxLength": 253,
            "pattern": "^[-._a-zA-Z0-9]+$",
        }
        assert at(self.schema, "spec.data.[].sourceRef")["maxProperties"] == 1
        assert at(self.schema, "status.refreshTime") == {"type": "string", "format": "date-time", "nullable": True}
        assert at(self.schema, "status.binding")["x-kubernetes-map-type"] == "atomic"
        assert "required" not in self.schema


class TestProviders:
    schema = schema_of("secretstores.external-secrets.io")

    def test_every_key_is_there(self) -> None:
        provider = at(self.schema, "spec.provider")
        assert tuple(provider["properties"]) == tuple(sorted(providers.KEYS))
        assert (provider["minProperties"], provider["maxProperties"]) == (1, 1)

    def test_a_key_without_type_takes_any_object(self) -> None:
        loose = [key for key in providers.KEYS if providers.spec_class(key) is None]
        assert all(at(self.schema, f"spec.provider.{key}") == providers.LOOSE for key in loose)

    def test_a_default_may_be_required(self) -> None:
        assert "path" in at(self.schema, "spec.provider.vault.auth.appRole")["required"]

    def test_cel(self) -> None:
        [rule] = at(self.schema, "spec.provider.aws.customSessionTags")["x-kubernetes-validations"]
        assert "esoNamespace" in rule["rule"]

    def test_refresh_interval(self) -> None:
        assert at(self.schema, "spec.refreshInterval") == {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
        }


def test_an_older_version_is_kept_but_not_served() -> None:
    v1, v1beta1 = CRDS["externalsecrets.external-secrets.io"]["spec"]["versions"]
    assert (v1["served"], v1["storage"], "deprecated" in v1) == (True, True, False)
    assert (v1beta1["served"], v1beta1["storage"], v1beta1["deprecated"]) == (False, False, True)
    schema = v1beta1["schema"]["openAPIV3Schema"]
    assert at(schema, "spec.data.[].remoteRef.conversionStrategy")["default"] == "Default"
    assert "manifest" not in at(schema, "spec.target")["properties"]


def test_schema_for_knows_what_is_served() -> None:
    assert crd.schema_for("external-secrets.io", "v1", "secretstores") == schema_of("secretstores.external-secrets.io")
    with pytest.raises(KeyError):
        crd.schema_for("external-secrets.io", "v1beta1", "secretstores")


def test_defaulted_needs_a_kind_with_a_crd() -> None:
    assert crd.defaulted("SecretStore", {"spec": {"provider": {"vault": {"server": "s"}}}}) == {
        "spec": {"provider": {"vault": {"server": "s", "version": "v2"}}}
    }
    with pytest.raises(KeyError):
        crd.defaulted("Secret", {})
