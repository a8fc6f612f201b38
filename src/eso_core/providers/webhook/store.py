"""The parsed form of ``spec.provider.webhook``, what it needs from the cluster, and its requests.

=======================  ==========================================================================
answer                   meaning
=======================  ==========================================================================
2xx                      found, or done
404                      absent, whoever says so: a webhook has no words of its own
304                      nothing new: a failure of a read, and of a push that it changed nothing
401, 403                 refused; new credentials may help
429                      throttled
3xx, 5xx                 unreachable
anything else            broken
=======================  ==========================================================================
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit, urlunsplit

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.webhook import Ntlm, Spec
from eso_core.compat.duration import parse_duration
from eso_core.compat.jsonpath import compile_path
from eso_core.compat.text import go_text
from eso_core.door import Access, Need, Talk, WholeSecret
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Unreachable
from eso_core.instant import SECOND
from eso_core.providers import _kit
from eso_core.providers.webhook.text import AMBIENT, Printer, Reads, check, given
from eso_core.refs import Ref
from eso_core.wire import CallFailed, HttpCall, HttpReply, SdkCall, SdkReply, Tls

PATH: Final = "spec.provider.webhook"
LABEL: Final = ("external-secrets.io/type", "webhook")  # that a Secret must carry
USER: Final = "ntlm_user"  # slots
PASSWORD: Final = "ntlm_password"
TIMEOUT_S: Final = 30.0
TIMEOUT_MAX_S: Final = 120.0
TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}")  # RFC 9110: a method, or the name of a header
CONTROLS: Final = re.compile(r"[\x00-\x20\x7f]")
BODY_MAX: Final = 8 * 1024 * 1024  # bytes
REQUEST: Final = "HTTPRequest"  # the call's label in metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``url``, ``headers``, ``body`` and ``json_path`` are templates. ``secrets`` are names in templates, and slots."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)
    json_path: str = field(repr=False)
    method: str
    secrets: tuple[tuple[str, str], ...]
    ntlm: tuple[str, str] | None  # keys of the user name and the password
    timeout_s: float
    ca_pem: bytes
    slots: Mapping[str, Need]
    lucky: bool  # a template needs time or chance
    by_namespace: bool  # a template may read the consumer's namespace


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    timeout, ca_pem, ca_slot = _timeout(model.timeout), _kit.ca_bundle(model.ca_bundle), _ca(model, store)
    templates, plain = _templates(model), _plain(model)
    for wrong in (plain, timeout, ca_pem, ca_slot, templates):
        if isinstance(wrong, Wrong):
            return wrong
    secrets = tuple((secret.name, f"secret{number}") for number, secret in enumerate(model.secrets))
    slots: dict[str, Need] = {
        slot: _whole(secret.secret_ref.name, secret.secret_ref.namespace) for (_, slot), secret in zip(secrets, model.secrets, strict=True)
    }
    ntlm = model.auth.ntlm if model.auth is not None else None
    return Success(
        Store(
            url=model.url,
            headers=model.headers,
            body=model.body,
            json_path=model.result.json_path,
            method=model.method,
            secrets=secrets,
            ntlm=(ntlm.username_secret.key, ntlm.password_secret.key) if ntlm is not None else None,
            timeout_s=timeout.unwrap(),
            ca_pem=ca_pem.unwrap(),
            slots={**slots, **_credentials(ntlm), **ca_slot.unwrap()},
            lucky=bool(AMBIENT & templates.unwrap().functions),
            by_namespace=templates.unwrap().namespace,
        )
    )


def _whole(name: str, namespace: str | None) -> WholeSecret:
    return WholeSecret(name, namespace or "", LABEL)


def _credentials(ntlm: Ntlm | None) -> dict[str, Need]:
    if ntlm is None:
        return {}
    user, password = ntlm.username_secret, ntlm.password_secret
    return {USER: _whole(user.name, user.namespace), PASSWORD: _whole(password.name, password.namespace)}


def _plain(model: Spec) -> Result[None, InvalidSpec]:
    """What is wrong with the texts as they stand."""
    if not model.url:
        return Wrong(InvalidSpec("must be set", f"{PATH}.url"))
    if model.method and not TOKEN.fullmatch(model.method):
        return Wrong(InvalidSpec("is not a method of HTTP", f"{PATH}.method"))
    if not all(map(TOKEN.fullmatch, model.headers)):
        return Wrong(InvalidSpec("holds what is not the name of a header", f"{PATH}.headers"))
    if model.auth is not None and model.auth.ntlm is None:
        return Wrong(InvalidSpec("no protocol is given", f"{PATH}.auth"))
    return Success(None)


def _templates(model: Spec) -> Result[Reads, InvalidSpec]:
    """What the templates read. A JSONPath that is no template has to be one that can be parsed."""
    reads = Reads()
    headers = [(text, f"headers.{name}") for name, text in model.headers.items()]
    for text, what in ((model.url, "url"), *headers, (model.body, "body"), (model.result.json_path, "result.jsonPath")):
        checked = check(text, what)
        if isinstance(checked, Wrong):
            return checked
        reads |= checked.unwrap()
    path = model.result.json_path
    if path and "{{" not in path and isinstance(compiled := compile_path(path), Wrong):
        return Wrong(InvalidSpec(compiled.failure(), f"{PATH}.result.jsonPath"))
    return Success(reads)


def _timeout(text: str | None) -> Result[float, InvalidSpec]:
    parsed = parse_duration(text or "0s")
    if isinstance(parsed, Wrong) or parsed.unwrap() < 0:
        return Wrong(InvalidSpec("is not a duration", f"{PATH}.timeout"))
    return Success(min(parsed.unwrap() / SECOND, TIMEOUT_MAX_S) or TIMEOUT_S)


def _ca(model: Spec, store: Ref) -> Result[Mapping[str, Need], InvalidSpec]:
    if model.ca_provider is None or model.ca_bundle:
        return Success({})
    return _kit.ca_need(model.ca_provider, store).map(lambda need: {_kit.CA: need})


def needs(store: Store) -> Mapping[str, Need]:
    """The Secrets of templates and of NTLM, whole, and the CA."""
    return store.slots


# ---------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Address:
    """``authorization`` is what a user name and password in the URL stand for, as in the reference."""

    url: str = field(repr=False)
    origin: str
    authorization: str = field(default="", repr=False)


def address(raw: bytes) -> Result[Address, InvalidSpec]:
    """An absolute URL of http or https. It may not climb: a key of two dots would leave its folder."""
    text, path = go_text(raw).strip(), f"{PATH}.url"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return Wrong(InvalidSpec("is not a URL", path))
    if parts.scheme not in ("http", "https") or not host:
        return Wrong(InvalidSpec("must be a URL that starts with https:// or http://", path))
    if CONTROLS.search(parts.netloc) or any(char < " " or char == "\x7f" for char in text):
        return Wrong(InvalidSpec("holds a character that no URL has", path))
    if {b".", b".."} & set(unquote_to_bytes(parts.path).replace(b"\\", b"/").split(b"/")):  # many servers take %2F for a slash
        return Wrong(InvalidSpec("must not have '.' or '..' as a part of its path", path))
    user, at, netloc = parts.netloc.rpartition("@")
    return Success(Address(_whole_url(parts, netloc), f"{parts.scheme}://{netloc}", _basic(user) if at else ""))


def _whole_url(parts: SplitResult, netloc: str) -> str:
    """Without the user name and the fragment; what a URL cannot carry is escaped."""
    whole = urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
    return "".join(char if "!" <= char <= "~" and char not in '"<>\\^`{|}' else _percent(char) for char in whole)


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))


def _basic(user: str) -> str:
    name, colon, password = user.partition(":")
    return "Basic " + base64.b64encode(unquote_to_bytes(name) + b":" + (unquote_to_bytes(password) if colon else b"")).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, printed."""

    method: str
    at: Address
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def what(self) -> str:
        """In words: no path, no query, for both may hold what is secret."""
        return f"webhook {self.method} {self.at.origin}"


