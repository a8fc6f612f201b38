"""The console script ``eso``. Everything behind a sub-command is imported when that sub-command is asked for.

Exit codes: 0 done; 1 it did not work; 2 the command line cannot be understood; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from eso_shell.settings import Settings

USAGE = """\
An External Secrets operator: copies secrets from a backend into Kubernetes Secrets, and says why.

Commands:
  run            Run the operator
  plan           Show what the operator would do with manifests, without doing it
  template       Render the templates of manifests with given data
  demo           Watch the operator work on a small cluster in memory
  crds           Print the CustomResourceDefinitions as YAML
  provider-test  Hold a provider against the conformance suite
  version        Print the version

Examples:
  # What would happen to these objects, and why?
  eso plan -f examples/

  # Install the resource types, then run beside the cluster
  eso crds | kubectl apply --server-side -f -
  eso run --kubeconfig ~/.kube/config

Usage:
  eso [command] [options]

Use "eso [command] --help" for more about a command.
"""

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


def entry(argv: Sequence[str] | None = None) -> int:
    """The console script; its result is the exit code."""
    from eso_shell.settings import UsageError, arguments

    given, environ = arguments()
    words = list(given if argv is None else argv)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _misused(str(error), words[0] if words else "")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    except Exception as error:
        return _unexpected(error, talkative=bool(environ.get("ESO_DEBUG")) or _asks_debug(words))


def _dispatch(words: list[str]) -> int:
    if not words:
        sys.stderr.write(USAGE)
        return MISUSED
    name, rest = words[0], words[1:]
    if name in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return OK
    command = _COMMANDS.get("version" if name == "--version" else name)
    return command(rest) if command else _misused(f"unknown {'flag' if name.startswith('-') else 'command'}: {name}", "")


# ---------------------------------------------------------------- commands


def _run(argv: list[str]) -> int:
    if _wants_help(argv):
        from eso_shell.cli.flags import run_help

        sys.stdout.write(run_help())
        return OK
    from eso_shell.settings import arguments, parse

    return _operate(parse(argv, arguments()[1]))


def _operate(settings: Settings) -> int:
    from eso_shell.app import run

    return run(settings)


def _plan(argv: list[str]) -> int:
    from eso_shell.cli.plan import main

    return main(argv)


def _template(argv: list[str]) -> int:
    from eso_shell.cli.template import main

    return main(argv)


def _demo(argv: list[str]) -> int:
    from eso_shell.cli.demo import main

    return main(argv)


def _crds(argv: list[str]) -> int:
    from eso_shell.cli.crds import main

    return main(argv)


def _provider_test(argv: list[str]) -> int:
    from eso_shell.cli.provider_test import main

    return main(argv)


def _version(argv: list[str]) -> int:
    from importlib.metadata import version

    if _wants_help(argv):
        sys.stdout.write("Print the version of eso.\n\nUsage:\n  eso version\n")
    else:
        sys.stdout.write(f"eso {version('eso')}\n")
    return OK


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": _run,
    "plan": _plan,
    "template": _template,
    "demo": _demo,
    "crds": _crds,
    "provider-test": _provider_test,
    "version": _version,
}


# ---------------------------------------------------------------- ends


def _wants_help(argv: Sequence[str]) -> bool:
    return any(word in ("-h", "--help") for word in argv)


def _misused(what: str, command: str) -> int:
    hint = f"eso {command} --help" if command in _COMMANDS else "eso --help"
    sys.stderr.write(f"error: {what}\nSee '{hint}' for usage.\n")
    return MISUSED


def _pipe_closed() -> int:
    """Nobody reads any more (``eso crds | head``). The stream is closed here, so that the interpreter does not complain at its end."""
    import contextlib

    with contextlib.suppress(BrokenPipeError):
        sys.stdout.close()
    return FAILED


def _asks_debug(words: Sequence[str]) -> bool:
    return "--loglevel=debug" in words or "--loglevel debug" in " ".join(words)


def _unexpected(error: Exception, *, talkative: bool) -> int:
    if talkative:
        import traceback

        traceback.print_exception(error)
    text = " ".join(str(error).split())
    sys.stderr.write(f"error: {type(error).__name__}{': ' + text if text else ''}\n")
    if not talkative:
        sys.stderr.write("Set ESO_DEBUG=1 for a traceback.\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(entry())
