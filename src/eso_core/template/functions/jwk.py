"""jwkPublicKeyPem and jwkPrivateKeyPem (source: ``jwk.go`` of the reference, ``github.com/lestrrat-go/jwx/v2/jwk`` 2.1.6).

The kind of a key shows in two members, found without regard to case: ``kty``, and ``d``, which makes it private. What is needed then:

=====  ====================  =========================================================
kty    members               may also be there
=====  ====================  =========================================================
RSA    ``e n``               private: ``d``, which is needed, ``p q dp dq qi``
EC     ``crv x y``           private: ``d``
OKP    ``crv x``             private: ``d``
oct    ``k``                 a key without PEM form: refused by its type
=====  ====================  =========================================================

Only the first JSON value of a text counts. Base64 is of the kind that its characters and padding suggest.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from returns.result import Success

from eso_core.compat import gojson
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.pemfile import encode
from eso_core.template.pki import der
from eso_core.template.pki.curves import P256, P384, P521, Curve
from eso_core.template.pki.faults import prefixed
from eso_core.template.pki.keys import ECDSA_OID, ED25519_OID, RSA_OID, EcKey, Ed25519Key, PrivateKey, marshal_pkcs8, rsa_key, x25519_public
from eso_core.template.values import Function

TEXT_MAX = 1 << 16

Members = Mapping[str, bytes]


def jwk_public_key_pem(text: bytes) -> bytes:
    kind, private, members = _parse(text)
    name, key = _raw(kind, private, members)
    if private or key is None:
        raise FunctionError("x509: unsupported public key type: ", name)
    return encode(b"PUBLIC KEY", key())


def jwk_private_key_pem(text: bytes) -> bytes:
    kind, private, members = _parse(text)
    name, key = _raw(kind, private, members)
    if not private or key is None:
        raise FunctionError("x509: unknown key type while marshaling PKCS#8: ", name)
    return encode(b"PRIVATE KEY", key())


_CURVES: Mapping[bytes, Curve] = MappingProxyType({b"P-256": P256, b"P-384": P384, b"P-521": P521})
_GO: Mapping[str, str] = MappingProxyType({"RSA": "rsa", "EC": "ecdsa", "OKP": "okp"})
_BINARY: Mapping[tuple[str, bool], frozenset[str]] = MappingProxyType(
    {
        ("RSA", False): frozenset({"e", "n"}),
        ("RSA", True): frozenset({"d", "dp", "dq", "e", "n", "p", "q", "qi"}),
        ("EC", False): frozenset({"x", "y"}),
        ("EC", True): frozenset({"d", "x", "y"}),
        ("OKP", False): frozenset({"x"}),
        ("OKP", True): frozenset({"d", "x"}),
        ("oct", False): frozenset({"k"}),
    }
)
_REQUIRED: Mapping[tuple[str, bool], tuple[str, ...]] = MappingProxyType(
    {
        ("RSA", False): ("e", "n"),
        ("RSA", True): ("d", "e", "n"),
        ("EC", False): ("crv", "x", "y"),
        ("EC", True): ("crv", "d", "x", "y"),
        ("OKP", False): ("crv", "x"),
        ("OKP", True): ("crv", "d", "x"),
        ("oct", False): ("k",),
    }
)
_WHOLE = rb"-?(?:0|[1-9][0-9]*+)"
_SCALAR = re.compile(rb"null|true|false|%b(?:\.[0-9]+)?[eE][-+]?[0-9]+|%b\.[0-9]++(?![eE])|%b(?![.eE])" % (_WHOLE, _WHOLE, _WHOLE))
_UNFINISHED = re.compile(rb"(?:\A|[\[:,\s])(?:tr?u?|fa?l?s?|nu?l?|-|%b(?:\.|(?:\.[0-9]+)?[eE][-+]?))\Z" % _WHOLE)
_TEXTS = frozenset({"kid", "use", "x5t", "x5t#S256", "x5u"})
_HINT = 'struct { Kty string "json:\\"kty\\""; D json.RawMessage "json:\\"d\\"" }'


def _parse(text: bytes) -> tuple[str, bool, Members]:
    """``jwk.ParseKey``: kind, whether private, and the members that matter, decoded."""
    if len(text) > TEXT_MAX:
        raise LimitExceeded(f"a JWK of more than {TEXT_MAX} bytes")
    try:
        raw = _members(text)
        kind, private = _hint(raw)
    except FunctionError as error:
        raise prefixed("failed to unmarshal JSON into key hint: ", error) from None
    if kind not in ("RSA", "EC", "OKP", "oct"):
        raise FunctionError("invalid key type from JSON (", f"{kind})")
    private = private and kind != "oct"
    name = f"{_GO[kind]}{'PrivateKey' if private else 'PublicKey'}" if kind in _GO else "symmetricKey"
    try:
        members = {name: value for name, value in ((name, _member(kind, private, name, raw[name])) for name in raw) if value is not None}
        for needed in _REQUIRED[kind, private]:
            if needed not in members:
                raise FunctionError(f"required field {needed} is missing")
    except FunctionError as error:
        raise prefixed(f"failed to unmarshal JSON into key (*jwk.{name}): ", error) from None
    return kind, private, members


def _members(text: bytes) -> dict[str, bytes]:
    """The members of the first value of ``text``; none for null."""
    text = text.lstrip(b" \t\r\n")
    if not text:
        raise FunctionError("EOF")
    first = _first(text)
    if first == b"null":
        return {}
    parsed = gojson.split_object(first)
    if isinstance(parsed, Success):
        members: dict[str, bytes] = parsed.unwrap()
        return members
    fault = str(parsed.failure())
    if fault == "unexpected end of JSON input" or (fault.startswith("invalid character ' ' ") and _UNFINISHED.search(text)):
        raise FunctionError("unexpected EOF")
    raise FunctionError("", fault.replace("map[string]json.RawMessage", _HINT))


def _first(text: bytes) -> bytes:
    """The value that ``text`` begins with, if it is one that can be told apart."""
    scalar = _SCALAR.match(text)
    if scalar is not None:
        return scalar[0]
    if text[:1] not in (b"{", b"[", b'"'):
        return text
    decoded = text.decode("utf-8", "surrogateescape")
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(decoded)
    except (ValueError, RecursionError):
        return text
    return decoded[:end].encode("utf-8", "surrogateescape")


def _hint(members: Mapping[str, bytes]) -> tuple[str, bool]:
    kind, private = "", False
    for name, value in members.items():
        match name.casefold():
            case "kty":
                if value[:1] not in (b'"', b"n"):
                    shown = gojson.parse(value).map(gojson.value_kind).value_or("")
                    raise FunctionError(f"json: cannot unmarshal {shown} into Go struct field .kty of type string")
                named = _string(value)
                kind = kind if named is None else named
            case "d":
                private = True
            case _:
                pass
    return kind, private


def _string(value: bytes, go_type: str = "string") -> str | None:
    parsed = gojson.parse_string(value)
    if isinstance(parsed, Success):
        text: str | None = parsed.unwrap()
        return text
    raise FunctionError(str(parsed.failure()).replace("type string", f"type {go_type}"))


def _member(kind: str, private: bool, name: str, value: bytes) -> bytes | None:
    """The value of a member as the key keeps it, None for one that it has no use for; every known one has to be of its type."""
    if name == "kty":
        _kind(kind, value)
        return None
    prefix = f"failed to decode value for key {name}: "
    try:
        if name in _BINARY[kind, private]:
            return _binary(_next(value))
        if name == "crv" and kind in ("EC", "OKP"):
            return (_string(value, "jwa.EllipticCurveAlgorithm") or "").encode()
        if name in _TEXTS:
            _next(value)
        elif name == "alg":
            _string(value)
        elif name == "key_ops":
            _texts(value, "jwk.KeyOperationList", "jwk.KeyOperation")
        elif name == "x5c":
            _chain(value)
    except FunctionError as error:
        raise prefixed(prefix, error) from None
    return None


def _kind(kind: str, value: bytes) -> None:
    try:
        named = _next(value)
    except FunctionError as error:
        raise prefixed("error reading token: ", error) from None
    if named != kind:
        raise FunctionError("invalid kty value for RSAPublicKey (", f"{named})")


def _next(value: bytes) -> str:
    try:
        return _string(value) or ""
    except FunctionError as error:
        raise prefixed("error reading next value: ", error) from None


def _texts(value: bytes, list_type: str, item_type: str) -> None:
    parsed = gojson.parse(value).value_or(None)
    if parsed is not None and not isinstance(parsed, list):
        raise FunctionError(f"json: cannot unmarshal {gojson.value_kind(parsed)} into Go value of type {list_type}")
    for item in parsed or ():
        if item is not None and not isinstance(item, str):
            raise FunctionError(f"json: cannot unmarshal {gojson.value_kind(item)} into Go value of type {item_type}")


def _chain(value: bytes) -> None:
    try:
        _texts(value, "[]string", "string")
    except FunctionError as error:
        raise prefixed("failed to unmarshal certificate chain: ", error) from None


_ALPHABETS: Mapping[bool, re.Pattern[bytes]] = MappingProxyType(
    {True: re.compile(rb"[A-Za-z0-9_-]*(={0,2})"), False: re.compile(rb"[A-Za-z0-9+/]*(={0,2})")}
)
_STANDARD = bytes.maketrans(b"-_", b"+/")


def _binary(text: str) -> bytes:
    """``internal/base64: Decode``: URL or standard alphabet, padded or not, as the text looks; newlines are skipped."""
    whole = text.encode()
    url = b"+" not in whole and b"/" not in whole
    raw = whole.translate(None, b"\r\n")
    found = _ALPHABETS[url].fullmatch(raw)
    padded = whole.endswith(b"=")
    if found is None or padded != bool(found[1]) or (len(raw) % 4 if padded else len(raw) % 4 == 1):
        raise FunctionError("expected base64 encoded []byte (string)")
    return binascii.a2b_base64(raw.translate(_STANDARD) + b"=" * (-len(raw) % 4))


def _raw(kind: str, private: bool, members: Members) -> tuple[str, Callable[[], bytes] | None]:
    """``Key.Raw``: Go's type of the key, and its encoding; none for a type that cannot be encoded."""
    match kind:
        case "RSA":
            return f"*rsa.{'PrivateKey' if private else 'PublicKey'}", lambda: _rsa(private, members)
        case "EC":
            curve = _CURVES.get(members["crv"])
            if curve is None:
                raise FunctionError("failed to build public key: invalid curve algorithm ", members["crv"].decode())
            return f"*ecdsa.{'PrivateKey' if private else 'PublicKey'}", lambda: _ec(curve, private, members)
        case "OKP":
            return _okp(private, members)
        case _:
            return "[]uint8", None


