"""Label and field selectors of list and watch requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eso_core.sim import names
from eso_core.sim.status import bad_request

Labels = Mapping[str, str]
Matcher = Callable[[Labels], bool]

_TOKEN = re.compile(r"\s*(==|!=|=|!|,|\(|\)|>|<|[^\s=!,()<>]+)")


def labels(text: str) -> Matcher | None:
    """The test for ``text``; ``None`` when it selects everything. Raises ``Refusal`` (400) when it cannot be parsed."""
    tokens = _tokens(text)
    tests: list[Matcher] = []
    while tokens:
        tests.append(_requirement(tokens, text))
        if tokens and (tokens.pop(0) != "," or not tokens):
            raise _unparsable(text)
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda labels: all(test(labels) for test in tests)


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        found = _TOKEN.match(stripped, at)
        if found is None:
            raise _unparsable(text)
        tokens.append(found[1])
        at = found.end()
    return tokens


def _requirement(tokens: list[str], text: str) -> Matcher:
    negated = tokens[0] == "!"
    if negated:
        tokens.pop(0)
    key = _word(tokens, text)
    if wrongs := names.qualified(key):
        raise bad_request(f"unable to parse requirement: <nil>: Invalid value: {key!r}: {wrongs[0]}")
    if negated:
        return lambda labels: key not in labels
    if not tokens or tokens[0] == ",":
        return lambda labels: key in labels
    return _comparison(key, tokens.pop(0), tokens, text)


def _comparison(key: str, operator: str, tokens: list[str], text: str) -> Matcher:
    if operator in ("=", "=="):
        value = _value(tokens, text)
        return lambda labels: labels.get(key) == value
    if operator == "!=":
        value = _value(tokens, text)
        return lambda labels: labels.get(key) != value
    if operator == "in":
        values = _values(tokens, text)
        return lambda labels: labels.get(key) in values
    if operator == "notin":
        values = _values(tokens, text)
        return lambda labels: labels.get(key) not in values
    if operator in (">", "<"):
        return _ordered(key, operator, _word(tokens, text), text)
    raise _unparsable(text)


def _ordered(key: str, operator: str, bound: str, text: str) -> Matcher:
    if not _is_integer(bound):
        raise _unparsable(text)
    limit = int(bound)

    def test(labels: Labels) -> bool:
        value = labels.get(key, "")
        return _is_integer(value) and (int(value) > limit if operator == ">" else int(value) < limit)

    return test


def _is_integer(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _word(tokens: list[str], text: str) -> str:
    if not tokens or tokens[0] in ("=", "==", "!=", "!", ",", "(", ")", ">", "<"):
        raise _unparsable(text)
    return tokens.pop(0)


def _value(tokens: list[str], text: str) -> str:
    """The value after ``=``; nothing there means the empty string."""
    value = "" if not tokens or tokens[0] == "," else _word(tokens, text)
    _check_value(value)
    return value


def _values(tokens: list[str], text: str) -> frozenset[str]:
    if not tokens or tokens.pop(0) != "(":
        raise _unparsable(text)
    values: set[str] = set()
    pending = ""
    while tokens:
        token = tokens.pop(0)
        if token in (",", ")"):
            _check_value(pending)
            values.add(pending)
            pending = ""
            if token == ")":
                return frozenset(values)
        elif pending or token in ("=", "==", "!=", "!", "(", ">", "<"):
            raise _unparsable(text)
        else:
            pending = token
    raise _unparsable(text)


def _check_value(value: str) -> None:
    if wrongs := names.label_value(value):
        raise bad_request(f"unable to parse requirement: values[0]: Invalid value: {value!r}: {wrongs[0]}")


def _unparsable(text: str) -> Exception:
    return bad_request(f"unable to parse requirement: found {text!r}, expected: a label selector")


# ---------------------------------------------------------------- fields


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """``name=value`` or, when ``equal`` is false, ``name!=value``."""

    name: str
    value: str
    equal: bool


def fields(text: str, known: frozenset[str]) -> tuple[FieldTerm, ...]:
    """The terms of a field selector. Raises ``Refusal`` (400) for a term that is none, and for a field outside ``known``."""
    terms: list[FieldTerm] = []
    for part in _split(text):
        name, operator, value = _term(part)
        if not operator:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if name not in known:
            raise bad_request(f"field label not supported: {name}")
        terms.append(FieldTerm(name, value, operator != "!="))
    return tuple(terms)


def _split(text: str) -> list[str]:
    return [part.replace("\0", ",") for part in text.replace("\\,", "\0").split(",") if part]


def _term(part: str) -> tuple[str, str, str]:
    for at in range(len(part)):
        for operator in ("!=", "==", "="):
            if part.startswith(operator, at):
                return part[:at], operator, part[at + len(operator) :].replace("\\=", "=").replace("\\\\", "\\")
    return part, "", ""
