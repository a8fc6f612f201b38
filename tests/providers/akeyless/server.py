"""Akeyless in memory: ``/auth``, items and their values, as API version 2.0 has them.

Written on 2026-11-29 from ``docs/*.md`` and ``model_*.go`` of akeylesslabs/akeyless-go (the fields of requests and answers), from
``cloudprovider/`` of akeylesslabs/akeyless-go-cloud-id (cloud ids), and from the answers of api.akeyless.io that the reference's tests
repeat (404 and 401 of ``describe-item``). What none of them tells is this server's guess: which items a call of ``get-secret-value`` with
several names refuses (all, if one is missing), and the texts of other errors. Lists have pages of five, the service's have 1000.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from eso_core.failure import Missing
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply

ACCESS_ID, CONFIG = "p-abc123", "cluster-one"
PAGE = 5
NOW = 1_796_000_000.0
LEASE_S = 3600
DEFAULTS: tuple[Any, ...] = (False, "false", "regular", "generic", "text", "enabled", "akeyless.io", "apikey", "AzureCloud", 0, -1, 7)
"""What Akeyless' own clients send in optional fields that nobody has set."""
FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {  # mandatory, optional; besides the token
    "/describe-item": (frozenset({"name"}), frozenset()),
    "/get-secret-value": (frozenset({"names"}), frozenset({"version", "ignore-cache"})),
    "/get-dynamic-secret-value": (frozenset({"name"}), frozenset()),
    "/get-rotated-secret-value": (frozenset({"names"}), frozenset({"version", "ignore-cache"})),
    "/get-certificate-value": (frozenset({"name"}), frozenset({"version", "ignore-cache"})),
    "/list-items": (frozenset({"type"}), frozenset({"filter", "tag", "minimal-view", "auto-pagination", "pagination-token"})),
    "/create-secret": (frozenset({"name", "value"}), frozenset({"tags"})),
    "/update-secret-val": (frozenset({"name", "value"}), frozenset()),
    "/delete-item": (frozenset({"name"}), frozenset()),
    "/validate-token": (frozenset(), frozenset()),
}


@dataclass
class Item:
    """The values of an item, oldest first; of other types than static secrets they are what the read answers."""

    values: list[Any]
    type: str = "STATIC_SECRET"
    tags: list[str] = field(default_factory=list)


def error(status: int, text: str) -> HttpReply:
    return HttpReply(status=status, body=orjson.dumps({"error": text}))


def ok(body: Any) -> HttpReply:
    return HttpReply(status=200, headers={"content-type": "application/json"}, body=orjson.dumps(body))


def absent(name: str) -> HttpReply:
    text = "failed to obtain item description: Desc: Failed to get item. Status 404 Not Found, Error: NotFound. Message: "
    return error(404, f"{text}account id: acc-x, access id: {ACCESS_ID}. failed to obtain item {name}")


