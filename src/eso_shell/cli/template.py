"""``eso template``: what the templates of manifests make of given data, without a cluster and without a backend."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from returns.result import Failure, Success

from eso_core.api import ExternalSecret
from eso_core.failure import InvalidSpec
from eso_core.machines.apply import manifest_of
from eso_core.plan import Desired
from eso_core.refs import SECRET, Kind
from eso_core.stages.aim import target_of
from eso_core.stages.decode import Values
from eso_core.stages.render import render
from eso_core.stages.templates import TEMPLATE, Fault, Pieces, evaluations, template_spots
from eso_core.template import Ambient, Meter
from eso_core.template.target import VALUES, Entries, TargetError, apply
from eso_shell.chance import SystemChance
from eso_shell.cli import template_output, template_references
from eso_shell.cli.inputs import Flags, wants_help
from eso_shell.cli.show import Paint, paint_for, printable
from eso_shell.cli.template_faults import Told, fault_lines
from eso_shell.cli.template_inputs import Templated, data_of, reads_stdin, templated
from eso_shell.manifests import ManifestError, reason
from eso_shell.settings import UsageError, arguments

ABOUT = """\
Render the templates of ExternalSecrets with data that you give.

The evaluation is the operator's own. All templates are tried, so that all errors come at once, each with its line and what usually helps.
Nothing is fetched, written or kept: the data comes from -d, --set and --set-file, and the ConfigMaps and Secrets of templateFrom from the
manifests. Values are printed on standard output only. Errors hold none unless --reveal allows it.

The flags of esoctl template do what they do there: --source-templated-object takes an ExternalSecret or a PushSecret, of which only the
template counts, and the result is the bare Secret.

Exit codes: 0 rendered; 1 a template failed, or with --references --strict reads what is never there; 2 the input cannot be used."""

EXAMPLES = (
    ("What will be in the Secret?", "eso template -f app.yaml -d values.yaml -o text"),
    ("Some values, one of them from a file", "eso template -f app.yaml --set user=ada --set-file key=tls.key"),
    ("What do the templates read? Fail where that is never there", "eso template -f app.yaml --references --strict"),
    ("As with esoctl", "eso template --source-templated-object push.yaml --source-secret-data-file data.yaml"),
)
FORMS = ("yaml", "json", "text")
OWN = ("filename", "name")
OF_ESOCTL = ("source_secret_data_file", "template_from_config_map", "template_from_secret")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one object: its target, or what was wrong."""

    target: Mapping[str, Any] | None = field(default=None, repr=False)
    faults: tuple[Fault, ...] = ()


def main(argv: Sequence[str]) -> int:
    """See ``ABOUT``. Raises :class:`UsageError`."""
    parser = _flags()
    if wants_help(argv):
        sys.stdout.write(parser.format_help())
        return 0
    options = parser.parse_args(argv)
    if options.version:
        from importlib.metadata import version

        sys.stdout.write(f"version: {version('eso')}\n")
        return 0
    _check(options)
    try:
        objects = templated(options)
        return _references(objects, options) if options.references else _rendered(objects, options)
    except ManifestError as error:
        sys.stderr.write(f"error: {printable(str(error))}\n")
        return 2


