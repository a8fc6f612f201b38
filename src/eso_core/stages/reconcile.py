"""The decision: from one observation to one plan. Pure, total, and the same in the cluster, offline and in the simulator.

===============  ==============================  ==========================================
creationPolicy   target missing                  target there
===============  ==============================  ==========================================
Owner            delete orphans, create          delete orphans, update, set owner
Orphan           create                          update, no owner
CreateOrMerge    create                          update, keep foreign keys, no owner
Merge            wait                            update, keep foreign keys, no owner
None             nothing                         nothing
===============  ==============================  ==========================================

Nothing is written when the target is as it should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core import because
from eso_core.api import ExternalSecret
from eso_core.because import Because
from eso_core.compat.hash import data_hash, field_owner, owner_label
from eso_core.failure import Failure, InvalidSpec, Refused
from eso_core.plan import CreateTarget, DeleteTarget, Desired, Event, Plan, SecretBody, Step, UpdateTarget
from eso_core.refs import EXTERNAL_SECRET, SECRET, Ref
from eso_core.stages.decode import Decoded
from eso_core.stages.render import Rendered, render
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL, OWNER_GROUP, OWNER_KIND, OWNER_LABEL, TargetSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything the decision depends on.

    ``decoded``: what the backends gave, or why they gave nothing. ``target``: the target as far as it was read; with values when the
    creation policy keeps foreign keys. ``orphans``: Secrets that this object created under other names.
    """

    external_secret: ExternalSecret
    decoded: Result[Decoded, Failure]
    target: TargetSeen | None
    orphans: tuple[TargetSeen, ...] = ()


def target_of(es: ExternalSecret) -> Ref:
    """The Secret that ``es`` writes."""
    return Ref(SECRET, es.metadata.namespace, es.spec.target.name or es.metadata.name)


def ref_of(es: ExternalSecret) -> Ref:
    """``es`` itself."""
    return Ref(EXTERNAL_SECRET, es.metadata.namespace, es.metadata.name)


def reconcile(seen: Observed) -> Plan:
    """What is to be done about ``seen``."""
    if seen.external_secret.spec.target.manifest is not None:
        return Plan(because=because.TARGET_INVALID, detail=InvalidSpec("generic targets are not built yet", "spec.target.manifest"))
    if isinstance(seen.decoded, Bad):
        return Plan(because=because.PROVIDER_FAILED, detail=seen.decoded.failure())
    decoded = seen.decoded.unwrap()
    events = tuple(_event(seen, "MissingProviderSecret", text) for text in decoded.missing)
    policy = seen.external_secret.spec.target.deletion_policy
    if not decoded.values and policy == "Retain":
        return Plan(because=because.RETAINED, events=events)
    if not decoded.values and policy == "Delete":
        return _delete(seen, events)
    return _write(seen, decoded, events)


def takes_away(es: ExternalSecret, decoded: Result[Decoded, Failure]) -> bool:
    """Whether the target has to go. One that lost its managed label is in no cache, and still holds the values."""
    return es.spec.target.deletion_policy == "Delete" and isinstance(decoded, Success) and not decoded.unwrap().values


def _is_ours(es: ExternalSecret, target: TargetSeen) -> bool:
    """The target is managed, or owned by ``es``. A Secret without either mark is somebody else's."""
    return target.labels.get(MANAGED_LABEL) == "true" or any(_is_me(es, owner) for owner in target.owners)


def _delete(seen: Observed, events: tuple[Event, ...]) -> Plan:
    """The backend has none of the values any more."""
    target = seen.target
    if seen.external_secret.spec.target.creation_policy != "Owner":
        detail = InvalidSpec("the secret is not deleted, since this object does not own it", "spec.target.creationPolicy")
        return Plan(because=because.DELETE_NOT_OWNED, detail=detail, events=events)
    if target is None or target.deleting or not _is_ours(seen.external_secret, target):
        return Plan(because=because.DELETED, events=events)
    refusal = _refusal(seen.external_secret, target)
    if refusal is not None:
        return Plan(because=refusal[0], detail=refusal[1], events=events)
    step = Step(
        action=DeleteTarget(target.ref, target.version),
        event=_event(seen, "Deleted", "secret deleted due to DeletionPolicy=Delete"),
        otherwise=because.DELETE_FAILED,
    )
    return Plan(steps=(step,), because=because.DELETED, events=events)


def _write(seen: Observed, decoded: Decoded, events: tuple[Event, ...]) -> Plan:
    es, target = seen.external_secret, seen.target
    policy = es.spec.target.creation_policy
    if policy == "None":
        return Plan(because=because.SYNCED, events=events)
    if policy == "Merge" and target is None:
        return Plan(because=because.TARGET_MISSING, events=events)
    refusal = _refusal(es, target)
    if refusal is not None:
        return Plan(because=refusal[0], detail=refusal[1], events=events, binding=target_of(es).name)
    rendered = render(es, decoded.values, target)
    if isinstance(rendered, Bad):
        return Plan(because=because.UPDATE_FAILED, detail=rendered.failure(), events=events)
    desired = desired_of(es, rendered.unwrap(), target)
    if target is not None and target.immutable and not _same_content(desired, target):
        return Plan(because=because.IMMUTABLE, detail=Refused("secret is immutable"), events=events, binding=desired.ref.name)
    steps = (*_orphan_steps(seen), *_target_steps(seen, desired))
    return Plan(steps=steps, because=because.SYNCED, events=events, binding=desired.ref.name)


