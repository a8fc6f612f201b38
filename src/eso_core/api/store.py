"""SecretStore and ClusterSecretStore: how to reach a provider, and who may."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator

from eso_core.api import providers
from eso_core.api.types import (
    Condition,
    Int32,
    IntOrString,
    Json,
    LabelSelector,
    Model,
    NamespaceName,
    ObjectMeta,
    blank,
)

Provider = Annotated[Mapping[str, Json], AfterValidator(providers.typed), providers.SCHEMA]
"""Provider key to its ``Spec``, or to the raw object where this package has no type for it. One entry in a valid store."""


class RetrySettings(Model):
    """How failed calls to the provider are repeated."""

    max_retries: Int32 | None = None
    retry_interval: str | None = None


class StoreCondition(Model):
    """Namespaces that may use a cluster store: any match admits."""

    namespace_selector: LabelSelector | None = None
    namespaces: tuple[NamespaceName, ...] = ()
    namespace_regexes: tuple[str, ...] = ()


class StoreSpec(Model):
    """How the provider is reached."""

    provider: Provider
    controller: str = ""
    retry_settings: RetrySettings | None = None
    refresh_interval: IntOrString = 0
    conditions: tuple[StoreCondition, ...] = ()


class StoreStatus(Model):
    """What was observed."""

    capabilities: str = ""
    conditions: tuple[Condition, ...] = ()


class _Store(Model):
    api_version: Literal["external-secrets.io/v1"] = "external-secrets.io/v1"
    metadata: ObjectMeta = blank(ObjectMeta)
    spec: StoreSpec
    status: StoreStatus = blank(StoreStatus)

    @property
    def provider_keys(self) -> tuple[str, ...]:
        """The keys that are set under ``spec.provider``, in order of appearance."""
        return tuple(self.spec.provider)

    @property
    def provider_key(self) -> str | None:
        """The one key set under ``spec.provider``; ``None`` when there is not exactly one."""
        keys = self.provider_keys
        return keys[0] if len(keys) == 1 else None

    def provider_spec(self, key: str) -> Json:
        """The typed ``Spec`` of provider `key`, its raw object where no type exists, ``None`` when it is not set."""
        return self.spec.provider.get(key)


class SecretStore(_Store):
    """A provider for one namespace."""

    kind: Literal["SecretStore"] = "SecretStore"


class ClusterSecretStore(_Store):
    """A provider for every namespace that its conditions admit."""

    kind: Literal["ClusterSecretStore"] = "ClusterSecretStore"


Store: TypeAlias = SecretStore | ClusterSecretStore
