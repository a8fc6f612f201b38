"""A Vault in memory: KV engines of both versions, tokens, logins, mounts; and what AWS and Google contribute to a login.

Written from the API documentation of HashiCorp Vault and OpenBao (November 2026): "KV secrets engine, version 1" and "version 2",
"Token", "AppRole", "Kubernetes", "JWT/OIDC", "LDAP", "Username & Password", "TLS certificates", "AWS" and "Google Cloud" auth methods,
``/sys/mounts``. Texts of errors are those of OpenBao 2.7, with which ``test_vault_honest.py`` compares what it answers.

What the login methods of AWS and Google prove is not computed: a stand-in for the library call names the key that it was given, and the
server compares that with the key it knows.
"""

from __future__ import annotations

import base64
import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import orjson
from returns.result import Success

from eso_core.compat.gojson import marshal, parse_object
from eso_core.failure import Broken
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply

URL = "https://vault.example:8200"
LEASE_S = 3600
DENIED = "permission denied"
WRONG_PATH = "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."
GOOGLE_ACCOUNT = "eso@project.iam.gserviceaccount.com"


@dataclass
class Version:
    """One value of a version 2 secret; ``data=None`` when it was deleted."""

    data: Mapping[str, msgspec.Raw] | None


@dataclass
class Secret:
    """A secret of a version 2 engine."""

    versions: dict[int, Version] = field(default_factory=dict)
    custom: dict[str, str] | None = None

    @property
    def current(self) -> int:
        return max(self.versions, default=0)


@dataclass
class Engine:
    """A KV engine: ``v2`` or ``v1`` is in use."""

    version: int
    v2: dict[str, Secret] = field(default_factory=dict)
    v1: dict[str, Mapping[str, msgspec.Raw]] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A call to ``/v1/``, taken apart."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    token: str
    namespace: str
    call: HttpCall


def ok(data: Any = None, *, auth: Any = None, status: int = 200, warnings: Any = None) -> HttpReply:
    """The envelope that every answer with a body has."""
    body = {"request_id": "0", "lease_id": "", "renewable": False, "lease_duration": 0, "data": data}
    return HttpReply(status=status, body=msgspec.json.encode({**body, "wrap_info": None, "warnings": warnings, "auth": auth}))


def wrong(status: int, *errors: str) -> HttpReply:
    return HttpReply(status=status, headers={"retry-after": "1"} if status == 429 else {}, body=orjson.dumps({"errors": list(errors)}))


NO_CONTENT = HttpReply(status=204)


