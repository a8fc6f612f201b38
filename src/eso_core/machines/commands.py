"""What the engine asks of its owner: the commands of ``Engine.tick``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from eso_core.effect import Computed
from eso_core.machines.apply import Applicable
from eso_core.plan import Outcome, Settled
from eso_core.refs import Ref
from eso_core.wire import Call, KubeCall


@dataclass(frozen=True, slots=True)
class SendKube:
    """Send to the API server; answer with :meth:`Engine.kube_reply`."""

    ticket: int
    call: KubeCall


@dataclass(frozen=True, slots=True)
class SendCall:
    """Send to a backend; answer with :meth:`Engine.call_reply`. ``label`` is the provider's label for metrics."""

    ticket: int
    call: Call
    label: str


@dataclass(frozen=True, slots=True)
class SendWork:
    """Call ``run`` where it does not stand in the way; answer with :meth:`Engine.work_reply`. It raises nothing."""

    ticket: int
    run: Callable[[], Computed] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenWatch:
    """Open a watch stream; answer with :meth:`Engine.watch_lines` and, once, :meth:`Engine.watch_closed`."""

    ticket: int
    call: KubeCall


@dataclass(frozen=True, slots=True)
class CloseWatch:
    """Give up a stream; nothing more is expected of it."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Report:
    """One pass over one key has ended, with what it wrote. For logs, metrics and ``eso plan``."""

    key: Ref
    settled: Settled
    took_ns: int
    writes: tuple[tuple[Applicable, Outcome], ...]


Command = SendKube | SendCall | SendWork | OpenWatch | CloseWatch | Report
