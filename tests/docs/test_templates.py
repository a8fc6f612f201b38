"""``docs/templates.md``: its commands print what it shows, and its bounds are those of the code."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

import pytest

from eso_core.compat import goyaml
from eso_core.compat.goyaml import parser
from eso_core.template import lex, limits
from eso_core.template.parse import ACTIONS_MAX
from eso_shell.cli.main import entry
from tests.docs.markdown import ROOT, Block, blocks

PAGE = ROOT / "docs/templates.md"
SHOWN = [
    pytest.param(command, shown, id=command.place)
    for command, shown in pairwise(blocks(PAGE))
    if command.language == "sh" and shown.language == "text"
]


def test_something_is_shown() -> None:
    assert len(SHOWN) == 3


@pytest.mark.parametrize(("command", "shown"), SHOWN)
def test_commands_print_what_the_page_shows(
    command: Block, shown: Block, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors, where there are any, and the result otherwise."""
    monkeypatch.chdir(ROOT)
    code = entry(shlex.split(command.text)[1:])
    said = capfd.readouterr()
    assert code == (1 if said.err else 0)
    assert [line.rstrip() for line in (said.err or said.out).splitlines()] == shown.text.splitlines()


@pytest.mark.parametrize(
    ("row", "numbers"),
    [
        ("| text of a template", (limits.TEXT_MAX, lex.WORDS_MAX)),
        ("| output of a template", (limits.OUTPUT_MAX,)),
        ("| one value", (limits.VALUE_MAX,)),
        ("| elements of a list", (limits.ITEMS_MAX,)),
        ("| steps", (limits.STEPS_MAX,)),
        ("| work", (limits.WORK_MAX,)),
        ("| levels of parentheses", (limits.DEPTH_MAX,)),
        ("| levels of `if`", (ACTIONS_MAX,)),
        ("| values in a structure", (limits.NODES_MAX,)),
        ("YAML that templates read or give", (goyaml.SIZE_MAX, parser.DEPTH_MAX, parser.NODES_MAX)),
    ],
)
def test_bounds(row: str, numbers: tuple[int, ...]) -> None:
    [told] = [line for line in PAGE.read_text().splitlines() if line.startswith(row)]
    assert tuple(int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\d", told)) == numbers
