"""What conversations share: selectors, certificates, JSON replies, and the failures that every HTTP backend has."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias, TypeVar, assert_never
from urllib.parse import quote, urlsplit

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.compat.gojson import marshal
from eso_core.compat.property import NO_SECRET
from eso_core.compat.regexp import find_matcher
from eso_core.compat.text import to_bytes
from eso_core.door import Absent, Access, Answer, Blob, ConfigMapKey, Dialect, Entries, Failed, Found, Need, Payload, SecretKey, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.refs import CLUSTER_SECRET_STORE, Ref
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, CallReply, HttpReply, SdkCall, SdkReply, Tls

T = TypeVar("T")
Matcher: TypeAlias = Callable[[str], bool]

URL_PATH_SAFE: Final = "/$&+,:;=@"
"""Characters that a path keeps unescaped, besides letters, digits and ``-_.~``."""
CA: Final = "ca"
"""Slot of CA certificates that a Secret or ConfigMap holds."""
TEXT_MAX: Final = 200  # characters of a backend's error text that are repeated
RETRY_AFTER_MAX: Final = 300  # seconds; a longer pause would outlast what made it necessary
VALUES_MAX: Final = 100_000
"""In one secret; as many would not fit into a Kubernetes Secret."""
CROWDED: Final = Failed(Broken(f"the secret has more than {VALUES_MAX} values"))
PEM_HEAD: Final = b"-----BEGIN CERTIFICATE-----"


class Selector(Protocol):
    """A key of an object, as the API models spell it."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def namespace(self) -> str | None: ...


class CaSelector(Selector, Protocol):
    """A key of a Secret or ConfigMap."""

    @property
    def type(self) -> str: ...


# ---------------------------------------------------------------- parsing


def secret_key(selector: Selector) -> SecretKey:
    """The need behind a Secret selector."""
    return SecretKey(selector.name, selector.key, selector.namespace or "")


def ca_need(selector: CaSelector, store: Ref) -> Result[Need, InvalidSpec]:
    """The need behind a CA provider, whose namespace is mandatory in cluster stores and the store's own otherwise."""
    namespace = selector.namespace or ""
    if store.kind == CLUSTER_SECRET_STORE and not namespace:
        return Wrong(InvalidSpec("missing namespace on caProvider secret"))
    if store.kind != CLUSTER_SECRET_STORE and namespace not in ("", store.namespace):
        return Wrong(InvalidSpec("the namespace of caProvider must be empty or that of the SecretStore"))
    kind = ConfigMapKey if selector.type == "ConfigMap" else SecretKey
    return Success(kind(selector.name, selector.key, namespace))


def base_url(text: str, path: str) -> Result[str, InvalidSpec]:
    """Scheme, host and path of a server's address, without a final slash; ``path`` names the field that holds it."""
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        return Wrong(InvalidSpec("is not a URL", path))
    if parts.scheme not in ("http", "https") or not host:
        return Wrong(InvalidSpec("must be a URL that starts with https:// or http://", path))
    if "@" in parts.netloc:
        return Wrong(InvalidSpec("must not carry a user name or password", path))
    if not parts.netloc.isprintable() or any(map(str.isspace, parts.netloc)):
        return Wrong(InvalidSpec("has a host that is no name and no address", path))
    if parts.query or parts.fragment:
        return Wrong(InvalidSpec("must not have a query or a fragment", path))
    return Success(f"{parts.scheme}://{parts.netloc}{quote(parts.path.rstrip('/'), safe=URL_PATH_SAFE + '%')}")


def ca_bundle(text: str) -> Result[bytes, InvalidSpec]:
    """PEM certificates from a ``caBundle`` field (base64). Certificates that were encoded twice are accepted, as in the reference."""
    pem = pem_of(_unbase64(text.encode("utf-8", "replace")))
    return Wrong(InvalidSpec("caBundle is not a PEM certificate")) if text and not pem else Success(pem)


def pem_of(raw: bytes) -> bytes:
    """``raw``, or what it is the base64 form of, when that is PEM; else nothing."""
    return next((form for form in (raw, _unbase64(raw)) if PEM_HEAD in form), b"")


