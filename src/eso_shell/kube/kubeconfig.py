"""Which API server a kubeconfig file names, and who we are to it.

Tokens, token files, passwords, client certificates and impersonation are read here, in milliseconds. Exec plugins and auth providers are
left to the ``kubernetes`` package, which takes a second and 60 MB to import: this is the one file that does it, for users with such
a login.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, final
from urllib.parse import quote

from yarl import URL

from eso_core.failure import InvalidSpec
from eso_core.wire import Tls
from eso_shell.http import ProxyRules
from eso_shell.kube.config import ClusterConfig, ConfigError, Fixed, Identities, Identity, TokenFile, in_cluster
from eso_shell.tls import ssl_context

LOGIN_S = 60.0  # the longest that a plugin may take
AHEAD_S = 60.0  # a login is renewed this long before it expires, or a tenth of its life if that is less
AGAIN_S = 10.0  # the shortest time from one login to the next
WORDS_MAX = 200  # characters of a plugin's own words in an error

_SERVER = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?")
_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}


def find_cluster(environ: Mapping[str, str], *, path: str = "", context: str = "") -> ClusterConfig:
    """The API server to use: ``path``, else ``KUBECONFIG``, else the pod's own, else ``~/.kube/config``. Raises :class:`ConfigError`."""
    if not path and not context and not environ.get("KUBECONFIG") and environ.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster(environ)
    return load_kubeconfig(environ, path=path, context=context)


def load_kubeconfig(environ: Mapping[str, str], *, path: str = "", context: str = "") -> ClusterConfig:
    """The cluster and user of ``context`` (else the file's current one). Raises :class:`ConfigError`.

    A plugin runs when an identity is first asked for: ``await config.identities.current()`` tells early whether it works.
    """
    merged = _read_all(_paths(environ, path))
    name = context or merged.current
    if not name:
        raise ConfigError("kubeconfig has no current context; name one")
    chosen, _ = merged.entry("contexts", name)
    cluster, cluster_folder = merged.entry("clusters", _text(chosen, "cluster"))
    user, user_folder = merged.entry("users", _text(chosen, "user")) if _text(chosen, "user") else ({}, Path())

    insecure = cluster.get("insecure-skip-tls-verify") is True
    ca_pem = b"" if insecure else _pem(cluster, "certificate-authority", cluster_folder)
    cert_pem, key_pem = _pem(user, "client-certificate", user_folder), _pem(user, "client-key", user_folder)
    usable = ssl_context(Tls(ca_pem, cert_pem, key_pem, verify=not insecure))
    if isinstance(usable, InvalidSpec):
        raise ConfigError(f"kubeconfig context {name}: {usable.what}")

    server = _text(cluster, "server")
    if not server:
        raise ConfigError(f"kubeconfig context {name}: its cluster has no server")
    if "://" not in server:
        server = f"{'https' if ca_pem or cert_pem or insecure else 'http'}://{server}"
    server = server.rstrip("/")
    if not _SERVER.fullmatch(server):
        raise ConfigError(f"kubeconfig context {name}: its cluster's server is not an http or https URL")
    return ClusterConfig(
        server=server,
        identities=_identities(user, user_folder, cluster, cert_pem, key_pem),
        ca_pem=ca_pem,
        insecure=insecure,
        server_name=_text(cluster, "tls-server-name"),
        namespace=_text(chosen, "namespace") or "default",
        proxy=_proxy(cluster, server, environ),
        impersonate=_impersonate(user),
    )


# ---------------------------------------------------------------- files


@dataclass(frozen=True, slots=True)
class _Merged:
    """Several files as one: the first to name an entry, or a current context, wins. Entries keep the folder their paths are relative to."""

    current: str
    entries: Mapping[tuple[str, str], tuple[dict[str, Any], Path]]

    def entry(self, section: str, name: str) -> tuple[dict[str, Any], Path]:
        found = self.entries.get((section, name))
        if found is None:
            raise ConfigError(f'kubeconfig has no {_SECTIONS[section]} "{name}"')
        return found


