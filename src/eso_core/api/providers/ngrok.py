"""``spec.provider.ngrok``: vaults of ngrok, which can be written but not read."""

from collections.abc import Mapping
from typing import ClassVar

from eso_core.api.providers._shared import WrappedRef
from eso_core.api.types import ONE_OF, Json, Model, default


class Auth(Model):
    """An API key."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    api_key: WrappedRef | None = None


class Vault(Model):
    """A vault, by name."""

    name: str


class Spec(Model):
    """One vault."""

    api_url: str = default("https://api.ngrok.com")
    auth: Auth
    vault: Vault
