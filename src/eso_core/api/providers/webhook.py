"""``spec.provider.webhook``: any HTTP service; its URL, headers and body are templates."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from eso_core.api.types import ONE_OF, Base64, CAProvider, Json, Model, SecretKeySelector, Strings, blank


class Ntlm(Model):
    """A user name and a password for NTLM."""

    username_secret: SecretKeySelector
    password_secret: SecretKeySelector


class Auth(Model):
    """One protocol."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    ntlm: Ntlm | None = None


class Result(Model):
    """What is taken from the response."""

    json_path: str = ""


class Secret(Model):
    """A Secret, and its name in templates."""

    name: str
    secret_ref: SecretKeySelector


class Spec(Model):
    """One request for each secret."""

    method: str = ""
    url: str = Field(repr=False)
    headers: Strings = Field(default={}, repr=False)
    auth: Auth | None = None
    body: str = Field(default="", repr=False)
    timeout: str | None = None
    result: Result = blank(Result)
    secrets: tuple[Secret, ...] = ()
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
