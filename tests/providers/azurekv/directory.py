"""Microsoft Entra ID and an instance's metadata service in memory, as far as a client of theirs gets a token for itself.

Written from "Microsoft identity platform and the OAuth 2.0 client credentials flow", "certificate credentials", "workload identity
federation", "Microsoft Entra authentication and authorization error codes", and "How to use managed identities on an Azure VM to acquire
an access token" on learn.microsoft.com, read on 2026-11-29.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from eso_core.wire import HttpCall, HttpReply

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_S = 3600
VOLATILE = " Trace ID: 0a Correlation ID: 0b Timestamp: 2026-11-29 12:00:00Z"


@dataclass
class App:
    """An application: its secrets, certificates (PEM) and federated subjects' tokens."""

    client_id: str
    secrets: set[str] = field(default_factory=set)
    certificates: list[x509.Certificate] = field(default_factory=list)
    federated: set[str] = field(default_factory=set)
    files: set[bytes] = field(default_factory=set)  # of certificates with their keys, for a server without azure-identity


@dataclass
class Directory:
    """``host`` answers for one ``tenant``. ``tokens`` are those that are good now."""

    host: str
    tenant: str
    resources: frozenset[str]
    apps: dict[str, App] = field(default_factory=dict)
    managed: set[str] = field(default_factory=set)  # client ids of managed identities; "" is the system-assigned one
    tokens: set[str] = field(default_factory=set)
    issued: int = 0

    def issue(self) -> str:
        self.issued += 1
        token = f"eyJ0eXAi.token{self.issued:06d}.signature"
        self.tokens.add(token)
        return token

    # ------------------------------------------------------------ the directory

    def answer(self, call: HttpCall) -> HttpReply:
        url = urlsplit(call.url)
        match call.method, url.path.removeprefix("/").split("/"):
            case "GET", [tenant, "v2.0", ".well-known", "openid-configuration"]:
                return self._configuration(tenant)
            case "GET", ["common", "discovery", "instance"]:
                return self._instance(parse_qs(url.query))
            case "POST", [tenant, "oauth2", "v2.0", "token"]:
                return self._token(tenant, {name: values[0] for name, values in parse_qs(call.body.decode()).items()})
            case _:
                return HttpReply(status=404)

    def _configuration(self, tenant: str) -> HttpReply:
        if tenant != self.tenant:
            return self._refused(400, "invalid_tenant", f"AADSTS90002: Tenant '{tenant}' not found.")
        base = f"https://{self.host}/{tenant}"
        return _json(
            200,
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "issuer": f"{base}/v2.0",
            },
        )

    def _instance(self, query: Mapping[str, list[str]]) -> HttpReply:
        endpoint = query.get("authorization_endpoint", [""])[0]
        if urlsplit(endpoint).hostname != self.host:
            return _json(400, {"error": "invalid_instance", "error_description": "AADSTS50049: Unknown or invalid instance."})
        base = f"https://{self.host}/{self.tenant}/v2.0/.well-known/openid-configuration"
        aliases = [{"preferred_network": self.host, "preferred_cache": self.host, "aliases": [self.host]}]
        return _json(200, {"tenant_discovery_endpoint": base, "api-version": "1.1", "metadata": aliases})

    def _token(self, tenant: str, form: Mapping[str, str]) -> HttpReply:
        if tenant != self.tenant:
            return self._refused(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")
        if form.get("grant_type") != "client_credentials":
            return self._refused(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        app = self.apps.get(form.get("client_id", ""))
        if app is None:
            what = f"AADSTS700016: Application with identifier '{form.get('client_id')}' was not found in the directory."
            return self._refused(400, "unauthorized_client", what)
        resource = form.get("scope", "").removesuffix("/.default")
        if resource not in self.resources or not form["scope"].endswith("/.default"):
            return self._refused(400, "invalid_resource", f"AADSTS500011: The resource principal named {resource} was not found.")
        why = self._why_not(app, form)
        if why:
            return self._refused(401, "invalid_client", why)
        return _json(200, {"token_type": "Bearer", "expires_in": TOKEN_S, "ext_expires_in": TOKEN_S, "access_token": self.issue()})

    def _why_not(self, app: App, form: Mapping[str, str]) -> str:
        if "client_secret" in form:
            fine = form["client_secret"] in app.secrets
            return "" if fine else "AADSTS7000215: Invalid client secret provided."
        if form.get("client_assertion_type") != ASSERTION:
            return "AADSTS7000216: 'client_assertion' or 'client_secret' is required for the 'client_credentials' grant type."
        assertion = form.get("client_assertion", "")
        if assertion in app.federated or any(_signed(assertion, one, app.client_id) for one in app.certificates):
            return ""
        return "AADSTS700211: No matching federated identity record found for presented assertion issuer."

    def _refused(self, status: int, error: str, what: str) -> HttpReply:
        return _json(status, {"error": error, "error_description": what + VOLATILE, "error_codes": [1], "trace_id": "0a"})

    # ------------------------------------------------------------ the instance

    def instance(self, call: HttpCall) -> HttpReply:
        """``/metadata/identity/oauth2/token`` of an instance's metadata service."""
        url = urlsplit(call.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        headers = {name.lower(): value for name, value in call.headers.items()}
        if (call.method, url.path) != ("GET", "/metadata/identity/oauth2/token"):
            return HttpReply(status=404)
        if headers.get("metadata", "").lower() != "true":
            return _json(400, {"error": "bad_request_102", "error_description": "Required metadata header not specified"})
        if query.get("resource") not in self.resources:
            return _json(400, {"error": "invalid_resource", "error_description": "AADSTS500011: unknown resource"})
        if query.get("client_id", "") not in self.managed:
            return _json(400, {"error": "invalid_request", "error_description": "Identity not found"})
        found = {"access_token": self.issue(), "expires_in": str(TOKEN_S), "token_type": "Bearer", "resource": query["resource"]}
        return _json(200, {**found, "expires_on": "4102444800", "not_before": "0", "client_id": "system"})


def _json(status: int, body: Mapping[str, object]) -> HttpReply:
    return HttpReply(status=status, headers={"content-type": "application/json"}, body=orjson.dumps(body))


def _signed(assertion: str, certificate: x509.Certificate, client_id: str) -> bool:
    """A JWT that the certificate's key signed for this application (RS256 or PS256; the header names the certificate's digest)."""
    parts = assertion.split(".")
    key = certificate.public_key()
    if len(parts) != 3 or not isinstance(key, RSAPublicKey):
        return False
    try:
        header, claims = (orjson.loads(_unbase64(part)) for part in parts[:2])
    except (ValueError, orjson.JSONDecodeError):
        return False
    thumbprints = {_base64(hashlib.sha1(raw).digest()) for raw in (certificate.public_bytes(Encoding.DER),)}
    thumbprints |= {_base64(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())}
    if (
        str(header.get("x5t", header.get("x5t#S256"))).rstrip("=") not in thumbprints
        or claims.get("iss") != client_id
        or claims.get("sub") != client_id
    ):
        return False
    pad = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if header.get("alg") == "PS256" else padding.PKCS1v15()
    try:
        key.verify(_unbase64(parts[2]), f"{parts[0]}.{parts[1]}".encode(), pad, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
