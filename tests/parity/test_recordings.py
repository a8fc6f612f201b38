"""What could be seen of the reference can be seen of this operator (`python -m tests.parity.recordings` tells more)."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.parity.recordings.clock import Clock
from tests.parity.recordings.compare import ABSENT, Difference, compare, counts, masks
from tests.parity.recordings.observe import field_paths
from tests.parity.recordings.replay import removals, shared_lists
from tests.parity.recordings.suite import DATA, Rule, Verdict, judge, load, name_of, not_yet, rules

ROOT = Path(__file__).parents[2]
FILES = {f"{path.parent.name}/{path.stem}": path for path in sorted(DATA.rglob("*.yaml"))}


@cache
def verdict(name: str) -> Verdict:
    """One replay of each recording in a process."""
    recording = load(FILES[name])
    assert recording is not None
    assert name_of(recording) == name
    return judge(recording)


@pytest.mark.parametrize("name", FILES)
def test_recording(name: str) -> None:
    found = verdict(name)
    if name in not_yet():
        assert not found.passed, f"passes: take it off not_yet.txt ({not_yet()[name]})"
        pytest.skip(f"needs {not_yet()[name]}")
    assert found.error == ""
    assert [str(difference) for difference in found.differences] == []


def test_what_is_not_yet_exists() -> None:
    assert not_yet().keys() - FILES.keys() == set()
    assert all(not_yet().values()), "a line without a reason"


# ---------------------------------------------------------------- deliberate differences


def test_every_deliberate_difference_is_seen() -> None:
    """A row that covers nothing hides what will differ some day."""
    unseen = set(range(len(rules())))
    for name in FILES:
        if not unseen:
            return
        unseen -= verdict(name).used
    assert [rules()[index] for index in sorted(unseen)] == []


def test_every_deliberate_difference_is_documented() -> None:
    lines = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8").splitlines()
    rows = tuple(f"{line.split('|')[1].strip()}: " for line in lines if line.startswith("| "))
    assert [rule.why for rule in rules() if not rule.why.startswith(rows)] == []


@pytest.mark.parametrize(
    ("rule", "covers"),
    [
        (Rule("", "finalizers", "why"), True),
        (Rule("^basic/", r"app\.metadata\.finalizers$", "why"), True),
        (Rule("^swap/", "finalizers", "why"), False),
        (Rule("", "labels", "why"), False),
        (Rule("", "finalizers", "why", actual=["x"], any_actual=False), False),
        (Rule("", "finalizers", "why", actual=ABSENT, any_actual=False), True),
    ],
)
def test_a_rule_covers_what_it_names(rule: Rule, covers: bool) -> None:
    found = Difference("step 1 objects.ExternalSecret/app.metadata.finalizers", ["x"], ABSENT)
    assert rule.covers("basic/one", found) == covers


# ---------------------------------------------------------------- the judge can say no


def step(**parts: Any) -> dict[str, Any]:
    return {"objects": {}, **parts}


def differing(expected: Any, actual: Any) -> list[str]:
    """Paths in which one step differs."""
    return [difference.path for difference in compare([step(**expected)], [step(**actual)])]


def test_values_are_compared() -> None:
    secret = {"Secret/app": {"metadata": {}, "data": {"a": "MQ=="}}}
    assert differing({"objects": secret}, {"objects": secret}) == []
    other = {"Secret/app": {"metadata": {}, "data": {"a": "Mg=="}}}
    assert differing({"objects": secret}, {"objects": other}) == ["step 1 objects.Secret/app.data.a"]
    assert differing({"objects": secret}, {"objects": {}}) == ["step 1 objects.Secret/app"]
    assert differing({"objects": {}}, {"objects": secret}) == ["step 1 objects.Secret/app"]


def test_events_are_compared_by_type_and_reason() -> None:
    told = {"Normal Created ExternalSecret/app": {"count": 2, "messages": ["x"]}}
    assert differing({"events": told}, {"events": {"Normal Created ExternalSecret/app": {"count": 1}}}) == []
    assert differing({"events": told}, {}) == ["step 1 events.Normal Created ExternalSecret/app"]
    assert differing({}, {"events": told}) == ["step 1 events.Normal Created ExternalSecret/app"]


def test_writes_of_secrets_count_and_others_do_not() -> None:
    assert differing({"writes": {"Secret/a": {"modified": 1}}}, {"writes": {"Secret/a": {"modified": 2}}}) == [
        "step 1 writes.Secret/a.modified"
    ]
    assert differing({"writes": {"ExternalSecret/a": {"modified": 1}}}, {}) == []


def test_refreshes_and_refusals_are_compared() -> None:
    assert differing({"refreshed": {"ExternalSecret/a": True}}, {"refreshed": {"ExternalSecret/a": False}}) != []
    refusal = {"0: create Secret/a": {"accepted": False, "code": 422, "reason": "Invalid", "message": "one text"}}
    same = {"0: create Secret/a": {"accepted": False, "code": 422, "reason": "Invalid"}}
    other = {"0: create Secret/a": {"accepted": False, "code": 409, "reason": "AlreadyExists"}}
    assert differing({"api": refusal}, {"api": same}) == []
    assert differing({"api": refusal}, {"api": other}) != []


def test_owners_of_fields_count_for_external_secrets_alone() -> None:
    fields = ("objects", "Secret/a", "metadata", "managedFields")
    assert counts((*fields, "externalsecrets.external-secrets.io/a|Update"))
    assert not counts((*fields, "kubectl|Update"))
    assert not counts(("objects", "ExternalSecret/a", "status", "conditions", "0", "message"))
    assert counts(("objects", "Secret/a", "data", "message"))


def test_an_unchanged_object_is_that_of_the_step_before() -> None:
    first, changed = {"Secret/a": {"data": {"k": "MQ=="}}}, {"Secret/a": {"data": {"k": "Mg=="}}}
    same = {"Secret/a": "<same as previous step>"}
    assert compare([step(objects=first), step(objects=same)], [step(objects=first), step(objects=first)]) == []
    (found,) = compare([step(objects=first), step(objects=same)], [step(objects=first), step(objects=changed)])
    assert (found.path, found.expected, found.actual) == ("step 2 objects.Secret/a.data.k", "MQ==", "Mg==")


def test_what_may_be_absent_may_not_be_different() -> None:
    optional = {"Secret/a": {"data": {"k": "MQ=="}, "optional": True}}
    assert differing({"objects": optional}, {}) == []
    assert differing({"objects": optional}, {"objects": {"Secret/a": {"data": {"k": "Mg=="}}}}) == ["step 1 objects.Secret/a.data.k"]


@pytest.mark.parametrize(
    ("mask", "value", "fits"),
    [
        ("<varies>", None, True),
        ("<n>", 3, True),
        ("<n>", None, False),
        ("<random len=4 charset=lower+digit>", "ab1c", True),
        ("<random len=4 charset=lower+digit>", "ab1C", False),
        ("<random len=4 charset=lower+digit>", "ab1", False),
        ("<random len=16 charset=hex>", "0123456789abcdef", True),
        ("<random len=16 charset=hex>", "0123456789abcdeg", False),
        ("<random b64 len=3 charset=upper>", "QUJD", True),
        ("<random b64 bytes len=2>", "//8=", True),
        ("<random b64 bytes len=3>", "//8=", False),
        ("<random uuid>", "00000000-0000-4000-8000-000000000001", True),
        ("<random uuid>", "00000000", False),
        ("<random pem type=RSA_PRIVATE_KEY>", "-----BEGIN RSA PRIVATE KEY-----\nx", True),
        ("<random pem type=RSA_PRIVATE_KEY>", "-----BEGIN CERTIFICATE-----\nx", False),
        ("<random sshkey type=ssh-rsa comment=->", "ssh-rsa AAAA", True),
        ("<random sshkey type=ssh-rsa comment=a_b>", "ssh-rsa AAAA a b", True),
        ("<random sshkey type=ssh-rsa comment=->", "ssh-ed25519 AAAA", False),
        ("text", "text", False),
    ],
)
def test_masks(mask: str, value: Any, fits: bool) -> None:
    assert masks(mask, value) == fits


# ---------------------------------------------------------------- the user's hands


def test_apply_takes_away_what_it_gave() -> None:
    old = {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"data": [{"key": "x"}], "target": {"name": "t"}}}
    live = {
        "metadata": {"labels": {"a": "1", "b": "2", "c": "3"}},
        "spec": {"data": [{"key": "x", "policy": "None"}], "target": {"name": "t"}},
    }
    new = {"metadata": {"labels": {"a": "1"}}, "spec": {"interval": "1h"}}
    assert removals(old, new, live, live) == {"metadata": {"labels": {"b": None}}, "spec": {"data": None, "target": None}}


def test_apply_leaves_what_others_gave_or_changed() -> None:
    old, after = {"spec": {"target": {"name": "t"}}}, {"spec": {"target": {"name": "t", "policy": "Owner"}}}
    assert removals(old, {"spec": {}}, after, after) == {"spec": {"target": {"name": None}}}
    changed = {"spec": {"target": {"name": "u", "policy": "Owner"}}}
    assert removals(old, {"spec": {}}, after, changed) == {}


def test_apply_replaces_its_own_items_of_shared_lists() -> None:
    def having(*names: str) -> dict[str, Any]:
        return {"metadata": {"finalizers": list(names)}}

    assert shared_lists(having("a/1"), having("a/2"), having("a/1", "b/1")) == {"finalizers": ["b/1", "a/2"]}
    assert shared_lists(having("a/1"), {"metadata": {}}, having("a/1", "b/1")) == {"finalizers": ["b/1"]}
    assert shared_lists({}, {"metadata": {}}, having("b/1")) == {}


def test_paths_of_fields() -> None:
    tree: dict[str, Any] = {"f:metadata": {"f:labels": {".": {}, "f:a/b": {}}, "f:finalizers": {'v:"x"': {}}}, "f:type": {}}
    assert field_paths(tree) == ["metadata.labels.a/b", 'metadata.finalizers[v:"x"]', "type"]


def test_things_of_one_moment_happen_in_order() -> None:
    clock, seen = Clock(), []
    for number in range(3):
        clock.after(1, lambda number=number: seen.append(number))  # type: ignore[misc]
    clock.happen()
    assert (seen, clock.next_at()) == ([], 1_000_000_000)
    clock.mono = 1_000_000_000
    clock.happen()
    assert (seen, clock.next_at()) == ([0, 1, 2], None)


def test_a_difference_names_both_sides() -> None:
    (found,) = compare([step(objects={"Secret/a": {"type": "Opaque"}})], [step()])
    assert str(found) == "step 1 objects.Secret/a: expected {'type': 'Opaque'}, actual '<absent>'"
    assert found.actual == ABSENT
