"""What the target of an ExternalSecret should hold, computed from the model alone. Shares no code with the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from tests.sim.model import Entry, Store, StoreId, Value, Wanted, text
from tests.sim.templates import EVERY, Given, Held, Layout, Texts, explains, made, unrolled

MERGING = ("Merge", "CreateOrMerge")
FAILING = ("failed", "unrendered")
Stores = Mapping[StoreId, Store]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``state``: synced (with ``data``, ``labels`` and ``annotations``), retained, deleted, failed, unrendered."""

    state: str
    data: Mapping[str, Given] | None = None
    labels: Mapping[str, Given] = field(default_factory=dict)
    annotations: Mapping[str, Given] = field(default_factory=dict)


ABSENT = "absent"
ERROR = "error"
Yield = dict[str, str] | str


def expected(wanted: Wanted, texts: Texts, stores: Stores) -> Verdict:
    """The verdict on ``wanted`` as the backends, and the ConfigMap of its namespace, are now."""
    namespace = texts.namespace
    used = [stores[entry.store] for entry in wanted.entries]
    if any(not s.usable or (s.admits is not None and namespace not in s.admits) for s in used):
        return Verdict("failed")
    data: dict[str, str] = {}
    for entry in wanted.entries:
        got = yields(entry, stores[entry.store].values)
        if got == ERROR or (got == ABSENT and wanted.deletion == "Retain"):
            return Verdict("failed")
        data |= got if isinstance(got, dict) else {}
    if not data and wanted.deletion == "Retain":
        return Verdict("retained")
    if not data and wanted.deletion == "Delete":
        return Verdict("deleted" if wanted.creation == "Owner" else "failed")
    if wanted.template is None or wanted.creation == "None":
        return Verdict("synced", data)
    found = made(wanted.template, texts.held, data)
    return Verdict("synced", found["Data"], found["Labels"], found["Annotations"]) if found is not None else Verdict("unrendered")


def yields(entry: Entry, values: Mapping[str, Value]) -> Yield:
    """What one entry gives."""
    if entry.part == "find":
        names = [name for name in values if entry.finds(name)]
        if not values and entry.store.provider == "vault":
            return ABSENT  # an empty mount
        return {entry.prefix + name: text(values[name]) for name in names}
    value = values.get(entry.key)
    if value is None:
        return ABSENT
    return _inside(entry, value)


def _inside(entry: Entry, value: Value) -> Yield:
    if entry.part == "extract":
        return ERROR if isinstance(value, str) else {entry.prefix + key: item for key, item in value.items()}
    if not entry.property:
        return {entry.secret_key: text(value)}
    found = value.get(entry.property) if not isinstance(value, str) else None
    if found is not None:
        return {entry.secret_key: found}
    return ERROR if entry.store.provider == "vault" else ABSENT


# ---------------------------------------------------------------- what may ever be written


def legal(wanted: Wanted, texts: Texts, stores: Stores, data: Mapping[str, str]) -> str:
    """Why ``data`` cannot come from ``wanted`` and any mix of states that the backends were in; ``""`` when it can.

    Every value was once its entry's, and no entry that always gave values is left out. What a template has made, it has made of such
    values; all texts of a ConfigMap are of one time.
    """
    extra_may_be = wanted.creation in MERGING
    if wanted.template is None:
        return _provided_fault(wanted, stores, data, extra_may_be=extra_may_be)
    faults = [_templates_fault(wanted, wanted.template, held, stores, data) for held in (texts.past if wanted.template.items else (None,))]
    return "" if "" in faults else next((fault for fault in reversed(faults) if fault != NO_TEXTS), NO_TEXTS)


NO_TEXTS = "the texts of its templates were never there"


