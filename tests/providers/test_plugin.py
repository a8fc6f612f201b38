"""Providers from other packages: found, told when they cannot be used, and as good as built-in ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest
import yaml
from eso_lockers.provider import PROVIDER
from eso_lockers.server import Server

from eso_core.api.crd import crds
from eso_core.config import Config
from eso_core.door import NO_EXTRA
from eso_shell import app, embedded
from eso_shell.kubeyaml import documents
from eso_shell.manifests import Manifest
from eso_shell.plugins import NO_PLUGINS, found
from tests.providers.serve import serve
from tests.providers.wheels import install, wheel

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "examples/provider-package"
HELD = b'{"password": "from-a-locker"}'


# ---------------------------------------------------------------- finding them


def point(tmp_path, name, value, package="someone"):
    """An entry point of a package of version 3."""
    info = tmp_path / f"{package}-3.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 3\n")
    return EntryPoint(name, value, "eso.providers")._for(PathDistribution(info))


def module(tmp_path, monkeypatch, text, name):
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return f"{name}:PROVIDER"


def test_a_provider_is_found(tmp_path):
    plugins = found([point(tmp_path, "lockers", "eso_lockers.provider:PROVIDER")])
    assert plugins.troubles == ()
    assert plugins.extra.by_key == {"lockers": PROVIDER}
    assert plugins.sources == {"lockers": "someone 3"}
    assert plugins.models == {"lockers": PROVIDER.model}


def test_nothing_is_found():
    assert found([]) == NO_PLUGINS
    assert found([]).extra is NO_EXTRA


BROKEN = "PROVIDER = 1"
WRONG = {
    "no module": ("mine", "no_such_module:PROVIDER", None, "ModuleNotFoundError: No module named 'no_such_module'"),
    "no name": ("mine", "eso_lockers.provider:NOTHING", None, "AttributeError"),
    "another thing": ("mine", "", "PROVIDER = 1", "is not a Provider but int"),
    "another key": ("mine", "eso_lockers.provider:PROVIDER", None, "is a provider of key 'lockers'"),
    "it raises": ("mine", "", "raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
    "it ends the process": ("mine", "", "raise SystemExit(3)", "SystemExit: 3"),
    "it is not Python": ("mine", "", "PROVIDER = (", "SyntaxError"),
    "a built-in key": ("vault", "eso_lockers.provider:PROVIDER", None, "cannot be replaced"),
    "a built-in key in other letters": ("openbao", "eso_lockers.provider:PROVIDER", None, "cannot be replaced"),
    "a key that is to come": ("gitlab", "eso_lockers.provider:PROVIDER", None, "cannot be replaced"),
    "no key": ("../mine", "eso_lockers.provider:PROVIDER", None, "is not a key"),
    "no model": (
        "mine",
        "",
        "from dataclasses import replace\nfrom eso_lockers.provider import PROVIDER\nPROVIDER = replace(PROVIDER, key='mine', model=dict)",
        "not a subclass",
    ),
    "a model without a schema": (
        "mine",
        "",
        "from dataclasses import replace\nfrom eso_core.api.types import Model\nfrom eso_lockers.provider import PROVIDER\n"
        "from collections.abc import Callable\nclass Spec(Model):\n    calls: tuple[Callable[[], int], ...] = ()\n"
        "PROVIDER = replace(PROVIDER, key='mine', model=Spec)",
        "no schema can be made of its model: spec.provider.mine.calls[] is of a type",
    ),
    "a model without an end": (
        "mine",
        "",
        "from dataclasses import replace\nfrom eso_core.api.types import Model\nfrom eso_lockers.provider import PROVIDER\n"
        "class Spec(Model):\n    again: 'Spec | None' = None\n"
        "PROVIDER = replace(PROVIDER, key='mine', model=Spec)",
        "no schema can be made of its model: RecursionError",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_used_is_told(case, tmp_path, monkeypatch):
    key, value, text, cause = WRONG[case]
    name = f"plugin_{list(WRONG).index(case)}"
    value = value if text is None else module(tmp_path, monkeypatch, text, name)
    plugins = found([point(tmp_path, key, value), point(tmp_path, "lockers", "eso_lockers.provider:PROVIDER", "good")])
    assert list(plugins.extra.by_key) == ["lockers"]
    [trouble] = plugins.troubles
    assert trouble.startswith(f"provider {key!r} of package someone 3 is not loaded: ")
    assert cause in trouble
    assert "\n" not in trouble


def test_a_key_of_two_packages_is_nobodys(tmp_path):
    value = "eso_lockers.provider:PROVIDER"
    plugins = found([point(tmp_path, "lockers", value, "one"), point(tmp_path, "lockers", value, "two")])
    assert plugins.extra is NO_EXTRA
    assert plugins.troubles == ("provider 'lockers' is not loaded: several packages have it: one 3, two 3",)


def test_a_start_tells_what_was_found(tmp_path, monkeypatch):
    value = "eso_lockers.provider:PROVIDER"
    held = found([point(tmp_path, "lockers", value), point(tmp_path, "mine", value)])
    monkeypatch.setattr(app, "plugins", lambda: held)
    told = []

    class Log:
        def error(self, text, **fields):
            told.append(("error", text, fields))

        def info(self, text, **fields):
            told.append(("info", text, fields))

    assert app._outsiders(Log()) is held.extra
    assert told == [("error", held.troubles[0], {}), ("info", "provider loaded", {"provider": "lockers", "package": "someone 3"})]


# ---------------------------------------------------------------- in this process


def manifests(url: str) -> list[Manifest]:
    """The example, with the service at ``url``."""
    text = (PACKAGE / "example.yml").read_text().replace("https://lockers.example.com", url)
    return [Manifest("example.yml", document.value) for document in documents(text.encode())]


def run(provider, url):
    config = Config(extra=replace(NO_EXTRA, by_key={provider.key: provider}))
    return embedded.run(manifests(url), namespace="default", environ={}, timeout_s=30, config=config)


def findings(finished):
    return {f"{ref.kind.name} {ref.name}": finding.report.settled for ref, finding in finished.findings.items()}


def served():
    server = Server()
    server.put("database", HELD, {})
    return server


def test_a_secret_is_synced():
    with serve(served()) as where:
        finished = run(PROVIDER, where.url)
    assert finished.turned == ()
    settled = findings(finished)
    assert settled["SecretStore lockers"].because.ready
    assert settled["ExternalSecret database"].because.ready
    assert [call.method for call in where.calls].count("POST") == 1


def test_the_resource_type_knows_its_spec():
    store = next(crd for crd in crds({"lockers": PROVIDER.model}) if crd["spec"]["names"]["kind"] == "SecretStore")
    schema = store["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec = schema["properties"]["spec"]["properties"]["provider"]["properties"]["lockers"]
    assert spec["required"] == ["clientId", "clientSecretRef", "server"]
    with serve(served()) as where:
        wrong = manifests(where.url)
        wrong[1].content["spec"]["provider"]["lockers"]["clientId"] = 7
        config = Config(extra=replace(NO_EXTRA, by_key={"lockers": PROVIDER}))
        finished = embedded.run(wrong, namespace="default", environ={}, timeout_s=30, config=config)
    assert ["clientId" in turned.message for turned in finished.turned] == [True]


@pytest.mark.parametrize("part", ["parse", "needs", "login", "fetch"])
def test_one_that_raises_fails_alone(part):
    def raising(*given):
        raise ValueError("on purpose")

    with serve(served()) as where:
        finished = run(replace(PROVIDER, **{part: raising}), where.url)
    assert finished.in_time
    assert not any(settled.because is not None and settled.because.ready for settled in findings(finished).values())


# ---------------------------------------------------------------- installed


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Path:
    """A folder with the package in it, and with one that is broken."""
    into = tmp_path_factory.mktemp("site")
    install(wheel(PACKAGE, tmp_path_factory.mktemp("wheel")), into)
    info = into / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[eso.providers]\nbroken = nowhere:PROVIDER\n")
    return into


TROUBLE = "provider 'broken' of package broken 1 is not loaded: nowhere:PROVIDER: ModuleNotFoundError: No module named 'nowhere'"


def eso(target, cwd, *args):
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{target}"}
    command = [sys.executable, "-m", "eso_shell.cli.main", *args]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=120)


def test_the_suite_passes_for_the_package(target, tmp_path):
    done = eso(target, tmp_path, "provider-test", "eso_lockers.case", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["passed"] is True
    assert {check["verdict"] for check in told["cases"][0]["checks"]} == {"passed", "not applicable"}


def test_the_resource_types_of_the_command(target, tmp_path):
    done = eso(target, tmp_path, "crds")
    assert done.returncode == 0
    assert done.stderr == f"warning: {TROUBLE}\n"
    stores = [crd for crd in yaml.load_all(done.stdout, yaml.CSafeLoader) if crd["spec"]["names"]["kind"].endswith("SecretStore")]
    assert len(stores) == 2
    for crd in stores:
        schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        assert "lockers" in schema["properties"]["provider"]["properties"]


def test_a_plan_asks_the_package(target, tmp_path):
    with serve(served()) as where:
        (tmp_path / "example.yml").write_text((PACKAGE / "example.yml").read_text().replace("https://lockers.example.com", where.url))
        done = eso(target, tmp_path, "plan", "-f", "example.yml", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"warning: {TROUBLE}\n"
    assert json.loads(done.stdout)["ready"] is True
    assert "from-a-locker" not in done.stdout


def test_without_the_package_the_store_is_told(tmp_path):
    done = eso(tmp_path, tmp_path, "plan", "-f", str(PACKAGE / "example.yml"), "-o", "json")
    assert done.returncode == 1
    assert "lockers" in done.stdout
