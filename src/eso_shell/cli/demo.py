"""``eso demo``: the main job on a small cluster in this process."""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from eso_core.failure import describe
from eso_core.refs import EXTERNAL_SECRET, SECRET, Kind
from eso_core.secret import SecretBytes
from eso_shell.cli.show import BOLD, GREEN, RED, Paint, printable, revealed, table
from eso_shell.embedded import Finding, Finished, run
from eso_shell.manifests import ManifestError, load
from eso_shell.settings import arguments

DEFAULT = "examples/quickstart"

EPILOG = """\
Examples:
  # The example that comes with the source
  eso demo

  # Your own manifests, with the values shown
  eso demo -f my-store.yaml -f my-secret.yaml --reveal
"""


def main(argv: Sequence[str]) -> int:
    """Exit codes: 0 the operator came to rest (some objects may be broken on purpose), 1 it did not, 2 the input cannot be used."""
    options = _options(argv)
    try:
        manifests = load(options.filename or [DEFAULT], recursive=options.recursive)
    except ManifestError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    finished = run(manifests, namespace=options.namespace, environ=arguments()[1], timeout_s=options.timeout)
    paint = Paint(colour=sys.stdout.isatty())
    where = ", ".join(options.filename or [DEFAULT])
    sys.stdout.write(f"{len(manifests)} objects from {where}, applied to a cluster in this process; then the operator ran.\n\n")
    sys.stdout.write("\n".join(_report(finished, paint, reveal=options.reveal)) + "\n")
    if not finished.in_time:
        sys.stderr.write(f"error: the operator did not come to rest within {options.timeout:g} s\n")
    return 0 if finished.in_time else 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="eso demo",
        description="Apply manifests to a cluster in memory, run the operator on it until it rests, and show what became of them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-f", "--filename", action="append", metavar="PATH", help=f"file, folder or - (default: {DEFAULT})")
    parser.add_argument("-R", "--recursive", action="store_true", help="read folders with all folders in them")
    parser.add_argument("-n", "--namespace", default="default", help="for objects that name none (default: default)")
    parser.add_argument("--reveal", action="store_true", help="show the values of the Secrets")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="(default: 30)")
    return parser.parse_args(argv)


def _report(finished: Finished, paint: Paint, *, reveal: bool) -> Iterator[str]:
    for rejected in finished.rejected:
        yield paint(RED, f"rejected by the API server: {rejected.name}: {printable(rejected.message)}")
    yield from _objects(finished, paint)
    yield from _secrets(finished, paint, reveal=reveal)
    yield from _broken(finished, paint)


def _objects(finished: Finished, paint: Paint) -> Iterator[str]:
    yield paint(BOLD, "OBJECTS")
    rows = []
    for finding in _in_order(finished):
        key, because = finding.report.key, finding.report.settled.because
        verdict = ("-", "-", "") if because is None else (str(because.ready), because.reason, because.message)
        rows.append((key.kind.name, key.namespace or "-", key.name, *verdict))
    text = table(("KIND", "NAMESPACE", "NAME", "READY", "REASON", "MESSAGE"), rows)
    yield text.replace(" True ", " " + paint(GREEN, "True") + " ").replace(" False ", " " + paint(RED, "False") + " ") + "\n"


def _secrets(finished: Finished, paint: Paint, *, reveal: bool) -> Iterator[str]:
    yield paint(BOLD, "SECRETS") + ("" if reveal else "  (values hidden; --reveal shows them)")
    rows = []
    for secret in finished.server.objects(SECRET):
        owner = _owner(secret)
        if owner is None:
            continue
        meta = secret["metadata"]
        for key, value in sorted(secret.get("data", {}).items()):
            shown = revealed(SecretBytes(base64.b64decode(value))) if reveal else "***"
            rows.append((meta["namespace"], meta["name"], secret["type"], owner, key, shown))
    yield table(("NAMESPACE", "NAME", "TYPE", "WRITTEN BY", "KEY", "VALUE"), rows) + "\n"


def _owner(secret: dict[str, Any]) -> str | None:
    owners = secret["metadata"].get("ownerReferences", [])
    return next((owner["name"] for owner in owners if owner["kind"] == EXTERNAL_SECRET.name), None)


def _broken(finished: Finished, paint: Paint) -> Iterator[str]:
    broken = [f for f in _in_order(finished) if f.report.settled.because is not None and not f.report.settled.because.ready]
    if not broken:
        return
    yield paint(BOLD, "NOT READY")
    for finding in broken:
        settled = finding.report.settled
        assert settled.because is not None
        yield f"{finding.report.key}"
        if settled.detail is not None:
            yield f"  why:        {printable(describe(settled.detail))}"
        yield f"  what to do: {settled.because.advice}"


def _in_order(finished: Finished) -> list[Finding]:
    def place(finding: Finding) -> tuple[bool, Kind, str, str]:
        key = finding.report.key
        return key.kind == EXTERNAL_SECRET, key.kind, key.namespace, key.name

    return sorted(finished.findings.values(), key=place)
