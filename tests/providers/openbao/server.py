"""An OpenBao in memory: the one of Vault, with its mount at ``kv``.

Documents: "KV secrets engine" version 1 and 2, "AppRole", "Username & Password", ``/sys/mounts`` of OpenBao's API documentation (November
2026). ``tests/providers/vault/test_vault_honest.py`` compares it with a real OpenBao 2.7.
"""

from __future__ import annotations

from tests.providers.vault.server import Vault


class OpenBao(Vault):
    """``method`` is ``""`` for a token, ``approle`` or ``userpass``."""

    def __init__(self, method: str = "", *, version: int = 2, mount: str = "kv", namespace: str = "", login_namespace: str = "") -> None:
        super().__init__(method, version=version, mount=mount, namespace=namespace)
        self.login_namespace = login_namespace or namespace