def _flags() -> Flags:
    parser = Flags("eso template -f PATH [options]", ABOUT, EXAMPLES)
    add = parser.add_argument
    add("-f", "--filename", action="append", metavar="PATH", default=[], help="file, folder or - for standard input; may be repeated")
    add("-R", "--recursive", action="store_true", help="read the folders in folders, too")
    add("-n", "--namespace", default="default", metavar="NAME", help="for objects that name none (default: default)")
    add("--name", metavar="NAME", help="render only this object: its name, or namespace/name")
    what = "YAML or JSON: a map of names to texts, or a Secret; may be repeated, the last one wins"
    add("-d", "--data", action="append", metavar="FILE", default=[], help=what)
    add("--set", action="append", metavar="KEY=VALUE", default=[], help="one value; may be repeated")
    add("--set-file", action="append", metavar="KEY=FILE", default=[], help="one value, the bytes of a file; may be repeated")
    add("-o", "--format", choices=FORMS, help="form of the result (default: yaml; text for --references, which has no yaml)")
    add("--output", metavar="FILE", help="write the result to this file, which only its owner may read, if nothing failed")
    add("--reveal", action="store_true", help="let error messages show data, and lines of templates that are in Secrets")
    add("--references", action="store_true", help="list what each template reads, instead of rendering; needs no data")
    add("--strict", action="store_true", help="with --references: exit code 1 if a key is read that spec.data never produces")
    add("--template-left-delimiter", metavar="TEXT", default="{{", help="what opens an action (default: {{)")
    add("--template-right-delimiter", metavar="TEXT", default="}}", help="what closes an action (default: }})")
    add("--source-templated-object", metavar="FILE", help="an ExternalSecret or PushSecret with a template")
    add("--source-secret-data-file", metavar="FILE", help="YAML: a map of names to base64")
    add("--template-from-config-map", metavar="FILE", help="the ConfigMap for every templateFrom.configMap")
    add("--template-from-secret", metavar="FILE", help="the Secret for every templateFrom.secret")
    add("--version", action="store_true", help="print the version")
    return parser


def _check(options: argparse.Namespace) -> None:
    if options.source_templated_object is None:
        for name in OF_ESOCTL:
            if getattr(options, name) is not None:
                raise UsageError(f"--{name.replace('_', '-')} needs --source-templated-object")
        if not options.filename:
            raise UsageError("-f is required: a file, a folder, or - for standard input")
    elif options.filename or options.name:
        raise UsageError("--source-templated-object takes the place of -f and --name")
    if options.strict and not options.references:
        raise UsageError("--strict needs --references")
    if options.references and options.format == "yaml":
        raise UsageError("--references is told as text or json")
    files = [getattr(options, name) for name in (*OF_ESOCTL, "source_templated_object")]
    single = [pair.partition("=")[2] for pair in options.set_file]
    if reads_stdin([*options.filename, *options.data, *files, *single]) > 1:
        raise UsageError("standard input can be read only once")


# ---------------------------------------------------------------- rendering


def _rendered(objects: Sequence[Templated], options: argparse.Namespace) -> int:
    values: Values = data_of(options)
    delimiters = _delimiters(options)
    results = [(one, _done(one, values, delimiters)) for one in objects]
    _tell(((one, done.faults) for one, done in results), values, options)
    failed = any(done.faults for _, done in results)
    targets = [done.target for _, done in results if done.target is not None]
    if options.output is None:
        _print(_formed(targets, options, paint_for(sys.stdout, arguments()[1])))
    elif not failed:
        _write(options.output, _formed(targets, options, Paint(colour=False)))
    return 1 if failed else 0


def _done(one: Templated, values: Values, delimiters: tuple[str, str]) -> Done:
    """Every template is tried; time and chance are real."""
    kind = kind_of(one.es)
    made: list[Pieces] = []
    faults: list[Fault] = []
    ambient = Ambient(time.time_ns(), SystemChance(), Meter())
    for evaluated in evaluations(one.es, kind, values, one.world, ambient, delimiters):
        match evaluated:
            case Success(pieces):
                made.append(pieces)
            case _:
                faults.append(evaluated.failure())
    if faults:
        return Done(faults=tuple(faults))
    return _secret(one, made) if one.alone else _target(one.es, kind, values, tuple(chain.from_iterable(made)))


def kind_of(es: ExternalSecret) -> Kind:
    """The kind of the target, as far as it can be told without asking an API server."""
    manifest = es.spec.target.manifest
    if manifest is None or (manifest.api_version, manifest.kind) == (SECRET.api_version, SECRET.name):
        return SECRET
    group, _, version = manifest.api_version.rpartition("/")
    return Kind(group, version, manifest.kind, "", namespaced=True)


