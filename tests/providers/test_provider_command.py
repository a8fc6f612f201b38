"""``eso provider-test``: its table, its JSON, and its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from eso_lockers import case as lockers

from eso_core.sim.provider.suite import CHECKS
from eso_shell.cli.main import entry

MODULE = "eso_lockers.case"


def ran(capsys, *argv):
    code = entry(["provider-test", *argv])
    return code, *capsys.readouterr()


def bad(provider):
    """The same provider, which forgets how to read."""

    def fetch(access, session, queries):
        yield from provider.fetch(access, session, queries)
        return {}

    return replace(provider, fetch=fetch)


@pytest.fixture
def broken(monkeypatch):
    [case] = lockers.CASES
    monkeypatch.setattr(lockers, "CASES", (replace(case, provider=bad(case.provider)),))


def test_a_good_provider(capsys):
    code, out, err = ran(capsys, MODULE)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "lockers (provider lockers)"
    assert lines[1].split() == ["CHECK", "VERDICT", "WHY"]
    assert [line.split()[0] for line in lines[2 : 2 + len(CHECKS)]] == [check.name for check in CHECKS]
    assert "calls: login 1, get 1, probe 1, find 3, push_new 2, push_same 1, delete 2" in lines
    assert lines[-1] == f"{len(CHECKS)} checks of 1 case: none failed"


@pytest.mark.usefixtures("broken")
def test_a_bad_provider(capsys):
    code, out, _ = ran(capsys, MODULE, "--check", "a-value-is-read", "--check", "needs-are-met")
    assert code == 1
    assert "a-value-is-read   failed    1 of 1 queries are not answered" in out
    assert "calls: not measured" in out
    assert out.endswith("2 checks of 1 case: 1 failed\n")


@pytest.mark.usefixtures("broken")
def test_for_a_program(capsys):
    code, out, _ = ran(capsys, MODULE, "-o", "json", "--check", "a-value-is-read")
    assert code == 1
    assert json.loads(out) == {
        "passed": False,
        "cases": [
            {
                "case": "lockers",
                "provider": "lockers",
                "checks": [{"name": "a-value-is-read", "verdict": "failed", "text": "1 of 1 queries are not answered"}],
                "calls": {},
            }
        ],
    }


def test_the_calls_for_a_program(capsys):
    _, out, _ = ran(capsys, MODULE, "-o", "json", "--check", "needs-are-met")
    assert json.loads(out)["cases"][0]["calls"]["find"] == {"took": 3, "most": 3}


def test_the_checks_are_listed(capsys):
    code, out, _ = ran(capsys, "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == [check.name for check in CHECKS]


def test_help_has_an_example(capsys):
    code, out, _ = ran(capsys, "--help")
    assert code == 0
    assert "eso provider-test eso_lockers.case" in out


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("no_such_module", "no_such_module cannot be imported: ModuleNotFoundError"),
        ("json", "json has no CASES"),
        ("empty_cases", "CASES is not a tuple of"),
        ("other_cases", "CASES is not a tuple of"),
        ("raising_cases", "raising_cases cannot be imported: SystemExit: 7"),
        ("..relative", "cannot be imported"),
        ("", "cannot be imported"),
    ],
)
def test_a_module_that_cannot_be_used(module, why, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    (tmp_path / "empty_cases.py").write_text("CASES = ()")
    (tmp_path / "other_cases.py").write_text("CASES = (1,)")
    (tmp_path / "raising_cases.py").write_text("raise SystemExit(7)")
    code, out, err = ran(capsys, module)
    assert (code, out) == (2, "")
    assert why in err


@pytest.mark.parametrize("argv", [[], [MODULE, "--check", "nothing"], [MODULE, "--nothing"], [MODULE, "-o", "xml"]])
def test_a_command_line_that_cannot_be_understood(argv, capsys):
    code, out, err = ran(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "eso provider-test --help" in err
