"""From values to the target as it should be: metadata, type and data (reference: ``ApplyTemplate``, ``setMetadata``).

What the templates gave is laid over it at the end: ``template.data`` over ``templateFrom`` over the provider's values over foreign keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from returns.result import Failure as Bad
from returns.result import Result

from eso_core.api import ExternalSecret, Template
from eso_core.api.admission import template_errors
from eso_core.compat.hash import field_owner
from eso_core.failure import InvalidSpec
from eso_core.plan import Body, SecretBody
from eso_core.refs import SECRET, Kind
from eso_core.secret import SecretBytes
from eso_core.stages.decode import Values
from eso_core.stages.manifest import manifest, manifest_body
from eso_core.stages.templates import Pieces
from eso_core.target import MERGING, TargetSeen
from eso_core.template.target import TargetError, apply

_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Rendered:
    """Content and metadata of the target, without what marks it as ours."""

    body: Body
    labels: Mapping[str, str] = field(repr=False)  # may hold secrets, like annotations
    annotations: Mapping[str, str] = field(repr=False)
    finalizers: tuple[str, ...]


def render(es: ExternalSecret, kind: Kind, values: Values, pieces: Pieces, target: TargetSeen | None) -> Result[Rendered, InvalidSpec]:
    """The target for ``values`` and what the templates made of them, laid over what ``target`` holds that is not ours."""
    template = es.spec.target.template
    for error in template_errors(es.spec.target):  # the webhook may be off: a token of any account must not be made here
        return Bad(InvalidSpec(error.message, error.path))
    labels, annotations, finalizers = _metadata(es, template)
    kept_labels: Mapping[str, str] = {}
    kept_annotations: Mapping[str, str] = {}
    if target is not None:
        kept_labels = _without(target.labels, _ours(es, kind, target, "metadata", "labels"))
        kept_annotations = _without(target.annotations, _ours(es, kind, target, "metadata", "annotations"))
        finalizers = tuple(dict.fromkeys((*target.finalizers, *(() if target.deleting else finalizers))))
    meta = {"labels": {**kept_labels, **labels}, "annotations": {**kept_annotations, **annotations}}
    if kind == SECRET:
        found = {"data": {**_kept(es, target), **_provided(template, values)}, "metadata": meta}
    else:
        found = {**manifest(es, kind, values, target), "metadata": meta}
    applied = apply(pieces, found, secret=kind == SECRET)
    return applied.map(lambda made: _rendered(es, kind, made, finalizers, target)).alt(_unapplied)


def manager_of(es: ExternalSecret, kind: Kind) -> str:
    """The field manager that targets of a kind are written under: one for each object where they are Secrets, else one for all."""
    return field_owner(es.metadata.name) if kind == SECRET else "external-secrets"


def _ours(es: ExternalSecret, kind: Kind, target: TargetSeen, *path: str) -> frozenset[str]:
    """The names below ``path`` that this object has written. Unknown, hence none, where several may write one target under one manager."""
    if kind != SECRET and es.spec.target.creation_policy in MERGING:
        return frozenset()
    return target.managed(manager_of(es, kind), *path)


def _rendered(es: ExternalSecret, kind: Kind, made: Mapping[str, Any], finalizers: tuple[str, ...], target: TargetSeen | None) -> Rendered:
    meta = made.get("metadata") or {}
    body = _secret_body(es, made.get("data") or {}, target) if kind == SECRET else manifest_body(made)
    return Rendered(body, meta.get("labels") or {}, meta.get("annotations") or {}, finalizers)


def _unapplied(error: TargetError) -> InvalidSpec:
    return InvalidSpec(error.public, "spec.target.template")


def _secret_body(es: ExternalSecret, data: Mapping[str, bytes], target: TargetSeen | None) -> SecretBody:
    template = es.spec.target.template
    return SecretBody(
        data={key: SecretBytes(value) for key, value in data.items()},
        kind=(template.type if template is not None else "") or (target.kind if target is not None else ""),
        immutable=True if es.spec.target.immutable or (target is not None and target.immutable) else None,
    )


def _metadata(es: ExternalSecret, template: Template | None) -> tuple[Mapping[str, str], Mapping[str, str], tuple[str, ...]]:
    """Labels, annotations, finalizers: the template's, or without a template the ExternalSecret's."""
    if template is None:
        return es.metadata.labels, es.metadata.annotations, ()
    meta = template.metadata
    return meta.labels, meta.annotations, meta.finalizers


def _provided(template: Template | None, values: Values) -> Mapping[str, bytes]:
    """The provider's values, unless ``template.data`` or ``templateFrom`` replaces them: under ``mergePolicy: Replace``, the default."""
    if template is not None and (template.data or template.template_from) and template.merge_policy == "Replace":
        return {}
    return {key: value.reveal() for key, value in values.items()}


def _kept(es: ExternalSecret, target: TargetSeen | None) -> Mapping[str, bytes]:
    """Under a merging policy: the existing keys that are not ours. ``target`` has been read with its values then."""
    if target is None or es.spec.target.creation_policy not in MERGING:
        return {}
    kept = _without(target.values or {}, _ours(es, SECRET, target, "data"))
    return {key: value.reveal() for key, value in kept.items()}


def _without(held: Mapping[str, _V], names: frozenset[str]) -> dict[str, _V]:
    return {key: value for key, value in held.items() if key not in names}
