"""``spec.provider.onboardbase``: environments of Onboardbase."""

from typing import Annotated

from eso_core.api.types import REQUIRED, Model, SecretKeySelector, default


class Auth(Model):
    """An API key and the passcode that decrypts."""

    api_key_ref: SecretKeySelector
    passcode_ref: SecretKeySelector


class Spec(Model):
    """One environment of a project."""

    auth: Auth
    api_host: Annotated[str, REQUIRED] = default("https://public.onboardbase.com/api/v1/")
    project: Annotated[str, REQUIRED] = default("development")
    environment: Annotated[str, REQUIRED] = default("development")
