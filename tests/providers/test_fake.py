"""The fake provider."""

from __future__ import annotations

import pytest

from eso_core.door import Absent, Entries, Failed, Find, Found, Get, Probe
from eso_core.failure import Broken, InvalidSpec
from tests.providers.scripts import access, ask, entries, failure, one, plain, provider, value

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
    fake = provider("fake")
    assert (fake.capabilities, fake.maintained, fake.label, dict(fake.needs(use().spec))) == ("ReadWrite", False, "", {})


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
