"""PKCS#12 files, read and written."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12
from cryptography.x509 import load_pem_x509_certificate

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.pkcs12 import TABLE
from eso_core.template.pki import der
from tests.template_chance import SeededChance
from tests.unit.template.material import LEAF, LEGACY_P12, ROOT, Counting, ambient, call, ed25519_key, leaf_key, pem

NIL = "runtime error: invalid memory address or nil pointer dereference"
KEY = pem(leaf_key())


def written(password: bytes, **options: Any) -> bytes:
    """The leaf with the root, as ``cryptography`` writes it."""
    algorithm = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(options.get("rounds", 1000))
    if options.get("old"):
        algorithm = algorithm.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(SHA1())
    else:
        algorithm = algorithm.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(SHA256())
    key = leaf_key() if options.get("key", True) else None
    leaf, root = load_pem_x509_certificate(LEAF), load_pem_x509_certificate(ROOT)
    return pkcs12.serialize_key_and_certificates(b"name", key, leaf, [root], algorithm.build(password))


@pytest.mark.parametrize(
    ("data", "password", "chain"),
    [
        (written(b"secret"), b"secret", LEAF + ROOT),
        (written(b"secret", old=True), b"secret", LEAF + ROOT),
        (written("pä☃".encode()), "pä☃".encode(), LEAF + ROOT),
        (LEGACY_P12, b"secret", LEAF),
    ],
)
def test_files_of_others_are_read(data: bytes, password: bytes, chain: bytes) -> None:
    assert call(TABLE["pkcs12keyPass"], password, data) == KEY
    assert call(TABLE["pkcs12certPass"], password, data) == chain


def test_a_file_without_password_is_read_by_the_short_names() -> None:
    data = base64.b64decode(call(TABLE["fullPemToPkcs12"], LEAF + ROOT, KEY))
    assert call(TABLE["pkcs12key"], data) == KEY
    assert call(TABLE["pkcs12cert"], data) == LEAF + ROOT


@pytest.mark.parametrize(
    ("data", "password", "error"),
    [
        (written(b"secret"), b"wrong", "pkcs12: decryption password incorrect"),
        (written(b"secret"), b"", "pkcs12: decryption password incorrect"),
        (written(b"secret", key=False), b"secret", "pkcs12: private key missing"),
        (b"", b"", "pkcs12: error reading P12 data: asn1: syntax error: sequence truncated"),
        (b"\x30\x80", b"", "pkcs12: error reading P12 data: asn1: syntax error: indefinite length found (not DER)"),
        (LEGACY_P12[:-1], b"secret", "pkcs12: error reading P12 data: asn1: syntax error: data truncated"),
        (LEGACY_P12 + b"x", b"secret", "pkcs12: error reading P12 data: pkcs12: trailing data found"),
        (LEGACY_P12.replace(b"\x02\x01\x03", b"\x02\x01\x04", 1), b"secret", "pkcs12: can only decode v3 PFX PDU's"),
        (LEGACY_P12, "𝄞".encode(), "pkcs12: string contains characters that cannot be encoded in UCS-2"),
        (
            b"not a p12",
            b"",
            "pkcs12: error reading P12 data: asn1: structure error: tags don't match (16 vs {class:1 tag:14 length:111 isCompound:true}) "
            "{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false "
            "omitEmpty:false} pfxPdu @2",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_gos_words(data: bytes, password: bytes, error: str) -> None:
    for name, what in (("pkcs12keyPass", "pkcs12"), ("pkcs12certPass", "pkcs12 certificate")):
        with pytest.raises(FunctionError) as caught:
            call(TABLE[name], password, data)
        assert caught.value.full == f"unable to decode {what} with password: {error}"


def test_a_file_without_mac_needs_an_empty_password() -> None:
    bag = der.sequence(
        der.tlv(der.OBJECT, der.oid("1.2.840.113549.1.12.10.1.1")),
        der.explicit(0, leaf_key_der()),
    )
    data = plain_file(bag)
    for password, error in ((b"x", "pkcs12: no MAC in data"), (b"", "pkcs12: certificate missing")):
        with pytest.raises(FunctionError) as caught:
            call(TABLE["pkcs12keyPass"], password, data)
        assert caught.value.full == f"unable to decode pkcs12 with password: {error}"


def test_two_keys_are_one_too_many() -> None:
    bag = der.sequence(der.tlv(der.OBJECT, der.oid("1.2.840.113549.1.12.10.1.1")), der.explicit(0, leaf_key_der()))
    with pytest.raises(FunctionError, match="expected exactly one key bag"):
        call(TABLE["pkcs12key"], plain_file(bag + bag))


@pytest.mark.parametrize("iterations", [1_000_001, 2**31, 2**62])
def test_a_file_cannot_ask_for_work_without_end(iterations: int) -> None:
    salt, digest = der.octets(b"salt"), der.octets(bytes(32))
    algorithm = der.sequence(der.tlv(der.OBJECT, der.oid("2.16.840.1.101.3.4.2.1")))
    mac = der.sequence(der.sequence(algorithm, digest), salt, der.integer(iterations))
    with pytest.raises(LimitExceeded):
        call(TABLE["pkcs12key"], plain_file(b"", mac))


@pytest.mark.parametrize("iterations", [-5, 0])
def test_fewer_iterations_than_one_are_one(iterations: int) -> None:
    algorithm = der.sequence(der.tlv(der.OBJECT, der.oid("2.16.840.1.101.3.4.2.1")))
    mac = der.sequence(der.sequence(algorithm, der.octets(bytes(32))), der.octets(b""), der.integer(iterations))
    with pytest.raises(FunctionError, match="decryption password incorrect"):
        call(TABLE["pkcs12key"], plain_file(b"", mac))


def test_work_is_paid_for() -> None:
    within = ambient(work=20_000)
    with pytest.raises(LimitExceeded):
        call(TABLE["pkcs12keyPass"], b"secret", LEGACY_P12, within=within)


@pytest.mark.parametrize("password", [b"", b"pw", "pä☃".encode()])
def test_what_is_written_others_can_read(password: bytes) -> None:
    data = base64.b64decode(call(TABLE["fullPemToPkcs12Pass"], LEAF + ROOT, KEY, password))
    key, leaf, others = pkcs12.load_key_and_certificates(data, password)
    assert (pem(key), leaf, others) == (KEY, load_pem_x509_certificate(LEAF), [load_pem_x509_certificate(ROOT)])


@pytest.mark.parametrize("key", [ed25519_key(), SeededChance().key("rsa-2048"), ec.derive_private_key(7, ec.SECP521R1())])
def test_keys_of_any_kind_are_kept(key: Any) -> None:
    data = base64.b64decode(call(TABLE["pemToPkcs12"], LEAF, pem(key)))
    assert call(TABLE["pkcs12key"], data) == pem(key)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_written_to_the_byte(form: PrivateFormat) -> None:
    """Sums of what go-pkcs12 writes with the same randomness."""
    within = ambient(Counting())
    data = base64.b64decode(call(TABLE["fullPemToPkcs12Pass"], LEAF + ROOT, pem(leaf_key(), form), "pä".encode(), within=within))
    assert hashlib.sha256(data).hexdigest() == "c63fe5ae6cde0f076c3ceca5c1cca8cbc3cdb7824fc81fb1d04c9bb8e9201470"


def test_a_trust_store_to_the_byte() -> None:
    data = base64.b64decode(call(TABLE["pemTruststoreToPKCS12"], LEAF + ROOT, within=ambient(Counting())))
    assert hashlib.sha256(data).hexdigest() == "bdffbc4019a9cb95a0c37f9c6e8d60d0ce6506ceeb16cbcf16c75096b604f714"
    named = call(TABLE["pemTruststoreToPKCS12Pass"], ROOT, b"pw")
    _, _, others = pkcs12.load_key_and_certificates(base64.b64decode(named), b"pw")
    assert others == [load_pem_x509_certificate(ROOT)]


@pytest.mark.parametrize(
    ("name", "args", "error"),
    [
        ("pemToPkcs12", (b"", KEY), NIL),
        ("pemToPkcs12", (LEAF, b""), NIL),
        ("pemToPkcs12", (KEY, KEY), "x509: malformed tbs certificate"),
        ("pemToPkcs12", (LEAF, LEAF), "unable to parse private key type"),
        ("fullPemToPkcs12", (LEAF + b"\n", KEY), NIL),
        ("fullPemToPkcs12", (LEAF + KEY, KEY), "x509: malformed tbs certificate"),
        ("pemTruststoreToPKCS12", (b"x",), NIL),
        ("pemToPkcs12Pass", (LEAF, KEY, "𝄞".encode()), "pkcs12: string contains characters that cannot be encoded in UCS-2"),
    ],
)
def test_what_cannot_be_written(name: str, args: tuple[bytes, ...], error: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(TABLE[name], *args)
    assert caught.value.full == error


def test_only_the_first_certificate_is_taken() -> None:
    data = base64.b64decode(call(TABLE["pemToPkcs12"], LEAF + ROOT + b"junk", KEY))
    assert call(TABLE["pkcs12cert"], data) == LEAF


def leaf_key_der() -> bytes:
    return base64.b64decode(b"".join(KEY.splitlines()[1:-1]))


def plain_file(bags: bytes, mac: bytes = b"") -> bytes:
    """A file with one safe that is not encrypted."""
    data = der.tlv(der.OBJECT, der.oid("1.2.840.113549.1.7.1"))
    safe = der.sequence(der.sequence(data, der.explicit(0, der.octets(der.sequence(bags)))))
    return der.sequence(der.integer(3), der.sequence(data, der.explicit(0, der.octets(safe))), mac)
