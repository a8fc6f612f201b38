"""jwkPublicKeyPem and jwkPrivateKeyPem."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from eso_core.template.errors import FunctionError
from eso_core.template.functions.jwk import TABLE
from tests.template_chance import SeededChance
from tests.unit.template.material import call, ed25519_key, pem

HINT = "failed to unmarshal JSON into key hint: "
RSA_PUBLIC = "failed to unmarshal JSON into key (*jwk.rsaPublicKey): "


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    return text(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def rsa_members() -> dict[str, Any]:
    n = SeededChance().key("rsa-2048").private_numbers()
    crt = {"p": number(n.p), "q": number(n.q), "dp": number(n.dmp1), "dq": number(n.dmq1), "qi": number(n.iqmp)}
    public = n.public_numbers
    return {"kty": "RSA", "kid": "k", "n": number(public.n), "e": number(public.e), "d": number(n.d), **crt}


def ec_members(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    n, size = key.private_numbers(), (key.curve.key_size + 7) // 8
    point = {"x": number(n.public_numbers.x, size), "y": number(n.public_numbers.y, size)}
    return {"kty": "EC", "crv": f"P-{key.curve.key_size}", **point, "d": number(n.private_value, size)}


def okp_members() -> dict[str, Any]:
    key = ed25519_key()
    return {"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().public_bytes_raw()), "d": text(key.private_bytes_raw())}


CURVES = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
KEYS: list[tuple[Any, dict[str, Any]]] = [
    (SeededChance().key("rsa-2048"), rsa_members()),
    *((key, ec_members(key)) for key in (ec.derive_private_key(12345, curve) for curve in CURVES)),
    (ed25519_key(), okp_members()),
]
PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


def public(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in PRIVATE}


def raw(members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(("key", "members"), KEYS)
def test_keys_of_all_kinds(key: Any, members: dict[str, Any]) -> None:
    assert call(TABLE["jwkPrivateKeyPem"], raw(members)) == pem(key)
    shown = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert call(TABLE["jwkPublicKeyPem"], raw(public(members))) == shown


@pytest.mark.parametrize(
    "change",
    [
        lambda members: raw(members) + b" trailing",
        lambda members: raw({("KTY" if name == "kty" else name): value for name, value in members.items()}),
        lambda members: raw({**members, "use": None, "key_ops": ["sign"], "x5c": ["a"], "other": {"a": [1]}}),
        lambda members: raw({name: value for name, value in members.items() if name not in ("dp", "dq", "qi")}),
        lambda members: raw({**members, "n": members["n"] + "=" * (-len(members["n"]) % 4)}),
        lambda members: raw({**members, "n": members["n"].replace("-", "+").replace("_", "/")}),
        lambda members: raw({**members, "n": members["n"][:9] + "\r\n" + members["n"][9:]}),
    ],
)
def test_what_makes_no_difference(change: Any) -> None:
    assert call(TABLE["jwkPrivateKeyPem"], change(rsa_members())) == pem(SeededChance().key("rsa-2048"))


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("jwkPublicKeyPem", b"", HINT + "EOF"),
        ("jwkPublicKeyPem", b"{", HINT + "unexpected EOF"),
        ("jwkPublicKeyPem", b"x", HINT + "invalid character 'x' looking for beginning of value"),
        (
            "jwkPublicKeyPem",
            b"[]",
            HINT
            + 'json: cannot unmarshal array into Go value of type struct { Kty string "json:\\"kty\\""; D json.RawMessage "json:\\"d\\"" }',
        ),
        ("jwkPublicKeyPem", b'{"kty":1}', HINT + "json: cannot unmarshal number into Go struct field .kty of type string"),
        ("jwkPublicKeyPem", b"null", "invalid key type from JSON ()"),
        ("jwkPublicKeyPem", b"{}", "invalid key type from JSON ()"),
        ("jwkPublicKeyPem", b'{"kty":"nope"}', "invalid key type from JSON (nope)"),
        ("jwkPublicKeyPem", b'{"kty":"RSA"}', RSA_PUBLIC + "required field e is missing"),
        ("jwkPublicKeyPem", b'{"kty":"RSA","e":"AQAB"}', RSA_PUBLIC + "required field n is missing"),
        (
            "jwkPublicKeyPem",
            b'{"kty":"RSA","n":"!!"}',
            RSA_PUBLIC + "failed to decode value for key n: expected base64 encoded []byte (string)",
        ),
        (
            "jwkPublicKeyPem",
            b'{"kty":"RSA","n":"AA="}',
            RSA_PUBLIC + "failed to decode value for key n: expected base64 encoded []byte (string)",
        ),
        (
            "jwkPublicKeyPem",
            b'{"kty":"RSA","n":[]}',
            RSA_PUBLIC
            + "failed to decode value for key n: error reading next value: json: cannot unmarshal array into Go value of type string",
        ),
        ("jwkPublicKeyPem", b'{"kty":"oct","k":"AAEC"}', "x509: unsupported public key type: []uint8"),
        ("jwkPrivateKeyPem", b'{"kty":"oct","k":"AAEC"}', "x509: unknown key type while marshaling PKCS#8: []uint8"),
        ("jwkPublicKeyPem", b'{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}', "P256 point not on curve"),
        ("jwkPublicKeyPem", b'{"kty":"EC","crv":"P-999","x":"AA","y":"AA"}', "failed to build public key: invalid curve algorithm P-999"),
        ("jwkPublicKeyPem", raw({"kty": "EC", "crv": "P-256", "x": number(1 << 256), "y": "AA"}), "overflowing coordinate"),
        ("jwkPublicKeyPem", raw({"kty": "EC", "crv": "P-256", "x": number((1 << 256) - 1), "y": "AA"}), "invalid P256 element encoding"),
        ("jwkPublicKeyPem", raw(rsa_members()), "x509: unsupported public key type: *rsa.PrivateKey"),
        ("jwkPrivateKeyPem", raw(public(rsa_members())), "x509: unknown key type while marshaling PKCS#8: *rsa.PublicKey"),
        ("jwkPrivateKeyPem", raw({**rsa_members(), "p": "Bw"}), "input overflows the modulus size"),
        ("jwkPrivateKeyPem", raw({**rsa_members(), "p": "Bw", "qi": ""}), "crypto/rsa: p * q != n"),
        ("jwkPrivateKeyPem", raw({**rsa_members(), "p": "AA"}), "modulus must be > 1"),
        ("jwkPrivateKeyPem", raw({**okp_members(), "x": "AA"}), "failed to build public key: invalid x value given d value"),
        ("jwkPrivateKeyPem", raw({**okp_members(), "d": "AA"}), "failed to build public key: wrong private key size"),
        ("jwkPrivateKeyPem", raw({**okp_members(), "d": ""}), "failed to build public key: cannot use empty seed"),
        ("jwkPrivateKeyPem", raw({**okp_members(), "crv": "Ed448"}), "failed to build public key: invalid curve algorithm Ed448"),
        ("jwkPublicKeyPem", raw({**public(okp_members()), "crv": "X25519"}), "x509: unsupported public key type: x25519.PublicKey"),
        (
            "jwkPrivateKeyPem",
            raw({**KEYS[1][1], "d": number(1 << 257)}),
            "x509: failed to marshal EC private key while building PKCS#8: ecdsa: private key scalar too large",
        ),
        (
            "jwkPrivateKeyPem",
            raw({**KEYS[1][1], "d": "AA"}),
            "x509: failed to marshal EC private key while building PKCS#8: ecdsa: private key scalar is zero or negative",
        ),
        (
            "jwkPublicKeyPem",
            raw({**public(rsa_members()), "x5c": "a"}),
            RSA_PUBLIC
            + "failed to decode value for key x5c: failed to unmarshal certificate chain: "
            + "json: cannot unmarshal string into Go value of type []string",
        ),
        (
            "jwkPublicKeyPem",
            raw({**public(rsa_members()), "key_ops": [1]}),
            RSA_PUBLIC + "failed to decode value for key key_ops: json: cannot unmarshal number into Go value of type jwk.KeyOperation",
        ),
    ],
)
def test_what_is_no_key_is_refused_in_gos_words(name: str, given: bytes, error: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(TABLE[name], given)
    assert caught.value.full == error


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (b"1.2.3", "json: cannot unmarshal number into"),
        (b"01", "json: cannot unmarshal number into"),
        (b"1e5e", "json: cannot unmarshal number into"),
        (b"truex", "json: cannot unmarshal bool into"),
        (b'"a" x', "json: cannot unmarshal string into"),
        (b'[[1],{"a":"]"}]]', "json: cannot unmarshal array into"),
        (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"[tr ue", "invalid character ' ' in literal true"),
        (b"tru", "unexpected EOF"),
        (b"1e", "unexpected EOF"),
        (b"[-", "unexpected EOF"),
    ],
)
def test_only_the_first_value_counts(given: bytes, error: str) -> None:
    with pytest.raises(FunctionError) as raised:
        call(TABLE["jwkPublicKeyPem"], given)
    assert raised.value.full.startswith(HINT + error)


def test_what_follows_null_does_not_count() -> None:
    with pytest.raises(FunctionError, match="invalid key type from JSON"):
        call(TABLE["jwkPublicKeyPem"], b"nullx")


@pytest.mark.parametrize(
    "given", [b"[" * 100_000, b"{}" + b" " * (1 << 18), b'{"kty":"RSA","n":' + b"[" * 20_000, b'{"a":' * 5_000, b"\xff" * 100]
)
def test_no_text_hurts(given: bytes) -> None:
    with pytest.raises(FunctionError):
        call(TABLE["jwkPublicKeyPem"], given)
