"""What the offline commands have in common: their flags, their help, and reading the manifests."""

from __future__ import annotations

import argparse
import math
import os
import sys
import textwrap
import threading
from collections.abc import Sequence
from typing import NoReturn

from eso_shell.cli.show import printable
from eso_shell.settings import UsageError

LIBRARY_THREADS = "sdk"  # how their names begin (eso_shell.converse)

_INDENT = 30  # columns of the flags in the help
_WIDTH = 120


class Flags(argparse.ArgumentParser):
    """argparse with this program's help and errors. ``examples``: pairs of what one may want, and the command for it."""

    def __init__(self, usage: str, about: str, examples: Sequence[tuple[str, str]]) -> None:
        super().__init__(usage=usage, add_help=False, allow_abbrev=False)
        self._about = about
        self._examples = examples

    def error(self, message: str) -> NoReturn:
        """Raises :class:`UsageError`."""
        raise UsageError(printable(message))

    def format_help(self) -> str:
        """What it does, examples, options, usage: the order of ``kubectl``."""
        examples = "\n\n".join(f"  # {what}\n  {command}" for what, command in self._examples)
        options = "\n".join(_option(action) for action in self._actions)
        return f"{self._about}\n\nExamples:\n{examples}\n\nOptions:\n{options}\n\nUsage:\n  {self.usage}\n"


def flags(usage: str, about: str, examples: Sequence[tuple[str, str]], *, filename: str, timeout_s: float) -> Flags:
    """The flags of all offline commands. ``filename`` is the help of ``-f``."""
    parser = Flags(usage, about, examples)
    parser.add_argument("-f", "--filename", action="append", metavar="PATH", default=[], help=filename)
    parser.add_argument("-R", "--recursive", action="store_true", help="read the folders in folders, too")
    parser.add_argument("-n", "--namespace", default="default", metavar="NAME", help="for objects that name none (default: default)")
    what = f"for everything together (default: {timeout_s:g}); what is not known by then is reported so"
    parser.add_argument("--timeout", type=_seconds, default=timeout_s, metavar="SECONDS", help=what)
    return parser


def wants_help(argv: Sequence[str]) -> bool:
    """The help is asked for."""
    return any(word in ("-h", "--help") for word in argv)


def leave(code: int) -> int:
    """The exit code of a command whose time was over.

    A library call that was given up goes on in its thread, and the interpreter would wait for it: then the process ends here.
    """
    if any(thread.name.startswith(LIBRARY_THREADS) for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, more than 0 and at most 86400: {text!r}")
    return seconds


def _option(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    value = f" {action.metavar}" if action.metavar else f" {'|'.join(action.choices)}" if action.choices else ""
    head = f"  {f'{names}{value}'.strip()}"
    lines = textwrap.wrap(action.help or "", _WIDTH - _INDENT)
    first = [head] if len(head) >= _INDENT - 1 else [head.ljust(_INDENT) + lines.pop(0)]
    return "\n".join([*first, *(" " * _INDENT + line for line in lines)])
