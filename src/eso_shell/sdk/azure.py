"""Azure through its official packages: tokens by azure-identity, and what is written to a vault by azure-keyvault-*.

Reads are plain HTTP (``providers/azurekv``). Each function imports its package when it is first called, in the thread of the call.
Measured: azure-identity 0.50 s and 41 MB, -secrets 0.08 s, -keys 0.15 s, -certificates 0.16 s.

The packages repeat nothing and follow no redirect here: retries are the operator's, and a token is for one host. ``transport`` replaces
the connection; without it HTTPS is verified by the system's roots as ``SSL_CERT_FILE`` or ``REQUESTS_CA_BUNDLE`` say, else by those of
*certifi*. Proxies are taken from the environment.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.transport import HttpTransport, RequestsTransport

from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.secret import SecretBytes
from eso_shell.sdk import SdkFailure

API_VERSION: Final = "7.4"
CONNECT_S, READ_S = 5, 15  # seconds
RETRY_AFTER_MAX: Final = 300  # seconds
TEXT_MAX: Final = 200  # characters
SHORT: Final = 4  # characters; a secret with fewer is in any text
VOLATILE: Final = ("Trace ID:", "Correlation ID:", "Timestamp:", "\r", "\n")
"""Where the part of a directory's message begins that differs from call to call."""
BAD_CERTIFICATE: Final = "must be a certificate with its RSA private key, as PEM or as PKCS#12 without a password"

Transport = HttpTransport[Any, Any]

logging.getLogger("azure").setLevel(logging.CRITICAL)  # what fails is returned; it is the operator's log that tells it


# ---------------------------------------------------------------- tokens


def token(args: Mapping[str, Any], environ: Mapping[str, str], transport: Transport | None = None) -> dict[str, Any]:
    """An access token for ``resource``, as ``token`` and ``lease_s``.

    ``args``: ``method``, with what it takes: ``secret`` (``secret``), ``certificate`` (``certificate``, a :class:`SecretBytes`),
    ``assertion`` (``assertion``), each with ``tenant`` and ``client_id``, or ``managed`` (``client_id``, ``""`` for the only one).
    ``authority`` is the directory; ``custom`` says that no other directory vouches for it.
    """
    last = _Last()
    near = args["method"] == "managed"
    with _connection(environ, transport, near=near) as line, _identity_failures(args, last):
        credential = _credential(args, {"transport": line, "retry_total": 0, "raw_response_hook": last.seen})
        info: AccessTokenInfo = credential.get_token_info(f"{args['resource']}/.default")
    return {"token": info.token, "lease_s": float(info.expires_on) - time.time()}


class _Last:
    """The last answer of the service for tokens, which the exceptions of azure-identity do not tell."""

    def __init__(self) -> None:
        self.status = 0
        self._headers: Mapping[str, str] = {}

    def seen(self, response: Any) -> None:
        self.status, self._headers = response.http_response.status_code, response.http_response.headers

    @property
    def failure(self) -> Failure | None:
        """Throttled or unreachable; ``None`` where the exception tells more."""
        if self.status == 429:
            return Throttled("Azure: token: too many requests", _pause(self._headers))
        return Unreachable(f"Azure: token: status {self.status}") if self.status >= 500 else None


def _credential(args: Mapping[str, Any], options: dict[str, Any]) -> Any:
    """The credential class of azure-identity for a method."""
    from azure.identity import CertificateCredential, ClientAssertionCredential, ClientSecretCredential, ManagedIdentityCredential

    method = args["method"]
    if method == "managed":
        # the ids of a workload's webhook are not this identity's; the reference's SDK does not look at them either
        return ManagedIdentityCredential(client_id=args["client_id"] or None, _exclude_workload_identity_credential=True, **options)
    tenant, client = args["tenant"], args["client_id"]
    options["authority"] = args["authority"]
    if method == "assertion":
        return ClientAssertionCredential(tenant, client, lambda: str(args["assertion"]), **options)
    if args["custom"]:
        options["disable_instance_discovery"] = True
    if method == "secret":
        return ClientSecretCredential(tenant, client, args["secret"], **options)
    certificate = args["certificate"]
    if not isinstance(certificate, SecretBytes):
        raise SdkFailure(InvalidSpec("the client certificate is missing"))
    try:
        return CertificateCredential(tenant, client, certificate_data=_in_order(certificate.reveal()), **options)
    except (ValueError, TypeError):
        raise SdkFailure(InvalidSpec(f"the client certificate {BAD_CERTIFICATE}")) from None


