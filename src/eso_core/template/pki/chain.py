"""The order of a chain of certificates (source: ``pem_chain.go`` of the reference).

Certificates are linked by key identifiers alone: nothing is verified. Two absent identifiers count as equal, as they do there.
"""

from __future__ import annotations

from collections.abc import Sequence

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.pemfile import blocks
from eso_core.template.pki.certificate import Certificate, parse

TEXT_MAX = 1 << 20


def certificates(data: bytes) -> list[Certificate]:
    """All blocks of a PEM text, which have to be certificates whatever their type says."""
    bounded(data)
    return [parse(block.body) for block, _ in blocks(data)]


def bounded(data: bytes) -> None:
    if len(data) > TEXT_MAX:
        raise LimitExceeded(f"certificates of more than {TEXT_MAX} bytes")


def ordered(chain: Sequence[Certificate]) -> list[Certificate]:
    """``fetchX509CertChains``: leaf first, each followed by the one that its authority key names."""
    parents = _parents(chain)
    signers = set(parents.values())
    leaves = [at for at in range(len(chain)) if at not in signers]
    if len(leaves) > 1:
        raise FunctionError("found multiple leaf or disjunct certificates")
    if not leaves:
        raise FunctionError("no leaf certificate found")
    out: list[Certificate] = []
    at: int | None = leaves[0]
    while at is not None:
        if len(out) == len(chain):
            raise FunctionError("constructing chain resulted in cycle")
        out.append(chain[at])
        at = parents.get(at)
    return out


def _parents(chain: Sequence[Certificate]) -> dict[int, int]:
    """For each certificate the first other one that has its authority's key."""
    holders: dict[bytes, list[int]] = {}
    for at, one in enumerate(chain):
        holders.setdefault(one.subject_key or b"", []).append(at)
    found = {}
    for at, one in enumerate(chain):
        signer = next((other for other in holders.get(one.authority_key or b"", ())[:2] if other != at), None)
        if signer is not None:
            found[at] = signer
    return found
