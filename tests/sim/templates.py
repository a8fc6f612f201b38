"""Templates as people write them, each with what it gives, worked out in Python: nothing of the operator's engine is used.

A formula that needs a value that is not there raises a ``LookupError``, one that cannot make sense of it a ``ValueError`` or ``TypeError``:
the template has failed. One that draws something gives a pattern instead of a text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any, Literal

Values = Mapping[str, str]
Given = str | re.Pattern[str]
Sort = Literal["steady", "random", "long", "failing"]
Held = Mapping[str, "Formula | Lines"]  # what a ConfigMap has
FAILED = (LookupError, ValueError, TypeError)
EVERY = "*"  # a formula that reads all values
KEY = '{{ genPrivateKey "ed25519" | sha256sum | trunc 8 }}'
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
DATA, LABELS, ANNOTATIONS = ("t1", "t2", "k1"), ("tl",), ("ta",)  # the keys that templates of an object are for
LITERAL, MAPPED, ITEMS = ("l1", "m1", "t1"), ("m1", "m2"), ("v", "kv")
TEXTS = "texts"  # the name of the ConfigMap of each namespace
OWN = {*DATA, *LITERAL, *MAPPED, *ITEMS}  # all keys of data that templates fill


@dataclass(frozen=True, slots=True)
class Formula:
    """One template, of the values that it ``reads``."""

    text: str
    reads: tuple[str, ...] = ()
    sort: Sort = "steady"
    make: Callable[[Values], Given] = field(default=lambda _: "", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Lines:
    """A template that makes a YAML map."""

    parts: tuple[tuple[str, Formula], ...]

    @property
    def text(self) -> str:
        """No value has a quote in it."""
        return "\n".join(f"{key}: '{formula.text}'" for key, formula in self.parts)


Spot = tuple[str, str, Formula]  # target, key, and what stands there


@dataclass(frozen=True, slots=True)
class Layout:
    """``spec.target.template``. ``items``: those of the ConfigMap."""

    data: tuple[tuple[str, Formula], ...] = ()
    merge: bool = False
    labels: tuple[tuple[str, Formula], ...] = ()
    annotations: tuple[tuple[str, Formula], ...] = ()
    items: tuple[str, ...] = ()
    literal: Lines | None = None
    literal_target: str = "Data"

    @property
    def replaces(self) -> bool:
        """The values of the provider are not in the target."""
        return not self.merge and bool(self.data or self.items or self.literal)

    def manifest(self) -> dict[str, Any]:
        """Complete enough to be merged over any other: what it has not is null."""
        sources: list[dict[str, Any]] = []
        if self.items:
            items = [{"key": item, "templateAs": "KeysAndValues" if item == "kv" else "Values"} for item in self.items]
            sources.append({"configMap": {"name": TEXTS, "items": items}})
        if self.literal is not None:
            sources.append({"literal": self.literal.text, "target": self.literal_target})
        metadata = {"labels": _texts(LABELS, self.labels), "annotations": _texts(ANNOTATIONS, self.annotations)}
        policy = "Merge" if self.merge else "Replace"
        return {"mergePolicy": policy, "metadata": metadata, "data": _texts(DATA, self.data), "templateFrom": sources}

    def spots(self, held: Held | None) -> list[Spot] | None:
        """All formulas, the later ones over the earlier; ``None``: the ConfigMap does not have what is asked for."""
        found: list[Spot] = []
        for item in self.items:
            given = held.get(item) if held is not None else None
            if given is None:
                return None
            found += [("Data", key, formula) for key, formula in given.parts] if isinstance(given, Lines) else [("Data", item, given)]
        found += [(self.literal_target, key, formula) for key, formula in self.literal.parts] if self.literal is not None else []
        found += [("Data", key, formula) for key, formula in sorted(self.data)]
        found += [("Labels", key, formula) for key, formula in self.labels]
        return found + [("Annotations", key, formula) for key, formula in self.annotations]

    def has(self, sort: Sort, texts: Texts) -> bool:
        """A formula of this sort is, or was once, among its own."""
        own = [*self.data, *self.labels, *self.annotations, *(self.literal.parts if self.literal is not None else ())]
        return any(formula.sort == sort for _, formula in own) or any(
            formula.sort == sort for held in (texts.past if self.items else ()) for _, _, formula in self.spots(held) or ()
        )


@dataclass(slots=True)
class Texts:
    """The ConfigMap of a namespace. ``past``: every state that it ever had, ``None`` for absent, the present one last."""

    namespace: str
    held: Held | None = None
    past: list[Held | None] = field(default_factory=lambda: [None])

    def put(self, held: Held | None) -> None:
        """From now on."""
        self.held = held
        self.past.append(held)

    def manifest(self) -> dict[str, Any]:
        """Complete enough to be merged over any other."""
        held = self.held or {}
        data = {item: held[item].text if item in held else None for item in ITEMS}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": TEXTS, "namespace": self.namespace}, "data": data}


Made = dict[str, dict[str, Given]]  # by target


def made(layout: Layout, held: Held | None, values: Values) -> Made | None:
    """What the target holds beside its marks; ``None``: a template fails."""
    found: Made = {"Data": {} if layout.replaces else dict(values), "Labels": {}, "Annotations": {}}
    spots = layout.spots(held)
    if spots is None:
        return None
    try:
        for target, key, formula in spots:
            found[target][key] = formula.make(values)
    except FAILED:
        return None
    return found


def agrees(text: str | None, given: Given) -> bool:
    """``text`` is what was to be given."""
    if text is None:
        return False
    return text == given if isinstance(given, str) else given.fullmatch(text) is not None


def explains(formula: Formula, possible: Mapping[str, list[str | None]], text: str) -> bool:
    """Some mix of the values that there may have been gives ``text``; ``None`` among them: the value was not there."""
    for chosen in product(*(possible.get(key, [None]) for key in formula.reads)):
        values = {key: value for key, value in zip(formula.reads, chosen, strict=True) if value is not None}
        try:
            if agrees(text, formula.make(values)):
                return True
        except FAILED:
            continue
    return False


def unrolled(text: str) -> dict[str, str]:
    """The values of which the formula that reads every one has made ``text``."""
    return dict(part.partition("=")[::2] for part in text.split(";") if part)


def _texts(keys: tuple[str, ...], formulas: tuple[tuple[str, Formula], ...]) -> dict[str, str | None]:
    there = {key: formula.text for key, formula in formulas}
    return {key: there.get(key) for key in keys}


# ---------------------------------------------------------------- formulas


def steady(random: Random, a: str, b: str) -> Formula:
    """One that gives the same for the same values ``a`` and ``b``, or fails when these are not there, or not such."""
    return random.choice(list(_steady(a, b)))


def _steady(a: str, b: str) -> Iterator[Formula]:
    yield Formula(f"{{{{ .{a} }}}}", (a,), make=lambda v: v[a])
    yield Formula(f"{{{{ .{a} }}}}-{{{{ .{b} | upper }}}}", (a, b), make=lambda v: f"{v[a]}-{v[b].upper()}")
    yield Formula(f"{{{{ .{a} | b64enc }}}}", (a,), make=lambda v: base64.b64encode(v[a].encode()).decode())
    yield Formula(f"{{{{ .{a} | sha256sum | trunc 8 }}}}", (a,), make=lambda v: _digest(v[a]))
    yield Formula(f"{{{{ (.{a} | fromJson).a }}}}", (a,), make=lambda v: _member(v[a]))
    yield Formula(f'{{{{ list .{a} .{b} | join "," }}}}', (a, b), make=lambda v: f"{v[a]},{v[b]}")
    text = f'{{{{ $x := .{a} }}}}{{{{ printf "%03d/%s" (len $x) $x }}}}'
    yield Formula(text, (a,), make=lambda v: f"{len(v[a]):03d}/{v[a]}")
    text = f'{{{{ if hasPrefix "CAN" .{a} }}}}text{{{{ else }}}}{{{{ .{a} | len }}}}{{{{ end }}}}'
    yield Formula(text, (a,), make=lambda v: "text" if v[a].startswith("CAN") else str(len(v[a])))
    yield from _tolerant(a, b)


def tolerant(random: Random, a: str, b: str) -> Formula:
    """One that gives something whatever there is."""
    return random.choice(list(_tolerant(a, b)))


def _tolerant(a: str, b: str) -> Iterator[Formula]:
    yield Formula("constant", make=lambda _: "constant")
    yield Formula(f'{{{{ index . "{a}" }}}}', (a,), make=lambda v: v.get(a, ""))
    text = f'{{{{- with index . "{b}" }}}}<{{{{ . }}}}>{{{{ else }}}}none{{{{ end -}}}}'
    yield Formula(text, (b,), make=lambda v: f"<{v[b]}>" if v.get(b) else "none")
    text = "{{ range $k, $v := . }}{{ $k }}={{ $v }};{{ end }}"
    yield Formula(text, (EVERY,), make=lambda v: "".join(f"{key}={v[key]};" for key in sorted(v)))


def random_one(random: Random, a: str) -> Formula:
    """One that gives something new each time."""
    return random.choice(
        (
            Formula("{{ randAlphaNum 12 }}", (), "random", lambda _: re.compile("[0-9A-Za-z]{12}")),
            Formula("{{ uuidv4 }}", (), "random", lambda _: re.compile(UUID)),
            Formula(f"{{{{ .{a} }}}}.{{{{ randNumeric 6 }}}}", (a,), "random", lambda v: re.compile(re.escape(v[a]) + r"\.[0-9]{6}")),
        )
    )


def long_one(a: str) -> Formula:
    """One that takes long."""
    return Formula(f'{{{{ index . "{a}" }}}}:{KEY}', (a,), "long", lambda v: re.compile(re.escape(v.get(a, "")) + ":[0-9a-f]{8}"))


def failing(random: Random, a: str) -> Formula:
    """One that always fails. The reference's errors tell the value in most cases."""
    texts = (
        f"{{{{ fail .{a} }}}}",
        f'{{{{ mustToDate "2006-01-02" .{a} }}}}',
        f'{{{{ urlParse (printf "%%zz%s" .{a}) }}}}',
        f"{{{{ .{a} ",
        f"{{{{ nosuch .{a} }}}}",
        "{{ .absent }}",
    )
    return Formula(random.choice(texts), (), "failing", _fails)


def tag(random: Random, a: str) -> Formula:
    """One that fits into a label, and tells nothing."""
    return random.choice(
        (
            Formula("team-a", make=lambda _: "team-a"),
            Formula(f'{{{{ index . "{a}" | sha256sum | trunc 8 }}}}', (a,), make=lambda v: _digest(v.get(a, ""))),
            Formula(f'{{{{ index . "{a}" | len }}}}', (a,), make=lambda v: str(len(v.get(a, "")))),
        )
    )


def _fails(_values: Values) -> Given:
    raise ValueError


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _member(text: str) -> str:
    found = json.loads(text)["a"]
    assert isinstance(found, str)
    return found
