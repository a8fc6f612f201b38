"""Every verdict an ExternalSecret or a store can get: its condition, and what a person should do about it.

Reasons and the messages of the reference's own verdicts are fixed by compatibility (reference: ``externalsecret_controller.go``,
``apis/externalsecrets/v1/externalsecret_types.go``, ``secretstore/common.go``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from eso_core.failure import Failure, cause


class Retry(Enum):
    """What happens after a verdict."""

    WHEN_DUE = "when due"  # at the next refresh
    BACKOFF = "with backoff"  # 1 s doubling to 7 min, per object
    ON_CHANGE = "on change"  # nothing to wait for but an edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One verdict.

    ``reason`` and ``message`` go into the condition, unchanged from run to run, so that an unchanged verdict writes nothing;
    details go into an event. ``causes``: the condition also says which store and key the failure belongs to, and its class.
    ``advice`` is printed by people-facing commands.
    """

    ready: bool
    reason: str
    message: str
    retry: Retry
    advice: str = ""
    causes: bool = False

    def told(self, failure: Failure | None) -> Because:
        """The verdict as a condition says it."""
        if not self.causes or failure is None:
            return self
        return replace(self, message=": ".join(part for part in (self.message, failure.about, cause(failure)) if part))


def _synced(message: str, *, reason: str = "SecretSynced") -> Because:
    return Because(ready=True, reason=reason, message=message, retry=Retry.WHEN_DUE)


def _error(message: str, retry: Retry, advice: str, *, reason: str = "SecretSyncedError", causes: bool = False) -> Because:
    return Because(ready=False, reason=reason, message=message, retry=retry, advice=advice, causes=causes)


SYNCED = _synced("secret synced")
RETAINED = _synced("secret retained due to DeletionPolicy=Retain")
DELETED = _synced("secret deleted due to DeletionPolicy=Delete", reason="SecretDeleted")
TARGET_MISSING = _synced("secret will not be created due to CreationPolicy=Merge", reason="SecretMissing")

PROVIDER_FAILED = _error(
    "could not get secret data from provider",
    Retry.BACKOFF,
    "Look at the event of this object: it names the entry of spec.data or spec.dataFrom and the cause. Check that the remote secret and "
    "its property exist, and that the store is Ready.",
    causes=True,
)
DELETE_FAILED = _error(
    "could not delete secret",
    Retry.BACKOFF,
    "The target Secret could not be deleted; the event names the API server's answer. Check the operator's RBAC.",
)
DELETE_NOT_OWNED = _error(
    "could not delete secret",
    Retry.ON_CHANGE,
    "deletionPolicy: Delete needs creationPolicy: Owner. Change one of the two.",
)
ORPHANS_FAILED = _error(
    "could not delete orphaned secrets",
    Retry.BACKOFF,
    "A Secret that this object created under an earlier target name could not be deleted; the event names the API server's answer.",
)
# The next three are retried when due: their target may be one that is not watched, and its change wakes nobody.
OWNERSHIP_FAILED = _error(
    "failed to take ownership of target secret",
    Retry.WHEN_DUE,
    "Another controller owns the target Secret. Choose another spec.target.name or a creationPolicy that does not need ownership.",
)
OWNED_BY_OTHER = _error(
    "target is owned by another ExternalSecret",
    Retry.WHEN_DUE,
    "Two ExternalSecrets write the same Secret. Give one of them another spec.target.name.",
)
IMMUTABLE = _error(
    "could not update secret, target is immutable",
    Retry.WHEN_DUE,
    "The target Secret has immutable: true and its content would change. Delete the Secret or give the target a new name.",
)
UPDATE_FAILED = _error(
    "could not update secret",
    Retry.BACKOFF,
    "The target Secret could not be written; the event names the cause.",
)
SPEC_INVALID = _error(
    "could not update secret",
    Retry.ON_CHANGE,
    "The object says something that cannot be used; the event names the field.",
)
TARGET_INVALID = _error(
    "invalid generic target",
    Retry.ON_CHANGE,
    "Targets other than Secrets need --unsafe-allow-generic-targets and a valid spec.target.manifest.",
)

