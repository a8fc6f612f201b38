"""What the shell is asked to send, and what it hands back. No field that can hold a credential is part of a ``repr``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from eso_core.failure import Failure

MERGE_PATCH = "application/merge-patch+json"
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeCall:
    """One request to the API server. ``path`` starts with ``/``; ``query`` is unescaped; ``body`` is JSON of ``content_type``."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    content_type: str = JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeReply:
    """The API server's answer, of any status. ``retry_after_s`` is the header of 429 and 503, 0 when absent."""

    status: int
    body: bytes = field(repr=False)
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class Tls:
    """How to verify and identify on one connection. PEM texts; empty means system roots, or no client certificate."""

    ca_pem: bytes = b""
    cert_pem: bytes = b""
    key_pem: bytes = field(default=b"", repr=False)
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SigV4:
    """Ask the shell to sign a call as AWS Signature Version 4 at the moment of sending."""

    service: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One request to a backend.

    Redirects to another origin are not followed. A body larger than ``body_max`` bytes makes the call fail. ``ambient``: the address is the
    operator's own surroundings (an instance's metadata service) and no text of a tenant's, so that no egress rule holds for it.
    """

    method: str
    url: str = field(repr=False)  # of a webhook it may hold a secret
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    tls: Tls = Tls()
    sign: SigV4 | None = None
    timeout_s: float = 30.0
    body_max: int = 8 * 1024 * 1024  # bytes
    name: str = ""  # call label of `externalsecret_provider_api_calls_count`, such as "ReadSecretData"; empty: not counted
    provider: str = ""  # its provider label where a provider has several; empty: `Provider.label`
    ambient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A backend's answer, of any status. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkCall:
    """A call that only a vendor's library can make. ``name`` is a function of ``eso_shell.sdk``, as ``module.function``.

    ``goes_to``: the URL of a tenant's that the library will call, for the egress rule.
    """

    name: str
    args: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout_s: float = 30.0
    counted: str = ""  # as ``HttpCall.name``
    goes_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkReply:
    """What the library function returned."""

    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallFailed:
    """There is no answer: connection, TLS, time-out, size, or an exception of a library, as a failure."""

    failure: Failure


Call: TypeAlias = HttpCall | SdkCall
CallReply: TypeAlias = HttpReply | SdkReply | CallFailed
