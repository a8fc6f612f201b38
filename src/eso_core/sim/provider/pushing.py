"""Checks of pushes, deletions and questions for existence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from eso_core.door import Done, Failed
from eso_core.providers import _kit, _push
from eso_core.sim.provider.bench import CANARY, Bench, Told, demand, expect, said
from eso_core.sim.provider.case import Case
from eso_core.sim.provider.operations import pushed, same_members, value_of


def _bench(case: Case) -> tuple[Bench, str]:
    demand(case.provider.push, "no pushes")
    demand(case.keeps, "pushes are forgotten")
    return Bench(case), case.push_new


def _done(told: Told, what: str, *, changed: bool) -> None:
    result = told.result
    expect(isinstance(result, Done) and result.changed is changed, f"{what} gives {said(result)} instead of Done(changed={changed})")


def _untouched(bench: Bench, name: str, before: bytes | None, what: str) -> None:
    expect(bench.server.held(name) == before, f"{what} changes the remote secret")


def a_push_writes(case: Case) -> None:
    """A new value is written, the same again is not, another one is; others stay as they are."""
    bench, name = _bench(case)
    others = {other: bench.server.held(other) for other in case.names}
    first, second = value_of(case, "first"), value_of(case, "second")
    told = bench.push(bench.push_of(name, {"value": first, "other": b"x"}))
    _done(told, "a new push", changed=True)
    _holds(bench, name, first, "a new push")
    after = bench.server.held(name)
    _done(bench.push(bench.push_of(name, {"value": first, "more": b"y"})), "an equal push", changed=False)
    _untouched(bench, name, after, "an equal push")
    if first != second:
        _done(bench.push(bench.push_of(name, {"value": second})), "a changed push", changed=True)
        _holds(bench, name, second, "a changed push")
        _done(bench.push(bench.push_of(name, {"value": second})), "an equal push", changed=False)
    for other, held in others.items():
        _untouched(bench, other, held, "a push of another secret")


def _holds(bench: Bench, name: str, value: bytes, what: str) -> None:
    expect(bench.server.held(name) is not None, f"{what} creates nothing")
    expect(pushed(bench, name, value), f"after {what}, a Get gives {said(bench.one(bench.get(name)))}, and not the pushed value")


def a_push_of_an_odd_value_is_survived(case: Case) -> None:
    """Bytes that are no text, nothing at all, and JSON are read back as they were, or refused."""
    bench, _ = _bench(case)
    demand(case.push_sample is None, "values have a form of their own")
    for number, value in enumerate((b"\xff\x00\xfe", b"", b'{"a": 1, "b": {"c": "<&>"}}', b"  spaces \n", "ünï".encode())):
        name = _numbered(case, number)
        result = bench.push(bench.push_of(name, {"value": value})).result
        fine = isinstance(result, Failed) or pushed(bench, name, value)
        expect(fine, f"{value!r} is pushed, and another value is read")


def _numbered(case: Case, number: int) -> str:
    return f"{case.push_new}{number}"


def a_push_of_a_property(case: Case) -> None:
    """One property is written and no other; or it is refused, and nothing is written."""
    bench, name = _bench(case)
    demand(case.push_property, "no properties")
    first = bench.push(bench.push_of(name, {"value": f"{CANARY}-1".encode()}, case.push_property))
    if isinstance(first.result, Failed):
        return expect(bench.server.held(name) is None, "a refused push of a property writes")
    _done(first, "a push of a property", changed=True)
    _done(bench.push(bench.push_of(name, {"value": f"{CANARY}-1".encode()}, case.push_property)), "an equal push", changed=False)
    second = bench.push(bench.push_of(name, {"value": f"{CANARY}-2".encode()}, f"{case.push_property}2")).result
    if isinstance(second, Failed):
        return None
    for prop, text in ((case.push_property, f"{CANARY}-1"), (f"{case.push_property}2", f"{CANARY}-2")):
        read = bench.bytes_of(bench.one(bench.get(name)), prop)
        expect(read == text.encode(), f"property {prop} is not what was pushed: {read if isinstance(read, str) else 'another value'}")
    return None


def a_push_of_a_whole_secret(case: Case) -> None:
    """All keys arrive as a JSON object, or it is refused and nothing is written."""
    bench, name = _bench(case)
    data = {"b": f"{CANARY}-b".encode(), "a": f"{CANARY}-<a>".encode()}
    result = bench.push(bench.push_of(name, data, "", secret_key="")).result
    if isinstance(result, Failed):
        return expect(bench.server.held(name) is None, "a refused push writes")
    again = bench.push(bench.push_of(name, dict(reversed(data.items())), "", secret_key="")).result
    expect(isinstance(again, Done) and not again.changed, f"an equal push of a whole secret gives {said(again)}")
    read = bench.bytes_of(bench.one(bench.get(name)), "")
    value = orjson.dumps({key: value.decode() for key, value in data.items()})
    whole = isinstance(read, bytes) and _kit.decoded(read, dict[str, Any]) is not None and same_members(case, read, value)
    expect(whole, "a whole secret is not what was pushed")
    return None


def a_push_of_a_missing_key_fails(case: Case) -> None:
    """A key that the pushed Secret does not have."""
    bench, name = _bench(case)
    result = bench.push(bench.push_of(name, {"other": b"x"})).result
    expect(isinstance(result, Failed), f"a push of a missing key gives {said(result)}")
    expect(bench.server.held(name) is None, "a push of a missing key writes")


def wrong_metadata_is_refused(case: Case) -> None:
    """Unknown fields and other types in ``metadata``; where a provider has no metadata, they may be left alone."""
    bench, name = _bench(case)
    known = case.push_metadata
    base: Mapping[str, Any] = known if known is not None else {"apiVersion": _push.API_VERSION, "kind": _push.KIND}
    spec: Mapping[str, Any] = base.get("spec") or {}
    for metadata in ({**base, "spec": {**spec, "noSuchField": 1}}, {**base, "kind": "Other"}, {**base, "spec": [1]}):
        push = replace(bench.push_of(name, {"value": value_of(case, "first")}), metadata=metadata)
        result = bench.push(push).result
        expect(isinstance(result, Failed) or known is None, f"metadata {sorted(metadata)} gives {said(result)}")
        if isinstance(result, Failed):
            expect(bench.server.held(name) is None, "a push with refused metadata writes")


def what_others_made_is_left_alone(case: Case) -> None:
    """A secret without the operator's mark is neither written nor deleted."""
    bench, _ = _bench(case)
    demand(case.guarded, "the backend has no marks")
    name = case.names[0]
    before = bench.server.held(name)
    result = bench.push(bench.push_of(name, {"value": value_of(case, "first")})).result
    expect(isinstance(result, Failed), f"a push over another's secret gives {said(result)}")
    _untouched(bench, name, before, "a refused push")
    if case.provider.delete is not None:
        deleted = bench.delete(name).result
        expect(not (isinstance(deleted, Done) and deleted.changed), f"a deletion of another's secret gives {said(deleted)}")
        _untouched(bench, name, before, "a refused deletion")


