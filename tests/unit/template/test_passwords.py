"""bcrypt, htpasswd, randBytes."""

from __future__ import annotations

import base64

import bcrypt
import pytest

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.passwords import TABLE
from tests.unit.template.material import ambient, call

TOO_LONG = b"failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"


@pytest.mark.parametrize("text", [b"", b"password", "пароль☃".encode(), b"\xff\0x", b"x" * 72])
def test_a_hash_fits_its_text_alone(text: bytes) -> None:
    hashed = call(TABLE["bcrypt"], text)
    assert hashed.startswith(b"$2a$10$") and len(hashed) == 60
    assert bcrypt.checkpw(text, hashed)
    assert not bcrypt.checkpw(text[:-1] + b"?", hashed)


def test_salts_differ_and_come_from_the_ambient() -> None:
    within = ambient()
    first, second = (call(TABLE["bcrypt"], b"x", within=within) for _ in range(2))
    assert first[:29] != second[:29]
    assert first == call(TABLE["bcrypt"], b"x")


def test_more_than_72_bytes_are_a_text() -> None:
    assert call(TABLE["bcrypt"], b"x" * 73) == TOO_LONG
    assert call(TABLE["htpasswd"], b"user", b"x" * 73, b"bcrypt") == b"user:" + TOO_LONG


@pytest.mark.parametrize(
    ("user", "password", "line"),
    [
        (b"u", b"p", b"u:{SHA}UWuXg/ylF+7L0dBk2i0WUxCxl1k="),
        (b"", b"", b":{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
        (b"us:er", b"p", b"invalid username: us:er"),
    ],
)
def test_htpasswd_with_sha(user: bytes, password: bytes, line: bytes) -> None:
    assert call(TABLE["htpasswd"], user, password, b"sha") == line


@pytest.mark.parametrize("algorithm", [b"bcrypt", b"SHA", b""])
def test_any_other_algorithm_is_bcrypt(algorithm: bytes) -> None:
    user, _, hashed = call(TABLE["htpasswd"], b"user", b"password", algorithm).partition(b":")
    assert user == b"user" and bcrypt.checkpw(b"password", hashed)


def test_hashes_are_counted() -> None:
    with pytest.raises(LimitExceeded):
        call(TABLE["bcrypt"], b"x", within=ambient(work=1000))


@pytest.mark.parametrize("count", [0, 1, 16, 33, 1000])
def test_random_bytes(count: int) -> None:
    assert len(base64.b64decode(call(TABLE["randBytes"], count), validate=True)) == count


@pytest.mark.parametrize("count", [-1, 1 << 62])
def test_counts_that_no_slice_has(count: int) -> None:
    with pytest.raises(FunctionError, match="runtime error: makeslice: len out of range"):
        call(TABLE["randBytes"], count)


def test_large_counts() -> None:
    with pytest.raises(LimitExceeded):
        call(TABLE["randBytes"], 4 << 20)