class Akeyless:
    """One account. ``method`` is the type of its access id; ``root`` is where the API is, of a Gateway perhaps below ``/v2``."""

    def __init__(self, method: str = "access_key", root: str = "https://api.akeyless.io", prefix: str = "t-") -> None:
        self.method, self.root, self.prefix = method, root, prefix
        self.items: dict[str, Item] = {}
        self.tokens: set[str] = set()
        self.credential = "credential-0"
        self.count = 0
        self.types_in_lists = True
        self.environment: dict[str, str] = {}

    # ------------------------------------------------------------ Server

    def answer(self, call: Call) -> CallReply:
        if isinstance(call, SdkCall):
            return self._library(call)
        url = urlsplit(call.url)
        if url.netloc == "169.254.169.254":
            return self._instance(call)
        if url.netloc == "metadata.google.internal" and call.headers.get("Metadata-Flavor") == "Google":
            return HttpReply(status=200, body=f"google-token-for-{dict(parse_qsl(url.query))['audience']}".encode())
        if call.url == self.root:
            return HttpReply(status=400, body=b'{"error":"unknown command"}')
        if not call.url.startswith(f"{self.root}/"):
            return HttpReply(status=404, body=b"404 page not found\n")
        path = call.url.removeprefix(self.root)
        if call.method != "POST" or call.headers.get("Content-Type") != "application/json" or (path != "/auth" and path not in FIELDS):
            return error(404, "unknown command")
        body: dict[str, Any] = orjson.loads(call.body)
        if path == "/auth":
            return self._auth(body)
        token = body.pop("uid-token" if self.prefix == "u-" else "token", None)
        if path == "/validate-token":
            valid = token in self.tokens
            return ok({"is_valid": valid, "expiration": "2026-11-29", "reason": "" if valid else "token has expired"})
        if token not in self.tokens:
            return error(401, "Status 401 Unauthorized, Error: UnauthorizedAccess. Message: token is not valid")
        mandatory, optional = FIELDS[path]
        if not mandatory <= set(body) or _set(body) - mandatory - optional:
            return error(400, f"wrong fields: {sorted(set(body) ^ mandatory)}")
        return ROUTES[path](self, body)

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        item = self.items.setdefault(name, Item([]))
        item.values.append(value.decode())
        item.tags = list(tags.values()) or item.tags
        return str(len(item.values))

    def remove(self, name: str) -> None:
        del self.items[name]

    def held(self, name: str) -> bytes | None:
        item = self.items.get(name)
        return item.values[-1].encode() if item is not None else None

    def expire(self) -> None:
        self.tokens.clear()

    def rotate(self) -> Mapping[str, bytes]:
        slot = {"access_key": "access_type_param", "k8s": "jwt"}.get(self.method)
        if slot is None:
            return {}
        self.credential = f"credential-{int(self.credential.rpartition('-')[2]) + 1}"
        self.tokens.clear()
        return {slot: self.credential.encode()}

    # ------------------------------------------------------------ login

    def _auth(self, body: dict[str, Any]) -> HttpReply:
        wanted: dict[str, Any] = {"access-id": ACCESS_ID, "access-type": self.method}
        if self.method == "access_key":
            wanted["access-key"] = self.credential
        elif self.method == "k8s":
            wanted |= {"k8s-service-account-token": _base64(self.credential), "k8s-auth-config-name": CONFIG}
        elif self.method == "aws_iam":
            cloud = body.pop("cloud-id")
            if not _signed(cloud):
                return error(401, "Status 401 Unauthorized, Error: cloud identity is not valid")
        else:
            text = {"gcp": "google-token-for-akeyless.io", "azure_ad": "azure-token-for-https://management.azure.com"}[self.method]
            wanted["cloud-id"] = _base64(text)
        if any(body.get(name) != value for name, value in wanted.items()) or _set(body) - set(wanted):
            return error(401, "failed to authenticate: Status 401 Unauthorized, Error: InvalidCredentials")
        self.count += 1
        token = f"{self.prefix}token-{self.count}-{self.credential}"
        self.tokens.add(token)
        return ok({"token": token, "creds": {"expiry": int(NOW) + LEASE_S}})

    def _library(self, call: SdkCall) -> CallReply:
        match call.name:
            case "ambient.now":
                return SdkReply(value=NOW)
            case "ambient.variables":
                return SdkReply(value={name: self.environment[name] for name in call.args["names"] if name in self.environment})
            case "ambient.token_file":
                return SdkReply(value="own-federated-token")
            case "azure.token":
                return SdkReply(value={"token": f"azure-token-for-{call.args['resource']}", "lease_s": 3600.0})
            case "gcp.application_default":
                return SdkReply(value={"json": "", "subject_token": ""})
            case "aws.caller_identity":
                region = call.args["region"] or "us-east-1"
                headers = {"Host": f"sts.{region}.amazonaws.com", "Authorization": "AWS4-HMAC-SHA256 Credential=AK/x, Signature=0"}
                text = "Action=GetCallerIdentity&Version=2011-06-15"
                return SdkReply(value={"method": "POST", "url": f"https://{headers['Host']}/", "headers": headers, "body": text})
            case _:
                return CallFailed(Missing(f"no {call.name} here"))

    def _instance(self, call: HttpCall) -> HttpReply:
        query = dict(parse_qsl(urlsplit(call.url).query))
        if call.headers.get("Metadata") != "true" or query.get("api-version") != "2018-02-01" or query.get("object_id") != "object-1":
            return HttpReply(status=400, body=b'{"error":"invalid_request"}')
        return ok({"access_token": f"azure-token-for-{query['resource'].rstrip('/')}"})

    # ------------------------------------------------------------ items

    def describe(self, body: dict[str, Any]) -> HttpReply:
        item = self.items.get(body["name"])
        if item is None:
            return absent(body["name"])
        return ok({"item_name": body["name"], "item_type": item.type, "item_tags": item.tags, "last_version": len(item.values)})

    def _value(self, name: str, version: int, kind: str) -> Any:
        """A value, or the reply that there is none."""
        item = self.items.get(name)
        if item is None:
            return absent(name)
        if item.type != kind:
            return error(400, f"item {name} is not of type {kind}")
        if version and not 1 <= version <= len(item.values):
            return error(404, f"failed to get secret version {version}. Status 404 Not Found, Error: VersionNotFound")
        return item.values[version - 1 if version else -1]

    def static(self, body: dict[str, Any]) -> HttpReply:
        if not isinstance(body["names"], list) or not body["names"]:
            return error(400, "names must be a list")
        values = {name: self._value(name, body.get("version", 0), "STATIC_SECRET") for name in body["names"]}
        return next((value for value in values.values() if isinstance(value, HttpReply)), None) or ok(values)

    def rotated(self, body: dict[str, Any]) -> HttpReply:
        value = self._value(body["names"], body.get("version", 0), "ROTATED_SECRET")
        return value if isinstance(value, HttpReply) else ok(value)

    def dynamic(self, body: dict[str, Any]) -> HttpReply:
        value = self._value(body["name"], 0, "DYNAMIC_SECRET")
        return value if isinstance(value, HttpReply) else ok(value)

    def certificate(self, body: dict[str, Any]) -> HttpReply:
        value = self._value(body["name"], body.get("version", 0), "CERTIFICATE")
        return value if isinstance(value, HttpReply) else ok(value)

    def listed(self, body: dict[str, Any]) -> HttpReply:
        kinds = {"static-secret": "STATIC_SECRET", "dynamic-secret": "DYNAMIC_SECRET", "rotated-secret": "ROTATED_SECRET"}
        wanted = {kinds[kind] for kind in body["type"]}
        names = sorted(
            name
            for name, item in self.items.items()
            if item.type in wanted and body.get("filter", "") in name and (not body.get("tag") or body["tag"] in item.tags)
        )
        start = int(body.get("pagination-token") or 0)
        page = names[start : start + PAGE]
        shown = [
            {"item_name": name, "item_id": 1, **({"item_type": self.items[name].type} if self.types_in_lists else {})} for name in page
        ]
        following = {"next_page": str(start + PAGE)} if start + PAGE < len(names) else {}
        return ok({"items": shown, "folders": [], **following})

    def create(self, body: dict[str, Any]) -> HttpReply:
        if body["name"] in self.items:
            return error(409, "item already exists")
        self.items[body["name"]] = Item([body["value"]], tags=list(body.get("tags", [])))
        return ok({"name": body["name"]})

    def update(self, body: dict[str, Any]) -> HttpReply:
        item = self.items.get(body["name"])
        if item is None or item.type != "STATIC_SECRET":
            return absent(body["name"])
        item.values.append(body["value"])
        return ok({"name": body["name"]})

    def delete(self, body: dict[str, Any]) -> HttpReply:
        if self.items.pop(body["name"], None) is None:
            return absent(body["name"])
        return ok({"item_name": body["name"], "item_id": 1, "deletion_date": None})


