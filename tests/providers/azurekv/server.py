"""Azure as one server: a vault, the directory that its users log in at, and the metadata service of an instance.

Library calls (``azure.*``) are made by the very functions that the operator uses, so that azure-identity and azure-keyvault-* are clients
of this server; :class:`Wire` is their network. See ``vault.py`` and ``directory.py`` for what the two were written from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter

from eso_core.failure import Broken, Missing, Refused
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply
from eso_shell.sdk import SdkFailure, azure
from tests.providers.azurekv.directory import ASSERTION, App, Directory
from tests.providers.azurekv.vault import Vault

TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
CLIENT = "00001111-aaaa-2222-bbbb-3333cccc4444"
LOGIN = "login.microsoftonline.com"
METADATA = "169.254.169.254"
VAULT = "https://team.vault.azure.net"
RESOURCE = "https://vault.azure.net"


class Server:
    """The vault :data:`VAULT`, used by application :data:`CLIENT` of tenant :data:`TENANT`.

    ``app`` says how the application proves itself, ``rotates`` the credentials that come next. ``kind`` is what pushes write.
    With ``identity`` tokens are made by azure-identity (2 ms, 70 ms with a certificate); else the directory is asked in the same words.
    """

    def __init__(
        self,
        app: App | None = None,
        *,
        kind: str = "secrets",
        rotates: tuple[Mapping[str, bytes], App] | None = None,
        managed: str | None = None,
        identity: bool = False,
        environ: Mapping[str, str] | None = None,
        own_token: str = "",
    ) -> None:
        self.directory = Directory(LOGIN, TENANT, frozenset({RESOURCE, "https://managedhsm.azure.net"}))
        if app is not None:
            self.directory.apps[CLIENT] = app
        if managed is not None:
            self.directory.managed.add(managed)
        self.vault = Vault(VAULT, f"https://{LOGIN}/{TENANT}", RESOURCE, lambda token: token in self.directory.tokens)
        self.environ, self.own_token = dict(environ or {}), own_token
        self.kind, self._identity = kind, identity
        self._rotates = rotates
        self.sent: list[HttpCall] = []  # by libraries

    # ------------------------------------------------------------ calls

    def answer(self, call: Call) -> CallReply:
        if isinstance(call, HttpCall):
            return self.http(call)
        try:
            return self._library(call)
        except SdkFailure as error:
            return CallFailed(error.failure)

    def http(self, call: HttpCall) -> HttpReply:
        url = urlsplit(call.url)
        if url.scheme == "https" and url.hostname == LOGIN:
            return self.directory.answer(call)
        if url.hostname == METADATA:
            return self.directory.instance(call)
        if url.scheme == "https" and url.hostname == urlsplit(self.vault.url).hostname:
            return self.vault.answer(call)
        return HttpReply(status=502, body=b"<html>no such host</html>")

    def _library(self, call: SdkCall) -> CallReply:
        if call.name == "ambient.variables":
            return SdkReply(value={name: self.environ[name] for name in call.args["names"] if name in self.environ})
        if call.name == "ambient.token_file":
            return SdkReply(value=self.own_token) if self.own_token else CallFailed(Missing("the operator's environment does not set it"))
        module, _, function = call.name.partition(".")
        if module != "azure":
            return CallFailed(Broken(f"there is no library call {call.name}"))
        if function == "token" and not self._identity:
            return self._token(call.args)
        return SdkReply(value=getattr(azure, function)(call.args, {}, self.transport()))

    def transport(self) -> Any:
        """A connection of azure-core to this server."""
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", Wire(self))
        session.mount("http://", Wire(self))
        return RequestsTransport(session=session, session_owner=False)

    def _token(self, args: Mapping[str, Any]) -> CallReply:
        """What ``azure.token`` gives, without its library."""
        if args["method"] == "managed":
            query = f"api-version=2018-02-01&resource={args['resource']}&client_id={args['client_id']}"
            url = f"http://{METADATA}/metadata/identity/oauth2/token?{query}"
            reply = self.http(HttpCall(method="GET", url=url, headers={"Metadata": "true"}))
        elif args["method"] == "certificate" and args["certificate"].reveal() not in self.directory.apps[args["client_id"]].files:
            return CallFailed(Refused("AADSTS700027: the certificate is not registered", session=True))
        else:
            form = {"grant_type": "client_credentials", "client_id": args["client_id"], "scope": f"{args['resource']}/.default"}
            proof = {"client_assertion_type": ASSERTION, "client_assertion": args.get("assertion", "")}
            proof = {"client_secret": args["secret"]} if args["method"] == "secret" else proof
            if args["method"] == "certificate":
                return SdkReply(value={"token": self.directory.issue(), "lease_s": 3600.0})
            url = f"{args['authority']}/{args['tenant']}/oauth2/v2.0/token"
            reply = self.http(HttpCall(method="POST", url=url, body=urlencode({**form, **proof}).encode()))
        body = orjson.loads(reply.body)
        if reply.status != 200:
            return CallFailed(Refused(body["error_description"], session=True))
        return SdkReply(value={"token": body["access_token"], "lease_s": float(body["expires_in"])})

    # ------------------------------------------------------------ state

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        """A secret; where the case writes keys or certificates, an object of that kind of the same name besides."""
        if self.kind != "secrets":
            self.vault.add(self.kind, name, {"key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "cer": "MAA="})
        return self.vault.add("secrets", name, {"value": value.decode()}, tags or None).number

    def remove(self, name: str) -> None:
        for kind in {self.kind, "secrets"}:
            self.vault.held[kind].pop(name)

    def held(self, name: str) -> bytes | None:
        versions = self.vault.held[self.kind].get(name)
        if versions is None:
            return None
        body = versions[-1].body
        return str(body.get("value", body)).encode()

    def expire(self) -> None:
        self.directory.tokens.clear()

    def rotate(self) -> Mapping[str, bytes]:
        self.expire()
        if self._rotates is None:
            return {}
        secrets, app = self._rotates
        self.directory.apps[CLIENT] = replace(app)
        return secrets


class Wire(BaseAdapter):
    """What *requests* sends through: straight into the server."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        call = HttpCall(method=request.method or "", url=request.url or "", headers=dict(request.headers), body=raw)
        self._server.sent.append(call)
        return told(self._server.http(call), request)

    def close(self) -> None:
        """Nothing is open."""


def told(reply: HttpReply, request: requests.PreparedRequest) -> requests.Response:
    """The answer as *requests* has it."""
    response = requests.Response()
    response.status_code, response.reason = reply.status, ""
    response.headers.update(reply.headers)
    response._content = reply.body
    response.raw = Raw(reply.body)
    response.url, response.request = request.url or "", request
    return response


class Raw:
    """The open body of a response, as far as azure-core reads it."""

    def __init__(self, body: bytes) -> None:
        self.body, self.enforce_content_length, self.version = body, False, 11

    def stream(self, size: int, decode_content: bool = True) -> Any:
        yield self.body

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        body, self.body = self.body, b""
        return body

    def close(self) -> None:
        """Nothing is open."""

    def release_conn(self) -> None:
        """Nothing is open."""
