"""``spec.provider.beyondtrust``: Secrets Safe and managed accounts of BeyondTrust Password Safe."""

from pydantic import Field

from eso_core.api.providers._shared import ValueOrRef
from eso_core.api.types import Bool, Int, Model, default


class Auth(Model):
    """An API key, or an OAuth client; a client certificate as well where the server asks for one."""

    api_key: ValueOrRef | None = None
    client_id: ValueOrRef | None = None
    client_secret: ValueOrRef | None = None
    certificate: ValueOrRef | None = None
    certificate_key: ValueOrRef | None = None


class Server(Model):
    """The API, and what is read from it."""

    api_url: str
    api_version: str = ""
    retrieval_type: str = ""
    separator: str = ""
    decrypt: Bool = default(True)
    verify_ca: Bool = Field(alias="verifyCA")
    client_time_out_seconds: Int = 0


class Spec(Model):
    """A Password Safe."""

    auth: Auth
    server: Server
