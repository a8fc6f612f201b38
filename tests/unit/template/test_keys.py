"""rsaDecrypt, genPrivateKey, derivePassword, and the reading of private keys."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat, load_pem_private_key

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.keys import TABLE
from eso_core.template.limits import WORK_MAX
from eso_core.template.pemfile import decode, encode
from eso_core.template.pki import der
from eso_core.template.pki.keys import marshal_pkcs8, parse_any, parse_ec, parse_pkcs1, parse_pkcs8, pem_form
from eso_shell.chance import SystemChance
from tests.template_chance import SeededChance
from tests.unit.template.material import LEAF, ambient, call, ed25519_key, leaf_key, pem

RSA: rsa.RSAPrivateKey = SeededChance().key("rsa-2048")
PKCS1, SEC1 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.TraditionalOpenSSL
HASHES = {b"SHA1": hashes.SHA1(), b"SHA256": hashes.SHA256(), b"SHA512": hashes.SHA512()}


def encrypted(digest: hashes.HashAlgorithm, text: bytes = b"secret") -> bytes:
    return RSA.public_key().encrypt(text, padding.OAEP(padding.MGF1(digest), digest, None))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PKCS1])
@pytest.mark.parametrize(
    ("name", "used"),
    [(b"SHA1", b"SHA1"), (b"SHA256", b"SHA256"), (b"SHA512", b"SHA512"), (b"None", b"SHA256"), (b"sha1", b"SHA256"), (b"", b"SHA256")],
)
def test_rsa_decrypt(name: bytes, used: bytes, form: PrivateFormat) -> None:
    assert call(TABLE["rsaDecrypt"], b"RSA-OAEP", name, encrypted(HASHES[used]), pem(RSA, form)) == b"secret"


def test_scheme_none_gives_the_text_back() -> None:
    assert call(TABLE["rsaDecrypt"], b"None", b"x", b"text\xff", b"no key") == b"text\xff"


def test_leading_zeros_of_a_ciphertext_may_be_missing() -> None:
    for _ in range(2_000):
        cipher = encrypted(hashes.SHA1())
        if cipher[0] == 0:
            assert call(TABLE["rsaDecrypt"], b"RSA-OAEP", b"SHA1", cipher.lstrip(b"\0"), pem(RSA)) == b"secret"
            return


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ((b"RSA", b"", b"", b""), "decryption scheme RSA is not supported"),
        ((b"", b"", b"", b""), "decryption scheme  is not supported"),
        ((b"RSA-OAEP", b"", b"x", b"key"), "failed to decode PEM block"),
        ((b"RSA-OAEP", b"", b"x", LEAF), "could not parse private key: unable to parse private key type"),
        ((b"RSA-OAEP", b"", b"x", pem(leaf_key())), "could not parse RSA private key"),
        ((b"RSA-OAEP", b"", b"x", pem(RSA)), "error decrypting data with RSA: crypto/rsa: decryption error"),
        ((b"RSA-OAEP", b"", bytes(257), pem(RSA)), "error decrypting data with RSA: crypto/rsa: decryption error"),
        ((b"RSA-OAEP", b"SHA1", encrypted(hashes.SHA256()), pem(RSA)), "error decrypting data with RSA: crypto/rsa: decryption error"),
    ],
)
def test_rsa_decrypt_refuses(args: tuple[bytes, ...], error: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(TABLE["rsaDecrypt"], *args)
    assert caught.value.full == error


@pytest.mark.parametrize(
    ("kind", "label", "made"),
    [
        (b"rsa", b"RSA PRIVATE KEY", "rsa-4096"),
        (b"dsa", b"DSA PRIVATE KEY", "dsa-2048"),
        (b"ecdsa", b"EC PRIVATE KEY", "ecdsa-p256"),
        (b"ed25519", b"PRIVATE KEY", "ed25519"),
    ],
)
def test_new_keys_are_those_of_the_ambient(kind: bytes, label: bytes, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = SeededChance().key("rsa-2048" if made == "rsa-4096" else made)
    monkeypatch.setattr(SeededChance, "key", lambda self, kind: key if kind == made else None)
    text = call(TABLE["genPrivateKey"], kind)
    block, rest = decode(text)
    assert block is not None and (block.type, rest) == (label, len(text))
    assert text == pem(key, PrivateFormat.PKCS8 if kind == b"ed25519" else PrivateFormat.TraditionalOpenSSL)
    if kind == b"rsa":
        assert call(TABLE["genPrivateKey"], b"") == text


def test_an_unknown_kind_of_key_is_a_text() -> None:
    assert call(TABLE["genPrivateKey"], b"RSA\xff") == b"Unknown type RSA\xff"


@pytest.mark.parametrize("kind", ["rsa-2048", "ecdsa-p256", "ed25519"])
def test_the_system_makes_keys(kind: str) -> None:
    chance = SystemChance()
    first, second = chance.key(kind), chance.key(kind)
    assert pem(first) != pem(second)
    assert load_pem_private_key(pem(first), None) is not None
    assert len(chance.token(33)) == 33 and chance.token(33) != chance.token(33)


@pytest.mark.parametrize(
    ("counter", "kind", "names", "password"),
    [
        (1, b"long", (b"password", b"user", b"example.com"), b"ZedaFaxcZaso9*"),
        (1, b"short", (b"password", b"user", b"example.com"), b"Zed5"),
        (1, b"basic", (b"password", b"user", b"example.com"), b"pIS54PLs"),
        (2, b"pin", (b"password", b"user", b"example.com"), b"3882"),
        (0, b"long", (b"", b"", b""), b"Rozi8;WilbQoyu"),
        (1, b"pin", (b"pw", b"u", b"s"), b"6287"),
        (1, b"nope", (b"", b"", b""), b"cannot find password template nope"),
    ],
)
def test_derive_password(counter: int, kind: bytes, names: tuple[bytes, ...], password: bytes) -> None:
    assert call(TABLE["derivePassword"], counter, kind, *names) == password


def test_dear_work_ends() -> None:
    within = ambient()
    for _ in range(8):
        call(TABLE["genPrivateKey"], b"dsa", within=within)
    with pytest.raises(LimitExceeded):
        call(TABLE["genPrivateKey"], b"dsa", within=within)
    with pytest.raises(LimitExceeded):
        call(TABLE["derivePassword"], 1, b"pin", b"", b"", b"", within=ambient(work=WORK_MAX // 20))


KEYS: list[Any] = [
    RSA,
    leaf_key(),
    ed25519_key(),
    *(ec.derive_private_key(99, curve) for curve in (ec.SECP224R1(), ec.SECP384R1(), ec.SECP521R1())),
]


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_written_as_they_were_read(key: Any) -> None:
    block, _ = decode(pem(key))
    assert block is not None
    parsed = parse_pkcs8(block.body)
    assert marshal_pkcs8(parsed) == block.body
    form = PrivateFormat.PKCS8 if key is KEYS[2] else PrivateFormat.TraditionalOpenSSL
    assert encode(*pem_form(parsed)) == pem(key, form)
    again, _ = decode(encode(*pem_form(parsed)))
    assert again is not None and parse_any(again.body) == parsed


def small(change: int = 0, **other: int) -> bytes:
    """A PKCS#1 key of 64 bits or so, with some numbers changed."""
    p, q, e = 4294967291, 4294967279, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = {"v": 0, "n": p * q, "e": e, "d": d, "p": p, "q": q, "dp": d % (p - 1), "dq": d % (q - 1), "qinv": pow(q, -1, p)}
    return der.sequence(*map(der.integer, {**numbers, **other}.values()))


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({}, None),
        ({"v": 2}, "x509: unsupported private key version"),
        ({"d": 0}, "x509: private key contains zero or negative value"),
        ({"qinv": -1}, "x509: private key contains zero or negative value"),
        ({"n": 1}, "modulus must be > 1"),
        ({"e": 1}, "crypto/rsa: public exponent too small or negative"),
        ({"e": 4}, "crypto/rsa: public exponent is even"),
        ({"e": 2**31 + 1}, "crypto/rsa: public exponent too large"),
        ({"e": 2**64}, "asn1: structure error: integer too large"),
        ({"n": 4294967291 * 4294967279 + 1}, "crypto/rsa: public modulus is even"),
        ({"n": 4294967291 * 4294967279 - 2}, "crypto/rsa: p * q != n"),
        ({"p": 4294967291**3}, "crypto/rsa: invalid prime"),
        ({"dp": 3}, "crypto/rsa: invalid CRT exponent"),
        ({"qinv": 3}, "crypto/rsa: invalid CRT coefficient"),
        ({"d": 3}, "crypto/rsa: d does not match dP"),
        ({"d": 2**70}, "input overflows the modulus size"),
    ],
)
def test_rsa_keys_are_checked_as_go_checks_them(other: dict[str, int], error: str | None) -> None:
    if error is None:
        assert parse_pkcs1(small()).n == 4294967291 * 4294967279
        return
    with pytest.raises(FunctionError) as caught:
        parse_pkcs1(small(**other))
    assert caught.value.full == error


