"""An upgrade that would take definitions, and with them objects, away from a cluster is refused.

The chart is rendered with Helm's own client against a server that knows CustomResourceDefinitions and nothing else.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import helm_python
import pytest

from tests.chart.render import CHART

GROUP = "/apis/apiextensions.k8s.io/v1"
OURS = {"meta.helm.sh/release-name": "external-secrets", "meta.helm.sh/release-namespace": "external-secrets"}


class Server(ThreadingHTTPServer):
    """The API server: definitions by name, with their annotations."""

    definitions: dict[str, dict[str, str]]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.definitions = {}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].removeprefix(f"{GROUP}/customresourcedefinitions/")
        if self.path.partition("?")[0] == GROUP:
            kind = {"name": "customresourcedefinitions", "kind": "CustomResourceDefinition", "namespaced": False, "verbs": ["get"]}
            self.answer(
                200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apiextensions.k8s.io/v1", "resources": [kind]}
            )
        elif name in self.server.definitions:
            metadata = {"name": name, "annotations": self.server.definitions[name]}
            self.answer(200, {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata})
        else:
            self.answer(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404})

    def answer(self, code: int, body: dict[str, Any]) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def upgrade(server: Server, values: dict[str, Any], *, is_upgrade: bool = True) -> dict[str, str]:
    address = f"http://127.0.0.1:{server.server_port}"
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    with (
        helm_python.Config(kubeconfig_content=json.dumps(kubeconfig), namespace="external-secrets") as cluster,
        helm_python.Chart.load(CHART) as chart,
    ):
        return cluster.render(
            chart, values, name="external-secrets", namespace="external-secrets", is_upgrade=is_upgrade, is_install=not is_upgrade
        )


WITHOUT = {"crds": {"createPushSecret": False}}
PUSH = "pushsecrets.external-secrets.io"
FAKES = "fakes.generators.external-secrets.io"


def test_definitions_of_the_release_are_not_dropped(server):
    server.definitions = {PUSH: OURS, FAKES: OURS}
    with pytest.raises(helm_python.HelmRenderError) as refused:
        upgrade(server, {"installCRDs": False})
    assert f"kubectl annotate crd {PUSH} {FAKES} helm.sh/resource-policy=keep" in str(refused.value)
    with pytest.raises(helm_python.HelmRenderError, match=PUSH):
        upgrade(server, WITHOUT | {"installCRDs": False})


@pytest.mark.parametrize(
    "annotations",
    [OURS | {"helm.sh/resource-policy": "keep"}, OURS | {"meta.helm.sh/release-name": "other"}, {}],
    ids=["kept", "of another release", "of no release"],
)
def test_others_are_none_of_its_business(server, annotations):
    server.definitions = {PUSH: annotations}
    assert upgrade(server, WITHOUT)


def test_an_installation_is_not_stopped(server):
    server.definitions = {PUSH: OURS}
    assert upgrade(server, WITHOUT, is_upgrade=False)
