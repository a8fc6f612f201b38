"""Decoding strategies and the null byte policy of fetched values.

Source: `runtime/decoding/decoding.go`, Go's `encoding/base64` (not strict: stray bits in the last character are accepted; CR and LF
are skipped anywhere), `externalsecret_controller_secret.go:validateFetchedSecretValue`.
"""

import binascii
import re
from collections.abc import Mapping

from returns.result import Failure, Result, Success

from eso_core.compat.text import quote

_STANDARD = re.compile(rb"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_URL = re.compile(rb"(?:[A-Za-z0-9_-]{4})*+(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?")
_SOUND = {_STANDARD: re.compile(rb"[A-Za-z0-9+/\r\n]*+"), _URL: re.compile(rb"[A-Za-z0-9_\r\n-]*+")}
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_NEWLINES = b"\r\n"


def decode(strategy: str, value: bytes) -> Result[bytes, str]:
    """`value` decoded by a `decodingStrategy`. `Auto` tries Base64, then Base64URL, and keeps the value where both fail."""
    match strategy:
        case "" | "None":
            return Success(value)
        case "Base64":
            return _base64(value, _STANDARD)
        case "Base64URL":
            return _base64(value, _URL)
        case "Auto":
            return _base64(value, _STANDARD).lash(lambda _: _base64(value, _URL)).lash(lambda _: Success(value))
        case _:
            return Failure(f"decoding strategy {strategy} is not supported")


def decode_map(strategy: str, data: Mapping[str, bytes]) -> Result[dict[str, bytes], str]:
    """Every value of `data` decoded; fails on the first key, in byte order, that does not decode."""
    if strategy in ("", "None"):
        return Success(dict(data))
    out: dict[str, bytes] = {}
    for key in sorted(data):
        match decode(strategy, data[key]):
            case Success(value):
                out[key] = value
            case Failure(fault):
                return Failure(f"failure decoding key {key}: {fault}")
    return Success(out)


def check_null_bytes(policy: str, key: str, value: bytes) -> Result[None, str]:
    """Fails where `policy` is `Fail` and `value` holds a null byte."""
    if policy != "Fail" or b"\0" not in value:
        return Success(None)
    return Failure(
        f"fetched secret value for key {quote(key)} contains null bytes; use a text-safe format such as PEM/base64 or leave "
        "nullBytePolicy unset for intentional binary data"
    )


def check_null_bytes_map(policy: str, data: Mapping[str, bytes]) -> Result[None, str]:
    """`check_null_bytes` of each entry, keys in byte order."""
    if policy == "Fail":
        for key in sorted(data):
            checked = check_null_bytes(policy, key, data[key])
            if isinstance(checked, Failure):
                return checked
    return Success(None)


def _base64(value: bytes, alphabet: re.Pattern[bytes]) -> Result[bytes, str]:
    text = value.translate(None, _NEWLINES)
    if not alphabet.fullmatch(text):
        return Failure(f"illegal base64 data at input byte {_fault_offset(value, alphabet)}")
    return Success(binascii.a2b_base64(text.translate(_TO_STANDARD)))


def _fault_offset(value: bytes, alphabet: re.Pattern[bytes]) -> int:
    """Where Go reports the fault. Newlines count; a missing character is reported at the start of its group of four."""
    sound = _SOUND[alphabet].match(value)
    at = sound.end() if sound else 0
    seen = (at - value.count(b"\n", 0, at) - value.count(b"\r", 0, at)) % 4  # characters of the group that is being read
    if at == len(value):
        return at - seen
    if value[at] != ord("=") or seen < 2:
        return at
    return _padding_fault(value, at + 1, seen)


def _padding_fault(value: bytes, at: int, seen: int) -> int:
    """`at` follows the first `=` of a group with `seen` characters."""
    at = _skip_newlines(value, at)
    if seen == 2:
        if at == len(value):
            return at
        if value[at] != ord("="):
            return at - 1
        at = _skip_newlines(value, at + 1)
    return at


def _skip_newlines(value: bytes, at: int) -> int:
    while at < len(value) and value[at] in _NEWLINES:
        at += 1
    return at
