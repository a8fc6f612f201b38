"""JSON merge patch (RFC 7386) with the three ways in which the API server's library differs from the RFC.

* A ``null`` inside an object of an array is dropped with its key, except where the array takes the place of an object.
* A ``null`` in the document counts as absent.
* The patch as a whole must be an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge(doc: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``doc`` with ``patch`` applied. Neither is changed; what the patch does not mention is shared with ``doc``."""
    out = dict(doc)
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
            continue
        current = out.get(key)
        if type(current) is not dict:
            out[key] = _pruned(value)
        elif type(value) is dict:
            out[key] = merge(current, value)
        else:
            out[key] = value
    return out


def _pruned(value: Any) -> Any:
    if type(value) is dict:
        return {key: _pruned(inner) for key, inner in value.items() if inner is not None}
    if type(value) is list:
        return [_pruned(inner) for inner in value]
    return value
