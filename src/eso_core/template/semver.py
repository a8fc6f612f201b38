"""``*semver.Version``, its order and methods (source: Masterminds/semver v3.4.0, ``version.go``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.values import Bytes, Function, Object, Uint8, Uint64, Value

SIZE_MAX: Final = 1 << 12  # bytes of a version or constraint
_UINT64_MAX = (1 << 64) - 1
_NIL = "runtime error: invalid memory address or nil pointer dereference"

_EXTRA = rb"(?:-([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?(?:\+([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?"
_VERSION = re.compile(rb"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?" + _EXTRA)
_IDENTIFIERS = re.compile(rb"[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*")


class Version(Object):
    """``*semver.Version``. ``original`` is the text that it was read from."""

    __slots__ = ("major", "metadata", "minor", "original", "patch", "prerelease")
    go_type, kind = "*semver.Version", "ptr"

    def __init__(self, major: int, minor: int, patch: int, prerelease: bytes, metadata: bytes, original: bytes) -> None:
        self.major, self.minor, self.patch = major, minor, patch
        self.prerelease, self.metadata, self.original = prerelease, metadata, original

    def shown(self) -> bytes:
        """``String``: without the ``v``, and with all three numbers."""
        shown = b"%d.%d.%d" % (self.major, self.minor, self.patch)
        if self.prerelease:
            shown += b"-" + self.prerelease
        return shown + b"+" + self.metadata if self.metadata else shown

    def text(self) -> str:
        return self.shown().decode()

    def json(self) -> bytes:
        """``MarshalJSON``."""
        return b'"%b"' % self.shown()

    def private(self) -> dict[str, Value]:
        """The unexported fields."""
        return {
            "major": Uint64(self.major),
            "minor": Uint64(self.minor),
            "patch": Uint64(self.patch),
            "pre": self.prerelease,
            "metadata": self.metadata,
            "original": self.original,
        }

    def deep_equal(self, other: object) -> bool:
        """``reflect.DeepEqual``; ``==`` compares pointers, or fields of the structs."""
        return type(other) is type(self) and isinstance(other, Version) and self.private() == other.private()

    def copied(self) -> Version:
        """What ``deepCopy`` makes of it: a version without fields, for copystructure leaves out what is not exported."""
        return type(self)(0, 0, 0, b"", b"", b"")

    def compare(self, other: Version) -> int:
        """-1, 0 or 1; metadata does not count, and a prerelease comes before its release."""
        mine, others = (self.major, self.minor, self.patch), (other.major, other.minor, other.patch)
        if mine != others:
            return 1 if mine > others else -1
        if not (self.prerelease and other.prerelease):
            return bool(other.prerelease) - bool(self.prerelease)
        return compare_prerelease(self.prerelease, other.prerelease)


class Struct(Version):
    """``semver.Version``, which ``IncMajor`` and its like return: it has no methods of the pointer."""

    __slots__ = ()
    go_type, kind = "semver.Version", "struct"

    def __eq__(self, other: object) -> bool:
        return self.deep_equal(other)

    def __hash__(self) -> int:
        return hash(self.shown())


def parse_version(text: bytes) -> Version:
    """``NewVersion``: parts may be missing, and have leading zeros, save in the prerelease."""
    if len(text) > SIZE_MAX:
        raise LimitExceeded(f"a version of more than {SIZE_MAX} bytes")
    found = _VERSION.fullmatch(text)
    if found is None:
        raise FunctionError("invalid semantic version")
    major, minor, patch = (_segment(part) for part in found.group(1, 2, 3))
    prerelease, metadata = found[4] or b"", found[5] or b""
    if prerelease:
        _check_prerelease(prerelease)
    return Version(major, minor, patch, prerelease, metadata, text)


def _segment(digits: bytes | None) -> int:
    if not digits:
        return 0
    number = _uint64(digits)
    if number is None:
        raise FunctionError("error parsing version segment: strconv.ParseUint: parsing", f' "{digits.decode()}": value out of range')
    return number


def _uint64(text: bytes) -> int | None:
    """``ParseUint``; None if it is no number or too large."""
    if not text.isdigit() or len(text.lstrip(b"0")) > 20:
        return None
    number = int(text.lstrip(b"0") or 0)
    return number if number <= _UINT64_MAX else None


def _check_prerelease(text: bytes) -> None:
    """``validatePrerelease``."""
    for part in text.split(b"."):
        if not _IDENTIFIERS.fullmatch(part):
            raise FunctionError("invalid prerelease string")
        if len(part) > 1 and part[:1] == b"0" and part.isdigit():
            raise FunctionError("version segment starts with 0")


def compare_prerelease(mine: bytes, other: bytes) -> int:
    """Part by part: numbers before words, fewer parts before more."""
    parts, others = mine.split(b"."), other.split(b".")
    for index in range(max(len(parts), len(others))):
        left, right = b"".join(parts[index : index + 1]), b"".join(others[index : index + 1])
        if left != right:
            return _compare_part(left, right)
    return 0


def _compare_part(left: bytes, right: bytes) -> int:
    if not left or not right:
        return 1 if left else -1
    number, other = _uint64(left), _uint64(right)
    if number is None and other is None:
        return 1 if left > right else -1
    if number is None or other is None:
        return 1 if number is None else -1
    return 1 if number > other else -1


# --- methods -------------------------------------------------------------------------------------------------------------------


class Problem(Object):
    """An ``error`` that a method returns as its only result: to a template it is a value like any."""

    __slots__ = ("words",)
    go_type, kind = "*errors.errorString", "ptr"

    def __init__(self, words: str) -> None:
        self.words = words

    def text(self) -> str:
        return self.words


def _order(test: Callable[[int], bool]) -> Callable[[Version, Version | None], bool]:
    return lambda version, other: test(_compare(version, other))


def _compare(version: Version, other: Version | None) -> int:
    if other is None:
        raise FunctionError(_NIL)
    return version.compare(other)


def _struct(version: Version, major: int, minor: int, patch: int, prerelease: bytes = b"", metadata: bytes = b"") -> Struct:
    """A new version, whose original text begins with ``v`` if that of ``version`` does."""
    made = Struct(major & _UINT64_MAX, minor & _UINT64_MAX, patch & _UINT64_MAX, prerelease, metadata, b"")
    made.original = (b"v" if version.original[:1] == b"v" else b"") + made.shown()
    return made


def _next_patch(version: Version) -> Struct:
    """The release of a prerelease, else the next patch."""
    return _struct(version, version.major, version.minor, version.patch + (not version.prerelease))


def _set_prerelease(version: Version, prerelease: bytes) -> Struct:
    if len(prerelease) > SIZE_MAX:
        raise LimitExceeded(f"a prerelease of more than {SIZE_MAX} bytes")
    if prerelease:
        _check_prerelease(prerelease)
    return _struct(version, version.major, version.minor, version.patch, prerelease, version.metadata)


def _set_metadata(version: Version, metadata: bytes) -> Struct:
    if len(metadata) > SIZE_MAX:
        raise LimitExceeded(f"metadata of more than {SIZE_MAX} bytes")
    if metadata and not _IDENTIFIERS.fullmatch(metadata):
        raise FunctionError("invalid metadata string")
    return _struct(version, version.major, version.minor, version.patch, version.prerelease, metadata)


def _become(version: Version, text: bytes) -> Problem | None:
    """The receiver turns into what the text says."""
    try:
        read = parse_version(text)
    except LimitExceeded:
        raise
    except FunctionError as wrong:
        return Problem(wrong.full)
    version.major, version.minor, version.patch = read.major, read.minor, read.patch
    version.prerelease, version.metadata, version.original = read.prerelease, read.metadata, read.original
    return None


def _unmarshal_json(version: Version, text: Value) -> Problem | None:
    raw = bytes(text or ()).strip(b" \t\r\n")
    if len(raw) > 1 and raw[:1] == raw[-1:] == b'"' and b"\\" not in raw and b'"' not in raw[1:-1]:
        return _become(version, raw[1:-1])
    return _become(version, b"") if raw == b"null" else Problem("json: cannot unmarshal value into Go value of type string")


def _bytes(text: bytes) -> Bytes:
    return Bytes(map(Uint8, text))


Struct.methods = {
    "IncMajor": Function("func() semver.Version", lambda version: _struct(version, version.major + 1, 0, 0)),
    "IncMinor": Function("func() semver.Version", lambda version: _struct(version, version.major, version.minor + 1, 0)),
    "IncPatch": Function("func() semver.Version", _next_patch),
    "Major": Function("func() uint64", lambda version: Uint64(version.major)),
    "MarshalJSON": Function("func() ([]uint8, error)", lambda version: _bytes(version.json())),
    "MarshalText": Function("func() ([]uint8, error)", lambda version: _bytes(version.shown())),
    "Metadata": Function("func() string", lambda version: version.metadata),
    "Minor": Function("func() uint64", lambda version: Uint64(version.minor)),
    "Patch": Function("func() uint64", lambda version: Uint64(version.patch)),
    "Prerelease": Function("func() string", lambda version: version.prerelease),
    "SetMetadata": Function("func(string) (semver.Version, error)", _set_metadata),
    "SetPrerelease": Function("func(string) (semver.Version, error)", _set_prerelease),
    "String": Function("func() string", Version.shown),
    "Value": Function("func() (interface {}, error)", Version.shown),
}
Version.methods = {
    **Struct.methods,
    "Compare": Function("func(*semver.Version) int", _compare),
    "Equal": Function("func(*semver.Version) bool", lambda version, other: other is not None and version.compare(other) == 0),
    "GreaterThan": Function("func(*semver.Version) bool", _order(lambda order: order > 0)),
    "GreaterThanEqual": Function("func(*semver.Version) bool", _order(lambda order: order >= 0)),
    "LessThan": Function("func(*semver.Version) bool", _order(lambda order: order < 0)),
    "LessThanEqual": Function("func(*semver.Version) bool", _order(lambda order: order <= 0)),
    "Original": Function("func() string", lambda version: version.original),
    "Scan": Function("func(interface {}) error", lambda version, text: _become(version, text if isinstance(text, bytes) else b"")),
    "UnmarshalJSON": Function("func([]uint8) error", _unmarshal_json),
    "UnmarshalText": Function("func([]uint8) error", lambda version, text: _become(version, bytes(text or ()))),
}
