"""A pod's way to its API server."""

from __future__ import annotations

from pathlib import Path

import pytest

from eso_shell.kube.config import ClusterConfig, ConfigError, Fixed, Identity, TokenFile, in_cluster

ENVIRON = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("token-1\n")
    (tmp_path / "ca.crt").write_bytes(b"ca")
    (tmp_path / "namespace").write_text("operators\n")
    return tmp_path


class TestInCluster:
    async def test_address_authority_token_and_namespace(self, files: Path) -> None:
        config = in_cluster(ENVIRON, files)
        assert (config.server, config.ca_pem, config.namespace, config.proxy) == ("https://10.96.0.1:443", b"ca", "operators", "")
        assert (await config.identities.current()).authorization == "Bearer token-1"

    def test_version_6_addresses(self, files: Path) -> None:
        assert in_cluster({**ENVIRON, "KUBERNETES_SERVICE_HOST": "fd00::1"}, files).server == "https://[fd00::1]:443"

    def test_the_proxy_is_chosen_once(self, files: Path) -> None:
        proxied = {**ENVIRON, "HTTPS_PROXY": "http://proxy:3128"}
        assert in_cluster(proxied, files).proxy == "http://proxy:3128"
        assert in_cluster({**proxied, "NO_PROXY": "10.0.0.0/8"}, files).proxy == ""

    def test_outside_of_a_pod(self, files: Path) -> None:
        with pytest.raises(ConfigError, match="not in a pod"):
            in_cluster({}, files)

    def test_without_an_authority(self, files: Path) -> None:
        (files / "ca.crt").unlink()
        with pytest.raises(ConfigError, match=r"ca\.crt cannot be read: No such file"):
            in_cluster(ENVIRON, files)

    def test_credentials_are_not_shown(self) -> None:
        identity = Identity("Bearer hunter2", b"cert", b"hunter2")
        config = ClusterConfig(server="https://h", identities=Fixed(identity), proxy="http://user:hunter2@proxy")
        assert "hunter2" not in f"{config!r} {config} {identity!r} {config.identities!r}"


class TestTokenFile:
    async def test_is_read_once_a_minute(self, files: Path) -> None:
        clock = Clock()
        source = TokenFile(files / "token", clock=clock)
        first = await source.current()
        (files / "token").write_text("token-2")
        clock.now += 59
        assert await source.current() is first
        clock.now += 1
        assert (await source.current()).authorization == "Bearer token-2"

    async def test_the_same_token_is_the_same_identity(self, files: Path) -> None:
        clock = Clock()
        source = TokenFile(files / "token", clock=clock)
        first = await source.current()
        clock.now += 100
        assert await source.current() is first

    async def test_is_read_again_after_a_refusal(self, files: Path) -> None:
        source = TokenFile(files / "token", clock=Clock())
        first = await source.current()
        assert await source.renewed(first) is None
        (files / "token").write_text("token-2")
        second = await source.renewed(first)
        assert second is not None
        assert await source.current() is second
        assert await source.renewed(first) is second

    @pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b" \n", "is empty"), (b"\xff\xfe", "is not text")])
    async def test_a_file_without_a_token(self, files: Path, content: bytes | None, why: str) -> None:
        clock = Clock()
        token = files / "token"
        source = TokenFile(token, clock=clock)
        kept = await source.current()
        token.unlink()
        if content is not None:
            token.write_bytes(content)
        clock.now += 100
        assert await source.current() is kept
        with pytest.raises(ConfigError, match=why):
            await TokenFile(token).current()
