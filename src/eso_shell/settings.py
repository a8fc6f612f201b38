"""What the process was told: its command line and its environment. Nothing else reads either of them.

``FLAGS`` is the one table of flags; ``--help``, ``docs/flags.md`` and :class:`Settings` follow it. Names and defaults are those of the
reference (``cmd/controller/root.go``), so an existing Deployment keeps starting. Parsing follows pflag: ``--flag value``, ``--flag=value``;
a boolean flag takes its value only behind ``=``; the last one wins.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from eso_core.instant import MINUTE, SECOND

Value: TypeAlias = bool | int | float | str | None

LOG_LEVELS = ("debug", "info", "warn", "error", "dpanic", "panic", "fatal")
TIME_ENCODINGS = ("epoch", "millis", "nano", "iso8601", "rfc3339", "rfc3339nano")
BURST_DEFAULT = 100  # requests, when only --client-qps is given


class UsageError(Exception):
    """The command line cannot be understood. The text is one line for a person."""


class Status(Enum):
    """What a flag does in this release."""

    EFFECTIVE = "effective"
    ACCEPTED = "accepted"  # for compatibility; setting it to anything but its default logs a warning
    REFUSED = "refused"  # ignoring it would weaken security, so setting it is an error


class Kind(Enum):
    """The type of a flag's value, as ``--help`` names it."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STRING = "string"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. ``default`` is ``None`` where leaving it out means something that no value means; ``note`` says why it is idle."""

    name: str
    kind: Kind
    default: Value
    help: str
    status: Status = Status.ACCEPTED
    choices: tuple[str, ...] = ()
    note: str = ""

    @property
    def field(self) -> str:
        """The field of :class:`Settings`."""
        return self.name.replace("-", "_")


_BUILT_IN = "sessions are kept in a bounded cache of their own"
_NO_LEASE = "run one replica"

