"""The CRDs are the reference's, and every provider that its schemas describe is read as they say."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from eso_core.api import dump, parse_store
from eso_core.api.crd import crds
from eso_core.api.providers import KEYS
from eso_core.api.structural import apply_schema
from tests.parity import crds as compare
from tests.parity.deliberate import rows

OURS = {manifest["metadata"]["name"]: manifest for manifest in crds()}
STORE = compare.served("secretstores.external-secrets.io")
PROVIDERS: Mapping[str, Any] = STORE["properties"]["spec"]["properties"]["provider"]["properties"]

Path = tuple[str | int, ...]


class TestStructure:
    def test_the_reference_is_there(self) -> None:
        assert set(OURS) >= set(compare.NAMES) >= {f"{kind}.external-secrets.io" for kind in ("secretstores", "clustersecretstores")}

    @pytest.mark.parametrize("name", compare.NAMES)
    def test_only_what_is_meant_differs(self, name: str) -> None:
        assert compare.unmeant(compare.differences(OURS[name]), compare.meant()) == []

    def test_what_is_meant_does_differ(self) -> None:
        found = [each for name in compare.NAMES for each in compare.differences(OURS[name])]
        for path in compare.meant():
            assert compare.unmeant(found, {path: ""}) != found, path

    def test_what_is_meant_is_documented(self) -> None:
        assert all(why.startswith(tuple(rows())) for why in compare.meant().values())


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (lambda spec: spec["versions"][1].update(served=True), "versions[v1beta1].served"),
        (lambda spec: spec["names"]["shortNames"].append("s"), "names.shortNames[1]"),
        (lambda spec: provider(spec)["fake"]["required"].clear(), "provider.properties.fake.required"),
        (lambda spec: provider(spec)["vault"]["properties"].pop("version"), "vault.properties.version.default"),
        (lambda spec: provider(spec)["fake"]["properties"].update(description={"type": "string"}), "fake.properties.description.type"),
        (lambda spec: provider(spec)["github"]["properties"]["url"].update(default=""), "github.properties.url.default"),
    ],
)
def test_the_comparison_sees(change: Callable[[Any], object], at: str) -> None:
    made = copy.deepcopy(OURS["secretstores.external-secrets.io"])
    change(made["spec"])
    assert any(at in each.path for each in compare.differences(made))


def provider(spec: Any) -> Any:
    return spec["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["provider"]["properties"]


# ---------------------------------------------------------------- specs made from the reference's schema

TEXTS = {"byte": "YQ==", r"^.*@.*\.iam\.gserviceaccount\.com$": "a@b.iam.gserviceaccount.com"}


def made(schema: Mapping[str, Any], *, full: bool) -> Any:
    """A value that the schema admits: with what is required, or with every field that it knows."""
    if "enum" in schema:
        return schema["enum"][-1]
    match schema["type"]:
        case "object" if "additionalProperties" in schema:
            return {"k": made(schema["additionalProperties"], full=full)} if full else {}
        case "object":
            fields = schema.get("properties", {})
            least = schema.get("required") or tuple(fields)[: schema.get("minProperties", 0)]
            return {name: made(fields[name], full=full) for name in (fields if full else least)}
        case "array":
            return [made(schema["items"], full=full)]
        case "boolean":
            return True
        case "integer":
            return max(1, schema.get("minimum", 1))
        case _:
            return TEXTS.get(schema.get("format", schema.get("pattern", "")), "a")


def places(schema: Mapping[str, Any], value: Any, at: Path = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every value below `value` with its schema."""
    yield at, schema
    if "items" in schema:
        for index, item in enumerate(value):
            yield from places(schema["items"], item, (*at, index))
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            yield from places(inner, value[name], (*at, name))


def store(key: str, spec: Any, kind: str = "SecretStore") -> dict[str, Any]:
    return {"apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": {"name": "s"}, "spec": {"provider": {key: spec}}}


def changed(spec: Any, at: Path, value: Any) -> Any:
    """`spec` with another value at a place; ``...`` takes it away."""
    spec = copy.deepcopy(spec)
    parent = spec
    for step in at[:-1]:
        parent = parent[step]
    if value is ...:
        del parent[at[-1]]
    else:
        parent[at[-1]] = value
    return spec


def refused(key: str, spec: Any) -> list[str]:
    return [str(error) for error in parse_store(store(key, spec)).failure().errors]


def text(key: str, at: Path) -> str:
    return f"spec.provider.{key}" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at)


def test_the_keys_are_the_references() -> None:
    assert sorted(PROVIDERS) == sorted(KEYS)


@pytest.mark.parametrize("key", KEYS)
class TestProvider:
    @pytest.mark.parametrize("kind", ["SecretStore", "ClusterSecretStore"])
    def test_what_is_required_is_enough(self, key: str, kind: str) -> None:
        raw = store(key, made(PROVIDERS[key], full=False), kind)
        assert apply_schema(STORE, raw)[1] == ()
        assert dump(parse_store(raw).unwrap()) == raw

    def test_every_field_has_its_place(self, key: str) -> None:
        raw = store(key, made(PROVIDERS[key], full=True))
        parsed = parse_store(raw).unwrap()
        assert dump(parsed) == raw
        assert parsed.provider_spec(key).model_fields_set == set(type(parsed.provider_spec(key)).model_fields)

    def test_full_specs_are_admitted_but_for_their_choices(self, key: str) -> None:
        _, errors = apply_schema(STORE, store(key, made(PROVIDERS[key], full=True)))
        assert [str(error) for error in errors if "must have at most" not in error.message] == []

    @pytest.mark.parametrize("full", [False, True])
    def test_an_absent_field_means_what_the_api_server_would_fill_in(self, key: str, full: bool) -> None:
        raw = store(key, made(PROVIDERS[key], full=full))
        for at, schema in list(places(PROVIDERS[key], raw["spec"]["provider"][key])):
            if "default" in schema:
                raw["spec"]["provider"][key] = changed(raw["spec"]["provider"][key], at, ...)
        filled, _ = apply_schema(STORE, raw)
        assert everything(filled) == everything(raw)

    def test_required_fields_are_missed(self, key: str) -> None:
        spec = made(PROVIDERS[key], full=True)
        for at, schema in places(PROVIDERS[key], spec):
            for name in schema.get("required", ()):
                if "default" not in schema["properties"][name]:
                    assert refused(key, changed(spec, (*at, name), ...)) == [f"{text(key, (*at, name))}: is required"]

    def test_other_types_are_refused(self, key: str) -> None:
        spec = made(PROVIDERS[key], full=True)
        wrong = {"boolean": "true", "integer": "1", "string": 1, "object": [], "array": {}}
        for at, schema in places(PROVIDERS[key], spec):
            [error] = refused(key, changed(spec, at, wrong[schema["type"]]) if at else wrong[schema["type"]])
            assert error.startswith(f"{text(key, at)}: must be ")

    def test_values_outside_of_an_enum_are_refused(self, key: str) -> None:
        spec = made(PROVIDERS[key], full=True)
        for at, schema in places(PROVIDERS[key], spec):
            if "enum" in schema:
                [error] = refused(key, changed(spec, at, "no-such-value"))
                assert error.startswith(f"{text(key, at)}: must be '{schema['enum'][0]}'")


def everything(raw: Mapping[str, Any]) -> Any:
    """Every field of a store, set or not."""
    return parse_store(raw).unwrap().model_dump(mode="json", by_alias=True)
