"""encryptAES and decryptAES."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.ciphers import TABLE
from tests.unit.template.material import Counting, ambient, call


@pytest.mark.parametrize("password", [b"", b"key", b"0123456789abcdef0123456789abcdefEXTRA", b"\xff\0"])
@pytest.mark.parametrize("text", [b"x", b"0123456789abcde", b"0123456789abcdef", b"\0\xff" * 100])
def test_there_and_back(password: bytes, text: bytes) -> None:
    encoded = call(TABLE["encryptAES"], password, text)
    assert len(base64.b64decode(encoded)) == 16 + len(text) // 16 * 16 + 16
    assert call(TABLE["decryptAES"], password, encoded) == text


def test_the_form() -> None:
    """IV, then the text with PKCS#7 padding under AES-256-CBC."""
    raw = base64.b64decode(call(TABLE["encryptAES"], b"key", b"plain text", within=ambient(Counting())))
    assert raw[:16] == bytes(range(16))
    decryptor = Cipher(AES256(b"key".ljust(32, b"\0")), CBC(raw[:16])).decryptor()
    assert decryptor.update(raw[16:]) + decryptor.finalize() == b"plain text" + b"\6" * 6


def test_nothing_stays_nothing() -> None:
    assert call(TABLE["encryptAES"], b"k", b"") == b""
    assert call(TABLE["decryptAES"], b"k", b"") == b""


@pytest.mark.parametrize(
    ("encoded", "error"),
    [
        (b"!!!", "illegal base64 data at input byte 0"),
        (b"YQ==", "runtime error: slice bounds out of range [:16] with capacity 3"),
        (base64.b64encode(bytes(16)), "runtime error: index out of range [-1]"),
        (base64.b64encode(bytes(17)), "crypto/cipher: input not full blocks"),
    ],
)
def test_what_cannot_be_decrypted(encoded: bytes, error: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(TABLE["decryptAES"], b"k", encoded)
    assert caught.value.full == error


def test_the_last_byte_is_believed() -> None:
    """As many bytes as it says are cut; Go panics where there are fewer."""
    key = Cipher(AES256(b"k".ljust(32, b"\0")), CBC(bytes(16)))
    for last in (0, 1, 15, 16, 17, 255):
        encryptor = key.encryptor()
        encoded = base64.b64encode(bytes(16) + encryptor.update(bytes(15) + bytes((last,))) + encryptor.finalize())
        if last <= 16:
            assert len(call(TABLE["decryptAES"], b"k", encoded)) == 16 - last
        else:
            with pytest.raises(FunctionError) as caught:
                call(TABLE["decryptAES"], b"k", encoded)
            assert caught.value.full == f"runtime error: slice bounds out of range [:{16 - last}]"


def test_size_is_bounded() -> None:
    with pytest.raises(LimitExceeded):
        call(TABLE["encryptAES"], b"k", bytes(3_200_000))
