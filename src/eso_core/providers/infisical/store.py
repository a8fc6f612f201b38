"""A connection to Infisical: the parsed form of a store, its calls, and what answers mean.

Infisical's errors are JSON of ``reqId``, ``statusCode``, ``error`` (a short name) and ``message``.

================================  ========================================================================
answer                            meaning
================================  ========================================================================
404 about a secret or a folder    absent
404 about a project, or not       a failure: a wrong store, a wrong address, a proxy
Infisical's
401, 403 about the token          refused; a new login may help
403                               refused: the identity lacks a permission
4xx to a login                    refused: the credentials, or the identity that they belong to
a value that is hidden            refused: the identity may see that the secret is there, and no more
429; 3xx, 5xx                     throttled; unreachable
anything else                     broken
================================  ========================================================================

Documents: "Errors" and "Secrets" of the API reference, version 3 of ``/secrets/raw``; ``packages/api`` of infisical/go-sdk.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.infisical import Auth, Spec
from eso_core.door import Access, Need, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.wire import JSON, HttpCall, HttpReply, Tls

PATH: Final = "spec.provider.infisical"
Method = Literal[
    "universalAuthCredentials",
    "azureAuthCredentials",
    "gcpIdTokenAuthCredentials",
    "gcpIamAuthCredentials",
    "jwtAuthCredentials",
    "ldapAuthCredentials",
    "ociAuthCredentials",
    "kubernetesAuthCredentials",
    "awsAuthCredentials",
    "tokenAuthCredentials",
]
METHODS: Final[Mapping[str, Method]] = {
    "universal_auth_credentials": "universalAuthCredentials",
    "azure_auth_credentials": "azureAuthCredentials",
    "gcp_id_token_auth_credentials": "gcpIdTokenAuthCredentials",
    "gcp_iam_auth_credentials": "gcpIamAuthCredentials",
    "jwt_auth_credentials": "jwtAuthCredentials",
    "ldap_auth_credentials": "ldapAuthCredentials",
    "oci_auth_credentials": "ociAuthCredentials",
    "kubernetes_auth_credentials": "kubernetesAuthCredentials",
    "aws_auth_credentials": "awsAuthCredentials",
    "token_auth_credentials": "tokenAuthCredentials",
}
"""In the order in which they are looked for; the first that is set counts."""
OPTIONAL: Final = frozenset({"resource", "private_key_passphrase", "service_account_token_path"})
"""Selectors of a method that may be left out."""

ABSENT: Final = re.compile(r"(?:Secret|Folder)\b.*not found", re.DOTALL)
TOKEN_ERROR: Final = "TokenError"
HIDDEN: Final = ("clientSecret", "password", "jwt", "secretValue")  # members of requests
REPEATED: Final = 24  # characters from the beginning of a hidden member that an error must not show
LIST_MAX: Final = 64 * 1024 * 1024  # bytes of a list, which comes in one piece


@dataclass(frozen=True, slots=True)
class Login:
    """A method; its credentials are in the slots named as the fields of its model."""

    method: Method
    needs: Mapping[str, Need]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``api`` ends in ``/api``; ``path`` is the folder that relative keys start from."""

    api: str
    login: Login
    project: str
    environment: str
    organization: str
    path: str
    recursive: bool
    expand: bool
    ca_pem: bytes = b""
    ca: Mapping[str, Need] = field(default_factory=dict)


# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    scope = model.secrets_scope
    if not scope.project_slug or not scope.environment_slug:
        what = "secretsScope.projectSlug and secretsScope.environmentSlug cannot be empty"
        return Wrong(InvalidSpec(what, f"{PATH}.secretsScope"))
    api, login, ca_pem = _kit.base_url(model.host_api, f"{PATH}.hostAPI"), _login(model.auth), _kit.ca_bundle(model.ca_bundle)
    ca = _kit.ca_need(model.ca_provider, store).map(lambda need: {_kit.CA: need}) if model.ca_provider is not None else Success({})
    for wrong in (api, login, ca_pem, ca):
        if isinstance(wrong, Wrong):
            return wrong
    base = api.unwrap()
    return Success(
        Store(
            api=base if base.endswith("/api") else f"{base}/api",
            login=login.unwrap(),
            project=scope.project_slug,
            environment=scope.environment_slug,
            organization=scope.organization_slug,
            path=scope.secrets_path or "/",
            recursive=scope.recursive,
            expand=scope.expand_secret_references,
            ca_pem=ca_pem.unwrap(),
            ca=ca.unwrap() if not ca_pem.unwrap() else {},
        )
    )


def _login(auth: Auth) -> Result[Login, InvalidSpec]:
    for name, method in METHODS.items():
        held = getattr(auth, name)
        if held is not None:
            return _method(method, held)
    return Wrong(InvalidSpec("authentication method not found", f"{PATH}.auth"))