class Vault:
    """``method`` is the login that it takes, ``""`` for one token; ``namespace`` is where the engine lies."""

    def __init__(self, method: str = "", *, version: int = 2, mount: str = "secret", namespace: str = "", told: bool = True) -> None:
        self.method, self.mount, self.namespace = method, mount, namespace
        self.login_namespace = namespace
        self.engines = {mount: Engine(version)}
        self.told = told  # False: as before 1.9, the value comes without custom metadata
        self.number = 0  # of rotations
        self.given = 0  # tokens
        self.tokens: set[str] = set()
        self.cas_required = False
        self.rotate()

    # ------------------------------------------------------------ case.Server

    def answer(self, call: Call) -> CallReply:
        """One request: to Vault, to Google, or to a library."""
        if isinstance(call, SdkCall):
            return self._library(call)
        parts = urlsplit(call.url)
        if f"{parts.scheme}://{parts.netloc}" != URL:
            return self._google(call)
        if not parts.path.startswith("/v1/"):
            return HttpReply(status=404, body=b"404 page not found\n")
        headers = {name.lower(): value for name, value in call.headers.items()}
        try:
            body = msgspec.json.decode(call.body) if call.body else {}
        except (msgspec.DecodeError, RecursionError):
            return wrong(400, "failed to parse JSON input")
        request = Request(
            call.method, unquote(parts.path)[4:], parse_qs(parts.query), body,
            headers.get("x-vault-token", ""), headers.get("x-vault-namespace", "").strip("/"), call,
        )  # fmt: skip
        return self._route(request)

    @property
    def engine(self) -> Engine:
        return self.engines[self.mount]

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        data = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        if self.engine.version == 1:
            self.engine.v1[name] = data
            return ""
        secret = self.engine.v2.setdefault(name, Secret())
        number = secret.current + 1
        secret.versions[number] = Version(data)
        secret.custom = dict(tags) or secret.custom
        return str(number)

    def remove(self, name: str) -> None:
        self.engine.v1.pop(name, None)
        self.engine.v2.pop(name, None)

    def held(self, name: str) -> bytes | None:
        if self.engine.version == 1:
            data = self.engine.v1.get(name)
        else:
            secret = self.engine.v2.get(name, Secret())
            data = secret.versions[secret.current].data if secret.versions else None
        return msgspec.json.encode(data) if data is not None else None

    def expire(self) -> None:
        if self.method:
            self.tokens.clear()

    def rotate(self) -> Mapping[str, bytes]:
        self.number += 1
        self.tokens.clear()
        self.secrets = {slot: value.encode() for slot, value in CREDENTIALS[self.method](self.number).items()}
        if not self.method:
            self.tokens.add(self.secrets["token"].decode())
        return self.secrets

    # ------------------------------------------------------------ routes

    def _route(self, request: Request) -> HttpReply:
        path = request.path
        if ".." in path.split("/"):
            return wrong(400, "path cannot contain parent references")
        if path.startswith("auth/") and not path.startswith("auth/token/"):
            return self._login(request)
        if request.token not in self.tokens:
            return wrong(403, DENIED)
        if path == "auth/token/lookup-self" and request.method == "GET":
            expires = {"ttl": LEASE_S, "expire_time": "2030-01-01T00:00:00Z"} if self.method else {"ttl": 0, "expire_time": None}
            return ok({"id": request.token, "type": "service", **expires, "policies": ["default"]})
        if path.startswith("sys/mounts/") and request.method == "GET":
            return self._mount(path.removeprefix("sys/mounts/").strip("/"))
        if request.namespace != self.namespace:
            return wrong(404, "namespace not found")
        mount = next((name for name in self.engines if f"{path}/".startswith(f"{name}/")), None)
        if mount is None:
            return wrong(404, f'no handler for route "{path}". route entry not found.')
        rest = path[len(mount) :].strip("/")
        engine = self.engines[mount]
        return self._v2(engine, request, rest) if engine.version == 2 else self._v1(engine, request, rest)

    def _mount(self, name: str) -> HttpReply:
        if name == "sys":
            return ok({"type": "system", "options": None})
        if name not in self.engines:
            return wrong(400, f"No secret engine mount at {name}/")
        return ok({"type": "kv", "options": {"version": str(self.engines[name].version)}, "description": ""})

    def _v1(self, engine: Engine, request: Request, key: str) -> HttpReply:
        if request.method == "GET" and request.query.get("list") == ["true"]:
            return _listed(engine.v1, key)
        if request.method == "GET":
            return ok(engine.v1[key]) if key in engine.v1 else wrong(404)
        if request.method in ("PUT", "POST"):
            if not request.body:
                return wrong(400, "missing data fields")
            engine.v1[key] = msgspec.json.decode(request.call.body, type=dict[str, msgspec.Raw])
            return NO_CONTENT
        if request.method == "DELETE":
            engine.v1.pop(key, None)
            return NO_CONTENT
        return wrong(405, "unsupported operation")

    def _v2(self, engine: Engine, request: Request, rest: str) -> HttpReply:
        kind, _, key = rest.partition("/")
        if kind == "metadata" and request.method == "GET" and request.query.get("list") == ["true"]:
            return _listed(engine.v2, key)
        if kind not in ("data", "metadata") or not key:
            return ok(None, status=404, warnings=[WRONG_PATH])
        return self._data(engine, request, key) if kind == "data" else self._metadata(engine, request, key)

    def _data(self, engine: Engine, request: Request, key: str) -> HttpReply:
        secret = engine.v2.get(key)
        if request.method == "GET":
            return self._value(secret, (request.query.get("version") or ["0"])[0])
        if request.method in ("PUT", "POST"):
            return self._write(engine, request, key)
        if request.method == "DELETE":
            if secret is not None and secret.versions:
                secret.versions[secret.current] = Version(None)
            return NO_CONTENT
        return wrong(405, "unsupported operation")

    def _value(self, secret: Secret | None, version: str) -> HttpReply:
        if not version.isdecimal():
            return wrong(400, 'Field validation failed: error converting input for field "version"')
        number = int(version) or (secret.current if secret is not None else 0)
        if secret is None or number not in secret.versions:
            return wrong(404)
        held = secret.versions[number].data
        data = {"data": held, "metadata": self._about(secret, number)}
        return ok(data, status=200 if held is not None else 404)

    def _about(self, secret: Secret, number: int) -> dict[str, Any]:
        about = {"created_time": "2026-11-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": number}
        return {**about, "custom_metadata": secret.custom} if self.told else about

    def _write(self, engine: Engine, request: Request, key: str) -> HttpReply:
        if not isinstance(request.body, dict) or not isinstance(request.body.get("data"), dict):
            return wrong(400, "no data provided")
        secret = engine.v2.get(key, Secret())
        cas = (request.body.get("options") or {}).get("cas")
        if cas is None and self.cas_required:
            return wrong(400, "check-and-set parameter required for this call")
        if cas is not None and cas != secret.current:
            return wrong(400, "check-and-set parameter did not match the current version")
        raw = bytes(msgspec.json.decode(request.call.body, type=dict[str, msgspec.Raw])["data"])
        rounded = parse_object(raw)
        if not isinstance(rounded, Success):
            return wrong(400, "failed to parse JSON input")
        engine.v2[key] = secret
        number = secret.current + 1
        secret.versions[number] = Version(msgspec.json.decode(marshal(rounded.unwrap(), escape_html=False), type=dict[str, msgspec.Raw]))
        return ok(self._about(secret, number))

    def _metadata(self, engine: Engine, request: Request, key: str) -> HttpReply:
        secret = engine.v2.get(key)
        if request.method == "GET":
            if secret is None:
                return wrong(404)
            system = {"created_time": "2026-11-01T00:00:00Z", "delete_version_after": "0s", "max_versions": 0, "versions": {}}
            return ok({**system, "current_version": secret.current, "custom_metadata": secret.custom})
        if request.method in ("PUT", "POST"):
            custom = request.body.get("custom_metadata")
            if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
                return wrong(400, 'Field validation failed: error converting input for field "custom_metadata"')
            engine.v2.setdefault(key, Secret()).custom = custom
            return NO_CONTENT
        if request.method == "DELETE":
            engine.v2.pop(key, None)
            return NO_CONTENT
        return wrong(405, "unsupported operation")

    # ------------------------------------------------------------ logins

    def _login(self, request: Request) -> HttpReply:
        method = self.method.partition("-")[0]
        path, checks = LOGINS.get(method, ("", None))
        if checks is None or posixpath.normpath(request.path) != path:
            return wrong(404, f'no handler for route "{request.path}". route entry not found.')
        if request.method not in ("PUT", "POST") or not isinstance(request.body, dict):
            return wrong(500, "missing fields")
        if request.namespace != self.login_namespace:
            return wrong(404, "namespace not found")
        fault = checks(self, request)
        if fault:
            return wrong(400, fault)
        self.given += 1
        token = f"hvs.session-{self.number}-{self.given}"
        self.tokens.add(token)
        auth = {"client_token": token, "accessor": "a", "policies": ["default"], "lease_duration": LEASE_S, "renewable": True}
        return ok(auth=auth)

    def text(self, slot: str) -> str:
        return self.secrets[slot].decode()

    # ------------------------------------------------------------ AWS and Google

    def _library(self, call: SdkCall) -> CallReply:
        match call.name:
            case "ambient.service_account_token":
                return SdkReply(value="operators-own-token")
            case "ambient.now":
                return SdkReply(value=1_795_000_000.0)
            case "ambient.variables":
                return SdkReply(value={})
            case "aws.caller_identity":
                return SdkReply(value=_signed(call.args))
            case "gcp.assertion":
                key = json.loads(call.args["key"])
                claims = {"aud": call.args["audience"], "sub": key["client_email"], "seconds": call.args["seconds"]}
                return SdkReply(value=jwt(claims, key["private_key"]))
            case _:
                return CallFailed(Broken(f"there is no library call {call.name}"))

    def _google(self, call: HttpCall) -> HttpReply:
        host, path = urlsplit(call.url).netloc, urlsplit(call.url).path
        if host == "metadata.google.internal" and call.headers.get("Metadata-Flavor") == "Google":
            wanted = parse_qs(urlsplit(call.url).query)
            if path.endswith("/default/identity") and wanted.get("format") == ["full"]:
                return HttpReply(status=200, body=jwt({"aud": wanted["audience"][0]}, "google").encode())
        return HttpReply(status=404, body=b"not found")


