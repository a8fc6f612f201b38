"""What the two services of Yandex Cloud have in common."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from eso_core.api.providers._shared import CertProvider
from eso_core.api.types import ONE_OF, Json, Model, SecretKeySelector


class Auth(Model):
    """The authorized key of a service account."""

    authorized_key_secret_ref: SecretKeySelector | None = None


class ByID(Model):
    """Keys are ids."""


class ByName(Model):
    """Keys are names in a folder."""

    folder_id: str = Field(alias="folderID")


class Fetching(Model):
    """What a key is: an id unless told otherwise."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    by_id: ByID | None = Field(default=None, alias="byID")
    by_name: ByName | None = None


class YandexSpec(Model):
    """A service of Yandex Cloud."""

    api_endpoint: str = ""
    auth: Auth
    ca_provider: CertProvider | None = None
    fetching: Fetching | None = None
