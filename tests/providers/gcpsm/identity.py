"""Google's identity services in memory: token endpoint, token exchange, GKE's identity binding, impersonation, metadata server.

Written from "Using OAuth 2.0 for Server to Server Applications", "Method: v1.token" (Security Token Service API), "About Workload
Identity Federation for GKE", "generateAccessToken" (IAM Credentials API) and "View and query VM metadata", as of November 2026.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from eso_core.failure import Failure
from eso_core.wire import CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply
from eso_shell.sdk import SdkFailure, gcp

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI = "https://oauth2.googleapis.com/token"
EMAIL = "reader@acme.iam.gserviceaccount.com"
PROJECT, NUMBER = "acme-prod", "123456789012"
POOL = f"{PROJECT}.svc.id.goog"
CLUSTER = f"https://container.googleapis.com/v1/projects/{PROJECT}/locations/europe-west3/clusters/main"
AUDIENCE = f"//iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/pool/providers/main"
SUBJECT_URL = "https://idp.example/token?kind=oidc"
TOKEN_S = 3600


@lru_cache(maxsize=4)
def private_key(number: int) -> rsa.RSAPrivateKey:
    """The same key for the same number, while the tests run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(number: int = 0, **more: Any) -> str:
    """A service account's key as the console gives it."""
    pem = private_key(number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    held = {
        "type": "service_account", "project_id": PROJECT, "private_key_id": f"key{number}", "private_key": pem, "client_email": EMAIL,
        "client_id": "1", "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": TOKEN_URI, **more,
    }  # fmt: skip
    return json.dumps(held)


@lru_cache(maxsize=64)
def signed(args: str) -> str:
    """The shell's assertion, made once for the same arguments: it is good for an hour."""
    return gcp.assertion(json.loads(args), {})


def answered(status: int, body: Any, **headers: str) -> HttpReply:
    return HttpReply(status=status, headers={"content-type": "application/json; charset=UTF-8", **headers}, body=json.dumps(body).encode())


def fault(code: int, status: str, message: str) -> HttpReply:
    """An error of a Google API."""
    return answered(code, {"error": {"code": code, "message": message, "status": status}})


def refused(error: str, description: str = "") -> HttpReply:
    """An error of an OAuth 2.0 endpoint."""
    return answered(400, {"error": error, "error_description": description})


PAGE = HttpReply(status=404, headers={"content-type": "text/html"}, body=b"<html><title>Error 404 (Not Found)!!1</title></html>")
"""Google's answer to a path that it does not know."""


@dataclass
class Identity:
    """``subjects`` are tokens of ServiceAccounts and of foreign identities by the audience they are exchanged for."""

    keys: set[int] = field(default_factory=lambda: {0})
    subjects: dict[str, set[str]] = field(default_factory=dict)
    aws_keys: set[str] = field(default_factory=set)
    default_file: dict[str, str] = field(default_factory=lambda: {"json": "", "subject_token": ""})
    variables: dict[str, str] = field(default_factory=dict)
    impersonators: tuple[str, ...] = ("pool", "key", "user")
    tokens: dict[str, str] = field(default_factory=dict)  # access token -> who
    count: int = 0

    def issue(self, who: str) -> str:
        """A new access token; several are valid at a time."""
        self.count += 1
        token = f"ya29.{hashlib.sha256(f'{who} {self.count}'.encode()).hexdigest()}"
        self.tokens[token] = who
        return token

    def who(self, call: HttpCall) -> str | None:
        header = next((value for name, value in call.headers.items() if name.lower() == "authorization"), "")
        return self.tokens.get(header.removeprefix("Bearer ")) if header.startswith("Bearer ") else None

    # ------------------------------------------------------------ the shell

    def sdk(self, call: SdkCall) -> CallReply:
        """The shell's functions, as they are but for what the operator's surroundings hold."""
        try:
            match call.name:
                case "ambient.variables":
                    return SdkReply(value={name: self.variables[name] for name in call.args["names"] if name in self.variables})
                case "gcp.application_default":
                    return SdkReply(value=self.default_file)
                case "gcp.assertion":
                    return SdkReply(value=signed(json.dumps(dict(call.args))))
                case "gcp.aws_subject_token":
                    return SdkReply(value=gcp.aws_subject_token(call.args, {}))
        except SdkFailure as error:
            failure: Failure = error.failure
            return CallFailed(failure)
        raise AssertionError(call.name)

    # ------------------------------------------------------------ services

    def answer(self, call: HttpCall) -> HttpReply:
        """The answer of the service that the URL names."""
        url = urlsplit(call.url)
        where = f"{call.method} {url.scheme}://{url.netloc}{url.path}"
        if where == f"POST {TOKEN_URI}":
            return self._token(_form(call))
        if where == "POST https://sts.googleapis.com/v1/token":
            return self._exchange(_form(call))
        if where == "POST https://securetoken.googleapis.com/v1/identitybindingtoken":
            return self._bind(json.loads(call.body))
        if where.startswith("POST https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"):
            return self._impersonate(call, unquote(url.path.rpartition("/")[2]))
        if where.startswith("GET http://metadata.google.internal/computeMetadata/v1/"):
            return self._metadata(call, url.path.removeprefix("/computeMetadata/v1/"), parse_qs(url.query))
        if call.url == SUBJECT_URL and call.method == "GET":
            good = call.headers.get("X-Idp") == "yes"
            return answered(200, {"token": next(iter(self.subjects[AUDIENCE]))}) if good else answered(401, {})
        return PAGE

    def _token(self, form: dict[str, str]) -> HttpReply:
        if form.get("grant_type") == "refresh_token":
            good = (form.get("client_id"), form.get("client_secret"), form.get("refresh_token")) == ("gcloud", "hush", "1//refresh")
            return self._granted("user") if good else refused("invalid_grant", "Bad Request")
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return refused("unsupported_grant_type", "Invalid grant_type")
        header, claims, key = self._verified(form.get("assertion", ""))
        if key is None:
            return refused("invalid_grant", "Invalid JWT Signature.")
        now = time.time()
        if header["alg"] != "RS256" or claims["iss"] != EMAIL or claims["aud"] != TOKEN_URI:
            return refused("invalid_grant", "Invalid JWT: audience or issuer")
        if not now - 300 < claims["iat"] <= now < claims["exp"] <= claims["iat"] + 3600:
            return refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
        if claims.get("target_audience"):
            return answered(200, {"id_token": f"id-for-{claims['target_audience']}"})
        if claims.get("scope") != SCOPE:
            return refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return self._granted("key")

    def _verified(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any], int | None]:
        parts = assertion.split(".")
        if len(parts) != 3:
            return {}, {}, None
        raw = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts]
        for key in self.keys:
            try:
                private_key(key).public_key().verify(raw[2], f"{parts[0]}.{parts[1]}".encode(), padding.PKCS1v15(), SHA256())
            except InvalidSignature:
                continue
            return json.loads(raw[0]), json.loads(raw[1]), key
        return {}, {}, None

    def _exchange(self, form: dict[str, str]) -> HttpReply:
        expected = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "scope": SCOPE,
        }
        if any(form.get(name) != value for name, value in expected.items()):
            return refused("invalid_request", "a field is missing or wrong")
        subject, audience = form.get("subject_token", ""), form.get("audience", "")
        if form.get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
            known = audience == AUDIENCE and self._aws(subject)
        else:
            known = form.get("subject_token_type") == "urn:ietf:params:oauth:token-type:jwt" and subject in self.subjects.get(audience, ())
        return self._granted("pool") if known else refused("invalid_grant", "The given credential is rejected by the attribute condition.")

    def _aws(self, subject: str) -> bool:
        request = json.loads(unquote(subject))
        headers = {item["key"].lower(): item["value"] for item in request["headers"]}
        key = headers["authorization"].partition("Credential=")[2].partition("/")[0]
        good = request["url"] == f"https://{headers['host']}?Action=GetCallerIdentity&Version=2011-06-15" and request["method"] == "POST"
        return good and headers["x-goog-cloud-target-resource"] == AUDIENCE and key in self.aws_keys

    def _bind(self, body: dict[str, str]) -> HttpReply:
        audience = f"identitynamespace:{POOL}:{CLUSTER}"
        if body.get("audience") != audience or body.get("subject_token") not in self.subjects.get(audience, ()):
            return fault(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        return self._granted("pool")

    def _impersonate(self, call: HttpCall, name: str) -> HttpReply:
        who = self.who(call)
        if who is None:
            return UNAUTHENTICATED
        if name != f"{EMAIL}:generateAccessToken" or who not in self.impersonators:
            return fault(
                403, "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            )
        body = json.loads(call.body)
        if body.get("scope") != [SCOPE]:
            return fault(400, "INVALID_ARGUMENT", "Scope required.")
        return answered(200, {"accessToken": self.issue("impersonated"), "expireTime": "2026-11-29T14:00:00Z"})

    def _granted(self, who: str) -> HttpReply:
        return answered(200, {"access_token": self.issue(who), "expires_in": TOKEN_S, "token_type": "Bearer"})

    def _metadata(self, call: HttpCall, path: str, query: dict[str, list[str]]) -> HttpReply:
        flavor = {"metadata-flavor": "Google"}
        if call.headers.get("Metadata-Flavor") != "Google":
            return HttpReply(status=403, headers=flavor, body=b"Missing Metadata-Flavor:Google header.")
        texts = {
            "project/project-id": PROJECT,
            "instance/attributes/cluster-location": "europe-west3",
            "instance/attributes/cluster-name": "main",
        }
        if path in texts:
            return HttpReply(status=200, headers=flavor, body=texts[path].encode())
        if path == "instance/service-accounts/default/token" and query == {"scopes": [SCOPE]}:
            return answered(200, {"access_token": self.issue("instance"), "expires_in": 3599, "token_type": "Bearer"}, **flavor)
        if path == "instance/service-accounts/default/identity" and query.get("audience"):
            return HttpReply(status=200, headers=flavor, body=f"id-for-{query['audience'][0]}".encode())
        return HttpReply(status=404, headers=flavor, body=b"<html>Not Found</html>")


UNAUTHENTICATED = fault(
    401,
    "UNAUTHENTICATED",
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
)


def _form(call: HttpCall) -> dict[str, str]:
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return {name: values[0] for name, values in parse_qs(call.body.decode(), strict_parsing=True).items()}


def public_key_of(text: str) -> rsa.RSAPublicKey:
    """The public half of a key file."""
    key = load_pem_private_key(json.loads(text)["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.public_key()
