"""``spec.provider.barbican``: secrets of OpenStack Barbican."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from eso_core.api.types import ONE_OF, Json, Model, SecretKeySelector


class UsernameRef(Model):
    """A user name: written here, or a key of a Secret."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    value: str = Field(default="", repr=False)
    secret_ref: SecretKeySelector | None = None


class PasswordRef(Model):
    """A key of a Secret with the password."""

    secret_ref: SecretKeySelector


class Auth(Model):
    """A Keystone user."""

    username: UsernameRef
    password: PasswordRef


class Spec(Model):
    """A Barbican service, found in the catalog of Keystone."""

    auth_url: str = Field(default="", alias="authURL")
    tenant_name: str = ""
    domain_name: str = ""
    region: str = ""
    auth: Auth
