"""No provider needs more calls than its row says, with the operator around it: what ``python -m bench calls`` counts, smaller."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from bench import backend_calls, cli
from bench.backend_calls import BATCHES, READS, CannotCount, Reads, Row, Scale, Work
from eso_core.instant import MINUTE
from eso_core.sim.provider.case import Case

SMALL = Scale(many=100, logins=5, crowd=0)
ALL = list(backend_calls.cases())
BY_NAME = {case.name: case for case in ALL}


@pytest.mark.parametrize("name", READS)
def test_a_provider_takes_no_more_calls_than_its_row(name: str) -> None:
    found = {row.situation: row for row in backend_calls.rows(BY_NAME[name], SMALL)}
    assert backend_calls.exceeded(found.values()) == []
    assert {"many", "one key", "properties", "keys"} <= set(found)
    assert ("no batches" in found) == (name in BATCHES)
    assert all(row.counted["reads"] for row in found.values())


@pytest.mark.parametrize("name", ["aws-secretsmanager-role", "gcpsm-key", "vault-approle"])
def test_what_is_at_rest_and_what_is_dead_costs_next_to_nothing(name: str) -> None:
    case = BY_NAME[name]
    found = {row.situation: row for row in (*backend_calls.rest(case, 10), *backend_calls.dead(case, 10))}
    assert backend_calls.exceeded(found.values()) == []
    assert [found[situation].counted["reads"] for situation in ("restart", "not due")] == [0, 0]
    assert all(found[situation].counted["calls"] > 30 for situation in ("dead, refuses", "dead, hangs"))


@pytest.mark.parametrize("case", [case for case in ALL if case.name not in READS], ids=lambda case: case.name)
def test_every_login_is_done_once(case: Case) -> None:
    [row] = backend_calls.rows(case, SMALL)
    assert row.over == []
    assert (row.counted["logins"], row.counted["login calls"]) == (1, case.calls.login)


def test_every_provider_that_makes_calls_has_a_row() -> None:
    assert {BY_NAME[name].provider.key for name in READS} == {case.provider.key for case in backend_calls.CASES} - {"fake"}


def test_what_is_counted_is_what_the_server_saw() -> None:
    work = Work(BY_NAME["aws-secretsmanager-role"], 40)
    work.want_each(40)
    tally = work.synced()
    asked = Counter(operation for operation, _ in work.operator.backend.asked)  # type: ignore[attr-defined]
    assert asked == {"BatchGetSecretValue": tally.calls["read"]}
    work.operator.advance(61 * MINUTE)
    assert work.operator.take().calls["read"] >= 2


def test_objects_that_are_not_ready_are_no_measurement() -> None:
    work = Work(BY_NAME["vault-approle"], 1)
    work.want("app", data=[work.entry(7)])
    with pytest.raises(CannotCount, match="vault-approle: app is not ready: "):
        work.synced()


def test_a_call_too_many_is_told_and_is_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(backend_calls, "Scale", lambda: SMALL)
    monkeypatch.setattr(backend_calls, "rows", lambda case: [backend_calls.one_key(case, replace(READS[case.name], calls=0))])
    monkeypatch.setattr(backend_calls, "cases", lambda provider: [BY_NAME["vault-approle"]])
    assert cli.main(["calls", "-o", "json"]) == 1
    said = capsys.readouterr()
    assert "over its bound: vault-approle: one key, 20 objects: 1 reads, more than 0" in said.err
    [row] = json.loads(said.out)["rows"]
    assert (row["counted"], row["bounds"], row["over"]) == ({"reads": 1}, {"reads": 0}, ["reads"])


def test_an_unknown_provider_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["calls", "--provider", "nobody"])
    assert ended.value.code == 2
    assert "there is no provider 'nobody'" in capsys.readouterr().err


def test_bounds() -> None:
    assert Reads().many(1000) == Reads().together(1000) == 1000
    assert (Reads(batch=20, scatter=2).many(1000), Reads(batch=20, scatter=2).together(20)) == (100, 1)
    assert Reads(batch=10, each=1).together(20) == 22


def test_the_table_shows_bounds_that_are_larger_and_marks_what_is_too_large() -> None:
    def row(situation: str, took: int, bound: int, case: str = "one") -> Row:
        counted = {"reads": took, "logins": 1, "login calls": 2}
        return Row(situation=situation, case=case, objects=1, counted=counted, bounds={"reads": bound})

    text = backend_calls.as_table([row("many", 5, 7), row("one key", 1, 1), row("keys", 3, 2), row("logins", 4, 4, "two")])
    lines = [line.split() for line in text.splitlines()]
    assert lines[1] == ["one", "1", "of", "2", "5", "(7)", "1", "-", "3!", "-", "-", "-", "-", "-", "-"]
    assert lines[-1] == ["two", "1", "of", "2", "4"]
