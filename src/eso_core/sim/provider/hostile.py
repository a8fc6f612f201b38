"""Checks of keys that are meant to break out of a request."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from eso_core.door import Find, Found, Get
from eso_core.sim.provider.bench import CANARY, Bench, Told, Unmet, demand, expect, said
from eso_core.sim.provider.case import Case
from eso_core.wire import HttpCall

PRINTED: Final = re.compile(r"[!-~]*")
KEYS: Final = (
    "",
    " ",
    "/",
    "//",
    ".",
    "..",
    "../x",
    "../../../../v1/other",
    "x/../../y",
    "a/b",
    "a//b",
    "/a",
    "a/",
    "?intruder=1",
    "x?intruder=1&y=2",
    "&intruder=1",
    "#fragment",
    "%2e%2e",
    "%2e%2e%2fx",
    "%00",
    "a b",
    "a\tb\r\nX-Intruder: 1",
    "nul\0byte",
    "ünïcødé",
    "💥",
    "@evil.example.com",
    "//evil.example.com/x",
    "https://evil.example.com/x",
    "x" * 10_240,
    "{{ .evil }}",
    "$(evil)",
    "'\"><",
    "\\..\\x",
    "*",
)


def hostile_keys_stay_inside(case: Case) -> None:
    """A key stays a key: it does not change where a request goes, adds no parameter, climbs no path, and finds nothing."""
    bench = Bench(case)
    hosts, parameters = _usual(bench)
    for key in KEYS:
        for query in (Get(key=key), Get(key=key, version=key), Get(key=case.key(case.names[0]), version=key)):
            _survived(bench, query, key, hosts, parameters)


def _survived(bench: Bench, query: Get, key: str, hosts: set[tuple[str, str]], parameters: set[str]) -> None:
    told = _told(bench, query, key)
    answer = told.result[query]
    ignored = query.key != key and not bench.case.versions  # a version, where there are none
    expect(not isinstance(answer, Found) or ignored or key == "", f"key {key[:30]!r} gives {said(answer)}")
    for call, _ in told.calls:
        if isinstance(call, HttpCall):
            _stays(call, key, hosts, parameters)


def _told(bench: Bench, query: Get, key: str) -> Told:
    try:
        return bench.fetch(query)
    except Unmet as unmet:
        raise Unmet(f"key {key[:30]!r}: {unmet}") from None


def _stays(call: HttpCall, key: str, hosts: set[tuple[str, str]], parameters: set[str]) -> None:
    what = f"key {key[:30]!r}"
    expect(PRINTED.fullmatch(call.url), f"{what}: a URL has characters that have to be escaped")
    url = urlsplit(call.url)
    expect((url.scheme, url.netloc) in hosts, f"{what} sends a request to {url.netloc[:40]}")
    expect(not url.fragment and "#" not in call.url, f"{what} makes a fragment")
    expect("intruder" not in {name for name, _ in parse_qsl(url.query, keep_blank_values=True)} - parameters, f"{what} adds a parameter")
    expect(not any(_climbs(part) for part in url.path.split("/")), f"{what} climbs in {url.path[:60]}")
    for name, value in call.headers.items():
        expect(not any(char in "\r\n\0" for char in name + value), f"{what} ends a header")


def _climbs(part: str) -> bool:
    return part in (".", "..") or unquote(part) in (".", "..")


def _usual(bench: Bench) -> tuple[set[tuple[str, str]], set[str]]:
    """Where requests go, and the parameters that they have, when keys are good."""
    hosts: set[tuple[str, str]] = set()
    parameters: set[str] = set()
    for name in bench.case.names:
        for call, _ in bench.fetch(bench.get(name)).calls:
            if isinstance(call, HttpCall):
                url: SplitResult = urlsplit(call.url)
                hosts.add((url.scheme, url.netloc))
                parameters |= {parameter for parameter, _ in parse_qsl(url.query, keep_blank_values=True)}
    return hosts, parameters


def hostile_properties_are_survived(case: Case) -> None:
    """Any text may be a property; what is found is a value or nothing."""
    bench = Bench(case)
    answer = bench.one(bench.get(case.names[0]))
    expect(isinstance(answer, Found), f"{case.names[0]} is {said(answer)}")
    if isinstance(answer, Found):
        for prop in (*KEYS, "#", "#.a", "a.#(b==1)", "@this", "@reverse", "a|b", "[" * 1_000, "." * 1_000, "*" * 100):
            bench.read(answer, prop)
            bench.unseen(case.provider.dialect.entries(answer.payload, prop))


def hostile_finds_are_survived(case: Case) -> None:
    """Any text may be an expression, a path or a tag."""
    bench = Bench(case)
    hosts, parameters = _usual(bench)
    for text in KEYS:
        for query in (Find(name=text), Find(path=text), Find(name=".", path=text), Find(tags=((text, text),)), Find()):
            for call, _ in bench.fetch(query).calls:
                if isinstance(call, HttpCall) and hosts:
                    _stays(call, text, hosts, parameters | {"intruder"} if query.tags else parameters)


def hostile_push_keys_are_survived(case: Case) -> None:
    """A remote key of a push stays a key, too."""
    demand(case.provider.push, "no pushes")
    bench = Bench(case)
    hosts, parameters = _usual(bench)
    for key in KEYS:
        for told in _commands(bench, key):
            for call, _ in told.calls:
                if isinstance(call, HttpCall) and hosts:
                    _stays(call, key, hosts, parameters)


def _commands(bench: Bench, key: str) -> list[Told]:
    push = replace(bench.push_of(bench.case.push_new, {"value": CANARY.encode()}), key=key)
    told = [bench.push(push), bench.push(replace(push, property=key or "x"))]
    if bench.case.provider.delete is not None:
        told.append(bench.delete(key=key))
    if bench.case.provider.exists is not None:
        told.append(bench.exists(key=key))
    return told
