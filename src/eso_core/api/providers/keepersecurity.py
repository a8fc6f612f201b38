"""``spec.provider.keepersecurity``: records of Keeper Secrets Manager."""

from pydantic import Field

from eso_core.api.types import Bool, Model, SecretKeySelector


class Spec(Model):
    """The records that an application may see; new ones go into the folder."""

    auth_ref: SecretKeySelector
    folder_id: str = Field(alias="folderID")
    get_by_title_fallback: Bool = False
