"""Help in the shape that kubectl prints it: what it does, examples, options, usage."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable
from typing import NoReturn

_WIDTH = 100


class Parser(argparse.ArgumentParser):
    """Exit code 2 for a line that cannot be understood, with one line that says why."""

    def __init__(self, prog: str, description: str, examples: str) -> None:
        super().__init__(prog, description=description, add_help=False, allow_abbrev=False)
        self._examples = textwrap.dedent(examples).strip()
        self.add_argument("-h", "--help", action="help", help="this text")

    def format_help(self) -> str:
        parts = [textwrap.fill(self.description or "", _WIDTH), "Examples:\n" + textwrap.indent(self._examples, "  ")]
        arguments = [each for each in self._actions if not each.option_strings]
        options = [each for each in self._actions if each.option_strings]
        if arguments:
            parts.append("Arguments:\n" + "\n".join(f"  {each.metavar or each.dest}\n        {each.help}" for each in arguments))
        parts.append("Options:\n" + "\n".join(map(_option, options)))
        words = " ".join(str(each.metavar or each.dest) for each in arguments)
        parts.append(f"Usage:\n  {self.prog} [options] {words}".rstrip())
        return "\n\n".join(parts) + "\n"

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'error: {message}\nSee "{self.prog} --help".\n')


def _option(action: argparse.Action) -> str:
    takes = f" {action.metavar or action.dest}" if action.nargs != 0 else ""
    shown = action.default not in (None, argparse.SUPPRESS, False, "")
    default = f" (default {_words(action.default)})" if shown else ""
    text = textwrap.fill(f"{action.help}{default}", _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8, break_on_hyphens=False)
    return f"  {', '.join(action.option_strings)}{takes}\n{text}"


def _words(default: object) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple | list) else f"{default}"


def say(line: str) -> None:
    """Progress, for people."""
    print(line, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- kinds of values


def positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return value


def counts(text: str) -> tuple[int, ...]:
    """``1000,10000``"""
    return tuple(positive(each) for each in text.split(","))


def some_of(*words: str) -> Callable[[str], tuple[str, ...]]:
    """A comma-separated choice, in the order given."""

    def chosen(text: str) -> tuple[str, ...]:
        given = tuple(each.strip() for each in text.split(",") if each.strip())
        unknown = [each for each in given if each not in words]
        if unknown or not given:
            raise argparse.ArgumentTypeError(f"{text!r}: choose from {', '.join(words)}")
        return given

    return chosen
