"""Each check of the suite notices the fault that it is for: one provider, and one thing at a time done wrong."""

from __future__ import annotations

import base64
from dataclasses import replace
from urllib.parse import unquote

import orjson
import pytest
from eso_lockers import case as lockers
from eso_lockers.provider import Locker, Metadata, read, request, value_of, written
from eso_lockers.server import Server

from eso_core.door import Absent, Blob, Dialect, Done, Entries, Exists, Failed, Find, Found, Get, Probe, Session
from eso_core.failure import Broken, InvalidSpec, Unreachable
from eso_core.providers import _kit
from eso_core.providers._push import MANAGED_BY, MANAGED_BY_US, push_metadata
from eso_core.secret import SecretBytes
from eso_core.sim.provider.case import Case, Sample
from eso_core.sim.provider.suite import CHECKS, calls_of, walk
from eso_core.wire import CallFailed, HttpReply, SdkCall, SdkReply

[GOOD] = lockers.CASES
PROVIDER = GOOD.provider
PARTS = ("login", "fetch", "push", "delete", "exists")


def case(**changed) -> Case:
    """The good case with another provider: fields of the provider by name."""
    return replace(GOOD, provider=replace(PROVIDER, **changed))


# ---------------------------------------------------------------- ways to go wrong


def hears(change) -> Case:
    """A provider that understands each reply as ``change`` has it."""

    def wrong(start):
        def talk(*given):
            inner, reply = start(*given), None
            while True:
                try:
                    call = next(inner) if reply is None else inner.send(reply)
                except StopIteration as end:
                    return end.value
                reply = change((yield call))

        return talk

    return case(**{part: wrong(getattr(PROVIDER, part)) for part in PARTS})


def calls(change) -> Case:
    """A provider that makes each call as ``change`` has it."""

    def wrong(start):
        def talk(*given):
            inner, reply = start(*given), None
            while True:
                try:
                    call = next(inner) if reply is None else inner.send(reply)
                except StopIteration as end:
                    return end.value
                reply = yield change(call)

        return talk

    return case(**{part: wrong(getattr(PROVIDER, part)) for part in PARTS})


def answers(change) -> Case:
    """A provider whose answer to a query is what ``change(access, query, right answer)`` gives."""

    def fetch(access, session, queries):
        right = yield from PROVIDER.fetch(access, session, queries)
        return {query: change(access, query, answer) for query, answer in right.items()}

    return case(fetch=fetch)


def asks(change) -> Case:
    """A provider that takes each query for another."""

    def fetch(access, session, queries):
        given = {query: change(query) for query in queries}
        right = yield from PROVIDER.fetch(access, session, tuple(given.values()))
        return {query: right[other] for query, other in given.items()}

    return case(fetch=fetch)


def with_status(*which, status, **fields):
    def change(reply):
        return replace(reply, status=status, **fields) if isinstance(reply, HttpReply) and reply.status in which else reply

    return change


def believing(reply):
    """What is no locker, page or token is taken for "there is none"."""
    if not isinstance(reply, HttpReply) or reply.status != 200 or b'"done"' in reply.body:
        return reply
    for shape in (Locker, dict[str, object]):
        if (held := _kit.decoded(reply.body, shape)) is not None and (shape is Locker or {"lockers", "token"} & set(held)):
            return reply
    return HttpReply(status=404, body=b'{"error":"no_such_locker"}')


