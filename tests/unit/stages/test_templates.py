"""What the templates of an ExternalSecret give, and in which order."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from returns.result import Failure as Bad
from returns.result import Success

from eso_core.effect import Gone, Present, Readable, Seen, Unreadable, Whole, World
from eso_core.failure import InvalidSpec, Missing, Refused, describe
from eso_core.refs import CONFIG_MAP, SECRET, Kind, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.due import version_of
from eso_core.stages.templates import (
    Fault,
    Spot,
    evaluate_templates,
    evaluations,
    takes_long,
    template_sources,
    template_spots,
    transformer,
)
from eso_core.template import TemplateError
from eso_core.template import engine as go_engine
from eso_core.template.jinja import engine as jinja_engine
from eso_core.template.limits import TEXT_MAX
from eso_core.template.target import Entries, Piece, Structure
from tests.unit.core.objects import NS, ambient, es_of, pieces_of

LARGE = '{{ repeat 30000 "a: [b, c]\\n" }}'
VALUES = {"user": SecretBytes(b"ada"), "raw": SecretBytes(b"\xff\x00")}
MAP = Whole(Ref(CONFIG_MAP, NS, "cm"), 1)
BOX = Whole(Ref(SECRET, NS, "box"), 1)
WIDGET = Kind("example.com", "v1", "Widget", "widgets", namespaced=True)


def config_map(**data: str) -> dict[Readable, Seen]:
    return {MAP: Present(json.dumps({"data": data}).encode())}


def secret(**data: bytes) -> dict[Readable, Seen]:
    return {BOX: Present(json.dumps({"data": {key: base64.b64encode(value).decode() for key, value in data.items()}}).encode())}


def pieces(template: dict[str, Any], seen: dict[Readable, Seen] | None = None, kind: Kind = SECRET) -> tuple[Piece, ...]:
    return pieces_of(es_of(target={"template": template}), kind, VALUES, World(seen or {})).unwrap()


def fault(template: dict[str, Any], seen: dict[Readable, Seen] | None = None) -> object:
    found = pieces_of(es_of(target={"template": template}), SECRET, VALUES, World(seen or {}))
    assert isinstance(found, Bad)
    return found.failure()


def flat(found: tuple[Piece, ...]) -> list[tuple[str, Any]]:
    return [(p.target.lower(), dict(p.values) if isinstance(p, Entries) else p.value) for p in found]


def items(name: str, *keys: str, **more: str) -> dict[str, Any]:
    return {"name": name, "items": [{"key": key, **more} for key in keys]}


def test_no_template() -> None:
    assert pieces_of(es_of(), SECRET, VALUES) == Success(())


def test_order() -> None:
    """Reference: ``ApplyTemplate``, ``MergeTemplateFrom``."""
    template = {
        "metadata": {"labels": {"l": "{{ .user }}"}, "annotations": {"a": "{{ .user | upper }}"}},
        "data": {"b": "{{ .user }}!", "a": "{{ .raw }}"},
        "templateFrom": [
            {"literal": "x: 1", "secret": items("box", "s"), "configMap": items("cm", "m"), "target": "Data"},
            {"literal": "m: {{ .user }}", "target": "Labels"},
        ],
    }
    found = pieces(template, config_map(m="from map {{ .user }}") | secret(s=b"from secret {{ .user }}"))
    assert flat(found) == [
        ("data", {"m": b"from map ada"}),
        ("data", {"s": b"from secret ada"}),
        ("data", {"x": b"1"}),
        ("labels", {"m": b"ada"}),
        ("data", {"a": b"\xff\x00"}),
        ("data", {"b": b"ada!"}),
        ("labels", {"l": b"ada"}),
        ("annotations", {"a": b"ADA"}),
    ]


def test_keys_and_values() -> None:
    template = {"templateFrom": [{"configMap": items("cm", "kv", templateAs="KeysAndValues")}]}
    assert flat(pieces(template, config_map(kv="{{ .user }}: v\nz: true"))) == [("data", {"ada": b"v", "z": b"true"})]


def test_values_are_decoded() -> None:
    template = {"templateFrom": [{"literal": "k: aGk=", "valuesDecodingStrategy": "Base64"}]}
    assert flat(pieces(template)) == [("data", {"k": b"hi"})]


def test_a_manifest() -> None:
    """Reference: ``renderTemplatedManifest``: a literal comes first, other texts are rendered twice, metadata is as it is."""
    template = {
        "metadata": {"labels": {"l": "{{ .user }}"}},
        "data": {"d": "{{ .user }}"},
        "templateFrom": [{"literal": "a: 1", "configMap": items("cm", "twice"), "target": "Data"}],
    }
    found = pieces(template, config_map(twice='{{ "{{ .user }}" }}!'), WIDGET)
    assert flat(found) == [("data", {"a": b"1"}), ("data", {"twice": b"ada!"}), ("data", {"d": b"ada"})]


@pytest.mark.parametrize(
    ("template", "path", "text"),
    [
        ({"data": {"t": "{{ .absent }}"}}, "data.t", 'map has no entry for key "absent"'),
        ({"data": {"t": "{{ .user"}}, "data.t", "unclosed action"),
        ({"metadata": {"labels": {"t": "{{ nope }}"}}}, "metadata.labels.t", 'function "nope" not defined'),
        ({"metadata": {"annotations": {"t": "{{ nope }}"}}}, "metadata.annotations.t", 'function "nope" not defined'),
        ({"templateFrom": [{"literal": "a: ["}]}, "templateFrom[0].literal", "could not unmarshal template"),
        ({"templateFrom": [{"literal": "a: b"}, {"configMap": items("cm", "bad")}]}, "templateFrom[1].configMap.items[0]", "unclosed"),
    ],
)
def test_faults_name_their_place(template: dict[str, Any], path: str, text: str) -> None:
    found = fault(template, config_map(bad="{{ .user"))
    assert isinstance(found, InvalidSpec)
    assert found.path == f"spec.target.template.{path}"
    assert text in found.what


def test_sources_that_are_not_there() -> None:
    of_map, of_box = {"templateFrom": [{"configMap": items("cm", "k")}]}, {"templateFrom": [{"secret": items("box", "k")}]}
    assert fault(of_map, {MAP: Gone()}) == Missing('error fetching templateFrom data: configmaps "cm" not found')
    assert fault(of_map, config_map()) == Missing("error in configmap cm: missing key k")
    assert fault(of_box, secret()) == Missing("error in secret box: missing key k")
    assert fault(of_box, {BOX: Unreadable(Refused("no"))}) == Refused("no")


def test_data_never_shows_in_a_fault() -> None:
    found = fault({"data": {"t": "{{ fail .user }}", "u": "{{ .user }}"}})
    assert "ada" not in repr(found)


def test_sources() -> None:
    template = {
        "templateFrom": [{"configMap": items("cm", "a"), "secret": items("box", "b")}, {"configMap": items("cm", "c")}, {"literal": "x"}]
    }
    assert template_sources(es_of(target={"template": template})) == (MAP, BOX)
    assert template_sources(es_of()) == ()


def test_how_old_a_source_may_be() -> None:
    """An object that was edited since it was synced may have been edited together with its source."""
    target = {"template": {"templateFrom": [{"configMap": items("cm", "a")}]}}
    synced = version_of(es_of(target=target))
    assert [place.age_s for place in template_sources(es_of(target=target))] == [1]
    assert [place.age_s for place in template_sources(es_of(target=target, status={"syncedResourceVersion": synced}))] == [10]
    assert [place.age_s for place in template_sources(es_of(target=target, status={"syncedResourceVersion": "other"}))] == [0]


def test_a_template_that_is_kept_in_a_secret_is_not_quoted() -> None:
    of_box = {"templateFrom": [{"secret": items("box", "k")}]}
    for text in (b'{{ "s3cr3t" | fail }}', b"\n{{ s3cr3t }}", b"{{ .s3cr3t }}"):
        found = fault(of_box, secret(k=text))
        assert isinstance(found, InvalidSpec)
        assert "s3cr3t" not in found.what
        assert f"line {1 + text.count(bytes([10]))}: " in found.what


def test_delimiters() -> None:
    es = es_of(target={"template": {"data": {"k": "<< .user >>{{ .user }}"}}})
    [piece] = evaluate_templates(es, SECRET, VALUES, World({}), ambient(), ("<<", ">>")).unwrap()
    assert isinstance(piece, Entries)
    assert dict(piece.values) == {"k": b"ada{{ .user }}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{{ genPrivateKey }}", True), ('{{ .a | pkcs12key }}{{ "" }}', True), ("{{ htpasswd 1 }}", True), ("{{ .a }}", False)],
)
def test_what_takes_long(text: str, expected: bool) -> None:
    """Wherever the text stands."""
    literal, transform = [{"literal": text}], [{"extract": {"key": "k"}, "rewrite": [{"transform": {"template": text}}]}]
    source = {"templateFrom": [{"configMap": items("cm", "t")}]}
    assert takes_long(es_of(target={"template": {"data": {"k": text}}}), World({})) is expected
    assert takes_long(es_of(target={"template": {"metadata": {"labels": {"k": text}}}}), World({})) is expected
    assert takes_long(es_of(target={"template": {"metadata": {"annotations": {"k": text}}}}), World({})) is expected
    assert takes_long(es_of(target={"template": {"templateFrom": literal}}), World({})) is expected
    assert takes_long(es_of(target={"template": source}), World(config_map(t=text))) is expected
    assert takes_long(es_of(spec={"dataFrom": transform}), World({})) is expected
    assert not takes_long(es_of(target={"template": source}), World({MAP: Gone()}))
    assert takes_long(es_of(target={"template": {"engineVersion": "jinja2"}}), World({}))


def test_transform() -> None:
    rename = transformer(ambient())("{{ .value | upper }}{{ .absent }}").unwrap()
    assert rename("a") == Success("A<no value>")
    assert isinstance(transformer(ambient())("{{"), Bad)
    assert isinstance(transformer(ambient())("{{ fail .value }}").unwrap()("a"), Bad)


def test_a_structure_at_a_path() -> None:
    template = {"templateFrom": [{"literal": "a: {{ .user }}", "target": "spec.inner"}]}
    assert pieces(template, kind=WIDGET) == (Structure("spec.inner", {"a": "ada"}),)


# ---------------------------------------------------------------- what is not shown


def of(template: dict[str, Any], seen: dict[Readable, Seen] | None = None, kind: Kind = SECRET) -> list[Fault]:
    """Every fault of a template."""
    made = evaluations(es_of(target={"template": template}), kind, VALUES, World(seen or {}), ambient(), ("{{", "}}"))
    return [found.failure() for found in made if isinstance(found, Bad)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\n{{", "unable to parse template at key k: line 2: it is kept in a Secret, so the error is not shown"),
        (b"{{ .nope }}", "unable to execute template at key k: line 1: it is kept in a Secret, so the error is not shown"),
        (b"", "unable to execute template at key k: it is kept in a Secret, so the error is not shown"),
    ],
)
def test_what_is_said_of_a_template_that_is_kept_in_a_secret(text: bytes, said: str) -> None:
    if not text:
        text = b"x" * (TEXT_MAX + 1)  # of which no line is told
        said = said.replace("execute", "parse")
    assert fault({"templateFrom": [{"secret": items("box", "k")}]}, secret(k=text)) == InvalidSpec(
        said, "spec.target.template.templateFrom[0].secret.items[0]"
    )


def test_what_is_said_of_a_template_that_was_made_of_values() -> None:
    template = {"templateFrom": [{"configMap": items("cm", "k"), "target": "Data"}]}
    [found] = of(template, config_map(k='{{ "{{ ada" }}'), WIDGET)
    said = "unable to parse template at key k: line 1: it was made of values, so the error is not shown"
    assert found.failure == InvalidSpec(said, "spec.target.template.templateFrom[0]")


def test_a_fault_of_another_sort_is_told() -> None:
    """It is about what a template gave, and quotes none of it."""
    found = fault({"templateFrom": [{"secret": items("box", "k", templateAs="KeysAndValues")}]}, secret(k=b"a: ["))
    assert isinstance(found, InvalidSpec)
    assert found.what.startswith("could not unmarshal template to 'map[string][]byte'")


# ---------------------------------------------------------------- where templates stand


def test_places() -> None:
    template = {
        "data": {"d": "1"},
        "metadata": {"labels": {"l": "2"}},
        "templateFrom": [{"configMap": items("cm", "m"), "secret": items("box", "s"), "literal": "4", "target": "Labels"}],
    }
    world = World(config_map(m="m") | secret(s=b"s\xff"))
    found = [spot.unwrap() for spot in template_spots(es_of(target={"template": template}), SECRET, world)]
    of_entry = "spec.target.template.templateFrom[0]"
    assert found == [
        Spot(f"{of_entry}.configMap.items[0]", "m", b"m", "configMap", "Values", "Labels"),
        Spot(f"{of_entry}.secret.items[0]", "s", b"s\xff", "secret", "Values", "Labels"),
        Spot(f"{of_entry}.literal", "literal", b"4", "object", "KeysAndValues", "Labels"),
        Spot("spec.target.template.data.d", "d", b"1"),
        Spot("spec.target.template.metadata.labels.l", "l", b"2", target="labels"),
    ]
    other = [spot.unwrap().key for spot in template_spots(es_of(target={"template": template}), WIDGET, world)]
    assert other == ["literal", "m", "s", "d"]


def test_what_takes_long_in_bytes_that_are_no_text() -> None:
    source = {"templateFrom": [{"secret": items("box", "s")}]}
    assert takes_long(es_of(target={"template": source}), World(secret(s=b"\xff{{ genCA }}")))
    for name in (
        "genSelfSignedCert",
        "genSignedCertWithKey",
        "bcrypt",
        "derivePassword",
        "rsaDecrypt",
        "pemToPkcs12",
        "pemTruststoreToPKCS12",
    ):
        assert takes_long(es_of(target={"template": {"data": {"k": f"{{{{ {name} }}}}"}}}), World({})), name


@pytest.mark.parametrize("data", [b"null", b"[]", b'{"k": 1}'])
def test_a_source_of_another_shape(data: bytes) -> None:
    assert fault({"templateFrom": [{"configMap": items("cm", "k")}]}, {MAP: Present(b'{"data": ' + data + b"}")}) == Missing(
        "error in configmap cm: missing key k"
    )


def test_a_source_that_is_not_base64_is_empty() -> None:
    seen: dict[Readable, Seen] = {BOX: Present(b'{"data": {"k": "???"}}')}
    assert flat(pieces({"templateFrom": [{"secret": items("box", "k")}]}, seen)) == [("data", {"k": b""})]


# ---------------------------------------------------------------- one after the other


def test_every_template_is_tried() -> None:
    """For a command that shows all faults at once."""
    template = {"data": {"a": "{{", "b": "{{ .user }}", "c": "{{ .nope }}"}}
    assert [found.path.rpartition(".")[2] for found in of(template)] == ["a", "c"]


def test_nothing_is_rendered_again_where_a_source_has_failed() -> None:
    template = {"templateFrom": [{"configMap": items("cm", "good", "bad"), "target": "Data"}]}
    seen = config_map(good='{{ "{{ .nope }}" }}', bad="{{")
    assert [found.path for found in of(template, seen, WIDGET)] == ["spec.target.template.templateFrom[0].configMap.items[1]"]


def test_what_cannot_be_collected() -> None:
    template = {"templateFrom": [{"configMap": items("cm", "k"), "target": "metadata.labels[0]"}]}
    [found] = of(template, config_map(k="text"), WIDGET)
    assert found.path == "spec.target.template.templateFrom[0]"
    assert found.spot is None


def test_jinja2() -> None:
    assert flat(pieces({"engineVersion": "jinja2", "data": {"k": "{{ user | upper }}"}})) == [("data", {"k": b"ADA"})]


@pytest.mark.parametrize("entry", [{"literal": LARGE}, {"configMap": items("cm", "k"), "target": "spec.inner"}])
def test_yaml_is_paid_for(entry: dict[str, Any]) -> None:
    """It is read by Python code, so a large text of it would take long."""
    [found] = of({"templateFrom": [entry]}, config_map(k=LARGE), WIDGET)
    assert found.error is not None
    what = "what the template prints is too much YAML: the template does more work than is allowed"
    assert found.error.cause == TemplateError("exec", "", 0, -1, what, what, "limit")
    assert what in describe(found.failure)


@pytest.mark.parametrize("engine", ["v2", "jinja2"])
def test_a_text_that_may_hold_secrets_is_not_kept(engine: str) -> None:
    def asked() -> int:
        """How often a cache was."""
        found = [cached.cache_info() for _, cached in (*go_engine._CACHES, *jinja_engine._CACHES)]
        return sum(info.hits + info.misses for info in found)

    of_box = {"engineVersion": engine, "templateFrom": [{"secret": items("box", "k")}]}
    before = asked()
    assert flat(pieces(of_box, secret(k=b"s3cr3t of this test"))) == [("data", {"k": b"s3cr3t of this test"})]
    assert asked() == before
    pieces({"engineVersion": engine, "data": {"k": "any other text"}})
    assert asked() == before + 1
