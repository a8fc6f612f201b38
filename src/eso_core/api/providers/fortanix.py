"""``spec.provider.fortanix``: security objects of Fortanix Data Security Manager."""

from eso_core.api.providers._shared import WrappedRef
from eso_core.api.types import Model


class Spec(Model):
    """The security objects of an application."""

    api_url: str = ""
    api_key: WrappedRef | None = None
