"""People (and other controllers) who change things while the operator works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET_STORE, Ref
from tests.sim.authors import Authors
from tests.sim.model import Store
from tests.sim.others import Others
from tests.sim.scenario import SHARED
from tests.sim.world import Tracked, World


class User:
    """Acts at random. Every act is one change of the cluster or of a backend; some find nothing to change."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.dice.user
        self._acts: tuple[tuple[int, Callable[[], str]], ...] = (
            (6, self._rotate),
            (3, self._remove_value),
            (4, self._restore_value),
            (4, self._edit_spec),
            (2, self._relabel),
            (2, self._delete_target),
            (2, self._delete_object),
            (4, self._create_object),
            (1, self._delete_store),
            (2, self._create_store),
            (1, self._break_credentials),
            (2, self._mend_credentials),
            (3, self._revert_spec),
            (2, self._rename_target),
            (2, self._change_policies),
            (1, self._admit),
        )
        self.others = Others(world)
        self.provoking: dict[str, tuple[tuple[str, float], ...]] = {  # acts, and after how many seconds, that lead to an effect
            "PUT secrets": (("edit_data", 3.0), ("edit_data", 5.0)),
            "PATCH secrets": (("take_the_managed_label", 3.0), ("take_the_managed_label", 5.0)),
            "DELETE secrets": (("delete_object", 3.0), ("delete_object", 5.0)),
            "PATCH events": (("touch_store", 2.0), ("touch_store", 3.0), ("touch_store", 4.0)),
        }
        self.authors = Authors(world, self._soon)
        templated = self.authors.acts if world.wishes.templated else ()
        self._acts = (*self._acts, *self.others.acts, *templated)

    def begin(self) -> None:
        """Stores, credentials, and most objects."""
        for store in self._world.stores.values():
            self._world.apply_credentials(store, fresh=True)
            if self._world.dice.seed % 8 == 5:
                self._world.lay_decoys(store)
            self._world.apply_store(store, fresh=True)
        self.authors.begin()
        for tracked in self._world.objects.values():
            if self._random.random() < (0.95 if self._world.dice.small else 0.8):
                self._create(tracked)

    def act(self) -> None:
        """One act."""
        weights = [weight for weight, _ in self._acts]
        [(_, act)] = self._random.choices(self._acts, weights)
        self._do(act)

    def do(self, name: str) -> None:
        """A certain act."""
        self._do(next(act for _, act in self._acts if act.__name__ == f"_{name}"))

    def _do(self, act: Callable[[], str]) -> None:
        name = act.__name__.removeprefix("_")
        self._world.counts(f"drawn act {name}")
        done = act()
        if done:
            self._world.counts(f"act {name}")
            self._world.say("user", done)

    @property
    def names(self) -> list[str]:
        """All acts."""
        return sorted({act.__name__.removeprefix("_") for _, act in (*self._acts, *self.authors.acts)})

    def _soon(self, name: str) -> None:
        """Perhaps it is undone in a moment."""
        if self._random.random() < 0.5:
            delay = self._random.choice((0.02, 1.0, 4.0))
            self._world.clock.after(delay, lambda: self.do(name) if self._world.swarm.on else None)

    # ------------------------------------------------------------ backends

    def _store(self) -> Store:
        return self._random.choice(list(self._world.stores.values()))

    def _rotate(self) -> str:
        store = self._store()
        return self.rotate(store, self._random.choice(sorted(store.values))) if store.values else ""

    def rotate(self, store: Store, key: str, *, alike: bool = False) -> str:
        """Give a key another value, ``alike``: with the same members."""
        held = store.values[key]
        kept = alike and not isinstance(held, str)
        store.put(key, {name: self._world.wishes.canary() for name in held} if kept else self._world.wishes.value(key))
        self._tell(store)
        return f"rotates {key} of {store.id.name}"

    def _remove_value(self) -> str:
        store = self._store()
        if not store.values:
            return ""
        keys = sorted(store.values)
        gone = keys if self._random.random() < 0.2 else [self._random.choice(keys)]
        for key in gone:
            store.put(key, None)
        self._tell(store)
        return f"removes {gone} of {store.id.name}"

    def _restore_value(self) -> str:
        store = self._store()
        missing = [key for key in self._world.wishes.keys(store.id.provider) if key not in store.values]
        if not missing:
            return ""
        key = self._random.choice(missing)
        store.put(key, self._world.wishes.value(key))
        self._tell(store)
        return f"restores {key} of {store.id.name}"

    def _tell(self, store: Store) -> None:
        """The fake provider keeps its values in the store object."""
        if store.id.provider == "fake":
            self._world.apply_store(store)

    # ------------------------------------------------------------ stores

    def _delete_store(self) -> str:
        self._soon("create_store")
        return self.withdraw(self._store())

    def withdraw(self, store: Store) -> str:
        """Delete a store."""
        store.exists = False
        self._world.delete(Ref(SECRET_STORE if store.id.namespace else CLUSTER_SECRET_STORE, store.id.namespace, store.id.name))
        return f"deletes store {store.id.name}"

    def _create_store(self) -> str:
        weather, stores = self._world.weather, self._world.stores.values()
        gone = [s for s in stores if not s.exists and weather.served(s.plural) and s.id.namespace not in weather.ending]
        if not gone:
            return ""
        return self.restore(self._random.choice(gone))

    def restore(self, store: Store) -> str:
        """Create a store again."""
        store.exists = True
        self._world.apply_store(store)
        return f"creates store {store.id.name}"

    def _admit(self) -> str:
        """Change which namespaces may use a cluster store."""
        store = self._store()
        if store.id.namespace or not store.exists:
            return ""
        store.admits = self._random.choice((None, self._world.namespaces[:1], self._world.namespaces))
        self._world.apply_store(store)
        return f"admits {store.admits} to {store.id.name}"

    def _break_credentials(self) -> str:
        store = self._store()
        if self._world.credentials_of(store) in self._world.weather.ending:
            return ""
        self._soon("mend_credentials")
        store.held = self._random.choice((None, self._world.wishes.canary()))
        self._world.apply_credentials(store)
        return f"breaks the credentials of {store.id.name}"

    def _mend_credentials(self) -> str:
        ending = self._world.weather.ending
        broken = [s for s in self._world.stores.values() if s.held != s.secret_id and self._world.credentials_of(s) not in ending]
        if not broken:
            return ""
        return self.mend(self._random.choice(broken))

    def mend(self, store: Store) -> str:
        """Put the right credentials in place."""
        store.held = store.secret_id
        self._world.apply_credentials(store)
        return f"mends the credentials of {store.id.name}"

    # ------------------------------------------------------------ objects

    def _alive(self) -> Tracked | None:
        ending = self._world.weather.ending
        living = [tracked for tracked in self._world.objects.values() if tracked.alive and tracked.namespace not in ending]
        return self._random.choice(living) if living else None

    def _create(self, tracked: Tracked) -> str:
        world = self._world
        if self._is_there(tracked) or tracked.namespace in world.weather.ending or not world.weather.served("externalsecrets"):
            return ""  # an earlier life is still ending
        wanted = world.wishes.wanted(tracked.name, tracked.namespace, list(world.stores.values()))
        if wanted.creation == "Merge" and self._random.random() < 0.7:
            self._make_target(tracked.namespace, wanted.target)
        world.apply_object(tracked, wanted, fresh=True)
        return f"creates {tracked.name}: {wanted}"

    def _is_there(self, tracked: Tracked) -> bool:
        return self._world.server.read(Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name)) is not None

    def _make_target(self, namespace: str, name: str) -> None:
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": {"mine": "eA=="}}
        self._world.apply(manifest)

    def _create_object(self) -> str:
        gone = [tracked for tracked in self._world.objects.values() if not tracked.alive]
        return self._create(self._random.choice(gone)) if gone else ""

    def _edit_spec(self) -> str:
        tracked = self._alive()
        if tracked is None:
            return ""
        wanted = self._world.wishes.wanted(tracked.name, tracked.namespace, list(self._world.stores.values()))
        if self._random.random() < 0.5:
            wanted = replace(tracked.wanted, entries=wanted.entries)
        self._world.apply_object(tracked, wanted)
        self._soon("revert_spec")
        return f"edits {tracked.name}: {wanted}"

    def _revert_spec(self) -> str:
        """Back to the spec before."""
        tracked = self._alive()
        if tracked is None or len(tracked.specs) < 2 or tracked.specs[-2] == tracked.wanted:
            return ""
        self._world.apply_object(tracked, tracked.specs[-2])
        return f"reverts {tracked.name}: {tracked.wanted}"

    def _rename_target(self) -> str:
        """Another target, and back after a moment."""
        tracked = self._alive()
        if tracked is None or tracked.wanted.target == SHARED:
            return ""
        before = tracked.wanted
        self._world.apply_object(tracked, replace(before, target=f"{tracked.name}-t{self._random.randint(1, 3)}"))
        if self._random.random() < 0.5:
            delay = self._random.choice((0.01, 1.0, 5.0))
            self._world.clock.after(delay, lambda: self._world.apply_object(tracked, before) if self._may_edit(tracked) else None)
        return f"renames the target of {tracked.name}: {tracked.wanted.target}"

    def _may_edit(self, tracked: Tracked) -> bool:
        return tracked.alive and self._world.weather.served("externalsecrets") and self._world.swarm.on

    def _change_policies(self) -> str:
        tracked = self._alive()
        if tracked is None:
            return ""
        creation = self._random.choice(("Owner", "Owner", "Orphan", "CreateOrMerge", "Merge", "None"))
        deletion = self._random.choice(("Retain", "Merge", *(("Delete",) if creation == "Owner" else ())))
        target = f"{tracked.name}-t1" if tracked.wanted.target == SHARED else tracked.wanted.target
        self._world.apply_object(tracked, replace(tracked.wanted, creation=creation, deletion=deletion, target=target))
        return f"changes the policies of {tracked.name}: {tracked.wanted}"

    def _relabel(self) -> str:
        tracked = self._alive()
        if tracked is None:
            return ""
        self._world.apply_object(tracked, replace(tracked.wanted, label=self._world.wishes.canary().removeprefix("CANARY")))
        return f"relabels {tracked.name}"

    def _delete_object(self) -> str:
        tracked = self._alive()
        return self.remove(tracked) if tracked is not None else ""

    def remove(self, tracked: Tracked) -> str:
        """Delete an ExternalSecret. Garbage collection comes later."""
        tracked.alive = False
        self._world.delete(Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name))
        self._world.collect_garbage_soon()
        return f"deletes {tracked.name}"

    # ------------------------------------------------------------ targets

    def _delete_target(self) -> str:
        seen = self.others.target()
        if seen is None:
            return ""
        self._world.delete(seen[0])
        self._world.checks.touched()
        return f"deletes {seen[0]}"
