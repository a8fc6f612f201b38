"""The templates of an ExternalSecret: where their texts come from, and what they give for the values of one pass.

A text is a template of Go's ``text/template`` (``eso_core.template``), or of Jinja2 where ``engineVersion`` says so. Templates are
*evaluated* once in a pass, since some of their functions make something new each time; what they gave is *laid* over the target as often
as the target has to be read anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Literal, Protocol, TypeAlias

import orjson
from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core.api import ExternalSecret
from eso_core.api import Template as ApiTemplate
from eso_core.api.external_secret import TemplateFrom
from eso_core.compat.decode import decode
from eso_core.compat.rewrite import Rename, Render
from eso_core.compat.text import go_text, quote, to_bytes
from eso_core.effect import Gone, Unreadable, Whole, World
from eso_core.failure import Failure, InvalidSpec, Missing
from eso_core.refs import CONFIG_MAP, SECRET, Kind, Ref
from eso_core.stages.decode import Values
from eso_core.stages.due import version_of
from eso_core.template import Ambient, Template, TemplateError, compile_template
from eso_core.template.errors import LimitExceeded
from eso_core.template.target import KEYS_AND_VALUES, VALUES, Piece, TargetError, apply, evaluate, reads_yaml

Pieces: TypeAlias = tuple[Piece, ...]
NO_PIECES: Result[Pieces, Failure] = Success(())

Origin: TypeAlias = Literal["object", "configMap", "secret", "values"]
TEMPLATE = "spec.target.template"
NEW_AGE_S, KEPT_AGE_S = 1, 10  # seconds that a source may be old: for an object's first sync, and for a refresh

_HIDDEN: Mapping[Origin, str] = {"secret": "it is kept in a Secret", "values": "it was made of values"}
_LONG = re.compile("gen(?:CA|PrivateKey|SelfSigned|Signed)|bcrypt|htpasswd|derivePassword|(?:pkcs|Pkcs|PKCS)12|rsaDecrypt")


def transformer(ambient: Ambient) -> Render:
    """What renders ``rewrite.transform``: with default delimiters, and without an error for missing keys (``esutils.RewriteTransform``)."""

    def render(template: str) -> Result[Rename, str]:
        compiled = compile_template("transform", to_bytes(template), missing_is_error=False)
        return compiled.map(lambda made: partial(_renamed, made, ambient)).alt(lambda error: f"failed to parse template: {error.public}")

    return render


def _renamed(template: Template, ambient: Ambient, key: str) -> Result[str, str]:
    made = template.execute({b"value": to_bytes(key)}, ambient)
    return made.map(go_text).alt(lambda error: f"failed to execute template for key {quote(key)}: {error.public}")


def template_sources(es: ExternalSecret) -> tuple[Whole, ...]:
    """The ConfigMaps and Secrets that ``templateFrom`` names, all in the namespace of ``es``."""
    return tuple(dict.fromkeys(_sources(es)))


def _sources(es: ExternalSecret) -> Iterator[Whole]:
    template = es.spec.target.template
    for entry in template.template_from if template is not None else ():
        if entry.config_map is not None:
            yield _place(es, CONFIG_MAP, entry.config_map.name)
        if entry.secret is not None:
            yield _place(es, SECRET, entry.secret.name)


def _place(es: ExternalSecret, kind: Kind, name: str) -> Whole:
    """Many objects share a source, so it is not read for each of them, unless its author may have changed it together with the object."""
    synced = es.status.synced_resource_version
    age_s = NEW_AGE_S if not synced else 0 if synced != version_of(es) else KEPT_AGE_S
    return Whole(Ref(kind, es.metadata.namespace, name), age_s)


def takes_long(es: ExternalSecret, world: World) -> bool:
    """Whether one of the templates seems to call a function that takes tens of milliseconds or more, such as one that makes a key.

    The first template of Jinja2 imports it, which takes as long.
    """
    template = es.spec.target.template
    if template is not None and template.engine_version != "v2":
        return True
    return any(_LONG.search(text) for text in _texts(es, world))


def _texts(es: ExternalSecret, world: World) -> Iterator[str]:
    for source in es.spec.data_from:
        yield from (step.transform.template for step in source.rewrite if step.transform is not None)
    for spot in template_spots(es, SECRET, world):
        if isinstance(spot, Success):
            yield go_text(spot.unwrap().text)


# ---------------------------------------------------------------- where templates stand


@dataclass(frozen=True, slots=True)
class Spot:
    """A template, and what becomes of what it gives.

    ``path`` is where it is named in the object. ``origin`` tells who may read it: a text of a Secret, and one that another template has
    made of values, may hold what is not for everybody.
    """

    path: str
    key: str
    text: bytes = field(repr=False)
    origin: Origin = "object"
    scope: str = VALUES
    target: str = "data"
    strategy: str = "None"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a template gave nothing. Of a text that cannot be had there is no ``spot``; ``error`` is what was wrong with one that can."""

    failure: Failure
    path: str
    spot: Spot | None = None
    error: TargetError | None = None


