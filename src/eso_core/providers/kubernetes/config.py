"""A kubeconfig in a Secret: server, CA and credentials of its current context (``clientcmd.RESTConfigFromKubeConfig``).

Refused are credentials that a plugin would have to get, files (there are none where the Secret is), impersonation, proxies, and another
name for TLS than the server's.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from returns.result import Failure as Wrong

from eso_core.compat import goyaml
from eso_core.failure import InvalidSpec

SIZE_MAX: Final = 256 * 1024  # bytes
FILES: Final = ("certificate-authority", "client-certificate", "client-key")
REFUSED_OF_USER: Final = ("exec", "auth-provider", "tokenFile", "as", "as-uid", "as-groups", "as-user-extra")
REFUSED_OF_CLUSTER: Final = ("proxy-url", "tls-server-name")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls. ``authorization`` is the header's value."""

    authorization: str = field(default="", repr=False)
    cert_pem: bytes = b""
    key_pem: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """What the current context says. ``server`` as written."""

    server: str
    ca_pem: bytes
    insecure: bool
    identity: Identity


class _Unusable(Exception):
    """The text goes on from "the kubeconfig"."""


def read_config(raw: bytes) -> Config | InvalidSpec:
    """The connection of the current context. No value of the kubeconfig is repeated."""
    loaded = goyaml.load(raw) if len(raw) <= SIZE_MAX else Wrong(None)
    if isinstance(loaded, Wrong):
        return InvalidSpec("the kubeconfig is not YAML, or too large")
    try:
        return _current(_object(loaded.unwrap(), "is not an object"))
    except _Unusable as unusable:
        return InvalidSpec(f"the kubeconfig {unusable}")


def _current(config: Mapping[str, Any]) -> Config:
    name = _text(config, "current-context")
    if not name:
        raise _Unusable("has no current-context")
    context = _named(config, "contexts", "context", name)
    cluster = _named(config, "clusters", "cluster", _text(context, "cluster"))
    user = _named(config, "users", "user", _text(context, "user")) if _text(context, "user") else {}
    _allowed(cluster, REFUSED_OF_CLUSTER)
    _allowed(user, REFUSED_OF_USER)
    _no_files(cluster)
    _no_files(user)
    ca_pem, insecure = _data(cluster, "certificate-authority-data"), cluster.get("insecure-skip-tls-verify") is True
    if ca_pem and insecure:
        raise _Unusable("has a CA together with insecure-skip-tls-verify")
    if not _text(cluster, "server"):
        raise _Unusable("names no server")
    return Config(_text(cluster, "server"), ca_pem, insecure, _identity(user))


def _identity(user: Mapping[str, Any]) -> Identity:
    token, username, password = _text(user, "token").strip(), _text(user, "username"), _text(user, "password")
    cert, key = _data(user, "client-certificate-data"), _data(user, "client-key-data")
    if bool(cert) is not bool(key):
        raise _Unusable("has a client certificate without its key, or a key without its certificate")
    if token and username:
        raise _Unusable("has a token together with a user name")
    basic = "Basic " + base64.b64encode(f"{username}:{password}".encode("utf-8", "replace")).decode() if username else ""
    return Identity(f"Bearer {token}" if token else basic, cert, key)


def _allowed(part: Mapping[str, Any], refused: tuple[str, ...]) -> None:
    for name in refused:
        if part.get(name):
            raise _Unusable(f"uses {name}, which is not supported")


def _no_files(part: Mapping[str, Any]) -> None:
    for name in FILES:
        if part.get(name) and not part.get(f"{name}-data"):
            raise _Unusable(f"names a file as {name}: use {name}-data")


def _named(config: Mapping[str, Any], part: str, member: str, name: str) -> Mapping[str, Any]:
    """The entry of that name, of which there must be one."""
    entries = config.get(part)
    found = [entry for entry in entries if isinstance(entry, dict) and entry.get("name") == name] if isinstance(entries, list) else []
    if not name or len(found) != 1:
        raise _Unusable(f"has {'no' if len(found) < 2 else 'more than one'} {member} of the name that is wanted")
    return _object(found[0].get(member) or {}, f"has a {member} that is not an object")


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Unusable(what)
    return value


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    if value is not None and not isinstance(value, str):
        raise _Unusable(f"has something else than a text as {name}")
    return value or ""


def _data(part: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode("".join(_text(part, name).split()), validate=True)
    except (binascii.Error, ValueError):
        raise _Unusable(f"has a {name} that is not base64") from None
