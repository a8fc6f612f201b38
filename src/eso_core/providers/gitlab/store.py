"""A connection to GitLab: the parsed form of a store, its calls, and what answers mean.

GitLab's errors are JSON with ``message`` (``404 Variable Not Found``, or an object where a parameter is wrong) or, where a token is not
accepted as OAuth has it, with ``error`` and ``error_description``.

====================================  ======================================================================
answer                                meaning
====================================  ======================================================================
404 ``Variable Not Found``            no such variable here: the next scope, the next group, at last missing
404 ``GroupVariable Not Found``       the same in a group
other 404                             a project or group that is not there or not for this token; a proxy
401                                   refused: the token
403                                   refused: the token's scope or role
409                                   broken: several scopes, and the store names none
429; 3xx, 5xx                         throttled; unreachable
anything else                         broken
====================================  ======================================================================

Documents: "Project-level CI/CD variables API", "Group-level variables API", "Projects API", "REST API" and its "Pagination" and
"Authentication".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.gitlab import Spec
from eso_core.door import Access, Need, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.wire import JSON, HttpCall, HttpReply, Tls

PATH: Final = "spec.provider.gitlab"
DEFAULT_URL: Final = "https://gitlab.com"
API: Final = "/api/v4"
TOKEN: Final = "access_token"
ALL: Final = "*"
"""The scope of variables for all environments."""
LIST_MAX: Final = 64 * 1024 * 1024  # bytes of a page; a variable has up to 10,000 characters
Place = Literal["projects", "groups"]
ABSENT: Final = frozenset({"404 Variable Not Found", "404 GroupVariable Not Found"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``api`` ends in ``/api/v4``; ``groups`` are ids, the farthest first."""

    api: str
    token: Mapping[str, Need]
    project: str
    groups: tuple[str, ...]
    inherit: bool
    environment: str
    ca_pem: bytes = b""
    ca: Mapping[str, Need] = field(default_factory=dict)


# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    token = model.auth.secret_ref.access_token
    if token is None or not token.key:
        return Wrong(InvalidSpec("accessToken.key cannot be empty", f"{PATH}.auth.SecretRef"))
    if not token.name:
        return Wrong(InvalidSpec("accessToken.name cannot be empty", f"{PATH}.auth.SecretRef"))
    wrong = _wrong_places(model)
    if wrong is not None:
        return Wrong(wrong)
    base, ca_pem = _kit.base_url(model.url or DEFAULT_URL, f"{PATH}.url"), _kit.ca_bundle(model.ca_bundle)
    ca = _kit.ca_need(model.ca_provider, store).map(lambda need: {_kit.CA: need}) if model.ca_provider is not None else Success({})
    for part in (base, ca_pem, ca):
        if isinstance(part, Wrong):
            return part
    url = base.unwrap()
    return Success(
        Store(
            api=url if url.endswith(API) else f"{url}{API}",
            token={TOKEN: _kit.secret_key(token)},
            project=model.project_id,
            groups=model.group_ids,
            inherit=model.inherit_from_groups,
            environment=model.environment,
            ca_pem=ca_pem.unwrap(),
            ca=ca.unwrap() if not ca_pem.unwrap() else {},
        )
    )


def _wrong_places(model: Spec) -> InvalidSpec | None:
    if not model.project_id and not model.group_ids:
        return InvalidSpec("projectID and groupIDs must not both be empty", PATH)
    if model.inherit_from_groups and model.group_ids:
        return InvalidSpec("defining groupIDs and inheritFromGroups = true is not allowed", PATH)
    if model.project_id and _climbs(model.project_id):
        return InvalidSpec("must be the id or the path of a project", f"{PATH}.projectID")
    if any(not group or _climbs(group) for group in model.group_ids):
        return InvalidSpec("must be ids of groups", f"{PATH}.groupIDs")
    return None


def _climbs(segment: str) -> bool:
    """Escaping leaves these two as they are, and a URL takes them for a way up."""
    return segment in (".", "..")


def needs(store: Store) -> Mapping[str, Need]:
    """The access token, and a CA."""
    return {**store.token, **store.ca}


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation's connection."""

    store: Store
    tls: Tls
    token: str = field(repr=False)

    def call(self, place: Place, ident: str, path: str, name: str, query: Mapping[str, str] | None = None) -> HttpCall:
        """A GET about a project or group; ``path`` is escaped already. ``name`` is the label of its metric."""
        asked = f"?{urlencode(query, quote_via=quote, errors='replace')}" if query else ""
        return HttpCall(
            method="GET",
            url=f"{self.store.api}/{place}/{quote(ident, safe='', errors='replace')}{path}{asked}",
            headers={"Accept": JSON, "PRIVATE-TOKEN": self.token},
            tls=self.tls,
            body_max=LIST_MAX,
            name=name,
        )

    def ask(self, call: HttpCall) -> Talk[HttpReply | Failure]:
        """The answer, of any status."""
        if not _kit.fits_header(self.token):
            return Refused("the access token of GitLab is empty or holds what no token has", session=True)
        return _kit.http((yield call))


def line_of(access: Access) -> Line:
    """The connection of a use of a store."""
    store: Store = access.spec
    return Line(store, _kit.tls_of(access, store.ca_pem), access.text(TOKEN))


# ---------------------------------------------------------------- what answers mean


class _Error(msgspec.Struct):
    message: Any = ""
    error: Any = ""
    error_description: Any = ""


def says_absent(reply: HttpReply) -> bool:
    """GitLab says that there is no such variable, in a project or group that there is."""
    held = _kit.decoded(reply.body, _Error) if reply.status == 404 else None
    return held is not None and isinstance(held.message, str) and held.message in ABSENT


def what(call: HttpCall) -> str:
    """A call in words: no header, no query."""
    return f"GitLab {call.method} {call.url.partition('?')[0]}"


def failure_of(call: HttpCall, reply: HttpReply) -> Failure:
    """Why an answer that is not 2xx is not what was asked for."""
    held = _kit.decoded(reply.body, _Error)
    told = [text for text in (held.message, held.error, held.error_description) if isinstance(text, str) and text] if held else []
    sentence = f"{what(call)}: {_kit.line(': '.join(told) or f'status {reply.status}')}"
    if reply.status == 401:
        return Refused(sentence, session=True)
    if reply.status == 403:
        return Refused(sentence)
    if reply.status == 404:
        return Missing(sentence)
    return _kit.common_failure(reply, what(call)) or Broken(sentence)
