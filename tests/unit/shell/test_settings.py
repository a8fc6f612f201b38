"""The command line: pflag's habits, the reference's names and defaults, one line for every mistake."""

from dataclasses import fields
from pathlib import Path

import pytest

from eso_core.instant import HOUR, MINUTE, SECOND
from eso_shell.cli.flags import flags_markdown, run_help
from eso_shell.settings import FLAGS, Settings, Status, UsageError, arguments, parse

DOCS = Path(__file__).parents[3] / "docs"


def settings(*argv: str, **environ: str) -> Settings:
    return parse(argv, environ)


def test_the_table_and_the_settings_agree() -> None:
    assert [flag.field for flag in FLAGS if getattr(Settings(), flag.field) != flag.default] == []
    assert {flag.field for flag in FLAGS} == {field.name for field in fields(Settings)} - {"environment"}


def test_the_documentation_is_the_table() -> None:
    assert (DOCS / "flags.md").read_text() == flags_markdown()


def test_the_help_names_every_flag() -> None:
    text = run_help()
    assert [flag.name for flag in FLAGS if f"--{flag.name}" not in text and flag.status is not Status.REFUSED] == []


def test_nothing_given() -> None:
    assert settings() == Settings()
    assert settings().warnings == ()
    assert settings().rate_limit is None


@pytest.mark.parametrize(
    ("argv", "field", "value"),
    [
        (["--metrics-addr", ":9"], "metrics_addr", ":9"),
        (["--metrics-addr=:9"], "metrics_addr", ":9"),
        (["--metrics-addr="], "metrics_addr", ""),
        (["--controller-class=a=b"], "controller_class", "a=b"),
        (["--namespace", "--odd"], "namespace", "--odd"),
        (["--namespace=a", "--namespace=b"], "namespace", "b"),
        (["--enable-flood-gate=false"], "enable_flood_gate", False),
        (["--enable-flood-gate=F"], "enable_flood_gate", False),
        (["--enable-http2"], "enable_http2", True),
        (["--enable-http2", "--namespace=x"], "enable_http2", True),
        (["--store-requeue-interval", "1h30m"], "store_requeue_interval", HOUR + 30 * MINUTE),
        (["--leader-election-retry-period=1.5s"], "leader_election_retry_period", 3 * SECOND // 2),
        (["--generator-gc-grace-period=0"], "generator_gc_grace_period", 0),
        (["--client-qps", "12.5"], "client_qps", 12.5),
        (["--concurrent", "-3"], "concurrent", -3),
        (["--loglevel", "WARN"], "loglevel", "warn"),
        (["--zap-time-encoding", "RFC3339"], "zap_time_encoding", "rfc3339"),
        (["--zap-time-encoding", "nanos"], "zap_time_encoding", "nano"),
    ],
)
def test_values(argv: list[str], field: str, value: object) -> None:
    assert getattr(settings(*argv), field) == value


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--x"], "unknown flag: --x"),
        (["--x=1"], "unknown flag: --x"),
        (["--metrics_addr=:1"], "unknown flag: --metrics_addr"),
        (["-v"], "unknown shorthand flag: 'v' in -v"),
        (["there"], "unexpected argument: there"),
        (["--enable-http2", "false"], "unexpected argument: false"),
        (["--"], "unexpected argument: --"),
        (["--namespace"], "flag needs an argument: --namespace"),
        (["--concurrent=many"], 'invalid argument "many" for "--concurrent" flag: must be a whole number'),
        (["--concurrent=99999999999999999999"], 'invalid argument "99999999999999999999" for "--concurrent" flag: value out of range'),
        (["--client-qps=nan"], 'invalid argument "nan" for "--client-qps" flag: must be finite'),
        (["--client-qps=fast"], 'invalid argument "fast" for "--client-qps" flag: must be a number'),
        (["--enable-http2=yes"], 'invalid argument "yes" for "--enable-http2" flag: must be true or false'),
        (["--store-requeue-interval=-5m"], 'invalid argument "-5m" for "--store-requeue-interval" flag: must not be negative'),
        (["--store-requeue-interval=0"], 'invalid argument "0" for "--store-requeue-interval" flag: must be positive'),
        (
            ["--loglevel=loud"],
            'invalid argument "loud" for "--loglevel" flag: must be one of debug, info, warn, error, dpanic, panic, fatal',
        ),
        (["--metrics-auth"], "--metrics-auth cannot be used: it is not there yet"),
        (["--metrics-secure"], "--metrics-secure needs --metrics-cert-dir"),
        (
            ["--backend-egress-deny=metadata,home"],
            'invalid argument "metadata,home" for "--backend-egress-deny" flag: \'home\' is neither one of '
            "link-local, metadata, loopback, private nor a CIDR block such as 10.0.0.0/8",
        ),
    ],
)
def test_mistakes_are_one_line(argv: list[str], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings(*argv)
    assert str(caught.value) == says


def test_a_duration_without_a_unit_is_refused_in_gos_words() -> None:
    with pytest.raises(UsageError, match="missing unit in duration"):
        settings("--store-requeue-interval=5")


def test_flags_without_effect_are_told_once_each() -> None:
    told = settings("--concurrent=20", "--enable-push-secret-reconciler=false", "--loglevel=debug", "--leader-election-id=x").warnings
    assert told == (
        "--enable-push-secret-reconciler is accepted, has no effect yet",
        "--concurrent is accepted, has no effect: concurrency follows the load, within bounds",
        "--leader-election-id is accepted, has no effect: run one replica",
    )


def test_the_default_of_an_idle_flag_is_no_news() -> None:
    assert settings("--concurrent=1", "--enable-leader-election=false").warnings == ()


@pytest.mark.parametrize(
    ("argv", "limit"),
    [
        ([], None),
        (["--client-burst=7"], None),
        (["--client-qps=50"], (50.0, 100)),
        (["--client-qps=50", "--client-burst=7"], (50.0, 7)),
        (["--client-qps=50", "--client-burst=0"], (50.0, 1)),
        (["--client-qps=-1"], None),
    ],
)
def test_the_rate_limit(argv: list[str], limit: tuple[float, int] | None) -> None:
    assert settings(*argv).rate_limit == limit


def test_the_environment() -> None:
    told = settings(
        KUBECONFIG="/k",
        KUBERNETES_SERVICE_HOST="10.0.0.1",
        KUBERNETES_SERVICE_PORT="443",
        HOSTNAME="pod-1",
        POD_NAMESPACE="eso",
        HTTPS_PROXY="upper",
        https_proxy="lower",
        NO_PROXY=".svc",
        HOME="/not/used",
    )
    assert told.kubeconfig == "/k"
    here = told.environment
    assert (here.service_host, here.service_port, here.pod_name, here.pod_namespace) == ("10.0.0.1", "443", "pod-1", "eso")
    assert (here.http_proxy, here.https_proxy, here.no_proxy, here.debug) == ("", "lower", ".svc", False)


def test_the_flag_wins_over_the_environment() -> None:
    assert settings("--kubeconfig=/f", KUBECONFIG="/k").kubeconfig == "/f"


def test_who_wants_tracebacks() -> None:
    assert [settings().debug, settings("--loglevel=debug").debug, settings(ESO_DEBUG="1").debug] == [False, True, True]


def test_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["eso", "run", "--x"])
    monkeypatch.setenv("ESO_DEBUG", "1")
    argv, environ = arguments()
    assert argv == ["run", "--x"]
    assert environ["ESO_DEBUG"] == "1"
