"""How faults travel through the readers of keys and certificates.

A reader raises a ``FunctionError`` with Go's text. Its callers put words in front of it, except where Go panics: a panic reaches the
template as it is (``text/template/funcs.go: safeCall``).
"""

from __future__ import annotations

from eso_core.template.errors import FunctionError, LimitExceeded


class Panic(FunctionError):
    """Go panics here: nothing on the way catches it or adds to its text."""


NIL_POINTER = "runtime error: invalid memory address or nil pointer dereference"


def prefixed(prefix: str, error: FunctionError) -> FunctionError:
    """``fmt.Errorf(prefix + "%s", error)``; a panic or an exceeded limit stays what it is."""
    if isinstance(error, Panic | LimitExceeded):
        return error
    return FunctionError(prefix + error.what, error.detail)


def final(error: FunctionError) -> bool:
    """Whether no other attempt may follow ``error``."""
    return isinstance(error, Panic | LimitExceeded)
