"""The documentation says what is: its commands run, its YAML is accepted, what it points to exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from eso_core.instant import Instant, Now
from eso_core.refs import EXTERNAL_SECRET
from eso_shell import kubeyaml
from eso_shell.cli import main as program
from eso_shell.cli.main import entry
from eso_shell.install import Turned, cluster, install
from eso_shell.manifests import Manifest
from tests.docs import reasons
from tests.docs.markdown import ROOT, Block, all_blocks, anchors, blocks, name, pages, prose

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?<![\w-])(?:src|tests|docs|helm|examples|bench|changelog\.d|eso_core|eso_shell|\.ci)/[\w./*-]*")
MADE = ("bench/out/",)  # by a run


def by_place(block: Block) -> str:
    return block.place


# ---------------------------------------------------------------- what is printed


def printed(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip("\n").split("\n")]


def assert_shown(shown: list[str], said: list[str]) -> None:
    """``…`` stands for the rest of a line, or for what changes from run to run."""
    assert len(shown) == len(said)
    for expected, got in zip(shown, said, strict=True):
        pattern = ".+".join(map(re.escape, expected.split("…")))
        assert re.fullmatch(pattern, got), f"{expected!r} is not {got!r}"


def test_the_demo_prints_what_the_readme_shows(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    [shown] = [block for block in blocks(ROOT / "README.md") if block.text.startswith("OBJECTS\n")]
    assert entry(["demo"]) == 0
    head, said = capsys.readouterr().out.split("\n\n", 1)
    assert head.startswith("3 objects from examples/quickstart")
    assert_shown(printed(shown.text), printed(said))


def test_the_plan_prints_what_its_page_shows(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    [shown] = [block for block in blocks(ROOT / "docs/plan.md") if block.language == "text"]
    assert entry(["plan", "-f", "examples/quickstart/"]) == 1
    assert_shown(printed(shown.text), printed(capsys.readouterr().out))


def test_the_columns_of_kubectl_get() -> None:
    """The README shows the columns that the CRD defines, in their order, but the one that only ``-o wide`` shows."""
    from eso_core.api.crd import EXTERNAL_SECRET_COLUMNS

    text = (ROOT / "README.md").read_text()
    [heads] = re.findall(r"# (NAME +STORETYPE.*)\n", text)
    assert re.split(r"  +", heads.strip()) == ["NAME", *(column.name.upper() for column in EXTERNAL_SECRET_COLUMNS)]


# ---------------------------------------------------------------- commands


def commands() -> list[Any]:
    """Every ``eso ...`` in a shell block or in backticks, with its place."""
    found: dict[str, str] = {}
    for page in pages():
        texts = [
            CODE.findall(prose(page)),
            *(block.text.replace("\\\n", " ").splitlines() for block in blocks(page) if block.language == "sh"),
        ]
        for line in (line for lines in texts for line in lines):
            for part in re.split(r"\||&&|;", line):
                words = part.split("#")[0].strip()
                if re.match(r"eso [a-z]+\b", words):
                    found.setdefault(words, name(page))
    return [pytest.param(command, id=f"{place}: {command}") for command, place in found.items()]


@pytest.mark.parametrize("command", commands())
def test_commands_can_be_run(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one is understood; those that need only the repository are run."""
    monkeypatch.chdir(ROOT)
    _, sub, *args = shlex.split(command.split(">")[0])
    assert sub in program._COMMANDS
    if args and "examples/" in command and "vault" not in command:
        assert entry([sub, *args]) in (0, 1)
    elif sub in ("crds", "version") or command == "eso demo":
        assert entry([sub, *args]) == 0
    else:
        assert entry([sub, "--help"]) == 0
        assert [flag for flag in flags_in(args) if flag not in capsys.readouterr().out + run_flags()] == []


def flags_in(args: list[str]) -> list[str]:
    return [word.split("=")[0] for word in args if word.startswith("-") and word != "-"]


def run_flags() -> str:
    return (ROOT / "docs/flags.md").read_text()


