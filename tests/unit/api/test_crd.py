"""The manifests are what Kubernetes wants of a structural schema, small, and the same every time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from eso_core.api import crd, dump, parse_store, providers
from eso_core.api.types import Model

SIZE_MAX = 262_144  # bytes; client-side apply keeps the manifest in an annotation
CRDS = {manifest["metadata"]["name"]: manifest for manifest in crd.crds()}


def schemas(schema: Any) -> Iterator[Any]:
    """A schema and all below it."""
    yield schema
    below = [*schema.get("properties", {}).values(), *(schema[key] for key in ("items", "additionalProperties") if key in schema)]
    for inner in below:
        yield from schemas(inner)


def schema_of(name: str, version: int = 0) -> Any:
    return CRDS[name]["spec"]["versions"][version]["schema"]["openAPIV3Schema"]


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

    @pytest.mark.parametrize("version", [0, 1])
    def test_every_schema_is_structural(self, name: str, version: int) -> None:
        for schema in schemas(schema_of(name, version)):
            assert "$ref" not in schema
            assert ("type" in schema) != ("x-kubernetes-int-or-string" in schema)
            assert not {"properties", "additionalProperties"} <= set(schema)
            assert ("items" in schema) == (schema.get("type") == "array")

    def test_the_key_order_is_stable(self, name: str) -> None:
        again = {manifest["metadata"]["name"]: manifest for manifest in crd.crds()}[name]
        assert json.dumps(again) == json.dumps(CRDS[name]) == json.dumps(again, sort_keys=True)

    @pytest.mark.parametrize("version", [0, 1])
    def test_objects_are_described(self, name: str, version: int) -> None:
        described = [schema for schema in schemas(schema_of(name, version)) if "properties" in schema]
        assert all(0 < len(schema["description"]) < 150 for schema in described)

    def test_an_older_version_is_kept_but_not_served(self, name: str) -> None:
        """A cluster that ever stored it refuses a CRD without it."""
        v1, v1beta1 = CRDS[name]["spec"]["versions"]
        assert (v1["name"], v1["served"], v1["storage"], "deprecated" in v1) == ("v1", True, True, False)
        assert (v1beta1["name"], v1beta1["served"], v1beta1["storage"], v1beta1["deprecated"]) == ("v1beta1", False, False, True)


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

    def test_every_key_has_a_type(self) -> None:
        for key in providers.KEYS:
            spec = providers.spec_class(key)
            assert spec is not None
            assert at(self.schema, f"spec.provider.{key}")["description"] == spec.__doc__
        assert providers.spec_class("nosuch") is None
        assert providers.spec_class("_shared") is None

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


class TestOlder:
    def test_external_secret(self) -> None:
        schema = schema_of("externalsecrets.external-secrets.io", 1)
        assert at(schema, "spec.data.[].remoteRef.conversionStrategy")["default"] == "Default"
        assert "manifest" not in at(schema, "spec.target")["properties"]
        assert "enum" not in at(schema, "status.conditions.[].type")

    def test_stores(self) -> None:
        schema = schema_of("secretstores.external-secrets.io", 1)
        known = at(schema, "spec.provider")["properties"]
        assert {"alibaba", "device42"} <= known.keys()
        assert "openBao" not in known
        assert at(schema, "spec.refreshInterval") == {"type": "integer"}
        assert at(schema, "spec.provider.webhook")["required"] == ["result", "url"]
        assert "x-kubernetes-validations" not in at(schema, "spec.provider.secretserver.password")

    def test_the_stored_version_is_not_changed(self) -> None:
        assert "alibaba" not in at(schema_of("secretstores.external-secrets.io"), "spec.provider")["properties"]


class Outer(Model):
    """A provider outside this package."""

    url: str


class TestExtra:
    made = {manifest["metadata"]["name"]: manifest["spec"]["versions"] for manifest in crd.crds({"outer": Outer, "any": None})}

    @pytest.mark.parametrize("name", ["secretstores.external-secrets.io", "clustersecretstores.external-secrets.io"])
    def test_stores_take_them_in_the_stored_version(self, name: str) -> None:
        v1, v1beta1 = (version["schema"]["openAPIV3Schema"] for version in self.made[name])
        assert at(v1, "spec.provider.outer") == {
            "type": "object",
            "description": "A provider outside this package.",
            "properties": {"url": {"type": "string"}},
            "required": ["url"],
        }
        assert at(v1, "spec.provider.any") == providers.LOOSE
        assert v1beta1 == schema_of(name, 1)
        assert set(at(v1, "spec.provider")["properties"]) == {*providers.KEYS, "outer", "any"}

    def test_nothing_else_takes_them(self) -> None:
        assert self.made["externalsecrets.external-secrets.io"] == CRDS["externalsecrets.external-secrets.io"]["spec"]["versions"]
        assert [manifest["metadata"]["name"] for manifest in crd.crds()] == list(CRDS)
        assert "outer" not in at(crd.schema_for("external-secrets.io", "v1", "secretstores"), "spec.provider")["properties"]

    def test_a_known_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^already a provider: aws, vault$"):
            crd.provider_schema({"vault": None, "x": None, "aws": Outer})

    def test_their_objects_are_kept(self) -> None:
        raw = {
            "apiVersion": "external-secrets.io/v1",
            "kind": "SecretStore",
            "spec": {"provider": {"outer": {"a": [1, None]}, "fake": None}},
        }
        made = parse_store(raw).unwrap()
        assert (made.provider_key, made.provider_spec("outer")) == ("outer", {"a": [1, None]})
        assert dump(made)["spec"] == {"provider": {"outer": {"a": [1, None]}}}
        raw["spec"] = {"provider": {"outer": 3}}
        assert [str(error) for error in parse_store(raw).failure().errors] == ["spec.provider.outer: must be an object"]


def models(model: type[Model]) -> Iterator[type[Model]]:
    """A model and all below it."""
    yield model
    for info in model.model_fields.values():
        for hint in (info.annotation, *get_args(info.annotation)):
            if isinstance(hint, type) and issubclass(hint, Model):
                yield from models(hint)


@pytest.mark.parametrize("key", providers.KEYS)
def test_credentials_in_a_spec_do_not_show(key: str) -> None:
    spec = providers.spec_class(key)
    assert spec is not None
    plain = {"value", "headers", "body"} - ({"value"} if key == "aws" else set())  # there, of session tags
    assert [
        (model.__name__, name) for model in models(spec) for name, info in model.model_fields.items() if name in plain and info.repr
    ] == []


def test_reading_a_store_loads_the_type_of_its_provider_only() -> None:
    raw = {"kind": "SecretStore", "spec": {"provider": {"webhook": {"url": "https://h"}, "outer": {}}}}
    code = (
        "import sys; from eso_core.api import parse_store; "
        f"parse_store({raw!r}).unwrap(); "
        "print([m for m in sys.modules if m.startswith('eso_core.api.providers.') or m == 'eso_core.api.crd'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['eso_core.api.providers.webhook']"


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
