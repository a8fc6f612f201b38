"""What several providers have in common: ways to name a credential, and the rules (CEL) that the API server evaluates."""

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import Field

from eso_core.api.types import Json, Model, SecretKeySelector

Rule: TypeAlias = Mapping[str, str]


def rules(*each: Rule) -> Mapping[str, Json]:
    """The keyword that holds rules of an object."""
    return {"x-kubernetes-validations": list(each)}


def rule(message: str, expression: str) -> Rule:
    """An expression that has to hold, and what the user is told when it does not."""
    return {"message": message, "rule": expression}


def at_most_one(*fields: str) -> Rule:
    """No two of `fields` are set, as controller-gen words it."""
    return rule(f"at most one of the fields in [{' '.join(fields)}] may be set", f"{_count(fields)} <= 1")


def exactly_one(*fields: str) -> Rule:
    """One of `fields` is set, as controller-gen words it."""
    return rule(f"exactly one of the fields in [{' '.join(fields)}] must be set", f"{_count(fields)} == 1")


def either(one: str, other: str, message: str = "") -> Rule:
    """One of two fields is set."""
    text = message or f"Exactly one of '{one}' or '{other}' must be specified"
    return rule(text, f"(has(self.{one}) && !has(self.{other})) || (!has(self.{one}) && has(self.{other}))")


def _count(fields: tuple[str, ...]) -> str:
    return f"[{','.join(f'has(self.{name})' for name in fields)}].filter(x,x==true).size()"


class ValueOrRef(Model):
    """A value: written here, or a key of a Secret."""

    value: str = Field(default="", repr=False)
    secret_ref: SecretKeySelector | None = None


class WrappedRef(Model):
    """A key of a Secret."""

    secret_ref: SecretKeySelector | None = None


class CertProvider(Model):
    """A key of a Secret with CA certificates."""

    cert_secret_ref: SecretKeySelector | None = None
