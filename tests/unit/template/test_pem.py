"""filterPEM, filterCertChain, certSANs, and PEM itself."""

from __future__ import annotations

import pytest

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.pem import TABLE
from eso_core.template.pemfile import BLOCKS_MAX, HEADERS_MAX, Block, decode, encode
from tests.unit.template.material import GO_SELF_SIGNED, LEAF, ROOT, call, leaf_key, pem

A = b"-----BEGIN A-----\nYWJj\n-----END A-----\n"


@pytest.mark.parametrize(
    ("text", "body", "rest"),
    [
        (A, b"abc", b""),
        (A + b"more", b"abc", b"more"),
        (b"text\n" + A, b"abc", b""),
        (A.replace(b"\n", b"\r\n"), b"abc", b""),
        (A.replace(b"YWJj", b"YW\tJ j"), b"abc", b""),
        (b"-----BEGIN A-----\n" + A, b"abc", b""),
        (b"-----BEGIN A-----\n-----END A-----\n", b"", b""),
        (b"-----BEGIN A-----\nYW\n-----END A-----\n" + A, b"abc", b""),
        (A.replace(b"END A", b"END B") + A, b"abc", b""),
        (A.replace(b"END A-----", b"END A----- x") + A, b"abc", b""),
        (A[:-1], b"abc", b""),
        (A.rstrip(b"\n") + b" \t\nx", b"abc", b"x"),
        (b" " + A, None, b" " + A),
        (b"-----BEGIN A-----\nYWJj\n", None, b"-----BEGIN A-----\nYWJj\n"),
        (b"-----BEGIN A-----\nK: v\n", None, b"-----BEGIN A-----\nK: v\n"),
        (b"", None, b""),
    ],
)
def test_a_block_is_found_as_go_finds_it(text: bytes, body: bytes | None, rest: bytes) -> None:
    block, at = decode(text)
    assert (block.body if block else None, text[at:]) == (body, rest)


def test_headers_are_kept_and_written_in_order() -> None:
    text = b"-----BEGIN A-----\nB: 2\nA:1:0\nProc-Type: 4,ENCRYPTED\n\nYWJj\n-----END A-----\n"
    block, _ = decode(text)
    assert block == Block(b"A", {b"B": b"2", b"A": b"1:0", b"Proc-Type": b"4,ENCRYPTED"}, b"abc")
    assert call(TABLE["filterPEM"], b"a", text) == (b"-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nA: 1:0\nB: 2\n\nYWJj\n-----END A-----\n")


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96])
def test_lines_have_64_characters(size: int) -> None:
    text = encode(b"X", bytes(size))
    assert all(len(line) == 64 for line in text.splitlines()[1:-2])
    assert decode(text)[0] == Block(b"X", {}, bytes(size))


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (b"CERTIFICATE", ROOT + A + LEAF, ROOT + LEAF),
        (b"certificate", b"Bag Attributes\n" + ROOT, ROOT),
        (b"A", b"junk " + A, A),
        (b"B", A, b""),
        (b"B", b"", b""),
        ("ſ".encode(), b"-----BEGIN S-----\n\n-----END S-----\n", b"-----BEGIN S-----\n-----END S-----\n"),
        (b"\xc3\x9f", b"-----BEGIN SS-----\n\n-----END SS-----\n", b""),
    ],
)
def test_filter_pem(kind: bytes, text: bytes, found: bytes) -> None:
    assert call(TABLE["filterPEM"], kind, text) == found


@pytest.mark.parametrize("text", [b"junk", A + b"junk", b"-----BEGIN A-----"])
def test_filter_pem_refuses_what_only_holds_junk(text: bytes) -> None:
    with pytest.raises(FunctionError) as caught:
        call(TABLE["filterPEM"], b"B", text)
    assert (caught.value.what, caught.value.detail) == ("error filtering pem: found junk", "")


