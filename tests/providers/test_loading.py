"""The way from a key to a provider."""

from __future__ import annotations

import sys

import pytest

from eso_core.providers import load
from tests.providers.pages import BUILT, KEY


@pytest.mark.parametrize("name", BUILT)
def test_a_provider_is_its_file(name):
    found = load(KEY[name])
    assert found is not None
    assert found.key == KEY[name]
    assert found is load(KEY[name])


@pytest.mark.parametrize("name", BUILT)
def test_other_letters_are_another_key(name):
    others = {name.upper(), name.capitalize(), KEY[name].swapcase(), KEY[name] + "x"} - {KEY[name]}
    assert [load(other) for other in others] == [None] * len(others)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "nobody",
        "Fake",
        "FAKE",
        "fAke",
        "_kit",
        "_vault",
        "kit",
        "fake.parse",
        "../fake",
        "os",
        "sys",
        "fake ",
        "fake\n",
        "x" * 500,
        "é",
        ".fake",
        "__init__",
    ],
)
def test_nothing_else_is_imported(key):
    before = set(sys.modules)
    assert load(key) is None
    assert not {name for name in set(sys.modules) - before if "fake" not in name.lower()}
