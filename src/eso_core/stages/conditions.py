"""Condition lists, changed as the reference changes them (``SetExternalSecretCondition``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from returns.result import Success

from eso_core.api import Condition
from eso_core.api.parse import parse
from eso_core.because import Because
from eso_core.compat.gotime import format_time
from eso_core.instant import Instant


def with_ready(conditions: Iterable[Condition], because: Because, now: Instant) -> list[dict[str, Any]] | None:
    """The conditions with ``Ready`` as ``because`` says; ``None`` when nothing changes.

    An unchanged status keeps its ``lastTransitionTime``; a changed condition goes to the end of the list.
    """
    held = list(conditions)
    status = "True" if because.ready else "False"
    before = next((c for c in held if c.type == "Ready"), None)
    if before is not None and (before.status, before.reason, before.message) == (status, because.reason, because.message):
        return None
    since = before.last_transition_time if before is not None and before.status == status else None
    ready = {
        "type": "Ready",
        "status": status,
        "reason": because.reason,
        "message": because.message,
        "lastTransitionTime": since or format_time(now.ns),
    }
    return [condition_json(c) for c in held if c.type != "Ready"] + [ready]


def condition_json(condition: Condition) -> dict[str, Any]:
    """A condition as it stands in an object."""
    fields = {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": condition.last_transition_time,
    }
    return {name: value for name, value in fields.items() if value}


def conditions_of(found: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions of an object that does not parse as a whole; what is no condition is left out."""
    status = found.get("status")
    held = status.get("conditions") if isinstance(status, Mapping) else None
    parsed = (parse(Condition, c) for c in held if isinstance(c, Mapping)) if isinstance(held, list) else ()
    return tuple(c.unwrap() for c in parsed if isinstance(c, Success))