def _in_order(raw: bytes) -> bytes:
    """``raw``, and of a PEM text with several certificates that of its key in front, for which azure-identity takes the first."""
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    if raw.count(b"-----BEGIN CERTIFICATE-----") < 2:
        return raw
    public = load_pem_private_key(raw, None).public_key()
    own = [one.public_bytes(Encoding.PEM) for one in load_pem_x509_certificates(raw) if one.public_key() == public]
    return b"".join(own[:1]) + raw


@contextmanager
def _identity_failures(args: Mapping[str, Any], last: _Last) -> Iterator[None]:
    """Exceptions of azure-identity as failures. A directory's message names the fault (``AADSTS...``)."""
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise SdkFailure(Unreachable(f"Azure: the service for tokens cannot be reached: {type(error).__name__}")) from None
    except HttpResponseError as error:  # of which ClientAuthenticationError is one
        raise SdkFailure(last.failure or Refused(f"Azure: {_told(str(error.message or ''), args)}", session=True)) from None
    except AzureError as error:
        raise SdkFailure(last.failure or Broken(f"Azure: no token: {type(error).__name__}")) from None
    except ValueError:
        what = f"Azure: {args.get('authority', '')} does not know the tenant, or it is no directory; or an id is not well-formed"
        raise SdkFailure(last.failure or Refused(what, session=True)) from None


def _told(message: str, args: Mapping[str, Any]) -> str:
    """A directory's message, unless it repeats the credential: that of a private cloud is any server."""
    sent = (args.get("secret"), args.get("assertion"))
    repeated = any(isinstance(one, str) and len(one) >= SHORT and one in message for one in sent)
    return "the directory refuses the credential" if repeated else _line(_stable(message))


def _stable(text: str) -> str:
    for mark in VOLATILE:
        text = text.partition(mark)[0]
    return text


# ---------------------------------------------------------------- writing


def set_secret(args: Mapping[str, Any], environ: Mapping[str, str], transport: Transport | None = None) -> None:
    """A new version of the secret ``name``: ``value`` (:class:`SecretBytes`, UTF-8), ``tags``, ``content_type`` and ``expires``
    (seconds since 1970), each ``None`` for none. Enabled."""
    from azure.keyvault.secrets import SecretClient

    value = args["value"].reveal().decode()

    def write(client: Any) -> None:
        client.set_secret(
            args["name"], value, enabled=True, tags=args["tags"], content_type=args["content_type"], expires_on=_time(args["expires"])
        )

    _run("set secret", SecretClient, args, environ, transport, write, value)


def import_key(args: Mapping[str, Any], environ: Mapping[str, str], transport: Transport | None = None) -> None:
    """A new version of the key ``name``: ``key`` is a JSON Web Key whose numbers are bytes, ``tags`` as for a secret."""
    from azure.keyvault.keys import JsonWebKey, KeyClient

    def write(client: Any) -> None:
        client.import_key(args["name"], JsonWebKey(**args["key"]), enabled=True, tags=args["tags"])

    _run("import key", KeyClient, args, environ, transport, write)


def import_certificate(args: Mapping[str, Any], environ: Mapping[str, str], transport: Transport | None = None) -> None:
    """A new version of the certificate ``name``: ``value`` (:class:`SecretBytes`) is PKCS#12, or with ``pem`` a PEM text."""
    from azure.keyvault.certificates import CertificateClient, CertificateContentType, CertificatePolicy

    value: bytes = args["value"].reveal()
    policy = CertificatePolicy(issuer_name="Unknown", content_type=CertificateContentType.pem) if args["pem"] else None

    def write(client: Any) -> None:
        client.import_certificate(args["name"], value, tags=args["tags"], policy=policy)

    _run("import certificate", CertificateClient, args, environ, transport, write, base64.b64encode(value).decode())


