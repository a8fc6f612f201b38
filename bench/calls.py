"""Which API calls the operator made, from the API server's own metrics.

Two counters are read. ``apiserver_request_total`` knows verb and resource but not who asked: the bench's own requests, which it knows
exactly, are taken off, and so is the API server's housekeeping. ``apiserver_flowcontrol_dispatched_requests_total`` knows the flow
schema: the operator's user has one of its own, so its total is exact. What the total has beyond the calls by resource is watches
(which the first counter adds when they end) and requests for no resource (discovery, versions).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

FLOW_SCHEMA = "bench-operator"
OTHER = "watches and discovery"
READS = frozenset({"GET", "LIST", "WATCH"})

_REQUESTS = "apiserver_request_total{"
_DISPATCHED = "apiserver_flowcontrol_dispatched_requests_total{"
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# What the API server asks of itself at all times.
_HOUSEKEEPING = frozenset({"leases", "endpoints", "endpointslices", "flowschemas", "prioritylevelconfigurations", "apiservices"})


@dataclass(frozen=True, slots=True)
class Counters:
    """The two counters at one moment. Keys of `requests` look like ``PATCH externalsecrets/status``."""

    requests: Counter[str] = field(default_factory=Counter)
    operator: int = 0


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of the operator between two moments."""

    total: int
    by_kind: dict[str, int]  # most frequent first; those without a resource under `OTHER`

    @property
    def writes(self) -> int:
        return sum(count for kind, count in self.by_kind.items() if kind != OTHER and kind.split()[0] not in READS)

    @property
    def events(self) -> int:
        """Events written, new ones and repetitions."""
        return sum(count for kind, count in self.by_kind.items() if kind.endswith(" events") and kind.split()[0] not in READS)


def parse(metrics: str) -> Counters:
    """From the text of ``/metrics``."""
    requests: Counter[str] = Counter()
    operator = 0
    for line in metrics.splitlines():
        if line.startswith(_REQUESTS):
            labels, value = _sample(line)
            kind = _kind(labels)
            if kind is not None:
                requests[kind] += value
        elif line.startswith(_DISPATCHED):
            labels, value = _sample(line)
            if labels.get("flow_schema") == FLOW_SCHEMA:
                operator += value
    return Counters(requests, operator)


def between(before: Counters, after: Counters, own: Counter[str]) -> Calls:
    """The operator's calls. `own` are the bench's in that time, by the same keys."""
    seen = Counter(after.requests)
    seen.subtract(before.requests)
    seen.subtract(own)
    by_kind = {kind: count for kind, count in seen.most_common() if count > 0}
    total = after.operator - before.operator
    rest = total - sum(by_kind.values())
    return Calls(total, {**by_kind, **({OTHER: rest} if rest > 0 else {})})


def _kind(labels: dict[str, str]) -> str | None:
    resource, verb = labels.get("resource", ""), labels.get("verb", "")
    if not resource or resource in _HOUSEKEEPING or verb == "WATCH":
        return None
    return f"{verb} {resource}" + (f"/{labels['subresource']}" if labels.get("subresource") else "")


def _sample(line: str) -> tuple[dict[str, str], int]:
    text, _, value = line.rpartition(" ")
    return dict(_LABEL.findall(text)), int(float(value))
