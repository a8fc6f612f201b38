"""What has to happen in many runs, and what did: a fault that never strikes tests nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.sim.dice import EFFECTS, MOMENTS, PARTS, Dice
from tests.sim.rendering import FEATURES
from tests.sim.user import User
from tests.sim.world import World

ENOUGH = 10_000  # runs in which everything has to happen


def parts() -> Iterator[tuple[str, str]]:
    """The name of the count of everything that can be drawn, and of the count of those that mattered."""
    for part, kinds in PARTS.items():
        for kind in kinds:
            yield ("" if part == "watch" else f"drawn {part} {kind}"), f"fault {part} {kind}"
    yield "", "fault watch behind"
    for effect in EFFECTS:
        for moment in MOMENTS:
            yield "", f"crash {moment} {effect}"
    for feature in FEATURES:
        yield "", f"template {feature}"
    for name in User(World(Dice(1))).names:
        yield f"drawn act {name}", f"act {name}"


def missing(totals: Mapping[str, int]) -> list[str]:
    """What never mattered."""
    return [mattered for _, mattered in parts() if not totals.get(mattered)]


def table(totals: Counter[str]) -> str:
    """One line for each: how often it was drawn, and how often it mattered."""
    lines = [f"{'':44}{'drawn':>10}{'mattered':>10}"]
    for drawn, mattered in parts():
        lines.append(f"{mattered:44}{totals[drawn] if drawn else '':>10}{totals[mattered]:>10}")
    counted = {name for pair in parts() for name in pair}
    rest = ", ".join(f"{n} {name}" for name, n in sorted(totals.items()) if name not in counted)
    return "\n".join((*lines, rest))
