"""What an ExternalSecret leaves behind when it is deleted (reference: ``cleanupManagedSecrets``)."""

from __future__ import annotations

from collections.abc import Iterator

from eso_core.api import ExternalSecret
from eso_core.plan import DeleteTarget, Emit, SetFinalizers, Version
from eso_core.stages.aim import is_generic, ref_of
from eso_core.stages.reconcile import event_about
from eso_core.target import TargetSeen

FINALIZER = "externalsecrets.external-secrets.io/externalsecret-cleanup"


def wants_finalizer(es: ExternalSecret) -> bool:
    """Only an object whose deletion has work to do gets a finalizer, so that namespaces do not hang on the others."""
    return es.spec.target.deletion_policy == "Delete" and FINALIZER not in es.metadata.finalizers


def depart(es: ExternalSecret, target: TargetSeen | None) -> Iterator[DeleteTarget | SetFinalizers | Emit]:
    """The target goes if this very object controls it and the policy is ``Delete``; then the finalizer goes.

    Everything else is left to Kubernetes' garbage collection, or stays. Only of targets that are no Secrets an event tells.
    """
    meta = es.metadata
    if target is not None and es.spec.target.deletion_policy == "Delete" and not target.deleting:
        owner = target.controller
        if owner is not None and owner.get("uid") == meta.uid:
            yield DeleteTarget(target.ref, target.version)
            if is_generic(es):
                yield Emit(event_about(es, "Deleted", f"Deleted {target.ref.kind.name} {target.ref.name}"))
    if FINALIZER in meta.finalizers:
        rest = tuple(name for name in meta.finalizers if name != FINALIZER)
        yield SetFinalizers(ref_of(es), Version(meta.uid, meta.resource_version), rest)
