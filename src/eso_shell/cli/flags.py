"""The flag table as ``eso run --help`` and as ``docs/flags.md``."""

from __future__ import annotations

from collections.abc import Iterator

from eso_core.instant import HOUR, MINUTE, SECOND
from eso_shell.settings import FLAGS, Flag, Kind, Status

_UNITS = ((HOUR, "h"), (MINUTE, "m"), (SECOND, "s"))

_HEAD = """\
# Flags of `eso run`

Written from the table in `src/eso_shell/settings.py`; a test compares the two. Names and defaults are those of external-secrets v2.9.0,
so the arguments of an existing Deployment can stay as they are.

`--flag value` and `--flag=value` are the same; a boolean flag takes a value only behind `=` (`--enable-flood-gate=false`). Durations are
written as Go writes them: `90s`, `5m`, `1h30m`. The last one wins. An unknown flag, or a value that does not fit, ends the process with
exit code 2 and one line that says which.

- **effective**: does what it says.
- **accepted**: taken for compatibility and without effect; anything but the default logs one warning.
- **refused**: setting it is an error, because to ignore it would weaken security.
"""

_TAIL = """
## Environment

| variable | meaning |
|---|---|
| `KUBECONFIG` | kubeconfig file, when `--kubeconfig` is not given |
| `KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT` | the API server, inside a pod |
| `POD_NAME` (else `HOSTNAME`), `POD_NAMESPACE` | who this replica is |
| `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` (also in lower case, which wins) | proxies for calls to backends, read once at the start |
| `ESO_DEBUG` | any value: print a traceback for an error that nobody expected |
"""


def run_help() -> str:
    """The text of ``eso run --help``."""
    head = (
        "Run the operator until it is told to stop (SIGTERM or Ctrl-C).\n\nExamples:\n"
        "  # Beside a cluster, with the current context of a kubeconfig\n  eso run --kubeconfig ~/.kube/config\n\n"
        "  # One namespace, ports of its own, talkative\n"
        "  eso run --namespace team-a --metrics-addr :9090 --live-addr :9091 --loglevel debug\n"
    )
    blocks = [head, "Options:"]
    blocks += [_help_line(flag) for flag in FLAGS if flag.status is Status.EFFECTIVE]
    blocks += ["", "Accepted for compatibility, without effect:", _wrapped([f"--{f.name}" for f in FLAGS if f.status is Status.ACCEPTED])]
    return "\n".join([*blocks, "", "Usage:\n  eso run [options]\n"])


def flags_markdown() -> str:
    """The text of ``docs/flags.md``."""
    rows = "\n".join(_markdown_row(flag) for flag in FLAGS)
    return f"{_HEAD}\n| flag | type | default | meaning | status |\n|---|---|---|---|---|\n{rows}\n{_TAIL}"


def _help_line(flag: Flag) -> str:
    typed = "" if flag.kind is Kind.BOOL else f" {flag.kind.value}"
    default = "" if flag.default in (None, "", False) else f" (default {_quoted(flag)})"
    return f"  --{flag.name}{typed}\n        {_meaning(flag)}{default}"


def _meaning(flag: Flag) -> str:
    return f"{flag.help}: {', '.join(flag.choices)}" if flag.choices else flag.help


def _markdown_row(flag: Flag) -> str:
    default = "" if flag.default is None else f"`{_plain(flag)}`" if _plain(flag) else '`""`'
    note = f" ({flag.note})" if flag.note else ""
    return f"| `--{flag.name}` | {flag.kind.value} | {default} | {_meaning(flag)} | {flag.status.value}{note} |"


def _plain(flag: Flag) -> str:
    value = flag.default
    if flag.kind is Kind.DURATION and isinstance(value, int):
        return next((f"{value // unit}{name}" for unit, name in _UNITS if value and value % unit == 0), f"{value}ns")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(flag: Flag) -> str:
    return f'"{_plain(flag)}"' if flag.kind is Kind.STRING else _plain(flag)


def _wrapped(words: list[str], width: int = 100) -> str:
    return "\n".join(_lines(words, width))


def _lines(words: list[str], width: int) -> Iterator[str]:
    line = " "
    for word in words:
        if len(line) + len(word) + 1 > width:
            yield line
            line = " "
        line += f" {word}"
    yield line
