"""``eso template``: what it prints, in each form and each manner, and the exit code."""

from __future__ import annotations

import base64
import io
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from eso_shell.cli.main import entry
from tests.unit.shell.offline import CANARY, Json, external_secret, secret

VALUES = ("--set", "user=ada", "--set", "password=geheim")
CM = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm", "namespace": "team"}}


class Eso:
    """Writes files, runs ``eso template``, and keeps what was said."""

    def __init__(self, folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self.folder, self._captured = folder, capfdbinary
        self.out, self.err = b"", ""

    def write(self, name: str, *contents: Any) -> str:
        (self.folder / name).write_text(contents[0] if isinstance(contents[0], str) else yaml.safe_dump_all(contents))
        return name

    def run(self, *args: str, code: int = 0) -> str:
        got = entry(["template", *args])
        self.out, err = self._captured.readouterr()
        self.err = err.decode()
        assert (got, self.err) == (code, self.err)
        return self.out.decode()

    def render(self, template: Json | None, *args: str, code: int = 0, more: tuple[Json, ...] = (), **spec: Any) -> str:
        target = {**({"template": template} if template is not None else {}), **spec}
        self.write("es.yaml", external_secret(target=target), *more)
        return self.run("-f", "es.yaml", *args, code=code)


@pytest.fixture
def eso(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Eso:
    monkeypatch.chdir(tmp_path)
    return Eso(tmp_path, capfdbinary)


def data(text: str) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in yaml.safe_load(text)["data"].items()}


class TestForms:
    TEMPLATE = {"type": "example.com/login", "metadata": {"labels": {"who": "{{ .user }}"}}, "data": {"b": "x", "a": "{{ .user }}"}}

    def test_yaml(self, eso: Eso) -> None:
        assert eso.render(self.TEMPLATE, *VALUES) == (
            "apiVersion: v1\ndata:\n  a: YWRh\n  b: eA==\nkind: Secret\n"
            "metadata:\n  labels:\n    who: ada\n  name: es\n  namespace: team\ntype: example.com/login\n"
        )

    def test_json(self, eso: Eso) -> None:
        made = json.loads(eso.render(self.TEMPLATE, *VALUES, "-o", "json"))
        assert made["data"] == {"a": "YWRh", "b": "eA=="}
        assert made["metadata"] == {"name": "es", "namespace": "team", "labels": {"who": "ada"}}

    def test_text(self, eso: Eso) -> None:
        template = {"data": {"one": "{{ .user }}", "more": "a\n\tb\n", "open": "a\nb", "none": "", "raw": "{{ .raw }}", "esc": "\x1b[1m"}}
        (eso.folder / "raw").write_bytes(b"\xff\x00")
        assert eso.render(template, *VALUES, "--set-file", "raw=raw", "--format", "text") == (
            "Secret team/es\n"
            "  data.esc: \\x1b[1m\n"
            "  data.more:\n    a\n        b\n"
            "  data.none: (empty)\n"
            "  data.one: ada\n"
            "  data.open:  (without a line break at its end)\n    a\n    b\n"
            "  data.raw: (2 bytes, not text: ff00)\n"
        )

    def test_several_objects(self, eso: Eso) -> None:
        eso.write("es.yaml", external_secret("one", target={"template": self.TEMPLATE}), external_secret("two"))
        assert [made["metadata"]["name"] for made in yaml.safe_load_all(eso.run("-f", "es.yaml", *VALUES))] == ["one", "two"]
        listed = json.loads(eso.run("-f", "es.yaml", *VALUES, "-o", "json"))
        assert (listed["kind"], len(listed["items"])) == ("List", 2)
        assert eso.run("-f", "es.yaml", *VALUES, "-o", "text").count("\n\n") == 1

    @pytest.mark.parametrize("name", ["two", "team/two"])
    def test_one_by_name(self, eso: Eso, name: str) -> None:
        eso.write("es.yaml", external_secret("one"), external_secret("two"))
        assert yaml.safe_load(eso.run("-f", "es.yaml", "--name", name))["metadata"]["name"] == "two"

    def test_a_target_that_is_no_secret(self, eso: Eso) -> None:
        template = {"templateFrom": [{"target": "spec.login", "literal": "user: {{ .user }}\nsize: 2"}]}
        text = eso.render(template, *VALUES, manifest={"apiVersion": "example.com/v1", "kind": "Widget"}, name="w")
        assert yaml.safe_load(text) == {
            "apiVersion": "example.com/v1",
            "kind": "Widget",
            "metadata": {"name": "w", "namespace": "team"},
            "spec": {"login": {"user": "ada", "size": 2}},
        }
        eso.run("-f", "es.yaml", *VALUES, "-o", "text")
        assert eso.out == b"Widget team/w\n  spec:\n    login:\n      size: 2\n      user: ada\n"

    def test_without_a_template(self, eso: Eso) -> None:
        assert data(eso.render(None, *VALUES)) == {"user": b"ada", "password": b"geheim"}

    def test_merge_policy(self, eso: Eso) -> None:
        assert data(eso.render({"mergePolicy": "Merge", "data": {"x": "v"}}, *VALUES)).keys() == {"user", "password", "x"}

    def test_delimiters(self, eso: Eso) -> None:
        flags = ("--template-left-delimiter", "<<", "--template-right-delimiter", ">>")
        assert data(eso.render({"data": {"x": "<< .user >>{{ .user }}"}}, *VALUES, *flags)) == {"x": b"ada{{ .user }}"}


class TestData:
    TEMPLATE = {"data": {"x": "{{ .a }}"}}

    def test_files(self, eso: Eso) -> None:
        eso.write("map.yaml", {"a": "text", "b": "2"})
        eso.write("map.json", '{"a": "json"}')
        eso.write("secret.yaml", {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "plain"}})
        assert data(eso.render(self.TEMPLATE, "-d", "map.yaml"))["x"] == b"text"
        assert data(eso.render(self.TEMPLATE, "-d", "map.yaml", "-d", "map.json"))["x"] == b"json"
        assert data(eso.render({"data": {"x": "{{ .a }}{{ .b }}"}}, "-d", "secret.yaml"))["x"] == b"xplain"
        assert data(eso.render(self.TEMPLATE, "-d", "map.yaml", "--set", "a=b=c"))["x"] == b"b=c"

    def test_standard_input(self, eso: Eso, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: in")))
        assert data(eso.render(self.TEMPLATE, "-d", "-"))["x"] == b"in"
        eso.run("-f", "es.yaml", "-d", "-", "--set-file", "b=-", code=2)
        assert "standard input can be read only once" in eso.err

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a: [", "file:2:1: did not find expected node content"),
            ("", "file: is empty"),
            ("- a", "file: is not a map of names to texts"),
            ("a: 1", "file: a: must be a text and is a number; write it in quotes"),
            ("a: true", "file: a: must be a text and is a boolean; write it in quotes"),
            ("a: {b: c}", "file: a: must be a text and is an object"),
            ("a: null", "file: a: must be a text and is null"),
            ("a: b\na: c", 'file:2:1: the key "a" stands twice'),
            ("a: b\n---\na: c", "file:3:1: more than one document"),
            (
                "{apiVersion: v1, kind: ConfigMap, data: {a: b}}",
                'file: is neither a map of names to texts nor a Secret: its kind is "ConfigMap"',
            ),
            ("{apiVersion: v1, kind: Secret, data: {a: '?'}}", "file: data.a: is not base64"),
            ("{apiVersion: v1, kind: Secret, data: [a]}", "file: data: is not a map of names to texts"),
        ],
    )
    def test_files_that_cannot_be_used(self, eso: Eso, text: str, said: str) -> None:
        eso.write("file", text)
        assert eso.render(self.TEMPLATE, "-d", "file", code=2) == ""
        assert eso.err.startswith(f"error: {said}")
        assert eso.err.count("\n") == 1

    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (("-d", "none"), "none: no such file or directory"),
            (("-d", "."), ".: is a directory"),
            (("-d", "a\0b"), "a\\x00b: is no path"),
            (("--set-file", "a=none"), "none: no such file or directory"),
            (("--set", "a"), "--set takes KEY=VALUE"),
            (("--set", "=a"), "--set takes KEY=VALUE"),
            (("--set-file", "a"), "--set-file takes KEY=FILE"),
            (("--set", "a=1", "--set", "a=2"), "--set a: the key is given twice"),
            (("--name", "other"), "es.yaml: no ExternalSecret of the name other"),
            (("--strict",), "--strict needs --references"),
            (("--references", "-o", "yaml"), "--references is told as text or json"),
            (("--source-secret-data-file", "x"), "--source-secret-data-file needs --source-templated-object"),
            (("--source-templated-object", "x"), "--source-templated-object takes the place of -f and --name"),
            (("-o", "toml"), "argument -o/--format: invalid choice: 'toml'"),
        ],
    )
    def test_misuse(self, eso: Eso, args: tuple[str, ...], said: str) -> None:
        assert eso.render(self.TEMPLATE, *args, code=2) == ""
        assert eso.err.startswith(f"error: {said}")

    def test_objects_that_cannot_be_used(self, eso: Eso) -> None:
        eso.write("es.yaml", external_secret(target={"template": {"data": ["a"]}}))
        eso.run("-f", "es.yaml", code=2)
        assert eso.err == "error: es.yaml:1:1: spec.target.template.data: must be an object\n"
        eso.write("es.yaml", external_secret(namespace=""), external_secret())
        text = (eso.folder / "es.yaml").read_text()
        eso.write("es.yaml", text.replace("namespace: team", "namespace: no"))
        eso.run("-f", "es.yaml", code=2)
        assert "metadata.namespace: must be a string" in eso.err
        eso.write("es.yaml", secret("a"))
        eso.run("-f", "es.yaml", code=2)
        assert eso.err == "error: es.yaml: no ExternalSecret\n"
        eso.run(code=2)
        assert "-f is required" in eso.err


