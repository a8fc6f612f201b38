"""The recordings, what is known about them, and the verdict on each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.parity.recordings.compare import Difference, compare
from tests.parity.recordings.replay import replay

HERE = Path(__file__).parent
DATA = HERE / "data"
NOT_YET = HERE / "not_yet.txt"
DELIBERATE = HERE.parent / "deliberate.yaml"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Rule:
    """Differences that are meant: regular expressions that are searched in the scenario's name and in the path."""

    scenarios: str
    path: str
    why: str
    actual: Any = None
    any_actual: bool = True

    def covers(self, scenario: str, difference: Difference) -> bool:
        """Whether the difference is one of these."""
        if not self.any_actual and self.actual != difference.actual:
            return False
        return re.search(self.scenarios, scenario) is not None and re.search(self.path, difference.path) is not None


@dataclass(frozen=True, slots=True)
class Verdict:
    """``differences`` are those that are not meant; ``used`` the numbers of the rules that covered one.

    ``error``: why the scenario could not be carried out.
    """

    name: str
    differences: tuple[Difference, ...] = ()
    used: frozenset[int] = frozenset()
    error: str = ""

    @property
    def passed(self) -> bool:
        """As the reference, apart from what is meant."""
        return not self.differences and not self.error


def name_of(recording: Mapping[str, Any]) -> str:
    """``group/name``."""
    return f"{recording['group']}/{recording['name']}"


def load(path: Path) -> dict[str, Any] | None:
    """One recording; ``None`` when the file is none."""
    found = yaml.load(path.read_text(encoding="utf-8"), _LOADER)
    return found if isinstance(found, dict) and "steps" in found and "name" in found else None


def recordings(folder: Path = DATA) -> list[dict[str, Any]]:
    """Every recording below a folder, or the one of a file."""
    files = sorted(folder.rglob("*.yaml")) if folder.is_dir() else [folder]
    return [found for path in files if (found := load(path)) is not None]


@cache
def rules() -> tuple[Rule, ...]:
    """The rows of ``deliberate.yaml``."""
    rows: Sequence[Mapping[str, Any]] = yaml.load(DELIBERATE.read_text(encoding="utf-8"), _LOADER) or ()
    return tuple(
        Rule(row.get("scenarios", ""), row["path"], row["why"], actual=row.get("actual"), any_actual="actual" not in row) for row in rows
    )


@cache
def not_yet() -> Mapping[str, str]:
    """Scenarios that need what is not built, with what that is."""
    lines = (line.partition("#") for line in NOT_YET.read_text(encoding="utf-8").splitlines())
    return {name.strip(): why.strip() for name, _, why in lines if name.strip()}


def judge(recording: Mapping[str, Any], carry_out: Callable[[Mapping[str, Any]], list[dict[str, Any]]] = replay) -> Verdict:
    """Carry out one recording, in memory unless told otherwise, and compare."""
    name = name_of(recording)
    try:
        seen = carry_out(recording)
    except Exception as error:
        return Verdict(name, error=f"{type(error).__name__}: {error}")
    found = compare([step.get("observed") or {} for step in recording["steps"]], seen)
    rest, used = [], set()
    for difference in found:
        row = next((index for index, rule in enumerate(rules()) if rule.covers(name, difference)), None)
        if row is None:
            rest.append(difference)
        else:
            used.add(row)
    return Verdict(name, tuple(rest), frozenset(used))
