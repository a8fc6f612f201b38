"""``spec.provider.aws``: Secrets Manager, Parameter Store and Certificate Manager, by ``service``.

========================  ======================================  =====================================================
topic                     file                                    what
========================  ======================================  =====================================================
identity                  ``store.py``                            parsed form, needs, login, what a session remembers
protocol                  ``calls.py``                            JSON 1.1 calls, error codes, pages, tags
Secrets Manager           ``secretsmanager.py``, ``_push``        up to 20 values in one call
Parameter Store           ``parameterstore.py``, ``_push``        up to 10 values in one call
Certificate Manager       ``certificatemanager.py``               bundles of certificate, chain and private key
========================  ======================================  =====================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from returns.result import Result, Success

from eso_core.compat.property import property_aws
from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import (
    Access,
    Answer,
    Blob,
    Delete,
    Dialect,
    Done,
    Entries,
    Exists,
    Failed,
    Found,
    Need,
    Payload,
    Provider,
    Push,
    Query,
    Session,
    Talk,
)
from eso_core.failure import Broken, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers.aws import certificatemanager as certificates
from eso_core.providers.aws import parameterstore as parameters
from eso_core.providers.aws import parameterstore_push as parameters_push
from eso_core.providers.aws import secretsmanager as secrets
from eso_core.providers.aws import secretsmanager_push as secrets_push
from eso_core.providers.aws.store import CERTIFICATES, PARAMETERS, SECRETS, Service, Store, by_namespace, login, more_needs, needs, parse


@dataclass(frozen=True, slots=True)
class _Operations:
    """What a service can do."""

    fetch: Callable[[Access, Session, tuple[Query, ...]], Talk[Mapping[Query, Answer]]]
    push: Callable[[Access, Session, Push], Talk[Done | Failed]]
    delete: Callable[[Access, Session, Delete], Talk[Done | Failed]]
    exists: Callable[[Access, Session, Exists], Talk[bool | Failed]]


BY_SERVICE: Final[Mapping[Service, _Operations]] = {
    SECRETS: _Operations(secrets.fetch, secrets_push.push, secrets_push.delete, secrets_push.exists),
    PARAMETERS: _Operations(parameters.fetch, parameters_push.push, parameters_push.delete, parameters_push.exists),
    CERTIFICATES: _Operations(certificates.fetch, certificates.push, certificates.delete, certificates.exists),
}


def _of(access: Access) -> _Operations:
    store: Store = access.spec
    return BY_SERVICE[store.service]


def _push_needs(store: Store, push: Push) -> Result[Mapping[str, Need], InvalidSpec]:
    return secrets_push.push_needs(push) if store.service is SECRETS else Success({})


TEXTS: Final = _kit.blob_dialect(
    lambda raw, prop: _kit.value_of(property_aws(raw, prop, ""), f"key {prop} does not exist in the secret"), json_to_secret_data_map
)
"""Of Secrets Manager and Parameter Store."""


def _value(payload: Payload, prop: str) -> Answer:
    """A certificate is one value, whatever the property, as in the reference."""
    if not isinstance(payload, Entries):
        return TEXTS.value(payload, prop)
    bundle = payload.values.get(certificates.BUNDLE)
    return Found(Blob(bundle)) if bundle is not None else Failed(Broken("several values where one was expected"))


def _entries(payload: Payload, prop: str) -> Answer:
    return certificates.NOT_SUPPORTED if isinstance(payload, Entries) else TEXTS.entries(payload, prop)


PROVIDER = Provider(
    key="aws",
    label=SECRETS.label,  # the calls of the other services name theirs
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    more_needs=more_needs,
    login=login,
    by_namespace=by_namespace,
    fetch=lambda access, session, queries: _of(access).fetch(access, session, queries),
    push=lambda access, session, push: _of(access).push(access, session, push),
    delete=lambda access, session, delete: _of(access).delete(access, session, delete),
    exists=lambda access, session, exists: _of(access).exists(access, session, exists),
    push_needs=_push_needs,
    dialect=Dialect(value=_value, entries=_entries),
    batch_max=secrets.BATCH_MAX,
)
