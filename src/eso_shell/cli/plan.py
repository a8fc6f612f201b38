"""``eso plan``: what the operator would do with manifests, without a cluster."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eso_core.refs import EXTERNAL_SECRET
from eso_shell.cli.inputs import Flags, flags, leave, wants_help
from eso_shell.cli.show import BOLD, GREEN, RED, YELLOW, Paint, paint_for, printable
from eso_shell.manifests import ManifestError, load, reason
from eso_shell.settings import UsageError, arguments

KEY_MIN, KEY_MAX = 16, 64  # bytes of a fingerprint key

ABOUT = """\
Show what the operator would do with manifests, without doing it.

The manifests are the whole world: stores, ExternalSecrets, and the Secrets and ConfigMaps that they refer to. The operator's own flow runs
on them; its writes go to a copy in memory and are printed. Backends are asked for real (reads only), except those of kind fake.
Values are shown as fingerprints: equal values look equal, and nothing can be guessed from them without the key, which is new for every run
unless --fingerprint-key-file names one.

Exit codes: 0 everything would be ready; 1 something would not, was rejected, or was not decided in time; 2 the input cannot be used."""

EXAMPLES = (
    ("What would these manifests do?", "eso plan -f examples/quickstart/"),
    ("What comes out of a renderer, before it is applied", "kustomize build overlays/prod | eso plan -f -"),
    ("For a program", "eso plan -f manifests/ -R -o json"),
)


def main(argv: Sequence[str]) -> int:
    """See ``ABOUT``. Raises :class:`UsageError`."""
    parser = _flags()
    if wants_help(argv):
        sys.stdout.write(parser.format_help())
        return 0
    options = parser.parse_args(argv)
    if not options.filename:
        raise UsageError("-f is required: a file, a folder, or - for standard input")
    try:
        key = _key(options.fingerprint_key_file)
        manifests = load(options.filename, recursive=options.recursive)
    except ManifestError as error:
        sys.stderr.write(f"error: {printable(str(error))}\n")
        return 2
    from eso_core.config import Config
    from eso_shell.cli.planned import plan_of
    from eso_shell.cli.show import plugins_told
    from eso_shell.embedded import run

    environ = arguments()[1]
    config = Config(extra=plugins_told(sys.stderr).extra)
    plan = plan_of(run(manifests, namespace=options.namespace, environ=environ, timeout_s=options.timeout, config=config), key)
    sys.stdout.write(_written(plan, options, environ))
    return (0 if plan["ready"] else 1) if plan["finished"] else leave(1)


def _flags() -> Flags:
    parser = flags(
        "eso plan -f PATH [options]", ABOUT, EXAMPLES, filename="file, folder or - for standard input; may be repeated", timeout_s=60
    )
    parser.add_argument("-o", "--output", choices=("text", "json", "yaml"), default="text", help="form of the plan (default: text)")
    parser.add_argument("--fingerprint-key-file", metavar="FILE", help="make the fingerprints of several runs comparable")
    return parser


def _key(path: str | None) -> bytes:
    if path is None:
        return secrets.token_bytes(32)
    try:
        with Path(path).open("rb") as stream:
            key = stream.read(KEY_MAX)
    except OSError as error:
        raise ManifestError(f"{path}: {reason(error)}") from error
    if len(key) < KEY_MIN:
        raise ManifestError(f"{path}: a fingerprint key has at least {KEY_MIN} bytes")
    return key


def _written(plan: Mapping[str, Any], options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    if options.output == "json":
        return json.dumps(plan, indent=2) + "\n"
    if options.output == "yaml":
        import yaml

        return str(yaml.safe_dump(plan, sort_keys=False, width=1000))
    return "\n".join(text_of(plan, paint_for(sys.stdout, environ))) + "\n"


# ---------------------------------------------------------------- text


def text_of(plan: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """The lines of a plan for a person. Stores of which there is nothing to say are left out."""
    for ignored in plan["ignored"]:
        yield paint(YELLOW, f"ignored: {_turned(ignored)}")
    for rejected in plan["rejected"]:
        yield paint(RED, f"rejected: {_turned(rejected)}")
    for shown in plan["objects"]:
        if shown["kind"] == EXTERNAL_SECRET.name or not shown["ready"] or shown["actions"]:
            yield from _object_lines(shown, paint)
    yield ""
    yield _summary(plan)
    if not plan["finished"]:
        yield paint(RED, "not finished in time: the plan is not complete")


def _turned(one: Mapping[str, str]) -> str:
    return printable(f"{one['name']}: {one['message']} ({one['where']})")


def _object_lines(shown: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    verdict = ": ".join(part for part in (shown["reason"], shown["message"]) if part)
    yield paint(BOLD, f"{shown['kind']} {_place(shown)}") + "  " + paint("" if shown["ready"] else RED, verdict)
    for action in shown["actions"]:
        yield from _action_lines(action, paint)
    for label, field in (("why:       ", "detail"), ("what to do:", "advice")):
        if not shown["ready"] and shown.get(field):
            yield f"    {label} {printable(shown[field])}"


def _place(shown: Mapping[str, Any]) -> str:
    return "/".join(part for part in (shown["namespace"], shown["name"]) if part)


def _action_lines(action: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    sign, colour = {"create": ("+", GREEN), "delete": ("-", RED)}.get(action["verb"], ("~", YELLOW))
    yield paint(colour, f"  {sign} {action['verb']} {action['kind']} {_place(action)}")
    if "finalizers" in action:
        yield f"      {', '.join(map(printable, action['finalizers'])) or 'none'}"
    changes = action.get("changes", {})
    data = action.get("data", {})
    signs = {"added": ("+", GREEN), "changed": ("~", YELLOW), "removed": ("-", RED), "same": (" ", "")}
    for kind, names in changes.get("data", {}).items():
        for name in names:
            yield paint(signs[kind][1], f"    {signs[kind][0]} {printable(name)}{': ' + data[name] if name in data else ''}")
    for part in ("labels", "annotations"):
        moved = [f"{signs[kind][0]}{name}" for kind, names in changes.get(part, {}).items() if kind != "same" for name in names]
        if moved and action["verb"] in ("update", "mark"):
            yield f"    {part}: {printable(' '.join(moved))}"


def _summary(plan: Mapping[str, Any]) -> str:
    writes = sum(len(shown["actions"]) for shown in plan["objects"])
    broken = sum(not shown["ready"] for shown in plan["objects"])
    parts = [f"{writes} write{'s' if writes != 1 else ''} planned", f"{broken} object{'s' if broken != 1 else ''} not ready"]
    parts += [f"{len(plan[kind])} {kind}" for kind in ("rejected", "ignored") if plan[kind]]
    return ", ".join(parts)