def _target(es: ExternalSecret, kind: Kind, values: Values, pieces: Pieces) -> Done:
    """The target as the operator would make it where there is none, without what marks it as the operator's."""
    rendered = render(es, kind, values, pieces, None)
    if isinstance(rendered, Failure):
        failure = rendered.failure()
        return Done(faults=(Fault(failure, failure.path or TEMPLATE),))
    made = rendered.unwrap()
    desired = Desired(
        ref=target_of(es, kind),
        labels=made.labels,
        annotations=made.annotations,
        owners=(),
        finalizers=made.finalizers,
        body=made.body,
    )
    return Done(manifest_of(desired, None))


def _secret(one: Templated, made: Sequence[Pieces]) -> Done:
    """A Secret that was empty before (reference: ``cmd/esoctl/template.go``)."""
    applied = apply(chain.from_iterable(made), {}, secret=True)
    if isinstance(applied, Failure):
        error: TargetError = applied.failure()
        return Done(faults=(Fault(InvalidSpec(error.public, TEMPLATE), TEMPLATE, None, error),))
    secret = {key: value for key, value in applied.unwrap().items() if value not in ({}, "")}
    secret["metadata"] = {key: value for key, value in (secret.get("metadata") or {}).items() if value not in ({}, "", [], None)}
    if "data" in secret:
        nil = _nil(one, made)
        secret["data"] = {key: None if key in nil else base64.b64encode(value).decode() for key, value in secret["data"].items()}
    return Done(secret)


def _nil(one: Templated, made: Sequence[Pieces]) -> set[str]:
    """Keys whose value is Go's nil slice, which is written as null: a template of one key that printed nothing."""
    found: set[str] = set()
    for spot, pieces in zip(template_spots(one.es, SECRET, one.world), made, strict=True):
        whole = spot.unwrap().scope == VALUES and spot.unwrap().strategy == "None"
        for piece in pieces:
            if isinstance(piece, Entries) and piece.target.lower() == "data":
                for key, value in piece.values.items():
                    (found.add if whole and not value else found.discard)(key)
    return found


def _delimiters(options: argparse.Namespace) -> tuple[str, str]:
    return options.template_left_delimiter or "{{", options.template_right_delimiter or "}}"


# ---------------------------------------------------------------- references


def _references(objects: Sequence[Templated], options: argparse.Namespace) -> int:
    delimiters = _delimiters(options)
    kinds = [kind_of(one.es) for one in objects]
    reads = [(one, kind, template_references.references_of(one, kind, delimiters)) for one, kind in zip(objects, kinds, strict=True)]
    if options.format == "json":
        text = json.dumps(template_references.document(reads), indent=2) + "\n"
    else:
        paint = paint_for(sys.stdout, arguments()[1])
        text = "".join(f"{line}\n" for one, kind, read in reads for line in template_references.lines(one, kind, read, paint))
    _print(text.encode("utf-8", "replace")) if options.output is None else _write(options.output, text.encode("utf-8", "replace"))
    _tell(((one, read.faults) for one, _, read in reads), {}, options)
    never = any(True for one, _, read in reads for _ in template_references.never_produced(one, read))
    unread = any(fault.spot is not None or options.strict for _, _, read in reads for fault in read.faults)
    return 1 if unread or (never and options.strict) else 0


# ---------------------------------------------------------------- printing


def _tell(results: Iterable[tuple[Templated, tuple[Fault, ...]]], values: Values, options: argparse.Namespace) -> None:
    """All faults, on standard error."""
    paint = paint_for(sys.stderr, arguments()[1])
    left = _delimiters(options)[0].encode("utf-8", "replace")
    for one, faults in results:
        told = Told(values.keys(), options.reveal, left, paint, one.path)
        for fault in faults:
            sys.stderr.write("".join(f"{line}\n" for line in fault_lines(fault, one.name, one.where, told)))


def _formed(targets: Sequence[Mapping[str, Any]], options: argparse.Namespace, paint: Paint) -> bytes:
    if not targets:
        return b""
    if options.format == "json":
        return template_output.as_json(targets)
    if options.format == "text":
        return template_output.as_text(targets, paint)
    return template_output.as_yaml(targets) + (b"\n" if options.source_templated_object is not None else b"")


def _print(text: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(text)


def _write(path: str, text: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(text)
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: {reason(error) if isinstance(error, OSError) else 'is no path'}") from error
