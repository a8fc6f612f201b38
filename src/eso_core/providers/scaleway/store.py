"""A connection to Scaleway's Secret Manager (v1beta1): the parsed form of a store, its calls, and what answers mean.

Scaleway's errors are JSON with a ``type``, and by that with ``resource``, ``details``, ``reason``, ``precondition`` or ``message``.

==================================  ======================================================================
answer                              meaning
==================================  ======================================================================
404 ``not_found``                   absent, unless it is about a project or an organization
404 without that                    broken: a wrong address, a proxy
401                                 refused: the secret key
403                                 refused: a permission, a quota
409, 410, 412, 423                  broken: such as a version that is disabled or has expired
429; 3xx, 5xx                       throttled; unreachable
anything else                       broken
==================================  ======================================================================

The access key is no part of a request. Documents: "Secret Manager API" (v1beta1), and ``api/secret/v1beta1`` and ``scw/errors.go`` of
scaleway/scaleway-sdk-go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers._shared import ValueOrRef
from eso_core.api.providers.scaleway import Spec
from eso_core.door import Access, Need, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Stale
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.wire import JSON, HttpCall, HttpReply

PATH: Final = "spec.provider.scaleway"
DEFAULT_URL: Final = "https://api.scaleway.com"
SECRET_KEY: Final = "secret_key"
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
REGION: Final = re.compile(r"[a-z]{2}-[a-z]{3,7}")
REVISION: Final = re.compile(r"latest|latest_enabled|[1-9][0-9]{0,9}")
LATEST: Final = "latest_enabled"
ROOT: Final = "/"
ELSEWHERE: Final = frozenset({"project", "organization"})
"""What may be lacking so that nothing is said about a secret."""
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``base`` ends in the region. ``secret_key`` is that of the spec, ``""`` where a Secret holds it."""

    base: str
    project: str
    secret_key: str = field(repr=False)
    needs: Mapping[str, Need]


# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    url = _kit.base_url(model.api_url or DEFAULT_URL, f"{PATH}.apiUrl")
    if isinstance(url, Wrong):
        return url
    if not REGION.fullmatch(model.region):
        return Wrong(InvalidSpec("invalid region", f"{PATH}.region"))
    if not UUID.fullmatch(model.project_id):
        return Wrong(InvalidSpec("invalid project id", f"{PATH}.projectId"))
    wrong = _wrong_key(model.access_key, "accessKey") or _wrong_key(model.secret_key, "secretKey")
    if wrong is not None:
        return Wrong(wrong)
    held = model.secret_key.secret_ref
    return Success(
        Store(
            base=f"{url.unwrap()}/secret-manager/v1beta1/regions/{model.region}",
            project=model.project_id,
            secret_key=model.secret_key.value,
            needs={SECRET_KEY: _kit.secret_key(held)} if held is not None else {},
        )
    )


def _wrong_key(key: ValueOrRef, name: str) -> InvalidSpec | None:
    """Exactly one of ``value`` and ``secretRef``."""
    if key.secret_ref is None:
        return None if key.value else InvalidSpec("missing secret reference", f"{PATH}.{name}")
    if key.value:
        return InvalidSpec("cannot specify both secret reference and value", f"{PATH}.{name}")
    if not key.secret_ref.name or not key.secret_ref.key:
        return InvalidSpec("must name a Secret and a key", f"{PATH}.{name}.secretRef")
    return None


def needs(store: Store) -> Mapping[str, Need]:
    """The secret key, where the spec does not hold it."""
    return store.needs


# ---------------------------------------------------------------- keys


@dataclass(frozen=True, slots=True)
class At:
    """A secret: by ``ident``, else by ``name``, in ``folder`` or, where that is ``""``, in any."""

    ident: str = ""
    name: str = ""
    folder: str = ""