def guessing(reply):
    """A cut locker is read as far as it goes."""
    _, found, rest = reply.body.partition(b'"value":"') if isinstance(reply, HttpReply) else (b"", b"", b"")
    if not found or b'"' in rest:
        return reply
    return replace(reply, body=orjson.dumps({"name": "", "value": rest[: len(rest) // 4 * 4].decode(), "tags": {}}))


def always(failure):
    return lambda reply: CallFailed(failure) if isinstance(reply, CallFailed) else reply


def first_page(reply):
    held = _kit.decoded(reply.body, dict[str, object]) if isinstance(reply, HttpReply) else None
    return replace(reply, body=orjson.dumps({**held, "next": ""})) if held is not None and "next" in held else reply


def remembering() -> Case:
    held: dict = {}
    return answers(lambda access, query, answer: held.setdefault(query, answer) if isinstance(answer, Found) else answer)


def half_a_batch() -> Case:
    def fetch(access, session, queries):
        right = yield from PROVIDER.fetch(access, session, queries)
        broken = any(isinstance(answer, Absent) for answer in right.values())
        return dict.fromkeys(right, Absent()) if broken else right

    return case(fetch=fetch, batch_max=10)


def with_the_time() -> Case:
    def fetch(access, session, queries):
        reply = yield SdkCall(name="ambient.now")
        return (yield from PROVIDER.fetch(access, session, queries)) if isinstance(reply, SdkReply) else dict.fromkeys(queries, Absent())

    class Timed(Server):
        def answer(self, call):
            return SdkReply(value=0.0) if isinstance(call, SdkCall) else super().answer(call)

    return replace(case(fetch=fetch), server=Timed)


def logs_in(change) -> Case:
    def login(access):
        session = yield from PROVIDER.login(access)
        return change(session) if isinstance(session, Session) else session

    return case(login=login)


class Careless(Server):
    """The old credential goes on to work."""

    def rotate(self):
        return {"secret": self.secret.encode()}


def pushes(*, guard=True, compare=True, value=lambda push: push.source.data.get(push.secret_key), metadata=True, extra=0) -> Case:
    def push(access, session, command):
        given = push_metadata(command, Metadata)
        if metadata and not hasattr(given, "unwrap"):
            return given
        if command.property:
            return Failed(InvalidSpec("no properties"))
        new = value(command)
        if new is None:
            return Failed(Broken("no value"))
        held = yield from read(access, session, command.key)
        for _ in range(extra):
            yield from read(access, session, command.key)
        if isinstance(held, Failed):
            return held
        if guard and isinstance(held, Locker) and held.tags.get(MANAGED_BY) != MANAGED_BY_US:
            return Failed(InvalidSpec("not ours"))
        if compare and isinstance(held, Locker) and value_of(held) == new:
            return Done(changed=False)
        body = {"value": base64.b64encode(new.reveal()).decode(), "tags": {MANAGED_BY: MANAGED_BY_US}}
        return (yield from written(request(access, session, "PUT", f"/{command.key}", body)))

    return case(push=push)


def value_or_nothing(push):
    return push.source.data.get(push.secret_key) or SecretBytes(b"")


def as_text(push):
    return SecretBytes(push.source.data[push.secret_key].reveal().decode("utf-8", "replace").encode())


def over_properties() -> Case:
    def push(access, session, command):
        return (yield from PROVIDER.push(access, session, replace(command, property="")))

    return case(push=push)


def deletes(change) -> Case:
    def delete(access, session, command):
        return change(command, (yield from PROVIDER.delete(access, session, command)))

    return case(delete=delete)


def without_quotes(call):
    return replace(call, url=unquote(call.url)) if "/v1/lockers/" in call.url else call


def without_slashes(call):
    return replace(call, url=call.url.replace("%2F", "/")) if "/v1/lockers/" in call.url else call


def with_the_secret(call):
    return replace(call, url=f"{call.url}?secret={orjson.loads(call.body)['client_secret']}") if call.name == "Login" else call


def strict(payload, prop):
    if prop.startswith("["):
        raise ValueError(prop)
    return PROVIDER.dialect.value(payload, prop)


def only_whole(payload, prop):
    return PROVIDER.dialect.value(payload, "")


def unanswered(access, session, queries):
    yield from PROVIDER.fetch(access, session, queries)
    return {}


def endless(access, session, queries):
    while True:
        yield request(access, session, "GET", "/x")


def twice(access, session, queries):
    yield from PROVIDER.fetch(access, session, queries)
    return (yield from PROVIDER.fetch(access, session, queries))


def told(access, query, answer):
    """The value is in the text of a failure."""
    seen = isinstance(answer, Found) and isinstance(answer.payload, Blob)
    return Failed(Broken(f"no good: {answer.payload.value.reveal()!r}")) if seen else answer


def empty_find(access, query, answer):
    refused = isinstance(query, Find) and query.path is not None
    return Found(Entries({})) if refused else answer


FAULTS = {
    "a field is wrong": ("the-store-is-accepted", replace(GOOD, spec={**GOOD.spec, "clientId": ""})),
    "a field is missing": ("the-store-is-accepted", replace(GOOD, spec={"server": "https://lockers.example.com"})),
    "a need is not held": ("needs-are-met", case(needs=lambda store: {})),
    "never ready": ("a-probe-succeeds", answers(lambda access, query, got: Failed(Unreachable("no")) if isinstance(query, Probe) else got)),
    "remembers": ("a-value-is-read", remembering()),
    "reads the whole only": ("the-dialect-holds", case(dialect=Dialect(value=only_whole, entries=PROVIDER.dialect.entries))),
    "other absence of a property": ("the-dialect-holds", replace(GOOD, dialect=(Sample(value=b"{}", property="a", gives="failed"),))),
    "absence is a failure": ("a-missing-key-is-told", hears(with_status(404, status=400))),
    "a failure is an absence": ("a-missing-key-is-told", replace(GOOD, missing="failed")),
    "ignores properties": ("a-missing-property-is-told", case(dialect=Dialect(value=only_whole, entries=PROVIDER.dialect.entries))),
    "ignores versions": ("versions-are-read", asks(lambda query: replace(query, version="") if isinstance(query, Get) else query)),
    "ignores metadata": ("metadata-is-read", asks(lambda query: replace(query, metadata=False) if isinstance(query, Get) else query)),
    "one page": ("find-by-name", hears(first_page)),
    "finds all": ("find-by-name", asks(lambda query: replace(query, name=".") if isinstance(query, Find) else query)),
    "finds what it cannot": ("find-by-path", answers(empty_find)),
    "ignores tags": ("find-by-tags", asks(lambda query: replace(query, tags=()) if isinstance(query, Find) else query)),
    "one spoils all": ("batches-are-equal-to-one-by-one", half_a_batch()),
    "any 404 is an absence": ("statuses-are-failures", hears(with_status(404, status=404, body=b'{"error":"no_such_locker"}'))),
    "410 is an absence": ("statuses-are-failures", hears(with_status(410, status=404, body=b'{"error":"no_such_locker"}'))),
    "429 is no pause": ("statuses-are-failures", hears(with_status(429, status=503))),
    "429 without a time": ("statuses-are-failures", hears(with_status(429, status=429, headers={}))),
    "500 is final": ("statuses-are-failures", hears(with_status(500, status=400))),
    "401 is not understood": ("statuses-are-failures", hears(with_status(401, status=400))),
    "302 is success": ("statuses-are-failures", hears(with_status(302, status=200, body=b'{"lockers":[],"next":""}'))),
    "believes anything": ("garbage-is-not-believed", hears(believing)),
    "guesses": ("cut-bodies-are-not-believed", hears(guessing)),
    "believes other types": ("other-types-are-survived", hears(believing)),
    "one failure for all": ("no-answer-is-a-failure", hears(always(Broken("no answer")))),
    "forgets the pause": ("no-answer-is-a-failure", hears(always(Unreachable("no answer")))),
    "no time is an absence": ("surroundings-may-fail", with_the_time()),
    "a login each time": ("a-session-is-used-again", logs_in(lambda session: replace(session, lease_s=0.0))),
    "an end is final": ("an-expired-session-is-renewed", hears(with_status(401, status=403))),
    "an old credential": ("a-rotated-credential-is-used", replace(GOOD, server=Careless)),
    "mixes tenants": ("tenants-share-nothing", remembering()),
    "writes always": ("a-push-writes", pushes(compare=False)),
    "writes nothing": ("a-push-writes", case(push=lambda access, session, command: (yield from ()) or Done(changed=True))),
    "writes text only": ("a-push-of-an-odd-value-is-survived", pushes(value=as_text)),
    "a property is the whole": ("a-push-of-a-property", over_properties()),
    "writes nothing of the whole": ("a-push-of-a-whole-secret", pushes(value=value_or_nothing)),
    "writes what is not there": ("a-push-of-a-missing-key-fails", pushes(value=value_or_nothing)),
    "ignores metadata of pushes": ("wrong-metadata-is-refused", pushes(metadata=False)),
    "writes over others": ("what-others-made-is-left-alone", pushes(guard=False)),
    "deletes nothing": ("a-deletion-deletes", case(delete=lambda access, session, command: (yield from ()) or Done(changed=True))),
    "an absence cannot be deleted": (
        "a-deletion-deletes",
        deletes(lambda command, done: done if done.changed else Failed(Broken("not there"))),
    ),
    "all exists": ("existence-is-told", case(exists=lambda access, session, command: (yield from ()) or isinstance(command, Exists))),
    "keys are not escaped": ("hostile-keys-stay-inside", calls(without_quotes)),
    "keys climb": ("hostile-keys-stay-inside", calls(without_slashes)),
    "a property raises": ("hostile-properties-are-survived", case(dialect=Dialect(value=strict, entries=PROVIDER.dialect.entries))),
    "an expression raises": (
        "hostile-finds-are-survived",
        asks(lambda query: query if not isinstance(query, Find) else replace(query, name=(query.name or "").encode("ascii").decode())),
    ),
    "keys of pushes climb": ("hostile-push-keys-are-survived", calls(without_slashes)),
    "reads twice": ("calls-are-as-few-as-told", case(fetch=twice)),
    "pushes read twice": ("writes-are-as-few-as-told", pushes(extra=1)),
    "no answer": ("a-value-is-read", case(fetch=unanswered)),
    "without an end": ("a-value-is-read", case(fetch=endless)),
    "tells the value": ("a-value-is-read", answers(told)),
    "the token is in the URL": (
        "a-value-is-read",
        calls(
            lambda call: (
                replace(call, url=f"{call.url}?secret={orjson.loads(call.body)['client_secret']}") if call.name == "Login" else call
            )
        ),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault):
    name, wrong = FAULTS[fault]
    [check] = [check for check in CHECKS if check.name == name]
    checked = check.of(wrong)
    assert checked.verdict == "failed"
    assert checked.text
    assert "c4n4ry" not in checked.text


def test_each_check_has_a_fault():
    assert {name for name, _ in FAULTS.values()} == {check.name for check in CHECKS}


def test_a_good_provider_passes():
    checked = list(walk(GOOD))
    assert [one for one in checked if one.verdict == "failed"] == []
    assert {one.check for one in checked if one.verdict == "not applicable"} == {"surroundings-may-fail"}
    assert all(took == most for took, most in calls_of(GOOD).values())


def test_a_check_can_be_put_apart():
    name, wrong = FAULTS["remembers"]
    told = replace(wrong, apart={name: "this backend remembers"})
    assert [(one.verdict, one.text) for one in walk(told, only=frozenset({name}))] == [("not applicable", "this backend remembers")]


def test_one_check_can_be_chosen():
    assert [one.check for one in walk(GOOD, only=frozenset({"a-value-is-read"}))] == ["a-value-is-read"]


def test_what_raises_is_told_with_its_place_and_without_its_text():
    def fetch(access, session, queries):
        raise ValueError(access.text("secret"))

    checked = list(walk(case(fetch=fetch), only=frozenset({"a-value-is-read"})))
    assert [one.verdict for one in checked] == ["failed"]
    assert checked[0].text.startswith("ValueError is raised at test_kit_can_fail.py:")
    assert "first-client-secret" not in checked[0].text
