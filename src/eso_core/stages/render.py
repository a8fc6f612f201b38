"""From values to the target as it should be: metadata, type and data (reference: ``ApplyTemplate``, ``setMetadata``).

Templates are copied as they are as long as they have no actions; with actions the template engine is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core.api import ExternalSecret, Template
from eso_core.api.admission import template_errors
from eso_core.compat.hash import field_owner
from eso_core.failure import InvalidSpec
from eso_core.plan import Body, SecretBody
from eso_core.refs import SECRET, Kind
from eso_core.secret import SecretBytes
from eso_core.stages.decode import Values
from eso_core.stages.manifest import manifest_body
from eso_core.target import MERGING, TargetSeen

_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Rendered:
    """Content and metadata of the target, without what marks it as ours."""

    body: Body
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(repr=False)  # may hold secrets
    finalizers: tuple[str, ...]


def render(es: ExternalSecret, kind: Kind, values: Values, target: TargetSeen | None) -> Result[Rendered, InvalidSpec]:
    """The target for ``values``, laid over what ``target`` holds that is not ours."""
    template = es.spec.target.template
    for error in template_errors(es.spec.target):  # the webhook may be off: a token of any account must not be made here
        return Bad(InvalidSpec(error.message, error.path))
    if template is not None and (fault := _beyond_copy(template)):
        return Bad(fault)
    labels, annotations, finalizers = _metadata(es, template)
    kept_labels: Mapping[str, str] = {}
    kept_annotations: Mapping[str, str] = {}
    if target is not None:
        kept_labels = _without(target.labels, _ours(es, kind, target, "metadata", "labels"))
        kept_annotations = _without(target.annotations, _ours(es, kind, target, "metadata", "annotations"))
        finalizers = tuple(dict.fromkeys((*target.finalizers, *(() if target.deleting else finalizers))))
    made = _data(template, values, copied=kind == SECRET)
    body = _secret_body(es, made, target) if kind == SECRET else manifest_body(es, kind, made, target)
    return Success(Rendered(body, {**kept_labels, **labels}, {**kept_annotations, **annotations}, finalizers))


def manager_of(es: ExternalSecret, kind: Kind) -> str:
    """The field manager that targets of a kind are written under: one for each object where they are Secrets, else one for all."""
    return field_owner(es.metadata.name) if kind == SECRET else "external-secrets"


def _ours(es: ExternalSecret, kind: Kind, target: TargetSeen, *path: str) -> frozenset[str]:
    """The names below ``path`` that this object has written. Unknown, hence none, where several may write one target under one manager."""
    if kind != SECRET and es.spec.target.creation_policy in MERGING:
        return frozenset()
    return target.managed(manager_of(es, kind), *path)


def _secret_body(es: ExternalSecret, made: Mapping[str, SecretBytes], target: TargetSeen | None) -> SecretBody:
    template = es.spec.target.template
    return SecretBody(
        data=_kept(es, target) | dict(made),
        kind=(template.type if template is not None else "") or (target.kind if target is not None else ""),
        immutable=True if es.spec.target.immutable or (target is not None and target.immutable) else None,
    )


def _metadata(es: ExternalSecret, template: Template | None) -> tuple[Mapping[str, str], Mapping[str, str], tuple[str, ...]]:
    """Labels, annotations, finalizers: the template's, or without a template the ExternalSecret's."""
    if template is None:
        return es.metadata.labels, es.metadata.annotations, ()
    meta = template.metadata
    return meta.labels, meta.annotations, meta.finalizers


def _data(template: Template | None, values: Values, *, copied: bool) -> dict[str, SecretBytes]:
    """Provider values, unless a template replaces them.

    In a Secret one with data of its own does under ``mergePolicy: Replace``, the default; in any other target every template does.
    """
    if template is None:
        return dict(values)
    own = {key: SecretBytes(text.encode()) for key, text in template.data.items()}
    if not copied or (own and template.merge_policy == "Replace"):
        return own
    return {**values, **own}


def _kept(es: ExternalSecret, target: TargetSeen | None) -> dict[str, SecretBytes]:
    """Under a merging policy: the existing keys that are not ours. ``target`` has been read with its values then."""
    if target is None or es.spec.target.creation_policy not in MERGING:
        return {}
    return _without(target.values or {}, _ours(es, SECRET, target, "data"))


def _without(held: Mapping[str, _V], names: frozenset[str]) -> dict[str, _V]:
    return {key: value for key, value in held.items() if key not in names}


def _beyond_copy(template: Template) -> InvalidSpec | None:
    """The first part of a template that needs the template engine."""
    if template.template_from:
        return InvalidSpec("templates are not built yet", "spec.target.template.templateFrom")
    parts = {"data": template.data, "metadata.labels": template.metadata.labels, "metadata.annotations": template.metadata.annotations}
    for part, texts in parts.items():
        for key, text in texts.items():
            if "{{" in text:
                return InvalidSpec("templates are not built yet", f"spec.target.template.{part}.{key}")
    return None
