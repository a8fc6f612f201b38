"""genCA, genSelfSignedCert, genSignedCert, their WithKey forms, and buildCustomCert."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import PrivateFormat

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.certificates import TABLE, Certificate
from eso_core.template.pemfile import encode
from eso_core.template.values import type_of
from tests.template_chance import SeededChance
from tests.unit.template.engine import output
from tests.unit.template.material import GO_CA, GO_SELF_SIGNED, LEAF, NOW_NS, ROOT, ambient, call, ed25519_key, leaf_key, pem

KEY = pem(leaf_key())
NOW = datetime.fromtimestamp(NOW_NS / 1e9, UTC)


class Repeating:
    """The serial number of a certificate, drawn again."""

    def __init__(self, serial: int) -> None:
        self._serial = serial

    def token(self, size: int) -> bytes:
        return self._serial.to_bytes(size, "big")

    def key(self, kind: str) -> Any:
        raise AssertionError(kind)


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("genSelfSignedCertWithKey", (b"test", [b"10.0.0.1", b"::1"], [b"a.example", b"*.b.example"], 30), GO_SELF_SIGNED),
        ("genCAWithKey", (b"ca", 30), GO_CA),
    ],
)
def test_certificates_are_gos_to_the_byte(name: str, args: tuple[Any, ...], expected: bytes) -> None:
    made = x509.load_der_x509_certificate(expected)
    within = ambient(Repeating(made.serial_number), int(made.not_valid_before_utc.timestamp()) * 10**9)
    certificate = call(TABLE[name], *args, pem(ed25519_key()), within=within)
    assert certificate.cert == encode(b"CERTIFICATE", expected)
    assert certificate.key == pem(ed25519_key())


def test_a_chain_holds() -> None:
    ca = call(TABLE["genCA"], b"ca", 10)
    leaf = call(TABLE["genSignedCert"], b"foo", [b"10.0.0.1", b"::ffff:1.2.3.4"], [b"foo.example"], 5, ca)
    root, signed = (x509.load_pem_x509_certificate(one.cert) for one in (ca, leaf))
    root.verify_directly_issued_by(root)
    signed.verify_directly_issued_by(root)
    assert (signed.not_valid_before_utc, signed.not_valid_after_utc) == (NOW, NOW + timedelta(days=5))
    names = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["foo.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "1.2.3.4"]
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    authority = signed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert authority == root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert ca.key == pem(SeededChance().key("rsa-2048"), PrivateFormat.TraditionalOpenSSL)


@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_keys_on_curves_sign(curve: ec.EllipticCurve) -> None:
    key = ec.derive_private_key(4711, curve)
    one = call(TABLE["genSelfSignedCertWithKey"], b"x", None, None, 1, pem(key))
    certificate = x509.load_pem_x509_certificate(one.cert)
    certificate.verify_directly_issued_by(certificate)
    assert one.key == pem(key, PrivateFormat.TraditionalOpenSSL)


def test_a_given_authority_signs() -> None:
    root = call(TABLE["genCAWithKey"], b"ca", 10, pem(ed25519_key()))
    custom = call(TABLE["buildCustomCert"], base64.b64encode(root.cert), base64.b64encode(root.key))
    assert (custom.cert, custom.key) == (root.cert, root.key)
    leaf = call(TABLE["genSignedCertWithKey"], b"x", None, [b"z.z"], 1, custom, KEY)
    x509.load_pem_x509_certificate(leaf.cert).verify_directly_issued_by(x509.load_pem_x509_certificate(root.cert))


@pytest.mark.parametrize("days", [0, -5, 9000, 36_500, 10**18])
def test_any_number_of_days(days: int) -> None:
    """Also those whose nanoseconds overflow: they wrap, as Go's do."""
    one = call(TABLE["genCAWithKey"], b"x", days, KEY)
    certificate = x509.load_pem_x509_certificate(one.cert)
    span = (days * 86_400 * 10**9 + 2**63) % 2**64 - 2**63
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=(NOW_NS + span) // 10**9)
    assert certificate.not_valid_after_utc == expected


@pytest.mark.parametrize("name", [b"", b"a*b", "ü".encode(), b"x" * 200])
def test_any_name(name: bytes) -> None:
    one = call(TABLE["genSelfSignedCertWithKey"], name, None, [b"a.b"], 1, KEY)
    certificate = x509.load_pem_x509_certificate(one.cert)
    assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical == (name == b"")
    if len(name) < 64:
        assert [attribute.value for attribute in certificate.subject] == ([name.decode()] if name else [])


