"""What is fuzzed: from any bytes to a run of the code, which must end well and soon."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping

from returns.result import Failure, Result

from eso_core.compat import gourl, goyaml, layouts, timeparse
from eso_core.compat.regexp import compile_pattern
from eso_core.template import Ambient, Meter, TemplateError
from eso_core.template.constraints import parse_constraints, satisfies
from eso_core.template.engine import _compiled
from eso_core.template.errors import FunctionError
from eso_core.template.functions.regex import TABLE as REGEX
from eso_core.template.limits import TEXT_MAX
from eso_core.template.semver import parse_version
from tests.template_chance import SeededChance

NOW_NS = 1_781_524_830 * 10**9
CUT = b"\n=====\n"  # between a template and the values of its data, which have these names
NAMES = (b"a", b"b", b"c", b"d")
DELIMITERS = ((b"{{", b"}}"), (b"[[", b"]]"), (b"<%", b"%>"), (b"-", b"a"))


class TooSlow(AssertionError):
    """One input took more than its share."""


def template(raw: bytes) -> None:
    """The first byte chooses delimiters and what a missing key is."""
    mode = raw[0] if raw else 0
    text, *values = raw[1:].split(CUT)
    left, right = DELIMITERS[mode >> 1 & 3]
    compiled = _compiled("fuzz", text[:TEXT_MAX], left, right, bool(mode & 1))
    if isinstance(compiled, Failure):
        _checked(compiled.failure())
        return
    made = compiled.unwrap()
    made.references  # noqa: B018
    for body in made.tree.bodies.values():
        str(body)
    data = dict(zip(NAMES, values, strict=False))
    result: Result[bytes, TemplateError] = made.execute(data, Ambient(NOW_NS, SeededChance(), Meter()))
    if isinstance(result, Failure):
        _checked(result.failure())
    else:
        assert type(result.unwrap()) is bytes


def _checked(error: TemplateError) -> None:
    assert type(error) is TemplateError
    assert error.public
    assert error.full.encode("utf-8", "surrogateescape")
    assert error.line >= 0


def _yaml(raw: bytes) -> None:
    loaded = goyaml.load(raw)
    if not isinstance(loaded, Failure):
        goyaml.dump(loaded.unwrap())
    goyaml.load_strings(raw)


def _time(raw: bytes) -> None:
    layout, _, value = raw.partition(b"\n")
    timeparse.parse(layout, value)
    layouts.elements(layout)


def _regexp(raw: bytes) -> None:
    pattern, _, rest = raw.partition(b"\n")
    text, _, replacement = rest.partition(b"\n")
    compile_pattern(pattern.decode("utf-8", "replace"))
    ambient = Ambient(NOW_NS, SeededChance(), Meter())
    for name, args in (
        ("mustRegexFindAll", (pattern, text, -1)),
        ("mustRegexReplaceAll", (pattern, text, replacement)),
        ("mustRegexSplit", (pattern, text, 5)),
    ):
        try:
            REGEX[name].call(ambient, *args)
        except FunctionError:
            return


def _url(raw: bytes) -> None:
    parsed = gourl.parse_url(raw)
    if not isinstance(parsed, Failure):
        gourl.parse_url(parsed.unwrap().text())
        parsed.unwrap().hostname()


def _versions(raw: bytes) -> None:
    constraint, _, version = raw.partition(b"\n")
    with contextlib.suppress(FunctionError):
        satisfies(parse_version(version), parse_constraints(constraint))


READERS: Mapping[bytes, Callable[[bytes], None]] = {b"y": _yaml, b"t": _time, b"r": _regexp, b"u": _url, b"v": _versions}


def readers(raw: bytes) -> None:
    """The first byte chooses what reads the rest."""
    chosen = READERS.get(raw[:1])
    if chosen is None:
        chosen = tuple(READERS.values())[(raw[0] if raw else 0) % len(READERS)]
    chosen(raw[1:])


TARGETS: Mapping[str, Callable[[bytes], None]] = {"template": template, "readers": readers}


def timed(target: Callable[[bytes], None], raw: bytes, seconds: float) -> float:
    """CPU seconds of a run; :class:`TooSlow` above ``seconds``, if it is so three times."""
    least = float("inf")
    for _ in range(3):
        before = time.process_time()
        target(raw)
        least = min(least, time.process_time() - before)
        if least <= seconds:
            return least
    raise TooSlow(f"{least:.3f} s of CPU for {len(raw)} bytes")
