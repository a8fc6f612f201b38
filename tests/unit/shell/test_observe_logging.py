"""One JSON object a line, as zap writes it; bounded; without secrets."""

import json
import logging as stdlib
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from eso_core.refs import EXTERNAL_SECRET, Ref
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall
from eso_shell.observe import logging

AT = 1_700_000_000_250_000_000


class Log:
    """Everything written since the last :meth:`configure`, and the clock of it."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.mono_ns = 0

    def configure(self, level: str = "info", encoding: str = "epoch") -> None:
        logging.configure(level, encoding, write=self.raw.append, now_ns=lambda: AT, mono_ns=lambda: self.mono_ns)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw]


@pytest.fixture
def log() -> Iterator[Log]:
    root = stdlib.getLogger()
    before = (list(root.handlers), root.level)
    made = Log()
    made.configure()
    yield made
    root.handlers[:], root.level = before
    stdlib.captureWarnings(False)
    logging.configure()
    root.handlers[:], root.level = before
    stdlib.captureWarnings(False)


def test_the_keys_of_zap_in_their_order(log: Log) -> None:
    logging.get("controllers.ExternalSecret").info("secret synced", ExternalSecret={"name": "app", "namespace": "a"}, took=1.5)
    assert log.raw == [
        b'{"level":"info","ts":1700000000.25,"logger":"controllers.ExternalSecret","msg":"secret synced",'
        b'"ExternalSecret":{"name":"app","namespace":"a"},"took":1.5}\n'
    ]


@pytest.mark.parametrize(
    ("encoding", "stamp"),
    [
        ("epoch", 1700000000.25),
        ("millis", 1700000000250.0),
        ("nano", AT),
        ("iso8601", "2023-11-14T22:13:20.250Z"),
        ("rfc3339", "2023-11-14T22:13:20Z"),
        ("rfc3339nano", "2023-11-14T22:13:20.25Z"),
    ],
)
def test_time_encodings(encoding: str, stamp: object, log: Log) -> None:
    log.configure(encoding=encoding)
    logging.get("x").info("m")
    assert log.lines[0]["ts"] == pytest.approx(stamp)


def test_a_whole_second_has_no_fraction() -> None:
    encode = logging.TIME_ENCODINGS["rfc3339nano"]
    assert encode(1_700_000_000_000_000_000) == "2023-11-14T22:13:20Z"
    assert encode(1_700_000_000_000_000_010) == "2023-11-14T22:13:20.00000001Z"


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warn", "error", "fatal"]),
        ("info", ["info", "warn", "error", "fatal"]),
        ("warn", ["warn", "error", "fatal"]),
        ("error", ["error", "fatal"]),
        ("panic", ["fatal"]),
    ],
)
def test_levels(level: str, written: list[str], log: Log) -> None:
    log.configure(level)
    logger = logging.get("x")
    for method in (logger.debug, logger.info, logger.warn, logger.error, logger.critical):
        method("m")
    assert [line["level"] for line in log.lines] == written


def test_a_logger_made_before_it_is_configured(log: Log) -> None:
    logger = logging.get("early")
    log.configure("debug")
    logger.debug("m")
    assert [line["logger"] for line in log.lines] == ["early"]


# ---------------------------------------------------------------- secrets


def test_secrets_are_not_written(log: Log) -> None:
    call = HttpCall(method="GET", url="https://b/x", headers={"X-Token": "hunter2"}, body=b"hunter2")
    logging.get("x").info(
        "m",
        value=SecretBytes(b"hunter2"),
        raw=b"hunter2",
        view=memoryview(b"hunter2"),
        headers={"Authorization": "hunter2"},
        nested={"Headers": {"Authorization": "hunter2"}, "deep": [{"headers": [("a", "hunter2")]}, SecretBytes(b"hunter2")]},
        call=call,
        error=ValueError(SecretBytes(b"hunter2")),
    )
    assert b"hunter2" not in log.raw[0]
    line = log.lines[0]
    assert line["value"] == "SecretBytes(***)"
    assert line["raw"] == "(7 bytes)"
    assert line["nested"] == {"deep": [{}, "SecretBytes(***)"]}
    assert "headers" not in line


# ---------------------------------------------------------------- any value


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_any_value_is_written_somehow(log: Log) -> None:
    deep: dict[str, Any] = {}
    deep["again"] = deep
    logging.get("x").info(
        "m",
        ref=Ref(EXTERNAL_SECRET, "a", "app"),
        hostile=Hostile(),
        deep=deep,
        big=2**70,
        odd="\ud800",
        nan=float("nan"),
        keys={1: 2},
        many=list(range(1000)),
        long="x" * 10_000,
        some={"a"},
        level="mine",
    )
    line = log.lines[0]
    assert line["ref"] == "ExternalSecret a/app"
    assert line["hostile"] == "(Hostile that cannot be shown: RuntimeError)"
    assert line["big"] == str(2**70)
    assert line["odd"] == "?"
    assert line["nan"] is None
    assert line["keys"] == {"1": 2}
    assert (len(line["many"]), len(line["long"])) == (100, 4097)
    assert line["some"] == ["a"]
    assert (line["level"], line["level_"]) == ("info", "mine")


def test_exceptions_have_a_trace(log: Log) -> None:
    try:
        raise LookupError("not there")
    except LookupError:
        logging.get("x").exception("it failed", key="k")
    line = log.lines[0]
    assert (line["level"], line["error"], line["key"]) == ("error", "not there", "k")
    assert line["stacktrace"].endswith("LookupError: not there\n")


# ---------------------------------------------------------------- rate


def test_repetitions_are_sampled(log: Log) -> None:
    logger = logging.get("x")
    for _ in range(1000):
        logger.info("again")
    assert len(log.raw) == 109  # the first 100, then number 200, 300, ... 1000


def test_other_messages_and_levels_are_counted_apart(log: Log) -> None:
    logger = logging.get("x")
    for _ in range(150):
        logger.info("again")
    logger.info("another")
    logger.error("again")
    assert len(log.raw) == 102


def test_a_second_later_counting_starts_again(log: Log) -> None:
    logger = logging.get("x")
    for log.mono_ns in (0, 999_999_999, 1_000_000_000):
        for _ in range(60):
            logger.info("again")
    assert len(log.raw) == 160


def test_counters_are_bounded(log: Log) -> None:
    sampler = logging.Sampler(lambda: 0)
    for number in range(10_000):
        sampler(None, "info", {"event": str(number)})
    assert len(sampler._seen) <= 4096


# ---------------------------------------------------------------- the standard library


def test_other_loggers_take_the_same_way(log: Log) -> None:
    stdlib.getLogger("aiohttp.client").warning("slow %s", "host")
    stdlib.getLogger("aiohttp.client").info("chatter")
    assert log.lines == [{"level": "warn", "ts": 1700000000.25, "logger": "aiohttp.client", "msg": "slow host"}]


def test_debug_lines_of_others_are_never_written(log: Log) -> None:
    log.configure("debug")
    stdlib.getLogger("botocore.auth").debug("signature")
    stdlib.getLogger("botocore.auth").info("credentials found")
    assert [line["msg"] for line in log.lines] == ["credentials found"]


def test_odd_records(log: Log) -> None:
    stdlib.getLogger("x").log(35, "between")
    logging.Bridge().emit(stdlib.LogRecord("x", stdlib.WARNING, "x.py", 1, "%d", ("no number",), None))
    try:
        raise LookupError("gone")
    except LookupError:
        stdlib.getLogger("asyncio").exception("never retrieved")
    assert [(line["level"], line["msg"]) for line in log.lines] == [("warn", "between"), ("warn", "%d"), ("error", "never retrieved")]
    assert log.lines[2]["error"] == "gone"


def test_warnings_are_lines(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        stdlib.captureWarnings(True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        stdlib.captureWarnings(False)
    assert [(line["logger"], line["level"]) for line in log.lines] == [("py.warnings", "warn")]


def test_configuring_twice_writes_once(log: Log) -> None:
    log.configure()
    stdlib.getLogger("x").error("m")
    assert len(log.raw) == 1


# ---------------------------------------------------------------- stderr


def test_lines_go_to_stderr(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure()
    logging.get("x").info("m")
    said = capsys.readouterr()
    assert said.out == ""
    assert json.loads(said.err)["msg"] == "m"


def test_a_closed_stderr_is_survived(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    logging.configure()
    monkeypatch.setattr("sys.stderr", None)
    logging.get("x").info("m")
