"""Checksums of FIPS 180 and RFC 1950, and the functions of control flow."""

import re

import pytest

from eso_core.template.errors import FunctionError
from eso_core.template.functions.flow import TABLE as FLOW
from eso_core.template.functions.hashes import TABLE
from eso_core.template.limits import Ambient, Meter


@pytest.mark.parametrize(
    ("name", "text", "digest"),
    [
        ("sha1sum", b"abc", b"a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha1sum", b"", b"da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("sha256sum", b"abc", b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("adler32sum", b"", b"1"),
        ("adler32sum", b"Wikipedia", b"300286872"),
    ],
)
def test_checksum(name: str, text: bytes, digest: bytes) -> None:
    assert TABLE[name].call(text) == digest


def test_sha512sum() -> None:
    digest = TABLE["sha512sum"].call(b"abc")
    assert digest.startswith(b"ddaf35a193617abacc417349ae204131")
    assert len(digest) == 128


class Fixed:
    def token(self, size: int) -> bytes:
        return b"\xff" * size

    def key(self, kind: str) -> object:
        raise AssertionError(kind)


def test_uuidv4_has_version_and_variant() -> None:
    assert FLOW["uuidv4"].ambient
    made = FLOW["uuidv4"].call(Ambient(0, Fixed(), Meter()))
    assert re.fullmatch(rb"f{8}-f{4}-4f{3}-bf{3}-f{12}", made)


def test_hello() -> None:
    assert FLOW["hello"].call() == b"Hello!"


@pytest.mark.parametrize("message", ["", "no 'host' in secret"])
def test_fail_keeps_the_message_private(message: str) -> None:
    with pytest.raises(FunctionError) as caught:
        FLOW["fail"].call(message.encode())
    assert caught.value.full == message
    assert caught.value.what == ""