Spots: TypeAlias = Iterator[Result[Spot, Fault]]
Evaluations: TypeAlias = Iterator[Result[Pieces, Fault]]


def template_spots(es: ExternalSecret, kind: Kind, world: World) -> Spots:
    """All templates of ``es`` in the order in which they are evaluated. ``world`` has the :func:`template_sources`."""
    template = es.spec.target.template
    if template is None:
        return
    for index in range(len(template.template_from)):
        parts = (_source_spots(es, index, world), _literal_spots(es, index))
        yield from chain.from_iterable(parts if kind == SECRET else reversed(parts))
    yield from _own_spots(template, kind)


def _source_spots(es: ExternalSecret, index: int, world: World) -> Spots:
    """Of the entry's ConfigMap, then of its Secret."""
    entry = _entry(es, index)
    for kind, field_name, source in ((CONFIG_MAP, "configMap", entry.config_map), (SECRET, "secret", entry.secret)):
        if source is None:
            continue
        path = f"{_path(index)}.{field_name}"
        texts = _source_texts(world, _place(es, kind, source.name))
        if isinstance(texts, Bad):
            yield Bad(Fault(texts.failure(), path))
            continue
        for number, item in enumerate(source.items):
            place, text = f"{path}.items[{number}]", texts.unwrap().get(item.key)
            if text is None:
                yield Bad(Fault(Missing(f"error in {kind.name.lower()} {source.name}: missing key {item.key}"), place))
            else:
                origin: Origin = "secret" if kind == SECRET else "configMap"
                yield Success(Spot(place, item.key, text, origin, item.template_as, entry.target, entry.values_decoding_strategy))


def _source_texts(world: World, place: Whole) -> Result[Mapping[str, bytes], Failure]:
    """The content of a ConfigMap or Secret (reference: ``MergeConfigMap``, ``MergeSecret``)."""
    ref, seen = place.ref, world[place]
    if isinstance(seen, Unreadable):
        return Bad(seen.failure)
    if isinstance(seen, Gone):
        return Bad(Missing(f'error fetching templateFrom data: {ref.kind.plural} "{ref.name}" not found'))
    return Success(_content(ref.kind, seen.raw))


def _literal_spots(es: ExternalSecret, index: int) -> Spots:
    entry = _entry(es, index)
    if entry.literal is not None:
        how = (entry.target, entry.values_decoding_strategy)
        yield Success(Spot(f"{_path(index)}.literal", "literal", to_bytes(entry.literal), "object", KEYS_AND_VALUES, *how))


def _own_spots(template: ApiTemplate, kind: Kind) -> Spots:
    """Of a target that is no Secret, labels and annotations are no templates."""
    parts = [("data", "data", template.data)]
    if kind == SECRET:
        parts += [(f"metadata.{name}", name, getattr(template.metadata, name)) for name in ("labels", "annotations")]
    for part, target, texts in parts:
        for key, text in sorted(texts.items()):
            yield Success(Spot(f"{TEMPLATE}.{part}.{key}", key, to_bytes(text), target=target))


def _entry(es: ExternalSecret, index: int) -> TemplateFrom:
    template = es.spec.target.template
    assert template is not None
    return template.template_from[index]


def _path(index: int) -> str:
    return f"{TEMPLATE}.templateFrom[{index}]"


# ---------------------------------------------------------------- evaluating


def evaluate_templates(
    es: ExternalSecret, kind: Kind, values: Values, world: World, ambient: Ambient, delimiters: tuple[str, str]
) -> Result[Pieces, Failure]:
    """What all templates of ``es`` give, in the order in which it is laid over the target. The first fault decides."""
    pieces: list[Piece] = []
    for evaluated in evaluations(es, kind, values, world, ambient, delimiters):
        if isinstance(evaluated, Bad):
            return evaluated.alt(lambda fault: fault.failure)
        pieces.extend(evaluated.unwrap())
    return Success(tuple(pieces))


