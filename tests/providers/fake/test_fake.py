"""The fake provider."""

from __future__ import annotations

import pytest

from eso_core.door import Absent, Delete, Done, Entries, Exists, Failed, Find, Found, Get, Probe, Push, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing
from eso_core.providers import fake
from eso_core.secret import SecretBytes
from tests.providers.scripts import CANARY, access, ask, entries, failure, one, plain, provider, run, session, value

DATA = [
    {"key": "prod/db", "value": "v1", "version": "v1"},
    {"key": "prod/db", "value": "v2", "version": "v2"},
    {"key": "j", "value": '{"a":"x","b":1.50,"c":{"d":"e"},"n":null}'},
    {"key": "x", "value": "9", "version": "v9"},
    {"key": "x", "value": "10", "version": "v10"},
    {"key": "text", "value": "not json"},
]
STORE = {"data": DATA}


def use(**spec):
    return access("fake", {**STORE, **spec})


def test_it_makes_no_calls_and_says_what_it_is():
    assert ask("fake", use(), Get(key="j")).calls == []
    record = provider("fake")
    assert (record.capabilities, record.maintained, record.label, dict(record.needs(use().spec))) == ("ReadWrite", False, "", {})


@pytest.mark.parametrize(
    ("key", "version", "found"),
    [
        ("prod/db", "v1", b"v1"),
        ("prod/db", "v2", b"v2"),
        ("prod/db", "", None),
        ("prod/db", "v3", None),
        ("prod/dbv1", "", None),
        ("", "", None),
    ],
)
def test_values_are_found_by_key_and_version(key, version, found):
    answer = one("fake", use(), Get(key=key, version=version))
    assert answer == Absent() if found is None else value("fake", answer) == found


def test_properties():
    answer = one("fake", use(), Get(key="j"))
    assert value("fake", answer, "c.d") == b"e"
    assert value("fake", answer, "b") == b"1.5"
    assert value("fake", answer, "nope") == Absent()
    assert entries("fake", answer) == {"a": b"x", "b": b"1.50", "c": b'{"d":"e"}', "n": b""}
    assert entries("fake", answer, "c") == {"d": b"e"}
    assert entries("fake", answer, "nope") == Absent()


def test_a_value_that_is_no_object_names_nothing_of_itself():
    got = failure(entries("fake", one("fake", use(), Get(key="text"))))
    assert isinstance(got, Broken)
    assert "'n'" not in got.what


def test_find_takes_the_greatest_version_as_text():
    assert plain(one("fake", use(), Find(name="."))) == {
        "prod/db": b"v2",
        "j": DATA[2]["value"].encode(),
        "x": b"9",
        "text": b"not json",
    }
    assert plain(one("fake", use(), Find(name="^prod/"))) == {"prod/db": b"v2"}
    assert plain(one("fake", use(), Find(name="v2"))) == {}


@pytest.mark.parametrize("query", [Find(), Find(tags=(("a", "b"),)), Find(name="[")])
def test_other_finds_are_refused(query):
    assert isinstance(failure(one("fake", use(), query)), InvalidSpec)


@pytest.mark.parametrize(
    ("result", "good", "unsure"), [(None, True, False), (0, True, False), (1, False, True), (2, False, False), (99, False, False)]
)
def test_validation_result(result, good, unsure):
    answer = one("fake", use(**({} if result is None else {"validationResult": result})), Probe())
    assert answer == Found(Entries({})) if good else answer == Failed(Broken("unable to validate"), unsure=unsure)


# ---------------------------------------------------------------- pushes


def push_of(key, secret_key="k", **data):
    return Push(key=key, secret_key=secret_key, source=Source(data={name: SecretBytes(text.encode()) for name, text in data.items()}))


class TestPushes:
    """What is pushed lives as long as the session."""

    @pytest.fixture
    def held(self):
        made = session("fake", use())
        assert isinstance(made, Session)
        return made

    def read(self, held, query):
        ran = run(provider("fake").fetch(use(), held, (query,)))
        assert ran.calls == []
        return ran.value[query]

    def push(self, held, command):
        return run(fake.push(use(), held, command)).value

    def test_a_pushed_value_is_read_and_found(self, held):
        assert self.push(held, push_of("new", k='{"a":"1"}')) == Done(changed=True)
        answer = self.read(held, Get(key="new"))
        assert (value("fake", answer), value("fake", answer, "a"), entries("fake", answer)) == (b'{"a":"1"}', b"1", {"a": b"1"})
        assert self.read(held, Get(key="new", version="v1")) == Absent()
        assert plain(self.read(held, Find(name="^(new|x)$"))) == {"new": b'{"a":"1"}', "x": b"9"}
        assert run(fake.exists(use(), held, Exists(key="new"))).value is True

    def test_the_same_again_changes_nothing(self, held):
        assert [self.push(held, push_of("new", k=text)).changed for text in ("1", "1", "2")] == [True, False, True]
        assert value("fake", self.read(held, Get(key="new"))) == b"2"

    def test_a_whole_secret_is_json(self, held):
        assert self.push(held, push_of("new", "", b="<2>", a="1")) == Done(changed=True)
        assert value("fake", self.read(held, Get(key="new"))) == b'{"a":"1","b":"<2>"}'

    def test_what_the_store_declares_is_not_pushed_over(self, held):
        assert self.push(held, push_of("text", k="other")) == Failed(Broken("key already exists"))
        assert value("fake", self.read(held, Get(key="text"))) == b"not json"
        assert run(fake.exists(use(), held, Exists(key="text"))).value is True
        assert run(fake.delete(use(), held, Delete(key="text"))).value == Done(changed=False)

    def test_what_was_pushed_can_be_deleted(self, held):
        self.push(held, push_of("new", k="1"))
        assert [run(fake.delete(use(), held, Delete(key="new"))).value for _ in range(2)] == [Done(changed=True), Done(changed=False)]
        assert self.read(held, Get(key="new")) == Absent()
        assert run(fake.exists(use(), held, Exists(key="new"))).value is False

    def test_sessions_share_nothing(self, held):
        self.push(held, push_of("new", k="1"))
        assert self.read(session("fake", use()), Get(key="new")) == Absent()
        assert self.read(Session(), Get(key="new")) == Absent()

    def test_a_missing_key(self, held):
        assert isinstance(failure(self.push(held, push_of("new", "nosuch", k="1"))), Missing)

    def test_there_is_an_end(self, held, monkeypatch):
        monkeypatch.setattr(fake, "PUSHED_MAX", 2)
        monkeypatch.setattr(fake, "PUSHED_SIZE_MAX", 10)
        assert [self.push(held, push_of(key, k=text)) for key, text in (("a", "1" * 5), ("b", "2" * 5))] == [Done(changed=True)] * 2
        for key, text in (("c", ""), ("a", "1" * 6)):
            assert isinstance(failure(self.push(held, push_of(key, k=text))), Broken)
        assert self.push(held, push_of("a", k="")) == Done(changed=True)

    def test_nothing_of_it_is_shown(self, held):
        self.push(held, push_of("new", k=CANARY))
        assert CANARY not in repr(held)
        assert CANARY not in repr(held.value)


def test_an_empty_value_is_a_value():
    answer = one("fake", access("fake", {"data": [{"key": "a", "value": ""}]}), Get(key="a"))
    assert value("fake", answer) == b""
