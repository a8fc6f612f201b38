"""``spec.provider.scaleway``: Scaleway Secret Manager."""

from eso_core.api.providers._shared import ValueOrRef
from eso_core.api.types import Model


class Spec(Model):
    """The secrets of a project in one region."""

    api_url: str = ""
    region: str
    project_id: str
    access_key: ValueOrRef
    secret_key: ValueOrRef
