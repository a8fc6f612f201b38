"""The way from a key to a provider."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest

from eso_core.api.providers import KEYS
from eso_core.providers import load

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "src/eso_core/providers"
BUILT = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
KEY = {key.lower(): key for key in KEYS}
"""File name to key."""


@pytest.mark.parametrize("name", BUILT)
def test_a_provider_is_its_file(name):
    found = load(KEY[name])
    assert found is not None
    assert found.key == KEY[name]
    assert found is load(KEY[name])


@pytest.mark.parametrize("name", BUILT)
def test_other_letters_are_another_key(name):
    others = {name.upper(), name.capitalize(), KEY[name].swapcase(), KEY[name] + "x"} - {KEY[name]}
    assert [load(other) for other in others] == [None] * len(others)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "nobody",
        "Fake",
        "FAKE",
        "fAke",
        "_kit",
        "_vault",
        "kit",
        "fake.parse",
        "../fake",
        "os",
        "sys",
        "fake ",
        "fake\n",
        "x" * 500,
        "é",
        ".fake",
        "__init__",
    ],
)
def test_nothing_else_is_imported(key):
    before = set(sys.modules)
    assert load(key) is None
    assert not {name for name in set(sys.modules) - before if "fake" not in name.lower()}


# ---------------------------------------------------------------- strangers


def imported(path: Path) -> set[str]:
    """The files of this folder that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "eso_core.providers":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("eso_core.providers."):
            found.add((node.module or "").split(".")[2])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[2] for alias in node.names if alias.name.startswith("eso_core.providers.")}
    return {name for name in found if (FOLDER / f"{name}.py").exists()}


@pytest.mark.parametrize("name", BUILT)
def test_no_provider_knows_another(name):
    known, new = set[str](), {name}
    while new:
        known |= new
        new = set().union(*(imported(FOLDER / f"{one}.py") for one in new)) - known
    assert known & set(BUILT) == {name}


def test_the_import_contract_names_them_all():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [strangers] = [contract for contract in contracts if contract["id"] == "providers-are-strangers"]
    assert strangers["modules"] == [f"eso_core.providers.{name}" for name in BUILT]
