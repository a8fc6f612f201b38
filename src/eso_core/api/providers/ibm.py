"""``spec.provider.ibm``: IBM Cloud Secrets Manager."""

from collections.abc import Mapping
from typing import ClassVar

from eso_core.api.types import ONE_OF, Json, Model, SecretKeySelector


class SecretRef(Model):
    """An API key, exchanged for a token."""

    secret_api_key_secret_ref: SecretKeySelector | None = None
    iam_endpoint: str = ""


class ContainerAuth(Model):
    """A mounted token, exchanged as a trusted profile."""

    profile: str
    token_location: str = ""
    iam_endpoint: str = ""


class Auth(Model):
    """One way to authenticate."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    secret_ref: SecretRef | None = None
    container_auth: ContainerAuth | None = None


class Spec(Model):
    """An instance of Secrets Manager."""

    auth: Auth
    service_url: str | None = None