@pytest.mark.parametrize("text", [LEAF + ROOT, ROOT + LEAF])
@pytest.mark.parametrize(("kind", "found"), [(b"leaf", LEAF), (b"root", ROOT), (b"intermediate", b""), (b"Leaf", b""), (b"", b"")])
def test_filter_cert_chain(kind: bytes, text: bytes, found: bytes) -> None:
    assert call(TABLE["filterCertChain"], kind, text) == found


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (b"leaf", ROOT, b""),  # it signed itself
        (b"root", LEAF, b""),  # its authority is not there
        (b"root", encode(b"ANY TYPE", GO_SELF_SIGNED), encode(b"CERTIFICATE", GO_SELF_SIGNED)),  # no authority key
    ],
)
def test_filter_cert_chain_of_one(kind: bytes, text: bytes, found: bytes) -> None:
    assert call(TABLE["filterCertChain"], kind, text) == found


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", "no leaf certificate found"),
        (b"junk", "no leaf certificate found"),
        (ROOT + ROOT, "no leaf certificate found"),
        (LEAF + LEAF + ROOT, "found multiple leaf or disjunct certificates"),
        (pem(leaf_key()), "x509: malformed tbs certificate"),
        (A, "x509: malformed certificate"),
        (encode(b"CERTIFICATE", GO_SELF_SIGNED + b"x"), "x509: trailing data"),
    ],
)
def test_filter_cert_chain_refuses(text: bytes, error: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(TABLE["filterCertChain"], b"leaf", text)
    assert caught.value.full == error


def test_alternative_names_come_by_kind() -> None:
    assert call(TABLE["certSANs"], b"text\n" + LEAF + ROOT) == [
        b"a.example",
        b"10.0.0.1",
        b"2001:db8::1",
        b"x@y.z",
        b"https://h.example/a%2Fb",
    ]
    assert call(TABLE["certSANs"], ROOT) == []


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b"a.example", b"a\xffexample", "x509: SAN dNSName is malformed"),
        (b"x@y.z", b"x\x80y.z", "x509: SAN rfc822Name is malformed"),
        (b"h.example", b"h.exampl.", 'x509: cannot parse URI "HTTPS://h.exampl./a%2Fb": invalid domain'),
        (b"\x87\x04\x0a", b"\x82\x04\x0a", None),
        (b"261129", b"261329", "x509: malformed UTCTime"),
        (b"leaf", b"le\xffaf"[:4], "x509: invalid RDNSequence: invalid attribute value: invalid UTF-8 string"),
    ],
)
def test_a_damaged_certificate_is_refused_in_gos_words(old: bytes, new: bytes, error: str | None) -> None:
    block, _ = decode(LEAF)
    assert block is not None
    text = encode(b"CERTIFICATE", block.body.replace(old, new))
    if error is None:
        assert call(TABLE["certSANs"], text)[1] == b"\n\0\0\1"
        return
    with pytest.raises(FunctionError) as caught:
        call(TABLE["certSANs"], text)
    assert caught.value.full == f"failed to parse certificate: {error}"
    assert caught.value.what.startswith("failed to parse certificate: x509: ")
    assert "exampl" not in caught.value.what


def test_nothing_to_decode() -> None:
    with pytest.raises(FunctionError, match="failed to decode PEM block"):
        call(TABLE["certSANs"], b"x")


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("filterPEM", (b"A", A * (BLOCKS_MAX + 1))),
        ("filterPEM", (b"A", A.replace(b"YWJj", b"k: v\n" * (HEADERS_MAX + 1) + b"\nYWJj"))),
        ("filterCertChain", (b"leaf", ROOT * (BLOCKS_MAX + 1))),
        ("filterCertChain", (b"leaf", b" " * (1 << 20) + ROOT)),
        ("certSANs", (ROOT + b" " * (1 << 20),)),
    ],
)
def test_long_texts_are_refused_quickly(name: str, args: tuple[bytes, ...]) -> None:
    with pytest.raises(LimitExceeded):
        call(TABLE[name], *args)


def test_as_many_blocks_as_are_allowed() -> None:
    assert call(TABLE["filterPEM"], b"A", A * BLOCKS_MAX) == A * BLOCKS_MAX
