"""People (and other controllers) who change things while the operator works."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Ref
from eso_core.target import MANAGED_LABEL
from eso_core.wire import MERGE_PATCH, KubeCall
from tests.sim.model import Store
from tests.sim.world import USER, Tracked, World


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
            (2, self._edit_target),
            (2, self._delete_target),
            (2, self._delete_object),
            (4, self._create_object),
            (1, self._delete_store),
            (2, self._create_store),
            (1, self._break_credentials),
            (2, self._mend_credentials),
        )

    def begin(self) -> None:
        """Stores, credentials, and most objects."""
        for store in self._world.stores.values():
            self._world.apply_credentials(store)
            self._world.apply_store(store)
        for tracked in self._world.objects.values():
            if self._random.random() < 0.8:
                self._create(tracked)

    def act(self) -> None:
        """One act."""
        weights = [weight for weight, _ in self._acts]
        [(_, act)] = self._random.choices(self._acts, weights)
        done = act()
        if done:
            self._world.say("user", done)

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
        return self.withdraw(self._store())

    def withdraw(self, store: Store) -> str:
        """Delete a store."""
        store.exists = False
        self._world.delete(Ref(SECRET_STORE if store.id.namespace else CLUSTER_SECRET_STORE, store.id.namespace, store.id.name))
        return f"deletes store {store.id.name}"

    def _create_store(self) -> str:
        gone = [store for store in self._world.stores.values() if not store.exists]
        if not gone:
            return ""
        return self.restore(self._random.choice(gone))

    def restore(self, store: Store) -> str:
        """Create a store again."""
        store.exists = True
        self._world.apply_store(store)
        return f"creates store {store.id.name}"

    def _break_credentials(self) -> str:
        store = self._store()
        store.held = self._random.choice((None, self._world.wishes.canary()))
        self._world.apply_credentials(store)
        return f"breaks the credentials of {store.id.name}"

    def _mend_credentials(self) -> str:
        broken = [store for store in self._world.stores.values() if store.held != store.secret_id]
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
        living = [tracked for tracked in self._world.objects.values() if tracked.alive]
        return self._random.choice(living) if living else None

    def _create(self, tracked: Tracked) -> str:
        world = self._world
        if self._is_there(tracked):
            return ""  # an earlier life is still ending
        wanted = world.wishes.wanted(tracked.name, tracked.namespace, list(world.stores.values()))
        if wanted.creation == "Merge" and self._random.random() < 0.7:
            self._make_target(tracked.namespace, wanted.target)
        world.apply_object(tracked, wanted)
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
        return f"edits {tracked.name}: {wanted}"

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

    def _target(self) -> tuple[Ref, dict[str, Any]] | None:
        tracked = self._alive()
        ref = Ref(SECRET, tracked.namespace, tracked.wanted.target) if tracked is not None else None
        found = self._world.server.read(ref) if ref is not None else None
        return (ref, found) if ref is not None and found is not None else None

    def _delete_target(self) -> str:
        seen = self._target()
        if seen is None:
            return ""
        self._world.delete(seen[0])
        return f"deletes {seen[0]}"

    def _edit_target(self) -> str:
        seen = self._target()
        if seen is None:
            return ""
        ref, found = seen
        name, patch = self._random.choice(self._edits(found))
        body = orjson.dumps(patch)
        self._world.server.handle(KubeCall(method="PATCH", path=ref.path, body=body, content_type=MERGE_PATCH), self._world.wall, USER)
        return f"{name} of {ref}"

    def _edits(self, found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        held = sorted(found.get("data") or {})
        edits: list[tuple[str, dict[str, Any]]] = [
            ("adds a key", {"data": {"mine": base64.b64encode(b"x").decode()}}),
            ("adds a label", {"metadata": {"labels": {"mine": "1"}}}),
            ("removes the managed label", {"metadata": {"labels": {MANAGED_LABEL: None}}}),
            ("removes the owner", {"metadata": {"ownerReferences": None}}),
        ]
        if held:
            key = self._random.choice(held)
            edits.append((f"overwrites {key}", {"data": {key: base64.b64encode(b"y").decode()}}))
            edits.append((f"removes {key}", {"data": {key: None}}))
        return edits
