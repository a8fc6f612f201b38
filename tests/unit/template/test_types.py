"""Names of types and kinds."""

import pytest

from eso_core.template.equal import NilList
from eso_core.template.functions.types import TABLE
from eso_core.template.values import Bytes, Int64, Ints, Lists, Object, StringMap, Strings, Uint8, Value


class Pointer(Object):
    go_type = "*semver.Version"
    kind = "ptr"


@pytest.mark.parametrize(
    ("value", "type_name", "kind"),
    [
        (None, b"<nil>", b"invalid"),
        (True, b"bool", b"bool"),
        (1, b"int", b"int"),
        (1.5, b"float64", b"float64"),
        (1j, b"complex128", b"complex128"),
        (b"", b"string", b"string"),
        (Int64(1), b"int64", b"int64"),
        (Uint8(1), b"uint8", b"uint8"),
        ([], b"[]interface {}", b"slice"),
        (NilList(), b"[]interface {}", b"slice"),
        (Strings(), b"[]string", b"slice"),
        (Ints(), b"[]int", b"slice"),
        (Lists(), b"[][]interface {}", b"slice"),
        (Bytes(), b"[]uint8", b"slice"),
        ({}, b"map[string]interface {}", b"map"),
        (StringMap(), b"map[string]string", b"map"),
        (Pointer(), b"*semver.Version", b"ptr"),
    ],
)
def test_names(value: Value, type_name: bytes, kind: bytes) -> None:
    assert TABLE["typeOf"].call(value) == type_name
    assert TABLE["kindOf"].call(value) == kind
    assert TABLE["typeIs"].call(type_name, value) is True
    assert TABLE["kindIs"].call(kind, value) is True
    assert TABLE["typeIs"].call(b"other", value) is TABLE["kindIs"].call(b"other", value) is False


@pytest.mark.parametrize(("target", "found"), [(b"semver.Version", True), (b"*semver.Version", True), (b"Version", False)])
def test_type_is_like_looks_through_a_pointer(target: bytes, found: bool) -> None:
    assert TABLE["typeIsLike"].call(target, Pointer()) is found


def test_deep_equal_is_by_type() -> None:
    assert TABLE["deepEqual"].call([1], [1]) is True
    assert TABLE["deepEqual"].call([1], [Int64(1)]) is False