def _templates_fault(wanted: Wanted, layout: Layout, held: Held | None, stores: Stores, data: Mapping[str, str]) -> str:
    spots = layout.spots(held)
    if spots is None:
        return NO_TEXTS
    possible = _possible(wanted, stores)
    formulas = {key: formula for target, key, formula in spots if target == "Data"}
    for key, formula in formulas.items():
        if key not in data:
            return f"the template of {key} is left out"
        if EVERY in formula.reads:
            fault = _provided_fault(wanted, stores, unrolled(data[key]))
        else:
            fault = "" if explains(formula, possible, data[key]) else "no value explains it"
        if fault:
            return f"{key} cannot be {data[key]!r}, made by {formula.text}: {fault}"
    extra_may_be = wanted.creation in MERGING
    if not layout.replaces:
        return _provided_fault(wanted, stores, data, hidden=formulas.keys(), extra_may_be=extra_may_be)
    extra = data.keys() - formulas.keys()
    return f"keys {sorted(extra)} come from no template" if extra and not extra_may_be else ""


def _possible(wanted: Wanted, stores: Stores) -> dict[str, list[str | None]]:
    """What the values may have been when templates were given them; ``None`` where one may not have been there."""
    possible: dict[str, list[str | None]] = {}
    for entry in wanted.entries:
        store = stores[entry.store]
        if entry.part == "find":
            for name, past in store.past.items():
                if entry.finds(name):
                    possible.setdefault(entry.prefix + name, []).extend(None if value is None else text(value) for value in past)
            continue
        given = [got if isinstance(got, dict) else {} for got in _past(entry, store)]
        for key in dict.fromkeys(key for got in given for key in got):
            possible.setdefault(key, []).extend(got.get(key) for got in given)
    return {key: list(dict.fromkeys(values)) for key, values in possible.items()}


def _provided_fault(
    wanted: Wanted, stores: Stores, data: Mapping[str, str], *, hidden: Set[str] = frozenset(), extra_may_be: bool = False
) -> str:
    """``hidden``: keys that hold something else."""
    explained: set[str] = set(hidden)
    for entry in wanted.entries:
        possible = list(_past(entry, stores[entry.store]))
        if entry.part == "find":
            fault = _find_fault(entry, stores[entry.store], data, explained)
        else:
            fault = _fault(entry, possible, wanted, data, explained)
        if fault:
            return fault
    extra = data.keys() - explained
    return f"keys {sorted(extra)} come from nowhere" if extra and not extra_may_be else ""


def _past(entry: Entry, store: Store) -> Iterator[Yield]:
    for value in store.past.get(entry.key, [None]):
        yield ABSENT if value is None else _inside(entry, value)


def _fault(entry: Entry, possible: list[Yield], wanted: Wanted, data: Mapping[str, str], explained: set[str]) -> str:
    for got in possible:
        if isinstance(got, dict):
            explained.update(key for key, value in got.items() if data.get(key) == value)
    if any(isinstance(got, dict) and got.keys() <= data.keys() for got in possible):
        return ""
    if wanted.deletion != "Retain" and ABSENT in possible:
        return ""
    return f"entry {entry.part} {entry.key} {entry.property} has always had a value, and is left out"


def _find_fault(entry: Entry, store: Store, data: Mapping[str, str], explained: set[str]) -> str:
    for name, past in store.past.items():
        if not entry.finds(name):
            continue
        key = entry.prefix + name
        explained.update(key for value in past if value is not None and data.get(key) == text(value))
        if None not in past and key not in data:
            return f"{name} was always there, and find leaves it out"
    return ""


def may_vanish(wanted: Wanted, stores: Stores) -> bool:
    """Whether the backends once had none of the values, under a policy that then deletes the target."""
    if wanted.deletion != "Delete" or wanted.creation != "Owner":
        return False
    return all(_may_be_empty(entry, stores[entry.store]) for entry in wanted.entries)


def _may_be_empty(entry: Entry, store: Store) -> bool:
    if entry.part == "find":
        return all(None in past for name, past in store.past.items() if entry.finds(name))
    return any(got in (ABSENT, {}) for got in _past(entry, store))


def any_of(specs: list[Wanted], test: Callable[[Wanted], bool]) -> bool:
    """Whether one of the specs an object has had passes."""
    return any(test(spec) for spec in specs)
