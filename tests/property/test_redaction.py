"""Secret bytes are in no text.

A canary is put into every value, credential and existing Secret. It must not occur in any text form of anything that the core makes (plans,
verdicts, failures, worlds, effects, requests, replies), nor in the body of any request that makes a status or an event.
"""

from __future__ import annotations

import base64
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure as Bad

from eso_core.api import ExternalSecret
from eso_core.config import Config
from eso_core.door import Answer, Query
from eso_core.effect import Answers, Fetch, Present, Read, Reply, Whole, World, Write
from eso_core.failure import InvalidSpec, describe
from eso_core.flows.external_secret import sync
from eso_core.instant import Now
from eso_core.machines.apply import call_of, manifest_of
from eso_core.machines.commands import Report, SendKube
from eso_core.machines.events import EventRecorder
from eso_core.plan import CreateTarget, Emit, UpdateTarget
from eso_core.providers import fake
from eso_core.refs import SECRET, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.asks import questions
from eso_core.stages.decode import decode_answers
from eso_core.stages.needs import Resolved, Unresolved, Use, needs, read_store, store_refs
from eso_core.stages.reconcile import Observed, reconcile
from eso_core.stages.settle import settle
from eso_core.stages.templates import transformer
from eso_core.target import digest
from eso_core.wire import HttpReply, KubeReply
from tests.property.strategies import core as made
from tests.property.test_laws_convergence import cluster, driver
from tests.unit.core.objects import KEY, STORE, access, ambient, at, raw
from tests.unit.flows.driver import NOON

CANARY = made.CANARY
FORMS = (
    CANARY,
    CANARY.hex().encode(),
    *(base64.b64encode(b"\0" * pad + CANARY + b"\0" * 3)[4 if pad else 0 : -8] for pad in range(3)),
    str(list(CANARY))[1:-1].encode(),
)


def leaks(text: str | bytes) -> bool:
    held = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return any(form in held for form in FORMS)


def check(*things: Any) -> None:
    """No text form of any of these shows the canary."""
    for thing in things:
        for text in (repr(thing), str(thing), f"{thing}", f"{thing!r:>10}"):
            assert not leaks(text), f"a text form of {type(thing).__name__} shows a secret"


def test_the_check_can_fail() -> None:
    assert min(map(len, FORMS)) >= 8
    for pad in range(3):
        assert leaks(base64.b64encode(b"x" * pad + CANARY + b"tail"))
    assert leaks(repr({"k": CANARY}))
    assert leaks(CANARY.hex())
    with pytest.raises(AssertionError):
        check([CANARY.decode()])


class TestDecision:
    @given(made.observations(CANARY), st.lists(made.outcomes(), max_size=2).map(tuple), made.moments())
    def test_plans_and_verdicts(self, seen: Observed, outcomes: Any, now: Any) -> None:
        plan = reconcile(seen)
        end = settle(seen.external_secret, plan, outcomes[: len(plan.steps)], started=now, now=now)
        check(seen, seen.target, plan, *plan.steps, end, end.detail, end.status, *end.events)
        check(Report(key=STORE, settled=end, took_ns=0, writes=()))
        for step in plan.steps:
            check(step.action, call_of(step.action), SendKube(1, call_of(step.action)))  # type: ignore[arg-type]
            if isinstance(step.action, CreateTarget | UpdateTarget):
                check(step.action.desired, step.action.desired.body)
                kept = digest(manifest_of(step.action.desired, None))
                kept["metadata"].pop("annotations")  # a kubectl annotation of an adopted Secret stays, with what it was applied with
                assert not leaks(raw(kept))
        assert not leaks(call_of(end.status).body or b"") if end.status is not None else True
        for event in end.events:
            call = EventRecorder().record(event, Now(now, 0))
            assert call is not None
            assert not leaks(call.body or b"")

    @given(made.syncables().map(made.as_stored), made.backends(CANARY))
    def test_decoding(self, es: ExternalSecret, backend: dict[Query, Answer]) -> None:
        resolved = Resolved({ref: Use(fake.PROVIDER, access()) for ref in store_refs(es)})
        asked = questions(es, resolved)
        assert not isinstance(asked, InvalidSpec)
        answers = Answers({question.ask: made.answer_of(backend, question.ask.query) for question in asked})
        result = decode_answers(es, asked, answers, transformer(ambient()))
        check(answers, *answers.by_ask.values(), *asked, resolved, result, Reply(answers, NOON), Fetch(tuple(answers.by_ask)))
        if isinstance(result, Bad):
            assert not leaks(describe(result.failure()))
        else:
            check(result.unwrap(), result.unwrap().values)

    @given(st.data(), made.referring())
    def test_stores_and_credentials(self, data: st.DataObject, es: ExternalSecret) -> None:
        world: World = data.draw(made.worlds(es, mark=CANARY))
        for _ in range(4):
            step = needs(world, es, Config(flood_gate=False))
            check(world, step, Reply(world, NOON))
            if isinstance(step, Unresolved):
                world = world | World({item: data.draw(made.credentials(CANARY)) for item in sorted(step.what, key=str)})
            elif isinstance(step, Resolved):
                for use in step.uses.values():
                    check(use, use.access, use.access.secrets, use.access.spec, use.access.identity)
        for seen in world.seen.values():
            check(seen)


class TestPasses:
    @given(made.syncables(), made.weighted((1, st.none()), (2, made.secrets(mark=CANARY, deleting=False))), made.backends(CANARY))
    def test_everything_that_crosses_the_border(self, es: Any, existing: Any, backend: dict[Query, Answer]) -> None:
        """All effects and replies of whole passes, and every status and event that they make."""
        server = cluster(es, existing)
        made_driver = driver(server, backend)
        end = made_driver.run(sync(KEY, Config(flood_gate=False)))
        check(end, *made_driver.effects, *made_driver.replies, *made_driver.events)
        for effect in made_driver.effects:
            if isinstance(effect, Write) and not isinstance(effect.action, CreateTarget | UpdateTarget | Emit):
                assert not leaks(call_of(effect.action).body or b"")
        stored = server.read(KEY)
        assert not leaks(raw(stored))


class TestCarriers:
    """What carries secrets, made directly."""

    @given(st.binary(max_size=5).map(lambda tail: CANARY + tail))
    def test_every_carrier(self, secret: bytes) -> None:
        value = SecretBytes(secret)
        whole = Whole(Ref(SECRET, "n", "s"))
        check(
            value, [value], {"k": value}, (value,), KubeReply(status=200, body=secret), HttpReply(status=200, body=secret), Present(secret)
        )
        check(World({whole: Present(secret)}), Read(frozenset({whole})), Reply(World({whole: Present(secret)}), at()))
        with pytest.raises(TypeError):
            pickle.dumps(value)

    @given(made.stores(STORE, CANARY))
    def test_stores_as_parsed(self, manifest: dict[str, Any]) -> None:
        read = read_store(raw(manifest), STORE)
        check(read, *([] if isinstance(read, InvalidSpec) else [read.store, read.spec, read.store.spec, read.store.spec.provider]))