FLAGS: tuple[Flag, ...] = (
    # ---- where to find the API server
    Flag("kubeconfig", Kind.STRING, "", "kubeconfig file; $KUBECONFIG when empty, else the pod's service account", Status.EFFECTIVE),
    Flag("context", Kind.STRING, "", "context of the kubeconfig; its current one when empty", Status.EFFECTIVE),
    Flag("client-qps", Kind.FLOAT, None, "requests a second to the API server; not limited when left out", Status.EFFECTIVE),
    Flag("client-burst", Kind.INT, None, f"requests at once beyond --client-qps; {BURST_DEFAULT} when left out", Status.EFFECTIVE),
    # ---- what to look after
    Flag("controller-class", Kind.STRING, "default", "handle stores whose spec.controller is this or empty", Status.EFFECTIVE),
    Flag("namespace", Kind.STRING, "", "watch this namespace alone", Status.EFFECTIVE),
    Flag("enable-cluster-store-reconciler", Kind.BOOL, True, "handle ClusterSecretStores", Status.EFFECTIVE),
    Flag("enable-secret-store-reconciler", Kind.BOOL, True, "handle SecretStores", Status.EFFECTIVE),
    Flag("enable-cluster-external-secret-reconciler", Kind.BOOL, True, "handle ClusterExternalSecrets"),
    Flag("enable-push-secret-reconciler", Kind.BOOL, True, "handle PushSecrets"),
    Flag("enable-cluster-push-secret-reconciler", Kind.BOOL, True, "handle ClusterPushSecrets"),
    Flag("store-requeue-interval", Kind.DURATION, 5 * MINUTE, "time between two validations of a store that sets none", Status.EFFECTIVE),
    Flag("enable-flood-gate", Kind.BOOL, True, "ExternalSecrets wait until their stores are Ready", Status.EFFECTIVE),
    Flag("enable-generator-state", Kind.BOOL, True, "keep the state of generators in GeneratorState objects"),
    Flag("generator-gc-grace-period", Kind.DURATION, 2 * MINUTE, "time before unused generator state is collected"),
    Flag("unsafe-allow-generic-targets", Kind.BOOL, False, "allow targets other than Secrets", Status.EFFECTIVE),
    Flag("template-left-delimiter", Kind.STRING, "{{", "what opens an action of a template", Status.EFFECTIVE),
    Flag("template-right-delimiter", Kind.STRING, "}}", "what closes an action of a template", Status.EFFECTIVE),
    Flag("backend-egress-deny", Kind.STRING, "", "addresses that no store may reach: see docs/egress.md", Status.EFFECTIVE),
    Flag("concurrent", Kind.INT, 1, "workers per controller", note="concurrency follows the load, within bounds"),
    # ---- what to serve and to log
    Flag("metrics-addr", Kind.STRING, ":8080", 'address of /metrics; "0" turns it off', Status.EFFECTIVE),
    Flag("metrics-secure", Kind.BOOL, False, "serve /metrics by HTTPS; needs --metrics-cert-dir", Status.EFFECTIVE),
    Flag("metrics-cert-dir", Kind.STRING, "", "folder of the certificate and the key for /metrics", Status.EFFECTIVE),
    Flag("metrics-cert-name", Kind.STRING, "tls.crt", "certificate file in --metrics-cert-dir", Status.EFFECTIVE),
    Flag("metrics-key-name", Kind.STRING, "tls.key", "key file in --metrics-cert-dir", Status.EFFECTIVE),
    Flag("metrics-auth", Kind.BOOL, False, "authenticate readers of /metrics", Status.REFUSED, note="it is not there yet"),
    Flag("live-addr", Kind.STRING, ":8082", 'address of /healthz, /livez and /readyz; "0" turns it off', Status.EFFECTIVE),
    Flag("enable-extended-metric-labels", Kind.BOOL, False, "add the app.kubernetes.io labels of objects to metrics", Status.EFFECTIVE),
    Flag("enable-http2", Kind.BOOL, False, "offer HTTP/2 for /metrics", note="one scrape is one request"),
    Flag("loglevel", Kind.STRING, "info", "least severe level that is logged", Status.EFFECTIVE, LOG_LEVELS),
    Flag("zap-time-encoding", Kind.STRING, "epoch", "form of the time stamp in logs", Status.EFFECTIVE, TIME_ENCODINGS),
    # ---- more than one replica
    Flag("enable-leader-election", Kind.BOOL, False, "let one of several replicas act", note=_NO_LEASE),
    Flag("leader-election-id", Kind.STRING, "external-secrets-controller", "name of the Lease", note=_NO_LEASE),
    Flag("leader-election-lease-duration", Kind.DURATION, 15 * SECOND, "time after which a silent leader is replaced", note=_NO_LEASE),
    Flag("leader-election-renew-deadline", Kind.DURATION, 10 * SECOND, "time after which a leader that cannot renew stops", note=_NO_LEASE),
    Flag("leader-election-retry-period", Kind.DURATION, 2 * SECOND, "time between two attempts", note=_NO_LEASE),
    # ---- caches of the reference
    Flag("enable-secrets-caching", Kind.BOOL, False, "cache all Secrets", note="no Secret value is cached"),
    Flag("enable-configmaps-caching", Kind.BOOL, False, "cache all ConfigMaps", note="what is used is cached"),
    Flag("enable-managed-secrets-caching", Kind.BOOL, True, "cache Secrets that ExternalSecrets manage", note="no Secret value is cached"),
    Flag("enable-secret-api-read-on-cache-mismatch", Kind.BOOL, True, "read a Secret anew when caches disagree", note="there is one cache"),
    Flag("enable-vault-token-cache", Kind.BOOL, False, "keep Vault tokens", note=_BUILT_IN),
    Flag("vault-token-cache-size", Kind.INT, 262144, "Vault tokens kept", note=_BUILT_IN),
    Flag("experimental-enable-vault-token-cache", Kind.BOOL, False, "old name of --enable-vault-token-cache", note=_BUILT_IN),
    Flag("experimental-vault-token-cache-size", Kind.INT, 262144, "old name of --vault-token-cache-size", note=_BUILT_IN),
    Flag("experimental-enable-doppler-oidc-cache", Kind.BOOL, False, "keep Doppler tokens", note=_BUILT_IN),
    Flag("experimental-doppler-oidc-cache-size", Kind.INT, 262144, "Doppler tokens kept", note=_BUILT_IN),
    Flag("doppler-etag-cache-size", Kind.INT, 16384, "Doppler answers kept", note=_BUILT_IN),
    Flag("pulumi-oidc-cache-size", Kind.INT, 262144, "Pulumi tokens kept", note=_BUILT_IN),
    Flag("mysterybox-tokens-cache-size", Kind.INT, 4096, "Nebius tokens kept", note=_BUILT_IN),
    Flag("mysterybox-connections-cache-size", Kind.INT, 128, "Nebius connections kept", note=_BUILT_IN),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the operator uses of its environment. Empty means not set."""

    kubeconfig: str = ""  # KUBECONFIG
    service_host: str = ""  # KUBERNETES_SERVICE_HOST
    service_port: str = ""  # KUBERNETES_SERVICE_PORT
    pod_name: str = ""  # POD_NAME, else HOSTNAME
    pod_namespace: str = ""  # POD_NAMESPACE
    http_proxy: str = ""  # HTTP_PROXY or http_proxy, and so on
    https_proxy: str = ""
    no_proxy: str = ""
    debug: bool = False  # ESO_DEBUG is set: tracebacks for errors nobody expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The flags (durations in nanoseconds) and the environment of ``eso run``."""

    environment: Environment = Environment()

    kubeconfig: str = ""
    context: str = ""
    client_qps: float | None = None
    client_burst: int | None = None

    controller_class: str = "default"
    namespace: str = ""
    enable_cluster_store_reconciler: bool = True
    enable_secret_store_reconciler: bool = True
    enable_cluster_external_secret_reconciler: bool = True
    enable_push_secret_reconciler: bool = True
    enable_cluster_push_secret_reconciler: bool = True
    store_requeue_interval: int = 5 * MINUTE
    enable_flood_gate: bool = True
    enable_generator_state: bool = True
    generator_gc_grace_period: int = 2 * MINUTE
    unsafe_allow_generic_targets: bool = False
    template_left_delimiter: str = "{{"
    template_right_delimiter: str = "}}"
    backend_egress_deny: str = ""
    concurrent: int = 1

    metrics_addr: str = ":8080"
    metrics_secure: bool = False
    metrics_cert_dir: str = ""
    metrics_cert_name: str = "tls.crt"
    metrics_key_name: str = "tls.key"
    metrics_auth: bool = False
    live_addr: str = ":8082"
    enable_extended_metric_labels: bool = False
    enable_http2: bool = False
    loglevel: str = "info"
    zap_time_encoding: str = "epoch"

    enable_leader_election: bool = False
    leader_election_id: str = "external-secrets-controller"
    leader_election_lease_duration: int = 15 * SECOND
    leader_election_renew_deadline: int = 10 * SECOND
    leader_election_retry_period: int = 2 * SECOND

    enable_secrets_caching: bool = False
    enable_configmaps_caching: bool = False
    enable_managed_secrets_caching: bool = True
    enable_secret_api_read_on_cache_mismatch: bool = True
    enable_vault_token_cache: bool = False
    vault_token_cache_size: int = 262144
    experimental_enable_vault_token_cache: bool = False
    experimental_vault_token_cache_size: int = 262144
    experimental_enable_doppler_oidc_cache: bool = False
    experimental_doppler_oidc_cache_size: int = 262144
    doppler_etag_cache_size: int = 16384
    pulumi_oidc_cache_size: int = 262144
    mysterybox_tokens_cache_size: int = 4096
    mysterybox_connections_cache_size: int = 128

    @property
    def rate_limit(self) -> tuple[float, int] | None:
        """Requests a second and at once to the API server; ``None`` when not limited (no ``--client-qps``, or one that is not positive)."""
        if self.client_qps is None or self.client_qps <= 0:
            return None
        return self.client_qps, max(1, BURST_DEFAULT if self.client_burst is None else self.client_burst)

    @property
    def debug(self) -> bool:
        """Whether a person wants tracebacks."""
        return self.loglevel == "debug" or self.environment.debug

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each flag that was set to something and does nothing."""
        return tuple(_idle(flag) for flag in FLAGS if flag.status is Status.ACCEPTED and getattr(self, flag.field) != flag.default)


def _idle(flag: Flag) -> str:
    return f"--{flag.name} is accepted, has no effect{': ' + flag.note if flag.note else ' yet'}"


def arguments() -> tuple[list[str], Mapping[str, str]]:
    """The command line without the program's name, and the environment."""
    return sys.argv[1:], os.environ


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Settings from the arguments behind ``eso run``.

    Raises :class:`UsageError` for an unknown flag, a value that does not fit, or an argument that is no flag.
    """
    values = _values(argv)
    environment = _environment(environ)
    values["kubeconfig"] = values.get("kubeconfig") or environment.kubeconfig
    settings = Settings(environment=environment, **values)
    _check(settings)
    return settings


# ---------------------------------------------------------------- the command line

_BY_NAME = {flag.name: flag for flag in FLAGS}


def _values(argv: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    rest = list(reversed(argv))
    while rest:
        name, equals, text = _split(rest.pop())
        flag = _BY_NAME.get(name)
        if flag is None:
            raise UsageError(f"unknown flag: --{name}")
        if not equals:
            text = _next_value(flag, rest)
        values[flag.field] = _value(flag, text)
    return values


def _split(argument: str) -> tuple[str, str, str]:
    """``--name=text`` as (name, "=", text)."""
    if argument.startswith("--") and len(argument) > 2:
        return argument[2:].partition("=")
    if argument.startswith("-") and argument not in {"-", "--"}:
        raise UsageError(f"unknown shorthand flag: {argument[1]!r} in {argument}")
    raise UsageError(f"unexpected argument: {argument}")


def _next_value(flag: Flag, rest: list[str]) -> str:
    if flag.kind is Kind.BOOL:
        return "true"
    if not rest:
        raise UsageError(f"flag needs an argument: --{flag.name}")
    return rest.pop()


def _value(flag: Flag, text: str) -> Value:
    try:
        value = _READ[flag.kind](text)
    except ValueError as error:
        raise UsageError(f'invalid argument "{text}" for "--{flag.name}" flag: {error}') from None
    return _choose(flag, str(value)) if flag.choices else value


def _choose(flag: Flag, text: str) -> str:
    """Levels and encodings may be written in capitals, as zap allows, and ``nanos`` is zap's own word for ``nano``."""
    chosen = "nano" if text.lower() == "nanos" else text.lower()
    if chosen not in flag.choices:
        raise UsageError(f'invalid argument "{text}" for "--{flag.name}" flag: must be one of {", ".join(flag.choices)}')
    return chosen


_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def _bool(text: str) -> bool:
    if text not in _TRUE | _FALSE:
        raise ValueError("must be true or false")
    return text in _TRUE


def _int(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if not -(2**63) <= value < 2**63:
        raise ValueError("value out of range")
    return value


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(value):
        raise ValueError("must be finite")
    return value


def _duration(text: str) -> int:
    from returns.pipeline import is_successful

    from eso_core.compat.duration import parse_duration

    read = parse_duration(text)
    if not is_successful(read):
        raise ValueError(read.failure())
    if read.unwrap() < 0:
        raise ValueError("must not be negative")
    return read.unwrap()


_READ: Mapping[Kind, Callable[[str], Value]] = {
    Kind.BOOL: _bool,
    Kind.INT: _int,
    Kind.FLOAT: _float,
    Kind.STRING: str,
    Kind.DURATION: _duration,
}


def _check(settings: Settings) -> None:
    """What no single flag can tell."""
    for flag in FLAGS:
        if flag.status is Status.REFUSED and getattr(settings, flag.field) != flag.default:
            raise UsageError(f"--{flag.name} cannot be used: {flag.note}")
    if settings.store_requeue_interval == 0:
        raise UsageError('invalid argument "0" for "--store-requeue-interval" flag: must be positive')
    if settings.metrics_secure and not settings.metrics_cert_dir:
        raise UsageError("--metrics-secure needs --metrics-cert-dir")
    if settings.backend_egress_deny:
        _check_egress(settings.backend_egress_deny)


def _check_egress(text: str) -> None:
    from eso_shell.egress import EgressRule

    try:
        EgressRule(text)
    except ValueError as error:
        raise UsageError(f'invalid argument "{text}" for "--backend-egress-deny" flag: {error}') from None


# ---------------------------------------------------------------- the environment


def _environment(environ: Mapping[str, str]) -> Environment:
    def first(*names: str) -> str:
        return next((environ[name] for name in names if environ.get(name)), "")

    return Environment(
        kubeconfig=first("KUBECONFIG"),
        service_host=first("KUBERNETES_SERVICE_HOST"),
        service_port=first("KUBERNETES_SERVICE_PORT"),
        pod_name=first("POD_NAME", "HOSTNAME"),
        pod_namespace=first("POD_NAMESPACE"),
        http_proxy=first("http_proxy", "HTTP_PROXY"),
        https_proxy=first("https_proxy", "HTTPS_PROXY"),
        no_proxy=first("no_proxy", "NO_PROXY"),
        debug=bool(first("ESO_DEBUG")),
    )
