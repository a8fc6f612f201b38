"""YAML as sigs.k8s.io/yaml v1.6 over go-yaml v2.4 reads and writes it.

    reader      bytes to characters
    scanner     characters to tokens; scalars: the longer ones
    parser      tokens to nodes
    resolve     what a scalar means
    quick       bytes to values at once, where that is simple
    decode      nodes to values, and values to what JSON makes of them
    emit        values to text

Where the library has no bound here is one, with an error of its own: ``SIZE_MAX``, ``parser.DEPTH_MAX``, ``parser.NODES_MAX``,
``decode.VALUES_MAX`` and ``decode.ALIASED_MAX``. Of a key that is there twice the last one wins; so it does where two keys have the same
text (``1`` and ``"1"``), of which the reference takes one by chance. All of it is total: any bytes give a value or a :class:`Fault`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from returns.result import Failure, Result, Success

from eso_core.compat.gojson import Json, Numbers
from eso_core.compat.goyaml import decode
from eso_core.compat.goyaml.emit import dump
from eso_core.compat.goyaml.fault import Fault, Refused

__all__ = ["SIZE_MAX", "Fault", "dump", "load", "load_map", "load_strings"]

SIZE_MAX = 4 << 20  # bytes of a document

_CONVERTING = "error converting YAML to JSON: "
_T = TypeVar("_T")


def load(data: bytes, numbers: Numbers = Numbers.KUBERNETES) -> Result[Json, Fault]:
    """``Unmarshal`` into an ``interface {}``: of ``k8s.io/apimachinery``, or with ``Numbers.FLOAT`` of sigs.k8s.io/yaml itself."""
    return _read(data, lambda raw: decode.to_json(raw, numbers))


def load_map(data: bytes) -> Result[dict[str, Json], Fault]:
    """``Unmarshal`` into a ``map[string]interface {}``: numbers are floats; null and an empty document give an empty map."""
    return _read(data, lambda raw: decode.as_map(decode.to_json(raw, Numbers.FLOAT), "map[string]interface {}"))


def load_strings(data: bytes) -> Result[dict[str, str], Fault]:
    """``Unmarshal`` into a ``map[string]string``: scalars become text (floats of 32 bits, null empty), anything else is an error."""
    return _read(data, decode.to_strings)


def _read(data: bytes, finish: Callable[[decode.Raw], _T]) -> Result[_T, Fault]:
    if len(data) > SIZE_MAX:
        return Failure(Fault(f"{_CONVERTING}document has more than {SIZE_MAX} bytes"))
    try:
        raw = decode.raw_value(data)
    except Refused as refused:
        return Failure(refused.fault.within(_CONVERTING + "yaml: "))
    except RecursionError:  # the caller has used most of what Python allows
        return Failure(Fault(_CONVERTING + "yaml: document is nested too deeply"))
    try:
        return Success(finish(raw))
    except Refused as refused:
        fault = refused.fault
        return Failure(fault if fault.what.startswith("error ") else fault.within(_CONVERTING))
