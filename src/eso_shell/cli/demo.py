"""``eso demo``: the main job on a small cluster in this process."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eso_core.failure import describe
from eso_core.refs import EXTERNAL_SECRET, SECRET, Kind
from eso_core.secret import SecretBytes
from eso_shell.cli.inputs import Flags, flags, leave, wants_help
from eso_shell.cli.show import BOLD, GREEN, RED, YELLOW, Paint, paint_for, printable, revealed, table
from eso_shell.manifests import ManifestError, load
from eso_shell.settings import arguments

if TYPE_CHECKING:
    from eso_shell.embedded import Finding, Finished

DEFAULT = "examples/quickstart"
SOURCE = Path(__file__).resolve().parents[3]  # where the examples are when this runs from a working copy

ABOUT = """\
Apply manifests to a cluster in memory, run the operator on it until it rests, and show what became of them.

Exit codes: 0 the operator came to rest (some objects may be broken on purpose); 1 it did not; 2 the input cannot be used."""

EXAMPLES = (
    ("The example that comes with the source", "eso demo"),
    ("Your own manifests, with the values shown", "eso demo -f my-store.yaml -f my-secret.yaml --reveal"),
)


def main(argv: Sequence[str]) -> int:
    """See ``ABOUT``. Raises :class:`eso_shell.settings.UsageError`."""
    parser = _flags()
    if wants_help(argv):
        sys.stdout.write(parser.format_help())
        return 0
    options = parser.parse_args(argv)
    try:
        manifests = load(options.filename or [_default()], recursive=options.recursive)
    except ManifestError as error:
        sys.stderr.write(f"error: {printable(str(error))}\n")
        return 2
    from eso_shell.embedded import run

    environ = arguments()[1]
    finished = run(manifests, namespace=options.namespace, environ=environ, timeout_s=options.timeout)
    where = printable(", ".join(options.filename or [DEFAULT]))
    sys.stdout.write(f"{len(manifests)} objects from {where}, applied to a cluster in this process; then the operator ran.\n\n")
    sys.stdout.write("\n".join(_report(finished, paint_for(sys.stdout, environ), reveal=options.reveal)) + "\n")
    if finished.in_time:
        return 0
    sys.stderr.write(f"error: the operator did not come to rest within {options.timeout:g} s\n")
    return leave(1)


def _flags() -> Flags:
    parser = flags("eso demo [options]", ABOUT, EXAMPLES, filename=f"file, folder or -; may be repeated (default: {DEFAULT})", timeout_s=30)
    parser.add_argument("--reveal", action="store_true", help="show the values of the Secrets")
    return parser


def _default() -> str:
    """The example, from here or from the working copy that this file is in."""
    found = next((path for path in (Path(DEFAULT), SOURCE / DEFAULT) if path.is_dir()), None)
    if found is None:
        raise ManifestError(f"{DEFAULT}: is not here; go to the source of the operator, or name manifests with -f")
    return str(found)


def _report(finished: Finished, paint: Paint, *, reveal: bool) -> Iterator[str]:
    for turned in finished.turned:
        colour, word = (YELLOW, "ignored") if turned.ignored else (RED, "rejected by the API server")
        yield paint(colour, printable(f"{word}: {turned.name}: {turned.message}"))
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
    rows += [(ref.kind.name, ref.namespace or "-", ref.name, "-", "-", "not decided in time") for ref in finished.unheard]
    colours = {"True": GREEN, "False": RED}

    def colour(head: str, cell: str) -> str:
        return paint(colours.get(cell.rstrip(), ""), cell) if head == "READY" else cell

    yield table(("KIND", "NAMESPACE", "NAME", "READY", "REASON", "MESSAGE"), rows, colour) + "\n"


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


def _owner(secret: Mapping[str, Any]) -> str | None:
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
