"""``eso template --references``: what the templates of an object read, without any data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from returns.result import Failure, Result, Success

from eso_core.compat.text import to_bytes
from eso_core.failure import InvalidSpec
from eso_core.refs import SECRET, Kind
from eso_core.stages.templates import TEMPLATE, Fault, Spot, template_spots
from eso_core.template import TemplateError, compile_template
from eso_core.template.references import References
from eso_core.template.target import TargetError
from eso_shell.cli.show import BOLD, YELLOW, Paint, printable
from eso_shell.cli.template_inputs import Templated

SCHEMA = "eso-template-references/1"


@dataclass(frozen=True, slots=True)
class Read:
    """What one object's templates read, and which of them cannot be read or found."""

    found: tuple[tuple[Spot, References], ...]
    faults: tuple[Fault, ...]


def references_of(one: Templated, kind: Kind, delimiters: tuple[str, str]) -> Read:
    """What the templates of ``one``, whose target is of this kind, read of their data."""
    template = one.es.spec.target.template
    version = template.engine_version if template is not None else ""
    found: list[tuple[Spot, References]] = []
    faults: list[Fault] = []
    for spot in template_spots(one.es, kind, one.world):
        match spot.bind(lambda place: _references(place, version, delimiters)):
            case Success(read):
                found.append(read)
            case failed:
                faults.append(failed.failure())
    return Read(tuple(found), tuple(faults))


def _references(spot: Spot, version: str, delimiters: tuple[str, str]) -> Result[tuple[Spot, References], Fault]:
    match _read(spot, version, delimiters):
        case Success(references):
            return Success((spot, references))
        case failed:
            cause = failed.failure()
            error = TargetError(cause.stage, cause.public, cause.full, cause)
            return Failure(Fault(InvalidSpec(cause.public, spot.path), spot.path, spot, error))


def _read(spot: Spot, version: str, delimiters: tuple[str, str]) -> Result[References, TemplateError]:
    """Of a Jinja2 template no more is known than that it can be read."""
    if version == "jinja2":
        from eso_core.template.jinja import compile_jinja

        return compile_jinja(spot.key, spot.text).map(lambda _: References((), True, (), {}))
    left, right = map(to_bytes, delimiters)
    return compile_template(spot.key, spot.text, left=left, right=right).map(lambda template: template.references)


def never_produced(one: Templated, read: Read) -> Iterator[tuple[str, Spot]]:
    """Each key that a template reads and the object never has, with the template."""
    if one.produced is not None:
        for spot, references in read.found:
            yield from ((key, spot) for key in references.keys if key not in one.produced)


def document(reads: Sequence[tuple[Templated, Kind, Read]]) -> dict[str, Any]:
    """For programs."""
    return {"schema": SCHEMA, "objects": [_object(*read) for read in reads]}


def _object(one: Templated, kind: Kind, read: Read) -> dict[str, Any]:
    return {
        "object": one.name,
        "where": one.where,
        "templates": [
            {
                "path": _shown(one, spot.path),
                "from": spot.origin,
                "renderedTwice": _is_twice(spot, kind),
                "keys": [_key(key, references, one.produced) for key in references.keys],
                "whole": references.whole,
                "functions": list(references.functions),
            }
            for spot, references in read.found
        ],
        "neverProduced": sorted({key for key, _ in never_produced(one, read)}),
        "faults": [{"path": _shown(one, fault.path), "message": fault.failure.what} for fault in read.faults],
    }


def _key(key: str, references: References, produced: frozenset[str] | None) -> Mapping[str, Any]:
    places = [{"line": place.line, "column": place.column} for place in references.places[key]]
    return {"name": key, "places": places, "produced": None if produced is None else key in produced}


def _shown(one: Templated, path: str) -> str:
    return path.replace(TEMPLATE, one.path, 1)


def _is_twice(spot: Spot, kind: Kind) -> bool:
    """What it gives is itself a template, of which nothing is known here."""
    return kind != SECRET and spot.origin in ("configMap", "secret")


def lines(one: Templated, kind: Kind, read: Read, paint: Paint) -> Iterator[str]:
    """For a person."""
    yield paint(BOLD, printable(one.name))
    if not read.found and not read.faults:
        yield "  no templates"
    for spot, references in read.found:
        yield f"  {printable(_shown(one, spot.path))}" + (f" ({printable(spot.key)})" if spot.origin in ("configMap", "secret") else "")
        keys = (*references.keys, *(("the whole data",) if references.whole else ()))
        yield f"    reads      {printable(', '.join(keys)) or 'nothing'}"
        if references.functions:
            yield f"    functions  {printable(', '.join(references.functions))}"
        if _is_twice(spot, kind):
            yield "    what it gives is rendered again, and may read more"
    for key, spot in never_produced(one, read):
        yield paint(YELLOW, printable(f"  never produced: {key}, which {_shown(one, spot.path)} reads"))
