"""Log lines as the reference writes them: one JSON object a line on stderr, with the keys of zap's production encoder.

``{"level":"info","ts":1700000000.25,"logger":"controllers.ExternalSecret","msg":"secret synced", ...fields}``

Guarantees
    * A log call with fields never raises, and never waits for anything but the write to stderr.
    * No secret is written: :class:`SecretBytes` and bytes render as placeholders, and what is named ``headers`` is left out, at any depth.
    * The number of lines is bounded: of one message at one level, the first 100 in a second and every 100th after that.

Lines of the standard library's ``logging`` (aiohttp, asyncio, warnings) take the same way. Other people's loggers are heard from
``warn`` on, with ``--loglevel debug`` from ``info`` on: their debug lines hold credentials.
"""

from __future__ import annotations

import logging as stdlib
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from eso_core.secret import SecretBytes

if TYPE_CHECKING:
    import structlog as structlog
    from structlog.typing import FilteringBoundLogger, WrappedLogger
else:

    @contextmanager
    def _without(*optional: str) -> Iterator[None]:
        """Hide installed modules that the body would import if it could."""
        hidden = [name for name in optional if name not in sys.modules]
        sys.modules.update(dict.fromkeys(hidden))
        try:
            yield
        finally:
            for name in hidden:
                del sys.modules[name]

    with _without("rich", "better_exceptions"):  # for colours on a terminal: 220 ms and 7 MB that JSON lines have no use for
        import structlog

Logger: TypeAlias = "FilteringBoundLogger"
Write: TypeAlias = Callable[[bytes], object]
Fields: TypeAlias = MutableMapping[str, Any]

LEVELS: Mapping[str, int] = {
    "debug": stdlib.DEBUG,
    "info": stdlib.INFO,
    "warn": stdlib.WARNING,
    "error": stdlib.ERROR,
    "dpanic": stdlib.CRITICAL,
    "panic": stdlib.CRITICAL,
    "fatal": stdlib.CRITICAL,
}
_LEVEL_NAMES = {"warning": "warn", "exception": "error", "critical": "fatal", "notset": "info"}

_FIRST = 100  # lines of one message in one second that are all written
_THEREAFTER = 100  # after those, one in so many
_MESSAGES_MAX = 4096  # different messages in one second that are counted one by one
_TEXT_MAX = 4096  # characters of one value
_ITEMS_MAX = 100  # entries of one mapping or sequence
_DEPTH_MAX = 6


def get(logger: str) -> Logger:
    """A logger that writes ``logger`` into every line. Bound when first used, so it may be made before :func:`configure` is called."""
    log: Logger = structlog.get_logger(logger_name=logger)
    return log


def configure(
    level: str = "info",
    time_encoding: str = "epoch",
    *,
    write: Write | None = None,
    now_ns: Callable[[], int] = time.time_ns,
    mono_ns: Callable[[], int] = time.monotonic_ns,
) -> None:
    """Set level and form of the time stamp for loggers first used from now on, and take over the standard library's logging.

    ``level`` is a key of ``LEVELS``, ``time_encoding`` one of ``TIME_ENCODINGS``.
    """
    _set_up(level, time_encoding, write or _stderr, now_ns, mono_ns)
    _take_over(stdlib.INFO if level == "debug" else max(LEVELS[level], stdlib.WARNING))


