"""What ``eso template`` is given: the data, the objects with templates, and the ConfigMaps and Secrets that they name."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson
from returns.result import Failure

from eso_core.api import ExternalSecret, Template, parse_external_secret
from eso_core.api.parse import InvalidObject, parse
from eso_core.compat.decode import decode
from eso_core.effect import Gone, Present, Readable, Seen, World
from eso_core.refs import CONFIG_MAP, EXTERNAL_SECRET, SECRET, Kind, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.templates import TEMPLATE, template_sources
from eso_shell import kubeyaml
from eso_shell.cli.show import printable
from eso_shell.manifests import SIZE_MAX, STDIN, Manifest, ManifestError, load, reason
from eso_shell.settings import UsageError

PUSH_SECRET = "PushSecret"
_TYPES = {bool: "a boolean", int: "a number", float: "a number", dict: "an object", list: "a list", type(None): "null", str: "text"}


class Options(Protocol):
    """The flags that are read here."""

    filename: list[str]
    recursive: bool
    namespace: str
    name: str | None
    data: list[str]
    set: list[str]
    set_file: list[str]
    source_templated_object: str | None
    source_secret_data_file: str | None
    template_from_config_map: str | None
    template_from_secret: str | None


@dataclass(frozen=True, slots=True)
class Templated:
    """An object with templates. ``alone``: its templates are asked for without what stands around them, as ``esoctl`` does.

    ``path`` is where its template stands. ``produced``: the keys that it will have, where the object tells all of them.
    """

    es: ExternalSecret
    name: str  # Kind namespace/name
    where: str
    world: World = field(repr=False)
    alone: bool = False
    path: str = TEMPLATE
    produced: frozenset[str] | None = None


def templated(options: Options) -> list[Templated]:
    """The objects to render; at least one. Raises :class:`ManifestError`."""
    if options.source_templated_object is not None:
        return [_alone(options, options.source_templated_object)]
    manifests = load(options.filename, recursive=options.recursive)
    wanted = [one for one in manifests if one.content["kind"] == EXTERNAL_SECRET.name and _is_named(one, options)]
    if not wanted:
        what = f"no ExternalSecret of the name {options.name}" if options.name else "no ExternalSecret"
        raise ManifestError(f"{', '.join(options.filename)}: {printable(what)}")
    texts = _sources(manifests, options.namespace)
    return [_whole(one, texts, options.namespace) for one in wanted]


def _is_named(manifest: Manifest, options: Options) -> bool:
    """By ``name`` or ``namespace/name``."""
    meta = _meta(manifest.content)
    name = str(meta.get("name", ""))
    return options.name is None or options.name in (name, f"{_namespace(meta, options.namespace)}/{name}")


def _whole(manifest: Manifest, texts: Mapping[Ref, Seen], namespace: str) -> Templated:
    meta = _meta(manifest.content)
    parsed = parse_external_secret({**manifest.content, "metadata": {**meta, "namespace": _namespace(meta, namespace)}})
    if isinstance(parsed, Failure):
        raise _unusable(manifest.where, parsed.failure())
    es = parsed.unwrap()
    found: dict[Readable, Seen] = {place: texts.get(place.ref, Gone()) for place in template_sources(es)}
    produced = None if es.spec.data_from else frozenset(entry.secret_key for entry in es.spec.data)
    name = f"ExternalSecret {es.metadata.namespace}/{es.metadata.name}"
    return Templated(es, name, manifest.where, World(found), produced=produced)


def _unusable(where: str, wrong: InvalidObject, prefix: str = "") -> ManifestError:
    return ManifestError(f"{where}: {prefix}{printable(wrong.summary())}")


def _sources(manifests: Iterable[Manifest], namespace: str) -> dict[Ref, Seen]:
    """The ConfigMaps and Secrets among the manifests; of two with one name the last counts."""
    kinds = {(kind.api_version, kind.name): kind for kind in (CONFIG_MAP, SECRET)}
    found: dict[Ref, Seen] = {}
    for manifest in manifests:
        kind = kinds.get((manifest.content["apiVersion"], manifest.content["kind"]))
        if kind is not None:
            meta = _meta(manifest.content)
            place = Ref(kind, str(_namespace(meta, namespace)), str(meta.get("name", "")))
            found[place] = _present(kind, manifest.content, manifest.where)
    return found


def _present(kind: Kind, content: Mapping[str, Any], where: str) -> Present:
    if kind == SECRET:
        values = _secret_values(content, where)
        return Present(orjson.dumps({"data": {key: base64.b64encode(value).decode() for key, value in values.items()}}))
    return Present(orjson.dumps({"data": dict(_texts(content.get("data"), where, "data"))}))


def _meta(content: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = content.get("metadata")
    return meta if isinstance(meta, Mapping) else {}


def _namespace(meta: Mapping[str, Any], default: str) -> Any:
    """What is written, if it is no text either: reading the object tells so."""
    return default if meta.get("namespace") in (None, "") else meta["namespace"]


# ---------------------------------------------------------------- the flags of esoctl


def _alone(options: Options, path: str) -> Templated:
    """Of an ExternalSecret or a PushSecret only the template is looked at, so the rest may be missing."""
    content = _one_object(path)
    kind = content.get("kind")
    if kind not in (EXTERNAL_SECRET.name, PUSH_SECRET):
        raise ManifestError(f"{path}: has no template: its kind is {_quoted(kind)}, neither ExternalSecret nor PushSecret")
    place = TEMPLATE if kind == EXTERNAL_SECRET.name else "spec.template"
    raw = _at(content, place)
    if raw is None:
        raise ManifestError(f"{path}: {place}: is required")
    parsed = parse(Template, raw)
    if isinstance(parsed, Failure):
        raise _unusable(path, parsed.failure(), f"{place}: ")
    meta = _meta(content)
    name, namespace = str(meta.get("name") or ""), str(_namespace(meta, options.namespace))
    whole = {"metadata": {"name": name, "namespace": namespace}, "spec": {"target": {"template": raw}}}
    es = parse_external_secret(whole).unwrap()
    given = {CONFIG_MAP: options.template_from_config_map, SECRET: options.template_from_secret}
    texts = {of: _present(of, _one_object(file, of), file) for of, file in given.items() if file is not None}
    world = World({source: texts.get(source.ref.kind, Gone()) for source in template_sources(es)})
    return Templated(es, " ".join((str(kind), name)).rstrip(), path, world, alone=True, path=place)


def _one_object(path: str, kind: Kind | None = None) -> Mapping[str, Any]:
    value = _document(path)
    if not isinstance(value, dict):
        raise ManifestError(f"{_called(path)}: is not an object")
    if kind is not None and value.get("kind", kind.name) != kind.name:
        raise ManifestError(f"{_called(path)}: is no {kind.name}: its kind is {_quoted(value.get('kind'))}")
    return value


def _at(content: Mapping[str, Any], path: str) -> Any:
    value: Any = content
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _quoted(value: object) -> str:
    return f'"{printable(value)}"' if isinstance(value, str) else "not told"


# ---------------------------------------------------------------- data


def data_of(options: Options) -> dict[str, SecretBytes]:
    """What the templates see. Later files win over earlier ones, and single values over files. Raises :class:`ManifestError`."""
    found: dict[str, bytes] = {}
    if options.source_secret_data_file is not None:
        found.update(_base64_file(options.source_secret_data_file))
    for path in options.data:
        found.update(_data_file(path))
    single: dict[str, bytes] = {}
    for flag, pairs in (("--set", options.set), ("--set-file", options.set_file)):
        for pair in pairs:
            key, value = _pair(flag, pair)
            if key in single:
                raise UsageError(f"{flag} {printable(key)}: the key is given twice")
            single[key] = value.encode("utf-8", "surrogateescape") if flag == "--set" else read_file(value)
    return {key: SecretBytes(value) for key, value in {**found, **single}.items()}


def _pair(flag: str, pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not key or not equals:
        raise UsageError(f"{flag} takes KEY={'VALUE' if flag == '--set' else 'FILE'}")
    return key, value


def _base64_file(path: str) -> dict[str, bytes]:
    """A map of names to base64, as ``data`` of a Secret is."""
    return _decoded(_texts(_document(path), _called(path), ""), _called(path), "")


def _data_file(path: str) -> Mapping[str, bytes]:
    """A map of names to texts, or a Secret."""
    value, where = _document(path), _called(path)
    if isinstance(value, dict) and isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str):
        if (value["apiVersion"], value["kind"]) != (SECRET.api_version, SECRET.name):
            raise ManifestError(f"{where}: is neither a map of names to texts nor a Secret: its kind is {_quoted(value['kind'])}")
        return _secret_values(value, where)
    return {key: _encoded(text) for key, text in _texts(value, where, "").items()}


def _secret_values(content: Mapping[str, Any], where: str) -> dict[str, bytes]:
    data = _decoded(_texts(content.get("data"), where, "data"), where, "data.")
    return data | {key: _encoded(text) for key, text in _texts(content.get("stringData"), where, "stringData").items()}


def _texts(value: Any, where: str, part: str) -> Mapping[str, str]:
    """``value`` as a map of texts; of a part of an object it may be missing."""
    if value is None and part:
        return {}
    prefix = f"{part}: " if part else ""
    if not isinstance(value, dict):
        raise ManifestError(f"{where}: {prefix}is not a map of names to texts")
    for key, text in value.items():
        if not isinstance(text, str):
            advice = "; write it in quotes" if isinstance(text, bool | int | float) else ""
            raise ManifestError(f"{where}: {prefix}{printable(key)}: must be a text and is {_TYPES[type(text)]}{advice}")
    return value


def _decoded(texts: Mapping[str, str], where: str, prefix: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for key, text in texts.items():
        value = decode("Base64", _encoded(text))
        if isinstance(value, Failure):
            raise ManifestError(f"{where}: {prefix}{printable(key)}: is not base64")
        found[key] = value.unwrap()
    return found


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


# ---------------------------------------------------------------- files


def _document(path: str) -> Any:
    """The one YAML or JSON document of a file."""
    where = _called(path)
    try:
        found = kubeyaml.documents(read_file(path))
    except kubeyaml.Unreadable as error:
        raise ManifestError(f"{where}:{error.line}:{error.column}: {error}") from error
    if not found:
        raise ManifestError(f"{where}: is empty")
    if len(found) > 1:
        raise ManifestError(f"{where}:{found[1].line}:{found[1].column}: more than one document")
    return found[0].value


def read_file(path: str) -> bytes:
    """The content of a file; ``-`` is standard input."""
    where = _called(path)
    try:
        if path == "-":
            content = sys.stdin.buffer.read(SIZE_MAX + 1)
        else:
            with Path(path).open("rb") as stream:
                content = stream.read(SIZE_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise ManifestError(f"{where}: {reason(error) if isinstance(error, OSError) else 'is no path'}") from error
    if len(content) > SIZE_MAX:
        raise ManifestError(f"{where}: larger than {SIZE_MAX} bytes")
    return content


def reads_stdin(paths: Sequence[str | None]) -> int:
    """How often standard input is asked for."""
    return sum(path == "-" for path in paths)


def _called(path: str) -> str:
    return STDIN if path == "-" else printable(path)
