"""Runs vectors observed from the reference against this code.

    python -m tests.parity.vectors DIR

DIR holds `functions/*.jsonl` and `template/*.jsonl`, or the files themselves. Each failing vector is printed with its id and a reason; one
that differs on purpose is printed with its row of `docs/compatibility.md` and counted apart; a function without an adapter is counted as
not built yet, never as passed; a template that fails as it should, with another kind or text of error, passes and is counted. The last
line is `N passed, M failed`; the exit code is 1 if M > 0.

To add a function: write an adapter that takes the vector's `args` and returns a `Result`, and enter it in `ADAPTERS` of a module of
`adapters`. An adapter returns values the way vectors write them (bytes are encoded by `plain`), and raises `NotBuilt` for input that
needs a missing part.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from returns.result import Failure, Success

from eso_core.compat.property import NO_SECRET
from tests.parity import deliberate, templates
from tests.parity.adapters import ADAPTERS
from tests.parity.form import Adapter, NotBuilt, plain, same


@dataclass(slots=True)
class Tally:
    passed: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    deliberate: list[tuple[str, str]] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    kinds: list[str] = field(default_factory=list)  # ids of template vectors that fail as they should, with another kind of error
    texts: list[str] = field(default_factory=list)  # or with another text


def vectors(folder: Path) -> Iterator[dict[str, Any]]:
    """Every vector under `folder`, of a function (with `fn`) or of a template."""
    for path in sorted([*folder.glob("functions/*.jsonl"), *folder.glob("template/*.jsonl"), *folder.glob("*.jsonl")]):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def check(vector: dict[str, Any], adapter: Adapter) -> str:
    """Why `vector` fails; empty if it passes."""
    outcome = adapter(vector["args"])
    match outcome:
        case Success(value):
            if not vector["ok"]:
                return f"succeeded with {plain(value)!r:.200}, should fail: {vector.get('error')}"
            got = plain(value)
            return "" if same(got, vector["result"]) else f"got {got!r:.300}, want {vector['result']!r:.300}"
        case Failure(fault):
            if vector["ok"]:
                return f"failed: {fault:.200}, want {vector['result']!r:.200}"
            kind = "no-secret" if fault == NO_SECRET else "error"
            wanted = vector["error_class"]
            return f"error class {kind}, want {wanted} ({fault})" if kind != wanted and "no-secret" in (kind, wanted) else ""
    raise AssertionError(outcome)


def _function(vector: dict[str, Any], tally: Tally) -> str | None:
    """Why the vector of a function fails, None if there is nothing to check it with."""
    adapter = ADAPTERS.get(vector["fn"])
    if adapter is None:
        tally.missing[vector["fn"]] += 1
        return None
    try:
        return check(vector, adapter)
    except NotBuilt as missing:
        tally.missing[f"{vector['fn']} ({missing})"] += 1
        return None


def _template(vector: dict[str, Any], tally: Tally) -> str:
    """Why the vector of a template fails."""
    checked = templates.check(vector)
    if not checked.reason and not checked.same_kind:
        tally.kinds.append(vector["id"])
    if not checked.reason and not checked.same_text:
        tally.texts.append(vector["id"])
    return checked.reason


def run(folder: Path) -> Tally:
    """Checks every vector under `folder`."""
    tally = Tally()
    rows = deliberate.rows()
    for vector in vectors(folder):
        try:
            reason = _function(vector, tally) if "fn" in vector else _template(vector, tally)
        except Exception as error:
            reason = f"raised {error!r:.300}"
        if reason is None:
            continue
        if not reason:
            tally.passed += 1
        elif row := deliberate.reason(vector.get("fn", "template"), vector.get("args", vector), rows):
            tally.deliberate.append((vector["id"], row))
        else:
            tally.failures.append((vector["id"], reason))
    return tally


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m tests.parity.vectors DIR", file=sys.stderr)
        return 2
    tally = run(Path(arguments[0]))
    for identifier, reason in tally.failures:
        print(f"{identifier}: {reason}")
    for identifier, row in tally.deliberate:
        print(f"deliberate: {identifier}: {row}")
    for name, count in sorted(tally.missing.items()):
        print(f"not built yet: {name}: {count}")
    for what, differing in (("error_kind", tally.kinds), ("error text", tally.texts)):
        if differing:
            print(f"{what} differs: {len(differing)}, such as {', '.join(differing[:5])}")
    if tally.deliberate:
        print(f"{len(tally.deliberate)} deliberate")
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
