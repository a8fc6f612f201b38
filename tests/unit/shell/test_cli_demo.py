"""``eso demo``: what is printed, what is hidden, and the exit code."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from eso_core.because import PROVIDER_FAILED
from eso_shell.cli import demo
from eso_shell.cli.main import entry
from tests.unit.shell.offline import CANARY, external_secret, hanging_store, secret, store

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, *contents: object) -> None:
    (folder / "a.yaml").write_text(yaml.safe_dump_all(contents))


def test_what_became_of_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, store(), external_secret(), external_secret("lost", secretStoreRef={"name": "none"}), secret("other"), DEPLOYMENT)
    assert entry(["demo", "-f", "a.yaml"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert CANARY not in out
    assert out == (
        "5 objects from a.yaml, applied to a cluster in this process; then the operator ran.\n"
        "\n"
        "ignored: Deployment web: apps/v1 Deployment is not served here\n"
        "OBJECTS\n"
        "KIND             NAMESPACE   NAME   READY   REASON              MESSAGE\n"
        "SecretStore      team        st     True    Valid               store validated\n"
        "ExternalSecret   team        es     True    SecretSynced        secret synced\n"
        "ExternalSecret   team        lost   False   SecretSyncedError   could not get secret data from provider\n"
        "\n"
        "SECRETS  (values hidden; --reveal shows them)\n"
        "NAMESPACE   NAME   TYPE     WRITTEN BY   KEY   VALUE\n"
        "team        es     Opaque   es           key   ***\n"
        "\n"
        "NOT READY\n"
        "ExternalSecret team/lost\n"
        '  why:        could not get SecretStore "none", it does not exist\n'
        f"  what to do: {PROVIDER_FAILED.advice}\n"
    )


def test_reveal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, store(values={"k": "\x1b[2Jtwo\nlines"}), external_secret())
    assert entry(["demo", "-f", "a.yaml", "--reveal"]) == 0
    out = capsys.readouterr().out
    assert "key   \\x1b[2Jtwo\\x0alines\n" in out
    assert "values hidden" not in out


def test_colour(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    write(here, store(), external_secret("true"))
    assert entry(["demo", "-f", "a.yaml"]) == 0
    assert "team        true   \x1b[32mTrue \x1b[0m   SecretSynced" in capsys.readouterr().out


def test_the_example_is_found_from_anywhere(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(["demo"]) == 0
    assert capsys.readouterr().out.startswith("3 objects from examples/quickstart, applied")


def test_no_example(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SOURCE", here)
    assert entry(["demo"]) == 2
    assert (
        capsys.readouterr().err == "error: examples/quickstart: is not here; go to the source of the operator, or name manifests with -f\n"
    )


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["-f", "none.yaml"], "error: none.yaml: no such file or directory\n"),
        (["--fly"], "error: unrecognized arguments: --fly\nSee 'eso demo --help' for usage.\n"),
    ],
)
def test_unusable(args: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(["demo", *args]) == 2
    assert capsys.readouterr() == ("", says)


def test_not_at_rest_in_time(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(4)
        write(here, *hanging_store(server.getsockname()[1]))
        assert entry(["demo", "-f", "a.yaml", "--timeout", "0.3"]) == 1
    out, err = capsys.readouterr()
    assert "SecretStore   team        st     -       -        not decided in time\n" in out
    assert err == "error: the operator did not come to rest within 0.3 s\n"
