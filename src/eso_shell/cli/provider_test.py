"""``eso provider-test``: one or more providers against the conformance suite, with backends in memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from eso_core.sim.provider.case import Case
from eso_core.sim.provider.suite import CHECKS, Checked, calls_of, walk
from eso_shell.cli.inputs import Flags, wants_help
from eso_shell.cli.show import BOLD, GREEN, RED, YELLOW, Paint, paint_for, printable, table
from eso_shell.settings import UsageError, arguments

ABOUT = """\
Hold a provider against the conformance suite, and print the table of checks.

MODULE is a Python module with CASES, a tuple of eso_core.sim.provider.case.Case: each joins the provider with a backend in memory and one
way to configure it. Modules are looked for in the current folder, too. Nothing is called over a network.

Exit codes: 0 every check passed or is not applicable; 1 a check failed; 2 a module cannot be used."""

EXAMPLES = (
    ("All checks of the package in examples/provider-package", "eso provider-test eso_lockers.case"),
    ("One check, for a program", "eso provider-test eso_lockers.case --check hostile-keys-stay-inside -o json"),
    ("What is checked?", "eso provider-test --list"),
)
COLOURS: Mapping[str, str] = {"passed": GREEN, "failed": RED, "not applicable": YELLOW}


class ModuleError(Exception):
    """A module cannot be used. The text is one line for a person."""


def main(argv: Sequence[str]) -> int:
    """See ``ABOUT``. Raises :class:`UsageError`."""
    parser = _flags()
    if wants_help(argv):
        sys.stdout.write(parser.format_help())
        return 0
    options = parser.parse_args(argv)
    paint = paint_for(sys.stdout, arguments()[1])
    if options.list:
        sys.stdout.write(table(("CHECK", "WHAT IT DEMANDS"), ((check.name, check.about) for check in CHECKS)) + "\n")
        return 0
    if not options.module:
        raise UsageError("a module with CASES is required")
    try:
        cases = [case for name in options.module for case in cases_of(name)]
    except ModuleError as error:
        sys.stderr.write(f"error: {printable(str(error))}\n")
        return 2
    only = frozenset(options.check or ())
    found = [(case, tuple(walk(case, only=only))) for case in cases]
    sys.stdout.write(_as_json(found) if options.output == "json" else "\n".join(_as_text(found, paint)) + "\n")
    return 1 if any(checked.verdict == "failed" for _, all_of in found for checked in all_of) else 0


def _flags() -> Flags:
    parser = Flags("eso provider-test MODULE [MODULE...] [options]", ABOUT, EXAMPLES)
    parser.add_argument("module", nargs="*", metavar="MODULE", help="a Python module with CASES")
    names = [check.name for check in CHECKS]
    parser.add_argument("--check", action="append", choices=names, metavar="NAME", help="only this check; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the checks, and what each demands")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="form of the result (default: text)")
    return parser


def cases_of(name: str) -> tuple[Case, ...]:
    """The cases of a module. Raises :class:`ModuleError`."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = import_module(name)
    except (Exception, SystemExit) as error:  # of code that is not ours
        text = " ".join(str(error).split())
        raise ModuleError(f"{name} cannot be imported: {type(error).__name__}{': ' if text else ''}{text}") from error
    cases = getattr(module, "CASES", None)
    if not isinstance(cases, Iterable):
        raise ModuleError(f"{name} has no CASES")
    held = tuple(cases)
    if not held or not all(isinstance(case, Case) for case in held):
        raise ModuleError(f"{name}: CASES is not a tuple of eso_core.sim.provider.case.Case")
    return held


# ---------------------------------------------------------------- the result


def _calls(case: Case) -> Mapping[str, tuple[int, int]]:
    try:
        return calls_of(case)
    except Exception:  # what went wrong is told by a check
        return {}


def _as_json(found: Sequence[tuple[Case, Sequence[Checked]]]) -> str:
    shown: list[dict[str, Any]] = [
        {
            "case": case.name,
            "provider": case.provider.key,
            "checks": [{"name": checked.check, "verdict": checked.verdict, "text": checked.text} for checked in all_of],
            "calls": {name: {"took": took, "most": most} for name, (took, most) in _calls(case).items()},
        }
        for case, all_of in found
    ]
    return json.dumps({"passed": _failed(found) == 0, "cases": shown}, indent=2) + "\n"


def _as_text(found: Sequence[tuple[Case, Sequence[Checked]]], paint: Paint) -> Iterator[str]:
    for case, all_of in found:
        yield paint(BOLD, f"{printable(case.name)} (provider {printable(case.provider.key)})")
        rows = [(checked.check, checked.verdict, checked.text) for checked in all_of]
        yield table(("CHECK", "VERDICT", "WHY"), rows, lambda head, cell: paint(COLOURS.get(cell.strip(), ""), cell))
        calls = ", ".join(f"{name} {took}{'' if took == most else f' of {most}'}" for name, (took, most) in _calls(case).items())
        yield f"calls: {calls}" if calls else "calls: not measured"
        yield ""
    failed, checks = _failed(found), sum(len(all_of) for _, all_of in found)
    yield f"{checks} checks of {len(found)} case{'' if len(found) == 1 else 's'}: " + (
        paint(RED, f"{failed} failed") if failed else paint(GREEN, "none failed")
    )


def _failed(found: Sequence[tuple[Case, Sequence[Checked]]]) -> int:
    return sum(checked.verdict == "failed" for _, all_of in found for checked in all_of)
