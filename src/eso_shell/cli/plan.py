"""``eso plan``: what the operator would do with manifests, without a cluster."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eso_core.failure import describe
from eso_core.machines.apply import Applicable
from eso_core.plan import Done, SetStatus
from eso_core.refs import EXTERNAL_SECRET
from eso_shell.cli.show import BOLD, RED, Paint, action_json, printable
from eso_shell.embedded import Finding, Finished, run
from eso_shell.manifests import ManifestError, load
from eso_shell.settings import arguments

EPILOG = """\
The manifests are the whole world: stores, ExternalSecrets, and the Secrets and ConfigMaps that they refer to. The operator's own flow runs
on them; its writes go to a copy in memory and are printed. Backends are asked for real (reads only), except those of kind fake.
Values are shown as fingerprints: equal values look equal, and nothing can be guessed from them without the key, which is new for every run
unless --fingerprint-key-file names one.

Exit codes: 0 everything would be ready; 1 something would not; 2 the input cannot be used.

Examples:
  # What would these manifests do?
  eso plan -f examples/quickstart/

  # For a program
  eso plan -f manifests/ -R -o json
"""


def main(argv: Sequence[str]) -> int:
    """See ``EPILOG``."""
    options = _options(argv)
    try:
        key = _key(options.fingerprint_key_file)
        manifests = load(options.filename, recursive=options.recursive)
    except ManifestError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    finished = run(manifests, namespace=options.namespace, environ=arguments()[1], timeout_s=options.timeout)
    plan = plan_json(finished, key)
    if options.output == "json":
        import json

        sys.stdout.write(json.dumps(plan, indent=2, ensure_ascii=False) + "\n")
    elif options.output == "yaml":
        import yaml

        yaml.safe_dump(plan, sys.stdout, sort_keys=False, allow_unicode=True)
    else:
        sys.stdout.write(_text(plan, Paint(colour=sys.stdout.isatty())))
    return 0 if plan["ready"] else 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="eso plan",
        description="Show what the operator would do with manifests, without doing it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-f", "--filename", action="append", metavar="PATH", required=True, help="file, folder or - (repeatable)")
    parser.add_argument("-R", "--recursive", action="store_true", help="read folders with all folders in them")
    parser.add_argument("-n", "--namespace", default="default", help="for objects that name none (default: default)")
    parser.add_argument("-o", "--output", choices=("text", "json", "yaml"), default="text", help="(default: text)")
    parser.add_argument("--fingerprint-key-file", metavar="FILE", help="make fingerprints comparable between runs")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="for everything together (default: 60)")
    return parser.parse_args(argv)


def _key(path: str | None) -> bytes:
    if path is None:
        return secrets.token_bytes(32)
    try:
        key = Path(path).read_bytes()
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}") from error
    if len(key) < 16:
        raise ManifestError(f"{path}: a fingerprint key has at least 16 bytes")
    return key[:64]


def plan_json(finished: Finished, key: bytes) -> dict[str, Any]:
    """``{"ready", "rejected": [{name, message}], "objects": [{kind, namespace, name, ready, reason, message, detail?, actions}]}``."""
    objects = [_object(finding, key) for finding in sorted(finished.findings.values(), key=lambda f: f.report.key)]
    rejected = [{"name": r.name, "message": r.message} for r in finished.rejected]
    ready = finished.in_time and not rejected and all(o["ready"] is not False for o in objects)
    return {"ready": ready, "finished": finished.in_time, "rejected": rejected, "objects": objects}


def _object(finding: Finding, key: bytes) -> dict[str, Any]:
    report = finding.report
    settled, because = report.settled, report.settled.because
    shown: dict[str, Any] = {
        "kind": report.key.kind.name,
        "namespace": report.key.namespace,
        "name": report.key.name,
        "ready": because.ready if because is not None else None,
        "reason": because.reason if because is not None else "",
        "message": because.message if because is not None else "",
    }
    if settled.detail is not None:
        shown["detail"] = describe(settled.detail)
    if because is not None and because.advice:
        shown["advice"] = because.advice
    shown["actions"] = [action_json(action, key) for action, outcome in finding.writes if isinstance(outcome, Done) and _counts(action)]
    return shown


def _counts(action: Applicable) -> bool:
    """Status is how the plan is told, not a part of it."""
    return not isinstance(action, SetStatus)


def _text(plan: dict[str, Any], paint: Paint) -> str:
    lines: list[str] = [paint(RED, f"rejected: {r['name']}: {printable(r['message'])}") for r in plan["rejected"]]
    for shown in plan["objects"]:
        if shown["kind"] != EXTERNAL_SECRET.name and shown["ready"] is not False and not shown["actions"]:
            continue
        place = f"{shown['namespace']}/{shown['name']}" if shown["namespace"] else shown["name"]
        verdict = f"{shown['reason']}: {shown['message']}" if shown["reason"] else "nothing to do"
        lines.append(paint(BOLD, f"{shown['kind']} {place}") + f"  {verdict}")
        lines.extend(_action_lines(shown["actions"]))
        if shown["ready"] is False:
            lines.append(f"    why:        {printable(shown.get('detail', ''))}")
            lines.append(f"    what to do: {shown.get('advice', '')}")
    count = sum(len(shown["actions"]) for shown in plan["objects"])
    broken = sum(shown["ready"] is False for shown in plan["objects"])
    lines.append(f"\n{count} write{'s' if count != 1 else ''} planned, {broken} object{'s' if broken != 1 else ''} not ready")
    if not plan["finished"]:
        lines.append(paint(RED, "not finished in time: the plan is not complete"))
    return "\n".join(lines) + "\n"


def _action_lines(actions: list[dict[str, Any]]) -> list[str]:
    lines = []
    for action in actions:
        sign = {"create": "+", "update": "~", "delete": "-"}.get(action["verb"], "~")
        lines.append(f"  {sign} {action['verb']} {action['kind']} {action['namespace']}/{action['name']}")
        lines.extend(f"      {printable(key)}: {print_}" for key, print_ in action.get("data", {}).items())
    return lines
