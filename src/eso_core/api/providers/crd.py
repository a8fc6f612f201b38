"""``spec.provider.crd``: fields of other objects of this or another cluster."""

from collections.abc import Mapping
from typing import ClassVar

from eso_core.api.providers._shared import at_most_one, rule, rules
from eso_core.api.providers.kubernetes import Auth, Server
from eso_core.api.types import Json, Model, NonEmpty, SecretKeySelector


class Resource(Model):
    """The type of the objects; the group of core types is empty."""

    group: str
    version: NonEmpty
    kind: NonEmpty


class WhitelistRule(Model):
    """Regular expressions that a read has to match: object name, namespace (in cluster stores), each property."""

    name: str = ""
    namespace: str = ""
    properties: tuple[str, ...] = ()


class Whitelist(Model):
    """What may be read: anything when there are no rules, else what matches one of them."""

    rules: tuple[WhitelistRule, ...] = ()


class Spec(Model):
    """Reads objects of one type. Secrets are refused."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(
        rule("one of auth or authRef is required", "has(self.auth) || has(self.authRef)"), at_most_one("auth", "authRef")
    )
    server: Server | None = None
    auth: Auth | None = None
    auth_ref: SecretKeySelector | None = None
    resource: Resource
    whitelist: Whitelist | None = None
