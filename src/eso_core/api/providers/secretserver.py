"""``spec.provider.secretserver``: Delinea (Thycotic) Secret Server."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from eso_core.api.providers._shared import rule, rules
from eso_core.api.types import Base64, CAProvider, Json, Model, NonEmpty, SecretKeySelector


class ValueOrRef(Model):
    """A value: written here, or a key of a Secret."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(
        rule("exactly one of value or secretRef must be set", "has(self.value) != has(self.secretRef)")
    )
    value: NonEmpty = Field(default="", repr=False)
    secret_ref: SecretKeySelector | None = None


class Spec(Model):
    """A server; the token goes before user name and password."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(
        rule("either token, or both username and password, must be set", "has(self.token) || (has(self.username) && has(self.password))")
    )
    username: ValueOrRef | None = None
    password: ValueOrRef | None = None
    token: ValueOrRef | None = None
    domain: str = ""
    server_url: str = Field(alias="serverURL")
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
