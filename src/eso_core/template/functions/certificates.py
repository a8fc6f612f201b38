"""genCA, genSelfSignedCert, genSignedCert, each with a key of one's own as well, and buildCustomCert (source: ``sprig/crypto.go``).

Keys and serial numbers come from the ``Ambient``, and so does the beginning of a validity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from returns.result import Success

from eso_core.compat.decode import decode as decode_text
from eso_core.template.errors import FunctionError
from eso_core.template.functions.keys import PRIVATE, new_key, share
from eso_core.template.limits import Ambient, items
from eso_core.template.pemfile import decode, encode
from eso_core.template.pki.certificate import parse
from eso_core.template.pki.extensions import parse_address
from eso_core.template.pki.faults import prefixed
from eso_core.template.pki.issue import Issuer, Request, create
from eso_core.template.pki.keys import PrivateKey, effort, parse_pem, pem_form
from eso_core.template.printing import plain
from eso_core.template.values import Function, Object, Value, wrap

PARSING = share(4096)

Alternatives = list[Value] | None


class Certificate(Object):
    """sprig.certificate: two PEM texts."""

    __slots__ = ("cert", "key")
    go_type: ClassVar[str] = "sprig.certificate"
    kind: ClassVar[str] = "struct"

    def __init__(self, cert: bytes = b"", key: bytes = b"") -> None:
        self.cert, self.key = cert, key

    def fields(self) -> Mapping[str, Value]:
        return {"Cert": self.cert, "Key": self.key}


def build_custom_cert(ambient: Ambient, certificate: bytes, key: bytes) -> Certificate:
    ambient.meter.spend(PARSING)
    decoded = []
    for text, name in ((certificate, "certificate"), (key, "private key")):
        result = decode_text("Base64", text)
        if not isinstance(result, Success):
            raise FunctionError(f"unable to decode base64 {name}")
        decoded.append(result.unwrap())
    block, _ = decode(decoded[0])
    if block is None:
        raise FunctionError("unable to decode certificate")
    _step("error parsing certificate: decodedCert.Bytes: ", parse, block.body)
    _step("error parsing private key: ", _parse_key, decoded[1])
    return Certificate(*decoded)


def gen_ca(ambient: Ambient, name: bytes, days: int) -> Certificate:
    return _issue(ambient, new_key(ambient, "rsa-2048"), name, None, None, days, authority=True)


def gen_ca_with_key(ambient: Ambient, name: bytes, days: int, key: bytes) -> Certificate:
    return _issue(ambient, _given_key(key), name, None, None, days, authority=True)


def gen_self_signed_cert(ambient: Ambient, name: bytes, ips: Alternatives, dns: Alternatives, days: int) -> Certificate:
    return _issue(ambient, new_key(ambient, "rsa-2048"), name, ips, dns, days)


def gen_self_signed_cert_with_key(
    ambient: Ambient, name: bytes, ips: Alternatives, dns: Alternatives, days: int, key: bytes
) -> Certificate:
    return _issue(ambient, _given_key(key), name, ips, dns, days)


def gen_signed_cert(ambient: Ambient, name: bytes, ips: Alternatives, dns: Alternatives, days: int, ca: Certificate) -> Certificate:
    return _issue(ambient, new_key(ambient, "rsa-2048"), name, ips, dns, days, _issuer(ca))


def gen_signed_cert_with_key(
    ambient: Ambient, name: bytes, ips: Alternatives, dns: Alternatives, days: int, ca: Certificate, key: bytes
) -> Certificate:
    return _issue(ambient, _given_key(key), name, ips, dns, days, _issuer(ca))


def _issue(
    ambient: Ambient,
    key: PrivateKey,
    name: bytes,
    ips: Alternatives,
    dns: Alternatives,
    days: int,
    issuer: Issuer | None = None,
    *,
    authority: bool = False,
) -> Certificate:
    """``getBaseCertTemplate`` and ``getCertAndKey``."""
    ambient.meter.spend(PRIVATE * effort(issuer.key if issuer else key))
    request = Request(
        name,
        [_address(ip) for ip in _listed(ips)],
        [_name(one) for one in _listed(dns)],
        int.from_bytes(ambient.chance.token(16), "big"),
        ambient.now_ns,
        ambient.now_ns + wrap(86_400_000_000_000 * days),
        authority,
    )
    raw = _step("error creating certificate: ", lambda: create(request, key, issuer))
    return Certificate(encode(b"CERTIFICATE", raw), encode(*pem_form(key)))


def _given_key(pem: bytes) -> PrivateKey:
    key: PrivateKey = _step("parsing private key: ", _parse_key, pem)
    return key


def _parse_key(pem: bytes) -> PrivateKey:
    """``parsePrivateKeyPEM``."""
    block, _ = decode(pem)
    if block is None:
        raise FunctionError("no PEM data in input")
    return parse_pem(block.type, block.body)


def _issuer(ca: Certificate) -> Issuer:
    block, _ = decode(ca.cert)
    if block is None:
        raise FunctionError("unable to decode certificate")
    signer = _step("error parsing certificate: decodedSignerCert.Bytes: ", parse, block.body)
    key = _step("error parsing private key: ", _parse_key, ca.key)
    return Issuer(signer.raw_subject, signer.subject_key or b"", signer.public, key)


def _listed(values: Alternatives) -> list[Value]:
    items(len(values or ()))
    return values or []


def _address(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise FunctionError("error parsing ip: ", f"{_shown(value)} is not a string")
    address = parse_address(value)
    if address is None:
        raise FunctionError("error parsing ip: ", value.decode("utf-8", "surrogateescape"))
    return address


def _name(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise FunctionError("error processing alternate dns name: ", f"{_shown(value)} is not a string")
    return value


def _shown(value: Value) -> str:
    return plain(value).decode("utf-8", "surrogateescape")


def _step(prefix: str, run: Callable[..., Any], *args: Any) -> Any:
    try:
        return run(*args)
    except FunctionError as error:
        raise prefixed(prefix, error) from None


_LISTS = "[]interface {}, []interface {}"
_RESULT = "(sprig.certificate, error)"

TABLE: Mapping[str, Function] = {
    "buildCustomCert": Function(f"func(string, string) {_RESULT}", build_custom_cert, ambient=True),
    "genCA": Function(f"func(string, int) {_RESULT}", gen_ca, ambient=True),
    "genCAWithKey": Function(f"func(string, int, string) {_RESULT}", gen_ca_with_key, ambient=True),
    "genSelfSignedCert": Function(f"func(string, {_LISTS}, int) {_RESULT}", gen_self_signed_cert, ambient=True),
    "genSelfSignedCertWithKey": Function(f"func(string, {_LISTS}, int, string) {_RESULT}", gen_self_signed_cert_with_key, ambient=True),
    "genSignedCert": Function(f"func(string, {_LISTS}, int, sprig.certificate) {_RESULT}", gen_signed_cert, ambient=True),
    "genSignedCertWithKey": Function(
        f"func(string, {_LISTS}, int, sprig.certificate, string) {_RESULT}", gen_signed_cert_with_key, ambient=True
    ),
}