def _paths(environ: Mapping[str, str], path: str) -> list[Path]:
    """The files to read. One that is named must be there; of ``KUBECONFIG``'s list, one of them."""
    if path:
        return [Path(path)]
    listed = [Path(each) for each in environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    if not listed:
        return [Path(environ.get("HOME", "/")) / ".kube" / "config"]
    return [each for each in listed if each.exists()] or listed[:1]


def _read_all(paths: list[Path]) -> _Merged:
    current = ""
    entries: dict[tuple[str, str], tuple[dict[str, Any], Path]] = {}
    for path in paths:
        content = _read(path)
        current = current or _text(content, "current-context")
        for section, key in _SECTIONS.items():
            listed = content.get(section) or []
            if not isinstance(listed, list):
                raise ConfigError(f"kubeconfig {path}: {section} is not a list")
            for each in listed:
                if not isinstance(each, dict) or not isinstance(each.get(key) or {}, dict):
                    raise ConfigError(f"kubeconfig {path}: an entry of {section} is not a mapping")
                entries.setdefault((section, _text(each, "name")), (each.get(key) or {}, path.parent))
    return _Merged(current, entries)


def _read(path: Path) -> dict[str, Any]:
    import yaml  # not in a pod, where nothing reads a kubeconfig

    try:
        content = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise ConfigError(f"kubeconfig {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"kubeconfig {path} is not YAML{f', line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"kubeconfig {path} is {'empty' if content is None else 'not a mapping'}")
    return content


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return "" if value is None else str(value)


def _pem(entry: Mapping[str, Any], key: str, folder: Path) -> bytes:
    """``<key>-data`` in base64, else the content of the file ``<key>``, else nothing."""
    if data := _text(entry, f"{key}-data"):
        try:
            return base64.b64decode(data)
        except ValueError:
            raise ConfigError(f"kubeconfig: {key}-data is not base64") from None
    if file := _text(entry, key):
        try:
            return (folder / file).read_bytes()
        except OSError as error:
            raise ConfigError(f"kubeconfig: {key} {folder / file} cannot be read: {error.strerror}") from None
    return b""


def _proxy(cluster: Mapping[str, Any], server: str, environ: Mapping[str, str]) -> str:
    try:
        proxy = _text(cluster, "proxy-url") or ProxyRules(environ).proxy_for(server) or ""
        if proxy and URL(proxy).scheme not in ("http", "https"):
            raise ConfigError("kubeconfig: the proxy is neither an http nor an https URL")
    except ValueError:
        raise ConfigError("kubeconfig: the server or proxy address is not a URL") from None
    return proxy


def _impersonate(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    headers = []
    if name := _text(user, "as"):
        headers.append(("Impersonate-User", name))
    if uid := _text(user, "as-uid"):
        headers.append(("Impersonate-Uid", uid))
    headers += [("Impersonate-Group", group) for group in _texts(user.get("as-groups"), "as-groups")]
    extra = user.get("as-user-extra") or {}
    if not isinstance(extra, dict):
        raise ConfigError("kubeconfig: as-user-extra is not a mapping")
    for key, values in extra.items():
        headers += [(f"Impersonate-Extra-{quote(str(key).lower(), safe='')}", value) for value in _texts(values, "as-user-extra")]
    return tuple(headers)


def _texts(listed: Any, what: str) -> list[str]:
    if listed is not None and not isinstance(listed, list):
        raise ConfigError(f"kubeconfig: {what} is not a list")
    return [str(each) for each in listed or ()]


# ---------------------------------------------------------------- who we are


def _identities(user: dict[str, Any], folder: Path, cluster: dict[str, Any], cert_pem: bytes, key_pem: bytes) -> Identities:
    """The login of a user entry. A token or password that is written down wins over a plugin, as in client-go."""
    if file := _text(user, "tokenFile"):
        return TokenFile(folder / file, cert_pem=cert_pem, key_pem=key_pem)
    if token := _text(user, "token"):
        if not token.isascii() or not token.isprintable():
            raise ConfigError("kubeconfig: token holds characters that no token has")
        return Fixed(Identity(f"Bearer {token}", cert_pem, key_pem))
    if name := _text(user, "username"):
        login = base64.b64encode(f"{name}:{_text(user, 'password')}".encode()).decode()
        return Fixed(Identity(f"Basic {login}", cert_pem, key_pem))
    if isinstance(plugin := user.get("exec"), dict):
        return Renewing(lambda: _run_plugin(plugin, folder, cluster, cert_pem, key_pem))
    if isinstance(provider := user.get("auth-provider"), dict):
        return Renewing(lambda: _ask_provider(provider, cert_pem, key_pem))
    return Fixed(Identity("", cert_pem, key_pem))


@dataclass(frozen=True, slots=True)
class Issued:
    """What a login gave. ``expires_at`` is wall-clock seconds; ``None``: it is used until it is refused."""

    identity: Identity
    expires_at: float | None = None


@final
class Renewing:
    """Identities from a function that blocks: run in a thread, by one caller for all, before the identity in use expires.

    A failed login keeps the identity in use until it expires, and stands for ``AGAIN_S`` seconds: what is broken is not run for every call.
    """

    def __init__(self, login: Callable[[], Issued], *, wall: Callable[[], float] = time.time) -> None:
        self._login = login
        self._wall = wall
        self._lock = asyncio.Lock()
        self._issued: Issued | None = None
        self._renew_at = 0.0
        self._tried_at = float("-inf")
        self._error = ""

    async def current(self) -> Identity:
        """See :class:`eso_shell.kube.config.Identities`."""
        if self._issued is None or self._wall() >= self._renew_at:
            async with self._lock:
                if self._issued is None or self._wall() >= self._renew_at:
                    return (await self._renew()).identity
        return self._issued.identity

    async def renewed(self, refused: Identity) -> Identity | None:
        """See :class:`eso_shell.kube.config.Identities`."""
        async with self._lock:
            if self._issued is not None and self._issued.identity is refused and self._wall() - self._tried_at >= AGAIN_S:
                await self._renew()
        return None if self._issued is None or self._issued.identity is refused else self._issued.identity

    async def _renew(self) -> Issued:
        now = self._wall()
        if self._error and now - self._tried_at < AGAIN_S:
            return self._kept(now)
        self._tried_at, self._error = now, ""
        try:
            async with asyncio.timeout(LOGIN_S):
                issued = await asyncio.to_thread(self._login)
        except ConfigError as error:
            self._error = str(error)
            return self._kept(now)
        except TimeoutError:
            self._error = f"login took longer than {LOGIN_S:g} s"
            return self._kept(now)
        left = float("inf") if issued.expires_at is None else issued.expires_at - now
        self._renew_at = now + left - min(AHEAD_S, max(left, 0.0) / 10)
        if self._issued is None or self._issued.identity != issued.identity:
            self._issued = issued
        else:  # the same object as before
            self._issued = Issued(self._issued.identity, issued.expires_at)
        return self._issued

    def _kept(self, now: float) -> Issued:
        if self._issued is None or (self._issued.expires_at is not None and self._issued.expires_at <= now):
            raise ConfigError(self._error)
        return self._issued


def _run_plugin(plugin: dict[str, Any], folder: Path, cluster: dict[str, Any], cert_pem: bytes, key_pem: bytes) -> Issued:
    """Run an exec plugin once. A token or a certificate that it gives replaces the user's."""
    command = _text(plugin, "command")
    try:
        from kubernetes import config
        from kubernetes.config import exec_provider, kube_config
    except ImportError:
        raise ConfigError(_NOT_INSTALLED.format("an exec plugin")) from None
    try:
        node: Any = kube_config.ConfigNode  # the package has no types
        provider: Any = exec_provider.ExecProvider
        status = provider(node("exec", plugin), str(folder.absolute()), node("cluster", cluster)).run()
    except config.ConfigException as error:
        raise ConfigError(f"exec plugin {command}: {_one_line(str(error).removeprefix('exec: '))}") from None
    except FileNotFoundError:
        hint = _one_line(_text(plugin, "installHint"))
        raise ConfigError(f"exec plugin {command} is not installed{f': {hint}' if hint else ''}") from None
    except OSError as error:
        raise ConfigError(f"exec plugin {command} cannot be run: {error.strerror}") from None
    if not isinstance(status, dict):
        raise ConfigError(f"exec plugin {command}: its answer has no status")
    token, certificate, key = _text(status, "token"), _text(status, "clientCertificateData"), _text(status, "clientKeyData")
    if bool(certificate) != bool(key):
        raise ConfigError(f"exec plugin {command}: a certificate and its key come together")
    if not token and not certificate:
        raise ConfigError(f"exec plugin {command}: gave neither a token nor a certificate")
    if certificate:
        cert_pem, key_pem = certificate.encode(), key.encode()
    expiry = _text(status, "expirationTimestamp")
    try:
        expires_at = datetime.fromisoformat(expiry).timestamp() if expiry else None
    except ValueError:
        raise ConfigError(f"exec plugin {command}: its expirationTimestamp is not a time") from None
    return Issued(Identity(f"Bearer {token}" if token else "", cert_pem, key_pem), expires_at)


def _ask_provider(provider: dict[str, Any], cert_pem: bytes, key_pem: bytes) -> Issued:
    """The token of an auth provider (oidc, gcp), which renews it when it nears its end: so it is asked every minute."""
    name = _text(provider, "name")
    try:
        from kubernetes import client, config
    except ImportError:
        raise ConfigError(_NOT_INSTALLED.format("an auth provider")) from None
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://unused.invalid"}}],
        "users": [{"name": "u", "user": {"auth-provider": provider}}],
    }
    configuration = client.Configuration()
    load: Any = config.load_kube_config_from_dict  # the package has no types
    try:
        load(document, "c", client_configuration=configuration, persist_config=False)
    except Exception as error:  # the package raises what its HTTP and OAuth libraries raise
        raise ConfigError(f"auth provider {name}: login failed ({type(error).__name__})") from None
    authorization = configuration.api_key.get("BearerToken", "")
    if not authorization:
        raise ConfigError(f"auth provider {name}: gave no token")
    return Issued(Identity(authorization, cert_pem, key_pem), time.time() + 60)


_NOT_INSTALLED = "kubeconfig logs in with {}: install the extra eso[kubeconfig]"


def _one_line(text: str) -> str:
    """The first line that says something, cut to a bearable length."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:WORDS_MAX] if lines else ""