def evaluations(es: ExternalSecret, kind: Kind, values: Values, world: World, ambient: Ambient, delimiters: tuple[str, str]) -> Evaluations:
    """The same one by one, each evaluated when it is asked for. One that fails keeps none of the others from being tried.

    A target that is no Secret has its own rules (``renderTemplatedManifest``): a literal comes first, and texts of a ConfigMap or Secret
    are rendered twice.
    """
    template = es.spec.target.template
    if template is None:
        return
    data = {to_bytes(key): value.reveal() for key, value in values.items()}
    one = _Evaluator(template.engine_version, data, ambient, (to_bytes(delimiters[0]), to_bytes(delimiters[1])))
    for index in range(len(template.template_from)):
        sources, literal = map(one, _source_spots(es, index, world)), map(one, _literal_spots(es, index))
        if kind == SECRET:
            yield from chain(sources, literal)
        else:
            yield from chain(literal, _again(sources, _entry(es, index), _path(index), one))
    yield from map(one, _own_spots(template, kind))


class Executable(Protocol):
    """A compiled template of either engine."""

    def execute(self, data: Mapping[bytes, bytes], ambient: Ambient) -> Result[bytes, TemplateError]:
        """What it prints."""
        ...


@dataclass(frozen=True, slots=True)
class _Evaluator:
    """Evaluates the templates of one object in one pass."""

    version: str
    data: Mapping[bytes, bytes] = field(repr=False)
    ambient: Ambient
    delimiters: tuple[bytes, bytes]

    def __call__(self, spot: Result[Spot, Fault]) -> Result[Pieces, Fault]:
        return spot.bind(self._evaluate)

    def _evaluate(self, spot: Spot) -> Result[Pieces, Fault]:
        evaluated = evaluate({spot.key: spot.text}, spot.scope, spot.target, spot.strategy, partial(self._render, spot))
        return evaluated.alt(lambda error: Fault(InvalidSpec(_public(spot, error), spot.path), spot.path, spot, error))

    def _render(self, spot: Spot, name: str, text: bytes) -> Result[bytes, TemplateError]:
        """What is then read as YAML is paid for, too. A compiled text that may hold secrets is not kept for another pass."""
        compiled = self._compiled(name, text, kept=spot.origin not in _HIDDEN)
        printed = compiled.bind(lambda made: made.execute(self.data, self.ambient))
        return printed.bind(self._paid) if reads_yaml(spot.scope, spot.target) else printed

    def _compiled(self, name: str, text: bytes, *, kept: bool) -> Result[Executable, TemplateError]:
        if self.version == "jinja2":
            from eso_core.template.jinja import compile_jinja  # which imports Jinja2: only those who use it pay for it

            return compile_jinja(name, text, kept=kept)
        left, right = self.delimiters
        return compile_template(name, text, left=left, right=right, kept=kept)

    def _paid(self, printed: bytes) -> Result[bytes, TemplateError]:
        from eso_core.template.functions.yaml import weigh_yaml  # its import takes long, and most operators need none of it

        try:
            weigh_yaml(self.ambient.meter, printed)
        except LimitExceeded as error:
            what = f"what the template prints is too much YAML: {error.what}"
            return Bad(TemplateError("exec", "", 0, -1, what, what, "limit"))
        return Success(printed)


def _public(spot: Spot, error: TargetError) -> str:
    """An error quotes its template, whose words are not for everybody where they come from a Secret or were made of values."""
    if spot.origin not in _HIDDEN or error.cause is None:
        return error.public
    verb = "parse" if error.stage == "parse" else "execute"
    line = f"line {error.cause.line}: " if error.cause.line else ""
    return f"unable to {verb} template at key {spot.key}: {line}{_HIDDEN[spot.origin]}, so the error is not shown"


def _again(
    sources: Evaluations, entry: TemplateFrom, path: str, one: Callable[[Result[Spot, Fault]], Result[Pieces, Fault]]
) -> Evaluations:
    """What ``sources`` made, collected as data of a Secret, is rendered as templates."""
    pieces: list[Piece] = []
    whole = True
    for evaluated in sources:
        if isinstance(evaluated, Bad):
            whole = False
            yield evaluated
        else:
            pieces.extend(evaluated.unwrap())
    if not whole or not pieces:
        return
    scratch = apply(pieces, {}, secret=True)
    if isinstance(scratch, Bad):
        error = scratch.failure()
        yield Bad(Fault(InvalidSpec(error.public, path), path, None, error))
        return
    texts: Mapping[str, bytes] = scratch.unwrap().get("data") or {}
    for key in sorted(texts):
        yield one(Success(Spot(path, key, texts[key], "values", target=entry.target)))


def _content(kind: Kind, raw: bytes) -> Mapping[str, bytes]:
    """The data of a ConfigMap or Secret; what is not as it should be is left out."""
    data = orjson.loads(raw).get("data")
    texts = {key: text for key, text in data.items() if isinstance(text, str)} if isinstance(data, dict) else {}
    if kind == CONFIG_MAP:
        return {key: to_bytes(text) for key, text in texts.items()}
    return {key: decode("Base64", to_bytes(text)).value_or(b"") for key, text in texts.items()}