def _number(members: Members, name: str) -> int:
    return int.from_bytes(members.get(name, b""), "big")


def _rsa(private: bool, members: Members) -> bytes:
    n, e = _number(members, "n"), _number(members, "e") & ((1 << 64) - 1)
    if e >> 63:
        e -= 1 << 64
    if not private:
        key = der.sequence(der.integer(n), der.integer(e))
        return _public(der.tlv(der.OBJECT, RSA_OID) + der.tlv(der.NULL, b""), key)
    dp, dq, qi = (_number(members, name) if members.get(name) else None for name in ("dp", "dq", "qi"))
    return marshal_pkcs8(rsa_key(n, e, _number(members, "d"), _number(members, "p"), _number(members, "q"), (dp, dq, qi)))


def _ec(curve: Curve, private: bool, members: Members) -> bytes:
    if not private:
        algorithm = der.tlv(der.OBJECT, ECDSA_OID) + der.tlv(der.OBJECT, curve.oid)
        return _public(algorithm, _point(curve, members))
    try:
        point = _point(curve, members, check=False)
        scalar = _number(members, "d")
        if scalar.bit_length() > curve.order.bit_length():
            raise FunctionError("ecdsa: private key scalar too large")
        if not scalar:
            raise FunctionError("ecdsa: private key scalar is zero or negative")
        curve.check(point)
        if scalar >= curve.order:
            raise FunctionError("input overflows the modulus")
    except FunctionError as error:
        raise prefixed("x509: failed to marshal EC private key while building PKCS#8: ", error) from None
    return marshal_pkcs8(EcKey(curve, scalar, point))


