"""What a TLS value becomes."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from eso_core.failure import InvalidSpec
from eso_core.wire import Tls
from eso_shell import tls as tls_module
from eso_shell.tls import ssl_context
from tests.e2e.harness.pki import Authority, Pair

CA = Authority("one")
CLIENT = CA.issue("client")


def made(tls: Tls) -> ssl.SSLContext:
    context = ssl_context(tls)
    assert isinstance(context, ssl.SSLContext), context
    return context


def encrypted(pair: Pair) -> bytes:
    key = serialization.load_pem_private_key(pair.key, None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"passphrase")
    )


@pytest.fixture(params=["memory", "file"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Client keys pass through memory, or through a private file where there is no such thing; nothing stays behind."""
    if request.param == "file":
        monkeypatch.delattr(os, "memfd_create")
        monkeypatch.setattr(tls_module.tempfile, "tempdir", str(tmp_path))
    descriptors = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert list(tmp_path.iterdir()) == []


class TestContext:
    @pytest.mark.parametrize("tls", [Tls(), Tls(CA.pem), Tls(verify=False), Tls(CA.pem, CLIENT.certificate, CLIENT.key)])
    def test_tls_1_2_is_the_least(self, tls: Tls) -> None:
        assert made(tls).minimum_version is ssl.TLSVersion.TLSv1_2

    @pytest.mark.parametrize("tls", [Tls(), Tls(CA.pem)])
    def test_servers_are_verified_by_alternative_name(self, tls: Tls) -> None:
        context = made(tls)
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert not context.hostname_checks_common_name

    def test_a_users_authority_replaces_the_systems_and_need_not_be_strict(self) -> None:
        context = made(Tls(CA.pem))
        assert len(context.get_ca_certs()) == 1
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT

    def test_no_verification(self) -> None:
        context = made(Tls(CA.pem, verify=False))
        assert context.verify_mode is ssl.CERT_NONE
        assert not context.check_hostname


class TestBundles:
    def test_what_is_readable_counts(self) -> None:
        other = Authority("two").pem
        broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        bundle = "# Ünïcode remark\n".encode() + CA.pem + broken + CLIENT.key + b"\r\n" + other.replace(b"\n", b"\r\n") + CA.pem
        assert len(made(Tls(bundle)).get_ca_certs()) == 2

    @pytest.mark.parametrize(
        "bundle",
        [b"hunter2", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", CLIENT.key, b"\xff\xfe"],
        ids=["text", "empty", "key", "bytes"],
    )
    def test_nothing_readable(self, bundle: bytes) -> None:
        assert ssl_context(Tls(bundle)) == InvalidSpec("the CA bundle holds no readable PEM certificate")


@pytest.mark.usefixtures("storage")
class TestClientCertificates:
    def test_from_two_texts_or_one(self) -> None:
        made(Tls(CA.pem, CLIENT.certificate, CLIENT.key))
        made(Tls(CA.pem, CLIENT.certificate.rstrip(), CLIENT.key.rstrip()))
        made(Tls(CA.pem, CLIENT.certificate + CLIENT.key))

    @pytest.mark.parametrize(
        ("certificate", "key", "why"),
        [
            (b"", CLIENT.key, "certificate is not a readable PEM"),
            (b"hunter2", CLIENT.key, "certificate is not a readable PEM"),
            (CLIENT.certificate, b"", "key is not a readable PEM"),
            (CLIENT.certificate, b"hunter2", "key is not a readable PEM"),
            (CLIENT.certificate, CA.issue("other").key, "does not belong"),
            (CLIENT.certificate, encrypted(CLIENT), "encrypted"),
            (CLIENT.certificate, b"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", "cannot be used"),
        ],
        ids=["no certificate", "bad certificate", "no key", "bad key", "another key", "encrypted key", "empty key"],
    )
    def test_what_cannot_be_used(self, certificate: bytes, key: bytes, why: str) -> None:
        failed = ssl_context(Tls(CA.pem, certificate, key))
        assert isinstance(failed, InvalidSpec)
        assert why in failed.what
        assert "hunter2" not in failed.what
