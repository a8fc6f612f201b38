"""What the address of a request says: its place, and the kind of effect it is."""

from __future__ import annotations

from functools import lru_cache

from eso_core.wire import HttpCall, KubeCall


@lru_cache(maxsize=4096)
def place(path: str) -> tuple[str, str, str]:
    """Namespace, resource and name of a path."""
    parts = path.split("/")[3:] if path.startswith("/api/") else path.split("/")[4:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    return namespace, parts[0], parts[1] if len(parts) > 1 else ""


def effect_of(call: KubeCall) -> str:
    """The kind of effect: one of ``dice.EFFECTS``, or one that no crash aims at."""
    return _effect(call.method, call.path)


@lru_cache(maxsize=4096)
def _effect(method: str, path: str) -> str:
    _, resource, name = place(path)
    if method == "GET":
        return f"GET {resource}" if name else "GET page"
    return f"{method} {resource}{'/status' if path.endswith('/status') else ''}"


def backend_effect_of(call: HttpCall) -> str:
    """``login`` or ``fetch``."""
    return "login" if "login" in call.url else "fetch"


@lru_cache(maxsize=4096)
def store_of(url: str) -> str:
    """The name of the store that a backend call is made for; ``""`` when the address does not tell (logins at Vault)."""
    _, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    parts = path.partition("?")[0].split("/")
    if host.startswith("batch"):
        return parts[0]
    return parts[1] if len(parts) > 1 and parts[1] not in ("auth", "sys") else ""
