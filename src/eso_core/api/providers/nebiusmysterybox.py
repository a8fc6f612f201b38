"""``spec.provider.nebiusmysterybox``: secrets of Nebius MysteryBox."""

from collections.abc import Mapping
from typing import ClassVar

from eso_core.api.providers._shared import CertProvider, rule, rules
from eso_core.api.types import Json, Model, SecretKeySelector


class Auth(Model):
    """A token, or the credentials of a service account as JSON."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(
        rule(
            "either serviceAccountCredsSecretRef or tokenSecretRef must be set",
            "has(self.serviceAccountCredsSecretRef) || has(self.tokenSecretRef)",
        )
    )
    service_account_creds_secret_ref: SecretKeySelector | None = None
    token_secret_ref: SecretKeySelector | None = None


class Spec(Model):
    """The secrets of an account."""

    api_domain: str
    auth: Auth
    ca_provider: CertProvider | None = None
