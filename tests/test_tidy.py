"""Guards for what linters do not see. Where something is not yet as it should be, a list names it and may only shrink."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"
CORE = SRC / "eso_core"
MODULES = sorted(SRC.rglob("*.py"))
IDS = [str(path.relative_to(SRC)) for path in MODULES]

FUNCTION_LINES, FILE_LINES = 70, 700

REVEALS = {
    "eso_core/door.py": "Access.text, for providers",
    "eso_core/machines/apply.py": "the body of a request",
    "eso_core/machines/scrub.py": "what must not stand in a failure",
    "eso_core/sim/provider/bench.py": "comparing what came with what was put",
    "eso_core/stages/decode.py": "decoding",
    "eso_core/stages/needs.py": "the digest that tells credentials apart",
    "eso_core/stages/manifest.py": "the content of a target that is no Secret",
    "eso_core/stages/marks.py": "the data hash",
    "eso_core/stages/render.py": "what templates are laid over",
    "eso_core/stages/templates.py": "the data of templates",
    "eso_shell/sdk/azure.py": "what is pushed, for the vendor's library",
    "eso_shell/cli/show.py": "a person asked to see it",
}
"""Exits of secrets: file and reason. A new one is a decision; review it as such."""

PROVIDERS_IN = "eso_core/providers/"
"""Reading and writing a backend's values is what providers are for; the conformance kit looks for canaries in all they say."""

PRINTS = "eso_shell/cli/"
UNDOCUMENTED: set[str] = set()  # providers without a page in docs/providers


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(SRC))


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_sizes(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


# ---------------------------------------------------------------- exits


def reveals(path: Path) -> bool:
    """``x.reveal()``, or ``SecretBytes.reveal`` handed on."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reveal":
            return True
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "reveal"
            and isinstance(node.value, ast.Name)
            and node.value.id == "SecretBytes"
        ):
            return True
    return False


def test_secrets_are_revealed_at_known_exits_only() -> None:
    found = {name_of(path) for path in MODULES if reveals(path)} - {name for name in map(name_of, MODULES) if name.startswith(PROVIDERS_IN)}
    assert found - REVEALS.keys() == set(), "reveal() in a file that is not an exit: see REVEALS"
    assert REVEALS.keys() - found == set(), "an exit that is none any more: remove it from REVEALS"


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_nothing_is_printed_but_by_commands(path: Path) -> None:
    calls = (node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))
    assert name_of(path).startswith(PRINTS) or not any(isinstance(func, ast.Name) and func.id == "print" for func in calls)


# ---------------------------------------------------------------- prose


def docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Each docstring with the name of what it describes, attribute docstrings included."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "name", "module"), text
        if isinstance(node, ast.Module | ast.ClassDef):
            for child in node.body:
                if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant) and isinstance(child.value.value, str):
                    yield getattr(node, "name", "module"), child.value.value


FILE = re.compile(r"(?<![\w./-])((?:[\w.-]+/)*[\w-]+\.(?:py|md|toml|yaml|jsonl))\b")
DOTTED = re.compile(r"\b(eso_(?:core|shell)(?:\.\w+)+)")
FOLDER = re.compile(r"(?<![\w./])((?:stages|flows|machines|providers|api|compat|sim|cli|kube|observe|serve|sdk)/\w+)\b(?![./])")
ELSEWHERE = {"values.yaml"}  # files that a user has, not this repository


def file_exists(name: str, near: Path) -> bool:
    bases = (near.parent, SRC, CORE, SRC / "eso_shell", ROOT)
    return name in ELSEWHERE or any((base / name).exists() for base in bases)


def dotted_exists(name: str) -> bool:
    """A module, or a name that occurs in the module that the rest names."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        base = SRC.joinpath(*parts[:cut])
        module = base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"
        if module.exists():
            text = module.read_text(encoding="utf-8")
            return all(re.search(rf"\b{re.escape(part)}\b", text) for part in parts[cut:])
    return False


def folder_exists(name: str) -> bool:
    return any((base / name).exists() or (base / f"{name}.py").exists() for base in (CORE, SRC / "eso_shell", CORE / "sim"))


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_docstrings_name_what_exists(path: Path) -> None:
    for where, text in docstrings(path):
        for name in FILE.findall(text):
            assert file_exists(name, path), f"{where}: there is no {name}"
        for name in DOTTED.findall(text):
            assert dotted_exists(name), f"{where}: there is no {name}"
        for name in FOLDER.findall(text):
            assert folder_exists(name), f"{where}: there is no {name}"


def test_that_guard_can_fail() -> None:
    assert FILE.findall("see ``machines/nowhere.py`` and lost.md.") == ["machines/nowhere.py", "lost.md"]
    assert FILE.findall("reference: ``runtime/esutils/utils.go``, e.g. 1.36.3") == []
    assert not file_exists("machines/nowhere.py", CORE / "x.py")
    assert file_exists("machines/queue.py", CORE / "x.py")
    assert DOTTED.findall(":class:`eso_core.door.Access`.") == ["eso_core.door.Access"]
    assert dotted_exists("eso_core.door.Access")
    assert not dotted_exists("eso_core.door.Nobody")
    assert not dotted_exists("eso_core.nowhere")
    assert FOLDER.findall("needs ─► machines/batch ─► flows/external_secret") == ["machines/batch", "flows/external_secret"]
    assert not folder_exists("machines/batch")
    assert folder_exists("flows/external_secret")


def test_modules_and_their_public_parts_say_what_they_are() -> None:
    bare = []
    for path in MODULES:
        tree = parsed(path)
        if not ast.get_docstring(tree) and path.read_text(encoding="utf-8").strip():
            bare.append(name_of(path))
    assert bare == []


# ---------------------------------------------------------------- providers

PROVIDERS = sorted(path.stem for path in (CORE / "providers").iterdir() if re.fullmatch(r"[a-z0-9]+(\.py)?", path.name))


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_has_tests(name: str) -> None:
    assert (ROOT / "tests" / "providers" / name / "case.py").exists()
    assert list((ROOT / "tests" / "providers" / name).glob("test_*.py")) != []


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_has_a_page(name: str) -> None:
    assert (ROOT / "docs" / "providers" / f"{name}.md").exists() != (name in UNDOCUMENTED)


def test_there_are_providers() -> None:
    assert {"aws", "fake", "kubernetes", "vault"} <= set(PROVIDERS)
