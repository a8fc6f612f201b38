"""``docs/reasons.md``, made from ``eso_core.because``: ``python -m tests.docs.reasons > docs/reasons.md``."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping

from eso_core import because
from eso_core.because import Because, Retry

HEAD = """\
# Reasons

What the condition `Ready` of an object says, why, and what to do. Reasons and messages are those of external-secrets v2.9.0, so one pair
may stand for several verdicts; each has its section here. The condition stays the same from run to run; the cause of the moment is in the
event: `kubectl describe externalsecret NAME`, and `eso plan` prints it as *why*.

Where a store or a provider failed, the message goes on with the store, the key and the class of the failure, such as
`could not get secret data from provider: SecretStore "vault", key "shop/database": denied`:

| class | what it means |
|---|---|
| auth | the backend does not know who asks: a wrong or expired credential |
| denied | it knows, and does not allow it; or the operator's egress rule does not |
| missing | the store, a credential, the key or the property does not exist |
| invalid | the object or its store says something that cannot be used |
| throttled | the backend asked for fewer calls |
| unreachable | no usable answer came in time |
| bad data | an answer, or a value, that makes no sense |

Written by `python -m tests.docs.reasons > docs/reasons.md` from `src/eso_core/because.py`; a test compares the two.

| reason | message | ready |
|---|---|---|
"""

PAUSE = {
    Retry.WHEN_DUE: "at the next refresh (`spec.refreshInterval`), or when the object or its Secret changes",
    Retry.BACKOFF: "after 1 s, doubling to 7 minutes; at once when the object, its Secret or its store changes",
    Retry.ON_CHANGE: "not before the object changes",
}
STORE_PAUSE = {
    Retry.WHEN_DUE: "at the next validation (`spec.refreshInterval`, else `--store-requeue-interval`), or when the store changes",
    Retry.BACKOFF: "after 1 s, doubling to 7 minutes; at once when the store changes",
}
NOTHING = "Nothing."

MEANS: Mapping[str, str] = {
    "SYNCED": "The Secret has the values that the backend gave at `status.refreshTime`.",
    "RETAINED": "The backend has none of the values any more. The Secret keeps those that it had, because `deletionPolicy` is `Retain`.",
    "DELETED": "The backend has none of the values any more. The Secret is gone, because `deletionPolicy` is `Delete`.",
    "TARGET_MISSING": "`creationPolicy: Merge` adds to a Secret that others create. There is none yet; it is filled when it appears.",
    "PROVIDER_FAILED": "A value could not be had: the store does not exist or is not ready, the backend refused or did not answer, "
    "a remote secret or its property is missing, or what came could not be decoded. The Secret keeps the values that it had.",
    "DELETE_FAILED": "The backend has none of the values any more, `deletionPolicy` is `Delete`, and the API server refused the delete.",
    "DELETE_NOT_OWNED": "The backend has none of the values any more, and `deletionPolicy` is `Delete`. But the Secret is not this "
    "object's own, so it is not deleted.",
    "ORPHANS_FAILED": "`spec.target.name` was changed. The Secret of the old name has to go before the new one comes, and could not be "
    "deleted.",
    "OWNERSHIP_FAILED": "The Secret has a controller that is no ExternalSecret. It got the managed label, and was not touched otherwise.",
    "OWNED_BY_OTHER": "The Secret belongs to another ExternalSecret. It was not touched.",
    "IMMUTABLE": "The values have changed and the Secret may not. Its labels, annotations and owner were written, its content was not.",
    "UPDATE_FAILED": "The values are there, and the Secret could not be made or written: the API server refused it, or its content "
    "cannot be rendered.",
    "SPEC_INVALID": "The specification passed the schema and still cannot be used: a duration that is none, or fields that exclude "
    "each other. The Secret keeps the values that it had.",
    "TARGET_INVALID": "The object asks for a target that is no Secret, and may not have it: the flag is missing, or the kind cannot be "
    "one.",
    "RESOURCE_SYNCED": "The target, which is no Secret, holds the values of the last refresh.",
    "RESOURCE_RETAINED": "The backend has none of the values any more. `deletionPolicy` is `Retain`, so the target is left as it was.",
    "RESOURCE_DELETED": "The backend has none of the values any more. `deletionPolicy` is `Delete`, so the target was deleted.",
    "RESOURCE_MISSING": "`creationPolicy` is `Merge`, and there is no object to merge into. It is waited for.",
    "RESOURCE_PROVIDER_FAILED": "As for Secrets: a value could not be had. The target keeps what it had.",
    "RESOURCE_UNREADABLE": "The target cannot be looked at: its kind is not served, or the API server refused.",
    "RESOURCE_DELETE_FAILED": "The backend has none of the values any more, `deletionPolicy` is `Delete`, and the API server refused the "
    "delete.",
    "RESOURCE_DELETE_NOT_OWNED": "The backend has none of the values any more, and `deletionPolicy` is `Delete`. But the target is not "
    "this object's own, so it is not deleted.",
    "RESOURCE_TEMPLATE_FAILED": "The values are there, and the content of the target could not be made of them.",
    "RESOURCE_OWNED": "Another object controls the target. It was not touched.",
    "RESOURCE_UPDATE_FAILED": "The values are there, and the API server refused to write the target.",
    "STORE_VALID": "The backend took the credentials, as far as that can be asked without reading a secret.",
    "STORE_UNKNOWN": "The backend cannot be asked whether the credentials are good enough. The store is used; its first use will tell.",
    "STORE_CLIENT_FAILED": "The store cannot even be asked: its specification is wrong or not supported, or a Secret, ConfigMap or "
    "ServiceAccount that it refers to is missing. Objects that use it wait, and keep their Secrets.",
    "STORE_INVALID": "The backend was asked and did not say yes. Objects that use the store wait, and keep their Secrets.",
}
DO: Mapping[str, str] = {
    "RETAINED": "Restore the remote secret, or delete the ExternalSecret if it is not needed any more.",
    "DELETED": "Restore the remote secret if this was a mistake: the Secret is created anew at the next refresh.",
    "TARGET_MISSING": "Create the Secret, or choose `creationPolicy: CreateOrMerge` or `Owner`.",
    "RESOURCE_RETAINED": "Restore the remote secret, or delete the ExternalSecret if it is not needed any more.",
    "RESOURCE_DELETED": "Restore the remote secret if this was a mistake: the target is created anew at the next refresh.",
    "RESOURCE_MISSING": "Create the object, or choose `creationPolicy: CreateOrMerge` or `Owner`.",
    "STORE_UNKNOWN": "Nothing, or give the account the rights that the provider's page names under *validation*.",
}


def verdicts() -> dict[str, Because]:
    """Every verdict by its name in ``because.py``, in the order of the file."""
    return {name: value for name, value in vars(because).items() if isinstance(value, Because)}


def page() -> str:
    """The whole file."""
    named = verdicts()
    rows = "".join(f"| [`{b.reason}`](#{_anchor(name)}) | {b.message} | {_ready(b)} |\n" for name, b in named.items())
    return HEAD + rows + "".join(f"\n{section}" for section in _sections(named))


def _sections(named: Mapping[str, Because]) -> Iterator[str]:
    for name, verdict in named.items():
        pause = (STORE_PAUSE if name.startswith("STORE_") else PAUSE)[verdict.retry]
        facts = f"`{verdict.reason}`: {verdict.message}. Ready: {_ready(verdict)}. Tried again: {pause}."
        parts = (facts, f"**What it means.** {MEANS[name]}", f"**What to do.** {verdict.advice or DO.get(name, NOTHING)}")
        yield f"## {_title(name)}\n\n" + "\n\n".join(_wrapped(part) for part in parts) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 140, break_long_words=False, break_on_hyphens=False)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _anchor(name: str) -> str:
    return name.replace("_", "-").lower()


def _ready(verdict: Because) -> str:
    return "True" if verdict.ready else "False"


if __name__ == "__main__":
    sys.stdout.write(page())