class TestSources:
    SOURCES = {
        "templateFrom": [
            {"configMap": {"name": "cm", "items": [{"key": "m"}]}},
            {"secret": {"name": "box", "items": [{"key": "s"}]}},
        ]
    }

    def test_among_the_manifests(self, eso: Eso) -> None:
        more = ({**CM, "data": {"m": "M{{ .user }}"}}, secret("box", data={"s": "S{{ .user }}"}))
        assert data(eso.render(self.SOURCES, *VALUES, more=more)) == {"m": b"Mada", "s": b"Sada"}

    def test_not_among_them(self, eso: Eso) -> None:
        eso.render(self.SOURCES, *VALUES, code=1, more=({**CM, "data": {}},))
        assert "error in configmap cm: missing key m" in eso.err
        assert 'secrets "box" not found\n  give it with -f' in eso.err

    def test_a_line_of_a_secret_is_not_shown(self, eso: Eso) -> None:
        more = ({**CM, "data": {"m": ""}}, secret("box", data={"s": f"{CANARY} {{{{ .absent }}}}"}))
        eso.render(self.SOURCES, *VALUES, code=1, more=more)
        assert CANARY not in eso.err
        assert "line 1 of a text that is that of a Secret; --reveal shows it" in eso.err
        eso.run("-f", "es.yaml", *VALUES, "--reveal", code=1)
        assert CANARY in eso.err

    def test_a_text_that_was_made_of_values(self, eso: Eso) -> None:
        template = {"templateFrom": [{"configMap": {"name": "cm", "items": [{"key": "m"}]}}]}
        flags = ("--set", f"user={{{{ {CANARY.replace('-', '')} }}}}")
        eso.render(
            template, *flags, code=1, more=({**CM, "data": {"m": "{{ .user }}"}},), manifest={"apiVersion": "v1", "kind": "ConfigMap"}
        )
        assert "c4nary" not in eso.err
        assert "it was made of values, so the error is not shown" in eso.err
        eso.run("-f", "es.yaml", *flags, "--reveal", code=1)
        assert "c4nary" in eso.err


