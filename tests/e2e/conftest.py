"""Fixtures for the end-to-end tests.

Each pytest-xdist worker starts its own parts, on its own ports; the binaries are built once for all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from tests.e2e.harness.binaries import Binaries, BinariesUnavailable, find_or_build
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.kubectl import Kubectl
from tests.e2e.harness.services import Moto, OpenBao, ServiceUnavailable

T = TypeVar("T")

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder is an `e2e` one."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)


def _or_skip(make: Callable[[], T]) -> T:
    """A part that is not installed skips the test on a user's machine and fails it in CI."""
    try:
        return make()
    except (BinariesUnavailable, ServiceUnavailable) as unavailable:
        reason = str(unavailable)
    return _missing(reason)


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """Builds them when they are missing, which takes minutes the first time."""
    return _or_skip(find_or_build)


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries) -> Iterator[ControlPlane]:
    with ControlPlane(binaries) as plane:
        yield plane


@pytest.fixture(scope="session")
def collecting_control_plane(control_plane: ControlPlane) -> ControlPlane:
    """The same one, for tests that need owned objects to be collected."""
    if not control_plane.has_controllers:
        _missing("KUBEBUILDER_ASSETS has no kube-controller-manager")
    return control_plane


@pytest.fixture(scope="session")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    """The admin."""
    return control_plane.admin


@pytest.fixture
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new namespace, named after the test; deleted afterwards without waiting for it to be gone."""
    prefix = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].rstrip("-")
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": f"{prefix}-"}}
    name = str(kubectl.create(manifest)["metadata"]["name"])
    yield name
    kubectl.delete("v1", "Namespace", name)


@pytest.fixture(scope="session")
def openbao() -> Iterator[OpenBao]:
    with _or_skip(OpenBao) as server:
        yield server


@pytest.fixture(scope="session")
def openbao_tls() -> Iterator[OpenBao]:
    with _or_skip(lambda: OpenBao(tls=True)) as server:
        yield server


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    with _or_skip(Moto) as server:
        yield server
