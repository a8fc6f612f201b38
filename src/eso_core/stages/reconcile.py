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

Nothing is written when the target is as it should be. A target is a Secret, or any other kind that ``spec.target.manifest`` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core import because
from eso_core.api import ExternalSecret
from eso_core.failure import Failure, InvalidSpec, Refused
from eso_core.plan import CreateTarget, DeleteTarget, Desired, Event, MarkTarget, Plan, SecretBody, Step, UpdateTarget
from eso_core.refs import SECRET, Kind
from eso_core.stages.aim import is_generic, ref_of, target_of, verdicts_of
from eso_core.stages.decode import Decoded
from eso_core.stages.marks import desired_of, is_ours, owned_labels, owners_of, refusal
from eso_core.stages.render import manager_of, render
from eso_core.stages.templates import NO_PIECES, Pieces
from eso_core.target import HASH_ANNOTATION, MERGING, TargetSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything the decision depends on.

    ``decoded``: what the backends gave, or why they gave nothing. ``pieces``: what the templates made of it.
    ``target``: the target, which is of this ``kind``, as far as it was
    read; with its content when the creation policy keeps foreign keys. ``orphans``: Secrets that this object created under other names.
    """

    external_secret: ExternalSecret
    decoded: Result[Decoded, Failure]
    target: TargetSeen | None
    pieces: Result[Pieces, Failure] = NO_PIECES
    orphans: tuple[TargetSeen, ...] = ()
    kind: Kind = SECRET


def reconcile(seen: Observed) -> Plan:
    """What is to be done about ``seen``."""
    verdicts = verdicts_of(seen.external_secret)
    if isinstance(seen.decoded, Bad):
        return Plan(because=verdicts.provider_failed, detail=seen.decoded.failure())
    decoded = seen.decoded.unwrap()
    events = tuple(event_about(seen.external_secret, "MissingProviderSecret", text) for text in decoded.missing)
    policy = seen.external_secret.spec.target.deletion_policy
    if not decoded.values and policy == "Retain":
        return Plan(because=verdicts.retained, events=events)
    if not decoded.values and policy == "Delete":
        return _delete(seen, events)
    return _write(seen, decoded, events)


def wants_templates(es: ExternalSecret, decoded: Decoded) -> bool:
    """Whether the plan for ``decoded`` has content: without values nothing is written, unless foreign keys are to stay."""
    target = es.spec.target
    return target.creation_policy != "None" and (bool(decoded.values) or target.deletion_policy == "Merge")


def needs_look(es: ExternalSecret, kind: Kind, decoded: Result[Decoded, Failure], target: TargetSeen | None) -> bool:
    """Whether the plan depends on more than the cache knows: foreign keys, a Secret that nobody manages, or one that lost its label."""
    spec = es.spec.target
    if spec.creation_policy in MERGING:
        return True
    taken_away = spec.deletion_policy == "Delete" and isinstance(decoded, Success) and not decoded.unwrap().values
    return target is None and (taken_away or (spec.creation_policy == "None" and kind == SECRET))


def _delete(seen: Observed, events: tuple[Event, ...]) -> Plan:
    """The backend has none of the values any more."""
    es, target, verdicts = seen.external_secret, seen.target, verdicts_of(seen.external_secret)
    if es.spec.target.creation_policy != "Owner":
        detail = InvalidSpec("the secret is not deleted, since this object does not own it", "spec.target.creationPolicy")
        return Plan(because=verdicts.delete_not_owned, detail=detail, events=events)
    if target is None or target.deleting or not is_ours(es, target):
        return Plan(because=verdicts.deleted, events=events)
    refused = refusal(es, target)
    if refused is not None:
        return Plan(because=refused[0], detail=refused[1], events=events)
    told = _done(seen, "Deleted", "secret deleted due to DeletionPolicy=Delete")
    step = Step(action=DeleteTarget(target.ref, target.version), event=told, otherwise=verdicts.delete_failed)
    return Plan(steps=(step,), because=verdicts.deleted, events=events)


def _write(seen: Observed, decoded: Decoded, events: tuple[Event, ...]) -> Plan:
    es, target, verdicts = seen.external_secret, seen.target, verdicts_of(seen.external_secret)
    policy = es.spec.target.creation_policy
    binding = None if is_generic(es) else target_of(es).name
    if policy == "None":
        return Plan(because=verdicts.synced, events=events)
    if policy == "Merge" and target is None:
        return Plan(because=verdicts.missing, events=events)
    refused = refusal(es, target)
    if refused is not None:
        return Plan(because=refused[0], detail=refused[1], events=events, binding=binding)
    if es.spec.target.immutable and target is not None and seen.kind == SECRET:
        steps = (*_orphan_steps(seen), *_freeze_steps(seen, target))
        return Plan(steps=steps, because=verdicts.synced, events=events, binding=binding)
    rendered = seen.pieces.bind(lambda pieces: render(es, seen.kind, decoded.values, pieces, target))
    if isinstance(rendered, Bad):
        bound = binding if target is not None else None
        return Plan(because=verdicts.template_failed, detail=rendered.failure(), events=events, binding=bound)
    desired = desired_of(es, seen.kind, rendered.unwrap(), target)
    if target is not None and target.immutable and not _same_content(desired, target):
        return _immutable(seen, desired, target, events)
    steps = (*_orphan_steps(seen), *_target_steps(seen, desired))
    return Plan(steps=steps, because=verdicts.synced, events=events, binding=binding)


# ---------------------------------------------------------------- immutable Secrets


def _freeze_steps(seen: Observed, target: TargetSeen) -> tuple[Step, ...]:
    """``spec.target.immutable``: the Secret that is there keeps its content, whatever the backend says now."""
    es = seen.external_secret
    mark = MarkTarget(
        target_of(es),
        manager_of(es, SECRET),
        target.version,
        labels=_changes(target.labels, owned_labels(es, target.labels)),
        annotations=_changes(target.annotations, {**target.annotations, HASH_ANNOTATION: target.data_hash}),
        owners=_other_owners(seen, target),
        immutable=None if target.immutable else True,
    )
    return (_mark_step(seen, mark),) if _says_anything(mark) else ()


def _immutable(seen: Observed, desired: Desired, target: TargetSeen, events: tuple[Event, ...]) -> Plan:
    """Somebody froze the Secret, and its content should change: only the marks can be written (reference: ``updateSecret``)."""
    mark = MarkTarget(
        desired.ref,
        manager_of(seen.external_secret, SECRET),
        target.version,
        labels=_changes(target.labels, desired.labels),
        annotations=_changes(target.annotations, desired.annotations),
        owners=_other_owners(seen, target),
        finalizers=desired.finalizers if desired.finalizers != target.finalizers else None,
    )
    steps = (Step(action=mark, otherwise=because.UPDATE_FAILED),) if _says_anything(mark) else ()
    detail = Refused("secret is immutable")
    return Plan(steps=steps, because=because.IMMUTABLE, detail=detail, events=events, binding=desired.ref.name)


def _mark_step(seen: Observed, mark: MarkTarget) -> Step:
    return Step(action=mark, event=_done(seen, "Updated", "secret updated"), otherwise=because.UPDATE_FAILED)


def _other_owners(seen: Observed, target: TargetSeen) -> tuple[Mapping[str, Any], ...] | None:
    wanted = [dict(owner) for owner in owners_of(seen.external_secret, target.owners)]
    return tuple(wanted) if wanted != [dict(owner) for owner in target.owners] else None


def _changes(held: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str | None]:
    """The merge patch that makes ``wanted`` of ``held``."""
    changed: dict[str, str | None] = {key: value for key, value in wanted.items() if held.get(key) != value}
    return changed | {key: None for key in held if key not in wanted}


def _says_anything(mark: MarkTarget) -> bool:
    return bool(mark.labels or mark.annotations or mark.immutable) or mark.owners is not None or mark.finalizers is not None


# ---------------------------------------------------------------- steps


def _orphan_steps(seen: Observed) -> tuple[Step, ...]:
    """Secrets created under a former target name go, before the new one comes; not those that another owner has taken over."""
    es = seen.external_secret
    if es.spec.target.creation_policy != "Owner" or seen.kind != SECRET:
        return ()
    event = event_about(es, "Deleted", "secret deleted because it was orphaned")
    return tuple(
        Step(action=DeleteTarget(orphan.ref, orphan.version), event=event, otherwise=because.ORPHANS_FAILED)
        for orphan in seen.orphans
        if orphan.ref != target_of(es) and not orphan.deleting and refusal(es, orphan) is None
    )


def _target_steps(seen: Observed, desired: Desired) -> tuple[Step, ...]:
    es, verdicts = seen.external_secret, verdicts_of(seen.external_secret)
    manager = manager_of(es, seen.kind)
    if seen.target is None:
        event = _done(seen, "Created", "secret created")
        return (Step(action=CreateTarget(desired, manager), event=event, otherwise=verdicts.update_failed),)
    if _same(desired, seen.target):
        return ()
    event = _done(seen, "Updated", "secret updated")
    return (Step(action=UpdateTarget(desired, manager, seen.target.version), event=event, otherwise=verdicts.update_failed),)


def _same(desired: Desired, target: TargetSeen) -> bool:
    """The target is as it should be, in every field that is written."""
    body = desired.body
    return (
        _same_content(desired, target)
        and dict(desired.labels) == dict(target.labels)
        and dict(desired.annotations) == dict(target.annotations)
        and [dict(o) for o in desired.owners] == [dict(o) for o in target.owners]
        and desired.finalizers == target.finalizers
        and (not isinstance(body, SecretBody) or bool(body.immutable) == target.immutable)
    )


def _same_content(desired: Desired, target: TargetSeen) -> bool:
    """Content and type are equal. The content is compared by its hash, which is the annotation just computed."""
    body = desired.body
    same_type = not isinstance(body, SecretBody) or body.kind in ("", target.kind)
    return same_type and desired.annotations[HASH_ANNOTATION] == target.data_hash


# ---------------------------------------------------------------- events


def _done(seen: Observed, reason: str, message: str) -> Event:
    """``message`` for Secrets; of other targets the event names kind and name, as the reference's does."""
    es = seen.external_secret
    return event_about(es, reason, f"{reason} {_kind_name(seen)} {target_of(es).name}" if is_generic(es) else message)


def _kind_name(seen: Observed) -> str:
    manifest = seen.external_secret.spec.target.manifest
    return manifest.kind if manifest is not None else SECRET.name


def event_about(es: ExternalSecret, reason: str, message: str) -> Event:
    """A Normal event of ``es``."""
    return Event(about=ref_of(es), uid=es.metadata.uid, reason=reason, message=message)