@pytest.mark.parametrize(
    "target", sorted({t for page in pages() for t in re.findall(r"(?:^|`)make ([a-z]+)\b", page.read_text(), re.MULTILINE)})
)
def test_make_targets_exist(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{target}:.* ## ", makefile, re.MULTILINE)


def test_every_make_target_is_told() -> None:
    makefile = (ROOT / "Makefile").read_text()
    told = set(re.findall(r"^([a-z][\w-]*):.* ## ", makefile, re.MULTILINE))
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert told == set(phony.split())


# ---------------------------------------------------------------- YAML


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=by_place)
def test_yaml_blocks_are_accepted(block: Block) -> None:
    """Whole objects pass the schema; a ``spec`` of a provider's page passes that of a store; the rest is YAML."""
    found = [document.value for document in kubeyaml.documents(block.text.encode())]
    assert found
    assert [one.message for one in refused(block.place, [value for value in map(completed, found) if value is not None])] == []


def refused(place: str, values: list[Any]) -> tuple[Turned, ...]:
    """Which of these objects an API server with our definitions does not take."""
    server, kinds = cluster()
    return install(server, kinds, [Manifest(place, value) for value in values], "default", Now(Instant(0), 0))


def completed(value: Any) -> Any:
    if isinstance(value, dict) and "kind" in value:
        return value
    if isinstance(value, dict) and set(value) == {"spec"}:
        return {"apiVersion": EXTERNAL_SECRET.api_version, "kind": "SecretStore", "metadata": {"name": "x"}, **value}
    return None


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.yaml")), ids=name)
def test_examples_are_accepted(path: Path) -> None:
    values = [document.value for document in kubeyaml.documents(path.read_bytes())]
    assert [one.message for one in refused(name(path), values) if not one.ignored] == []


def test_every_example_folder_is_told() -> None:
    told = (ROOT / "examples/README.md").read_text()
    assert [path.name for path in (ROOT / "examples").iterdir() if path.is_dir() and f"`{path.name}/`" not in told] == []


# ---------------------------------------------------------------- what is pointed to


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_paths_exist(page: Path) -> None:
    """Paths in backticks, from the root of the repository, from ``src``, or from the page."""
    bases = (ROOT, ROOT / "src", page.parent)
    paths = {path for code in CODE.findall(prose(page)) for path in PATH.findall(code)} - set(MADE)
    missing = [path for path in paths if not any(list(base.glob(path.rstrip("/"))) for base in bases)]
    assert missing == []


@pytest.mark.parametrize("page", [page for page in pages() if page.parent == ROOT / "docs"], ids=name)
def test_every_page_can_be_reached(page: Path) -> None:
    """From the README or from another page."""
    others = [other for other in pages() if other != page]
    assert any(target(other, link) == page for other in others for link in LINK.findall(prose(other)))


def target(page: Path, link: str) -> Path:
    return (page.parent / link.partition("#")[0]).resolve()


def test_nothing_of_a_machine_is_in_the_texts() -> None:
    odd = re.compile(r"/(?:home|root|Users)/\w|/work/|(?:^|[\s(`])/tmp/\w")
    assert [(name(page), found[0]) for page in pages() if (found := odd.search(page.read_text()))] == []


# ---------------------------------------------------------------- reasons


def test_reasons_are_current() -> None:
    assert (ROOT / "docs/reasons.md").read_text() == reasons.page(), "python -m tests.docs.reasons > docs/reasons.md"


def test_every_verdict_has_its_meaning() -> None:
    assert set(reasons.MEANS) == set(reasons.verdicts())


def test_what_is_not_ready_says_what_to_do() -> None:
    assert [verdict for verdict in reasons.verdicts().values() if not verdict.ready and not verdict.advice] == []


def test_advice_is_given_once() -> None:
    """In ``because.py`` for what is not ready, in the page's own table for the rest."""
    assert [key for key in reasons.DO if reasons.verdicts()[key].advice] == []


# ---------------------------------------------------------------- news


def test_news_fragments_have_a_kind() -> None:
    kinds = "|".join(("added", "changed", "fixed", "removed"))
    odd = [path.name for path in (ROOT / "changelog.d").iterdir() if not re.fullmatch(rf"README\.md|[\w-]+\.({kinds})\.md", path.name)]
    assert odd == []


# ---------------------------------------------------------------- one number in two places


def test_make_and_the_image_take_the_same_uv() -> None:
    [pinned] = re.findall(r"^UV := (uv==\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"'{pinned} " in (ROOT / "Dockerfile").read_text()
