"""The one place where kinds, flows and machines meet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from eso_core.config import Config
from eso_core.flows import external_secret, store
from eso_core.machines.engine import Engine, Limits
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET_STORE
from eso_core.stages.needs import provider_of
from eso_core.template.limits import Chance
from eso_core.watched import followed, watched


def build(
    config: Config,
    *,
    random: Callable[[], float],
    chance: Chance,
    namespace: str = "",
    limits: Limits = Limits(),
) -> Engine:
    """An operator that has done nothing yet. ``random`` gives numbers in ``[0, 1)``, ``chance`` what
    templates make secrets of; ``namespace`` restricts every watch to one."""
    return Engine(
        watched=watched(),
        flows={
            EXTERNAL_SECRET: partial(external_secret.sync, config=config),
            SECRET_STORE: partial(store.validate, config=config),
            CLUSTER_SECRET_STORE: partial(store.validate, config=config),
        },
        load=partial(provider_of, extra=config.extra),
        random=random,
        chance=chance,
        follow=followed,
        namespace=namespace,
        limits=limits,
    )
