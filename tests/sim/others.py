"""Other controllers and people who write to targets, stores and ExternalSecrets. Each writes one field, as its owner."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import orjson

from eso_core.refs import CLUSTER_SECRET_STORE, CONFIG_MAP, EXTERNAL_SECRET, SECRET, SECRET_STORE, Ref
from eso_core.target import MANAGED_LABEL
from eso_core.wire import MERGE_PATCH, KubeCall
from tests.sim.world import USER, Tracked, World

HOLD = "example.com/hold"  # a finalizer
FIGHTS_MAX, FIGHTS_SMALL = 20, 6  # writes of a controller that fights for the data; in small runs


class Others:
    """``acts``: with their weights."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.dice.user
        self._fights = 0
        self.acts: tuple[tuple[int, Callable[[], str]], ...] = (
            (3, self._edit_data),
            (1, self._label_target),
            (1, self._annotate_target),
            (1, self._take_the_managed_label),
            (1, self._take_the_owner),
            (1, self._add_owner),
            (1, self._control),
            (1, self._make_immutable),
            (1, self._hold),
            (2, self._touch_store),
            (1, self._wipe_status),
            (1, self._annotate_object),
        )

    def target(self) -> tuple[Ref, dict[str, Any]] | None:
        """The target of some living object, if there is one."""
        living = [t for t in self._world.objects.values() if t.alive]
        tracked = self._random.choice(living) if living else None
        ref = Ref(SECRET, tracked.namespace, tracked.wanted.target) if tracked is not None else None
        found = self._world.server.read(ref) if ref is not None else None
        return (ref, found) if ref is not None and found is not None else None

    def patch(self, ref: Ref, change: dict[str, Any], path: str = "") -> str:
        """A merge patch; the API server may refuse it."""
        call = KubeCall(method="PATCH", path=ref.path + path, body=orjson.dumps(change), content_type=MERGE_PATCH)
        status = self._world.server.handle(call, self._world.wall, USER).status
        self._world.checks.stirred()
        if ref.kind == SECRET:
            self._world.checks.touched()
        return f"patches {ref}{path}: {change}" if status < 300 else ""

    def _patch_target(self, change: dict[str, Any]) -> str:
        seen = self.target()
        return self.patch(seen[0], change) if seen is not None else ""

    # ------------------------------------------------------------ targets

    def _edit_data(self) -> str:
        seen = self.target()
        if seen is None:
            return ""
        ref, found = seen
        held = sorted(found.get("data") or {})
        edits: list[dict[str, str | None]] = [{"mine": _b64("x")}]
        if held:
            key = self._random.choice(held)
            edits += [{key: _b64("y")}, {key: None}]
        return self.patch(ref, {"data": self._random.choice(edits)})

    def _label_target(self) -> str:
        return self._patch_target({"metadata": {"labels": {"mine": self._random.choice(("1", "2"))}}})

    def _annotate_target(self) -> str:
        return self._patch_target({"metadata": {"annotations": {"mine": self._random.choice(("1", "2"))}}})

    def _take_the_managed_label(self) -> str:
        return self._patch_target({"metadata": {"labels": {MANAGED_LABEL: None}}})

    def _take_the_owner(self) -> str:
        return self._patch_target({"metadata": {"ownerReferences": None}})

    def _add_owner(self) -> str:
        return self._own(controller=False)

    def _control(self) -> str:
        """Another controller takes a target that is nobody's."""
        return self._own(controller=True)

    def _own(self, *, controller: bool) -> str:
        seen = self.target()
        if seen is None:
            return ""
        ref, found = seen
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": ref.namespace}}
        self._world.server.apply(made, self._world.wall, USER)
        other = self._world.server.read(Ref(CONFIG_MAP, ref.namespace, "other"))
        owners = found["metadata"].get("ownerReferences", [])
        if other is None or (controller and any(owner.get("controller") for owner in owners)):
            return ""
        held = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": other["metadata"]["uid"]}
        return self.patch(ref, {"metadata": {"ownerReferences": [*owners, {**held, **({"controller": True} if controller else {})}]}})

    def _make_immutable(self) -> str:
        return self._patch_target({"immutable": True})

    def _hold(self) -> str:
        return self._patch_target({"metadata": {"finalizers": [HOLD]}})

    def fight(self) -> None:
        """A controller that writes the data back, again and again, and then stops."""
        self._fights = FIGHTS_SMALL if self._world.dice.small else FIGHTS_MAX
        self._strike()

    def _strike(self) -> None:
        if self._fights <= 0 or not self._world.swarm.on:
            return
        self._fights -= 1
        if self._patch_target({"data": {"theirs": _b64(str(self._fights))}}):
            self._world.counts("fault world fight")
        self._world.clock.after(self._random.choice((0.02, 0.3, 1.0)), self._strike)

    # ------------------------------------------------------------ stores and objects

    def _touch_store(self) -> str:
        there = [store for store in self._world.stores.values() if store.exists]
        if not there:
            return ""
        store = self._random.choice(there)
        ref = Ref(SECRET_STORE if store.id.namespace else CLUSTER_SECRET_STORE, store.id.namespace, store.id.name)
        field = self._random.choice(("labels", "annotations"))
        return self.patch(ref, {"metadata": {field: {"touched": self._random.choice(("1", "2", "3"))}}})

    def _object(self) -> Tracked | None:
        living = [t for t in self._world.objects.values() if t.alive and self._world.weather.served("externalsecrets")]
        return self._random.choice(living) if living else None

    def _wipe_status(self) -> str:
        """As a restore from a backup does."""
        tracked = self._object()
        if tracked is None:
            return ""
        return self.patch(Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name), {"status": None}, "/status")

    def _annotate_object(self) -> str:
        tracked = self._object()
        if tracked is None:
            return ""
        change = {"metadata": {"annotations": {"touched": self._random.choice(("1", "2", "3"))}}}
        return self.patch(Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name), change)

    # ------------------------------------------------------------ calm

    def stop(self) -> None:
        """Whoever holds a Secret lets it go: finalizers and foreign controllers are taken away, immutable Secrets deleted."""
        world = self._world
        for found in world.server.objects(SECRET):
            meta = found["metadata"]
            ref = Ref(SECRET, meta["namespace"], meta["name"])
            if meta.get("finalizers"):
                self.patch(ref, {"metadata": {"finalizers": None}})
            owners = meta.get("ownerReferences", [])
            if any(owner["kind"] == "ConfigMap" and owner.get("controller") for owner in owners):
                self.patch(ref, {"metadata": {"ownerReferences": [o for o in owners if o["kind"] != "ConfigMap"] or None}})
            if found.get("immutable"):
                world.delete(ref)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