def _refusal(es: ExternalSecret, target: TargetSeen | None) -> tuple[Because, Failure] | None:
    """Why the target must be neither written nor deleted: it has another owner (reference: ``applyOwnership``)."""
    owner = target.controller if target is not None else None
    if owner is None:
        return None
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    ours = (group, owner.get("kind")) == (OWNER_GROUP, OWNER_KIND)
    if ours and owner.get("name") != es.metadata.name:
        return because.OWNED_BY_OTHER, Refused(f"secret is owned by another ExternalSecret: {owner.get('name')}")
    if not ours and es.spec.target.creation_policy == "Owner":
        what = f"target is owned by another controller: {owner.get('kind')} {owner.get('name')}"
        return because.OWNERSHIP_FAILED, Refused(what)
    return None


def desired_of(es: ExternalSecret, rendered: Rendered, target: TargetSeen | None) -> Desired:
    """The target with the marks that make it ours: managed label, owner label and reference, data hash."""
    owned = es.spec.target.creation_policy == "Owner"
    labels = {**rendered.labels, MANAGED_LABEL: "true"}
    if owned:
        labels[OWNER_LABEL] = owner_label(es.metadata.namespace, es.metadata.name)
    else:
        labels.pop(OWNER_LABEL, None)
    content = data_hash({key: value.reveal() for key, value in rendered.body.data.items()})
    return Desired(
        ref=target_of(es),
        labels=labels,
        annotations={**rendered.annotations, HASH_ANNOTATION: content},
        owners=_owners(es, target.owners if target is not None else (), owned=owned),
        finalizers=rendered.finalizers,
        body=rendered.body,
    )


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


def _owners(es: ExternalSecret, held: tuple[Mapping[str, Any], ...], *, owned: bool) -> tuple[Mapping[str, Any], ...]:
    """The owner references with ours, in the place that it has, or without it."""
    mine = (owner_reference(es),) if owned else ()
    at = next((i for i, owner in enumerate(held) if _is_me(es, owner)), len(held))
    foreign = [owner for owner in held if not _is_me(es, owner)]
    return (*foreign[:at], *mine, *foreign[at:])


def _is_me(es: ExternalSecret, owner: Mapping[str, Any]) -> bool:
    """An owner reference to this ExternalSecret, or to one of its name that is gone: a re-created object takes over."""
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    return (group, owner.get("kind"), owner.get("name")) == (OWNER_GROUP, OWNER_KIND, es.metadata.name)


def _orphan_steps(seen: Observed) -> tuple[Step, ...]:
    """Secrets created under a former target name go, before the new one comes; not those that another owner has taken over."""
    if seen.external_secret.spec.target.creation_policy != "Owner":
        return ()
    event = _event(seen, "Deleted", "secret deleted because it was orphaned")
    return tuple(
        Step(action=DeleteTarget(orphan.ref, orphan.version), event=event, otherwise=because.ORPHANS_FAILED)
        for orphan in seen.orphans
        if orphan.ref != target_of(seen.external_secret) and not orphan.deleting and _refusal(seen.external_secret, orphan) is None
    )


def _target_steps(seen: Observed, desired: Desired) -> tuple[Step, ...]:
    manager = field_owner(seen.external_secret.metadata.name)
    if seen.target is None:
        event = _event(seen, "Created", "secret created")
        return (Step(action=CreateTarget(desired, manager), event=event, otherwise=because.UPDATE_FAILED),)
    if _same(desired, seen.target):
        return ()
    event = _event(seen, "Updated", "secret updated")
    return (Step(action=UpdateTarget(desired, manager, seen.target.version), event=event, otherwise=because.UPDATE_FAILED),)


def _same(desired: Desired, target: TargetSeen) -> bool:
    """The target is as it should be, in every field that is written."""
    return (
        _same_content(desired, target)
        and dict(desired.labels) == dict(target.labels)
        and dict(desired.annotations) == dict(target.annotations)
        and [dict(o) for o in desired.owners] == [dict(o) for o in target.owners]
        and desired.finalizers == target.finalizers
        and (isinstance(desired.body, SecretBody) and bool(desired.body.immutable) == target.immutable)
    )


def _same_content(desired: Desired, target: TargetSeen) -> bool:
    """Data and type are equal. The data is compared by its hash, which is the annotation just computed."""
    body = desired.body
    return isinstance(body, SecretBody) and body.kind in ("", target.kind) and desired.annotations[HASH_ANNOTATION] == target.data_hash


def _event(seen: Observed, reason: str, message: str) -> Event:
    es = seen.external_secret
    return Event(about=ref_of(es), uid=es.metadata.uid, reason=reason, message=message)
