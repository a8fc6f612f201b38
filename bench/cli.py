"""The command line: ``python -m bench``, ``python -m bench calls``, ``python -m bench imports``, ``python -m bench show``.

Exit codes: 0 done; 1 it did not work, or not all objects arrived, or a budget is exceeded; 2 the command line cannot be understood;
130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from bench import imports, objects, results, scenario
from bench.burst import ROOT
from bench.subject import BARE, OUR_CRDS, OURS, Command
from bench.text import Parser, counts, positive, say, some_of
from tests.e2e.harness.binaries import Binaries, BinariesUnavailable, BuildFailed, find_or_build

OK, FAILED, INTERRUPTED = 0, 1, 130
OUT = ROOT / "bench" / "out"


class CannotMeasure(Exception):
    """One line for a person."""


def main(argv: Sequence[str]) -> int:
    """The result is the exit code; a line that cannot be understood ends the process with 2."""
    try:
        match argv:
            case ["calls", *rest]:
                return calls_command(rest)
            case ["imports", *rest]:
                return imports_command(rest)
            case ["show", *rest]:
                return show_command(rest)
            case _:
                return run_command(argv)
    except (BinariesUnavailable, BuildFailed, CannotMeasure) as failure:
        say(f"error: {failure}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the table has seen enough; nothing is left to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


# ---------------------------------------------------------------- bench


def run_parser() -> Parser:
    parser = Parser(
        "python -m bench",
        "Measures an operator on a real API server: new objects, idling, a restart, a refresh of all. Other commands: "
        '"python -m bench calls" (calls to backends), "python -m bench imports" (what the start costs), '
        '"python -m bench show" (saved results side by side).',
        """
        # Ours, 1,000 and 10,000 objects, beside the least that syncing takes
        python -m bench --ceiling

        # A quick look
        python -m bench --objects 200 --mode preloaded --phases cold

        # Another operator, with its own definitions
        python -m bench --operator-name other --crds bundle.yaml \\
          --operator './other --kubeconfig {kubeconfig} --metrics-addr {metrics} --live-addr {live}'

        # Fairness: new objects while 10,000 others are overdue, or beside a store that hangs
        python -m bench --objects 10000 --mode preloaded --phases cold,wave --beside-rate 20
        python -m bench --objects 1000 --mode preloaded --phases cold,blackhole

        # A thousand stores with ten objects each, and a hundred dead ones
        python -m bench --namespaces 1000 --store SecretStore --objects 10000 --mode preloaded \\
          --phases cold,stores --idle-s 120

        # New objects while 2,000 others refresh every 30 s
        python -m bench --objects 2000 --mode preloaded --phases cold,beside --refresh-interval 30s
        """,
    )
    add = parser.add_argument
    add("--objects", type=counts, default=(1000, 10000), metavar="ints", help="how many ExternalSecrets; one run for each number")
    add("--mode", type=some_of("preloaded", "created"), default=("preloaded", "created"), metavar="words",
        help="preloaded: the objects exist, then the operator starts. created: it runs, then they are created. The phases after the "
        "cold start belong to the first of the modes")  # fmt: skip
    add("--phases", type=some_of(*scenario.PHASES), default=scenario.Setting().phases, metavar="words",
        help="cold, which is always there and first; idle; restart on what is settled; refresh: the operator starts when all objects "
        "are overdue; force: all are annotated; beside: new ones while the others go on; wave: new ones while all others are overdue; "
        "blackhole: new ones beside as many of a store that does not answer, until it does; stores: how validations are spread, new ones "
        "beside dead stores")  # fmt: skip
    add("--operator", default=OURS, metavar="command", help="with placeholders {kubeconfig} {metrics} {live} {python} {vault} {token}")
    add("--operator-name", default="", metavar="string", help="in the report; eso for the default operator, else the program's name")
    add("--crds", type=Path, metavar="file", help="the definitions to install; those of `eso crds` when left out")
    add("--ceiling", action="store_true", help="also measure the bare client: Vault GET, Secret POST, status PATCH, Event POST")
    add("--namespaces", type=positive, default=10, metavar="int", help="that the objects are spread over")
    add("--properties", type=positive, default=3, metavar="int", help="entries of spec.data, each a property of one backend key")
    add("--fan-out", type=positive, default=1, metavar="int", help="objects that read the same backend key")
    add("--latency-ms", type=float, default=20.0, metavar="float", help="of each answer of the backend")
    add("--store", choices=("ClusterSecretStore", "SecretStore"), default="ClusterSecretStore", metavar="kind",
        help="one ClusterSecretStore, or a SecretStore in each namespace")  # fmt: skip
    add("--refresh-interval", default="1h", metavar="duration", help="spec.refreshInterval of the objects")
    add("--changing", action="store_true", help="the backend's values change before refresh and force")
    add("--idle-s", type=float, default=20.0, metavar="float", help="length of the idle phase")
    add("--beside-objects", type=positive, default=200, metavar="int", help="created in the phases beside and wave")
    add("--beside-rate", type=float, default=10.0, metavar="float", help="of them a second")
    add("--hole-rate", type=float, default=25.0, metavar="float", help="healthy objects a second in the phase blackhole")
    add("--dead-stores", type=positive, default=100, metavar="int", help="in the phase stores; they answered once")
    add("--foreign-secrets", type=int, default=0, metavar="int", help="Secrets of 1 kB that are not the operator's, there from the start")
    add("--creators", type=positive, default=2, metavar="int", help="processes that create")
    add("--connections", type=positive, default=32, metavar="int", help="of the creators, all together")
    add("--stall-s", type=float, default=60.0, metavar="float", help="end a run when no object has arrived for so long")
    add("-o", "--output", choices=("table", "json"), default="table", metavar="word", help="on standard output: table or json")
    add("--out", type=Path, default=OUT.relative_to(ROOT), metavar="folder", help="for the JSON result and the operator's logs")
    return parser


def run_command(argv: Sequence[str]) -> int:
    given = run_parser().parse_args(argv)
    setting = scenario.Setting(
        shape=objects.Shape(
            namespaces=given.namespaces,
            properties=given.properties,
            fan_out=given.fan_out,
            refresh_interval=given.refresh_interval,
            store_kind=given.store,
        ),
        latency_ms=given.latency_ms,
        phases=given.phases,
        idle_s=given.idle_s,
        changing=given.changing,
        beside_objects=given.beside_objects,
        beside_per_s=given.beside_rate,
        hole_per_s=given.hole_rate,
        dead_stores=given.dead_stores,
        foreign_secrets=given.foreign_secrets,
        connections=given.connections,
        creators=given.creators,
        stall_s=given.stall_s,
    )
    command = Command(_name(given), given.operator)
    binaries, crds = find_or_build(), definitions(given.crds)
    given.out.mkdir(parents=True, exist_ok=True)
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{command.name}"
    runs = [_run(command, count, mode, setting, given, binaries, crds, stem) for count in given.objects for mode in given.mode]
    if given.ceiling:
        ceiling = Command("bare", BARE)
        runs += [_run(ceiling, count, "preloaded", _cold_only(setting), given, binaries, crds, stem) for count in given.objects]
    found = results.document(runs, {**vars(given), "crds": str(given.crds or "eso crds"), "out": str(given.out)})
    path = results.save(found, given.out, stem)
    print(results.table(found["runs"]) if given.output == "table" else path.read_text(), end="\n" if given.output == "table" else "")
    say(f"saved {path}")
    return FAILED if any(run.failure for run in runs) else OK


def _run(
    command: Command, count: int, mode: str, setting: scenario.Setting, given: argparse.Namespace, binaries: Binaries,
    crds: Sequence[objects.Json], stem: str,
) -> results.Run:  # fmt: skip
    log = given.out / f"{stem}-{command.name}-{count}-{mode}.log"
    chosen: scenario.Mode = "preloaded" if mode == "preloaded" else "created"
    setting = setting if mode == given.mode[0] else _cold_only(setting)
    return scenario.run(command, count, chosen, setting, binaries, crds, log, say)


def _cold_only(setting: scenario.Setting) -> scenario.Setting:
    return scenario.with_phases(setting, ("cold",))


def _name(given: argparse.Namespace) -> str:
    if given.operator_name:
        return str(given.operator_name)
    return "eso" if given.operator == OURS else Path(Command("", given.operator).argv({})[0]).name


def definitions(file: Path | None) -> list[objects.Json]:
    """The CustomResourceDefinitions of a bundle, without conversion webhooks, which nobody would answer. Raises `CannotMeasure`."""
    if file is None:
        argv = Command("crds", OUR_CRDS).argv({})
        done = subprocess.run(argv, capture_output=True, cwd=ROOT, check=False)
        if done.returncode != 0:
            raise CannotMeasure(f"`eso crds` ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-500:]}")
        text, origin = done.stdout.decode(), "eso crds"
    else:
        try:
            text, origin = file.read_text(), str(file)
        except OSError as failure:
            raise CannotMeasure(f"{file}: {failure.strerror}") from failure
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = [each for each in yaml.load_all(text, loader) if each and each.get("kind") == "CustomResourceDefinition"]
    if not found:
        raise CannotMeasure(f"{origin} has no CustomResourceDefinition")
    for each in found:
        each.pop("status", None)
        each["spec"].pop("conversion", None)
    return found


# ---------------------------------------------------------------- bench calls


def calls_parser() -> Parser:
    parser = Parser(
        "python -m bench calls",
        "How many calls to backends the operator makes, on an API server and backends in memory. Exit code 1 when they are more than their "
        "bounds.",
        """
        # All providers
        python -m bench calls

        # One of them, all numbers
        python -m bench calls --provider vault -o json
        """,
    )
    add = parser.add_argument
    add("--provider", default="", metavar="key", help="under spec.provider; all when left out")
    add("-o", "--output", choices=("table", "json"), default="table", metavar="word", help="table or json")
    return parser


def calls_command(argv: Sequence[str]) -> int:
    parser = calls_parser()
    given = parser.parse_args(argv)
    from bench import backend_calls  # every provider and its server: the other commands need none of them

    chosen = list(backend_calls.cases(given.provider))
    if not chosen:
        parser.error(f"argument --provider: there is no provider {given.provider!r} that makes calls")
    found: list[backend_calls.Row] = []
    for case in chosen:
        say(case.name)
        try:
            found += backend_calls.rows(case)
        except backend_calls.CannotCount as failure:
            raise CannotMeasure(str(failure)) from failure
    print(backend_calls.as_json(found) if given.output == "json" else backend_calls.as_table(found))
    exceeded = backend_calls.exceeded(found)
    for line in exceeded:
        say(f"over its bound: {line}")
    return FAILED if exceeded else OK


# ---------------------------------------------------------------- bench imports


def imports_parser() -> Parser:
    parser = Parser(
        "python -m bench imports",
        "What the operator's start costs: CPU and memory of the import alone, and of the running operator without objects.",
        """
        # All of it
        python -m bench imports

        # The import alone, as a gate
        python -m bench imports --no-run --max-import-s 0.8 --max-rss-mb 70
        """,
    )
    add = parser.add_argument
    add("--module", default="", metavar="string", help="to import; eso_shell.app, or eso_shell.cli.main while there is no such")
    add("--repeat", type=positive, default=5, metavar="int", help="imports, of which the cheapest counts")
    add("--top", type=int, default=12, metavar="int", help="modules to list by the time of their own")
    add("--no-run", action="store_true", help="do not run the operator")
    add("--operator", default=OURS, metavar="command", help='as in "python -m bench --help"')
    add("--crds", type=Path, metavar="file", help="the definitions to install; those of `eso crds` when left out")
    add("--idle-s", type=float, default=10.0, metavar="float", help="how long the operator is watched after its start")
    add("--max-import-s", type=float, metavar="float", help="exit code 1 when the import takes more CPU seconds")
    add("--max-rss-mb", type=float, metavar="float", help="exit code 1 when the import, or the operator without objects, has more")
    add("-o", "--output", choices=("table", "json"), default="table", metavar="word", help="table or json")
    return parser


def imports_command(argv: Sequence[str]) -> int:
    given = imports_parser().parse_args(argv)
    imported = imports.measure(given.module or imports.default_module(), given.repeat, given.top)
    running = None
    if not given.no_run:
        running = imports.measure_running(Command("operator", given.operator), given.idle_s, find_or_build(), definitions(given.crds), say)
    print(imports.as_json(imported, running) if given.output == "json" else imports.as_table(imported, running))
    exceeded = imports.exceeded(imported, running, given.max_import_s, given.max_rss_mb)
    for line in exceeded:
        say(f"over budget: {line}")
    return FAILED if exceeded else OK


# ---------------------------------------------------------------- bench show


def show_parser() -> Parser:
    parser = Parser(
        "python -m bench show",
        "Saved results side by side.",
        """
        # The last one
        python -m bench show

        # Two operators
        python -m bench show bench/out/20250101-120000-eso.json bench/out/20250101-130000-other.json
        """,
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="file", help="results; the newest in bench/out when none is given")
    return parser


def show_command(argv: Sequence[str]) -> int:
    given = show_parser().parse_args(argv)
    files = given.files or sorted(OUT.glob("*.json"), key=lambda path: path.stat().st_mtime)[-1:]
    if not files:
        raise CannotMeasure("no results in bench/out yet")
    try:
        runs = [run for path in files for run in results.load(path)["runs"]]
    except (OSError, ValueError) as failure:
        raise CannotMeasure(str(failure)) from failure
    print(results.table(runs))
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
