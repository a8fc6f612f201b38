"""``spec.provider.conjur``: variables of CyberArk Conjur."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from eso_core.api.types import ONE_OF, CAProvider, Json, Model, SecretKeySelector, ServiceAccountSelector


class ApiKey(Model):
    """Logs in with a user name and an API key."""

    account: str
    user_ref: SecretKeySelector
    api_key_ref: SecretKeySelector


class Jwt(Model):
    """Logs in with a token: of a Secret, or of a ServiceAccount."""

    account: str
    service_id: str = Field(alias="serviceID")
    host_id: str = ""
    secret_ref: SecretKeySelector | None = None
    service_account_ref: ServiceAccountSelector | None = None


class Cert(Model):
    """Logs in with a client certificate."""

    account: str
    service_id: str = Field(alias="serviceID")
    host_id: str = ""
    client_cert_ref: SecretKeySelector
    client_key_ref: SecretKeySelector


class Auth(Model):
    """One way to log in."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    apikey: ApiKey | None = None
    jwt: Jwt | None = None
    cert: Cert | None = None


class Spec(Model):
    """A Conjur server."""

    url: str
    ca_bundle: str = ""
    ca_provider: CAProvider | None = None
    auth: Auth