def delete(args: Mapping[str, Any], environ: Mapping[str, str], transport: Transport | None = None) -> None:
    """Begin to delete ``name``, a ``kind`` of ``secret``, ``key`` or ``cert``; its end is not waited for."""
    from azure.keyvault.certificates import CertificateClient
    from azure.keyvault.keys import KeyClient
    from azure.keyvault.secrets import SecretClient

    clients: dict[str, tuple[type[Any], str]] = {
        "secret": (SecretClient, "begin_delete_secret"),
        "key": (KeyClient, "begin_delete_key"),
        "cert": (CertificateClient, "begin_delete_certificate"),
    }
    client, method = clients[args["kind"]]
    _run(f"delete {args['kind']}", client, args, environ, transport, lambda open_client: getattr(open_client, method)(args["name"]))


class _Held:
    """A token that is there already. The vault's challenge is answered with it, whatever the challenge asks for."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._token, self._until())

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        return AccessTokenInfo(self._token, self._until())

    @staticmethod
    def _until() -> int:
        return int(time.time()) + 3600  # the session is renewed by the operator; the client lives for one call


def _run(
    what: str,
    kind: type[Any],
    args: Mapping[str, Any],
    environ: Mapping[str, str],
    transport: Transport | None,
    write: Callable[[Any], None],
    secret: str = "",
) -> None:
    """One call of a client, whose exceptions become failures. A message that repeats ``secret`` is left out."""
    with _connection(environ, transport) as line:
        held: Any = _Held(args["token"])
        options = {"api_version": API_VERSION, "transport": line, "retry_total": 0, "permit_redirects": False}
        options["verify_challenge_resource"] = False  # it guards whose token is fetched; this one is made for the vault's own domain
        sentence = f"Azure Key Vault {what} {args['name']}"
        try:
            with kind(args["vault"], held, **options) as client:
                write(client)
        except HttpResponseError as error:
            raise SdkFailure(_http_failure(sentence, error, secret)) from None
        except (ServiceRequestError, ServiceResponseError) as error:
            raise SdkFailure(Unreachable(f"{sentence}: {type(error).__name__}")) from None
        except (AzureError, ValueError) as error:
            raise SdkFailure(Broken(f"{sentence}: {type(error).__name__}")) from None


@contextmanager
def _connection(environ: Mapping[str, str], transport: Transport | None, *, near: bool = False) -> Iterator[Transport]:
    """The transport given, else one for this call. ``near``: a service of the instance, never behind a proxy."""
    if transport is not None:
        yield transport
        return
    roots = environ.get("SSL_CERT_FILE") or environ.get("REQUESTS_CA_BUNDLE") or True
    limits: dict[str, Any] = {"connection_timeout": CONNECT_S, "read_timeout": READ_S, "connection_verify": roots}
    with RequestsTransport(**limits, use_env_settings=not near) as line:
        yield line


def _time(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


def _http_failure(what: str, error: HttpResponseError, secret: str = "") -> Failure:
    """What an answer of Key Vault that is not 2xx means; the same table as for the reads."""
    status = error.status_code or 0
    message = str(error.message or "")
    text = f"{what}: {_line(message)}" if message and not (len(secret) >= SHORT and secret in message) else f"{what}: status {status}"
    match status:
        case 401:
            return Refused(text, session=True)
        case 403:
            return Refused(text)
        case 404:
            return Missing(text)
        case 429:
            return Throttled(f"{what}: too many requests", _pause(getattr(error.response, "headers", {})))
        case _ if status >= 500:
            return Unreachable(f"{what}: status {status}")
        case _ if 300 <= status < 400:
            return Unreachable(f"{what}: redirected to another address, which is not followed (status {status})")
        case _:
            return Broken(text)


def _pause(headers: Mapping[str, str]) -> int:
    """``Retry-After`` in nanoseconds, 0 without one."""
    text = headers.get("Retry-After", "")
    return min(int(text[:9]), RETRY_AFTER_MAX) * SECOND if text.isascii() and text.isdigit() else 0


def _line(text: str) -> str:
    """On one bounded line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= TEXT_MAX else f"{flat[:TEXT_MAX]}..."
