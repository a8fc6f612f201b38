"""Which files are read, in which order, and what is said when one cannot be used."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from eso_shell import manifests
from eso_shell.manifests import Manifest, ManifestError, load

ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(ONE % name for name in names))


def names(found: list[Manifest]) -> list[str]:
    return [manifest.content["metadata"]["name"] for manifest in found]


def fault(*paths: str) -> str:
    with pytest.raises(ManifestError) as caught:
        load(paths)
    return str(caught.value)


def given_input(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


class TestFiles:
    def test_places(self, here: Path) -> None:
        write(here / "a.yaml", "one", "two")
        assert [(m.where, m.content["metadata"]["name"]) for m in load(["a.yaml"])] == [("a.yaml:1:1", "one"), ("a.yaml:5:1", "two")]

    def test_paths_keep_their_order(self, here: Path) -> None:
        write(here / "b.yaml", "b")
        write(here / "a.yaml", "a")
        assert names(load(["b.yaml", "a.yaml", "b.yaml"])) == ["b", "a", "b"]

    def test_a_folder_is_read_by_name_and_ending(self, here: Path) -> None:
        for name in ("2.yml", "1.yaml", "3.json", "4.txt", "README.md", "in/5.yaml"):
            write(here / "d" / name, name)
        assert names(load(["d"])) == ["1.yaml", "2.yml", "3.json"]
        assert names(load(["d"], recursive=True)) == ["1.yaml", "2.yml", "3.json", "in/5.yaml"]

    def test_a_file_is_read_whatever_its_ending(self, here: Path) -> None:
        write(here / "a.txt", "a")
        assert names(load(["a.txt"])) == ["a"]

    def test_a_pipe_is_read(self, here: Path) -> None:
        """``eso plan -f <(helm template ...)``"""
        reader, writer = os.pipe()
        os.write(writer, (ONE % "piped").encode())
        os.close(writer)
        try:
            assert names(load([f"/dev/fd/{reader}"])) == ["piped"]
        finally:
            os.close(reader)

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given_input(monkeypatch, "\n" + ONE % "a")
        assert [manifest.where for manifest in load(["-"])] == ["standard input:2:1"]

    @pytest.mark.parametrize(
        ("path", "says"),
        [
            ("none.yaml", "none.yaml: no such file or directory"),
            ("d", "d: no file ends in .yaml, .yml, .json (-R looks into its folders, too)"),
            ("a.yaml/b", "a.yaml/b: not a directory"),
            ("empty.yaml", "empty.yaml: no objects"),
        ],
    )
    def test_what_cannot_be_read(self, path: str, says: str, here: Path) -> None:
        (here / "d").mkdir()
        (here / "a.yaml").touch()
        (here / "empty.yaml").write_text("# nothing\n---\n")
        assert fault(path) == says

    def test_no_permission(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        (here / "a.yaml").touch()
        monkeypatch.setattr(Path, "open", refused)
        assert fault("a.yaml") == "a.yaml: permission denied"

    @pytest.mark.parametrize("path", ["a.yaml", "-"])
    def test_size(self, path: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(here / "a.yaml", "a")
        given_input(monkeypatch, ONE % "a")
        monkeypatch.setattr(manifests, "SIZE_MAX", 10)
        assert fault(path).endswith(": larger than 10 bytes")


class TestObjects:
    def test_lists_are_taken_apart(self, here: Path) -> None:
        (here / "a.yaml").write_text(
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n"
            "- {apiVersion: v1, kind: SecretList, items: [{apiVersion: v1, kind: Secret, metadata: {name: b}}]}\n"
        )
        assert names(load(["a.yaml"])) == ["a", "b"]

    def test_a_kind_that_ends_like_a_list_is_an_object(self, here: Path) -> None:
        (here / "a.yaml").write_text("{apiVersion: v1, kind: AllowList, metadata: {name: a}}")
        assert names(load(["a.yaml"])) == ["a"]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a: 1\n---\n\n- b", "a.yaml:1:1: apiVersion: is required"),
            ("\n- b", "a.yaml:2:1: is not an object"),
            ("just text", "a.yaml:1:1: is not an object"),
            ("apiVersion: 1\nkind: A", "a.yaml:1:1: apiVersion: is required"),
            ("apiVersion: v1", "a.yaml:1:1: kind: is required"),
            ("apiVersion: v1\nkind: ''", "a.yaml:1:1: kind: is required"),
            ("apiVersion: v1\nkind: List\nitems: [1]", "a.yaml:1:1: is not an object"),
            ("apiVersion: v1\n kind: A", "a.yaml:2:6: mapping values are not allowed in this context"),
        ],
    )
    def test_faults(self, text: str, says: str, here: Path) -> None:
        (here / "a.yaml").write_text(text)
        assert fault("a.yaml") == says
