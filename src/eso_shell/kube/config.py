"""Which API server, and who we are to it. Here: from inside a pod. From a kubeconfig file: :mod:`eso_shell.kube.kubeconfig`.

A pod's token is *bound*: the kubelet replaces its file well before the token expires. So an identity is asked for with each request
(:class:`Identities`), and its source decides when to look again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, final

from eso_shell.http import ProxyRules

POD_FILES = Path("/var/run/secrets/kubernetes.io/serviceaccount")
REREAD_S = 60.0


class ConfigError(Exception):
    """There is no usable way to the API server. The text is one line for a person, without credentials."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What proves who we are: an ``Authorization`` header, a client certificate, both, or nothing (anonymous)."""

    authorization: str = field(default="", repr=False)
    cert_pem: bytes = field(default=b"", repr=False)
    key_pem: bytes = field(default=b"", repr=False)


class Identities(Protocol):
    """A source of identities. ``current`` and ``renewed`` raise :class:`ConfigError`."""

    async def current(self) -> Identity:
        """The identity to use now: the same object as long as nothing changed."""
        ...

    async def renewed(self, refused: Identity) -> Identity | None:
        """The API server answered 401 to ``refused``. A different identity to try, or ``None`` when there is no other."""
        ...


@final
class Fixed:
    """One identity for ever."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def current(self) -> Identity:
        """See :class:`Identities`."""
        return self._identity

    async def renewed(self, refused: Identity) -> Identity | None:
        """See :class:`Identities`."""
        return None


@final
class TokenFile:
    """The token in a file, read at most once in ``REREAD_S``, and after a refusal.

    A file that cannot be read, or is empty, keeps the token that was read before; there is an error only when there was none.
    """

    def __init__(self, path: Path, *, cert_pem: bytes = b"", key_pem: bytes = b"", clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._cert_pem, self._key_pem = cert_pem, key_pem
        self._clock = clock
        self._identity: Identity | None = None
        self._reread_at = 0.0

    async def current(self) -> Identity:
        """See :class:`Identities`."""
        if self._identity is not None and self._clock() < self._reread_at:
            return self._identity
        return self._read()

    async def renewed(self, refused: Identity) -> Identity | None:
        """See :class:`Identities`."""
        identity = self._read()
        return None if identity is refused else identity

    def _read(self) -> Identity:
        try:
            token, cause = self._path.read_text("ascii").strip(), "is empty"
        except OSError as error:
            token, cause = "", f"cannot be read: {error.strerror}"
        except UnicodeDecodeError:
            token, cause = "", "is not text"
        if token:
            identity = Identity(f"Bearer {token}", self._cert_pem, self._key_pem)
            if identity != self._identity:
                self._identity = identity
        elif self._identity is None:
            raise ConfigError(f"token file {self._path} {cause}")
        self._reread_at = self._clock() + REREAD_S
        return self._identity


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """One API server. ``server`` is ``scheme://host[:port][/prefix]`` without a slash at the end."""

    server: str
    identities: Identities = field(default_factory=lambda: Fixed(Identity()), repr=False)
    ca_pem: bytes = field(default=b"", repr=False)  # empty: the system's roots
    insecure: bool = False  # no server verification
    server_name: str = ""  # to be verified instead of the host of `server`
    namespace: str = "default"
    proxy: str = field(default="", repr=False)  # a URL, which may hold a password
    impersonate: tuple[tuple[str, str], ...] = ()  # Impersonate-* headers


def in_cluster(environ: Mapping[str, str], files: Path = POD_FILES, *, clock: Callable[[], float] = time.monotonic) -> ClusterConfig:
    """The configuration of a pod: address from the environment, token, CA and namespace from its service account's files."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise ConfigError("not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        ca_pem = (files / "ca.crt").read_bytes()
    except OSError as error:
        raise ConfigError(f"CA file {files / 'ca.crt'} cannot be read: {error.strerror}") from None
    try:
        namespace = (files / "namespace").read_text("utf-8").strip() or "default"
    except OSError:
        namespace = "default"
    return ClusterConfig(
        server=server,
        identities=TokenFile(files / "token", clock=clock),
        ca_pem=ca_pem,
        namespace=namespace,
        proxy=ProxyRules(environ).proxy_for(server) or "",
    )
