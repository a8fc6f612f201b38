"""Checks of what a provider reads when all is well."""

from __future__ import annotations

from eso_core.api import crd, structural
from eso_core.api import providers as api_providers
from eso_core.door import Absent, Failed, Find, Found, Get, Probe
from eso_core.failure import InvalidSpec
from eso_core.sim.provider.bench import Bench, Told, demand, expect, manifest, read_case, said
from eso_core.sim.provider.case import Case, Outcome

EXTRA_NAMES = 12  # put besides the three, so that a list takes several pages
BATCH_MOST = 24  # Gets; more would tell nothing new
TAGS = {"team": "red"}
UNKNOWN = "unheard-of"


def the_store_is_accepted(case: Case) -> None:
    """The CRD's schema admits the store as it is, without fields that it would drop, and the provider parses it."""
    store = manifest(case, case.server())
    read_case(case, case.server())
    if case.provider.key in api_providers.KEYS:
        plural = "clustersecretstores" if case.cluster else "secretstores"
        _, faults = structural.apply_schema(crd.schema_for("external-secrets.io", "v1", plural), store)
        expect(not faults, f"the API server refuses the store: {faults[0] if faults else ''}")
        dropped = next(structural.unknown(crd.schema_for("external-secrets.io", "v1", plural), store), None)
        expect(dropped is None, f"the API server does not know {dropped}")


def needs_are_met(case: Case) -> None:
    """The secrets of the case are those that the store needs."""
    read = read_case(case, case.server())
    needed = set(read.needs)
    if case.provider.more_needs is not None:
        bench = Bench(case, filled=False)
        more = case.provider.more_needs(read.spec, bench.access().secrets)
        needed |= set(more.value_or({}))
    expect(needed == set(case.secrets), f"the store needs {sorted(needed)}, the case has {sorted(case.secrets)}")


def a_probe_succeeds(case: Case) -> None:
    """A usable store is ready."""
    answer = Bench(case).one(Probe())
    unsure = isinstance(answer, Failed) and answer.unsure
    expect(isinstance(answer, Found) or unsure, f"a probe gives {said(answer)}")


def a_value_is_read(case: Case) -> None:
    """Each secret is read, and read anew after a change."""
    bench = Bench(case)
    for name in case.names:
        _is(bench, name, bench.text(name))
    bench.put(case.names[0], bench.text("changed"))
    _is(bench, case.names[0], bench.text("changed"))


def _is(bench: Bench, name: str, text: str, version: str = "") -> None:
    answer = bench.one(bench.get(name, version))
    read = bench.bytes_of(answer)
    expect(read == text.encode(), f"{name} is not what was put: {read if isinstance(read, str) else 'another value'}")


def the_dialect_holds(case: Case) -> None:
    """Each sample gives what the case says, whole or by property; entries are a map or a failure."""
    demand(case.dialect, "no samples")
    for number, sample in enumerate(case.dialect):
        bench = Bench(case, filled=False)
        bench.server.put(case.names[0], sample.value, {})
        answer = bench.one(bench.get(case.names[0]))
        read = bench.read(answer, sample.property)
        where = f"sample {number} ({sample.property!r})"
        if isinstance(sample.gives, bytes):
            expect(bench.bytes_of(answer, sample.property) == sample.gives, f"{where} gives {_short(bench, answer, sample.property)}")
        else:
            _is_outcome(where, read, sample.gives)
        if isinstance(answer, Found):
            bench.unseen(case.provider.dialect.entries(answer.payload, sample.property))


def _short(bench: Bench, answer: object, prop: str) -> str:
    read = bench.bytes_of(answer, prop) if isinstance(answer, Found) else said(answer)
    return repr(read[:80])


def _is_outcome(what: str, read: object, outcome: Outcome) -> None:
    kind = Absent if outcome == "absent" else Failed
    expect(isinstance(read, kind), f"{what} gives {said(read)} instead of {kind.__name__}")


def a_missing_key_is_told(case: Case) -> None:
    """A key that is not there, and one that was removed, is absent or fails, as the case says."""
    bench = Bench(case)
    _is_outcome("a missing key", bench.one(bench.get(UNKNOWN)), case.missing)
    bench.server.remove(case.names[0])
    _is_outcome("a removed key", bench.one(bench.get(case.names[0])), case.missing)
    _is(bench, case.names[1], bench.text(case.names[1]))


