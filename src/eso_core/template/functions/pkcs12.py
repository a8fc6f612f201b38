"""Functions on PKCS#12 files (source: ``pkcs12.go`` of the reference).

What is written takes its salts and vectors from the ``Ambient``; nothing else in it is random.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import Ambient
from eso_core.template.pemfile import BLOCKS_MAX, Block, decode, encode
from eso_core.template.pki.certificate import Certificate, parse
from eso_core.template.pki.chain import bounded, ordered
from eso_core.template.pki.faults import NIL_POINTER, Panic, final, prefixed
from eso_core.template.pki.keys import marshal_pkcs8, parse_any
from eso_core.template.pki.pfx import Writer, decode_chain
from eso_core.template.values import Function


def pkcs12_key_pass(ambient: Ambient, password: bytes, data: bytes) -> bytes:
    try:
        key = decode_chain(data, password, ambient.meter).key
    except FunctionError as error:
        raise prefixed("unable to decode pkcs12 with password: ", error) from None
    return encode(b"PRIVATE KEY", marshal_pkcs8(key))


def pkcs12_key(ambient: Ambient, data: bytes) -> bytes:
    return pkcs12_key_pass(ambient, b"", data)


def pkcs12_cert_pass(ambient: Ambient, password: bytes, data: bytes) -> bytes:
    """The chain in its order; in the order of the file where it is none."""
    try:
        contents = decode_chain(data, password, ambient.meter)
    except FunctionError as error:
        raise prefixed("unable to decode pkcs12 certificate with password: ", error) from None
    chain = [contents.certificate, *contents.others]
    try:
        chain = ordered(chain)
    except FunctionError as error:
        if final(error):
            raise
    return b"".join(encode(b"CERTIFICATE", one.raw) for one in chain)


def pkcs12_cert(ambient: Ambient, data: bytes) -> bytes:
    return pkcs12_cert_pass(ambient, b"", data)


def pem_to_pkcs12_pass(ambient: Ambient, certificate: bytes, key: bytes, password: bytes) -> bytes:
    bounded(certificate)
    return _write(ambient, parse(_block(certificate)[0].body), (), key, password)


def pem_to_pkcs12(ambient: Ambient, certificate: bytes, key: bytes) -> bytes:
    return pem_to_pkcs12_pass(ambient, certificate, key, b"")


def full_pem_to_pkcs12_pass(ambient: Ambient, certificates: bytes, key: bytes, password: bytes) -> bytes:
    bounded(certificates)
    block, rest = _block(certificates)
    return _write(ambient, parse(block.body), _all(certificates, rest), key, password)


def full_pem_to_pkcs12(ambient: Ambient, certificates: bytes, key: bytes) -> bytes:
    return full_pem_to_pkcs12_pass(ambient, certificates, key, b"")


def pem_truststore_to_pkcs12_pass(ambient: Ambient, certificates: bytes, password: bytes) -> bytes:
    bounded(certificates)
    found = _all(certificates, 0)
    return _base64(Writer(password, ambient.meter, ambient.chance.token).encode_trust_store(found))


def pem_truststore_to_pkcs12(ambient: Ambient, certificates: bytes) -> bytes:
    return pem_truststore_to_pkcs12_pass(ambient, certificates, b"")


def _write(ambient: Ambient, certificate: Certificate, others: tuple[Certificate, ...], key: bytes, password: bytes) -> bytes:
    """``certsKeyToPkcs12``."""
    private = parse_any(_block(key)[0].body)
    return _base64(Writer(password, ambient.meter, ambient.chance.token).encode(private, certificate, others))


def _block(text: bytes, at: int = 0) -> tuple[Block, int]:
    """The next block, which the reference takes for granted."""
    block, rest = decode(text, at)
    if block is None:
        raise Panic(NIL_POINTER)
    return block, rest


def _all(text: bytes, at: int) -> tuple[Certificate, ...]:
    """``parseCaCerts``: to the last byte; text behind the last block is a missing block."""
    found: list[Certificate] = []
    while at < len(text):
        if len(found) == BLOCKS_MAX:
            raise LimitExceeded(f"a PEM text of more than {BLOCKS_MAX} blocks")
        block, at = _block(text, at)
        found.append(parse(block.body))
    return tuple(found)


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)


_READ, _READ_PASS = "func(string) (string, error)", "func(string, string) (string, error)"
_WRITE, _WRITE_PASS = "func(string, string) (string, error)", "func(string, string, string) (string, error)"

TABLE: Mapping[str, Function] = {
    "pkcs12key": Function(_READ, pkcs12_key, ambient=True),
    "pkcs12keyPass": Function(_READ_PASS, pkcs12_key_pass, ambient=True),
    "pkcs12cert": Function(_READ, pkcs12_cert, ambient=True),
    "pkcs12certPass": Function(_READ_PASS, pkcs12_cert_pass, ambient=True),
    "pemToPkcs12": Function(_WRITE, pem_to_pkcs12, ambient=True),
    "pemToPkcs12Pass": Function(_WRITE_PASS, pem_to_pkcs12_pass, ambient=True),
    "fullPemToPkcs12": Function(_WRITE, full_pem_to_pkcs12, ambient=True),
    "fullPemToPkcs12Pass": Function(_WRITE_PASS, full_pem_to_pkcs12_pass, ambient=True),
    "pemTruststoreToPKCS12": Function(_READ, pem_truststore_to_pkcs12, ambient=True),
    "pemTruststoreToPKCS12Pass": Function("func(string, string) (string, error)", pem_truststore_to_pkcs12_pass, ambient=True),
}
