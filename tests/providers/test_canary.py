"""Random answers, to every provider: nothing is raised, nothing is left unanswered, and no secret is seen in what is printed.

The suite (``test_kit.py``) looks for secrets in everything that it does; this goes on where its list of bad bodies ends.
"""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eso_core.door import Find, Found, Get, Probe
from eso_core.sim.provider.bench import CANARY, Bench
from eso_core.sim.provider.case import Case
from eso_core.wire import HttpCall, HttpReply
from tests.providers.cases import CASES

PROPERTIES = ("", "a", "a.b", "#", "[0]")
EXAMPLES = settings.default.max_examples // 4  # for each provider
TOLD = re.compile("type|error|message|reason|detail|code|title|description", re.IGNORECASE)
"""Members in which a backend says what is wrong: that is repeated."""
KINDS = ("get", "metadata", "version", "find", "tags", "probe")


def names_in(body: bytes) -> set[str]:
    """The member names of a JSON body."""
    try:
        left, names = [orjson.loads(body)], set[str]()
    except orjson.JSONDecodeError:
        return set()
    while left:
        held = left.pop()
        left += held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
        names |= set(held) if isinstance(held, dict) else set()
    return names


def query_of(case: Case, kind: str):
    key = case.key(case.names[0])
    return {
        "get": Get(key=key),
        "metadata": Get(key=key, metadata=True),
        "version": Get(key=key, version="1"),
        "find": Find(name=".", path=case.path or None),
        "tags": Find(tags=(("team", "red"),), path=case.path or None),
        "probe": Probe(),
    }[kind]


class Talker:
    """A case, with the calls that a query makes and the words that its answers are made of."""

    def __init__(self, case: Case) -> None:
        self.case, self.bench = case, Bench(case)
        replies = [reply for kind in KINDS for _, reply in self.bench.fetch(query_of(case, kind)).calls]
        words = {word for reply in replies if isinstance(reply, HttpReply) for word in names_in(reply.body)}
        self.words = sorted(word for word in words if not TOLD.search(word))[:40]

    def hears(self, kind: str, at: int, reply: HttpReply) -> None:
        """Call ``at`` and all after it are answered by ``reply``."""
        tampered = lambda number, call, ask: reply if number >= at and isinstance(call, HttpCall) else ask()  # noqa: E731
        answer = self.bench.one(query_of(self.case, kind), tamper=tampered)
        if isinstance(answer, Found):
            for prop in PROPERTIES:
                self.bench.read(answer, prop)
                self.bench.unseen(self.case.provider.dialect.entries(answer.payload, prop))


TALKERS: dict[str, Talker] = {}


def talker(name: str) -> Talker:
    if name not in TALKERS:
        TALKERS[name] = Talker(next(case for case in CASES if case.name == name))
    return TALKERS[name]


def bodies(words: list[str]):
    """JSON of the shapes that a vendor's answers have, with secrets in any place."""
    scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.just(CANARY) | st.text(max_size=3)
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*words, "a"]), inner, max_size=6),
        max_leaves=10,
    )


PLACES = {"kind": st.sampled_from(KINDS), "at": st.integers(0, 3)}
FIRST = sorted({case.provider.key: case.name for case in reversed(CASES)}.values())
"""One case of each provider."""


@pytest.mark.parametrize("name", FIRST)
@settings(max_examples=EXAMPLES)
@given(data=st.data(), status=st.sampled_from([200, 201, 204, 206]), **PLACES)
def test_any_json(name, data, status, kind, at):
    body = orjson.dumps(data.draw(bodies(talker(name).words)))
    talker(name).hears(kind, at, HttpReply(status=status, body=body))


@pytest.mark.parametrize("name", FIRST)
@settings(max_examples=EXAMPLES)
@given(body=st.binary(max_size=60), status=st.integers(100, 599), **PLACES)
def test_any_bytes(name, body, status, kind, at):
    talker(name).hears(kind, at, HttpReply(status=status, headers={"retry-after": body[:9].decode("latin-1")}, body=body))
