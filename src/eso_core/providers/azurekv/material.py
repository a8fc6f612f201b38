"""What is pushed as a key or a certificate, read as the reference reads it, by the readers of the templates' functions.

Only the first PEM block of a key counts; without PEM the bytes are a symmetric key, unless they are a JSON Web Key. A certificate is
PKCS#12 without a password, DER, or the first one of a PEM text. The work that a PKCS#12 file may ask for is bounded.

Source: ``getKeyFromValue`` and ``getCertificateFromValue`` of the reference; RFC 7518, section 6 (JSON Web Keys).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.providers import _kit
from eso_core.template.errors import FunctionError
from eso_core.template.limits import Meter
from eso_core.template.pemfile import blocks, decode
from eso_core.template.pki.certificate import parse as parse_certificate
from eso_core.template.pki.keys import EcKey, PrivateKey, RsaKey, parse_ec, parse_pkcs1, parse_pkcs8
from eso_core.template.pki.pfx import decode_chain

Key: TypeAlias = Mapping[str, str | bytes]
"""A JSON Web Key whose numbers are bytes, big end first."""
CURVES: Final = {"P256": "P-256", "P384": "P-384", "P521": "P-521"}
PARSERS: Final = {b"PRIVATE KEY": parse_pkcs8, b"RSA PRIVATE KEY": parse_pkcs1, b"EC PRIVATE KEY": parse_ec}
NUMBERS: Final = ("n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "x", "y")
NOT_A_KEY: Final = "is not a private key that can be imported"


def key_of(value: bytes) -> Result[Key, str]:
    """The key; the failure goes on from "the pushed value"."""
    try:
        block, _ = decode(value)
        if block is None:
            return _from_json(value)
        parser = PARSERS.get(block.type)
        if parser is None:
            return Wrong("is not a PEM block of type PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY")
        return _from_numbers(parser(block.body))
    except FunctionError as error:
        return Wrong(f"{NOT_A_KEY}: {_kit.line(error.public)}")


def _from_numbers(key: PrivateKey) -> Result[Key, str]:
    match key:
        case RsaKey():
            numbers = {"n": key.n, "e": key.e, "d": key.d, "dp": key.dp, "dq": key.dq, "qi": key.qinv, "p": key.p, "q": key.q}
            return Success({"kty": "RSA", **{name: _bytes(number) for name, number in numbers.items()}})
        case EcKey(curve=curve, scalar=scalar, point=point) if curve.name in CURVES:
            x, y = point[1 : 1 + curve.size], point[1 + curve.size :]
            return Success({"kty": "EC", "crv": CURVES[curve.name], "x": x, "y": y, "d": scalar.to_bytes(curve.size, "big")})
        case _:
            return Wrong(f"{NOT_A_KEY}: it is neither RSA nor of the curves P-256, P-384 and P-521")


def _bytes(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def _from_json(value: bytes) -> Result[Key, str]:
    """A JSON Web Key, or else the bytes as a symmetric key."""
    held = _kit.decoded(value, dict[str, Any]) if not _kit.crowded(value) else None
    if held is None or not isinstance(held.get("kty"), str):
        return Success({"kty": "oct", "k": value})
    key: dict[str, str | bytes] = {name: held[name] for name in ("kty", "crv") if isinstance(held.get(name), str)}
    for name in NUMBERS:
        if name in held:
            number = from_base64url(held[name])
            if number is None:
                return Wrong(f"is a JSON Web Key whose member {name} is not base64url")
            key[name] = number
    return Success(key)


def from_base64url(text: Any) -> bytes | None:
    """The bytes of base64url with or without padding; ``None`` where it is none."""
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        bare = text.rstrip("=")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def same_key(key: Key, held: Mapping[str, Any]) -> bool:
    """Whether the public part ``held`` by a vault is that of ``key``. A symmetric key has none, so that it is never the same."""
    kty = str(key["kty"]).removesuffix("-HSM")
    public = {"RSA": ("n", "e"), "EC": ("x", "y")}.get(kty)
    if public is None or str(held.get("kty", "")).removesuffix("-HSM") != kty:
        return False
    if kty == "EC" and held.get("crv") != key.get("crv"):
        return False
    return all(_number(key.get(name)) == _number(from_base64url(held.get(name))) for name in public)


def _number(raw: str | bytes | None) -> int | None:
    return int.from_bytes(raw, "big") if isinstance(raw, bytes) else None


def certificate_of(value: bytes) -> Result[bytes, str]:
    """The DER form of the certificate that counts; the failure goes on from "the pushed value"."""
    try:
        return Success(decode_chain(value, b"", Meter()).certificate.raw)
    except FunctionError:
        pass  # not PKCS#12
    try:
        return Success(parse_certificate(value).raw)
    except FunctionError:
        pass  # not DER
    try:
        for block, _ in blocks(value):
            try:
                return Success(parse_certificate(block.body).raw)
            except FunctionError:
                continue
    except FunctionError:
        pass  # too many blocks
    return Wrong("is not a certificate as PKCS#12, DER or PEM")


def is_pem(value: bytes) -> bool:
    """Whether a certificate has to be announced as PEM."""
    return decode(value)[0] is not None
