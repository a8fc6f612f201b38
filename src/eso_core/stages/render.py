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
from eso_core.compat.hash import field_owner
from eso_core.failure import InvalidSpec
from eso_core.plan import SecretBody
from eso_core.secret import SecretBytes
from eso_core.stages.decode import Values
from eso_core.target import TargetSeen

_V = TypeVar("_V")

MERGING = ("Merge", "CreateOrMerge")  # creation policies that keep foreign keys


@dataclass(frozen=True, slots=True)
class Rendered:
    """Content and metadata of the target, without what marks it as ours."""

    body: SecretBody
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(repr=False)  # may hold secrets
    finalizers: tuple[str, ...]


def render(es: ExternalSecret, values: Values, target: TargetSeen | None) -> Result[Rendered, InvalidSpec]:
    """The target for ``values``, laid over what ``target`` holds that is not ours."""
    template = es.spec.target.template
    if template is not None and (fault := _beyond_copy(template)):
        return Bad(fault)
    labels, annotations, finalizers = _metadata(es, template)
    manager = field_owner(es.metadata.name)
    kept_labels: Mapping[str, str] = {}
    kept_annotations: Mapping[str, str] = {}
    if target is not None:
        kept_labels = _without(target.labels, target.managed(manager, "metadata", "labels"))
        kept_annotations = _without(target.annotations, target.managed(manager, "metadata", "annotations"))
        finalizers = tuple(dict.fromkeys((*target.finalizers, *(() if target.deleting else finalizers))))
    body = SecretBody(
        data=_kept(es, target) | _data(template, values),
        kind=(template.type if template is not None else "") or (target.kind if target is not None else ""),
        immutable=True if es.spec.target.immutable or (target is not None and target.immutable) else None,
    )
    return Success(Rendered(body, {**kept_labels, **labels}, {**kept_annotations, **annotations}, finalizers))


def _metadata(es: ExternalSecret, template: Template | None) -> tuple[Mapping[str, str], Mapping[str, str], tuple[str, ...]]:
    """Labels, annotations, finalizers: the template's, or without a template the ExternalSecret's."""
    if template is None:
        return es.metadata.labels, es.metadata.annotations, ()
    meta = template.metadata
    return meta.labels, meta.annotations, meta.finalizers


def _data(template: Template | None, values: Values) -> dict[str, SecretBytes]:
    """Provider values, unless a template with data of its own replaces them (``mergePolicy: Replace``, the default)."""
    if template is None:
        return dict(values)
    own = {key: SecretBytes(text.encode()) for key, text in template.data.items()}
    if own and template.merge_policy == "Replace":
        return own
    return {**values, **own}


def _kept(es: ExternalSecret, target: TargetSeen | None) -> dict[str, SecretBytes]:
    """Under a merging policy: the existing keys that are not ours. ``target`` has been read with its values then."""
    if target is None or es.spec.target.creation_policy not in MERGING:
        return {}
    return dict(_without(target.values or {}, target.managed(field_owner(es.metadata.name), "data")))


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
