"""What makes a target ours, and when it must not be: managed label, owner label and reference, hash (reference: ``applyOwnership``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from eso_core.api import ExternalSecret
from eso_core.because import Because
from eso_core.compat.hash import data_hash, generic_target_hash, owner_label
from eso_core.failure import Failure, Refused
from eso_core.plan import Body, Desired, ManifestBody, MarkTarget, SecretBody
from eso_core.refs import EXTERNAL_SECRET, SECRET, Kind
from eso_core.stages.aim import target_of, verdicts_of
from eso_core.stages.render import Rendered, manager_of
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL, OWNER_GROUP, OWNER_KIND, OWNER_LABEL, TargetSeen


def claim(es: ExternalSecret, target: TargetSeen) -> MarkTarget | None:
    """The label that a Secret gets before it is judged, so that the watch tells of it; ``None`` when it has it.

    As in the reference, a Secret that the policy refuses, or ``creationPolicy: None`` leaves alone, gets it too: the object learns
    at once when it changes.
    """
    if target.ref.kind != SECRET or target.is_managed or target.deleting:
        return None
    return MarkTarget(target.ref, manager_of(es, SECRET), target.version, labels={MANAGED_LABEL: "true"})


def refusal(es: ExternalSecret, target: TargetSeen | None) -> tuple[Because, Failure] | None:
    """Why the target must be neither written nor deleted: it has another owner."""
    owner = target.controller if target is not None else None
    if owner is None:
        return None
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    ours = (group, owner.get("kind")) == (OWNER_GROUP, OWNER_KIND)
    verdicts = verdicts_of(es)
    if ours and owner.get("name") != es.metadata.name:
        return verdicts.owned_by_other, Refused(f"secret is owned by another ExternalSecret: {owner.get('name')}")
    if not ours and es.spec.target.creation_policy == "Owner":
        what = f"target is owned by another controller: {owner.get('kind')} {owner.get('name')}"
        return verdicts.ownership_failed, Refused(what)
    return None


def is_ours(es: ExternalSecret, target: TargetSeen) -> bool:
    """The target is managed, or owned by ``es``. One without either mark is somebody else's."""
    return target.is_managed or any(_is_me(es, owner) for owner in target.owners)


def desired_of(es: ExternalSecret, kind: Kind, rendered: Rendered, target: TargetSeen | None) -> Desired:
    """The target with its marks."""
    return Desired(
        ref=target_of(es, kind),
        labels=owned_labels(es, rendered.labels),
        annotations={**rendered.annotations, HASH_ANNOTATION: content_hash(rendered.body)},
        owners=owners_of(es, target.owners if target is not None else ()),
        finalizers=rendered.finalizers,
        body=rendered.body,
    )


def content_hash(body: Body) -> str:
    """What the hash annotation says of this content."""
    match body:
        case SecretBody():
            return data_hash({key: value.reveal() for key, value in body.data.items()})
        case ManifestBody(fields):
            return generic_target_hash(fields).value_or("")
        case _:
            assert_never(body)


def owned_labels(es: ExternalSecret, labels: Mapping[str, str]) -> dict[str, str]:
    """``labels`` with the managed label, and the owner label where the policy is ``Owner``."""
    held = {**labels, MANAGED_LABEL: "true"}
    if es.spec.target.creation_policy == "Owner":
        held[OWNER_LABEL] = owner_label(es.metadata.namespace, es.metadata.name)
    else:
        held.pop(OWNER_LABEL, None)
    return held


def owners_of(es: ExternalSecret, held: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
    """The owner references with ours, in the place that it has, or without it where the policy is not ``Owner``."""
    mine = (owner_reference(es),) if es.spec.target.creation_policy == "Owner" else ()
    at = next((i for i, owner in enumerate(held) if _is_me(es, owner)), len(held))
    foreign = [owner for owner in held if not _is_me(es, owner)]
    return (*foreign[:at], *mine, *foreign[at:])


def owner_reference(es: ExternalSecret) -> Mapping[str, Any]:
    """The controller reference to ``es``."""
    return {
        "apiVersion": EXTERNAL_SECRET.api_version,
        "kind": EXTERNAL_SECRET.name,
        "name": es.metadata.name,
        "uid": es.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _is_me(es: ExternalSecret, owner: Mapping[str, Any]) -> bool:
    """An owner reference to this ExternalSecret, or to one of its name that is gone: a re-created object takes over."""
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    return (group, owner.get("kind"), owner.get("name")) == (OWNER_GROUP, OWNER_KIND, es.metadata.name)
