"""Base64, base32, hex: Go's decoders to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eso_core.template.errors import LimitExceeded
from eso_core.template.functions.encoding import TABLE
from eso_core.template.limits import VALUE_MAX


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("b64enc", b"\xff\xfe", b"//4="),
        ("b64enc", b"", b""),
        ("b64dec", b"//4=", b"\xff\xfe"),
        ("b64dec", b"aG\nVs\r\nbG8=\n", b"hello"),
        ("b64dec", b"aGVsbG9=", b"hello"),
        ("b64dec", b"", b""),
        ("b64dec", b"aGVsbG8", b"illegal base64 data at input byte 4"),
        ("b64dec", b"a!Vs", b"illegal base64 data at input byte 1"),
        ("b64dec", b"aG==x", b"illegal base64 data at input byte 4"),
        ("b64dec", b"aG=x", b"illegal base64 data at input byte 2"),
        ("b64dec", b"a\nG=", b"illegal base64 data at input byte 4"),
        ("b64dec", b"__8=", b"illegal base64 data at input byte 0"),
        ("b64dec", b"aGVs=", b"illegal base64 data at input byte 4"),
        ("b64dec", b"====", b"illegal base64 data at input byte 0"),
        ("b64dec", b" aGk=", b"illegal base64 data at input byte 0"),
        ("b32enc", b"foob", b"MZXW6YQ="),
        ("b32dec", b"MZXW6YQ=", b"foob"),
        ("b32dec", b"MZ\nXW6===\r\n", b"foo"),
        ("b32dec", b"MZXW6YTBMZXW6===", b"foobafoo"),
        ("b32dec", b"MZXQ====A", b"fo"),
        ("b32dec", b"", b""),
        ("b32dec", b"\n", b""),
        ("b32dec", b"MZXQ===A", b"illegal base32 data at input byte 6"),
        ("b32dec", b"MZXQ==", b"illegal base32 data at input byte 6"),
        ("b32dec", b"MZXQ", b"illegal base32 data at input byte 0"),
        ("b32dec", b"MZXW6YTBMZXQ", b"illegal base32 data at input byte 8"),
        ("b32dec", b"MZXW6Y==", b"illegal base32 data at input byte 6"),
        ("b32dec", b"M=======", b"illegal base32 data at input byte 1"),
        ("b32dec", b"MZ=A====", b"illegal base32 data at input byte 2"),
        ("b32dec", b"mz======", b"illegal base32 data at input byte 0"),
        ("b32dec", b"MZ======MZ======", b"illegal base32 data at input byte 2"),
        ("hexdec", b"00fFAb", b"\x00\xff\xab"),
        ("hexdec", b"", b""),
        ("hexdec", b"abc", b"encoding/hex: odd length hex string"),
        ("hexdec", b"61x", b"encoding/hex: invalid byte: U+0078 'x'"),
        ("hexdec", b"\x00\x00", b"encoding/hex: invalid byte: U+0000"),
        ("hexdec", "é0".encode(), "encoding/hex: invalid byte: U+00C3 'Ã'".encode()),
        ("hexdec", b"\xad0", b"encoding/hex: invalid byte: U+00AD"),
        ("hexdec", b"6 ", b"encoding/hex: invalid byte: U+0020 ' '"),
    ],
)
def test_coding(name: str, text: bytes, value: bytes) -> None:
    assert TABLE[name].call(text) == value


@given(st.binary(max_size=40))
def test_what_was_encoded_comes_back(raw: bytes) -> None:
    assert TABLE["b64dec"].call(TABLE["b64enc"].call(raw)) == raw
    assert TABLE["b32dec"].call(TABLE["b32enc"].call(raw)) == raw
    assert TABLE["hexdec"].call(raw.hex().encode()) == raw


@pytest.mark.parametrize("name", ["b64enc", "b32enc"])
def test_encoding_is_bounded(name: str) -> None:
    with pytest.raises(LimitExceeded):
        TABLE[name].call(bytes(VALUE_MAX))