@pytest.mark.parametrize(
    ("parse", "data", "error"),
    [
        (parse_pkcs1, b"", "asn1: syntax error: sequence truncated"),
        (parse_pkcs1, small() + b"x", "asn1: syntax error: trailing data"),
        (parse_pkcs8, small(), "x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)"),
        (parse_ec, small(), "x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)"),
        (parse_ec, der.sequence(der.integer(2), der.octets(b"x")), "x509: unknown EC private key version 2"),
        (parse_ec, der.sequence(der.integer(1), der.octets(b"x")), "x509: unknown elliptic curve"),
    ],
)
def test_other_forms_are_told(parse: Any, data: bytes, error: str) -> None:
    with pytest.raises(FunctionError) as caught:
        parse(data)
    assert caught.value.full == error


@pytest.mark.parametrize(
    ("scalar", "error"),
    [
        (bytes(32), "ecdsa: invalid public key encoding"),
        (b"\xff" * 32, "input overflows the modulus"),
        (b"\1" * 33, "x509: invalid private key length"),
        (b"\0" + b"\1" * 32, None),
        (b"\1", None),
    ],
)
def test_private_numbers_of_curves(scalar: bytes, error: str | None) -> None:
    named = der.explicit(0, der.tlv(der.OBJECT, der.oid("1.2.840.10045.3.1.7")))
    data = der.sequence(der.integer(1), der.octets(scalar), named)
    if error is None:
        assert parse_ec(data).scalar == int.from_bytes(scalar, "big")
        return
    with pytest.raises(FunctionError) as caught:
        parse_ec(data)
    assert caught.value.full == error


def test_a_large_key_is_refused_before_it_is_checked() -> None:
    with pytest.raises(LimitExceeded):
        parse_pkcs1(small(n=2**20_001 + 1))


def test_decrypting_is_counted() -> None:
    args = (b"RSA-OAEP", b"SHA1", encrypted(hashes.SHA1()), pem(RSA))
    within = ambient(work=WORK_MAX // 200)
    assert call(TABLE["rsaDecrypt"], *args, within=within) == b"secret"
    with pytest.raises(LimitExceeded):
        call(TABLE["rsaDecrypt"], *args, within=within)
