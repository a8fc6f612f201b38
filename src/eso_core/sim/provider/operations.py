"""What is done to a backend while it misbehaves, and how to tell a lie from an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from eso_core.door import Absent, Done, Find, Found, Probe
from eso_core.providers import _kit
from eso_core.sim.provider.bench import CANARY, Bench, Tamper, Told, said
from eso_core.sim.provider.case import Case

Lie = Callable[[Bench, Any], str | None]
"""What an outcome says that is not so; ``None`` for the truth and for a failure."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One conversation. ``writes``: it needs a server of its own each time."""

    name: str
    run: Callable[[Bench, Tamper | None], Told]
    lie: Lie
    prepare: Callable[[Bench], None] = lambda bench: None
    writes: bool = False

    def bench(self, case: Case) -> Bench:
        """A server in the state that the operation starts from."""
        bench = Bench(case)
        self.prepare(bench)
        return bench


def outcome(told: Told) -> Any:
    """The one answer, or the result of a command."""
    return next(iter(told.result.values())) if isinstance(told.result, Mapping) else told.result


def operations(case: Case) -> Iterator[Operation]:
    """All that the case can do."""
    yield from reads(case)
    yield from writes(case)


def reads(case: Case) -> Iterator[Operation]:
    """Get, Find and Probe."""
    name, found = case.names[0], _find(case)
    yield Operation("get", lambda bench, tamper: bench.fetch(bench.get(name), tamper=tamper), partial(_lie_of_get, name))
    if found is not None:
        yield Operation("find", lambda bench, tamper: bench.fetch(found, tamper=tamper), partial(_lie_of_find, found))
    yield Operation("probe", lambda bench, tamper: bench.fetch(Probe(), tamper=tamper), lambda bench, got: None)


def _find(case: Case) -> Find | None:
    path = case.path or None
    if "name" in case.finds:
        return Find(name=case.find_name[0], path=path)
    return Find(path=case.path) if "path" in case.finds else None


def _lie_of_get(name: str, bench: Bench, got: Any) -> str | None:
    if isinstance(got, Absent):
        return "a secret that is there is Absent"
    if isinstance(got, Found) and bench.bytes_of(got) != bench.text(name).encode():
        return "another value than the backend's is Found"
    return None


def _lie_of_find(query: Find, bench: Bench, got: Any) -> str | None:
    if isinstance(got, Absent):
        return "a find of secrets that are there is Absent"
    if isinstance(got, Found) and bench.values(got) != bench.values(bench.one(query)):
        return "a find gives other secrets or values than the backend has"
    return None


# ---------------------------------------------------------------- commands


def writes(case: Case) -> Iterator[Operation]:
    """Push, Delete and Exists, as far as the provider has them."""
    provider, name = case.provider, case.push_new
    if provider.push is None or not case.keeps:
        return
    first, second = value_of(case, "first"), value_of(case, "second")

    def create(bench: Bench) -> None:
        bench.push(bench.push_of(name, {"value": first}))

    def pushes(data: bytes) -> Callable[[Bench, Tamper | None], Told]:
        return lambda bench, tamper: bench.push(bench.push_of(name, {"value": data}), tamper)

    yield Operation("push new", pushes(first), partial(_lie_of_push, name, first), writes=True)
    yield Operation("push changed", pushes(second), partial(_lie_of_push, name, second), create, writes=True)
    if provider.delete is not None:
        yield Operation(
            "delete", lambda bench, tamper: bench.delete(name, tamper=tamper), partial(_lie_of_delete, name), create, writes=True
        )
    if provider.exists is not None:
        yield Operation("exists", lambda bench, tamper: bench.exists(name, tamper=tamper), _lie_of_exists, create, writes=True)


def _lie_of_delete(name: str, bench: Bench, got: Any) -> str | None:
    return "a secret that is there is said to be deleted" if isinstance(got, Done) and bench.server.held(name) is not None else None


def _lie_of_exists(bench: Bench, got: Any) -> str | None:
    return "a secret that is there does not exist" if got is False else None


def value_of(case: Case, text: str) -> bytes:
    """A value that the backend takes."""
    sample = case.push_sample
    return sample if isinstance(sample, bytes) else (sample or str.encode)(f"{CANARY}-{text}")


def _lie_of_push(name: str, value: bytes, bench: Bench, got: Any) -> str | None:
    if not isinstance(got, Done):
        return None
    if bench.server.held(name) is None:
        return f"{said(got)}, but nothing was written"
    if not pushed(bench, name, value):
        return f"{said(got)}, but the value is not there"
    return None


def pushed(bench: Bench, name: str, value: bytes) -> bool:
    """The whole remote secret, as a Get gives it, is what was pushed: the same bytes, or the same JSON where values have a form."""
    read = bench.bytes_of(bench.one(bench.get(name)), bench.case.push_reads or bench.case.push_to)
    if bench.case.push_sample is None or not isinstance(read, bytes):
        return read == value
    return same_members(bench.case, read, value)


def same_members(case: Case, read: bytes, value: bytes) -> bool:
    """The same JSON, but for what a push leaves in an object. What is no JSON has to be the same bytes."""
    held, given = (_kit.decoded(raw, dict[str, Any]) for raw in (read, value))
    if held is None or given is None:
        return read == value
    return {key: member for key, member in held.items() if key not in case.push_leaves} == given
