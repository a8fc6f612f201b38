"""sprig's versions: ``runtime/template/v2/sprig/semver.go``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eso_core.template.constraints import parse_constraints, satisfies
from eso_core.template.limits import Ambient
from eso_core.template.semver import parse_version
from eso_core.template.values import Function

_BYTE = 400  # work of a byte of a constraint


def semver_compare(ambient: Ambient, constraint: bytes, version: bytes) -> bool:
    """Whether ``version`` satisfies ``constraint``, which is read first and takes long for its size."""
    ambient.meter.spend(_BYTE * len(constraint))
    constraints = parse_constraints(constraint)
    return satisfies(parse_version(version), constraints)


TABLE: Final[Mapping[str, Function]] = {
    "semver": Function("func(string) (*semver.Version, error)", parse_version),
    "semverCompare": Function("func(string, string) (bool, error)", semver_compare, ambient=True),
}
