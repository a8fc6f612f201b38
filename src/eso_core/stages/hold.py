"""Which stores a push keeps (reference: ``pkg/controllers/secretstore/common.go: handleFinalizer``).

The reference puts a finalizer on a store while PushSecrets with ``deletionPolicy: Delete`` use it: without the store they could not delete
what they wrote. This version writes no such finalizer, since it does not handle PushSecrets; it meets those that the reference has left.
"""

from __future__ import annotations

from typing import Any

import orjson

from eso_core.effect import Gone, Present, Served, World

FINALIZER = "secretstore.externalsecrets.io/finalizer"
PUSHES = Served("external-secrets.io/v1alpha1")
PLURALS = ("pushsecrets", "clusterpushsecrets")


def may_be_held(world: World) -> bool:
    """Whether PushSecrets may exist, and with them one that needs the store. ``world`` holds :data:`PUSHES`."""
    seen = world[PUSHES]
    if isinstance(seen, Gone):
        return False
    if not isinstance(seen, Present):
        return True
    try:
        served: Any = orjson.loads(seen.raw)
        return any(resource["name"] in PLURALS for resource in served["resources"])
    except (ValueError, KeyError, TypeError):
        return True
