"""What counts as arrived."""

from bench.watching import Cluster, Created, Refreshed

READY = {"conditions": [{"type": "Ready", "status": "True"}]}
KEY = "ns/a"


def _synced(time: str, version: str = "1-a") -> dict[str, object]:
    return {**READY, "refreshTime": time, "syncedResourceVersion": version}


def test_an_object_has_arrived_once_it_has_both_its_secret_and_its_condition() -> None:
    cluster = Cluster()
    wave = Created(cluster, [KEY, "ns/b"])
    cluster.external_secret(KEY, {}, 1.0)
    cluster.external_secret(KEY, {"conditions": [{"type": "Ready", "status": "False"}]}, 2.0)
    cluster.secret("ADDED", KEY, 3.0)
    assert wave.look() == 0
    cluster.external_secret(KEY, _synced("t1"), 4.0)
    cluster.secret("ADDED", KEY, 5.0)  # told again by a watch that began anew
    assert wave.look() == 1
    assert (wave.times, wave.missing) == ([4.0], 1)
    assert cluster.objects[KEY].secret_at == 3.0


def test_the_secret_may_come_last() -> None:
    cluster = Cluster()
    wave = Created(cluster, [KEY])
    cluster.external_secret(KEY, _synced("t1"), 4.0)
    cluster.secret("ADDED", KEY, 6.0)
    assert wave.look() == 1
    assert wave.times == [6.0]


def test_a_refresh_is_another_time_or_another_version_than_before() -> None:
    cluster = Cluster()
    for key in (KEY, "ns/b", "ns/c"):
        cluster.external_secret(key, _synced("t1"), 1.0)
    wave = Refreshed(cluster, [KEY, "ns/b", "ns/c"])
    cluster.external_secret(KEY, _synced("t1"), 2.0)
    assert wave.look() == 0
    cluster.external_secret(KEY, _synced("t2"), 3.0)
    cluster.external_secret("ns/b", _synced("t1", "1-b"), 4.0)
    assert wave.look() == 2
    assert sorted(wave.times) == [3.0, 4.0]


def test_changes_of_secrets_and_ready_stores() -> None:
    cluster = Cluster()
    cluster.secret("ADDED", KEY, 1.0)
    cluster.secret("MODIFIED", KEY, 2.0)
    cluster.store("/bench", {}, 1.0)
    cluster.store("/bench", READY, 2.0)
    cluster.store("/bench", READY, 3.0)
    assert cluster.secret_changes == 1
    assert cluster.stores_ready_at == {"/bench": 2.0}


def test_lag_is_taken_once() -> None:
    cluster = Cluster(lag_s_max=0.5)
    assert (cluster.take_lag(), cluster.take_lag()) == (0.5, 0.0)
