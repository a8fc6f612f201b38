"""What a person gets for what they type: text, exit code, and how long they wait."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from types import ModuleType

import pytest
import yaml

from eso_shell.cli import crds as crds_command
from eso_shell.cli.main import entry
from eso_shell.settings import Settings

Installed = Callable[..., None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Put a stand-in in the place of a module that a command imports."""

    def install(module: str, **contents: object) -> None:
        stand_in = ModuleType(module)
        vars(stand_in).update(contents)
        monkeypatch.setitem(sys.modules, module, stand_in)

    return install


def test_nothing_typed_is_help_and_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry([]) == 2
    assert "Usage:\n  eso [command]" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry([word]) == 0
    said = capsys.readouterr().out
    assert [command for command in ("run", "plan", "demo", "crds", "version") if f"\n  {command} " not in said] == []
    assert "Examples:" in said


@pytest.mark.parametrize("command", ["run", "crds", "version"])
def test_help_of_a_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry([command, "--help"]) == 0
    assert f"Usage:\n  eso {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["fly"], "error: unknown command: fly\nSee 'eso --help' for usage.\n"),
        (["--fly"], "error: unknown flag: --fly\nSee 'eso --help' for usage.\n"),
        (["run", "--x"], "error: unknown flag: --x\nSee 'eso run --help' for usage.\n"),
        (["crds", "--x"], "error: unknown flag: --x\nSee 'eso crds --help' for usage.\n"),
        (["crds", "all"], "error: unexpected argument: all\nSee 'eso crds --help' for usage.\n"),
    ],
)
def test_misuse(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(argv) == 2
    assert capsys.readouterr() == ("", says)


@pytest.mark.parametrize("word", ["version", "--version"])
def test_version(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry([word]) == 0
    assert capsys.readouterr().out == f"eso {metadata.version('eso')}\n"


def test_run_is_given_its_settings(installed: Installed) -> None:
    seen: list[Settings] = []
    installed("eso_shell.app", run=lambda settings: seen.append(settings) or 7)
    assert entry(["run", "--namespace=a"]) == 7
    assert [settings.namespace for settings in seen] == ["a"]


@pytest.mark.parametrize("command", ["plan", "demo"])
def test_other_commands_are_given_their_arguments(command: str, installed: Installed) -> None:
    seen: list[object] = []
    installed(f"eso_shell.cli.{command}", main=lambda argv: seen.append(argv) or 3)
    assert entry([command, "-f", "x"]) == 3
    assert seen == [["-f", "x"]]


def raising(error: BaseException) -> Callable[[Settings], int]:
    def run(_: Settings) -> int:
        raise error

    return run


def test_interrupted(installed: Installed) -> None:
    installed("eso_shell.app", run=raising(KeyboardInterrupt()))
    assert entry(["run"]) == 130


def test_an_error_nobody_expected_is_one_line(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ESO_DEBUG", raising=False)
    installed("eso_shell.app", run=raising(LookupError("not\nthere")))
    assert entry(["run"]) == 1
    assert capsys.readouterr().err == "error: LookupError: not there\nSet ESO_DEBUG=1 for a traceback.\n"


@pytest.mark.parametrize("argv", [["run", "--loglevel=debug"], ["run", "--loglevel", "debug"]])
def test_debug_shows_the_traceback(argv: list[str], installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    installed("eso_shell.app", run=raising(LookupError("not there")))
    assert entry(argv) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_the_environment_shows_the_traceback(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESO_DEBUG", "1")
    installed("eso_shell.app", run=raising(LookupError("not there")))
    assert entry(["run"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


# ---------------------------------------------------------------- crds


def test_crds_are_yaml_documents(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    text = {"metadata": {"name": "b"}, "apiVersion": "v1", "long": "x " * 200, "lines": "a\nb\n", "quoted": ["yes", "1", "="]}
    installed("eso_core.api.crd", crds=lambda extra: (text, text))
    assert entry(["crds"]) == 0
    said = capsys.readouterr().out
    assert list(yaml.safe_load_all(said)) == [text, text]
    assert said.startswith("---\nmetadata:\n  name: b\napiVersion: v1\n")
    assert "lines: |\n  a\n  b\n" in said


def test_shared_parts_are_written_out() -> None:
    part = {"type": "string"}
    assert "&" not in crds_command.document({"a": part, "b": part})


def run_eso(script: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        ["sh", "-c", script.format(eso=f"{sys.executable} -m eso_shell.cli.main")], env=environ, capture_output=True, text=True
    )


def test_a_reader_that_leaves_is_no_error() -> None:
    done = run_eso("{{ {eso} crds; echo code $? >&2; }} | head -n 1")
    assert done.stdout == "---\n"
    assert done.stderr in ("code 1\n", "code 0\n")  # 0 when all fitted into the pipe


def test_the_entry_module_is_light() -> None:
    script = (
        "import sys, time; before = set(sys.modules); start = time.process_time(); import eso_shell.cli.main;"
        "print(time.process_time() - start, len(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True
    )
    seconds, modules = done.stdout.split()
    assert float(seconds) < 0.03
    assert int(modules) < 20
