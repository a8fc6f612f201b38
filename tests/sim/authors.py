"""People who write templates: in objects, and in the ConfigMap that each namespace has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from eso_core.refs import CONFIG_MAP, Ref
from tests.sim import templates
from tests.sim.oracle import expected
from tests.sim.scenario import names_of
from tests.sim.templates import TEXTS, Texts
from tests.sim.world import Tracked, World


class Authors:
    """``acts``: with their weights. Nobody acts where there are no templates."""

    def __init__(self, world: World, undo: Callable[[str], None]) -> None:
        """``undo``: perhaps an act of this name follows in a moment."""
        self._world = world
        self._random = world.dice.user
        self._undo = undo
        self.acts: tuple[tuple[int, Callable[[], str]], ...] = (
            (5, self._edit_template),
            (6, self._break_template),
            (4, self._edit_texts),
            (4, self._break_texts),
            (4, self._delete_texts),
            (6, self._restore_texts),
        )

    def begin(self) -> None:
        """Most ConfigMaps are there."""
        for texts in self._world.texts.values():
            if self._world.wishes.templated and self._random.random() < 0.9:
                self._world.apply_texts(texts, self._world.wishes.texts())

    # ------------------------------------------------------------ objects

    def _object(self) -> Tracked | None:
        world = self._world
        living = [
            tracked
            for tracked in world.objects.values()
            if tracked.alive and tracked.wanted.template is not None and tracked.namespace not in world.weather.ending
        ]
        return self._random.choice(living) if living else None

    def _edit_template(self) -> str:
        tracked = self._object()
        if tracked is None:
            return ""
        self._world.apply_object(tracked, replace(tracked.wanted, template=self._world.wishes.layout(tracked.wanted.entries)))
        return f"edits the template of {tracked.name}: {tracked.wanted}"

    def _break_template(self) -> str:
        """One that fails, and the spec before in a moment, perhaps."""
        tracked = self._object()
        if tracked is None:
            return ""
        layout = tracked.wanted.template
        assert layout is not None
        wrong = templates.failing(self._random, self._random.choice(names_of(tracked.wanted.entries)))
        where = self._random.choice(("data", "labels"))
        broken = replace(layout, data=(("t1", wrong),)) if where == "data" else replace(layout, labels=(("tl", wrong),))
        self._world.apply_object(tracked, replace(tracked.wanted, template=broken))
        self._undo("revert_spec")
        return f"breaks the template of {tracked.name}: {wrong.text}"

    # ------------------------------------------------------------ ConfigMaps

    def _texts(self, *, there: bool) -> Texts | None:
        """One that is used, if there is one."""
        world = self._world
        users = {t.namespace for t in world.objects.values() if t.alive and t.wanted.template is not None and t.wanted.template.items}
        found = [t for t in world.texts.values() if (t.held is not None) == there and t.namespace not in world.weather.ending]
        return self._random.choice([t for t in found if t.namespace in users] or found) if found else None

    def _edit_texts(self) -> str:
        texts = self._texts(there=True)
        if texts is None:
            return ""
        self._world.apply_texts(texts, self._world.wishes.texts())
        return f"edits the texts of {texts.namespace}: {texts.held}"

    def _break_texts(self) -> str:
        texts = self._texts(there=True)
        if texts is None:
            return ""
        self._world.apply_texts(texts, self._world.wishes.texts(bad=True))
        self._undo("edit_texts")
        return f"breaks the texts of {texts.namespace}: {texts.held}"

    def _delete_texts(self) -> str:
        texts = self._texts(there=True)
        if texts is None:
            return ""
        self._world.apply_texts(texts, None)
        self._undo("restore_texts")
        return f"deletes {Ref(CONFIG_MAP, texts.namespace, TEXTS)}"

    def _restore_texts(self) -> str:
        """As it was last, or anew."""
        texts = self._texts(there=False)
        if texts is None:
            return ""
        before = next((held for held in reversed(texts.past) if held is not None), None)
        self._world.apply_texts(texts, before if before is not None and self._random.random() < 0.7 else self._world.wishes.texts())
        return f"restores the texts of {texts.namespace}: {texts.held}"

    # ------------------------------------------------------------ calm

    def mend(self) -> None:
        """Most of the templates that fail are mended."""
        world = self._world
        for tracked in world.objects.values():
            if not tracked.alive or expected(tracked.wanted, world.texts_of(tracked), world.stores).state != "unrendered":
                continue
            if self._random.random() < 0.6:
                self._mend(tracked)

    def _mend(self, tracked: Tracked) -> None:
        world, texts, layout = self._world, self._world.texts_of(tracked), tracked.wanted.template
        assert layout is not None
        if layout.items and layout.spots(texts.held) is None:
            world.apply_texts(texts, world.wishes.texts())
            world.say("user", f"restores the texts of {texts.namespace}: {texts.held}")
        if expected(tracked.wanted, texts, world.stores).state == "unrendered":
            plain = templates.Formula("mended", make=lambda _: "mended")
            world.apply_object(tracked, replace(tracked.wanted, template=templates.Layout(data=(("t1", plain),), merge=layout.merge)))
            world.say("user", f"mends the template of {tracked.name}: {tracked.wanted}")