def a_missing_property_is_told(case: Case) -> None:
    """A property that is not there is no value."""
    demand(case.properties, "properties are not looked at")
    bench = Bench(case)
    read = bench.read(bench.one(bench.get(case.names[0])), "no-such-property")
    expect(isinstance(read, Absent | Failed), f"a missing property gives {said(read)}")


def versions_are_read(case: Case) -> None:
    """An older value can be read by its version; an unknown version is no value."""
    demand(case.versions, "no versions")
    bench = Bench(case, filled=False)
    name = case.names[0]
    first, second = bench.put(name, bench.text("first")), bench.put(name, bench.text("second"))
    expect(first != second, "the server gives two values one version")
    _is(bench, name, bench.text("first"), first)
    _is(bench, name, bench.text("second"), second)
    _is(bench, name, bench.text("second"))
    for version in (UNKNOWN, "999999"):
        answer = bench.one(bench.get(name, version))
        if case.missing_version is not None:
            _is_outcome(f"unknown version {version}", answer, case.missing_version)
        else:
            kinds = Absent | Failed if case.missing == "absent" else Failed
            expect(isinstance(answer, kinds), f"unknown version {version} gives {said(answer)}")


def metadata_is_read(case: Case) -> None:
    """``metadataPolicy: Fetch`` gives tags and no value, or fails."""
    bench = Bench(case, filled=False)
    name = case.names[0]
    bench.put(name, tags=TAGS)
    answer = bench.one(Get(key=case.key(name), metadata=True))
    read = bench.bytes_of(answer, "")
    if case.metadata:
        expect(isinstance(read, bytes), f"the metadata is {said(answer)}")
        expect(isinstance(read, bytes) and b"team" in read and b"red" in read, "the metadata does not hold the tags")
        expect(isinstance(read, bytes) and bench.text(name).encode() not in read, "the metadata holds the value")
    else:
        told = isinstance(answer, Failed) or read == bench.bytes_of(bench.one(bench.get(name)), "")
        expect(told, f"the metadata, which the provider does not have, is {said(answer)}")


# ---------------------------------------------------------------- find


def find_by_name(case: Case) -> None:
    """All that match and no others, over several pages; the values are those of a Get."""
    first_two, third = case.find_name
    query = Find(name=first_two, path=case.path or None)
    if "name" not in case.finds:
        return _unsupported(case, Find(name=first_two), "name")
    bench = _many(case)
    _finds(bench, query, [*_names(case)[:2], *_names(case)[3:]])
    _finds(bench, Find(name=third, path=case.path or None), [case.names[2]])
    _finds(bench, Find(name="^nothing-has-this-name$", path=case.path or None), [])
    answer = bench.one(Find(name="(", path=case.path or None))
    return expect(isinstance(answer, Failed) and isinstance(answer.failure, InvalidSpec), f"a wrong expression gives {said(answer)}")


def find_by_path(case: Case) -> None:
    """All below a path, and nothing below another."""
    if "path" not in case.finds:
        return _unsupported(case, Find(path="some/path"), "path")
    bench = _many(case)
    _finds(bench, Find(path=case.path), _names(case))
    values = bench.values(bench.one(Find(path="no/such/path")))
    return expect(not isinstance(values, dict) or not values, "something is found below a path that is not there")


def find_by_tags(case: Case) -> None:
    """All that carry the tags, and no others."""
    if "tags" not in case.finds:
        return _unsupported(case, Find(tags=(("team", "red"),)), "tags")
    bench = _many(case)
    for name in (case.names[0], case.names[2]):
        bench.put(name, tags={**TAGS, "stage": name.replace("/", "-")})
    path, tagged = case.path or None, [case.names[0], case.names[2]]
    _finds(bench, Find(tags=(("team", "red"),), path=path), tagged)
    both = (("team", "red"), ("stage", case.names[0].replace("/", "-")))
    _finds(bench, Find(tags=both, path=path), tagged if case.tags_any or not case.tag_values else [case.names[0]])
    _finds(bench, Find(tags=(("team", "blue"),), path=path), [] if case.tag_values else tagged)
    return None if case.tags_any else _finds(bench, Find(tags=(("crew", "red"),), path=path), [])