def _set_up(level: str, time_encoding: str, write: Write, now_ns: Callable[[], int], mono_ns: Callable[[], int]) -> None:
    structlog.configure(
        processors=[Sampler(mono_ns), Stamp(TIME_ENCODINGS[time_encoding], now_ns), guard, render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Sink(write),
        cache_logger_on_first_use=True,
    )


# ---------------------------------------------------------------- the way of one line


@dataclass(slots=True)
class Sampler:
    """Drop repetitions, as zap's production logger does. One second is a window; counts start again with the next."""

    mono_ns: Callable[[], int]
    _window: int = -1
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def __call__(self, _: WrappedLogger, method: str, fields: Fields) -> Fields:
        window = self.mono_ns() // 1_000_000_000
        if window != self._window or len(self._seen) >= _MESSAGES_MAX:
            self._window = window
            self._seen.clear()
        key = (method, str(fields.get("event"))[:_TEXT_MAX])
        count = self._seen[key] = self._seen.get(key, 0) + 1
        if count > _FIRST and (count - _FIRST) % _THEREAFTER:
            raise structlog.DropEvent
        return fields


@dataclass(frozen=True, slots=True)
class Stamp:
    """Put ``level``, ``ts``, ``logger`` and ``msg`` in front, and ``error`` and ``stacktrace`` in place of an exception."""

    encode: Callable[[int], float | int | str]
    now_ns: Callable[[], int]

    def __call__(self, _: WrappedLogger, method: str, fields: Fields) -> Fields:
        head: Fields = {
            "level": _LEVEL_NAMES.get(method, method),
            "ts": self.encode(self.now_ns()),
            "logger": fields.pop("logger_name", ""),
            "msg": fields.pop("event", ""),
        }
        error = _exception(fields.pop("exc_info", None))
        rest = {(f"{name}_" if name in head else name): value for name, value in fields.items()}
        if error is not None:
            rest.setdefault("error", error)
            rest["stacktrace"] = _Trace("".join(traceback.format_exception(error)))
        return {**head, **rest}


def guard(_: WrappedLogger, __: str, fields: Fields) -> Fields:
    """Values as JSON has them, bounded, without secrets."""
    return {name: _clean(value, 0) for name, value in fields.items() if not _withheld(name)}


def render(_: WrappedLogger, __: str, fields: Fields) -> bytes:
    """One line."""
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


class _Trace(str):
    """A text that is not cut."""

    __slots__ = ()


def _withheld(name: object) -> bool:
    return isinstance(name, str) and name.lower() == "headers"


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _text(value, len(value) if isinstance(value, _Trace) else _TEXT_MAX)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, SecretBytes):
        return repr(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value)} bytes)"
    return _clean_other(value, depth)


def _clean_other(value: Any, depth: int) -> Any:
    if depth < _DEPTH_MAX and isinstance(value, Mapping):
        kept = [(name, inner) for name, inner in value.items() if not _withheld(name)][:_ITEMS_MAX]
        return {_text(str(name)): _clean(inner, depth + 1) for name, inner in kept}
    if depth < _DEPTH_MAX and isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner, depth + 1) for inner in list(value)[:_ITEMS_MAX]]
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return "(nested too deep)"
    return _text(_described(value))


def _described(value: object) -> str:
    try:
        return str(value) or type(value).__name__
    except Exception as error:
        return f"({type(value).__name__} that cannot be shown: {type(error).__name__})"


def _text(text: str, longest: int = _TEXT_MAX) -> str:
    cut = str(text) if len(text) <= longest else text[:longest] + "…"
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode()


def _exception(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


class _Sink:
    """Where a rendered line ends. structlog calls the method named after the level."""

    __slots__ = ("_write",)

    def __init__(self, write: Write) -> None:
        self._write = write

    def msg(self, line: bytes) -> None:
        self._write(line)

    debug = info = warn = warning = error = exception = critical = fatal = log = msg


def _stderr(line: bytes) -> None:
    """Write to whatever stderr is now; a stream that is closed or full of errors loses the line."""
    try:
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
    except (OSError, ValueError, AttributeError):
        pass


# ---------------------------------------------------------------- time stamps


def _rfc3339(ns: int) -> str:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iso8601(ns: int) -> str:
    return f"{_rfc3339(ns)[:-1]}.{ns // 1_000_000 % 1000:03d}Z"


def _rfc3339nano(ns: int) -> str:
    fraction = f"{ns % 1_000_000_000:09d}".rstrip("0")
    return f"{_rfc3339(ns)[:-1]}.{fraction}Z" if fraction else _rfc3339(ns)


TIME_ENCODINGS: Mapping[str, Callable[[int], float | int | str]] = {
    "epoch": lambda ns: ns / 1_000_000_000,
    "millis": lambda ns: ns / 1_000_000,
    "nano": lambda ns: ns,
    "iso8601": _iso8601,
    "rfc3339": _rfc3339,
    "rfc3339nano": _rfc3339nano,
}


# ---------------------------------------------------------------- the standard library's logging


class Bridge(stdlib.Handler):
    """Hands the standard library's records to the loggers of this module."""

    def emit(self, record: stdlib.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # a format string that does not fit its arguments
            message = str(record.msg)
        level = min(max(record.levelno // 10 * 10, stdlib.DEBUG), stdlib.CRITICAL)
        if record.exc_info and record.exc_info[1]:
            get(record.name).log(level, message, exc_info=record.exc_info)
        else:
            get(record.name).log(level, message)


def _take_over(least: int) -> None:
    root = stdlib.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, Bridge)]
    root.addHandler(Bridge())
    root.setLevel(least)
    stdlib.captureWarnings(True)


_set_up("info", "epoch", _stderr, time.time_ns, time.monotonic_ns)  # a line logged before `configure` does not end on stdout