def secrets_of(access: Access) -> list[tuple[str, Mapping[str, bytes]]]:
    """The Secrets of templates, by their names there."""
    store: Store = access.spec
    return [(name, _kit.keys_of(access, slot)) for name, slot in store.secrets]


def request(access: Access, printer: Printer, ref: Mapping[str, bytes], method: str, body: str | bytes) -> Result[Request, InvalidSpec]:
    """``body``: a template, or bytes as they are."""
    store: Store = access.spec
    secrets = secrets_of(access)
    raw = given(ref, secrets)
    at = printer.text(store.url, given(ref, secrets, escaped=True), "url").bind(address)
    printed = printer.text(body, raw, "body") if isinstance(body, str) else Success(body)
    if isinstance(at, Wrong):
        return at
    if isinstance(printed, Wrong):
        return printed
    headers: dict[str, str] = {"Authorization": at.unwrap().authorization} if at.unwrap().authorization else {}
    for name, template in store.headers.items():
        value = printer.text(template, raw, f"headers.{name}")
        if isinstance(value, Wrong):
            return value
        headers = {other: text for other, text in headers.items() if other.lower() != name.lower()} | {name: go_text(value.unwrap())}
    if any(re.search(r"[\r\n\0]", value) for value in headers.values()):
        return Wrong(InvalidSpec("a header holds a line break", f"{PATH}.headers"))
    return Success(Request(method=method, at=at.unwrap(), headers=headers, body=printed.unwrap()))


