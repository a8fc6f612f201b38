"""The functions that templates may name."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eso_core.template.builtins import BUILTINS
from eso_core.template.engine import NAMES
from eso_core.template.functions import FUNCTIONS, Registry
from eso_core.template.values import Function

SIGNATURES = json.loads(Path(__file__).with_name("signatures.json").read_text(encoding="utf-8"))


def test_names_and_signatures_are_the_references() -> None:
    assert {name: function.signature for name, function in FUNCTIONS.items()} == SIGNATURES


def test_the_languages_own_functions() -> None:
    go = {
        "and",
        "call",
        "html",
        "index",
        "js",
        "len",
        "not",
        "or",
        "print",
        "printf",
        "println",
        "urlquery",
        "eq",
        "ge",
        "gt",
        "le",
        "lt",
        "ne",
    }
    assert set(BUILTINS) == go
    assert not set(BUILTINS) & set(FUNCTIONS)
    assert len(NAMES) == len(SIGNATURES) + len(go)


def test_no_name_is_in_two_tables() -> None:
    function = Function("func() string", lambda: b"")
    assert set(Registry([{"a": function}, {"b": function}], {"yaml": "c d"})) == {"a", "b", "c", "d"}
    with pytest.raises(ValueError, match="in two tables: b"):
        Registry([{"a": function, "b": function}, {"b": function}], {})
    with pytest.raises(ValueError, match="in two tables: b"):
        Registry([{"a": function, "b": function}], {"yaml": "b"})


def test_modules_that_come_late_have_the_names_that_are_told_of_them() -> None:
    for name in FUNCTIONS:
        assert FUNCTIONS[name].signature == SIGNATURES[name]
    assert len(FUNCTIONS) == len(list(FUNCTIONS)) == len(SIGNATURES)
    assert "nope" not in FUNCTIONS
    assert FUNCTIONS.get("nope") is None


def test_what_takes_long_to_import_is_not_imported_at_the_start() -> None:
    """``eso run`` starts a process whenever a pod does."""
    heavy = "'pki' in name or 'goyaml' in name or name.startswith(('bcrypt', 'jinja2'))"
    code = f"import sys, eso_core.operator; print([name for name in sys.modules if {heavy}])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.strip() == "[]"
