"""The identity of the Azure instance that the operator runs on, for providers that log in with one."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from eso_core.door import Talk
from eso_core.failure import Broken, Failure, Refused
from eso_core.providers import _kit
from eso_core.wire import HttpCall, HttpReply

INSTANCE: Final = "http://169.254.169.254/metadata/identity/oauth2/token"
TIMEOUT_S: Final = 5.0
WHO: Final = "Azure's instance metadata service"


class _Token(msgspec.Struct):
    access_token: str


def instance_token(resource: str, **identity: str) -> Talk[str | Failure]:
    """A token for ``resource``, of the instance's own identity or of the one that e.g. ``object_id`` names.

    Source: "How to use managed identities for Azure resources on an Azure VM to acquire an access token".
    """
    query = urlencode({"api-version": "2018-02-01", "resource": resource, **identity}, quote_via=quote, safe="", errors="replace")
    call = HttpCall(method="GET", url=f"{INSTANCE}?{query}", headers={"Metadata": "true"}, timeout_s=TIMEOUT_S, ambient=True)
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    held = _kit.decoded(reply.body, _Token) if reply.status == 200 else None
    if held is not None and held.access_token:
        return held.access_token
    if reply.status in (400, 401, 403):
        return Refused(f"{WHO} gives no token for this identity (status {reply.status})", session=True)
    return _kit.common_failure(reply, WHO) or Broken(f"{WHO}: no token (status {reply.status})")
