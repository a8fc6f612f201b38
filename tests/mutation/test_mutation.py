"""The tool itself: what it changes, that the change is what runs, and that its list of exceptions is true."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.mutation.__main__ import FILES, ROOT, equivalents
from tests.mutation.changes import Mutant, mutants, mutated

SAMPLE = '''"""Text."""
LIMIT: int = 3


def f(a: int = 1, b: str | None = "x") -> int | None:
    """Text."""
    assert a != 7
    if a < LIMIT and not b:
        print("b")
    return {"k": a} | {**dict(), "z": 1} and a + 2
'''


@pytest.fixture
def made(tmp_path: Path) -> list[Mutant]:
    path = tmp_path / "sample.py"
    path.write_text(SAMPLE)
    return list(mutants(path))


def test_changes(made: list[Mutant]) -> None:
    assert [mutant.change for mutant in made if mutant.unit.name == "LIMIT"] == ["3 => 4 in LIMIT: int = 3", "3 => 2 in LIMIT: int = 3"]
    changes = Counter(mutant.change for mutant in made if mutant.line in (7, 8))
    assert changes == Counter(
        [
            "if a < LIMIT and (not b): => if True:",
            "if a < LIMIT and (not b): => if False:",
            "a < LIMIT and (not b) => a < LIMIT or not b",
            "a < LIMIT => a <= LIMIT",
            "not b => b",
        ]
    )
    assert {mutant.change for mutant in made if mutant.line == 9} == {
        "print('b') => pass",
        "'b' => 'b~' in print('b')",
        "'b' => '' in print('b')",
    }
    assert {mutant.change for mutant in made if mutant.line == 10} >= {
        "a + 2 => a - 2",
        "{'k': a} | {**dict(), 'z': 1} => {'k': a}",
        "{**dict(), 'z': 1} => {**dict()}",
        "return {'k': a} | {**dict(), 'z': 1} and a + 2 => return None",
    }


def test_asserts_docstrings_and_defaults_stay(made: list[Mutant]) -> None:
    assert not [mutant for mutant in made if mutant.line in (1, 5, 6, 7) and mutant.unit.name == "f"]


def test_every_mutant_is_another_program(made: list[Mutant]) -> None:
    programs = [ast.unparse(mutated(mutant)) for mutant in made]
    assert len(set(programs)) == len(programs)
    assert not set(programs) & {ast.unparse(mutant.unit.node) for mutant in made}


def test_lines_are_those_that_run(made: list[Mutant]) -> None:
    assert {mutant.lines for mutant in made if mutant.line == 8} == {frozenset({8})}


def test_every_exception_is_a_mutant_and_has_a_reason() -> None:
    keys = {mutant.key for path in FILES for mutant in mutants(ROOT / path)}
    assert [key for key, reason in equivalents().items() if key not in keys or not reason.strip()] == []


@pytest.mark.parametrize(("tests", "code"), [("tests/unit/stages/test_labels.py", 0), ("tests/unit/core/test_vocabulary.py", 1)])
def test_a_run(tests: str, code: int) -> None:
    """Tests that cover a file kill its mutants; tests that do not, kill none."""
    command = [sys.executable, "-m", "tests.mutation", "--files", "src/eso_core/stages/labels.py", "--tests", tests, "--sample", "5"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "src"}, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    told = "5 killed, 0 survived" if code == 0 else "0 killed, 5 survived"
    assert f"src/eso_core/stages/labels.py: 5 mutants, {told}" in done.stdout
