"""What templates make of an object (source: ``runtime/template/v2/template.go``: Execute, valueScopeApply, mapScopeApply, applyToTarget).

Two steps. *Evaluating* renders, decodes and parses, and needs no object; what it gives, pieces in order, is then *applied*, to as many
objects as there are and as often as need be.

===================  ==============================================  ======================================================
target               scope ``Values``: one template for a key        scope ``KeysAndValues``: one template for a YAML map
===================  ==============================================  ======================================================
data                 an entry, decoded                               an entry for each key, decoded
labels, annotations  the same in the metadata                        the same in the metadata
spec                 an entry, decoded                               as a path
any other: a path    replaces what is there by the text, decoded     replaces what is there; a map is merged into a map, unless
                     and, if possible, parsed as YAML                the path is a single name
===================  ==============================================  ======================================================

The names in the table count in any case, paths in theirs. An object is JSON as Python has it; the ``data`` of a Secret is bytes, which
other kinds have as text. Where the reference takes keys in random order it is the order of their names here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from returns.result import Failure, Result, Success

from eso_core.compat.decode import decode
from eso_core.compat.text import go_text
from eso_core.template.errors import TemplateError
from eso_core.template.paths import parse_path, set_at
from eso_core.template.restore import Mismatch, check_kind, restore_secret, unrestored

if TYPE_CHECKING:  # its import takes long, and most operators have no template that gives YAML
    from eso_core.compat.goyaml import Fault

VALUES, KEYS_AND_VALUES = "Values", "KeysAndValues"

Render: TypeAlias = Callable[[str, bytes], Result[bytes, TemplateError]]
"""From the name and the text of a template to what it prints."""

Fields: TypeAlias = dict[str, Any]
Stage = Literal["parse", "exec", "decode", "apply"]

_KEYED = frozenset(("data", "labels", "annotations"))
_NAMED = _KEYED | {"spec"}


@dataclass(frozen=True, slots=True)
class TargetError:
    """``full`` is the reference's text and may hold data; ``public`` never does. ``cause`` is what was wrong with the template itself."""

    stage: Stage
    public: str
    full: str = field(repr=False)
    cause: TemplateError | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Entries:
    """Values by key; at a path the keys count for nothing."""

    target: str
    values: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Structure:
    """What stands at a path, or is merged into what does."""

    target: str
    value: Any = field(repr=False)


Piece: TypeAlias = Entries | Structure


# --- evaluating -----------------------------------------------------------------------------------------------------------------


def evaluate(
    templates: Mapping[str, bytes], scope: str, target: str, strategy: str, render: Render
) -> Result[tuple[Piece, ...], TargetError]:
    """``templates`` rendered in the order of their keys, which in the scope ``KeysAndValues`` mean nothing."""
    one = {VALUES: _evaluate_value, KEYS_AND_VALUES: _evaluate_map}.get(scope)
    if one is None:
        return Failure(_failed("apply", f"unknown scope '{scope}': expected 'Values' or 'KeysAndValues'"))
    pieces: list[Piece] = []
    for key in sorted(templates):
        match one(key, templates[key], target, strategy, render):
            case Success(piece):
                pieces.append(piece)
            case failed:
                return Failure(failed.failure())
    return Success(tuple(pieces))


def reads_yaml(scope: str, target: str) -> bool:
    """Whether what a template of this scope and target prints is read as YAML, now or when it is applied."""
    return scope == KEYS_AND_VALUES or target.lower() not in _NAMED


def _evaluate_value(key: str, text: bytes, target: str, strategy: str, render: Render) -> Result[Piece, TargetError]:
    rendered = render(key, text)
    if isinstance(rendered, Failure):
        return Failure(_unrendered(key, key, rendered.failure()))
    decoded = decode(strategy, rendered.unwrap())
    if isinstance(decoded, Failure):
        return Failure(_failed("decode", f"failed to decode rendered template value for key {key}: {decoded.failure()}"))
    return Success(Entries(target, {key: decoded.unwrap()}))


def _evaluate_map(key: str, text: bytes, target: str, strategy: str, render: Render) -> Result[Piece, TargetError]:
    """The name of the template is its text, which is not for everybody: it may come from a Secret."""
    from eso_core.compat.goyaml import load, load_strings

    name = text.decode("utf-8", "backslashreplace")
    rendered = render(name, text)
    if isinstance(rendered, Failure):
        return Failure(_unrendered(name, key, rendered.failure()))
    if target.lower() not in _KEYED:
        parsed = load(rendered.unwrap())
        if isinstance(parsed, Failure):
            return Failure(_unread("could not unmarshal template YAML: ", parsed.failure()))
        return Success(Structure(target, parsed.unwrap()))
    strings = load_strings(rendered.unwrap())
    if isinstance(strings, Failure):
        return Failure(_unread("could not unmarshal template to 'map[string][]byte': ", strings.failure()))
    values: dict[str, bytes] = {}
    for name, value in sorted(strings.unwrap().items()):
        decoded = decode(strategy, value.encode())
        if isinstance(decoded, Failure):
            what, fault = "failed to decode rendered template value", decoded.failure()
            return Failure(TargetError("decode", f"{what}: {fault}", f"{what} for key {name}: {fault}"))
        values[name] = decoded.unwrap()
    return Success(Entries(target, values))