def address(key: str) -> At | InvalidSpec:
    """``id:UUID``, ``name:NAME`` or ``path:/folder/NAME``."""
    kind, colon, rest = key.partition(":")
    if not colon:
        return InvalidSpec("invalid secret reference: missing colon ':'")
    if kind == "id":
        return At(ident=rest) if UUID.fullmatch(rest) else InvalidSpec("invalid secret reference: id: must be followed by a UUID")
    if kind == "name":
        good = rest and "/" not in rest
        return At(name=rest) if good else InvalidSpec("invalid secret reference: name: must be followed by a name, without '/'")
    if kind != "path":
        return InvalidSpec("invalid secret reference: must start with id:, name: or path:")
    folder, _, name = rest.rpartition("/")
    if not rest.startswith("/") or not name:
        return InvalidSpec("invalid secret reference: path: must be followed by /folder/name")
    return At(name=name, folder=folder or ROOT)


def named(key: str, doing: str) -> At | InvalidSpec:
    """The same for what is written, which has no id yet."""
    at = address(key)
    return InvalidSpec(f"secrets can only be {doing} by name or path") if isinstance(at, At) and at.ident else at


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation's connection."""

    store: Store
    token: str = field(repr=False)

    def call(self, method: str, path: str, name: str, query: Query = (), body: Mapping[str, Any] | None = None) -> HttpCall:
        """A request below the region; ``path`` is escaped already. ``name`` is the label of its metric."""
        headers = {"Accept": JSON, "X-Auth-Token": self.token}
        if body is not None:
            headers["Content-Type"] = JSON
        asked = f"?{urlencode(query, quote_via=quote, errors='replace')}" if query else ""
        return HttpCall(
            method=method,
            url=f"{self.store.base}{path}{asked}",
            headers=headers,
            body=orjson.dumps(body) if body is not None else b"",
            name=name,
        )

    def ask(self, call: HttpCall) -> Talk[HttpReply | Failure]:
        """The answer, of any status."""
        if not _kit.fits_header(self.token):
            return Refused("the secret key of Scaleway is empty or holds what no key has", session=True)
        return _kit.http((yield call))


def line_of(access: Access) -> Line:
    """The connection of a use of a store."""
    store: Store = access.spec
    return Line(store, access.text(SECRET_KEY) if store.needs else store.secret_key.strip())


# ---------------------------------------------------------------- what answers mean


class _Error(msgspec.Struct):
    type: str = ""
    message: Any = ""
    resource: Any = ""
    reason: Any = ""
    precondition: Any = ""
    help_message: Any = ""
    details: Any = None


def says_absent(reply: HttpReply) -> bool:
    """Scaleway says that there is no such secret, or no such version of it."""
    held = _kit.decoded(reply.body, _Error) if reply.status == 404 else None
    about_secret = held is not None and (not isinstance(held.resource, str) or held.resource not in ELSEWHERE)
    return held is not None and held.type == "not_found" and about_secret


def what(call: HttpCall) -> str:
    """A call in words: no header, no query, no body."""
    return f"Scaleway {call.method} {call.url.partition('?')[0]}"


def failure_of(call: HttpCall, reply: HttpReply) -> Failure:
    """Why an answer that is not 2xx is not what was asked for. What an argument was is not repeated."""
    held = _kit.decoded(reply.body, _Error)
    sentence = f"{what(call)}: {_kit.line(_text(held) if held is not None and held.type else f'status {reply.status}')}"
    if reply.status == 401:
        return Refused(sentence, session=True)
    if reply.status == 403:
        return Refused(sentence)
    if reply.status == 409:
        return Stale(sentence)
    return _kit.common_failure(reply, what(call)) or Broken(sentence)


def _text(held: _Error) -> str:
    """Type, and what it is about; of details the names of permissions, quotas and arguments."""
    parts = [held.type, held.resource, held.reason, held.precondition, held.help_message]
    for detail in held.details if isinstance(held.details, list) else ():
        if isinstance(detail, dict):
            parts += [detail.get(name) for name in ("action", "resource", "argument_name", "reason")]
    return " ".join(part for part in parts if isinstance(part, str) and part)