def send(access: Access, asked: Request) -> Talk[HttpReply | Failure]:
    """The answer, of any status."""
    store: Store = access.spec
    tls = _kit.tls_of(access, store.ca_pem)
    if store.ntlm is None:
        call = HttpCall(
            method=asked.method,
            url=asked.at.url,
            headers=asked.headers,
            body=asked.body,
            tls=tls,
            timeout_s=store.timeout_s,
            body_max=BODY_MAX,
            name=REQUEST,
        )
        return _kit.http((yield call))
    args = _ntlm_args(access, store.ntlm, asked, tls)
    if isinstance(args, Missing):
        return args
    args = {**args, "timeout_s": store.timeout_s}
    return _replied((yield SdkCall(name="ntlm.send", args=args, timeout_s=store.timeout_s + 5, goes_to=asked.at.url)))


def _ntlm_args(access: Access, keys: tuple[str, str], asked: Request, tls: Tls) -> Mapping[str, Any] | Missing:
    held: list[str] = []
    for slot, key in zip((USER, PASSWORD), keys, strict=True):
        value = _kit.keys_of(access, slot).get(key)
        if value is None:
            return Missing(f'cannot find secret data for key: "{key}" in the Secret of {slot.replace("_", " ")}')
        held.append(value.decode("utf-8", "replace"))
    sent = {"method": asked.method, "url": asked.at.url, "headers": dict(asked.headers), "body": asked.body}
    return {**sent, "username": held[0], "password": held[1], "tls": tls, "body_max": BODY_MAX}


def _replied(reply: object) -> HttpReply | Failure:
    if isinstance(reply, CallFailed):
        return reply.failure
    value = reply.value if isinstance(reply, SdkReply) else None
    if isinstance(value, Mapping) and isinstance(value.get("status"), int) and isinstance(value.get("body"), bytes):
        return HttpReply(status=value["status"], headers=_texts(value.get("headers")), body=value["body"])
    return Broken("ntlm.send gave something that is no answer")


def _texts(headers: object) -> dict[str, str]:
    pairs: Iterable[tuple[object, object]] = headers.items() if isinstance(headers, Mapping) else ()
    return {str(name): str(value) for name, value in pairs}


def failure_of(asked: Request, reply: HttpReply) -> Failure:
    """Why an answer that is neither 2xx, 304 nor 404 is none. Nothing of the body is repeated: nobody knows what it holds."""
    sentence = f"{asked.what}: endpoint gave error {reply.status}"
    if reply.status in (401, 403):
        return Refused(sentence, session=reply.status == 401)
    if reply.status >= 500:
        return Unreachable(sentence)
    return _kit.common_failure(reply, asked.what) or Broken(sentence)
