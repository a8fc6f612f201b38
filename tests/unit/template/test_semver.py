"""Versions and constraints of Masterminds/semver."""

import pytest

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.semver import TABLE
from eso_core.template.limits import Ambient, Meter
from eso_core.template.semver import Struct, Version, parse_version
from eso_core.template.values import Bytes, Uint64, type_of
from tests.template_chance import SeededChance


def semver_compare(constraint: bytes, version: bytes) -> bool:
    return TABLE["semverCompare"].call(Ambient(0, SeededChance(), Meter()), constraint, version)


def method(version, name, *arguments):
    return version.methods[name].call(version, *arguments)


FULL = b"v1.2.3-beta.1+build.5"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"1.2.3", "1.2.3"),
        (b"v1.2", "1.2.0"),
        (b"1", "1.0.0"),
        (b"01.02.03", "1.2.3"),
        (b"1.2-rc", "1.2.0-rc"),
        (b"1+b.01", "1.0.0+b.01"),
        (b"1.2.3--", "1.2.3--"),
        (b"18446744073709551615.0.0", "18446744073709551615.0.0"),
        (FULL, "1.2.3-beta.1+build.5"),
    ],
)
def test_versions(text, shown):
    assert parse_version(text).text() == shown
    assert parse_version(text).json() == f'"{shown}"'.encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "invalid semantic version"),
        (b"V1.2.3", "invalid semantic version"),
        (b" 1.2.3", "invalid semantic version"),
        (b"1.2.3\n", "invalid semantic version"),
        (b"1.2.3.4", "invalid semantic version"),
        (b"1.2.3+", "invalid semantic version"),
        (b"1.2.3-a..b", "invalid semantic version"),
        (b"1.2.3-\xce\xb1", "invalid semantic version"),
        (b"1.2.3-01", "version segment starts with 0"),
        (
            b"18446744073709551616",
            'error parsing version segment: strconv.ParseUint: parsing "18446744073709551616": value out of range',
        ),
    ],
)
def test_no_versions(text, words):
    with pytest.raises(FunctionError) as caught:
        parse_version(text)
    assert caught.value.full == words
    assert not any(digit in caught.value.what for digit in "123456789")


def test_methods():
    version = parse_version(FULL)
    assert [method(version, name) for name in ("Major", "Minor", "Patch")] == [1, 2, 3]
    assert type(method(version, "Major")) is Uint64
    assert method(version, "Prerelease") == b"beta.1"
    assert method(version, "Metadata") == b"build.5"
    assert method(version, "Original") == FULL
    assert method(version, "String") == method(version, "Value") == FULL[1:]
    assert method(version, "MarshalText") == Bytes(FULL[1:])
    assert type_of(version) == "*semver.Version"


@pytest.mark.parametrize(
    ("text", "name", "want"),
    [
        (FULL, "IncMajor", b"v2.0.0"),
        (FULL, "IncMinor", b"v1.3.0"),
        (FULL, "IncPatch", b"v1.2.3"),
        (b"1.2.3+b", "IncPatch", b"1.2.4"),
        (b"18446744073709551615.0.0", "IncMajor", b"0.0.0"),
    ],
)
def test_next_versions_are_structs(text, name, want):
    following = method(parse_version(text), name)
    assert following.original == want
    assert type_of(following) == "semver.Version"
    assert "Original" not in following.methods
    assert "Compare" not in following.methods


def test_setters():
    version = parse_version(b"1.2.3-a+b")
    assert method(version, "SetPrerelease", b"rc.1").text() == "1.2.3-rc.1+b"
    assert method(version, "SetMetadata", b"").text() == "1.2.3-a"
    assert version.text() == "1.2.3-a+b"
    for name, text, words in (
        ("SetPrerelease", b"x y", "invalid prerelease string"),
        ("SetPrerelease", b"1..2", "invalid prerelease string"),
        ("SetPrerelease", b"1.02", "version segment starts with 0"),
        ("SetMetadata", b"x y", "invalid metadata string"),
    ):
        with pytest.raises(FunctionError, match=words):
            method(version, name, text)