def _names(case: Case) -> list[str]:
    more = case.more if case.more is not None else lambda number: f"{case.names[0]}{number}"
    return [*case.names, *(more(number) for number in range(EXTRA_NAMES))]


def _many(case: Case) -> Bench:
    bench = Bench(case, filled=False)
    for name in _names(case):
        bench.put(name)
    return bench


def _finds(bench: Bench, query: Find, names: list[str]) -> None:
    case = bench.case
    answer = bench.one(query)
    if not names:
        nothing = isinstance(answer, Absent) or (isinstance(answer, Found) and not bench.values(answer))
        return expect(nothing, f"a find of nothing gives {said(answer)}")
    values = bench.values(answer)
    expect(isinstance(values, dict), f"a find gives {values}")
    assert isinstance(values, dict)
    wanted = {case.found(name): name for name in names}
    lacking, excess = sorted(set(wanted) - set(values)), sorted(set(values) - set(wanted))
    expect(not lacking and not excess, f"a find lacks {lacking[:3]} ({len(lacking)}) and has {excess[:3]} ({len(excess)}) too many")
    for found in sorted(wanted)[:4]:
        whole = bench.bytes_of(bench.one(bench.get(wanted[found])), "")
        expect(values[found] == whole, f"a find gives another value of {found} than a Get")
    return None


def _unsupported(case: Case, query: Find, by: str) -> None:
    answer = Bench(case).one(query)
    refused = isinstance(answer, Failed) and isinstance(answer.failure, InvalidSpec)
    expect(refused, f"a find by {by}, which the case does not have, gives {said(answer)}")


# ---------------------------------------------------------------- batches


def batches_are_equal_to_one_by_one(case: Case) -> None:
    """Many Gets in one conversation, one of them of a missing key, are answered as each alone."""
    bench = _many(case)
    names = [*case.names, UNKNOWN, *_names(case)[3:]][: max(2, min(case.provider.batch_max, BATCH_MOST))]
    if UNKNOWN not in names:
        names[-1] = UNKNOWN
    queries = [bench.get(name) for name in names]
    for told, asked in _conversations(bench, queries):
        for query in asked:
            alone, together = bench.one(query), told.result[query]
            expect(said(alone) == said(together), f"alone {said(alone)}, together {said(together)}")
            expect(bench.bytes_of(alone) == bench.bytes_of(together), "a value differs when it is read together with others")


def _conversations(bench: Bench, queries: list[Get]) -> list[tuple[Told, list[Get]]]:
    most = bench.case.provider.batch_max
    parts = [queries[start : start + most] for start in range(0, len(queries), most)]
    return [(bench.fetch(*part), part) for part in parts]


# ---------------------------------------------------------------- calls


def calls_are_as_few_as_told(case: Case) -> None:
    """No operation takes more calls than the table says."""
    counted = measured(case)
    over = [f"{name} takes {took} calls instead of {most}" for name, (took, most) in counted.items() if took > most]
    expect(not over, "; ".join(over))


def measured(case: Case) -> dict[str, tuple[int, int]]:
    """For each operation that reads: how many calls it took, and how many it may take."""
    bench, calls = Bench(case), case.calls
    get, probe = bench.fetch(bench.get(case.names[0])), bench.fetch(Probe())
    found = {"login": (get.logins, calls.login), "get": (_count(get), calls.get), "probe": (probe.count, calls.probe)}
    if "name" in case.finds:
        told = bench.fetch(Find(name=case.find_name[0], path=case.path or None))
        found["find"] = (_count(told), calls.find + 2 * (calls.found or 0))
    if calls.batch is not None:
        names = _names(case)[: calls.batch[0]]
        bench = _many(case)
        took = [_count(part) for part, _ in _conversations(bench, [bench.get(name) for name in names])]
        found["batch"] = (sum(took), calls.batch[1])
    return found


def _count(told: Told) -> int:
    failed = next((answer for answer in told.result.values() if not isinstance(answer, Found)), None)
    expect(failed is None, f"a question that is counted gives {said(failed)}")
    return told.count