def _listed(secrets: Mapping[str, Any], folder: str) -> HttpReply:
    """Names in one folder, those of folders with a slash at their end, sorted."""
    top = f"{folder.strip('/')}/" if folder.strip("/") else ""
    below = [key[len(top) :] for key in secrets if key.startswith(top)]
    names = sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in below})
    return ok({"keys": names}) if names else wrong(404)


def jwt(claims: Mapping[str, Any], key: str) -> str:
    """Claims with the name of the key that signed them."""
    return base64.urlsafe_b64encode(orjson.dumps({**claims, "signed by": key})).decode()


def claims_of(token: Any) -> dict[str, Any]:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(str(token)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _signed(args: Mapping[str, Any]) -> dict[str, Any]:
    """What ``aws.caller_identity`` gives, with the key's name for a signature."""
    identity = args.get("web_identity") or {}
    key = args.get("access_key") or f"{identity.get('role_arn')} {identity.get('token')}"
    secret = args.get("secret_key") or "temporary"
    assumed = "".join(f" as {role['arn']} {role['external_id']}" for role in args.get("roles", ()))
    signature = f"AWS4-HMAC-SHA256 {key} {base64.b64encode(secret.encode()).decode()}{assumed}"
    headers = {"Host": "sts.amazonaws.com", "X-Amz-Date": "20261129T000000Z", **args.get("headers", {}), "Authorization": signature}
    endpoint = args.get("endpoint") or f"https://sts.{args['region']}.amazonaws.com"
    return {"method": "POST", "url": f"{endpoint}/", "headers": headers, "body": "Action=GetCallerIdentity&Version=2011-06-15"}


# ---------------------------------------------------------------- what logins ask for, and why they are refused


def _approle(vault: Vault, request: Request) -> str:
    good = (request.body.get("role_id"), request.body.get("secret_id")) == (vault.text("role_id"), vault.text("secret_id"))
    return "" if good else "invalid role or secret ID"


def _password(vault: Vault, request: Request) -> str:
    return "" if request.body.get("password") == vault.text("password") else "invalid username or password"


def _jwt(vault: Vault, request: Request) -> str:
    wanted = vault.text("jwt") if "jwt" in vault.secrets else "operators-own-token"
    if request.body.get("role") != "reader":
        return 'invalid role name "x"'
    return "" if request.body.get("jwt") == wanted else "error validating token: invalid signature"


def _cert(vault: Vault, request: Request) -> str:
    tls = request.call.tls
    given = (tls.cert_pem, tls.key_pem) == (vault.secrets["tls_cert"], vault.secrets["tls_key"])
    return "" if given and request.body.get("name") in (None, "web") else "invalid certificate or no client certificate supplied"


def _iam(vault: Vault, request: Request) -> str:
    body = {name: base64.b64decode(str(value)) for name, value in request.body.items() if name.startswith("iam_") and "method" not in name}
    headers = orjson.loads(body.get("iam_request_headers") or b"{}")
    if (
        request.body.get("iam_http_request_method") != "POST"
        or body.get("iam_request_body") != b"Action=GetCallerIdentity&Version=2011-06-15"
    ):
        return "unsupported request"
    if not body.get("iam_request_url", b"").startswith(b"https://sts.") or headers.get("X-Vault-AWS-IAM-Server-ID") != ["vault.example"]:
        return "error validating X-Vault-AWS-IAM-Server-ID header"
    known = _signed(aws_args(vault))["headers"]["Authorization"]
    return "" if headers.get("Authorization") == [known] and request.body.get("role") == "reader" else "error making upstream request"


def aws_args(vault: Vault) -> dict[str, Any]:
    role = [{"arn": "arn:aws:iam::1:role/r", "external_id": "ext"}]
    if vault.method == "iam-account":
        identity = {"role_arn": "arn:aws:iam::1:role/account", "token": vault.text("web_identity")}
        return {"web_identity": identity, "region": "eu-central-1"}
    if vault.method == "iam-ambient":
        return {"region": "us-east-1"}
    return {"access_key": vault.text("access_key"), "secret_key": vault.text("secret_key"), "roles": role, "region": "us-east-1"}


def _gcp(vault: Vault, request: Request) -> str:
    claims = claims_of(request.body.get("jwt"))
    if request.body.get("role") != "reader":
        return "role not found"
    if vault.method == "gcp-instance":
        return "" if claims == {"aud": f"{URL}/vault/reader", "signed by": "google"} else "invalid token"
    key = json.loads(vault.text("gcp_key"))["private_key"]
    wanted = {"aud": "vault/reader", "sub": GOOGLE_ACCOUNT, "seconds": 600, "signed by": key}
    return "" if claims == wanted else "unable to verify the token"


LOGINS: dict[str, tuple[str, Callable[[Vault, Request], str]]] = {
    "approle": ("auth/approle/login", _approle),
    "kubernetes": ("auth/kubernetes/login", _jwt),
    "jwt": ("auth/jwt/login", _jwt),
    "ldap": ("auth/ldap/login/alice", _password),
    "userpass": ("auth/userpass/login/alice", _password),
    "cert": ("auth/cert/login", _cert),
    "iam": ("auth/aws/login", _iam),
    "gcp": ("auth/gcp/login", _gcp),
}


def _google_key(number: int) -> str:
    return json.dumps({"type": "service_account", "client_email": GOOGLE_ACCOUNT, "private_key": f"google-private-key-{number}"})


NOTES = '{"eks.amazonaws.com/role-arn":"arn:aws:iam::1:role/account"}'
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
CREDENTIALS: Mapping[str, Callable[[int], dict[str, str]]] = {
    "": lambda number: {"token": f"hvs.static-token-{number}"},
    "approle": lambda number: {"role_id": "role-identifier", "secret_id": f"secret-identifier-{number}"},
    "kubernetes": lambda number: {"jwt": f"kubernetes-token-{number}"},
    "kubernetes-own": lambda number: {},
    "jwt": lambda number: {"jwt": f"some-other-token-{number}"},
    "ldap": lambda number: {"password": f"ldap-password-{number}"},
    "userpass": lambda number: {"password": f"local-password-{number}"},
    "cert": lambda number: {"tls_cert": CERTIFICATE.format(number), "tls_key": f"private-key-of-certificate-{number}"},
    "iam": lambda number: {"access_key": f"AKIA-access-{number}", "secret_key": f"aws-secret-key-{number}"},
    "iam-account": lambda number: {"notes": NOTES, "web_identity": f"web-identity-token-{number}"},
    "iam-ambient": lambda number: {},
    "gcp": lambda number: {"gcp_key": _google_key(number)},
    "gcp-instance": lambda number: {},
}
"""The credentials of each login, by slot, for each rotation."""
