"""What all of Google's services share: their errors, and the metadata server.

====================================  ===================================================================
``error.status`` (HTTP status)        meaning
====================================  ===================================================================
``NOT_FOUND`` of a secret (404)       absent; of anything else, or from a proxy, a failure
``UNAUTHENTICATED`` (401)             refused, a new login may help
``PERMISSION_DENIED`` (403)           refused
``RESOURCE_EXHAUSTED`` (429)          throttled
``ABORTED``, ``ALREADY_EXISTS``       stale: somebody else wrote meanwhile
``FAILED_PRECONDITION`` (400)         stale if it is about an etag, else missing: a version is disabled or destroyed
``INVALID_ARGUMENT`` (400)            invalid: a key, a version or a label that Google does not take
5xx, 3xx                              unreachable
anything else                         broken
====================================  ===================================================================

Documents: "Errors" of the API design guide (google.rpc.Status as JSON), "About VM metadata" of Compute Engine.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from eso_core.door import Absent, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Stale, Throttled, Unreachable
from eso_core.providers import _kit
from eso_core.wire import HttpCall, HttpReply, SdkCall

T = TypeVar("T")

LABEL: Final = "GCP/SecretManager"
"""The ``provider`` label of metrics, for Google's logins too, whoever needs them."""
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
METADATA_HOST: Final = "metadata.google.internal"
METADATA_VARIABLE: Final = "GCE_METADATA_HOST"
METADATA_TIMEOUT_S: Final = 5.0
OF_A_SECRET: Final = "secrets/"  # part of the message of each NOT_FOUND about a secret or a version of one


class _Status(msgspec.Struct):
    status: str = ""
    message: str = ""


class _Error(msgspec.Struct):
    error: _Status


def decode(reply: HttpReply, into: type[T], what: str) -> T | Failure:
    """A good answer as this shape. ``what`` is the call in words."""
    held = _kit.decoded(reply.body, into)
    return held if held is not None else Broken(f"{what}: the answer is not JSON of the expected shape")


def ask(call: HttpCall, what: str, into: type[T]) -> Talk[T | Absent | Failure]:
    """One call of an API: what it gives, or what its error means."""
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    return decode(reply, into, what) if reply.status == 200 else meaning(reply, what)


def meaning(reply: HttpReply, what: str) -> Absent | Failure:
    """What an answer that is not 200 means."""
    held = _kit.decoded(reply.body, _Error)
    if held is None or not held.error.status:
        return _kit.common_failure(reply, what) or _of_status(reply.status, f"{what}: status {reply.status}")
    error = held.error
    text = f"{what}: {error.status}: {_kit.line(error.message)}"
    if reply.status == 404 and error.status == "NOT_FOUND" and OF_A_SECRET in error.message:
        return Absent()
    if reply.status == 429 or error.status == "RESOURCE_EXHAUSTED":
        return Throttled(text, _kit.throttled(reply, what).after_ns)
    if reply.status >= 500:
        return Unreachable(text)
    return _of_code(error.status, text) or _kit.common_failure(reply, what) or _of_status(reply.status, text)


def _of_code(code: str, text: str) -> Failure | None:
    match code:
        case "UNAUTHENTICATED":
            return Refused(text, session=True)
        case "PERMISSION_DENIED":
            return Refused(text)
        case "ABORTED" | "ALREADY_EXISTS":
            return Stale(text)
        case "FAILED_PRECONDITION" if "etag" in text.lower():
            return Stale(text)
        case "FAILED_PRECONDITION" | "NOT_FOUND":
            return Missing(text)
        case "INVALID_ARGUMENT":
            return InvalidSpec(text)
        case _:
            return None


def _of_status(status: int, text: str) -> Failure:
    return Refused(text, session=status == 401) if status in (401, 403) else Broken(text)


def failed(outcome: Absent | Failure, what: str) -> Failure:
    """An outcome where absence is a failure."""
    return Missing(f"{what}: there is no such thing") if isinstance(outcome, Absent) else outcome


# ---------------------------------------------------------------- the operator's surroundings


def variables(*names: str) -> Talk[dict[str, Any] | Failure]:
    """Those of the operator's environment variables that are set."""
    found: dict[str, Any] | Failure = yield from _kit.library(SdkCall(name="ambient.variables", args={"names": names}), dict)
    return found


def metadata(path: str) -> Talk[str | Failure]:
    """A text of the metadata server, such as ``project/project-id``; ``path`` may end in a query."""
    held = yield from variables(METADATA_VARIABLE)
    if not isinstance(held, dict):
        return held
    host = str(held.get(METADATA_VARIABLE) or METADATA_HOST)
    what = f"the metadata server, {path.partition('?')[0]}"
    url = f"http://{quote(host, safe='.:[]')}/computeMetadata/v1/{path}"
    headers = {"Metadata-Flavor": "Google"}
    reply = _kit.http((yield HttpCall(method="GET", url=url, headers=headers, timeout_s=METADATA_TIMEOUT_S, ambient=True)))
    if not isinstance(reply, HttpReply):
        return reply
    if reply.status == 200:
        return reply.body.decode("utf-8", "replace").strip()
    if reply.status == 404:
        return Missing(f"{what}: it does not have this")
    return _kit.common_failure(reply, what) or _of_status(reply.status, f"{what}: status {reply.status}")
