"""Functions on PEM texts: filterPEM, filterCertChain, certSANs (source: ``pem.go`` and ``pem_chain.go`` of the reference)."""

from __future__ import annotations

from collections.abc import Mapping

from eso_core.template.errors import FunctionError
from eso_core.template.pemfile import blocks, decode, encode, encode_block, from_begin
from eso_core.template.pki.certificate import Certificate, parse
from eso_core.template.pki.chain import bounded, certificates, ordered
from eso_core.template.pki.faults import prefixed
from eso_core.template.values import Function, Strings


def filter_pem(kind: bytes, text: bytes) -> bytes:
    text = from_begin(text)
    found, end = [], 0
    for block, rest in blocks(text):
        end = rest
        if block.type == kind or _fold_equal(block.type, kind):
            found.append(encode_block(block))
    if not found and end < len(text):
        raise FunctionError("error filtering pem: found junk")
    return b"".join(found)


def filter_cert_chain(kind: bytes, text: bytes) -> bytes:
    chain = ordered(certificates(text))
    match kind:
        case b"leaf" if not _is_root(chain[0]):
            return _pem(chain[0])
        case b"intermediate":
            out = []
            for one in chain[1:]:
                if _is_root(one):
                    break
                out.append(_pem(one))
            return b"".join(out)
        case b"root" if _is_root(chain[-1]):
            return _pem(chain[-1])
        case _:
            return b""


def cert_sans(text: bytes) -> Strings:
    text = from_begin(text)
    bounded(text)
    block, _ = decode(text)
    if block is None:
        raise FunctionError("failed to decode PEM block")
    try:
        names = parse(block.body).names
    except FunctionError as error:
        raise prefixed("failed to parse certificate: ", error) from None
    return Strings((*names.dns, *names.ips, *names.emails, *names.uris))


def _is_root(one: Certificate) -> bool:
    return one.authority_key is None or one.authority_key == (one.subject_key or b"")


def _pem(one: Certificate) -> bytes:
    return encode(b"CERTIFICATE", one.raw)


def _fold_equal(left: bytes, right: bytes) -> bool:
    """``strings.EqualFold``. Full case folding differs from Go's simple one in sequences of other lengths only: those are not equal."""
    if left.isascii() and right.isascii():
        return left.lower() == right.lower()
    a, b = left.decode("utf-8", "replace"), right.decode("utf-8", "replace")
    return len(a) == len(b) and all(x == y or x.casefold() == y.casefold() for x, y in zip(a, b, strict=True))


TABLE: Mapping[str, Function] = {
    "filterPEM": Function("func(string, string) (string, error)", filter_pem),
    "filterCertChain": Function("func(string, string) (string, error)", filter_cert_chain),
    "certSANs": Function("func(string) ([]string, error)", cert_sans),
}
