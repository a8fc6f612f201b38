"""What the operator is told once, at its start, and decides by ever after."""

from __future__ import annotations

from dataclasses import dataclass

from eso_core.door import NO_EXTRA, Extra
from eso_core.instant import MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The flags that change decisions (reference: ``cmd/controller/root.go``)."""

    controller_class: str = "default"
    cluster_stores: bool = True  # --enable-cluster-store-reconciler
    stores: bool = True  # --enable-secret-store-reconciler
    flood_gate: bool = True  # --enable-flood-gate
    store_requeue_ns: int = 5 * MINUTE  # --store-requeue-interval
    generic_targets: bool = False  # --unsafe-allow-generic-targets
    extra: Extra = NO_EXTRA  # providers from outside this package
    template_delimiters: tuple[str, str] = ("{{", "}}")  # --template-left-delimiter, --template-right-delimiter
