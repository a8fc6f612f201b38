"""Random stores, values and ExternalSecrets: the beginning of a run, and every later wish of the user."""

from __future__ import annotations

from random import Random

from tests.sim import templates
from tests.sim.model import CANARY, Entry, Store, StoreId, Value, Wanted, tag_of
from tests.sim.templates import ITEMS, LITERAL, MAPPED, Formula, Held, Layout, Lines

NAMESPACES = ("ns-a", "ns-b", "ns-c")
PLAIN, OBJECTS = ("p1", "p2"), ("j1", "j2", "j3")  # keys of plain values, and of objects
CREATIONS = ("Owner",) * 16 + ("Orphan", "Orphan", "CreateOrMerge", "Merge", "None")
INTERVALS = (45, 60, 60, 120, 300, 3600, 0)
SHORT = (20, 30, 60, 60, 60, 3600, 0)  # of small runs
SHARED = "shared"  # a target that several objects may want to own
REFRESHES = ("Periodic",) * 8 + ("OnChange", "CreatedOnce")
TEMPLATED = 0.25  # of all runs have templates; where there are, most objects have


class Wishes:
    """A source of wishes. Every value it makes is new, and carries the canary."""

    def __init__(self, random: Random, authors: Random, *, small: bool, aim: str = "") -> None:
        """``authors``: of templates. ``aim``: an effect that the operator should have a reason for."""
        self.random = random
        self.authors = authors
        self.templated = aim in NEED_TEMPLATES or authors.random() < TEMPLATED
        self._aim = aim
        self._small = small
        self._count = 0

    def canary(self) -> str:
        """A text that was never used before."""
        self._count += 1
        return f"{CANARY}{self._count}"

    def value(self, key: str) -> Value:
        """A value of the shape that the key stands for."""
        if key in PLAIN:
            return self.canary()
        names = self.random.choice((("a", "b"), ("a", "b"), ("a", "b", "c"), ("a",)))
        return {name: self.canary() for name in names}

    def namespaces(self) -> tuple[str, ...]:
        """One to three namespaces."""
        return NAMESPACES[: 1 if self._small and self.random.random() < 0.8 else self.random.randint(1, 3)]

    def store(self, number: int, namespaces: tuple[str, ...]) -> Store:
        """A store with some values."""
        random = self.random
        namespace = "" if random.random() < 0.3 else random.choice(namespaces)
        if self._aim.endswith("stores/status"):
            namespace = "" if "cluster" in self._aim else namespaces[0]
        called = self._aim in ("login", "fetch")
        provider = random.choice(("vault", "vault", "batch") if called else ("fake", "fake", "vault", "vault", "batch"))
        store = Store(StoreId(namespace, f"st{number}", provider), secret_id=self.canary())
        store.held = store.secret_id
        if not namespace and len(namespaces) > 1 and random.random() < 0.4:
            store.admits = namespaces[:-1]
        for key in self.keys(provider):
            if random.random() < 0.85:
                store.past[key] = []
                if random.random() < 0.3:
                    store.put(key, self.value(key))  # an earlier value, which a replica may still have
                store.put(key, self.value(key))
        store.retries = random.choice((0, 0, 2))
        return store

    def keys(self, provider: str) -> tuple[str, ...]:
        """The keys that a backend of this kind may have."""
        return (*PLAIN, *OBJECTS) if provider == "fake" else OBJECTS

    def wanted(self, name: str, namespace: str, stores: list[Store]) -> Wanted:
        """An ExternalSecret's spec."""
        random = self.random
        usable = [s for s in stores if s.id.namespace in ("", namespace)]
        entries = [self._entry(random.choice(usable).id) for _ in range(random.choice((1, 1, 2) if self._small else (1, 1, 2, 3)))]
        entries.sort(key=lambda entry: entry.part == "data")
        creation = random.choice(CREATIONS)
        deletion = random.choice(("Retain", "Retain", "Merge", *(("Delete",) * 2 if creation == "Owner" else ())))
        if self._aim in ("DELETE secrets", "PATCH externalsecrets"):
            creation, deletion = "Owner", "Delete"
        if self._aim == "GET secrets":
            creation, deletion = random.choice(("CreateOrMerge", "Merge")), "Retain"
        target = name if random.random() < 0.8 else f"{name}-t{random.randint(1, 3)}"
        return Wanted(
            entries=tuple(entries),
            target=SHARED if creation == "Owner" and not self._aim and random.random() < 0.08 else target,
            creation=creation,
            deletion=deletion,
            refresh=random.choice(REFRESHES),
            interval_s=random.choice(SHORT if self._small else INTERVALS),
            label=str(random.randint(0, 9)),
            template=self.layout(tuple(entries)) if self.templated and self.authors.random() < 0.9 else None,
        )

    # ------------------------------------------------------------ templates

    def layout(self, entries: tuple[Entry, ...]) -> Layout:
        """A template for the values of ``entries``."""
        random = self.authors
        names = names_of(entries)
        literal, target = None, "Data"
        if random.random() < 0.25:
            keys, target = random.sample(LITERAL, random.choice((1, 2, 3))), random.choice(("Data", "Data", "Annotations"))
            literal = Lines(tuple((key, self.formula(names) if target == "Data" else templates.tag(random, names[0])) for key in keys))
        long_ = self._aim == "work"
        data = tuple((key, self.formula(names)) for key in random.choice((("t1",), ("t1", "t2"), ("t1", "k1"), ("k1",), ())))
        return Layout(
            data=(*data, ("t2", templates.long_one(names[0]))) if long_ and "t2" not in dict(data) else data,
            merge=random.random() < 0.4,
            labels=(("tl", templates.tag(random, names[0])),) if random.random() < 0.3 else (),
            annotations=(("ta", templates.tag(random, names[-1])),) if random.random() < 0.3 else (),
            items=random.choice((("v",), ("kv",), ITEMS)) if self._aim == "GET configmaps" or random.random() < 0.35 else (),
            literal=literal,
            literal_target=target,
        )

    def formula(self, names: list[str]) -> Formula:
        """A template of some of the values ``names``."""
        random = self.authors
        a, b = random.choice(names), random.choice(names)
        sort = random.random()
        if sort < 0.03:
            return templates.failing(random, a)
        if sort < 0.18:
            return templates.random_one(random, a)
        if sort < 0.32:
            return templates.long_one(a)
        return templates.steady(random, a, b)

    def texts(self, *, bad: bool = False) -> Held:
        """What a ConfigMap holds: for objects that nobody knows, so most of it gives something whatever there is."""
        random = self.authors
        names = ["k1", "k2", "a", "x_a", "j1"]

        def formula() -> Formula:
            if bad:
                return templates.failing(random, random.choice(names))
            return self.formula(names) if random.random() < 0.2 else templates.tolerant(random, random.choice(names), random.choice(names))

        lines = Lines(tuple((key, formula()) for key in MAPPED[: random.choice((1, 2))]))
        held: Held = {"v": formula(), "kv": lines}
        return {"v": templates.tolerant(random, "k1", "a")} if bad and random.random() < 0.2 else held

    # ------------------------------------------------------------ entries

    def _entry(self, store: StoreId) -> Entry:
        random = self.random
        keys = self.keys(store.provider)
        part = random.choice(("data", "data", "data", "extract", "find"))
        prefix = random.choice(("", "", "x_"))
        if part == "find" and store.provider == "batch" and random.random() < 0.5:
            return Entry(part, store, "", prefix=prefix, tag=random.choice(("red", "blue", "absent")))
        if part == "find":
            return Entry(part, store, random.choice(("j", "j1", keys[0][0])), prefix=prefix)
        if part == "extract":
            return Entry(part, store, random.choice(OBJECTS), prefix=prefix)
        key = random.choice(keys)
        inside = random.choice(("", "a", "a", "b", "c")) if key in OBJECTS else ""
        return Entry(part, store, key, property=inside, secret_key=random.choice(("k1", "k2", "k3")))


NEED_TEMPLATES = ("GET configmaps", "work")  # effects that there are only with templates


def names_of(entries: tuple[Entry, ...]) -> list[str]:
    """The keys that the entries may give, most of them."""
    names: list[str] = []
    for entry in entries:
        if entry.part == "data":
            names.append(entry.secret_key)
        elif entry.part == "extract":
            names += [entry.prefix + "a", entry.prefix + "b"]
        else:
            found = [key for key in OBJECTS if (tag_of(key) == entry.tag if entry.tag else key.startswith(entry.key))]
            names += [entry.prefix + key for key in found]
    return names or ["k1"]
