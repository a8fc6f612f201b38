"""Runs one flow against the in-memory API server: no engine, no cache, every effect at once and in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from eso_core.door import Answer, Ask, Failed, Query, Session
from eso_core.effect import (
    Answers,
    Body,
    Compute,
    Computed,
    Effect,
    Fetch,
    Flow,
    Gone,
    Present,
    Read,
    Readable,
    Reply,
    Seen,
    Selection,
    Token,
    Whole,
    World,
    Write,
)
from eso_core.failure import Broken
from eso_core.instant import Instant
from eso_core.machines.apply import call_of, outcome_of
from eso_core.machines.lookups import call_of as lookup_call
from eso_core.machines.lookups import seen_of
from eso_core.plan import Action, CreateTarget, DeleteTarget, Done, Emit, Event, Outcome, UpdateTarget
from eso_core.providers import load
from eso_core.refs import SECRET, Ref
from eso_core.sim.api import ApiServer
from eso_core.target import MANAGED_LABEL
from eso_core.template import Ambient, Meter
from eso_core.watched import watched
from tests.template_chance import SeededChance
from tests.unit.core.objects import at, raw

T = TypeVar("T")
RULES = {rule.kind: rule for rule in watched()}
MANAGER = "external-secrets"
NOON = at("2026-01-01T12:00:00Z")


class Crashed(Exception):
    """The operator stopped in the middle."""


@dataclass
class Driver:
    """The world of a flow. ``answer`` is the backend; ``None`` asks the provider itself, which must make no calls."""

    server: ApiServer
    now: Instant = NOON
    answer: Callable[[Ask], Answer] | None = None
    tick_ns: int = 0  # time that passes with every effect
    refuse: Callable[[Action], Outcome | None] = lambda action: None  # an outcome instead of carrying it out
    crash_at: int | None = None  # index of the effect at which the operator stops
    crash_applied: bool = False  # whether a write was carried out before that
    effects: list[Effect] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    written: list[Action] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    def run(self, flow: Flow[T]) -> T:
        """The flow's result. Raises :class:`Crashed` when told to."""
        reply: Reply | None = None
        while True:
            try:
                effect = next(flow) if reply is None else flow.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            body = self._perform(effect)
            self.now = self.now.plus(self.tick_ns)
            reply = Reply(body, self.now)
            self.replies.append(reply)

    def _perform(self, effect: Effect) -> Body:
        crash = len(self.effects) == self.crash_at
        self.effects.append(effect)
        if crash and not (self.crash_applied and isinstance(effect, Write)):
            raise Crashed
        body = self._answered(effect)
        if crash:
            raise Crashed
        return body

    def _answered(self, effect: Effect) -> Body:
        match effect:
            case Read(what):
                return World({item: self.see(item) for item in what})
            case Fetch(asks):
                return Answers({ask: self._ask(ask) for ask in asks})
            case Compute(make):
                return Computed(make(Ambient(self.now.ns, SeededChance(), Meter())))
            case Write(Emit(event)):
                self.events.append(event)
                return Done()
            case Write(action):
                return self._write(action)
            case _:
                assert_never(effect)

    def see(self, item: Readable) -> Seen:
        """One thing, as the cache or the API server would show it."""
        match item:
            case Whole() | Token():
                return seen_of(item, self.server.handle(lookup_call(item), self.now))
            case Selection(kind, namespace, label, value):
                found = (o["metadata"] for o in self.server.objects(kind, namespace) if managed(o))
                return Present("\n".join(sorted(m["name"] for m in found if m["labels"].get(label) == value)).encode())
            case Ref():
                found = self.server.read(item)
                if found is None or (item.kind == SECRET and not managed(found)):
                    return Gone()
                packed = RULES[item.kind].pack(raw(found)) if item.kind in RULES else None
                return Present(packed.raw if packed is not None else raw(found))

    def _ask(self, ask: Ask) -> Answer:
        if self.answer is not None:
            return self.answer(ask)
        provider = load(ask.provider)
        assert provider is not None
        return said(provider.fetch, ask)

    def _write(self, action: Action) -> Outcome:
        assert not isinstance(action, Emit)
        refused = self.refuse(action)
        if refused is not None:
            return refused
        outcome = outcome_of(action, self.server.handle(call_of(action), self.now, MANAGER))
        if isinstance(outcome, Done):
            self.written.append(action)
        return outcome

    def targets(self) -> list[str]:
        """Which kinds of actions on Secrets were carried out, in order."""
        return [f"{type(action).__name__} {ref.name}" for action in self.written if (ref := target_ref(action)) is not None]


def target_ref(action: Action) -> Ref | None:
    """The Secret that the action is about."""
    match action:
        case CreateTarget(desired) | UpdateTarget(desired):
            return desired.ref
        case DeleteTarget(ref):
            return ref
        case _:
            return None


def managed(found: object) -> bool:
    """The Secret is one that the operator watches."""
    assert isinstance(found, dict)
    return found["metadata"].get("labels", {}).get(MANAGED_LABEL) == "true"


def said(fetch: Callable[..., object], ask: Ask) -> Answer:
    """The answer of a provider that makes no calls."""
    talk = fetch(ask.access, Session(), (ask.query,))
    try:
        next(talk)  # type: ignore[call-overload]
    except StopIteration as end:
        answers: dict[Query, Answer] = end.value
        return answers.get(ask.query, Failed(Broken("no answer")))
    raise AssertionError("the provider makes calls")
