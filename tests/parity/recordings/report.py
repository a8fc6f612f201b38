"""A verdict on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eso_shell.settings import parse
from tests.parity.recordings.suite import Verdict, not_yet

SHOWN = 12  # differences of one scenario, unless all are asked for


def show(recording: Mapping[str, Any], verdict: Verdict, *, verbose: bool, note: str = "") -> str:
    """Print it; ``note`` is added to its line. Whether it ``passed``, ``failed``, or is ``not yet`` expected to pass."""
    listed = not_yet().get(verdict.name)
    late = listed is not None and not verdict.passed
    lines = [verdict.error] if verdict.error else [str(difference) for difference in verdict.differences]
    if listed is not None and verdict.passed:
        lines = [f"passes, but is listed as not yet: {listed}"]
    word = "NOT YET" if late else "FAIL" if lines else "PASS"
    print(" ".join([word, verdict.name, *([f" # {listed}"] if late else []), *([f" ({note})"] if note else [])]), flush=True)
    if verbose:
        lines += [f"({warning})" for warning in parse(recording.get("operatorArgs") or [], {}).warnings]
    for line in [] if late and not verbose else lines if verbose else lines[:SHOWN]:
        print(f"     {line}")
    if len(lines) > SHOWN and not verbose and not late:
        print(f"     ... {len(lines) - SHOWN} more")
    return "not yet" if late else "failed" if word == "FAIL" else "passed"
