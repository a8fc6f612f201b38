"""The operator's calls, out of the API server's metrics."""

from collections import Counter

from bench.calls import FLOW_SCHEMA, OTHER, Counters, between, parse


def _request(verb: str, resource: str, value: str, *, subresource: str = "", code: str = "200") -> str:
    labels = f'code="{code}",component="apiserver",dry_run="",group="g",resource="{resource}",scope="resource",subresource="{subresource}"'
    return f'apiserver_request_total{{{labels},verb="{verb}",version="v1"}} {value}'


def _dispatched(schema: str, value: int) -> str:
    return f'apiserver_flowcontrol_dispatched_requests_total{{flow_schema="{schema}",priority_level="exempt"}} {value}'


def test_codes_are_added_and_subresources_kept_apart() -> None:
    found = parse(
        "\n".join(
            [
                "# HELP apiserver_request_total Counter",
                _request("POST", "secrets", "7", code="201"),
                _request("POST", "secrets", "1", code="409"),
                _request("PATCH", "externalsecrets", "3", subresource="status"),
                _request("PATCH", "externalsecrets", "1e+06"),
                _dispatched(FLOW_SCHEMA, 20),
                _dispatched("exempt", 400),
            ]
        )
    )
    assert found.requests == {"POST secrets": 8, "PATCH externalsecrets/status": 3, "PATCH externalsecrets": 1_000_000}
    assert found.operator == 20


def test_housekeeping_watches_and_requests_for_no_resource_are_left_out() -> None:
    lines = [_request("PUT", "leases", "5"), _request("WATCH", "secrets", "5"), _request("GET", "", "5")]
    assert parse("\n".join(lines)) == Counters()


def test_the_bench_is_taken_off_and_the_rest_of_the_total_is_named() -> None:
    before = Counters(Counter({"POST secrets": 5, "POST externalsecrets": 1}), 10)
    after = Counters(Counter({"POST secrets": 105, "POST externalsecrets": 101, "POST events": 99}), 213)
    found = between(before, after, Counter({"POST externalsecrets": 100}))
    assert found.total == 203
    assert found.by_kind == {"POST secrets": 100, "POST events": 99, OTHER: 4}
    assert (found.writes, found.events) == (199, 99)


def test_reads_are_no_writes() -> None:
    found = between(Counters(), Counters(Counter({"LIST secrets": 2, "GET events": 1, "PUT secrets": 1}), 4), Counter())
    assert (found.writes, found.events, found.total) == (1, 0, 4)