@pytest.mark.parametrize(
    ("name", "args", "error"),
    [
        ("genCAWithKey", (b"x", 1, b"bad"), "parsing private key: no PEM data in input"),
        ("genCAWithKey", (b"x", 1, ROOT), "parsing private key: no private key data in PEM block of type CERTIFICATE"),
        (
            "genCAWithKey",
            (b"x", 1, encode(b"ENCRYPTED PRIVATE KEY", b"x")),
            "parsing private key: invalid private key type ENCRYPTED PRIVATE KEY",
        ),
        (
            "genCAWithKey",
            (b"x", 1, encode(b"EC PRIVATE KEY", b"")),
            "parsing private key: parsing EC private key from PEM: x509: failed to parse EC private key: "
            "asn1: syntax error: sequence truncated",
        ),
        (
            "genCAWithKey",
            (b"x", 1, pem(SeededChance().key("dsa-2048"), PrivateFormat.TraditionalOpenSSL)),
            "error creating certificate: x509: certificate private key does not implement crypto.Signer",
        ),
        ("genCAWithKey", (b"\xff", 1, KEY), "error creating certificate: asn1: string not valid UTF-8"),
        ("genSelfSignedCertWithKey", (b"x", [b"1.2.3"], None, 1, KEY), "error parsing ip: 1.2.3"),
        ("genSelfSignedCertWithKey", (b"x", [b"fe80::1%eth0"], None, 1, KEY), "error parsing ip: fe80::1%eth0"),
        ("genSelfSignedCertWithKey", (b"x", [7], None, 1, KEY), "error parsing ip: 7 is not a string"),
        ("genSelfSignedCertWithKey", (b"x", None, [[b"a", 1]], 1, KEY), "error processing alternate dns name: [a 1] is not a string"),
        (
            "genSelfSignedCertWithKey",
            (b"x", None, ["ü.com".encode()], 1, KEY),
            'error creating certificate: x509: "ü.com" cannot be encoded as an IA5String',
        ),
        ("genSignedCertWithKey", (b"x", None, None, 1, Certificate(b"", b""), KEY), "unable to decode certificate"),
        (
            "genSignedCertWithKey",
            (b"x", None, None, 1, Certificate(KEY, KEY), KEY),
            "error parsing certificate: decodedSignerCert.Bytes: x509: malformed tbs certificate",
        ),
        ("genSignedCertWithKey", (b"x", None, None, 1, Certificate(ROOT, b""), KEY), "error parsing private key: no PEM data in input"),
        (
            "genSignedCertWithKey",
            (b"x", None, None, 1, Certificate(ROOT, KEY), KEY),
            "error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey",
        ),
        ("buildCustomCert", (b"!!", b"YQ=="), "unable to decode base64 certificate"),
        ("buildCustomCert", (b"", b"!!"), "unable to decode base64 private key"),
        ("buildCustomCert", (b"", b""), "unable to decode certificate"),
        (
            "buildCustomCert",
            (base64.b64encode(KEY), b""),
            "error parsing certificate: decodedCert.Bytes: x509: malformed tbs certificate",
        ),
        ("buildCustomCert", (base64.b64encode(LEAF), b""), "error parsing private key: no PEM data in input"),
    ],
)
def test_what_cannot_be_made(name: str, args: tuple[Any, ...], error: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(TABLE[name], *args)
    assert caught.value.full == error


def test_templates_see_two_fields() -> None:
    one = Certificate(b"c", b"k")
    assert type_of(one) == "sprig.certificate"
    assert dict(one.fields()) == {"Cert": b"c", "Key": b"k"}
    assert (
        output('{{ $c := genSelfSignedCert "x" nil (list "a.b") 1 }}{{ certSANs $c.Cert }} {{ typeOf $c }}') == b"[a.b] sprig.certificate"
    )


def test_new_keys_are_counted() -> None:
    within = ambient()
    for _ in range(15):
        call(TABLE["genCA"], b"x", 1, within=within)
    with pytest.raises(LimitExceeded):
        call(TABLE["genCA"], b"x", 1, within=within)
