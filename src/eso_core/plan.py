"""What is to be done: actions on the API server, and the verdict that holds once they are done.

Every action on an existing object carries the uid and resourceVersion it was decided on; the API server refuses it otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from eso_core.because import Because
from eso_core.failure import Failure
from eso_core.instant import Instant
from eso_core.refs import Ref
from eso_core.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class Version:
    """The precondition of an action: this object, in this state."""

    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class SecretBody:
    """The content of a Secret. ``kind`` is its ``type``; ``immutable=None`` leaves the field out."""

    data: Mapping[str, SecretBytes]
    kind: str = ""
    immutable: bool | None = None


@dataclass(frozen=True, slots=True)
class ManifestBody:
    """The content of any other object: its top-level fields but apiVersion, kind and metadata. May hold secrets."""

    fields: Mapping[str, Any] = field(repr=False)


Body: TypeAlias = SecretBody | ManifestBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """A target as it should be: one shape for Secrets and for any other kind."""

    ref: Ref
    labels: Mapping[str, str] = field(repr=False)  # templates may make them of secrets
    annotations: Mapping[str, str] = field(repr=False)
    owners: tuple[Mapping[str, Any], ...]
    finalizers: tuple[str, ...]
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A core/v1 Event about ``about``. ``warning`` or Normal; ``source`` is the reporting component."""

    about: Ref
    uid: str
    reason: str
    message: str
    warning: bool = False
    source: str = "external-secrets"


@dataclass(frozen=True, slots=True)
class CreateTarget:
    """POST; refused when the object exists."""

    desired: Desired
    manager: str


@dataclass(frozen=True, slots=True)
class UpdateTarget:
    """PUT of the whole object."""

    desired: Desired
    manager: str
    at: Version


@dataclass(frozen=True, slots=True)
class MarkTarget:
    """Change an existing target's metadata, and ``immutable``, by merge patch, and leave its content as it is.

    ``labels`` and ``annotations`` with the value ``None`` are removed; ``owners``, ``finalizers`` and ``immutable`` are left alone when
    they are ``None``.
    """

    ref: Ref
    manager: str
    at: Version
    labels: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    annotations: Mapping[str, str | None] = field(default_factory=dict, repr=False)  # may hold secrets
    owners: tuple[Mapping[str, Any], ...] | None = None
    finalizers: tuple[str, ...] | None = None
    immutable: bool | None = None


@dataclass(frozen=True, slots=True)
class DeleteTarget:
    """DELETE with preconditions. An object that is gone already counts as deleted."""

    ref: Ref
    at: Version


@dataclass(frozen=True, slots=True)
class SetFinalizers:
    """Replace an object's finalizers by merge patch, which owns no other field."""

    ref: Ref
    at: Version
    finalizers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Set top-level fields of the status by merge patch; ``None`` removes one."""

    ref: Ref
    at: Version
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Emit:
    """Record an event. Never waited for; a lost event harms nothing."""

    event: Event


Action: TypeAlias = CreateTarget | UpdateTarget | MarkTarget | DeleteTarget | SetFinalizers | SetStatus | Emit


@dataclass(frozen=True, slots=True)
class Done:
    """An action was carried out. ``raw`` is the object as the API server returned it, ``b""`` when it returned none."""

    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class NotDone:
    """An action was refused, or it is not known whether it was carried out."""

    failure: Failure


Outcome: TypeAlias = Done | NotDone


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action, the event that tells of its success, and the verdict if it fails."""

    action: Action
    event: Event | None = None
    otherwise: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in order; the first that fails ends the plan with its ``otherwise``.

    ``because`` is the verdict when all succeed; ``detail`` explains a verdict that is not ready; ``events`` are due whatever happens.
    ``binding`` is the target's name for the status, once there is a target, ours or not.
    """

    steps: tuple[Step, ...] = ()
    because: Because
    detail: Failure | None = None
    events: tuple[Event, ...] = ()
    binding: str | None = None


# ---------------------------------------------------------------- the end of one pass


@dataclass(frozen=True, slots=True)
class At:
    """Again at this wall clock time."""

    when: Instant


@dataclass(frozen=True, slots=True)
class Again:
    """Again at once: what was read is out of date."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Again after a growing pause. ``at_least_ns`` is the pause that the other side asked for."""

    at_least_ns: int = 0


@dataclass(frozen=True, slots=True)
class OnChange:
    """Not before something changes."""


Requeue: TypeAlias = At | Again | Backoff | OnChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The end of one pass over one key.

    ``because`` is ``None`` when nothing was decided (not due, gone, not ours). ``waits_on`` are objects whose change makes another pass
    worthwhile before ``requeue`` says so. ``gone`` says that the object does not exist any more.
    """

    requeue: Requeue
    because: Because | None = None
    detail: Failure | None = None
    status: SetStatus | None = None
    events: tuple[Event, ...] = ()
    waits_on: frozenset[Ref] = frozenset()
    gone: bool = False
