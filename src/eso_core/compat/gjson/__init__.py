"""Lookup of a path in raw JSON text, as gjson v1.18.0 does it (`remoteRef.property` of most providers).

    paths       the syntax
    scan        where values begin and end in raw text
    search      a path against a text
    modifiers   @reverse, @flatten ...
    pretty      @pretty, @ugly

The reference has no bound on the work a path causes; here one lookup may read its JSON `WORK_PER_BYTE` times and nest `DEPTH_MAX`
deep, and fails beyond.
"""

from dataclasses import dataclass

from returns.result import Failure, Result, Success

from eso_core.compat.gjson.scan import Budget, Value
from eso_core.compat.gjson.search import get as _get
from eso_core.compat.text import to_bytes

TOO_COMPLEX = "gjson: path is too complex for this JSON"


@dataclass(frozen=True, slots=True)
class Found:
    """Outcome of a lookup. `kind` is one of Null, False, Number, String, True, JSON."""

    exists: bool
    kind: str
    raw: bytes
    string: bytes


def get(json: bytes, path: str) -> Result[Found, str]:
    """`gjson.Get`. What is not there is a `Found` that does not exist; the failure is a lookup beyond the bounds."""
    budget = Budget(len(json))
    value = _get(json.decode("latin-1"), to_bytes(path).decode("latin-1"), budget)
    return Failure(TOO_COMPLEX) if budget.spent else Success(_found(value))


def escape_dots(path: str) -> str:
    """`path` with its dots escaped, so that it names one key."""
    return path.replace(".", "\\.")


def _found(value: Value) -> Found:
    return Found(value.exists, value.kind.value, value.raw.encode("latin-1"), value.string().encode("latin-1"))
