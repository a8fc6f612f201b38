"""The life of one ExternalSecret: due → needs → asks → decode → templates → reconcile (render) → settle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from returns.result import Failure as Bad
from returns.result import Result

from eso_core import because
from eso_core.api import ExternalSecret, InvalidObject, parse_external_secret
from eso_core.compat.hash import owner_label
from eso_core.config import Config
from eso_core.effect import Flow, Followed, Gone, Present, Selection, Unreadable, Whole, World, compute, fetch, read, write
from eso_core.failure import Failure, InvalidSpec, Missing, Stale
from eso_core.flows.common import conclude, read_all
from eso_core.instant import Instant
from eso_core.plan import (
    Action,
    Again,
    Backoff,
    Event,
    NotDone,
    OnChange,
    Outcome,
    Plan,
    SetFinalizers,
    SetStatus,
    Settled,
    Version,
)
from eso_core.refs import SECRET, Kind, Ref
from eso_core.stages.aim import aim, ref_of, target_of, verdicts_of
from eso_core.stages.asks import questions
from eso_core.stages.conditions import conditions_of, with_ready
from eso_core.stages.decode import Decoded, decode_answers
from eso_core.stages.depart import FINALIZER, depart, wants_finalizer
from eso_core.stages.due import NotDue, Overtaken, due, unusable_interval
from eso_core.stages.marks import claim
from eso_core.stages.needs import Blocked, NotOurs, Resolved, needs
from eso_core.stages.reconcile import Observed, needs_look, reconcile, wants_templates
from eso_core.stages.settle import settle
from eso_core.stages.templates import NO_PIECES, Pieces, evaluate_templates, takes_long, template_sources, transformer
from eso_core.target import OWNER_LABEL, TargetSeen, see_target
from eso_core.template import Ambient

WRITES_MAX = 3  # plans carried out in one pass, each after the target turned out to have changed


def sync(key: Ref, config: Config) -> Flow[Settled]:
    """One pass over ``key``."""
    world, started = yield from read(key)
    raw = world.raw(key)
    if raw is None:
        return Settled(requeue=OnChange(), gone=True)
    parsed = parse_external_secret(raw)
    if isinstance(parsed, Bad):
        return (yield from _unusable(key, raw, parsed.failure(), started))
    es = parsed.unwrap()
    world, kind = yield from read_all(world, lambda seen: aim(seen, es, config))
    assert isinstance(kind, Kind | Plan | Blocked)  # what the type checker cannot infer of `read_all`
    if es.metadata.deletion_timestamp:
        return (yield from _depart(es, kind))

    target = (yield from _held(es, kind)) if isinstance(kind, Kind) else None
    if isinstance(target, Settled):
        return target
    match due(es, target, started):
        case NotDue(requeue) if isinstance(kind, Kind):
            return Settled(requeue=requeue)
        case Overtaken(refreshed) if isinstance(kind, Kind):
            return (yield from conclude(settle(es, Plan(because=verdicts_of(es).synced), (), started=refreshed, now=started)))
        case _:
            pass

    world, step = yield from read_all(world, lambda seen: needs(seen, es, config))
    if isinstance(step, NotOurs):
        return Settled(requeue=OnChange())
    fault = _fault(es, kind)
    if fault is not None:
        return (yield from conclude(settle(es, fault, (), started=started, now=started)))
    assert isinstance(step, Blocked | Resolved)
    assert isinstance(kind, Kind)
    if isinstance(step, Blocked) and step.soon and config.stores:
        return Settled(requeue=Backoff(), detail=step.failure, waits_on=step.waits_on)
    if wants_finalizer(es):
        es_or_end = yield from _with_finalizer(es)
        if isinstance(es_or_end, Settled):
            return es_or_end
        es = es_or_end
    made = (yield from _made(es, kind, step, config)) if isinstance(step, Resolved) else Made(Bad(step.failure))
    waits_on = step.waits_on if isinstance(step, Blocked) else frozenset()
    return (yield from _carry_out(es, kind, made, target, started, waits_on))


@dataclass(frozen=True, slots=True)
class Made:
    """What this pass wants in its target."""

    decoded: Result[Decoded, Failure]
    pieces: Result[Pieces, Failure] = NO_PIECES


def _fault(es: ExternalSecret, kind: Kind | Plan | Blocked) -> Plan | None:
    """Why this object can have no target, or no refresh, whatever its stores say."""
    if isinstance(kind, Blocked):
        return Plan(because=verdicts_of(es).update_failed, detail=kind.failure)
    if isinstance(kind, Plan):
        return kind
    if unusable_interval(es):
        return Plan(because=because.SPEC_INVALID, detail=InvalidSpec("is not a duration such as 1h30m", "spec.refreshInterval"))
    return None


def _made(es: ExternalSecret, kind: Kind, step: Resolved, config: Config) -> Flow[Made]:
    """What the backends say, as values, and what the templates make of them."""
    asked = questions(es, step)
    if isinstance(asked, InvalidSpec):
        return Made(Bad(asked))
    answers, _now = yield from fetch(tuple(question.ask for question in asked))
    world = World({})
    sources = template_sources(es)
    if sources:
        world, _now = yield from read(*sources)

    def make(ambient: Ambient) -> Made:
        decoded = decode_answers(es, asked, answers, transformer(ambient))
        if isinstance(decoded, Bad) or not wants_templates(es, decoded.unwrap()):
            return Made(decoded)
        return Made(decoded, evaluate_templates(es, kind, decoded.unwrap().values, world, ambient, config.template_delimiters))

    return (yield from compute(make, long=takes_long(es, world)))


def _carry_out(
    es: ExternalSecret,
    kind: Kind,
    made: Made,
    target: TargetSeen | None,
    started: Instant,
    waits_on: frozenset[Ref],
) -> Flow[Settled]:
    """Plan, write, and plan again from a fresh read when the target has changed meanwhile."""
    now = started
    orphans = yield from _orphans(es)
    if needs_look(es, kind, made.decoded, target):
        fresh = yield from _look(es, kind)
        if isinstance(fresh, Settled):
            return fresh
        target = fresh.target
    for _ in range(WRITES_MAX):
        plan = reconcile(Observed(external_secret=es, decoded=made.decoded, pieces=made.pieces, target=target, orphans=orphans, kind=kind))
        outcomes: list[Outcome] = []
        for step in plan.steps:
            outcome, now = yield from write(step.action)
            outcomes.append(outcome)
            if isinstance(outcome, NotDone):
                break
        last = outcomes[-1] if outcomes else None
        if not (isinstance(last, NotDone) and isinstance(last.failure, Stale)):
            return (yield from conclude(settle(es, plan, tuple(outcomes), started=started, now=now, waits_on=waits_on)))
        fresh = yield from _look(es, kind)
        if isinstance(fresh, Settled):
            return fresh
        target, orphans = fresh.target, (yield from _orphans(es))
    return Settled(requeue=Again(), detail=Stale("the target keeps changing"))


# ---------------------------------------------------------------- reading targets


class _Fresh:
    """A target as the API server has it now."""

    __slots__ = ("target",)

    def __init__(self, target: TargetSeen | None) -> None:
        self.target = target


def _held(es: ExternalSecret, kind: Kind) -> Flow[TargetSeen | Settled | None]:
    """The target as the cache knows it: managed objects only, without content.

    One that was written once and is not there may have lost its label only. It is looked for, and claimed, before it is missed.
    """
    ref = target_of(es, kind)
    asked: Ref | Followed = ref if kind == SECRET else Followed(ref)
    world, now = yield from read(asked)
    match world[asked]:
        case Present(raw):
            return see_target(ref, raw)
        case Unreadable(failure):
            fault = Plan(because=because.RESOURCE_UNREADABLE, detail=failure)
            return (yield from conclude(settle(es, fault, (), started=now, now=now)))
        case Gone():
            pass
    bound = es.status.binding.name if es.status.binding is not None else ""
    if kind != SECRET or bound != ref.name or es.spec.target.creation_policy in ("Orphan", "None"):
        return None
    fresh = yield from _look(es, kind)
    return fresh if isinstance(fresh, Settled) else fresh.target


def _look(es: ExternalSecret, kind: Kind) -> Flow[_Fresh | Settled]:
    """The target as the API server has it; claimed, if it is a Secret that nobody manages."""
    ref = target_of(es, kind)
    whole = Whole(ref)
    world, now = yield from read(whole)
    match world[whole]:
        case Present(raw):
            return (yield from _claimed(es, see_target(ref, raw)))
        case Gone():
            return _Fresh(None)
        case Unreadable(failure):
            if kind == SECRET:
                return Settled(requeue=Backoff(), detail=failure)
            fault = Plan(because=because.RESOURCE_UNREADABLE, detail=failure)
            return (yield from conclude(settle(es, fault, (), started=now, now=now)))


def _claimed(es: ExternalSecret, target: TargetSeen) -> Flow[_Fresh | Settled]:
    mark = None if es.metadata.deletion_timestamp else claim(es, target)
    if mark is None:
        return _Fresh(target)
    outcome, _now = yield from write(mark)
    if isinstance(outcome, NotDone):
        return Settled(requeue=Again() if isinstance(outcome.failure, Stale) else Backoff(), detail=outcome.failure)
    return _Fresh(see_target(target.ref, outcome.raw))


def _orphans(es: ExternalSecret) -> Flow[tuple[TargetSeen, ...]]:
    """Secrets that carry this object's owner label under other names than its target's."""
    namespace = es.metadata.namespace
    selection = Selection(SECRET, namespace, OWNER_LABEL, owner_label(namespace, es.metadata.name))
    world, _now = yield from read(selection)
    names = (world.raw(selection) or b"").decode().split("\n")
    refs = [Ref(SECRET, namespace, name) for name in names if name and name != target_of(es).name]
    if not refs:
        return ()
    found: World
    found, _now = yield from read(*refs)
    return tuple(see_target(ref, raw) for ref in refs if (raw := found.raw(ref)) is not None)


# ---------------------------------------------------------------- finalizer and departure


def _with_finalizer(es: ExternalSecret) -> Flow[ExternalSecret | Settled]:
    """``es`` with our finalizer, and with the version that this gave it."""
    meta = es.metadata
    action = SetFinalizers(ref_of(es), Version(meta.uid, meta.resource_version), (*meta.finalizers, FINALIZER))
    outcome, _now = yield from write(action)
    if isinstance(outcome, NotDone):
        return Settled(requeue=Again() if isinstance(outcome.failure, Stale) else Backoff(), detail=outcome.failure)
    fresh = parse_external_secret(outcome.raw)
    return Settled(requeue=Again()) if isinstance(fresh, Bad) else fresh.unwrap()


def _depart(es: ExternalSecret, kind: Kind | Plan | Blocked) -> Flow[Settled]:
    """The object is being deleted: leave what its policy says, and let it go.

    A kind that is served no more has no targets; one that is not known for now is waited for.
    """
    target: TargetSeen | None = None
    if es.spec.target.deletion_policy == "Delete":
        if isinstance(kind, Kind):
            fresh = yield from _look(es, kind)
            if isinstance(fresh, Settled):
                return fresh
            target = fresh.target
        elif not isinstance(kind.detail if isinstance(kind, Plan) else kind.failure, Missing | InvalidSpec):
            return Settled(requeue=Backoff(), detail=kind.detail if isinstance(kind, Plan) else kind.failure)
    return (yield from _all_or_again(depart(es, target)))


def _all_or_again(actions: Iterable[Action]) -> Flow[Settled]:
    """The last actions for an object that is being deleted."""
    for action in actions:
        outcome, _now = yield from write(action)
        if isinstance(outcome, NotDone):
            return Settled(requeue=Again() if isinstance(outcome.failure, Stale) else Backoff(), detail=outcome.failure)
    return Settled(requeue=OnChange(), gone=True)


def _unusable(key: Ref, raw: bytes, fault: InvalidObject, now: Instant) -> Flow[Settled]:
    """An object that does not parse: say so on the object itself, and leave its Secret alone. A deleted one is let go."""
    found: dict[str, Any] = orjson.loads(raw)
    meta = found["metadata"]
    at = Version(meta.get("uid", ""), meta["resourceVersion"])
    finalizers = tuple(meta.get("finalizers") or ())
    if meta.get("deletionTimestamp"):
        rest = tuple(name for name in finalizers if name != FINALIZER)
        return (yield from _all_or_again((SetFinalizers(key, at, rest),) if rest != finalizers else ()))
    detail = InvalidSpec(fault.summary())
    event = Event(about=key, uid=at.uid, reason="UpdateFailed", message=detail.what, warning=True)
    conditions = with_ready(conditions_of(found), because.SPEC_INVALID, now)
    status = SetStatus(key, at, {"conditions": conditions}) if conditions is not None else None
    settled = Settled(requeue=OnChange(), because=because.SPEC_INVALID, detail=detail, status=status, events=(event,))
    return (yield from conclude(settled))
