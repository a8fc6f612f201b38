"""Application Default Credentials: what the operator is where it runs.

The first of: the file that ``GOOGLE_APPLICATION_CREDENTIALS`` names, gcloud's file, the metadata server. A file is a service account
key, an authorized user, an external account, or an account that impersonates another. Documents: "How Application Default Credentials
works", "View and query VM metadata".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from eso_core.door import Talk
from eso_core.failure import Broken, Failure, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers._gcp import account as gcp_account
from eso_core.providers._gcp import api as gcp_api
from eso_core.providers._gcp.account import URL
from eso_core.providers._gcp.api import SCOPE
from eso_core.providers._gcp.token import TOKEN_URI, Token, form, granted, impersonated, key_token, oauth
from eso_core.wire import SdkCall

DEFAULT_ACCOUNT: Final = "instance/service-accounts/default"


@dataclass(frozen=True, slots=True)
class DefaultFile:
    """The file of Application Default Credentials, and the file that an external account there names."""

    text: str = field(repr=False)
    subject: str = field(repr=False)


class _Default(msgspec.Struct):
    type: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    service_account_impersonation_url: str = ""
    delegates: list[str] = []
    source_credentials: msgspec.Raw = msgspec.Raw()


def default_file() -> Talk[DefaultFile | Failure]:
    """The file, whose text is empty where there is none."""
    held: dict[str, Any] | Failure = yield from _kit.library(SdkCall(name="gcp.application_default"), dict)
    if not isinstance(held, dict):
        return held
    return DefaultFile(str(held.get("json") or ""), str(held.get("subject_token") or ""))


def ambient_token() -> Talk[Token | Failure]:
    """An access token of Application Default Credentials."""
    held = yield from default_file()
    if not isinstance(held, DefaultFile):
        return held
    if held.text:
        return (yield from _of_file(held.text, held.subject))
    text = yield from gcp_api.metadata(f"{DEFAULT_ACCOUNT}/token?scopes={quote(SCOPE, safe='')}")
    return granted(text.encode(), "the metadata server, token") if isinstance(text, str) else text


def default_identity(audience: str) -> Talk[Token | Failure]:
    """An identity token for ``audience``, of a service account key or of the metadata server."""
    held = yield from default_file()
    if not isinstance(held, DefaultFile):
        return held
    if held.text:
        return (yield from key_token(held.text, "", audience))
    query = urlencode({"audience": audience, "format": "full"})
    text = yield from gcp_api.metadata(f"{DEFAULT_ACCOUNT}/identity?{query}")
    return Token(text) if isinstance(text, str) else text


def _of_file(text: str, subject: str, *, inner: bool = False) -> Talk[Token | Failure]:
    """The token of a credentials file; ``inner``: of what impersonates another account."""
    held = _kit.decoded(text.encode("utf-8", "replace"), _Default)
    if held is None:
        return Broken("the default credentials are not JSON of the expected shape")
    match held.type:
        case "service_account":
            return (yield from key_token(text, SCOPE))
        case "authorized_user":
            fields = {"client_id": held.client_id, "client_secret": held.client_secret, "refresh_token": held.refresh_token}
            return (yield from oauth(form(TOKEN_URI, {"grant_type": "refresh_token", **fields}), "Google's token endpoint"))
        case "external_account":
            return (yield from _of_external(text, subject))
        case "impersonated_service_account" if not inner:
            if not URL.fullmatch(held.service_account_impersonation_url):
                return InvalidSpec("service_account_impersonation_url of the default credentials is not a URL")
            source = bytes(held.source_credentials).decode("utf-8", "replace")
            token = yield from _of_file(source, subject, inner=True)
            if not isinstance(token, Token):
                return token
            return (yield from impersonated(held.service_account_impersonation_url, token, delegates=tuple(held.delegates)))
        case other:
            return InvalidSpec(f'default credentials of type "{_kit.line(other)}" cannot be used')


def _of_external(text: str, subject: str) -> Talk[Token | Failure]:
    account = gcp_account.external(text, own=True)
    if isinstance(account, InvalidSpec):
        return account
    token = yield from gcp_account.subject_token(account, subject)
    return (yield from gcp_account.exchanged(account, token)) if isinstance(token, str) else token
