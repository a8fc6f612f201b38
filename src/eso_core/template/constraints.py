"""Version constraints (source: Masterminds/semver v3.4.0, ``constraints.go``).

A constraint is alternatives, split at ``||``, of comparisons that all must hold, separated by spaces or commas. A comparison is an
operator and a version, of which parts may be missing or ``x``, ``X``, ``*``: it is *dirty* then.

=============  =============================================================================================
``=``, none    equal; dirty: as ``~``
``!=``         not equal; dirty: none of those
``>`` ``<`` …  in order; ``>1.2`` starts at 1.3.0, ``<=1.2`` ends before 1.3.0
``~`` ``~>``   at least, and the same minor version, or major version if no minor is told
``^``          at least, and the same leftmost part that is not zero
``1.2 - 2``    ``>= 1.2, <= 2``
=============  =============================================================================================

A version with a prerelease passes only alternatives that name some prerelease themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import re2

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.semver import SIZE_MAX, Version, parse_version

_OPERATORS = rb"=||!=|>|<|>=|=>|<=|=<|~|~>|\^"
_PARTIAL = rb"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?"

# RE2, because these are ambiguous enough to keep a backtracking matcher busy for ever.
_COMPARISON = re2.compile(rb"^\s*(%b)\s*(%b)\s*$" % (_OPERATORS, _PARTIAL))
_RANGE = re2.compile(rb"\s*(%b)\s+-\s+(%b)\s*" % (_PARTIAL, _PARTIAL))
_FIND = re2.compile(rb"(%b)\s*(%b)" % (_OPERATORS, _PARTIAL))
_ALL = re2.compile(rb"^(\s*(%b)\s*(%b)\s*)((?:\s+|,\s*)(%b)\s*(%b)\s*)*$" % (_OPERATORS, _PARTIAL, _OPERATORS, _PARTIAL))
_ANY = (b"x", b"X", b"*")


class Comparison(NamedTuple):
    """``version`` with zeros for what is missing; ``dirty`` if something is: the minor version (and all behind it), or the patch."""

    operator: bytes
    version: Version
    dirty: bool = False
    minor_dirty: bool = False
    patch_dirty: bool = False


Constraints = tuple[tuple[Comparison, ...], ...]


def parse_constraints(text: bytes) -> Constraints:
    """``NewConstraint``."""
    if len(text) > SIZE_MAX:
        raise LimitExceeded(f"a version constraint of more than {SIZE_MAX} bytes")
    return _constraints_kept(text) if len(text) <= 64 else _constraints(text)


def _constraints(text: bytes) -> Constraints:
    return tuple(map(_alternative, _without_ranges(text).split(b"||")))


_constraints_kept = lru_cache(maxsize=128)(_constraints)


def _without_ranges(text: bytes) -> bytes:
    """``rewriteRange``: ``a - b`` is ``>= a, <= b``."""
    for found in list(_RANGE.finditer(text)):
        text = text.replace(found[0], b">= %b, <= %b " % (found[1], found[11]), 1)
    return text


def _alternative(text: bytes) -> tuple[Comparison, ...]:
    if not _ALL.match(text):
        raise FunctionError("improper constraint: ", text.decode("utf-8", "surrogateescape"))
    return tuple(_comparison(found[0]) for found in _FIND.finditer(text))


def _comparison(text: bytes) -> Comparison:
    """``parseConstraint``. The patterns let pass what is no version, like ``1x``."""
    found = _COMPARISON.match(text)
    if found is None:
        raise FunctionError("improper constraint: ", text.decode("utf-8", "surrogateescape"))
    operator, whole, major, minor, patch, extra = (found[group] or b"" for group in (1, 2, 3, 4, 5, 6))
    dirty = minor_dirty = patch_dirty = False
    if major in _ANY:
        whole, dirty = b"0.0.0" + extra, True
    elif minor[1:] in _ANY or not minor:
        whole, dirty, minor_dirty = major + b".0.0" + extra, True, True
    elif patch[1:] in _ANY or not patch:
        whole, dirty, patch_dirty = major + minor + b".0" + extra, True, True
    try:
        version = parse_version(whole)
    except FunctionError:
        raise FunctionError("constraint parser error") from None
    return Comparison(operator, version, dirty, minor_dirty, patch_dirty)


def satisfies(version: Version, constraints: Constraints) -> bool:
    """``Constraints.Check``."""
    for alternative in constraints:
        if version.prerelease and not any(comparison.version.prerelease for comparison in alternative):
            continue
        if all(_CHECKS[comparison.operator](version, comparison) for comparison in alternative):
            return True
    return False


def _equal(version: Version, wanted: Comparison) -> bool:
    return _tilde(version, wanted) if wanted.dirty else version.compare(wanted.version) == 0


def _not_equal(version: Version, wanted: Comparison) -> bool:
    bound = wanted.version
    if not wanted.dirty:
        return version.compare(bound) != 0
    if version.major != bound.major:
        return True
    if wanted.minor_dirty:
        return False
    if version.minor != bound.minor:
        return True
    if wanted.patch_dirty:
        return version.prerelease != bound.prerelease
    return version.patch != bound.patch or version.compare(bound) != 0


def _greater(version: Version, wanted: Comparison) -> bool:
    bound = wanted.version
    if wanted.dirty:
        if version.major != bound.major:
            return version.major > bound.major
        if wanted.minor_dirty:
            return False
        if wanted.patch_dirty:
            return version.minor > bound.minor
    return version.compare(bound) > 0


def _less_or_equal(version: Version, wanted: Comparison) -> bool:
    bound = wanted.version
    if not wanted.dirty:
        return version.compare(bound) <= 0
    return version.major < bound.major or (version.major == bound.major and (version.minor <= bound.minor or wanted.minor_dirty))


def _tilde(version: Version, wanted: Comparison) -> bool:
    """``~0.0.0`` and ``*`` mean any."""
    bound = wanted.version
    if version.compare(bound) < 0:
        return False
    if not (bound.major or bound.minor or bound.patch or wanted.minor_dirty or wanted.patch_dirty):
        return True
    return version.major == bound.major and (version.minor == bound.minor or wanted.minor_dirty)


def _caret(version: Version, wanted: Comparison) -> bool:
    bound = wanted.version
    if version.compare(bound) < 0 or version.major != bound.major:
        return False
    if bound.major or wanted.minor_dirty:
        return True
    if version.minor != bound.minor:
        return False
    return bound.minor > 0 or wanted.patch_dirty or version.patch == bound.patch


_CHECKS: Final[Mapping[bytes, Callable[[Version, Comparison], bool]]] = {
    b"": _equal,
    b"=": _equal,
    b"!=": _not_equal,
    b">": _greater,
    b"<": lambda version, wanted: version.compare(wanted.version) < 0,
    b">=": lambda version, wanted: version.compare(wanted.version) >= 0,
    b"=>": lambda version, wanted: version.compare(wanted.version) >= 0,
    b"<=": _less_or_equal,
    b"=<": _less_or_equal,
    b"~": _tilde,
    b"~>": _tilde,
    b"^": _caret,
}
