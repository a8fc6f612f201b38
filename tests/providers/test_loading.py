"""The way from a key to a provider."""

from __future__ import annotations

import sys

import pytest

from eso_core.providers import load

BUILT = ("aws", "fake", "kubernetes", "vault")


@pytest.mark.parametrize("key", BUILT)
def test_a_provider_is_its_file(key):
    found = load(key)
    assert found is not None
    assert found.key == key
    assert found is load(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "gitlab",
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