class TestFaults:
    def test_all_at_once(self, eso: Eso) -> None:
        template = {"data": {"a": "x\n{{ .usr }}", "b": "{{ .user | uper }}"}, "metadata": {"labels": {"c": "{{ .user "}}}
        assert eso.render(template, *VALUES, code=1) == ""
        assert eso.err == (
            "error: ExternalSecret team/es: spec.target.template.data.a (es.yaml:1:1)\n"
            '  map has no entry for key "usr"\n'
            "      2 | {{ .usr }}\n"
            "        |    ^\n"
            "  did you mean .user?\n"
            "  the data has password, user\n"
            "error: ExternalSecret team/es: spec.target.template.data.b (es.yaml:1:1)\n"
            '  function "uper" not defined\n'
            "      1 | {{ .user | uper }}\n"
            "        |            ^\n"
            "  did you mean upper or tuple?\n"
            "error: ExternalSecret team/es: spec.target.template.metadata.labels.c (es.yaml:1:1)\n"
            "  unclosed action\n"
            "      1 | {{ .user \n"
            "        | ^\n"
            "  every {{ needs a }}; a quote that is not closed hides it\n"
        )

    def test_what_can_be_rendered_is(self, eso: Eso) -> None:
        eso.write("es.yaml", external_secret("bad", target={"template": {"data": {"x": "{{"}}}), external_secret("good"))
        assert yaml.safe_load(eso.run("-f", "es.yaml", *VALUES, code=1))["metadata"]["name"] == "good"

    def test_data_is_shown_only_on_demand(self, eso: Eso) -> None:
        template = {"data": {"x": "{{ fail .user }}"}}
        eso.render(template, "--set", f"user={CANARY}", code=1)
        assert CANARY not in eso.err
        eso.run("-f", "es.yaml", "--set", f"user={CANARY}", "--reveal", code=1)
        assert CANARY in eso.err

    @pytest.mark.parametrize(
        ("text", "said", "under"),
        [
            ("{{ .a-b }}", 'read with index: {{ index . "my-key" }}', "-b }}"),
            ('{{ "a }}', "a text in quotes ends on its line", '"a }}'),
            ("{{ if .user }}\nx", "no {{ end }}", ""),
            ("x{{ end }}", "there is no if, range or with", "end }}"),
            ("{{ $x }}", "a variable is declared with :=", "$x }}"),
            ("{{ get . `x` }}", "which this function does not take", ". `x` }}"),
            ("{{ if eq .user 1 }}{{ end }}", "every value is a text", "eq .user 1 }}{{ end }}"),
            ("{{ .user.name }}", "read into it with fromJson", None),
            ("{{ include `a` . }}", "a function of Helm", "include `a` . }}"),
            ("{{ .Values.x }}", "an object of Helm", None),
            ("{{ env `HOME` }}", "left out on purpose", "env `HOME` }}"),
            ("{{ user }}", "a value is read with a dot: .user", "user }}"),
            ("{{ upper 1 2 }}", "a piped value is the last argument", "upper 1 2 }}"),
            ("{{/* x }}", "a comment ends with */}}", "{{/* x }}"),
            ("{{ `x` | repeat 9999999 }}", "the bounds are in docs/templates.md", None),
            ("{{ 'ab' }}", "single ones are for one character", None),
            ("{{ nothinglikeit }}", "", "nothinglikeit }}"),
        ],
    )
    def test_common_mistakes(self, eso: Eso, text: str, said: str, under: str | None) -> None:
        eso.render({"data": {"x": text}}, *VALUES, code=1)
        assert said in eso.err
        lines = eso.err.splitlines()
        marks = [number for number, line in enumerate(lines) if line.endswith("^")]
        if under is not None:
            [at] = marks
            assert lines[at - 1][lines[at].index("^") :] == under

    def test_yaml_that_is_none(self, eso: Eso) -> None:
        eso.render({"templateFrom": [{"literal": "a: [{{ .user }}"}]}, *VALUES, code=1)
        assert "could not unmarshal template" in eso.err
        assert "what the text gives is read as YAML" in eso.err
        eso.render({"templateFrom": [{"literal": "a: {{ .user }}", "valuesDecodingStrategy": "Base64"}]}, "--set", "user=abc", code=1)
        assert "valuesDecodingStrategy wants it" in eso.err

    def test_jinja2(self, eso: Eso) -> None:
        template = {"engineVersion": "jinja2", "data": {"a": "x\n{{ user | uper }}", "b": "{{ usr }}", "ok": "{{ user }}"}}
        eso.render(template, *VALUES, code=1)
        assert "2 | {{ user | uper }}\n        |           ^\n  did you mean upper or tuple?\n" in eso.err
        assert "1 | {{ usr }}\n        |    ^\n  did you mean user?\n  the data has password, user\n" in eso.err
        eso.run("-f", "es.yaml", "--references", code=1)
        assert "No filter named" in eso.err
        assert b"data.b\n    reads      the whole data" in eso.out

    def test_no_data(self, eso: Eso) -> None:
        eso.render({"data": {"x": "{{ .user }}"}}, code=1)
        assert "no data was given: -d FILE or --set KEY=VALUE" in eso.err

    def test_many_keys(self, eso: Eso) -> None:
        eso.write("many", {f"k{number:02}": "v" for number in range(30)})
        eso.render({"data": {"x": "{{ .zzz }}"}}, "-d", "many", code=1)
        assert "k18, k19 and 10 more" in eso.err

    def test_terminals_are_not_told_anything(self, eso: Eso) -> None:
        eso.render({"data": {"x": "\x1b[31m{{ .absent }}"}}, "--set", "\x1b[0m=x", code=1)
        assert "\x1b" not in eso.err