def _unbase64(raw: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def tls_of(access: Access, ca_pem: bytes, cert_slot: str = "", key_slot: str = "") -> Tls:
    """How to connect: the CA given, else that of slot :data:`CA`, else system roots; with a client certificate if slots are named."""
    held = access.secrets.get(CA)
    from_slot = (pem_of(held.reveal()) or held.reveal()) if held is not None else b""
    return Tls(ca_pem=ca_pem or from_slot, cert_pem=_bytes(access, cert_slot), key_pem=_bytes(access, key_slot))


def notes_of(access: Access, slot: str) -> Mapping[str, str]:
    """The annotations of an :class:`~eso_core.door.AccountNotes`; none where nothing is held."""
    return decoded(_bytes(access, slot), dict[str, str]) or {}


def keys_of(access: Access, slot: str) -> Mapping[str, bytes]:
    """The keys of a :class:`~eso_core.door.WholeSecret`; none where nothing is held."""
    held = decoded(_bytes(access, slot), dict[str, bytes])  # msgspec reads base64 text into bytes
    return held if held is not None else {}


def _bytes(access: Access, slot: str) -> bytes:
    value = access.secrets.get(slot)
    return value.reveal() if value is not None else b""


# ---------------------------------------------------------------- replies


def http(reply: CallReply) -> HttpReply | Failure:
    """The HTTP answer, or why there is none."""
    match reply:
        case HttpReply():
            return reply
        case CallFailed(failure):
            return failure
        case SdkReply():
            return Broken("an HTTP call was answered as a library call")
        case _:
            assert_never(reply)


def library(call: SdkCall, into: type[T]) -> Talk[T | Failure]:
    """What a function of the shell gives, if it is of this type."""
    reply = yield call
    match reply:
        case CallFailed(failure):
            return failure
        case SdkReply(value=value) if isinstance(value, into):
            return value
        case _:
            return Broken(f"{call.name}: the answer is not of the expected kind")


def fits_header(token: str) -> bool:
    """``token`` can stand in a header: it is not empty, and of printable ASCII."""
    return bool(token) and token.isascii() and token.isprintable()


def decoded(body: bytes, into: type[T]) -> T | None:
    """``body`` as JSON of this shape; ``None`` when it is not. Nothing of the body is repeated."""
    try:
        return msgspec.json.decode(body, type=into)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def common_failure(reply: HttpReply, what: str) -> Failure | None:
    """The failure of 3xx, 429 and 5xx answers; ``None`` for all others."""
    if reply.status == 429:
        return throttled(reply, what)
    if reply.status >= 500:
        return Unreachable(f"{what}: status {reply.status}")
    if 300 <= reply.status < 400:
        return Unreachable(f"{what}: redirected to another address, which is not followed (status {reply.status})")
    return None


def throttled(reply: HttpReply, what: str) -> Throttled:
    """Too many calls, with the pause asked for (``Retry-After`` in seconds, :data:`RETRY_AFTER_MAX` at most)."""
    text = reply.headers.get("retry-after", "")
    seconds = min(int(text[:9]), RETRY_AFTER_MAX) if text.isascii() and text.isdigit() else 0
    return Throttled(f"{what}: too many requests", seconds * SECOND)


def line(text: Any) -> str:
    """A backend's error text on one bounded line."""
    flat = " ".join(str(text).split())
    printable = "".join(char if char.isprintable() else "?" for char in flat)
    return printable if len(printable) <= TEXT_MAX else f"{printable[:TEXT_MAX]}..."


def matcher(regexp: str) -> Matcher | InvalidSpec:
    """The test of ``find.name.regexp``: RE2, matched anywhere in the name."""
    pattern = find_matcher(regexp)
    return InvalidSpec(line(pattern.failure())) if isinstance(pattern, Wrong) else pattern.unwrap().matches


def secret(value: str) -> SecretBytes:
    """Text, wrapped. What UTF-8 cannot carry (lone surrogates) becomes U+FFFD, as in Go."""
    return SecretBytes(to_bytes(value))


def value_of(found: Result[bytes, str], otherwise: str) -> Answer:
    """A value; absent where a deletion policy acts; any other fault is told as ``otherwise``, for its text may hold secret bytes."""
    if isinstance(found, Wrong):
        return Absent() if found.failure() == NO_SECRET else Failed(Missing(otherwise))
    return Found(Blob(SecretBytes(found.unwrap())))


def entries_of(found: Result[dict[str, bytes], str], otherwise: str = "the value is not a JSON object") -> Answer:
    """Values by name, or ``otherwise``."""
    if isinstance(found, Wrong):
        return Failed(Broken(otherwise))
    return Found(Entries({name: SecretBytes(value) for name, value in found.unwrap().items()}))


def crowded(raw: bytes) -> bool:
    """JSON with so many values that reading it would take the time and the memory that all other secrets need."""
    return sum(map(raw.count, (b",", b"[", b"{"))) > VALUES_MAX


def blob_dialect(read: Callable[[bytes, str], Answer], members: Callable[[bytes], Result[dict[str, bytes], str]]) -> Dialect:
    """The dialect of providers whose secrets are one value each: ``read`` a property, and make a map of the members of what it gives."""

    def value(payload: Payload, prop: str) -> Answer:
        if not isinstance(payload, Blob):
            return Failed(Broken("several values where one was expected"))
        raw = payload.value.reveal()
        return CROWDED if crowded(raw) else read(raw, prop)

    def entries(payload: Payload, prop: str) -> Answer:
        found = value(payload, prop)
        if not (isinstance(found, Found) and isinstance(found.payload, Blob)):
            return found
        raw = found.payload.value.reveal()
        return CROWDED if crowded(raw) else entries_of(members(raw))

    return Dialect(value=value, entries=entries)


def json_object(texts: Mapping[str, str]) -> SecretBytes:
    """A JSON object of texts as Go marshals one: keys sorted, ``<``, ``>`` and ``&`` escaped."""
    return SecretBytes(marshal(dict(texts)))