# ---------------------------------------------------------------- targets that are no Secrets

RESOURCE_SYNCED = _synced("secret synced", reason="ResourceSynced")
RESOURCE_RETAINED = _synced("secret retained due to DeletionPolicy=Retain", reason="ResourceSynced")
RESOURCE_DELETED = _synced("secret deleted due to DeletionPolicy=Delete", reason="ResourceDeleted")
RESOURCE_MISSING = _synced("resource will not be created due to CreationPolicy=Merge", reason="ResourceMissing")
RESOURCE_PROVIDER_FAILED = replace(PROVIDER_FAILED, reason="ResourceSyncedError")
RESOURCE_UNREADABLE = _error(
    "could not get target resource",
    Retry.BACKOFF,
    "The kind of spec.target.manifest is not served, or the operator may not read it; the event names the API server's answer.",
    reason="ResourceSyncedError",
)
RESOURCE_DELETE_FAILED = _error(
    "could not delete resource",
    Retry.BACKOFF,
    "The target could not be deleted; the event names the API server's answer. Check the operator's RBAC for this kind.",
    reason="ResourceSyncedError",
)
RESOURCE_DELETE_NOT_OWNED = _error("could not delete resource", Retry.ON_CHANGE, DELETE_NOT_OWNED.advice, reason="ResourceSyncedError")
RESOURCE_TEMPLATE_FAILED = _error(
    "could not apply template to manifest",
    Retry.BACKOFF,
    "The content of the target could not be made; the event names the cause.",
    reason="ResourceSyncedError",
)
RESOURCE_OWNED = replace(RESOURCE_TEMPLATE_FAILED, retry=Retry.WHEN_DUE, advice=OWNED_BY_OTHER.advice)
RESOURCE_UPDATE_FAILED = replace(
    UPDATE_FAILED, reason="ResourceSyncedError", advice="The target could not be written; the event names the cause."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What can be said of an ExternalSecret whose target is of one sort."""

    synced: Because
    retained: Because
    deleted: Because
    missing: Because
    provider_failed: Because
    delete_failed: Because
    delete_not_owned: Because
    ownership_failed: Because
    owned_by_other: Because
    template_failed: Because
    update_failed: Because


OF_SECRETS = Verdicts(
    synced=SYNCED,
    retained=RETAINED,
    deleted=DELETED,
    missing=TARGET_MISSING,
    provider_failed=PROVIDER_FAILED,
    delete_failed=DELETE_FAILED,
    delete_not_owned=DELETE_NOT_OWNED,
    ownership_failed=OWNERSHIP_FAILED,
    owned_by_other=OWNED_BY_OTHER,
    template_failed=UPDATE_FAILED,
    update_failed=UPDATE_FAILED,
)
OF_RESOURCES = Verdicts(
    synced=RESOURCE_SYNCED,
    retained=RESOURCE_RETAINED,
    deleted=RESOURCE_DELETED,
    missing=RESOURCE_MISSING,
    provider_failed=RESOURCE_PROVIDER_FAILED,
    delete_failed=RESOURCE_DELETE_FAILED,
    delete_not_owned=RESOURCE_DELETE_NOT_OWNED,
    ownership_failed=RESOURCE_OWNED,
    owned_by_other=RESOURCE_OWNED,
    template_failed=RESOURCE_TEMPLATE_FAILED,
    update_failed=RESOURCE_UPDATE_FAILED,
)

# ---------------------------------------------------------------- stores

STORE_VALID = _synced("store validated", reason="Valid")
STORE_UNKNOWN = _synced("could not determine validation status", reason="ValidationUnknown")
STORE_CLIENT_FAILED = _error(
    "unable to create client",
    Retry.BACKOFF,
    "The store's specification or credentials cannot be used; the event names the cause.",
    reason="InvalidProviderConfig",
    causes=True,
)
STORE_INVALID = _error(
    "unable to validate store",
    Retry.BACKOFF,
    "The backend refused or could not be reached; the event names the cause.",
    reason="InvalidProviderConfig",
    causes=True,
)

VERDICTS: tuple[Because, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Because))