class TestOutput:
    def test_a_file(self, eso: Eso) -> None:
        assert eso.render({"data": {"x": "v"}}, "--output", "out") == ""
        assert data((eso.folder / "out").read_text()) == {"x": b"v"}
        assert stat.S_IMODE((eso.folder / "out").stat().st_mode) == 0o600

    def test_nothing_when_something_failed(self, eso: Eso) -> None:
        eso.render({"data": {"x": "{{"}}, "--output", "out", code=1)
        assert not (eso.folder / "out").exists()

    def test_a_file_that_cannot_be_written(self, eso: Eso) -> None:
        eso.render({"data": {"x": "v"}}, "--output", "none/out", code=2)
        assert eso.err == "error: none/out: no such file or directory\n"


class TestAsEsoctl:
    """Expected: what the reference's ``esoctl template`` prints for the same files."""

    TEMPLATE = {
        "engineVersion": "v2",
        "metadata": {"labels": {"l": "{{ .token }}"}},
        "data": {"token": "{{ .token | toString | upper }} was templated"},
        "templateFrom": [
            {"target": "Data", "configMap": {"name": "any", "items": [{"key": "a", "templateAs": "Values"}]}},
            {"target": "Data", "secret": {"name": "any", "items": [{"key": "b", "templateAs": "KeysAndValues"}]}},
        ],
    }
    SHOWN = "data:\n  a: QSB0b2tlbg==\n  k: dg==\n  token: VE9LRU4gd2FzIHRlbXBsYXRlZA==\nmetadata:\n  labels:\n    l: token\n\n"

    def files(self, eso: Eso, kind: str = "PushSecret", template: Any = None) -> tuple[str, ...]:
        template = self.TEMPLATE if template is None else template
        spec = {"template": template} if kind == "PushSecret" else {"target": {"template": template}}
        eso.write("object", {"apiVersion": "any/v1", "kind": kind, "metadata": {"name": "p"}, "spec": spec})
        eso.write("data", "token: dG9rZW4=\n")
        eso.write("map", {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "A {{ .token }}"}})
        eso.write("secret", {"apiVersion": "v1", "kind": "Secret", "data": {"b": base64.b64encode(b"k: v").decode()}})
        sources = ("--template-from-config-map", "map", "--template-from-secret", "secret")
        return ("--source-templated-object", "object", "--source-secret-data-file", "data", *sources)

    @pytest.mark.parametrize("kind", ["PushSecret", "ExternalSecret"])
    def test_what_is_printed(self, eso: Eso, kind: str) -> None:
        args = self.files(eso, kind)
        assert eso.run(*args) == self.SHOWN
        assert eso.run(*args, "--output", "out") == ""
        assert (eso.folder / "out").read_text() == self.SHOWN

    def test_an_empty_template(self, eso: Eso) -> None:
        assert eso.run(*self.files(eso, template={"data": {}})) == "metadata: {}\n\n"

    def test_empty_values(self, eso: Eso) -> None:
        """Null where Go has a nil slice."""
        decoded = {"target": "Data", "literal": "b: ''\nc: ''", "valuesDecodingStrategy": "Base64"}
        template = {"templateFrom": [decoded], "data": {"a": "{{ `` }}", "c": ""}}
        assert eso.run(*self.files(eso, template=template)) == 'data:\n  a: null\n  b: ""\n  c: null\nmetadata: {}\n\n'
        assert eso.run(*self.files(eso, template=template), "-o", "text").count("(empty)") == 3

    def test_paths(self, eso: Eso) -> None:
        template = {"templateFrom": [{"target": "type", "literal": "x"}, {"target": "immutable", "literal": "true"}]}
        assert eso.run(*self.files(eso, template=template)) == "immutable: true\nmetadata: {}\ntype: x\n\n"
        assert eso.run(*self.files(eso, template={"templateFrom": [{"target": "data", "literal": "a: b"}]}), "-o", "text") == (
            "Secret\n  data.a: b\n"
        )

    def test_faults(self, eso: Eso) -> None:
        eso.run(*self.files(eso, template={"data": {"x": "{{ .tken }}"}}), code=1)
        assert eso.err.startswith("error: PushSecret p: spec.template.data.x (object)\n")
        eso.run(*self.files(eso, template={"templateFrom": [{"target": "data[", "literal": "a: b"}]}), code=1)
        assert "unterminated '['" in eso.err

    @pytest.mark.parametrize(
        ("file", "text", "said"),
        [
            ("object", "kind: Pod", 'object: has no template: its kind is "Pod", neither ExternalSecret nor PushSecret'),
            ("object", "a: b", "object: has no template: its kind is not told"),
            ("object", "kind: PushSecret", "object: spec.template: is required"),
            ("object", "{kind: PushSecret, spec: {template: {data: []}}}", "object: spec.template: data: must be an object"),
            ("object", "[]", "object: is not an object"),
            ("data", "token: '?'", "data: token: is not base64"),
            ("data", "[", "data:2:1: did not find expected node content"),
            ("map", "{kind: Secret}", 'map: is no ConfigMap: its kind is "Secret"'),
            ("secret", "{kind: ConfigMap}", 'secret: is no Secret: its kind is "ConfigMap"'),
        ],
    )
    def test_files_that_cannot_be_used(self, eso: Eso, file: str, text: str, said: str) -> None:
        args = self.files(eso)
        eso.write(file, text)
        assert eso.run(*args, code=2) == ""
        assert eso.err.startswith(f"error: {said}")

    def test_sources_that_are_not_given(self, eso: Eso) -> None:
        eso.run(*self.files(eso)[:4], code=1)
        assert "or with --template-from-config-map or --template-from-secret" in eso.err

    def test_version(self, eso: Eso) -> None:
        assert eso.run("--version").startswith("version: ")


