"""What a person gets for what they type."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cli, objects, results
from bench.results import Run
from bench.subject import BARE, OURS, Command


@pytest.mark.parametrize("words", [[], ["imports"], ["show"]])
def test_help_has_examples_options_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert [said.index(f"\n{part}:\n") for part in ("Examples", "Options", "Usage")] == sorted(
        said.index(f"\n{part}:\n") for part in ("Examples", "Options", "Usage")
    )
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--objects", "many"], "'many' is not a whole number"),
        (["--objects", "0"], "'0' is not a whole number"),
        (["--phases", "hot"], "choose from cold, idle"),
        (["--mode", ""], "choose from preloaded, created"),
        (["--unknown"], "unrecognized arguments: --unknown"),
        (["imports", "--repeat", "-1"], "'-1' is not a whole number"),
    ],
)
def test_what_cannot_be_understood_is_2_and_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith("error: ")
    assert said in error
    assert "--help" in error


def test_defaults_are_those_that_the_project_is_measured_by() -> None:
    given = cli.run_parser().parse_args([])
    assert (given.objects, given.namespaces, given.properties, given.latency_ms) == ((1000, 10000), 10, 3, 20.0)
    assert given.mode == ("preloaded", "created")
    assert given.operator == OURS


def test_placeholders_are_filled_within_words_and_empty_words_fall_away() -> None:
    argv = Command("x", "{python} -m x --metrics-addr={metrics} '{extra}' 'a b'").argv({"metrics": "127.0.0.1:1"})
    assert argv == [sys.executable, "-m", "x", "--metrics-addr=127.0.0.1:1", "a b"]
    assert "{" not in " ".join(Command("bare", BARE).argv({"kubeconfig": "k", "vault": "v", "token": "t"}))


def test_definitions_come_from_a_bundle_without_its_other_objects_and_webhooks(tmp_path: Path) -> None:
    definition = {"kind": "CustomResourceDefinition", "spec": {"conversion": {"strategy": "Webhook"}, "group": "g"}, "status": {}}
    bundle = tmp_path / "bundle.yaml"
    bundle.write_text("---\n" + "\n---\n".join(json.dumps(each) for each in ({"kind": "Service"}, definition)) + "\n---\n")
    assert cli.definitions(bundle) == [{"kind": "CustomResourceDefinition", "spec": {"group": "g"}}]


def test_a_bundle_without_definitions_or_none_at_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("kind: Service\n")
    for name, said in (("empty.yaml", "has no CustomResourceDefinition"), ("none.yaml", "No such file")):
        with pytest.raises(cli.CannotMeasure, match=said):
            cli.definitions(tmp_path / name)


def test_show_puts_saved_results_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for name in ("one", "two"):
        found = results.document([Run(operator=name, command="", objects=10, mode="created")], {})
        paths.append(str(results.save(found, tmp_path, name)))
    assert cli.main(["show", *paths]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["operator", "one", "two"]


def test_show_of_something_else_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", str(tmp_path / "none.json")]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path) -> None:
    runs = [Run(operator=f"operator-{number}", command="", objects=10, mode="created") for number in range(5000)]
    path = results.save(results.document(runs, {}), tmp_path, "many")
    with subprocess.Popen([sys.executable, "-m", "bench", "show", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(1)
        child.stdout.close()
        said = child.stderr.read()
    assert (child.returncode, said) == (0, b"")


def test_objects_are_spread_over_namespaces_and_share_keys_as_asked() -> None:
    shape = objects.Shape(namespaces=3, properties=2, fan_out=2)
    made = [objects.external_secret(shape, index) for index in range(4)]
    assert [each["metadata"]["namespace"] for each in made] == ["bench-0", "bench-1", "bench-2", "bench-0"]
    assert [each["spec"]["data"][1]["remoteRef"] for each in made] == [
        {"key": key, "property": "p1"} for key in ("es/0", "es/0", "es/1", "es/1")
    ]
    assert [path for _, path, _, _ in objects.creates(shape, 1)] == ["/apis/external-secrets.io/v1/namespaces/bench-0/externalsecrets"]
    assert shape.key(4) == "bench-1/es-000004"


def test_a_store_for_the_cluster_or_for_each_namespace() -> None:
    for kind, count in (("ClusterSecretStore", 1), ("SecretStore", 2)):
        made = objects.stores(objects.Shape(namespaces=2, store_kind=kind), "http://v", "t")  # type: ignore[arg-type]
        assert [each["kind"] for each in made] == ["Secret", kind] * count


def test_a_second_store_has_credentials_of_its_own() -> None:
    for kind, count in (("ClusterSecretStore", 1), ("SecretStore", 2)):
        shape = objects.Shape(namespaces=2, store_kind=kind)  # type: ignore[arg-type]
        made = objects.stores(shape, "http://hole", "t", objects.HOLE)
        assert [each["metadata"]["name"] for each in made] == [objects.HOLE, objects.HOLE] * count
        assert made[1]["spec"]["provider"]["vault"]["auth"]["tokenSecretRef"]["name"] == objects.HOLE
        [(_, path, _, body)] = objects.creates(shape, 1, "hole", objects.HOLE)
        assert path.endswith("/externalsecrets")
        assert json.loads(body)["spec"]["secretStoreRef"] == {"name": objects.HOLE, "kind": kind}
