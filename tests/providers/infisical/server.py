"""Infisical in memory: logins of machine identities, and version 3 of ``/secrets/raw``.

Written on 2026-11-29 from Infisical's API reference ("Errors", "Universal Auth Login" and its likes, "List/Retrieve/Create/Update/Delete
Secret", "Get Project by Slug") and from ``backend/src/server`` of Infisical/infisical (routes ``v3/deprecated-secret-router.ts``, plugin
``error-handler.ts``, services ``identity-*-auth`` and ``secret-v2-bridge``), which say which fields are known, what is trimmed, which
errors have which texts. Signatures of Oracle Cloud are checked with the public key; those of AWS and Google are marks of this server's.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from eso_core.failure import Missing
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply

HOST = "infisical.example"
PROJECT, PROJECT_ID, ENVIRONMENT = "shop", "7a6f0a0e-0000-4000-8000-5b0f1d9c2f11", "prod"
IDENTITY = "d5a2b0c4-0000-4000-8000-9c7c3a2b1e00"
OWN_TOKEN = "own-service-account-token"
NOW = 1_796_000_000.0
LEASE_S = 7200
BOOLEANS = ("true", "false")
READ = frozenset(
    {"workspaceId", "workspaceSlug", "environment", "secretPath", "viewSecretValue", "expandSecretReferences", "include_imports"}
)
WRITE = frozenset({"workspaceId", "projectSlug", "environment", "secretPath", "type", "secretValue", "skipMultilineEncoding"})


def error(status: int, message: Any, name: str, **more: Any) -> HttpReply:
    """Infisical's shape."""
    return HttpReply(status=status, body=orjson.dumps({"reqId": "req-1", "statusCode": status, "message": message, "error": name, **more}))


def invalid(path: str, why: str = "Required") -> HttpReply:
    return error(422, [{"code": "invalid_type", "path": [path], "message": why}], "ValidationFailure")


def ok(body: Any) -> HttpReply:
    return HttpReply(status=200, headers={"content-type": "application/json; charset=utf-8"}, body=orjson.dumps(body))


