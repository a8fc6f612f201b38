"""The examples of all providers on a real API server, with a network on which no backend answers: each store says why it is not ready."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.kubectl import Kubectl
from tests.e2e.harness.operator import Operator
from tests.e2e.harness.process import free_port
from tests.providers.pages import BUILT, example, manifests

pytestmark = pytest.mark.xdist_group("operator")

API = "external-secrets.io/v1"
KINDS = {"Secret", "ConfigMap", "ServiceAccount", "SecretStore", "ClusterSecretStore", "ExternalSecret"}
JUDGED = {"SecretStore", "ClusterSecretStore", "ExternalSecret"}
WITHOUT_CALLS = {"fake"}  # ready without a network
Json = dict[str, Any]


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane) -> Iterator[Operator]:
    """Every call to a backend goes to a proxy that is not there."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), nowhere)
    with Operator(control_plane, environment=proxies) as running:
        yield running


def applied(kubectl: Kubectl, name: str, namespace: str) -> list[Json]:
    """The objects of an example, as the API server keeps them."""
    stored = []
    for manifest in manifests(name):
        if manifest["kind"] in KINDS:
            place = {} if manifest["kind"] == "ClusterSecretStore" else {"namespace": namespace}
            stored.append(kubectl.apply({**manifest, "metadata": {**manifest["metadata"], **place}}))
    return stored


def verdict(kubectl: Kubectl, held: Json) -> Json | None:
    """Its condition Ready."""
    meta = held["metadata"]
    found = kubectl.get(API, held["kind"], meta["name"], meta.get("namespace"))
    conditions = found.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == "Ready"), None)


@pytest.mark.parametrize("name", [name for name in BUILT if example(name)])
def test_an_example_is_judged(name: str, operator: Operator, kubectl: Kubectl, namespace: str) -> None:
    judged = [held for held in applied(kubectl, name, namespace) if held["kind"] in JUDGED]
    assert judged
    try:
        for held in judged:
            what = f"{held['kind']} {held['metadata']['name']} has a condition"
            condition = kubectl.wait_for(lambda held=held: verdict(kubectl, held), what, timeout_s=120.0)
            assert condition["message"]
            assert not re.search(r"there is no provider|\w+(Error|Exception) at ", condition["message"]), condition
            if held["kind"] == "ExternalSecret":
                assert (condition["status"] == "True") == (name in WITHOUT_CALLS), condition
        assert operator.healthy()
        assert "Traceback" not in operator.log
    finally:
        for held in judged:
            kubectl.delete(API, held["kind"], held["metadata"]["name"], held["metadata"].get("namespace"))