ROUTES: Mapping[str, Callable[[Akeyless, dict[str, Any]], HttpReply]] = {
    "/describe-item": Akeyless.describe,
    "/get-secret-value": Akeyless.static,
    "/get-dynamic-secret-value": Akeyless.dynamic,
    "/get-rotated-secret-value": Akeyless.rotated,
    "/get-certificate-value": Akeyless.certificate,
    "/list-items": Akeyless.listed,
    "/create-secret": Akeyless.create,
    "/update-secret-val": Akeyless.update,
    "/delete-item": Akeyless.delete,
}


def _set(body: Mapping[str, Any]) -> set[str]:
    """The fields that do not have a client's default."""
    return {name for name, value in body.items() if value not in DEFAULTS}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _signed(cloud: str) -> bool:
    held = orjson.loads(base64.b64decode(cloud))
    headers = orjson.loads(base64.b64decode(held["sts_request_headers"]))
    return bool(
        held["sts_request_method"] == "POST"
        and base64.b64decode(held["sts_request_url"]) == b"https://sts.us-east-1.amazonaws.com/"
        and base64.b64decode(held["sts_request_body"]) == b"Action=GetCallerIdentity&Version=2011-06-15"
        and headers["Authorization"][0].startswith("AWS4-HMAC-SHA256 ")
    )
