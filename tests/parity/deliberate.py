"""Where this operator differs on purpose: which arguments, and the row of `docs/compatibility.md` that says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from eso_core.compat.duration import SECOND, parse_duration

ROWS = Path(__file__).parents[2] / "docs" / "compatibility.md"
Args = dict[str, Any]


def _short_interval(args: Args) -> bool:
    text = args["refreshInterval"]
    return text is not None and 0 < parse_duration(text).value_or(0) < SECOND


DELIBERATE: dict[str, tuple[Callable[[Args], bool], str]] = {
    "should_refresh": (_short_interval, "`refreshInterval` under a second"),
    "requeue": (_short_interval, "`refreshInterval` under a second"),
    "secret_valid": (lambda args: args["creationPolicy"] == "None", "`creationPolicy: None`"),
    "managed_keys": (
        lambda args: args["what"] != "data" and 27 < len(args["name"].encode()) <= 63,
        "stale labels and annotations, ExternalSecret names of 28 to 63 bytes",
    ),
}


def rows() -> frozenset[str]:
    """The first cells of every table row of the document."""
    lines = ROWS.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split("|")[1].strip() for line in lines if line.startswith("| "))


def reason(function: str, args: Args, known: frozenset[str]) -> str:
    """The row that covers a difference of `function` for `args`; empty if none of the document does."""
    if function not in DELIBERATE:
        return ""
    covers, row = DELIBERATE[function]
    return row if row in known and covers(args) else ""
