"""``spec.provider.openBao``: KV engines of OpenBao."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from eso_core.api.providers._shared import at_most_one, exactly_one, rules
from eso_core.api.providers.vault import UserPass
from eso_core.api.types import REQUIRED, Base64, CAProvider, Json, Model, NonEmpty, SecretKeySelector, default


class AppRole(Model):
    """Logs in with a role id and a secret id."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(exactly_one("roleId", "roleRef"))
    path: Annotated[str, REQUIRED] = default("approle")
    role_id: NonEmpty = ""
    role_ref: SecretKeySelector | None = None
    secret_ref: SecretKeySelector


class Auth(Model):
    """One way to log in."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(exactly_one("appRole", "tokenSecretRef", "userPass"))
    app_role: AppRole | None = None
    namespace: str | None = None
    token_secret_ref: SecretKeySelector | None = None
    user_pass: UserPass | None = None


class Spec(Model):
    """A KV engine."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(at_most_one("caBundle", "caProvider"))
    auth: Auth | None = None
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
    namespace: str | None = None
    server: str
    path: str | None = None
    version: Literal["v1", "v2"] = default("v2")
