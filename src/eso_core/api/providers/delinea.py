"""``spec.provider.delinea``: Delinea DevOps Secrets Vault."""

from eso_core.api.providers._shared import ValueOrRef
from eso_core.api.types import Model


class Spec(Model):
    """A tenant of DevOps Secrets Vault."""

    client_id: ValueOrRef
    client_secret: ValueOrRef
    tenant: str
    url_template: str = ""
    tld: str = ""
