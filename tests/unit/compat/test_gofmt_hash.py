"""`%+v` and the hashes made of it. The digests come from the reference's own test and facts table."""

import pytest
from returns.result import Failure, Success

from eso_core.compat import gofmt, hash


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "<nil>"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1e6, "1e+06"),
        (100000.0, "100000"),
        (1e-5, "1e-05"),
        (0.0001, "0.0001"),
        (-0.0, "-0"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Inf"),
        (b"", "[]"),
        (b"\x00\xff", "[0 255]"),
        ([], "[]"),
        ([1, "a b", [None]], "[1 a b [<nil>]]"),
        ({}, "map[]"),
        ({"b": {"x": 1.5}, "a": []}, "map[a:[] b:map[x:1.5]]"),
    ],
)
def test_plus_v(value, text):
    assert gofmt.plus_v(value) == text


def test_plus_v_of_deep_values_does_not_recurse():
    value: list = []
    for _ in range(100_000):
        value = [value]
    assert gofmt.plus_v(value) == "[" * 100_001 + "]" * 100_001


@pytest.mark.parametrize(
    ("value", "plain", "json"),
    [
        (0.0, "0", "0"),
        (1e20, "100000000000000000000", "100000000000000000000"),
        (1e21, "1000000000000000000000", "1e+21"),
        (1e-6, "0.000001", "0.000001"),
        (1e-7, "0.0000001", "1e-7"),
        (1.5e-10, "0.00000000015", "1.5e-10"),
        (5e-324, "0." + "0" * 323 + "5", "5e-324"),
        (-1.25, "-1.25", "-1.25"),
    ],
)
def test_float_formats(value, plain, json):
    assert gofmt.float_f(value) == plain
    assert gofmt.float_json(value) == json


def test_known_hashes():
    assert hash.object_hash(None) == "c461202a18e99215f121936fb2452e03843828e448a00a53f285a6fc"
    assert hash.object_hash("hello there") == "f78681ec611ebaeea0689bff6c7812a83ff98a7faba986d9af76c999"
    assert hash.data_hash({"foo": b"value1", "bar": b"value2"}) == "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64"
    assert hash.data_hash({}) == "74a974446e359fb3e6baff9bd0058950e6edd0f040888d9989b0a11b"
    assert hash.data_hash({"k": b""}) == "a921e2357fadba0d5f3e1e4fec0c73811088f841beab9554c83697ee"
    assert hash.owner_label("default", "test-es") == "a8e09351ea392b727f69f63683b28619fbed1174f572e728706a9ea8"
    assert hash.meta_hash(None, {}) == "f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2"
    assert hash.meta_hash({"a": "1", "b": "2"}, {"app": "x"}) == "7a9d14fc4c98c8b2363ada4bb72d815002f918edc3da4746679c79ee"


def test_field_owner_turns_into_a_hash_above_63_bytes():
    assert hash.field_owner("a" * 27) == "externalsecrets.external-secrets.io/" + "a" * 27
    assert hash.field_owner("a" * 28).startswith("externalsecrets.external-secrets.io/sha3/")


def test_generic_target_needs_content():
    assert hash.generic_target_hash({"spec": None, "data": {}}) == Success(hash.object_hash({}))
    assert isinstance(hash.generic_target_hash({"kind": "X"}), Failure)


def test_a_lone_surrogate_hashes_like_the_replacement_character():
    assert hash.data_hash({"\ud800": b""}) == hash.data_hash({"\ufffd": b""})
