"""Google access and identity tokens: how token endpoints are asked, and the impersonation of a service account.

Documents: "Using OAuth 2.0 for Server to Server Applications", "generateAccessToken" of the IAM Credentials API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
import orjson
from returns.result import Failure as Wrong

from eso_core.door import Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Unreachable
from eso_core.providers import _kit
from eso_core.providers._gcp import api as gcp_api
from eso_core.providers._gcp.api import LABEL, SCOPE
from eso_core.wire import HttpCall, HttpReply, SdkCall

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_URI: Final = "https://oauth2.googleapis.com/token"
IMPERSONATION: Final = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken"
LIFETIME_S: Final = 3600  # of a token by impersonation, unless told otherwise
LIFETIME_S_MAX: Final = 43_200
MARGIN_S: Final = 60  # before its end a token is replaced


@dataclass(frozen=True, slots=True)
class Token:
    """An access or identity token. ``lease_s``: for how many seconds it may be used; ``None`` if that was not told."""

    value: str = field(repr=False)
    lease_s: float | None = None


def lease(seconds: int) -> float | None:
    """How long a token that is valid for ``seconds`` is used."""
    return (seconds - MARGIN_S if seconds >= 2 * MARGIN_S else seconds / 2) if seconds > 0 else None


# ---------------------------------------------------------------- token endpoints


class _Granted(msgspec.Struct):
    access_token: str = ""
    id_token: str = ""
    expires_in: int = 0


class _Fault(msgspec.Struct):
    error: str
    error_description: str = ""


class _Generated(msgspec.Struct, rename="camel"):
    access_token: str


def granted(body: bytes, what: str, *, identity: bool = False) -> Token | Failure:
    """The token of a token endpoint's answer."""
    held = _kit.decoded(body, _Granted)
    value = "" if held is None else held.id_token if identity else held.access_token
    if held is None or not value:
        return Broken(f"{what}: the answer holds no token")
    return Token(value, lease(held.expires_in))


def oauth(call: HttpCall, what: str, *, identity: bool = False) -> Talk[Token | Failure]:
    """One call of an OAuth 2.0 token endpoint."""
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    if reply.status == 200:
        return granted(reply.body, what, identity=identity)
    return _refusal(reply, what)


def _refusal(reply: HttpReply, what: str) -> Failure:
    """Token endpoints speak of bad credentials with 400, in OAuth's words or in those of Google's APIs."""
    held = _kit.decoded(reply.body, _Fault)
    if held is None:
        failure = gcp_api.failed(gcp_api.meaning(reply, what), what)
        return Refused(failure.what, session=True) if isinstance(failure, InvalidSpec) else failure
    text = f"{what}: {_kit.line(held.error)}: {_kit.line(held.error_description)}".removesuffix(": ")
    common = _kit.common_failure(reply, what)
    if common is not None:
        return Unreachable(text) if isinstance(common, Unreachable) else common
    return Refused(text, session=True)


def form(url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> HttpCall:
    """The POST of a form."""
    held = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return HttpCall(method="POST", url=url, headers=held, body=urlencode(fields).encode())


def impersonation(email: str) -> str:
    """Where a token of this service account is asked for."""
    return IMPERSONATION.format(quote(email, safe="@"))


def impersonated(url: str, token: Token, seconds: int = LIFETIME_S, delegates: tuple[str, ...] = ()) -> Talk[Token | Failure]:
    """The token of the Google service account that ``url`` names, for the holder of ``token``."""
    body = orjson.dumps({"scope": [SCOPE], "lifetime": f"{seconds}s", **({"delegates": list(delegates)} if delegates else {})})
    headers = {"Authorization": f"Bearer {token.value}", "Content-Type": "application/json"}
    what = f"impersonation of {url.rpartition('/')[2].partition(':')[0]}"
    call = HttpCall(method="POST", url=url, headers=headers, body=body, name="GenerateAccessToken", provider=LABEL)
    held = yield from gcp_api.ask(call, what, _Generated)
    if not isinstance(held, _Generated):
        return gcp_api.failed(held, what)
    return Token(held.access_token, lease(seconds))


# ---------------------------------------------------------------- service account keys


class KeyFile(msgspec.Struct):
    """The JSON that Google gives as a service account's key, in part."""

    type: str = ""
    client_email: str = ""
    token_uri: str = ""


def key_token(text: str, scope: str, target_audience: str = "") -> Talk[Token | Failure]:
    """The access token of ``scope``, or the identity token for ``target_audience``, of a service account's key (JSON)."""
    held = _kit.decoded(text.encode("utf-8", "replace"), KeyFile)
    if held is None or held.type != "service_account":
        return Refused("the credentials are not the JSON key of a Google service account")
    url = _kit.base_url(held.token_uri or TOKEN_URI, "token_uri")
    if isinstance(url, Wrong):
        wrong: InvalidSpec = url.failure()
        return wrong
    args = {"key": text, "audience": held.token_uri or TOKEN_URI, "scope": scope, "target_audience": target_audience}
    assertion = yield from _kit.library(SdkCall(name="gcp.assertion", args=args), str)
    if not isinstance(assertion, str):
        return assertion
    call = form(url.unwrap(), {"grant_type": JWT_BEARER, "assertion": assertion})
    return (yield from oauth(call, "Google's token endpoint", identity=bool(target_audience)))