def test_readers_change_the_receiver_and_return_the_error():
    version = parse_version(b"1.2.3")
    assert method(version, "UnmarshalText", Bytes(b"v2.0")) is None
    assert (version.text(), version.original) == ("2.0.0", b"v2.0")
    assert method(version, "UnmarshalJSON", Bytes(b' "3" ')) is None
    assert method(version, "Scan", b"4.0.0-a") is None
    assert version.text() == "4.0.0-a"
    assert method(version, "Scan", 5).text() == "invalid semantic version"
    assert method(version, "UnmarshalText", None).text() == "invalid semantic version"
    assert version.text() == "4.0.0-a"


PRERELEASES = "1 2 10 - alpha alpha.1 alpha.beta beta beta.2 beta.11"
ORDER = [*(f"1.0.0-{text}" for text in PRERELEASES.split()), "1.0.0", "1.0.1", "1.1.0", "2"]


def test_order():
    versions = [parse_version(text.encode()) for text in ORDER]
    for place, version in enumerate(versions):
        for other_place, other in enumerate(versions):
            assert method(version, "Compare", other) == (place > other_place) - (place < other_place)
            assert method(version, "LessThan", other) == (place < other_place)
            assert method(version, "LessThanEqual", other) == (place <= other_place)
            assert method(version, "GreaterThan", other) == (place > other_place)
            assert method(version, "GreaterThanEqual", other) == (place >= other_place)
            assert method(version, "Equal", other) == (place == other_place)


def test_numbers_beyond_uint64_are_words():
    huge, word, number = (parse_version(b"1.0.0-" + text) for text in (b"99999999999999999999", b"a", b"5"))
    assert number.compare(huge) == huge.compare(word) == -1


def test_metadata_does_not_count():
    assert parse_version(b"1.0.0+a").compare(parse_version(b"1.0.0+b")) == 0
    assert not parse_version(b"1.0.0+a").deep_equal(parse_version(b"1.0.0+b"))


def test_nil():
    with pytest.raises(FunctionError, match="nil pointer dereference"):
        method(parse_version(b"1"), "Compare", None)
    with pytest.raises(FunctionError, match="nil pointer dereference"):
        method(parse_version(b"1"), "LessThan", None)
    assert method(parse_version(b"1"), "Equal", None) is False


def test_equality_is_that_of_pointers_and_of_structs():
    one, other = parse_version(b"1.0.0"), parse_version(b"1.0.0")
    assert one != other
    assert one.deep_equal(other)
    assert method(one, "IncMajor") == method(other, "IncMajor")
    assert hash(method(one, "IncMajor")) == hash(method(other, "IncMajor"))
    assert list(one.private()) == ["major", "minor", "patch", "pre", "metadata", "original"]
    assert issubclass(Struct, Version)


def test_deep_copies_are_empty():
    for version in (parse_version(FULL), method(parse_version(FULL), "IncMajor")):
        copied = version.copied()
        assert (type(copied), copied.text(), copied.original) == (type(version), "0.0.0", b"")


