"""The cache never goes back in time, and knows own writes before the watch tells of them."""

from __future__ import annotations

import json

import pytest

from eso_core.machines.cache import Cache, Change, Packed
from eso_core.refs import CONFIG_MAP, SECRET, Kind, Ref

A, B = Ref(SECRET, "ns", "a"), Ref(SECRET, "ns", "b")


def packed(version: int, ref: Ref = A, *, gate: object = None, index: str | None = None) -> Packed:
    return Packed(ref, version, b"{}", version if gate is None else gate, (("by", index),) if index else ())


@pytest.fixture
def cache() -> Cache:
    return Cache()


def versions(cache: Cache, *refs: Ref) -> list[int | None]:
    return [found.version if (found := cache.get(ref)) else None for ref in refs]


class TestPut:
    def test_new_and_newer(self, cache: Cache) -> None:
        first, second = packed(1), packed(2)
        assert cache.put(first, told=True) == Change(A, None, first)
        assert cache.put(second, told=True) == Change(A, first, second)
        assert (cache.get(A), len(cache)) == (second, 1)

    @pytest.mark.parametrize("told", [True, False])
    @pytest.mark.parametrize("version", [1, 2])
    def test_not_newer(self, cache: Cache, told: bool, version: int) -> None:
        cache.put(packed(2), told=True)
        assert cache.put(packed(version), told=told) is None
        assert versions(cache, A) == [2]

    def test_own_write_before_the_watch(self, cache: Cache) -> None:
        assert cache.put(packed(5), told=False) is not None
        assert cache.put(packed(5), told=True) is None
        assert cache.put(packed(3), told=True) is None
        assert versions(cache, A) == [5]

    def test_own_write_of_what_the_watch_knows_to_be_gone(self, cache: Cache) -> None:
        cache.put(packed(5), told=True)
        cache.remove(A, 8)
        assert cache.put(packed(7), told=False) is None
        assert versions(cache, A) == [None]
        assert cache.put(packed(9), told=False) is not None

    def test_another_kind_has_another_clock(self, cache: Cache) -> None:
        cache.heard(CONFIG_MAP, 100)
        assert cache.put(packed(5), told=False) is not None


class TestRemove:
    def test_known(self, cache: Cache) -> None:
        cache.put(packed(5), told=True)
        change = cache.remove(A, 6)
        assert change is not None
        assert change.after is None
        assert versions(cache, A) == [None]

    def test_unknown(self, cache: Cache) -> None:
        assert cache.remove(A, 6) is None

    def test_a_newer_object_of_the_name_stays(self, cache: Cache) -> None:
        cache.put(packed(9), told=False)
        assert cache.remove(A, 6) is None
        assert versions(cache, A) == [9]


class TestList:
    def test_what_it_does_not_show_is_gone(self, cache: Cache) -> None:
        cache.put(packed(1), told=True)
        cache.put(packed(2, B), told=True)
        assert cache.keep_only(SECRET, {A}.__contains__, 10) == [Change(B, packed(2, B), None)]
        assert versions(cache, A, B) == [1, None]

    def test_what_is_newer_stays(self, cache: Cache) -> None:
        cache.put(packed(11), told=False)
        assert cache.keep_only(SECRET, lambda _: False, 10) == []
        assert versions(cache, A) == [11]

    def test_other_kinds_stay(self, cache: Cache) -> None:
        other = Ref(CONFIG_MAP, "ns", "a")
        cache.put(packed(1, other), told=True)
        assert cache.keep_only(SECRET, lambda _: False, 10) == []
        assert versions(cache, other) == [1]

    def test_an_own_write_older_than_the_list_is_no_news(self, cache: Cache) -> None:
        cache.keep_only(SECRET, lambda _: False, 10)
        assert cache.put(packed(9), told=False) is None


class TestIndex:
    def find(self, cache: Cache, value: str, kind: Kind = SECRET, namespace: str = "ns") -> tuple[Ref, ...]:
        return cache.find("by", kind, namespace, value)

    def test_by_name(self, cache: Cache) -> None:
        for ref in (B, A):
            cache.put(packed(1, ref, index="x"), told=True)
        assert self.find(cache, "x") == (A, B)
        assert self.find(cache, "y") == self.find(cache, "x", CONFIG_MAP) == self.find(cache, "x", namespace="other") == ()

    def test_follows_changes(self, cache: Cache) -> None:
        cache.put(packed(1, index="x"), told=True)
        cache.put(packed(2, index="y"), told=True)
        assert (self.find(cache, "x"), self.find(cache, "y")) == ((), (A,))
        cache.put(packed(3), told=True)
        assert self.find(cache, "y") == ()

    def test_forgets_what_is_gone(self, cache: Cache) -> None:
        cache.put(packed(1, index="x"), told=True)
        cache.remove(A, 2)
        assert self.find(cache, "x") == ()
        assert cache._index == {}

    def test_refs(self, cache: Cache) -> None:
        cache.put(packed(1), told=True)
        cache.put(packed(2, B), told=True)
        assert set(cache.refs(SECRET)) == {A, B}
        assert list(cache.refs(CONFIG_MAP)) == []


def test_what_matters() -> None:
    same = Change(A, packed(1, gate="g"), packed(2, gate="g"))
    assert not same.matters
    assert Change(A, packed(1, gate="g"), packed(2, gate="h")).matters
    assert Change(A, None, packed(2)).matters
    assert Change(A, packed(2), None).matters


def test_what_is_known_is_no_news_but_heard() -> None:
    cache = Cache()
    cache.put(packed(5), told=True)
    told = [json.dumps({"metadata": {"name": A.name, "namespace": A.namespace, "resourceVersion": str(at)}}).encode() for at in (4, 5, 6)]
    assert [cache.hears(A.kind, raw) for raw in told] == [False, False, True]
    assert cache.put(packed(6, B), told=False) is None  # the watch was at 6, and did not tell of it
    odd = (b"", b"[]", b'{"metadata":{}}', json.dumps({"metadata": {"name": A.name, "namespace": A.namespace}}).encode())
    assert all(cache.hears(A.kind, raw) for raw in odd)