def _method(method: Method, held: Any) -> Result[Login, InvalidSpec]:
    needs: dict[str, Need] = {}
    for slot, info in type(held).model_fields.items():
        selector = getattr(held, slot)
        if slot in OPTIONAL and (selector is None or not selector.name):
            continue
        if not selector.name or not selector.key:
            return Wrong(InvalidSpec("must name a Secret and a key", f"{PATH}.auth.{method}.{info.alias or slot}"))
        needs[slot] = _kit.secret_key(selector)
    return Success(Login(method, needs))


def needs(store: Store) -> Mapping[str, Need]:
    """The credentials of the login, and a CA."""
    return {**store.login.needs, **store.ca}


# ---------------------------------------------------------------- keys


@dataclass(frozen=True, slots=True)
class At:
    """Where a secret is: a folder and a name in it."""

    folder: str
    name: str


def address(store: Store, key: str) -> At | InvalidSpec:
    """``NAME``, ``folder/NAME`` (below ``secretsPath``) or ``/folder/NAME`` (``secretsPath`` plays no part)."""
    folder, slash, name = key.rpartition("/")
    if ".." in key.split("/"):
        return InvalidSpec("a key of Infisical must not contain '..'")
    if not name.strip() or name == ".":
        return InvalidSpec("a key of Infisical must end in the name of a secret")
    if not slash:
        return At(store.path, name)
    return At(folder or "/", name) if key.startswith("/") else At(posixpath.normpath(posixpath.join(store.path, folder)), name)


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation's connection; without a token for a login."""

    store: Store
    tls: Tls
    token: str = field(default="", repr=False)

    def call(
        self, method: str, path: str, name: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> HttpCall:
        """A request below ``/api``; ``path`` is escaped already. ``name`` is the label of its metric."""
        headers = {"Accept": JSON}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = JSON
        return HttpCall(
            method=method,
            url=f"{self.store.api}{path}" + (f"?{urlencode(query, quote_via=quote, errors='replace')}" if query is not None else ""),
            headers=headers,
            body=orjson.dumps(body) if body is not None else b"",
            tls=self.tls,
            body_max=LIST_MAX,
            name=name,
        )

    def secret(self, method: str, name: str, at: At, **parts: Any) -> HttpCall:
        """A request about one secret."""
        return self.call(method, f"/v3/secrets/raw/{quote(at.name, safe='', errors='replace')}", name, **parts)

    def ask(self, call: HttpCall) -> Talk[HttpReply | Failure]:
        """The answer, of any status."""
        return _kit.http((yield call))


def line_of(access: Access, token: str = "") -> Line:
    """The connection of a use of a store."""
    store: Store = access.spec
    return Line(store, _kit.tls_of(access, store.ca_pem), token)


# ---------------------------------------------------------------- what answers mean


class Error(msgspec.Struct):
    """Infisical's error. ``message`` is a list where a request has the wrong form."""

    statusCode: int  # noqa: N815
    message: str | list[Any] = ""
    error: str = ""


def error_of(reply: HttpReply) -> Error | None:
    """Infisical's own error; ``None`` where somebody else answers."""
    held = _kit.decoded(reply.body, Error)
    return held if held is not None and held.statusCode == reply.status else None


def says_absent(reply: HttpReply) -> bool:
    """Infisical says that there is no such secret, or no such folder."""
    held = error_of(reply) if reply.status == 404 else None
    return held is not None and isinstance(held.message, str) and ABSENT.match(held.message) is not None


def what(call: HttpCall) -> str:
    """A call in words: no query, no header, no body."""
    return f"Infisical {call.method} {call.url.partition('?')[0]}"


def _hidden(call: HttpCall) -> list[str]:
    """How the secret members of a request begin."""
    held = _kit.decoded(call.body, dict[str, Any]) if call.body else None
    return [str(held[name])[:REPEATED] for name in HIDDEN if held.get(name)] if held is not None else []


def failure_of(call: HttpCall, reply: HttpReply, *, login: bool = False) -> Failure:
    """Why an answer that is not 2xx is not what was asked for. A message that repeats a value or a credential of the call is left out."""
    held = error_of(reply)
    text = held.message if held is not None and isinstance(held.message, str) else ""
    if not text or any(hidden in text for hidden in _hidden(call)):
        text = " ".join(filter(None, (f"status {reply.status}", held.error if held is not None else "")))
    sentence = f"{what(call)}: {_kit.line(text)}"
    status = reply.status
    if status == 401 or (login and status in (400, 403, 404, 422)):
        return Refused(sentence, session=True)
    if status == 403:
        return Refused(sentence, session=held is None or held.error == TOKEN_ERROR)
    if status == 404:
        return Missing(sentence)
    return _kit.common_failure(reply, what(call)) or Broken(sentence)