def a_deletion_deletes(case: Case) -> None:
    """What was pushed is deleted; what is not there is no fault."""
    bench, name = _bench(case)
    demand(case.provider.delete, "no deletions")
    _done(bench.delete(name), "a deletion of nothing", changed=False)
    bench.push(bench.push_of(name, {"value": value_of(case, "first")}))
    _done(bench.delete(name), "a deletion", changed=True)
    expect(bench.server.held(name) is None, "a deletion deletes nothing")
    _done(bench.delete(name), "a second deletion", changed=False)
    for other in case.names:
        expect(bench.server.held(other) is not None, "a deletion deletes another secret")


def existence_is_told(case: Case) -> None:
    """Yes and no."""
    bench, name = _bench(case)
    demand(case.provider.exists, "existence cannot be asked for")
    expect(bench.exists(name).result is False, f"existence of nothing gives {said(bench.exists(name).result)}")
    bench.push(bench.push_of(name, {"value": value_of(case, "first")}))
    expect(bench.exists(name).result is True, f"existence gives {said(bench.exists(name).result)}")


def writes_are_as_few_as_told(case: Case) -> None:
    """No command takes more calls than the table says."""
    over = [f"{name} takes {took} calls instead of {most}" for name, (took, most) in measured_writes(case).items() if took > most]
    expect(not over, "; ".join(over))


def measured_writes(case: Case) -> dict[str, tuple[int, int]]:
    """For each command: how many calls it took, and how many it may take."""
    bench, name = _bench(case)
    push = bench.push_of(name, {"value": value_of(case, "first")})
    calls = case.calls
    expect(calls.push_new is not None and calls.push_same is not None, "the table of calls says nothing of pushes")
    found = {"push_new": (_count(bench.push(push)), calls.push_new or 0), "push_same": (_count(bench.push(push)), calls.push_same or 0)}
    if case.provider.delete is not None:
        expect(calls.delete is not None, "the table of calls says nothing of deletions")
        found["delete"] = (_count(bench.delete(name)), calls.delete or 0)
    return found


def _count(told: Told) -> int:
    expect(isinstance(told.result, Done), f"a command that is counted gives {said(told.result)}")
    return told.count