class TestReferences:
    TEMPLATE = {"data": {"a": "{{ .key | upper }}{{ .other }}", "all": "{{ toJson . }}"}}

    def test_text(self, eso: Eso) -> None:
        assert eso.render(self.TEMPLATE, "--references") == (
            "ExternalSecret team/es\n"
            "  spec.target.template.data.a\n"
            "    reads      key, other\n"
            "    functions  upper\n"
            "  spec.target.template.data.all\n"
            "    reads      the whole data\n"
            "    functions  toJson\n"
            "  never produced: other, which spec.target.template.data.a reads\n"
        )

    def test_json(self, eso: Eso) -> None:
        [shown] = json.loads(eso.render(self.TEMPLATE, "--references", "-o", "json"))["objects"]
        assert shown["neverProduced"] == ["other"]
        assert shown["templates"][0]["keys"] == [
            {"name": "key", "places": [{"line": 1, "column": 3}], "produced": True},
            {"name": "other", "places": [{"line": 1, "column": 21}], "produced": False},
        ]
        assert [one["whole"] for one in shown["templates"]] == [False, True]

    def test_strict(self, eso: Eso) -> None:
        eso.render(self.TEMPLATE, "--references", "--strict", code=1)
        eso.render({"data": {"a": "{{ .key }}"}}, "--references", "--strict")
        eso.write("es.yaml", external_secret(target={"template": self.TEMPLATE}, dataFrom=[{"extract": {"key": "k"}}]))
        [shown] = json.loads(eso.run("-f", "es.yaml", "--references", "--strict", "-o", "json"))["objects"]
        assert shown["neverProduced"] == []
        assert shown["templates"][0]["keys"][0]["produced"] is None

    def test_texts_that_are_not_given(self, eso: Eso) -> None:
        template = {"templateFrom": [{"configMap": {"name": "cm", "items": [{"key": "m"}]}}]}
        eso.render(template, "--references")
        assert 'configmaps "cm" not found' in eso.err
        eso.run("-f", "es.yaml", "--references", "--strict", code=1)

    def test_texts_that_cannot_be_read(self, eso: Eso) -> None:
        eso.render({"data": {"x": "{{ nope }}"}}, "--references", code=1)
        assert 'function "nope" not defined\n      1 | {{ nope }}' in eso.err

    def test_no_templates(self, eso: Eso) -> None:
        assert eso.render(None, "--references") == "ExternalSecret team/es\n  no templates\n"

    def test_rendered_twice(self, eso: Eso) -> None:
        template = {"templateFrom": [{"configMap": {"name": "cm", "items": [{"key": "m"}]}}]}
        more = ({**CM, "data": {"m": "{{ .key }}"}},)
        text = eso.render(template, "--references", more=more, manifest={"apiVersion": "v1", "kind": "ConfigMap"})
        assert "items[0] (m)\n    reads      key\n    what it gives is rendered again" in text
