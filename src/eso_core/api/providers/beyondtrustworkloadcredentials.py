"""``spec.provider.beyondtrustworkloadcredentials``: static secrets of BeyondTrust Workload Credentials."""

from eso_core.api.types import Base64, CAProvider, Model, SecretKeySelector


class ApiKey(Model):
    """A bearer token."""

    token: SecretKeySelector


class Auth(Model):
    """How to authenticate."""

    apikey: ApiKey


class Server(Model):
    """The API and the site in it."""

    api_url: str
    site_id: str


class Spec(Model):
    """A site, and the folder that keys are relative to."""

    auth: Auth
    server: Server
    folder_path: str = ""
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
