"""The words of the core: secrets that stay hidden, times, names, failures."""

from __future__ import annotations

import pickle

import pytest

from eso_core.failure import Broken, InvalidSpec, describe
from eso_core.instant import SECOND, Instant, Now
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, Ref, collection_path
from eso_core.secret import SecretBytes


class TestSecretBytes:
    VALUE = SecretBytes(b"s3cr3t")

    def test_every_text_form_is_redacted(self) -> None:
        for text in (repr(self.VALUE), str(self.VALUE), f"{self.VALUE}", f"{self.VALUE!r:>20}", f"{self.VALUE:>20}", "%s" % self.VALUE):  # noqa: UP031
            assert "s3cr3t" not in text
        assert repr([self.VALUE]) == "[SecretBytes(***)]"

    def test_reveal_is_the_only_way_out(self) -> None:
        assert self.VALUE.reveal() == b"s3cr3t"
        for attempt in (hash, len, iter, list, pickle.dumps, bytes, int):
            with pytest.raises(TypeError):
                attempt(self.VALUE)  # type: ignore[operator]
        with pytest.raises(AttributeError):
            self.VALUE.__dict__  # noqa: B018

    def test_equality(self) -> None:
        assert SecretBytes(b"a") == SecretBytes(b"a")
        assert SecretBytes(b"a") != SecretBytes(b"b")
        assert SecretBytes(b"a") != b"a"

    def test_fingerprints_need_the_key(self) -> None:
        assert self.VALUE.fingerprint(b"k") == SecretBytes(b"s3cr3t").fingerprint(b"k")
        assert self.VALUE.fingerprint(b"k") != self.VALUE.fingerprint(b"j")
        assert len(self.VALUE.fingerprint(b"k" * 100)) == 12


def test_instants() -> None:
    now = Instant(5 * SECOND)
    assert now.plus(SECOND).since(now) == SECOND
    assert Instant(1) < Instant(2)
    assert Now(now, 100).mono_of(now.plus(7)) == 107


def test_paths() -> None:
    assert Ref(SECRET, "ns", "n").path == "/api/v1/namespaces/ns/secrets/n"
    assert Ref(EXTERNAL_SECRET, "ns", "n").path == "/apis/external-secrets.io/v1/namespaces/ns/externalsecrets/n"
    assert Ref(CLUSTER_SECRET_STORE, "", "n").path == "/apis/external-secrets.io/v1/clustersecretstores/n"
    assert collection_path(SECRET, "") == "/api/v1/secrets"
    assert collection_path(CLUSTER_SECRET_STORE, "ns") == "/apis/external-secrets.io/v1/clustersecretstores"
    assert [str(Ref(SECRET, "ns", "n")), str(Ref(CLUSTER_SECRET_STORE, "", "n"))] == ["Secret ns/n", "ClusterSecretStore n"]
    assert (SECRET.api_version, EXTERNAL_SECRET.api_version) == ("v1", "external-secrets.io/v1")


def test_refs_of_different_kinds_differ() -> None:
    assert Ref(SECRET, "ns", "n") != Ref(EXTERNAL_SECRET, "ns", "n")
    assert len({Ref(SECRET, "ns", "n"), Ref(EXTERNAL_SECRET, "ns", "n"), Ref(SECRET, "ns", "n")}) == 2


def test_describe() -> None:
    assert describe(InvalidSpec("bad", "spec.x")) == "spec.x: bad"
    assert describe(InvalidSpec("bad")) == "bad"
    assert describe(Broken("b")) == "b"
