"""Reads that the cache cannot answer."""

from __future__ import annotations

import json

import pytest

from eso_core.effect import Gone, Present, Seen, Token, Unreadable, Whole
from eso_core.failure import Broken, Refused, Unreachable
from eso_core.instant import SECOND
from eso_core.machines.lookups import KEEP_S, Inquiry, Lookups, call_of, seen_of
from eso_core.refs import SECRET, SERVICE_ACCOUNT, Ref
from eso_core.wire import CallFailed, KubeReply

REF = Ref(SECRET, "ns", "s")
FRESH, AGED = Whole(REF), Whole(REF, 10)
TOKEN = Token(Ref(SERVICE_ACCOUNT, "ns", "sa"), ("aud",), 600)
OK = KubeReply(status=200, body=b'{"whole":1}')


class Asked:
    """Lookups with what was answered."""

    def __init__(self) -> None:
        self.lookups = Lookups()
        self.got: list[Seen] = []

    def look(self, what: Whole | Token, now: int = 0) -> Inquiry | None:
        return self.lookups.look(what, now, lambda seen, at: self.got.append(seen))

    def sent(self, what: Whole | Token, now: int = 0) -> Inquiry:
        inquiry = self.look(what, now)
        assert inquiry is not None
        return inquiry

    def reply(self, inquiry: Inquiry, body: bytes, now: int = 0) -> None:
        self.lookups.answer(inquiry, KubeReply(status=200, body=body), now)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_equal_questions_share_a_request(asked: Asked) -> None:
    inquiry = asked.sent(AGED)
    assert asked.look(AGED) is None
    assert asked.got == []
    asked.reply(inquiry, b'{"x":1}')
    assert asked.got == [Present(b'{"x":1}'), Present(b'{"x":1}')]


def test_whoever_allows_no_age_asks_alone(asked: Asked) -> None:
    first = asked.sent(AGED)
    second, third = asked.sent(FRESH), asked.sent(FRESH)
    for inquiry in (first, second, third):
        asked.reply(inquiry, b'{"x":1}')
    assert len(asked.got) == 3
    assert asked.look(FRESH) is not None


def test_answers_are_reused_within_the_age(asked: Asked) -> None:
    asked.reply(asked.sent(AGED, 0), b'{"x":1}', 0)
    assert asked.look(AGED, 10 * SECOND - 1) is None
    assert asked.got == [Present(b'{"x":1}')] * 2
    assert asked.look(AGED, 10 * SECOND) is not None


def test_age_counts_from_the_question(asked: Asked) -> None:
    """A slow answer is as old as its question: it may have been read right after it."""
    asked.reply(asked.sent(AGED, 0), b'{"x":1}', 9 * SECOND)
    assert asked.look(AGED, 11 * SECOND) is not None


def test_a_late_answer_does_not_replace_a_newer_one(asked: Asked) -> None:
    slow, quick = asked.sent(AGED, 0), asked.sent(FRESH, SECOND)
    asked.reply(quick, b'{"new":1}', 2 * SECOND)
    asked.reply(slow, b'{"old":1}', 3 * SECOND)
    asked.look(AGED, 3 * SECOND)
    assert asked.got[-1] == Present(b'{"new":1}')


def test_absence_is_an_answer_and_failure_is_none(asked: Asked) -> None:
    asked.lookups.answer(asked.sent(AGED), KubeReply(status=404, body=b""), 0)
    assert asked.look(AGED) is None
    assert asked.got == [Gone(), Gone()]
    other = Whole(Ref(SECRET, "ns", "other"), 10)
    asked.lookups.answer(asked.sent(other), CallFailed(Unreachable("x")), 0)
    assert asked.look(other) is not None


def test_nothing_is_kept_longer_than_useful(asked: Asked) -> None:
    asked.reply(asked.sent(Whole(REF, 3600)), b'{"x":1}')
    asked.lookups.expire(KEEP_S * SECOND - 1)
    assert asked.look(Whole(REF, 3600), KEEP_S * SECOND - 1) is None
    asked.lookups.expire(KEEP_S * SECOND)
    assert asked.look(Whole(REF, 3600), KEEP_S * SECOND - 1) is not None


def test_tokens_are_kept_while_a_minute_of_their_life_is_left(asked: Asked) -> None:
    inquiry = asked.sent(TOKEN)
    asked.reply(inquiry, json.dumps({"status": {"token": "t"}}).encode())
    assert asked.look(TOKEN, 539 * SECOND) is None
    assert asked.look(TOKEN, 540 * SECOND) is not None
    assert asked.look(Token(TOKEN.account, ("other",), 600)) is not None


def test_forgetting(asked: Asked) -> None:
    asked.reply(asked.sent(AGED), b'{"x":1}')
    asked.reply(asked.sent(TOKEN), b'{"status":{"token":"t"}}')
    asked.lookups.forget((REF,))
    assert asked.look(AGED) is not None
    assert asked.look(TOKEN) is None
    asked.lookups.forget((TOKEN.account,))
    assert asked.look(TOKEN) is not None


def test_requests() -> None:
    assert (call_of(AGED).method, call_of(AGED).path) == ("GET", "/api/v1/namespaces/ns/secrets/s")
    call = call_of(TOKEN)
    assert (call.method, call.path) == ("POST", "/api/v1/namespaces/ns/serviceaccounts/sa/token")
    assert json.loads(call.body or b"")["spec"] == {"audiences": ["aud"], "expirationSeconds": 600}


@pytest.mark.parametrize(
    ("what", "reply", "expected"),
    [
        (FRESH, OK, Present(b'{"whole":1}')),
        (FRESH, KubeReply(status=404, body=b""), Gone()),
        (FRESH, KubeReply(status=403, body=b'{"message":"no"}'), Unreadable(Refused("no"))),
        (FRESH, CallFailed(Unreachable("x")), Unreadable(Unreachable("x"))),
        (TOKEN, KubeReply(status=201, body=b'{"status":{"token":"t"}}'), Present(b"t")),
        (TOKEN, KubeReply(status=404, body=b""), Gone()),
    ],
)
def test_answers(what: Whole | Token, reply: KubeReply | CallFailed, expected: Seen) -> None:
    assert seen_of(what, reply) == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff"])
def test_what_is_no_object_is_not_known(body: bytes) -> None:
    assert seen_of(FRESH, KubeReply(status=200, body=body)) == Unreadable(Broken(f"the API server's answer for {REF} is not a JSON object"))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"status":{}}', b'{"status":{"token":"\xff"}}'])
def test_a_token_that_is_none(body: bytes) -> None:
    seen = seen_of(TOKEN, KubeReply(status=201, body=body))
    assert isinstance(seen, Unreadable)
    assert isinstance(seen.failure, Broken)
