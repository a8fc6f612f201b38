"""Names of the keys of a Secret: conversion, its reverse, and validation.

Source: `runtime/esutils/utils.go` ConvertKeys, ReverseKeys, ValidateKeys. Where the reference reports whichever bad key its map
iteration meets first, the first in byte order is reported here.
"""

import re
from collections.abc import Callable, Mapping

from returns.result import Failure, Result, Success

from eso_core.compat.letters import character_class
from eso_core.compat.text import go_text, to_bytes, whole

KEY_MAX = 253  # bytes

_ALLOWED = character_class()
_FOREIGN = re.compile(f"[^{_ALLOWED}]")
_CLEAN = re.compile(f"[{_ALLOWED}]*")
_PLAIN = re.compile(r"[-._0-9A-Za-z]*")
_UNICODE = re.compile("_U([0-9a-fA-F]{4,5})_")


def convert_key(strategy: str, key: str) -> str:
    """`key` with each code point that is no letter, number, `-`, `.` or `_` replaced: `_` (Default), `_U002f_` (Unicode)."""
    if _PLAIN.fullmatch(key):
        return key
    match strategy:
        case "" | "Default":
            return _FOREIGN.sub("_", whole(key))
        case "Unicode":
            return _FOREIGN.sub(lambda found: f"_U{ord(found[0]):04x}_", whole(key))
        case _:
            return whole(key)


def convert_keys(strategy: str, data: Mapping[str, bytes]) -> Result[dict[str, bytes], str]:
    """`data` under converted keys; fails where two keys become one."""
    return _rename(data, lambda key: convert_key(strategy, key))


def reverse_key(strategy: str, key: str) -> str:
    """The PushSecret direction: `ReverseUnicode` turns `_U002f_` back into `/`; any other strategy keeps `key`."""
    if strategy != "ReverseUnicode":
        return key
    return _UNICODE.sub(lambda found: whole(chr(int(found[1], 16))), key)


def reverse_keys(strategy: str, data: Mapping[str, bytes]) -> Result[dict[str, bytes], str]:
    """`data` under reversed keys; fails where two keys become one."""
    return _rename(data, lambda key: reverse_key(strategy, key))


def validate_keys(data: Mapping[str, bytes]) -> Result[dict[str, bytes], str]:
    """`data` without the empty key; fails on a key that is too long or holds a code point no Secret key may hold."""
    kept = {key: value for key, value in data.items() if key}
    for key in sorted(kept):
        if len(key) > KEY_MAX // 4 or not _PLAIN.fullmatch(key):
            fault = _key_fault(key)
            if fault:
                return Failure(fault)
    return Success(kept)


def _key_fault(key: str) -> str:
    raw = to_bytes(key)
    if len(raw) > KEY_MAX:
        return f"key has length {len(raw)} but max is {KEY_MAX}: (following is truncated): {go_text(raw[:KEY_MAX])}"
    end = _CLEAN.match(key)
    if end is None or end.end() == len(key):
        return ""
    return f"key has invalid character {key[end.end()]}, only alphanumeric, '-', '.' and '_' are allowed: {key}"


def _rename(data: Mapping[str, bytes], name: Callable[[str], str]) -> Result[dict[str, bytes], str]:
    out = {name(key): value for key, value in data.items()}
    return Success(out) if len(out) == len(data) else _collision(data, name)


def _collision(data: Mapping[str, bytes], name: Callable[[str], str]) -> Result[dict[str, bytes], str]:
    taken: set[str] = set()
    for key in sorted(data):
        renamed = name(key)
        if renamed in taken:
            return Failure(f"secret name collision during conversion: {renamed}")
        taken.add(renamed)
    return Failure("secret name collision during conversion")
