"""``eso crds``: the CustomResourceDefinitions, to be piped into ``kubectl apply --server-side -f -``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from eso_shell.settings import UsageError

USAGE = """\
Print the CustomResourceDefinitions as YAML documents. They know the providers of installed packages, too.

Examples:
  # Install or upgrade them (server-side: they are too large for a client-side apply)
  eso crds | kubectl apply --server-side -f -

Usage:
  eso crds
"""


def main(argv: Sequence[str]) -> int:
    """Print, and return the exit code."""
    if any(word in ("-h", "--help") for word in argv):
        sys.stdout.write(USAGE)
        return 0
    if argv:
        raise UsageError(f"unknown flag: {argv[0]}" if argv[0].startswith("-") else f"unexpected argument: {argv[0]}")
    from eso_core.api.crd import crds
    from eso_shell.cli.show import plugins_told

    for crd in crds(plugins_told(sys.stderr).models):
        sys.stdout.write("---\n" + document(crd))
    return 0


def document(crd: Mapping[str, Any]) -> str:
    """One YAML document, keys in the order given, texts on one line each unless they have several."""
    dumped = yaml.dump(crd, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)
    assert isinstance(dumped, str)
    return dumped


class _Dumper(yaml.CSafeDumper):
    """No aliases: kubectl reads them, people do not like to."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
