"""``eso plan``: what is printed, in each form, and the exit code."""

from __future__ import annotations

import io
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from eso_shell.cli import inputs, plan
from eso_shell.cli.main import entry
from tests.unit.shell.offline import CANARY, Json, cluster_store, external_secret, hanging_store, secret, store

SHARED = {"name": "shared", "kind": "ClusterSecretStore"}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "team"}}


class Eso:
    """Writes manifests, runs ``eso plan`` on them, and keeps what was said."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.err = ""
        self._capsys = capsys

    def plan(self, *contents: Json, args: tuple[str, ...] = (), code: int = 0) -> str:
        (self.folder / "all.yaml").write_text(yaml.safe_dump_all(contents))
        return self.run("-f", "all.yaml", *args, code=code)

    def document(self, *contents: Json, args: tuple[str, ...] = (), code: int = 0) -> Any:
        return json.loads(self.plan(*contents, args=("-o", "json", *args), code=code))

    def run(self, *args: str, code: int = 0) -> str:
        got = entry(["plan", *args])
        out, self.err = self._capsys.readouterr()
        assert (got, self.err) == (code, self.err)
        assert CANARY not in out + self.err
        return out


@pytest.fixture
def eso(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Eso:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan.secrets, "token_bytes", lambda size: b"k" * size)
    return Eso(tmp_path, capsys)


def only(document: Any, kind: str = "ExternalSecret") -> Any:
    [found] = [shown for shown in document["objects"] if shown["kind"] == kind]
    return found


class TestText:
    def test_create(self, eso: Eso) -> None:
        text = eso.plan(store(), external_secret(keys={"user": "k", "pass": "k"}))
        print_ = only(eso.document(store(), external_secret(keys={"user": "k", "pass": "k"})))["actions"][0]["data"]["user"]
        assert text == (
            "ExternalSecret team/es  SecretSynced: secret synced\n"
            "  + create Secret team/es\n"
            f"    + pass: {print_}\n"
            f"    + user: {print_}\n"
            "\n"
            "1 write planned, 0 objects not ready\n"
        )

    def test_update(self, eso: Eso) -> None:
        held = secret(
            "es", data={"same": CANARY, "changed": "x", "gone": "z"}, metadata={"name": "es", "namespace": "team", "labels": {"a": "b"}}
        )
        es = external_secret(keys={"same": "k", "changed": "k", "new": "k"})
        es["metadata"]["labels"] = {"a": "c"}
        text = eso.plan(store(), held, es)
        lines = [line.partition(":")[0] for line in text.splitlines()]
        assert lines[1:3] == ["  ~ mark Secret team/es", "    labels"]
        assert lines[3:9] == ["  ~ update Secret team/es", "    + new", "    ~ changed", "    - gone", "      same", "    labels"]
        assert "\n    - gone\n" in text  # there is no new value
        assert "    labels: +reconcile.external-secrets.io/managed\n" in text
        assert "~a" in text.split("labels: ")[2].split()

    def test_no_change(self, eso: Eso) -> None:
        """Merge keeps what is there: the second plan of what the first one wrote has nothing to write."""
        held = secret("es", data={"key": CANARY}, metadata={"name": "es", "namespace": "team"})
        first = eso.document(store(), held, external_secret(target={"creationPolicy": "Merge"}))
        mark, action = only(first)["actions"]
        assert mark["changes"] == {"labels": {"added": ["reconcile.external-secrets.io/managed"]}}
        assert action["changes"]["data"] == {"same": ["key"]}
        held["metadata"]["labels"] = action["labels"]
        held["metadata"]["annotations"] = {"reconcile.external-secrets.io/data-hash": data_hash({"key": CANARY.encode()})}
        assert eso.plan(store(), held, external_secret(target={"creationPolicy": "Merge"})) == (
            "ExternalSecret team/es  SecretSynced: secret synced\n\n0 writes planned, 0 objects not ready\n"
        )

    def test_delete(self, eso: Eso) -> None:
        held = secret("es", metadata={"name": "es", "namespace": "team", "labels": {"reconcile.external-secrets.io/managed": "true"}})
        target = {"deletionPolicy": "Delete"}
        text = eso.plan(store(values={}), held, external_secret(target=target))
        assert "  - delete Secret team/es\n    - old\n" in text
        assert "finalizers ExternalSecret team/es\n      externalsecrets.external-secrets.io/" in text

    def test_why_and_what_to_do(self, eso: Eso) -> None:
        assert eso.plan(external_secret(), code=1) == (
            "ExternalSecret team/es  SecretSyncedError: could not get secret data from provider\n"
            '    why:        could not get SecretStore "st", it does not exist\n'
            "    what to do: Add SecretStore team/st to the manifests that are planned, or name another store in spec.secretStoreRef.\n"
            "\n"
            "0 writes planned, 1 object not ready\n"
        )

    def test_a_store_that_cannot_be_used_is_told(self, eso: Eso) -> None:
        broken = store()
        broken["spec"]["provider"]["fake"]["validationResult"] = 2
        text = eso.plan(broken, external_secret(), code=1)
        assert "SecretStore team/st  InvalidProviderConfig: unable to validate store\n" in text
        assert "2 objects not ready" in text

    def test_a_store_that_cannot_tell_is_ready(self, eso: Eso) -> None:
        unsure = store()
        unsure["spec"]["provider"]["fake"]["validationResult"] = 1
        found = only(eso.document(unsure, external_secret()), "SecretStore")
        assert (found["ready"], found["reason"], "advice" in found) == (True, "ValidationUnknown", False)
        assert found["detail"]

    def test_stores_that_are_ready_are_not_told(self, eso: Eso) -> None:
        assert "SecretStore" not in eso.plan(store(), external_secret())

    def test_turned_away(self, eso: Eso) -> None:
        text = eso.plan(DEPLOYMENT, external_secret(refreshPolicy="No"), code=1).splitlines()
        assert text[0] == "ignored: Deployment team/web: apps/v1 Deployment is not served here (all.yaml:1:1)"
        assert text[1].startswith("rejected: ExternalSecret team/es: ")
        assert "spec.refreshPolicy" in text[1]
        assert text[1].endswith(" (all.yaml:7:1)")
        assert text[-1] == "0 writes planned, 0 objects not ready, 1 rejected, 1 ignored"

    def test_colour_only_on_a_terminal(self, eso: Eso, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "\x1b" not in eso.plan(store(), external_secret())
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert "\x1b[32m  + create Secret team/es\x1b[0m" in eso.plan(store(), external_secret())

    def test_control_characters(self, eso: Eso) -> None:
        odd = external_secret(data=[{"secretKey": "a", "remoteRef": {"key": "\x1b[2J\u202e"}}])
        rejected = {"apiVersion": "x/v1", "kind": "\x1b[31mRed", "metadata": {"name": "\x9b1m"}}
        for form in ("text", "json", "yaml"):
            text = eso.plan(store(), odd, rejected, args=("-o", form), code=1)
            assert [c for c in text if not c.isprintable() and c != "\n"] == []
        assert "\\x1b[2J" in eso.plan(store(), odd, code=1)


class TestDocument:
    def test_shape(self, eso: Eso) -> None:
        document = eso.document(store(), external_secret(), DEPLOYMENT)
        assert list(document) == ["schema", "ready", "finished", "rejected", "ignored", "objects"]
        assert (document["schema"], document["ready"], document["finished"], document["rejected"]) == ("eso-plan/1", True, True, [])
        assert document["ignored"] == [
            {"name": "Deployment team/web", "where": "all.yaml:27:1", "message": "apps/v1 Deployment is not served here"}
        ]
        assert only(document, "SecretStore") == {
            "kind": "SecretStore",
            "namespace": "team",
            "name": "st",
            "ready": True,
            "reason": "Valid",
            "message": "store validated",
            "actions": [],
        }

    def test_an_action(self, eso: Eso) -> None:
        [action] = only(eso.document(store(), external_secret()))["actions"]
        print_ = action["data"]["key"]
        assert len(print_) == 12
        labels = action.pop("labels")
        assert labels["reconcile.external-secrets.io/managed"] == "true"
        assert action == {
            "verb": "create",
            "kind": "Secret",
            "namespace": "team",
            "name": "es",
            "annotations": {},
            "type": "Opaque",
            "data": {"key": print_},
            "changes": {"data": {"added": ["key"]}, "labels": {"added": sorted(labels)}},
        }

    def test_not_ready(self, eso: Eso) -> None:
        found = only(eso.document(external_secret(), code=1))
        assert found["ready"] is False
        assert found["detail"] == 'could not get SecretStore "st", it does not exist'
        assert found["advice"].startswith("Add SecretStore team/st")

    def test_the_data_hash_is_not_shown(self, eso: Eso) -> None:
        """It has no key: a short value could be guessed from it."""
        assert data_hash({"key": CANARY.encode()}) not in eso.plan(store(), external_secret(), args=("-o", "json"))

    def test_annotations_may_hold_secrets(self, eso: Eso) -> None:
        held = external_secret()
        held["metadata"]["annotations"] = {"note": CANARY}
        [action] = only(eso.document(store(), held))["actions"]
        assert action["annotations"]["note"] == action["data"]["key"]  # both are fingerprints of the same text

    def test_yaml_says_the_same(self, eso: Eso) -> None:
        world = (store(), external_secret(), DEPLOYMENT)
        assert yaml.safe_load(eso.plan(*world, args=("-o", "yaml"))) == eso.document(*world)


class TestFingerprints:
    def test_runs_can_be_compared_with_a_key(self, eso: Eso, monkeypatch: pytest.MonkeyPatch) -> None:
        (eso.folder / "key").write_bytes(b"0123456789abcdef")
        monkeypatch.undo()
        monkeypatch.chdir(eso.folder)
        one, two = (eso.plan(store(), external_secret(), args=("--fingerprint-key-file", "key")) for _ in range(2))
        assert one == two
        other, another = (eso.plan(store(), external_secret()) for _ in range(2))
        assert len({one, other, another}) == 3

    @pytest.mark.parametrize(
        ("content", "says"), [(None, "key: no such file or directory"), (b"short", "key: a fingerprint key has at least 16 bytes")]
    )
    def test_a_key_that_cannot_be_used(self, content: bytes | None, says: str, eso: Eso) -> None:
        if content is not None:
            (eso.folder / "key").write_bytes(content)
        eso.plan(store(), args=("--fingerprint-key-file", "key"), code=2)
        assert eso.err == f"error: {says}\n"


class TestWorlds:
    def test_namespaces(self, eso: Eso) -> None:
        bare = (store(namespace=""), external_secret(namespace=""))
        assert "Secret default/es" in eso.plan(*bare)
        assert "Secret here/es" in eso.plan(*bare, args=("-n", "here"))
        text = eso.plan(store(), external_secret(), *bare, args=("--namespace", "here"))
        assert ("create Secret team/es" in text, "create Secret here/es" in text) == (True, True)

    def test_a_store_of_another_namespace_is_not_used(self, eso: Eso) -> None:
        assert "Add SecretStore other/st to the manifests" in eso.plan(store(), external_secret(namespace="other"), code=1)

    def test_cluster_stores(self, eso: Eso) -> None:
        uses = [external_secret(namespace=name, secretStoreRef=SHARED) for name in ("a", "b")]
        assert "2 writes planned, 0 objects not ready" in eso.plan(cluster_store(), *uses)
        text = eso.plan(cluster_store(conditions=[{"namespaces": ["a"]}]), *uses, code=1)
        assert 'why:        using cluster store "shared" is not allowed from namespace "b"' in text
        assert "what to do: Add ClusterSecretStore shared to the manifests" in eso.plan(uses[0], code=1)

    def test_namespace_labels(self, eso: Eso) -> None:
        label = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"tier": "one"}}}
        chosen = cluster_store(conditions=[{"namespaceSelector": {"matchLabels": {"tier": "one"}}}])
        use = external_secret(namespace="a", secretStoreRef=SHARED)
        eso.plan(chosen, label, use)
        eso.plan(chosen, use, label)
        eso.plan(chosen, use, code=1)

    def test_two_owners_of_one_secret(self, eso: Eso) -> None:
        parts = [external_secret(name, target={"name": "one"}) for name in ("a", "b")]
        assert "target is owned by another ExternalSecret" in eso.plan(store(), *parts, code=1)


class TestInput:
    def test_standard_input(self, eso: Eso, monkeypatch: pytest.MonkeyPatch) -> None:
        text = yaml.safe_dump_all([store(), external_secret()])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert "1 write planned" in eso.run("-f", "-")

    def test_several_files_and_folders(self, eso: Eso) -> None:
        (eso.folder / "d/in").mkdir(parents=True)
        (eso.folder / "d/in/st.yaml").write_text(yaml.safe_dump(store()))
        (eso.folder / "d/es.yaml").write_text(yaml.safe_dump(external_secret()))
        eso.run("-f", "d/es.yaml", "-f", "d/in")
        eso.run("-Rf", "d")
        eso.run("-f", "d", code=1)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (None, "error: a.yaml: no such file or directory\n"),
            ("a: [", "error: a.yaml:2:1: did not find expected node content\n"),
            ("", "error: a.yaml: no objects\n"),
            ("kind: x", "error: a.yaml:1:1: apiVersion: is required\n"),
        ],
    )
    def test_unusable(self, text: str | None, says: str, eso: Eso) -> None:
        if text is not None:
            (eso.folder / "a.yaml").write_text(text)
        assert eso.run("-f", "a.yaml", code=2) == ""
        assert eso.err == says

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            ((), "-f is required: a file, a folder, or - for standard input"),
            (("-f", "x", "--fly"), "unrecognized arguments: --fly"),
            (("-f", "x", "-o", "xml"), "argument -o/--output: invalid choice: 'xml' (choose from 'text', 'json', 'yaml')"),
            (("-f", "x", "--timeout", "soon"), "argument --timeout: must be a number of seconds, more than 0 and at most 86400: 'soon'"),
            (("-f", "x", "--timeout", "0"), "argument --timeout: must be a number of seconds, more than 0 and at most 86400: '0'"),
            (("-f", "x", "--time", "5"), "unrecognized arguments: --time 5"),
            (("-f",), "argument -f/--filename: expected one argument"),
        ],
    )
    def test_misuse(self, args: tuple[str, ...], says: str, eso: Eso) -> None:
        assert eso.run(*args, code=2) == ""
        assert eso.err == f"error: {says}\nSee 'eso plan --help' for usage.\n"

    @pytest.mark.parametrize("command", ["plan", "demo"])
    @pytest.mark.parametrize("word", ["-h", "--help"])
    def test_help(self, command: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert entry([command, word]) == 0
        said = capsys.readouterr().out
        assert [
            part for part in ("Exit codes: 0", "\nExamples:\n  # ", "\nOptions:\n", f"\nUsage:\n  eso {command} ") if part not in said
        ] == []
        assert max(map(len, said.splitlines())) <= 140


class TestTime:
    @pytest.fixture
    def port(self) -> Any:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(16)
            yield server.getsockname()[1]

    def test_a_backend_that_hangs(self, port: int, eso: Eso) -> None:
        world = (*hanging_store(port), external_secret())
        text = eso.plan(*world, args=("--timeout", "0.3"), code=1)
        assert "SecretStore team/st  not known: the time was over before it was decided\n" in text
        assert 'ExternalSecret team/es  not decided: it waits\n    why:        SecretStore "st" is not ready\n' in text
        assert text.endswith("2 objects not ready\nnot finished in time: the plan is not complete\n")
        document = eso.document(*world, args=("--timeout=0.3s",), code=1)
        assert (document["ready"], document["finished"]) == (False, False)
        assert only(document, "SecretStore")["ready"] is False

    def test_a_library_call_that_is_given_up_does_not_hold_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        left: list[int] = []
        monkeypatch.setattr(inputs.os, "_exit", left.append)
        assert (inputs.leave(1), left) == (1, [])
        monkeypatch.setattr(inputs, "LIBRARY_THREADS", "MainThread")
        inputs.leave(1)
        assert left == [1]


def data_hash(data: dict[str, bytes]) -> str:
    """The operator's unkeyed hash of a Secret's content."""
    from eso_core.compat import hash as compat

    return compat.data_hash(data)


def test_canary_in_every_corner(eso: Eso, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values in the store, in the Secret that is there, in keys that cannot be decoded, and in manifests that are turned away."""
    worlds: list[tuple[Json, ...]] = [
        (store(), secret("es", data={"key": CANARY}), external_secret()),
        (
            store(values={"k": f'{{"a": "{CANARY}"}}'}),
            external_secret(data=[{"secretKey": "a", "remoteRef": {"key": "k", "property": "b"}}]),
        ),
        (store(), external_secret(data=[{"secretKey": "a", "remoteRef": {"key": "k", "decodingStrategy": "Base64"}}])),
        (store(), external_secret(dataFrom=[{"extract": {"key": "k"}}])),
        (store(), external_secret(keys={"not a key": "k"})),
        (secret("bad", data={"not a key!": CANARY}), secret("worse", stringData=None, data={"a": CANARY})),
        (secret("bad", immutable=CANARY), secret("odd", stringData={"a": [CANARY]})),
        (store(), secret("es", data={"key": "x"}, immutable=True), external_secret()),
    ]
    for world in worlds:
        for form in ("text", "json", "yaml"):
            (eso.folder / "all.yaml").write_text(yaml.safe_dump_all(world))
            entry(["plan", "-f", "all.yaml", "-o", form])
            out, err = eso._capsys.readouterr()
            assert CANARY not in out + err
