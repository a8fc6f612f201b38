"""The departure of an object whose target is no Secret."""

from __future__ import annotations

import pytest

from eso_core.plan import DeleteTarget, Emit, Event
from eso_core.refs import CONFIG_MAP, Ref
from eso_core.stages.depart import depart
from eso_core.target import see_target
from tests.unit.core.objects import KEY, NAME, NS, es_of, owner, raw

MAP = Ref(CONFIG_MAP, NS, NAME)


@pytest.mark.parametrize("generic", [True, False])
def test_the_deletion_of_a_resource_is_told(generic: bool) -> None:
    manifest = {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}} if generic else {}
    held = {"metadata": {"name": NAME, "uid": "u", "resourceVersion": "1", "ownerReferences": [owner()]}}
    left = list(depart(es_of(target={"deletionPolicy": "Delete", **manifest}), see_target(MAP, raw(held))))
    told = Emit(Event(about=KEY, uid="es-uid", reason="Deleted", message=f"Deleted ConfigMap {NAME}"))
    assert [type(action) for action in left] == [DeleteTarget, Emit][: len(left)]
    assert left[1:] == ([told] if generic else [])