class Infisical:
    """One project with one environment. ``method`` is the login that its identity has; ``folder`` is where names without a path are."""

    def __init__(self, method: str = "universal", folder: str = "/", key: rsa.RSAPrivateKey | None = None) -> None:
        self.method, self.folder = method, folder
        self.secrets: dict[tuple[str, str], str] = {}
        self.folders = {"/", folder}
        self.imports: dict[str, list[str]] = {}  # of a folder: other folders, the last wins
        self.tokens: set[str] = set()
        self.ended: set[str] = set()
        self.count = 0
        self.credential = "credential-0"  # client secret, password, JWT or token; the mark of signed requests
        self.public = key.public_key() if key is not None else None
        self.wants_id = False  # an old version, which knows no projectSlug here
        self.old_route = False
        self.approvals = False
        self.hidden: set[str] = set()  # names whose value may not be read
        self.organization = ""

    # ------------------------------------------------------------ Server

    def answer(self, call: Call) -> CallReply:
        if isinstance(call, SdkCall):
            return self._library(call)
        url = urlsplit(call.url)
        if url.netloc in ("169.254.169.254", "metadata.google.internal"):
            return self._instance(call)
        if url.scheme != "https" or url.netloc != HOST or not url.path.startswith("/api/"):
            return HttpReply(status=404, body=b"<html>not here</html>")
        path = url.path.removeprefix("/api")
        login = re.fullmatch(r"/v1/auth/([a-z-]+)/login", path)
        if login is not None and call.method == "POST":
            return self._login(login[1], call)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        denied = self._denied(call)
        return denied if denied is not None else self._route(call, path, query)

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        folder, key = self._place(name)
        self.folders.add(folder)
        self.secrets[folder, key] = value.decode()
        return ""

    def remove(self, name: str) -> None:
        del self.secrets[self._place(name)]

    def held(self, name: str) -> bytes | None:
        value = self.secrets.get(self._place(name))
        return value.encode() if value is not None else None

    def expire(self) -> None:
        self.ended |= self.tokens
        self.tokens.clear()

    def rotate(self) -> Mapping[str, bytes]:
        slot = {"universal": "client_secret", "jwt": "jwt", "ldap": "ldap_password", "token": "access_token"}.get(self.method)
        if slot is None:
            return {}
        self.credential = f"credential-{int(self.credential.rpartition('-')[2]) + 1}"
        self.tokens.clear()
        return {slot: self.credential.encode()}

    def _place(self, name: str) -> tuple[str, str]:
        folder, slash, key = name.rpartition("/")
        return (folder or "/", key) if slash else (self.folder, name)

    # ------------------------------------------------------------ logins

    def _login(self, endpoint: str, call: HttpCall) -> HttpReply:
        lower = {name.lower(): value for name, value in call.headers.items()}
        if lower.get("content-type") != "application/json" or "authorization" in lower:
            return error(400, "Body must be JSON", "BadRequest")
        body: dict[str, Any] = orjson.loads(call.body)
        if body.pop("organizationSlug", "") != self.organization:
            return error(404, "Sub organization with slug not found", "NotFound")
        method = {"universal": "universal", "gcp-key": "gcp", "token": ""}.get(self.method, self.method)
        if endpoint != f"{method}-auth":
            return error(404, "auth method not found for identity, did you configure it?", "NotFound")
        good = LOGINS[endpoint](self, body)
        if good is None:
            return invalid("body", "Unrecognized or missing keys")
        if not good:
            return error(401, "Invalid credentials", "UnauthorizedError")
        self.count += 1
        token = f"token-{self.count}-of-{self.credential}"
        self.tokens.add(token)
        return ok({"accessToken": token, "expiresIn": LEASE_S, "accessTokenMaxTTL": 43200, "tokenType": "Bearer"})

    def universal(self, body: dict[str, Any]) -> bool | None:
        if set(body) != {"clientId", "clientSecret"}:
            return None
        return bool(body["clientId"] == "client-1" and body["clientSecret"] == self.credential)

    def jwt(self, body: dict[str, Any]) -> bool | None:
        wanted = {
            "azure": "azure-token-for-https://management.azure.com/",
            "gcp": f"google-token-for-{IDENTITY}",
            "gcp-key": f"jwt-for-{IDENTITY}-by-{self.credential}",
            "kubernetes": OWN_TOKEN,
        }.get(self.method, self.credential)
        return bool(body["identityId"] == IDENTITY and body["jwt"] == wanted) if set(body) == {"identityId", "jwt"} else None

    def ldap(self, body: dict[str, Any]) -> bool | None:
        if set(body) != {"identityId", "username", "password"}:
            return None
        return bool(body["identityId"] == IDENTITY and body["username"] == "reader" and body["password"] == self.credential)

    def aws(self, body: dict[str, Any]) -> bool | None:
        if set(body) != {"identityId", "iamHttpRequestMethod", "iamRequestBody", "iamRequestHeaders"}:
            return None
        headers = orjson.loads(base64.b64decode(body["iamRequestHeaders"]))
        request = base64.b64decode(body["iamRequestBody"])
        signed = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=AK/20261129/([a-z0-9-]{1,20})/sts/aws4_request, .*", headers["Authorization"])
        return signed is not None and request == b"Action=GetCallerIdentity&Version=2011-06-15" and body["iamHttpRequestMethod"] == "POST"

    def oci(self, body: dict[str, Any]) -> bool | None:
        if set(body) != {"identityId", "userOcid", "headers"} or set(body["headers"]) != {"host", "date", "authorization"}:
            return None
        headers, user = body["headers"], body["userOcid"]
        if not re.fullmatch(r"identity\.([a-z]{2}-[a-z]+-[1-9])\.oraclecloud\.com", headers["host"]):
            return False
        parts = dict(re.findall(r'([a-zA-Z]+)="([^"]*)"', headers["authorization"].removeprefix("Signature ")))
        if parts.get("keyId") != f"ocid1.tenancy.oc1..t/{user}/aa:bb" or parts.get("headers") != "date (request-target) host":
            return False
        lines = f"date: {headers['date']}\n(request-target): get /20160918/users/{user}\nhost: {headers['host']}"
        assert self.public is not None
        try:
            self.public.verify(base64.b64decode(parts["signature"]), lines.encode(), padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return bool(headers["date"] == "Mon, 30 Nov 2026 00:53:20 GMT")

    # ------------------------------------------------------------ the operator's surroundings

    def _instance(self, call: HttpCall) -> HttpReply:
        url = urlsplit(call.url)
        query = dict(parse_qsl(url.query))
        if url.netloc == "169.254.169.254" and call.headers.get("Metadata") == "true" and query.get("api-version") == "2018-02-01":
            return ok({"access_token": f"azure-token-for-{query['resource']}", "expires_in": "86399"})
        if call.headers.get("Metadata-Flavor") == "Google" and url.path.endswith("/service-accounts/default/identity"):
            return HttpReply(status=200, body=f"google-token-for-{query['audience']}".encode())
        return HttpReply(status=400, body=b"{}")

    def _library(self, call: SdkCall) -> CallReply:
        match call.name:
            case "ambient.now":
                return SdkReply(value=NOW)
            case "ambient.service_account_token":
                return SdkReply(value=OWN_TOKEN)
            case "ambient.variables":
                return SdkReply(value={})
            case "gcp.assertion":
                assert call.args["subject"] == ""
                return SdkReply(value=f"jwt-for-{call.args['audience']}-by-{orjson.loads(call.args['key'])['private_key']}")
            case "aws.caller_identity":
                region = call.args["region"] or "us-east-1"
                scope = f"AK/20261129/{region}/sts/aws4_request"
                headers = {"Host": f"sts.{region}.amazonaws.com", "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0"}
                text = "Action=GetCallerIdentity&Version=2011-06-15"
                return SdkReply(value={"method": "POST", "url": f"https://{headers['Host']}/", "headers": headers, "body": text})
            case _:
                return CallFailed(Missing(f"no {call.name} here"))

    # ------------------------------------------------------------ secrets

    def _denied(self, call: HttpCall) -> HttpReply | None:
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and (token in self.tokens or (self.method == "token" and token == self.credential)):
            return None
        if token in self.ended:
            return error(403, "Your token has expired. Please re-authenticate.", "TokenError")
        return error(401, "Token missing or not accepted", "UnauthorizedError")

    def _route(self, call: HttpCall, path: str, query: dict[str, str]) -> HttpReply:
        slug = re.fullmatch(r"/v1/(projects|workspace)/slug/([^/]+)", path)
        if slug is not None and call.method == "GET" and (slug[1] == "workspace") == self.old_route:
            known = unquote(slug[2]) == PROJECT
            return ok({"id": PROJECT_ID, "slug": PROJECT}) if known else error(404, "Project not found", "NotFound")
        if path == "/v3/secrets/raw" and call.method == "GET":
            return self._listed(query)
        name = re.fullmatch(r"/v3/secrets/raw/([^/]+)", path)
        if name is not None and call.method == "GET":
            return self._read(unquote(name[1]).strip(), query)
        if name is not None and call.method in ("POST", "PATCH", "DELETE"):
            return self._write(call, unquote(name[1]))
        return HttpReply(
            status=404,
            body=orjson.dumps({"message": f"Route {call.method}:/api{path} not found", "error": "Not Found", "statusCode": 404}),
        )

    def _wrong_query(self, query: dict[str, str], known: frozenset[str]) -> HttpReply | None:
        for name in ("viewSecretValue", "expandSecretReferences", "include_imports", "recursive"):
            if query.get(name, "true") not in BOOLEANS:
                return invalid(name, "Invalid enum value")
        if set(query) - known or "environment" not in query:
            return invalid("query")
        if query.get("workspaceId", PROJECT_ID) != PROJECT_ID or query.get("workspaceSlug", PROJECT) != PROJECT:
            return error(404, f"Project with slug '{query.get('workspaceSlug')}' not found", "NotFound")
        return None

    def _listed(self, query: dict[str, str]) -> HttpReply:
        wrong = self._wrong_query(query, READ | {"recursive"})
        if wrong is not None:
            return wrong
        top = query["secretPath"].rstrip("/") or "/"
        deep = query.get("recursive") == "true"
        chosen = [folder for folder in sorted(self.folders) if folder == top or (deep and folder.startswith(top.rstrip("/") + "/"))]
        if query["environment"] != ENVIRONMENT:
            chosen = []
        shown = [self._shown(folder, name, query) for folder in chosen for at, name in sorted(self.secrets) if at == folder]
        imports: list[Any] = []
        if query.get("include_imports") == "true":
            for source in (source for folder in chosen for source in self.imports.get(folder, ())):
                held = [self._shown(source, name, query) for at, name in sorted(self.secrets) if at == source]
                without = [{key: value for key, value in secret.items() if key != "secretPath"} for secret in held]
                imports.append({"secretPath": source, "environment": ENVIRONMENT, "secrets": without})
        return ok({"secrets": shown, "imports": imports})

    def _shown(self, folder: str, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        hidden = name in self.hidden or query.get("viewSecretValue") == "false"
        value = self.secrets[folder, name]
        if query.get("expandSecretReferences") == "true":
            value = re.sub(r"\$\{([^}]*)\}", lambda found: self.secrets.get((folder, found[1]), ""), value)
        return {
            "id": f"id-{name[:40]}",
            "_id": f"id-{name[:40]}",
            "createdAt": "2026-11-29T12:00:00.000Z",
            "updatedAt": "2026-11-29T12:00:00.000Z",
            "metadata": None,
            "secretMetadata": [],
            "tags": [],
            "workspace": PROJECT_ID,
            "environment": ENVIRONMENT,
            "version": 1,
            "type": "shared",
            "secretKey": name,
            "secretValue": "<hidden-by-infisical>" if hidden else value,
            "secretValueHidden": hidden,
            "secretComment": "",
            "secretPath": folder,
        }

    def _read(self, name: str, query: dict[str, str]) -> HttpReply:
        wrong = self._wrong_query(query, READ | {"type", "version"})
        if wrong is not None:
            return wrong
        folder = query.get("secretPath", "/").strip()
        folder = folder.rstrip("/") or "/"
        if folder not in self.folders or query["environment"] != ENVIRONMENT:
            text = f"Folder with path '{folder}' in environment with slug '{query['environment']}' not found"
            return error(404, text, "GetSecretByName")
        sources = [folder, *reversed(self.imports.get(folder, []) if query.get("include_imports") == "true" else [])]
        for source in sources:
            if (source, name) in self.secrets:
                if name in self.hidden:
                    text = f"You do not have permission to view secret value on secret with name '{name}'"
                    return error(403, text, "ForbiddenReadSecretError")
                return ok({"secret": self._shown(source, name, query)})
        return error(404, f"Secret with name '{name}' not found", "NotFound")

    def _write(self, call: HttpCall, name: str) -> HttpReply:
        body: dict[str, Any] = orjson.loads(call.body)
        if set(body) - WRITE or "environment" not in body:
            return invalid("body")
        if self.wants_id and "workspaceId" not in body:
            return invalid("workspaceId")
        if body.get("workspaceId", PROJECT_ID) != PROJECT_ID or body.get("projectSlug", PROJECT) != PROJECT:
            return error(404, "Project not found", "NotFound")
        folder = body.get("secretPath", "/").rstrip("/") or "/"
        if folder not in self.folders or body["environment"] != ENVIRONMENT:
            return error(404, f"Folder with path '{folder}' in environment with slug '{body['environment']}' not found", "CreateSecret")
        if call.method == "POST" and (not name.strip() or re.search(r"[\s:/]", name)):
            return invalid("secretName", "Secret name cannot contain spaces, colons or slashes")
        there = (folder, name) in self.secrets
        if call.method == "POST" and there:
            return error(400, f"Secret already exist: {name}", "BadRequest")
        if call.method != "POST" and not there:
            return error(404, f"Secret with name '{name}' not found", "NotFound")
        if self.approvals:
            return ok({"approval": {"id": "1", "status": "open"}})
        shown = self._shown(folder, name, {}) if there else {}
        if call.method == "DELETE":
            del self.secrets[folder, name]
            return ok({"secret": shown})
        value = body.get("secretValue")
        if not isinstance(value, str):
            return invalid("secretValue")
        self.secrets[folder, name] = value.strip() + ("\n" if value.endswith("\n") else "")
        return ok({"secret": self._shown(folder, name, {})})


LOGINS: Mapping[str, Callable[[Infisical, dict[str, Any]], bool | None]] = {
    "universal-auth": Infisical.universal,
    "azure-auth": Infisical.jwt,
    "gcp-auth": Infisical.jwt,
    "jwt-auth": Infisical.jwt,
    "kubernetes-auth": Infisical.jwt,
    "ldap-auth": Infisical.ldap,
    "aws-auth": Infisical.aws,
    "oci-auth": Infisical.oci,
}
