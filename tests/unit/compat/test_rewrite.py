"""Key rewriting: order, precedence, and the bounds the reference does not have."""

from returns.result import Failure, Result, Success

from eso_core.compat import rewrite
from tests.rewrites import Merge, Operation, Regexp, Transform


def render(template: str) -> Result[rewrite.Rename, str]:
    return Failure("failed to parse template: no") if template == "bad" else Success(lambda key: Success(template.replace("KEY", key)))


def run(data, *operations):
    return rewrite.rewrite_map(operations, data, render)


def test_nothing_to_do():
    assert run({"a": b"1"}) == Success({"a": b"1"})
    assert run({"a": b"1"}, Operation()) == Success({"a": b"1"})


def test_collisions_keep_the_last_key_in_byte_order():
    assert run({"b": b"2", "a": b"1"}, Operation(regexp=Regexp(".", "x"))) == Success({"x": b"2"})


def test_a_failure_names_the_operation():
    fault = run({"a": b"1"}, Operation(), Operation(transform=Transform("bad"))).failure()
    assert fault == "failed rewrite operation[1]: transform failed with failed to parse template: no"


def test_a_bad_template_is_told_without_any_key():
    assert isinstance(run({}, Operation(transform=Transform("bad"))), Failure)


def test_transform():
    assert run({"a": b"1"}, Operation(transform=Transform("x-KEY"))) == Success({"x-a": b"1"})


def test_merge_precedes_other_members():
    both = Operation(merge=Merge(), regexp=Regexp("x", "y"))
    assert run({"a": b'{"x":1}'}, both) == Success({"x": b"1"})


def test_priority_wins_only_without_conflict_check():
    data = {"a": b'{"x":"a"}', "b": b'{"x":"b"}'}
    assert run(data, Operation(merge=Merge(priority=("a",)))) == Failure("failed rewrite operation[0]: merge failed with conflicts: x")
    assert run(data, Operation(merge=Merge(priority=("a",), conflict_policy="Ignore"))) == Success({"x": b"a"})
    merged = run(data, Operation(merge=Merge(strategy="JSON", into="a", conflict_policy="Ignore")))
    assert merged == Success({"a": b'{"x":"b"}', "b": b'{"x":"b"}'})


def test_output_is_bounded(monkeypatch):
    doubling = Operation(regexp=Regexp("(.+)", "$1$1"))
    assert isinstance(run({"ab": b""}, *[doubling] * 30), Failure)
    monkeypatch.setattr(rewrite, "OUTPUT_MAX", 1_000)
    doubled = [Operation(merge=Merge(strategy="JSON", into=f"{index}", conflict_policy="Ignore")) for index in range(20)]
    assert isinstance(run({"a": b'{"x":"' + b"y" * 90 + b'"}'}, *doubled), Failure)
