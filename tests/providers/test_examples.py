"""Every provider has a page, and on it an example that the API server admits and the operator can use."""

from __future__ import annotations

import re

import orjson
import pytest
from returns.result import Success

from eso_core.api import parse_external_secret, structural
from eso_core.api.crd import schema_for
from eso_core.door import SecretKey, WholeSecret
from eso_core.failure import InvalidSpec
from eso_core.refs import CLUSTER_SECRET_STORE, SECRET_STORE, Ref
from eso_core.stages.needs import read_store
from tests.providers.pages import BUILT, KEY, YAML, example, manifests, page

PLURALS = {"SecretStore": "secretstores", "ClusterSecretStore": "clustersecretstores", "ExternalSecret": "externalsecrets"}


def of_kind(name, *kinds):
    return [held for held in manifests(name) if held["kind"] in kinds]


def stores(name):
    return of_kind(name, "SecretStore", "ClusterSecretStore")


@pytest.mark.parametrize("name", BUILT)
def test_a_page_has_its_parts(name):
    text = page(name)
    assert text.startswith("# ")
    parts = ("## Example\n", "**Calls.**", "**Proof.**", "**Differences.**")
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize("name", BUILT)
def test_an_example_is_one_block(name):
    text = page(name)
    _, _, rest = text.partition("## Example\n")
    assert len(YAML.findall(rest.split("\n## ")[0])) >= 1
    assert "```" not in example(name)
    assert {held["kind"] for held in manifests(name)} >= {"ExternalSecret"}
    assert stores(name)
    assert [held for held in manifests(name) if "namespace" in held["metadata"]] == []
    assert [key for store in stores(name) for key in store["spec"]["provider"]] == [KEY[name]] * len(stores(name))


@pytest.mark.parametrize("name", BUILT)
def test_the_api_server_admits_an_example(name):
    for held in of_kind(name, *PLURALS):
        schema = schema_for("external-secrets.io", "v1", PLURALS[held["kind"]])
        assert held["apiVersion"] == "external-secrets.io/v1"
        _, faults = structural.apply_schema(schema, held)
        assert list(faults) == []
        assert list(structural.unknown(schema, held)) == []


@pytest.mark.parametrize("name", BUILT)
def test_the_operator_can_use_an_example(name):
    for held in stores(name):
        cluster = held["kind"] == "ClusterSecretStore"
        ref = Ref(CLUSTER_SECRET_STORE, "", "store") if cluster else Ref(SECRET_STORE, "default", "store")
        read = read_store(orjson.dumps(held), ref)
        assert not isinstance(read, InvalidSpec), read
        assert read.fault is None
        lacking = [need for need in read.needs.values() if not is_there(name, need)]
        assert lacking == []


def is_there(name, need) -> bool:
    """A Secret that a store refers to is part of the example. ServiceAccounts and ConfigMaps with certificates are the cluster's."""
    match need:
        case SecretKey():
            return any(need.key in (held.get("data") or {}) | (held.get("stringData") or {}) for held in named(name, "Secret", need.name))
        case WholeSecret():
            return bool(named(name, "Secret", need.name))
        case _:
            return True


def named(name, kind, wanted):
    return [held for held in of_kind(name, kind) if held["metadata"]["name"] == wanted]


@pytest.mark.parametrize("name", BUILT)
def test_external_secrets_of_an_example_use_its_stores(name):
    known = {(store["kind"], store["metadata"]["name"]) for store in stores(name)}
    for held in of_kind(name, "ExternalSecret"):
        parsed = parse_external_secret(held)
        assert isinstance(parsed, Success)
        ref = parsed.unwrap().spec.secret_store_ref
        assert (ref.kind or "SecretStore", ref.name) in known


@pytest.mark.parametrize("name", BUILT)
def test_an_example_holds_no_real_secret(name):
    """Nothing that looks like a key of a cloud, or like a private key that somebody might use."""
    assert re.findall(r"\bA(?:KI|SI)A(?!.*EXAMPLE)[A-Z0-9]{16}\b|ghp_[A-Za-z0-9]{30,}|hvs\.[A-Za-z0-9]{24,}", example(name)) == []