def _unrendered(name: str, shown: str, error: TemplateError) -> TargetError:
    executing = "unable to execute template at key"
    inner = executing if error.stage == "exec" else "unable to parse template at key"
    public = error.public if name == shown else error.public.replace(name, shown or "template")
    return TargetError(error.stage, f"{inner} {shown}: {public}", f"{executing} {name}: {inner} {name}: {error.full}", error)


def _unread(context: str, fault: Fault) -> TargetError:
    return TargetError("apply", context + fault.what, context + fault.full)


def _failed(stage: Stage, text: str) -> TargetError:
    return TargetError(stage, text, text)


# --- applying -------------------------------------------------------------------------------------------------------------------


def apply(pieces: Iterable[Piece], found: Mapping[str, Any], *, secret: bool) -> Result[Fields, TargetError]:
    """``found``, which does not change, with ``pieces`` in it. ``secret``: it is a Secret; its ``data`` is bytes, then and now."""
    fields = dict(found)
    for piece in pieces:
        applied = _apply_entries(piece, fields, secret) if isinstance(piece, Entries) else _apply_structure(piece, fields, secret)
        if isinstance(applied, Failure):
            return applied
        fields = applied.unwrap()
    return Success(fields)


def _apply_entries(piece: Entries, fields: Fields, secret: bool) -> Result[Fields, TargetError]:
    target = piece.target.lower()
    for key, value in piece.values.items():
        if target in ("labels", "annotations"):
            fields = _with_meta(fields, target, {**(_meta_map(fields, target) or {}), key: go_text(value)})
            continue
        try:
            if target in _NAMED:
                fields = _with_entry(fields, target, key, value, secret)
            else:
                fields = _at_path(fields, piece.target, _always(_parsed(value)), secret)
        except Mismatch as wrong:
            context = "failed to apply to target: "
            return Failure(TargetError("apply", context + wrong.public, context + wrong.text))
    for name in ("labels", "annotations") if piece.values else ():
        if _meta_map(fields, name) is None:
            fields = _with_meta(fields, name, {})
    return Success(fields)


def _apply_structure(piece: Structure, fields: Fields, secret: bool) -> Result[Fields, TargetError]:
    def merged(there: Any) -> Any:
        both = isinstance(there, dict) and isinstance(piece.value, dict)
        return {**there, **piece.value} if both else piece.value

    single = "." not in piece.target and "[" not in piece.target
    try:
        return Success(_at_path(fields, piece.target, _always(piece.value) if single else merged, secret))
    except Mismatch as wrong:
        return Failure(TargetError("apply", wrong.public, wrong.text))


def _with_entry(fields: Fields, name: str, key: str, value: bytes, secret: bool) -> Fields:
    """An entry of ``data`` or ``spec``. Of a Secret ``spec`` is lost."""
    held = fields.get(name, {})
    if secret and name == "data":
        return {**fields, name: {**(held or {}), key: value}}
    if not isinstance(held, dict):
        raise Mismatch(f"failed to set {name} field on object: failed to convert data to map[string][]byte")
    if secret:
        return fields
    changed = {**fields, name: {**held, key: go_text(value)}}
    try:
        check_kind(changed)
    except Mismatch as wrong:
        context = f"failed to set {name} field on object: failed to convert unstructured to object: "
        raise Mismatch(context + wrong.text, context + wrong.public) from None
    return changed


def _at_path(fields: Fields, path: str, leaf: Callable[[Any], Any], secret: bool) -> Fields:
    steps = parse_path(path)
    if isinstance(steps, Failure):
        raise Mismatch(steps.failure())
    changed = set_at(unrestored(fields) if secret else fields, steps.unwrap(), leaf)
    if isinstance(changed, Failure):
        raise Mismatch(f"failed to set path {path}: {changed.failure()}")
    try:
        if secret:
            return restore_secret(changed.unwrap())
        check_kind(changed.unwrap())
    except Mismatch as wrong:
        context = "failed to convert unstructured to object: "
        raise Mismatch(context + wrong.text, context + wrong.public) from None
    return changed.unwrap()


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _parsed(text: bytes) -> Any:
    """``text`` as YAML, or as it is."""
    from eso_core.compat.goyaml import load

    return load(text).value_or(go_text(text))


def _meta_map(fields: Mapping[str, Any], name: str) -> dict[str, str] | None:
    """Labels or annotations, null as an empty one; ``None`` where there are none, or not only strings."""
    meta = fields.get("metadata")
    held = meta.get(name) if isinstance(meta, dict) else None
    if not isinstance(held, dict) or not all(isinstance(value, str | None) for value in held.values()):
        return None
    return {key: value or "" for key, value in held.items()}


def _with_meta(fields: Fields, name: str, values: dict[str, str]) -> Fields:
    meta = fields.get("metadata", {})
    return {**fields, "metadata": {**meta, name: values}} if isinstance(meta, dict) else fields
