"""AWS in memory: a login of the SDK, and the services that the provider calls.

The login is :mod:`eso_shell.sdk.aws`' ``credentials``. A request has to carry what its signature is made of: keys of a session that has
not ended, the service's name and the region. How a signature is computed is not looked at: that is tested against botocore's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from eso_core.failure import Refused
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply, SigV4
from tests.providers.aws.certificates import Certificates
from tests.providers.aws.parameters import Parameters
from tests.providers.aws.protocol import Json, called, refused
from tests.providers.aws.secrets import Secrets

REGION = "eu-central-1"
IdentityKind = Literal["static", "token", "ambient"]
ROLE = "arn:aws:iam::123456789012:role/reader"
TARGETS = {
    "secretsmanager": "secretsmanager",
    "AmazonSSM": "ssm",
    "CertificateManager": "acm",
    "ResourceGroupsTaggingAPI_20170126": "tagging",
}


class Cloud:
    """``service`` is the one that :meth:`put` and the others speak of."""

    def __init__(self, service: str = "secretsmanager", identity: IdentityKind = "static") -> None:
        self.service, self.identity = service, identity
        self.secrets, self.parameters, self.certificates = Secrets(REGION), Parameters(REGION), Certificates(REGION)
        self.generation = 1
        self.sessions: dict[str, tuple[str, str]] = {}  # access key -> secret key, token
        self.ended: set[str] = set()
        self.asked: list[tuple[str, Json]] = []  # operation and request

    # ------------------------------------------------------------ the server of the suite

    def answer(self, call: Call) -> CallReply:
        if isinstance(call, SdkCall):
            return self._library(call)
        url = urlsplit(call.url)
        if call.method != "POST" or url.path != "/" or url.query:
            return HttpReply(status=404, headers={"content-type": "text/html"}, body=b"<UnknownOperationException/>")
        prefix, _, operation = call.headers.get("X-Amz-Target", "").partition(".")
        service = TARGETS.get(prefix, "")
        if call.headers.get("Content-Type") != "application/x-amz-json-1.1" or url.hostname != f"{service}.{REGION}.amazonaws.com":
            return refused("UnknownOperationException", status=404)
        return self._signed(call, service) or self._operated(service, operation, call)

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        return self._store().put(name, value, tags)

    def remove(self, name: str) -> None:
        del self._store().held[name]

    def held(self, name: str) -> bytes | None:
        return self._store().value(name)

    def expire(self) -> None:
        self.ended |= {key for key in self.sessions if key.startswith("ASIA")}  # keys of a user do not end

    def rotate(self) -> Mapping[str, bytes]:
        if self.identity == "ambient":
            return {}
        self.sessions.clear()
        self.generation += 1
        return {slot: value.encode() for slot, value in self.credential().items()}

    # ------------------------------------------------------------ identities

    def credential(self) -> dict[str, str]:
        """The secrets of the store, by slot."""
        if self.identity == "static":
            return {"access_key": f"AKIA{self.generation:016d}", "secret_key": f"s3cr3t-access-key-{self.generation}"}
        if self.identity == "token":
            notes = orjson.dumps({"eks.amazonaws.com/role-arn": ROLE}).decode()
            return {"annotations": notes, "token": f"header.service-account-token-{self.generation}.signature"}
        return {}

    def _library(self, call: SdkCall) -> CallReply:
        if call.name == "ambient.chance":
            return SdkReply(value=bytes(range(call.args["bytes"])))
        args = call.args
        if call.name != "aws.credentials" or args.get("region") != REGION or args.get("service") != self.service:
            return CallFailed(Refused("there is no such library call"))
        identity = {name: args[name] for name in ("access_key", "secret_key", "web_identity") if args.get(name)}
        mine = self.credential()
        wanted: dict[str, Any] = {}
        if self.identity == "static":
            wanted = mine
        elif self.identity == "token":
            wanted = {"web_identity": {"role_arn": ROLE, "token": mine["token"]}}
        if identity != wanted:
            return CallFailed(Refused("AWS AssumeRole: InvalidClientTokenId: the security token is invalid", session=True))
        beside = {"endpoint_beside": f"https://tagging.{REGION}.amazonaws.com"} if self.service == "acm" else {}
        keys = self._keys(lent=bool(args["roles"]) or self.identity == "token")
        return SdkReply(value={**keys, **beside, "endpoint": f"https://{self.service}.{REGION}.amazonaws.com"})

    def _keys(self, *, lent: bool) -> Json:
        if lent or self.identity == "ambient":
            number = len(self.sessions) + len(self.ended) + 1
            held = {"access_key": f"ASIA{number:016d}", "secret_key": f"lent-secret-{number}", "session_token": f"lent-token-{number}"}
        else:
            held = {**self.credential(), "session_token": ""}
        self.sessions[held["access_key"]] = (held["secret_key"], held["session_token"])
        return {**held, "lease_s": 3600.0 if lent else None}

    def _signed(self, call: HttpCall, service: str) -> HttpReply | None:
        """The refusal of a request whose signature would not hold."""
        sign = call.sign
        if not isinstance(sign, SigV4):
            return refused("MissingAuthenticationTokenException", "Missing Authentication Token")
        if sign.access_key in self.ended:
            return refused("ExpiredTokenException", "The security token included in the request is expired")
        if sign.access_key not in self.sessions:
            return refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        if self.sessions[sign.access_key] != (sign.secret_key, sign.token) or (sign.service, sign.region) != (service, REGION):
            return refused("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
        return None

    # ------------------------------------------------------------ services

    def _store(self) -> Any:
        return {"secretsmanager": self.secrets, "ssm": self.parameters}[self.service]

    def _operated(self, service: str, operation: str, call: HttpCall) -> HttpReply:
        held = {"secretsmanager": self.secrets, "ssm": self.parameters}.get(service, self.certificates)
        self.asked.append((operation, orjson.loads(call.body)))
        if operation in held.denied:
            return refused("AccessDeniedException", f"User: x is not authorized to perform: {service}:{operation}")
        return called(held.operations, operation, call.body)