def _point(curve: Curve, members: Members, *, check: bool = True) -> bytes:
    x, y = _number(members, "x"), _number(members, "y")
    if max(x, y).bit_length() > curve.bits:
        raise FunctionError("overflowing coordinate")
    point = b"\x04" + x.to_bytes(curve.size, "big") + y.to_bytes(curve.size, "big")
    if check:
        curve.check(point)
    return point


def _okp(private: bool, members: Members) -> tuple[str, Callable[[], bytes] | None]:
    curve, public = members["crv"], members["x"]
    if private:
        try:
            key = _okp_private(curve, public, members["d"])
        except FunctionError as error:
            raise prefixed("failed to build public key: ", error) from None
        return ("ed25519.PrivateKey", lambda: marshal_pkcs8(key)) if key is not None else ("x25519.PrivateKey", None)
    match curve:
        case b"Ed25519":
            return "ed25519.PublicKey", lambda: _public(der.tlv(der.OBJECT, ED25519_OID), public)
        case b"X25519":
            return "x25519.PublicKey", None
        case _:
            raise FunctionError("failed to build public key: invalid curve algorithm ", curve.decode())


def _okp_private(curve: bytes, public: bytes, seed: bytes) -> PrivateKey | None:
    """``buildOKPPrivateKey``; None for a key of X25519."""
    if not seed:
        raise FunctionError("cannot use empty seed")
    match curve:
        case b"Ed25519":
            if len(seed) != 32:
                raise FunctionError("wrong private key size")
            key = Ed25519Key(seed)
            if key.public != public:
                raise FunctionError("invalid x value given d value")
            return key
        case b"X25519":
            if len(seed) != 32:
                raise FunctionError("unable to construct x25519 private key from seed: unexpected seed size: ", str(len(seed)))
            if x25519_public(seed) != public:
                raise FunctionError("invalid x value given d value")
            return None
        case _:
            raise FunctionError("invalid curve algorithm ", curve.decode())


def _public(algorithm: bytes, key: bytes) -> bytes:
    return der.sequence(der.tlv(der.SEQUENCE, algorithm), der.bits(key))


_SIGNATURE = "func(string) (string, error)"

TABLE: Mapping[str, Function] = {
    "jwkPublicKeyPem": Function(_SIGNATURE, jwk_public_key_pem),
    "jwkPrivateKeyPem": Function(_SIGNATURE, jwk_private_key_pem),
}
