"""A backend that repeats what it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eso_core.door import Access, Answer, Failed, Query, Session, Talk
from eso_core.failure import Broken, Failure, Refused
from eso_core.machines.scrub import scrubbed
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall
from tests.unit.core.objects import access
from tests.unit.machines.conversing import PLAIN, WITH_LOGIN, Bench

TOKEN = "t0ken-of-a-session"


def use(**secrets: str) -> Access:
    return replace(access(), secrets={slot: SecretBytes(text.encode()) for slot, text in secrets.items()})


@pytest.mark.parametrize(
    ("secrets", "session", "says", "shown"),
    [
        ({"a": "secret-1"}, None, "bad header Bearer secret-1", "bad header Bearer ***"),
        ({"a": "secret-1\n"}, None, "bad header secret-1.", "bad header ***."),
        ({"a": "secret", "b": "secret-long"}, None, "secret-long, secret", "***, ***"),
        ({"a": "short"}, None, "too short", "too short"),
        ({}, TOKEN, f"token {TOKEN}", "token ***"),
        ({}, {"value": TOKEN}, "no text", "no text"),
    ],
)
def test_what_was_held_is_hidden(secrets: dict[str, str], session: object, says: str, shown: str) -> None:
    assert scrubbed(Broken(says), use(**secrets), Session(value=session)) == Broken(shown)


def test_the_rest_of_a_failure_stays() -> None:
    assert scrubbed(Refused("no secret-1", session=True), use(a="secret-1"), None) == Refused("no ***", session=True)


@given(
    st.text(min_size=6, max_size=40).filter(lambda text: len(text.strip()) >= 6 and "***" not in text),
    st.text(max_size=9),
    st.text(max_size=9),
)
def test_any_secret_anywhere(secret: str, before: str, after: str) -> None:
    found = scrubbed(Broken(f"{before}{secret.strip()}{after}"), use(a=secret), None)
    assert secret.strip() not in found.what.replace("***", "\0")


def echo(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    yield HttpCall(method="GET", url="x")
    return {query: Failed(Broken(f"you sent {session.value}")) for query in queries}


def refused(access: Access) -> Talk[Session | Failure]:
    yield HttpCall(method="POST", url="login")
    return Refused(f"not {access.text('a')}")


def test_answers_are_looked_at() -> None:
    bench = Bench(replace(WITH_LOGIN, login=lambda access: given_token(), fetch=echo))
    bench.ask("k")
    bench.answer_all()
    assert bench.last == Failed(Broken("you sent ***"))


def given_token() -> Talk[Session | Failure]:
    yield HttpCall(method="POST", url="login")
    return Session(value=TOKEN)


def test_logins_are_looked_at() -> None:
    bench = Bench(replace(PLAIN, login=refused))
    bench.secrets = {"a": SecretBytes(b"secret-1")}
    bench.ask("k")
    bench.answer_all()
    assert bench.last == Failed(Refused("not ***"))