@pytest.mark.parametrize(
    ("constraint", "yes", "no"),
    [
        ("1.2.3", "1.2.3", "1.2.4"),
        ("=1.2", "1.2.5", "1.3.0"),
        ("!=1.2.3", "1.2.4", "1.2.3"),
        ("!=1.x", "2.0.0", "1.9.9"),
        ("!=1.2.x", "1.3.0", "1.2.9"),
        ("!=1.2.x-a", "1.2.0", "1.2.0-a"),
        ("!=x", "0.0.1", "0.0.0"),
        (">1.2.3", "1.2.4", "1.2.3"),
        (">1.2", "1.3.0", "1.2.5"),
        (">11", "12.0.0", "11.1.0"),
        ("<1.2", "1.1.9", "1.2.0"),
        (">= 1.2.3", "1.2.3", "1.2.2"),
        ("=>1.2.3", "1.3.0", "1.2.2"),
        ("<=1.2.3", "1.2.3", "1.2.4"),
        ("=<1.2", "1.2.9", "1.3.0"),
        ("<=1", "1.9.0", "2.0.0"),
        ("~1.2.3", "1.2.9", "1.3.0"),
        ("~1", "1.9.0", "2.0.0"),
        ("~>1.2", "1.2.7", "1.9.0"),
        ("~1.2.3-beta.2", "1.2.3-beta.4", "1.2.3-beta.1"),
        ("^1.2.0", "1.9.9", "2.0.0"),
        ("^0.2.3", "0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0.0", "0.0.7", "0.1.0"),
        ("^0", "0.9.0", "1.0.0"),
        ("^*", "0.0.0", "0.0.1"),
        ("*", "9.9.9", "9.9.9-a"),
        ("1.2 - 1.4.5", "1.4.5", "1.4.6"),
        ("1.2 - 1.4 || 3", "3.1.0", "2.0.0"),
        (">=1.0.0, <2.0.0", "1.5.0", "2.0.0"),
        (">=1.0.0 <2.0.0", "1.5.0", "0.9.0"),
        (">=1.0.0,<2.0.0 || >=3.0.0", "3.1.0", "2.1.0"),
        (">=1.2.3", "1.2.4", "1.2.4-beta"),
        (">=1.2.3-0", "1.2.4-beta", "1.2.2"),
        ("1.2.3+a", "1.2.3+b", "1.2.4+a"),
        ("\t v1.2.3 \n", "v1.2.3", "1.2.4"),
    ],
)
def test_constraints(constraint, yes, no):
    assert semver_compare(constraint.encode(), yes.encode()) is True
    assert semver_compare(constraint.encode(), no.encode()) is False


def test_any_prerelease():
    assert all(semver_compare(b"*-0", text) for text in (b"9.9.9-a", b"0.0.0-0", b"1.0.0"))


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (b"bad", "improper constraint: bad"),
        (b"", "improper constraint: "),
        (b"1 ||", "improper constraint: "),
        (b">=1 && <2", "improper constraint: >=1 && <2"),
        (b"==1", "improper constraint: ==1"),
        (b"1,2,", "improper constraint: 1,2,"),
        (b"1x", "constraint parser error"),
        (b"1.2.3-01", "constraint parser error"),
        (b"99999999999999999999", "constraint parser error"),
    ],
)
def test_no_constraints(constraint, words):
    with pytest.raises(FunctionError) as caught:
        semver_compare(constraint, b"1.2.3")
    assert caught.value.full == words
    assert caught.value.what in ("improper constraint: ", "constraint parser error")


def test_the_constraint_is_read_first():
    with pytest.raises(FunctionError, match="improper"):
        semver_compare(b"bad", b"bad")
    with pytest.raises(FunctionError, match="invalid semantic"):
        semver_compare(b"1", b"bad")


@pytest.mark.parametrize("text", [b"1 " * 5_000, b"1." * 5_000])
def test_bounds(text):
    with pytest.raises(LimitExceeded):
        semver_compare(text, b"1")
    with pytest.raises(LimitExceeded):
        parse_version(text)
    with pytest.raises(LimitExceeded):
        method(parse_version(b"1"), "SetPrerelease", text)
    with pytest.raises(LimitExceeded):
        method(parse_version(b"1"), "SetMetadata", text)


def test_gaps_do_not_keep_the_matcher_busy():
    with pytest.raises(FunctionError, match="improper"):
        semver_compare((b"1" + b" " * 60) * 60 + b"!", b"1")


def test_constraints_cost():
    ambient = Ambient(0, SeededChance(), Meter(work=100))
    with pytest.raises(LimitExceeded):
        TABLE["semverCompare"].call(ambient, b">=1.2", b"1.2.3")
