"""Certificates: exports, imports, and what a session remembers of them."""

from __future__ import annotations

import base64
import datetime
from dataclasses import replace
from functools import lru_cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from eso_core.door import Delete, Done, Exists, Failed, Find, Get, Push, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Unreachable
from eso_core.providers.aws import pem
from eso_core.secret import SecretBytes
from eso_core.sim.provider.faults import GARBAGE, STATUSES
from eso_core.wire import CallFailed, HttpCall, HttpReply, SdkReply
from tests.providers.aws.server import REGION, Cloud
from tests.providers.scripts import access, entries, failure, ok, provider, run, value

KEYS = {"accessKeyIDSecretRef": {"name": "c", "key": "id"}, "secretAccessKeySecretRef": {"name": "c", "key": "secret"}}
SPEC = {"service": "CertificateManager", "region": REGION, "auth": {"secretRef": KEYS}, "prefix": "team/"}
OURS = {"managed-by": "external-secrets", "external-secrets-remote-key": "team/web"}
DAY = datetime.timedelta(days=1)


@lru_cache
def key_pem(number=1):
    key = rsa.generate_private_key(65537, 2048) if number == 0 else ec.derive_private_key(number, ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@lru_cache
def certificate(name, number=1):
    key = load_pem_private_key(key_pem(number), None)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 1, start, start + DAY).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


class Bench:
    def __init__(self):
        self.cloud = Cloud("acm")
        self.use = access("aws", SPEC, self.cloud.credential())
        self.session = run(provider("aws").login(self.use), self.cloud.answer).value

    def get(self, arn, **more):
        del self.cloud.asked[:]
        query = Get(key=arn, **more)
        return run(provider("aws").fetch(self.use, self.session, (query,)), self.cloud.answer).value[query]

    def do(self, command):
        del self.cloud.asked[:]
        return run(getattr(provider("aws"), type(command).__name__.lower())(self.use, self.session, command), self.cloud.answer).value

    def push(self, data=None, tags=None, **more):
        held = {"tls.crt": certificate("web").encode(), "tls.key": key_pem()} if data is None else data
        source = Source(data={name: SecretBytes(raw) for name, raw in held.items()}, type="kubernetes.io/tls")
        spec = {} if tags is None else {"spec": {"tags": tags}}
        meta = {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", **spec}
        return self.do(Push(key="web", source=source, metadata=meta, **more))

    @property
    def calls(self):
        return [operation for operation, _ in self.cloud.asked]

    @property
    def held(self):
        [one] = self.cloud.certificates.held.values()
        return one


class TestReading:
    @pytest.mark.parametrize("number", [0, 1])
    def test_a_bundle(self, number):
        bench = Bench()
        leaf, chain = certificate("web", number), certificate("ca")
        arn = bench.cloud.certificates.add(leaf, chain, key_pem(number))
        answer = bench.get(arn)
        assert value("aws", answer).decode() == leaf + chain + key_pem(number).decode()
        assert value("aws", answer, "any.property") == value("aws", answer)
        assert bench.calls == ["ExportCertificate"]

    def test_the_passphrase_is_chance(self):
        bench = Bench()
        bench.get(bench.cloud.certificates.add(certificate("web"), "", key_pem()))
        assert base64.b64decode(bench.cloud.asked[0][1]["Passphrase"]) == bytes(range(32)).hex().encode()

    def test_calls_as_documented(self):
        use = access("aws", SPEC, Cloud("acm").credential())
        held = run(provider("aws").login(use), Cloud("acm").answer).value
        [chance, call] = run(provider("aws").fetch(use, held, (Get(key="arn:x"),)), [SdkReply(value=bytes(32)), ok({})]).calls
        assert chance.name == "ambient.chance"
        assert (call.url, call.headers["X-Amz-Target"]) == (f"https://acm.{REGION}.amazonaws.com/", "CertificateManager.ExportCertificate")
        assert (call.sign.service, call.provider, call.name) == ("acm", "AWS/CertificateManager", "ExportCertificate")

    def test_an_export_is_paid_for_once(self):
        bench = Bench()
        arn = bench.cloud.certificates.add(certificate("web"), "", key_pem())
        first = value("aws", bench.get(arn))
        assert value("aws", bench.get(arn)) == first
        assert bench.calls == ["GetCertificate"]

    def test_a_renewed_certificate_is_exported_again(self):
        bench = Bench()
        arn = bench.cloud.certificates.add(certificate("web"), "", key_pem())
        bench.get(arn)
        bench.held.leaf, bench.held.key = certificate("web", 2), key_pem(2)
        assert value("aws", bench.get(arn)).decode() == certificate("web", 2) * 2 + key_pem(2).decode()
        assert bench.calls == ["GetCertificate", "ExportCertificate"]

    def test_a_certificate_that_went_is_not_given_from_memory(self):
        bench = Bench()
        arn = bench.cloud.certificates.add(certificate("web"), "", key_pem())
        bench.get(arn)
        bench.cloud.certificates.held.clear()
        assert isinstance(failure(bench.get(arn)), Missing)

    def test_what_is_missing_is_a_plain_error(self):
        got = failure(Bench().get(f"arn:aws:acm:{REGION}:1:certificate/nope"))
        assert isinstance(got, Missing)

    def test_what_may_not_be_exported(self):
        bench = Bench()
        got = failure(bench.get(bench.cloud.certificates.add(certificate("web"), "", key_pem(), exportable=False)))
        assert isinstance(got, Broken)
        assert "not exportable" in got.what

    @pytest.mark.parametrize("key", ["", "web"])
    def test_no_arn(self, key):
        assert isinstance(Bench().get(key), Failed)

    def test_no_maps_and_no_finds(self):
        bench = Bench()
        answer = bench.get(bench.cloud.certificates.add(certificate("web"), "", key_pem()))
        assert isinstance(failure(entries("aws", answer)), InvalidSpec)
        found = run(provider("aws").fetch(bench.use, bench.session, (Find(name="."),)), bench.cloud.answer).value
        assert isinstance(failure(found[Find(name=".")]), InvalidSpec)

    @pytest.mark.parametrize("key", ["", "x", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n", key_pem().decode()])
    def test_a_key_that_is_not_as_it_should_be(self, key):
        """Nothing of it is told. A key that is not encrypted is taken as it is, as in the reference."""
        bench = Bench()
        exported = ok({"Certificate": "c", "PrivateKey": key})
        query = Get(key="arn:x")
        answer = run(provider("aws").fetch(bench.use, bench.session, (query,)), [SdkReply(value=bytes(32)), exported]).value[query]
        if isinstance(answer, Failed):
            assert isinstance(answer.failure, Broken)
        else:
            assert value("aws", answer).decode() == f"c\n{key}" if key else "c\n"

    @pytest.mark.parametrize("reply", [CallFailed(Unreachable("x")), SdkReply(value=b"short"), SdkReply(value=None)])
    def test_without_chance(self, reply):
        bench = Bench()
        query = Get(key="arn:x")
        assert isinstance(run(provider("aws").fetch(bench.use, bench.session, (query,)), [reply]).value[query], Failed)


class TestKeys:
    """Private keys in encrypted PKCS#8."""

    def encrypted(self, number=1, passphrase=b"pass"):
        key = load_pem_private_key(key_pem(number), None)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))

    @pytest.mark.parametrize("number", [0, 1])
    def test_they_are_decrypted(self, number):
        assert pem.decrypted(self.encrypted(number), b"pass") == key_pem(number)

    def test_a_wrong_passphrase(self):
        assert isinstance(pem.decrypted(self.encrypted(), b"other"), str)

    def test_iterations_have_a_bound(self):
        raw = base64.b64decode(b"".join(self.encrypted().split(b"\n")[1:-2]))
        at = raw.index(b"\x02\x02\x08\x00")  # 2048
        dear = raw[:at] + b"\x02\x02\x7f\xff" + raw[at + 4 :]
        assert pem._affordable(raw)
        assert pem._affordable(dear)
        monkey = pytest.MonkeyPatch()
        with monkey.context() as patch:
            patch.setattr(pem, "ITERATIONS_MAX", 10_000)
            assert not pem._affordable(dear)

    @pytest.mark.parametrize("body", [b"", b"AAAA", b"MAA="])
    def test_garbage(self, body):
        raw = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n%s\n-----END ENCRYPTED PRIVATE KEY-----\n" % body
        assert isinstance(pem.decrypted(raw, b"pass"), str)

    def test_other_pem(self):
        assert isinstance(pem.decrypted(certificate("web").encode(), b"pass"), str)
        assert isinstance(pem.decrypted(b"", b"pass"), str)


class TestPushing:
    def test_a_new_certificate(self):
        bench = Bench()
        data = {"tls.crt": b"junk\n" + (certificate("web") + certificate("ca")).encode(), "tls.key": key_pem()}
        assert bench.push(data, tags={"a": "b", "managed-by": "me"}) == Done(changed=True)
        assert bench.calls == ["GetResources", "ImportCertificate"]
        assert bench.cloud.asked[0][1] == {
            "ResourceTypeFilters": ["acm:certificate"],
            "TagFilters": [
                {"Key": "managed-by", "Values": ["external-secrets"]},
                {"Key": "external-secrets-remote-key", "Values": ["team/web"]},
            ],
        }
        assert (bench.held.leaf, bench.held.chain, bench.held.key) == (certificate("web"), certificate("ca"), key_pem())
        assert bench.held.tags == {**OURS, "a": "b"}

    def test_the_index_is_asked_at_its_own_address(self):
        bench = Bench()
        source = Source(data={"tls.crt": SecretBytes(certificate("web").encode()), "tls.key": SecretBytes(key_pem())})
        ran = run(provider("aws").push(bench.use, bench.session, Push(key="web", source=source)), bench.cloud.answer)
        call = next(call for call in ran.calls if isinstance(call, HttpCall))
        assert (call.url, call.sign.service) == (f"https://tagging.{REGION}.amazonaws.com/", "tagging")
        assert call.headers["X-Amz-Target"] == "ResourceGroupsTaggingAPI_20170126.GetResources"
        assert call.provider == "AWS/CertificateManager"

    @pytest.mark.parametrize("chain", ["", certificate("ca")])
    def test_the_same_again(self, chain):
        bench = Bench()
        data = {"tls.crt": (certificate("web") + chain).encode(), "tls.key": key_pem()}
        bench.push(data)
        bench.held.tags["foreign"] = "x"
        bench.session = run(provider("aws").login(bench.use), bench.cloud.answer).value
        assert bench.push(data) == Done(changed=False)
        assert bench.calls == ["GetResources", "GetCertificate"]
        assert bench.held.tags == {**OURS, "foreign": "x"}

    def test_a_renewed_one_keeps_its_arn(self):
        bench = Bench()
        bench.push()
        arn = bench.held.arn
        assert bench.push({"tls.crt": certificate("web", 2).encode(), "tls.key": key_pem(2)}) == Done(changed=True)
        assert (bench.held.arn, bench.held.leaf) == (arn, certificate("web", 2))
        assert "Tags" not in bench.cloud.asked[-1][1]

    def test_tags_become_those_of_the_metadata(self):
        bench = Bench()
        bench.push(tags={"a": "1", "b": "1"})
        assert bench.push(tags={"a": "2", "c": "3"}) == Done(changed=True)
        assert bench.held.tags == {**OURS, "a": "2", "c": "3"}
        assert bench.push(tags={"a": "2", "c": "3"}) == Done(changed=False)

    def test_an_index_that_lags_makes_no_second_certificate(self):
        bench = Bench()
        bench.cloud.certificates.lags = True
        bench.push()
        assert bench.push() == Done(changed=False)
        assert bench.calls == ["GetCertificate"]
        assert len(bench.cloud.certificates.held) == 1

    def test_one_that_went_is_imported_anew(self):
        bench = Bench()
        bench.push()
        bench.cloud.certificates.held.clear()
        assert bench.push() == Done(changed=True)
        assert bench.calls == ["GetCertificate", "ImportCertificate"]

    def test_the_first_of_several(self):
        bench = Bench()
        for _ in range(7):
            bench.cloud.certificates.add(certificate("old"), "", key_pem(), tags=dict(OURS))
        first = min(bench.cloud.certificates.held)
        bench.push()
        assert bench.calls == ["GetResources", "GetResources", "GetCertificate", "ImportCertificate"]
        assert bench.cloud.asked[-1][1]["CertificateArn"] == first

    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            ({"tls.key": key_pem()}, Missing),
            ({"tls.crt": certificate("web").encode(), "tls.key": b""}, Missing),
            ({"tls.crt": b"x", "tls.key": key_pem()}, Broken),
            ({"tls.crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "tls.key": key_pem()}, Broken),
        ],
    )
    def test_what_is_no_tls_secret(self, data, kind):
        bench = Bench()
        assert isinstance(failure(bench.push(data)), kind)
        assert bench.calls == []

    def test_a_single_key_is_refused(self):
        bench = Bench()
        assert isinstance(failure(bench.push(secret_key="tls.crt")), InvalidSpec)
        assert bench.calls == []

    def test_a_key_that_the_service_refuses(self):
        bench = Bench()
        assert isinstance(failure(bench.push({"tls.crt": certificate("web").encode(), "tls.key": b"x"})), Broken)


class TestDeleting:
    def test_what_is_ours(self):
        bench = Bench()
        assert bench.do(Delete(key="web")) == Done(changed=False)
        assert bench.do(Exists(key="web")) is False
        bench.push()
        assert bench.do(Exists(key="web")) is True
        assert bench.do(Delete(key="web")) == Done(changed=True)
        assert bench.calls == ["ListTagsForCertificate", "DeleteCertificate"]
        assert bench.do(Delete(key="web")) == Done(changed=False)

    def test_what_lost_its_mark(self):
        bench = Bench()
        bench.push()
        bench.held.tags["managed-by"] = "me"
        assert isinstance(failure(bench.do(Delete(key="web"))), InvalidSpec)
        assert bench.held

    def test_what_went_meanwhile(self):
        bench = Bench()
        bench.push()
        bench.cloud.certificates.held.clear()
        assert bench.do(Exists(key="web")) is False
        assert bench.do(Delete(key="web")) == Done(changed=False)

    def test_what_is_in_use(self):
        bench = Bench()
        bench.push()
        bench.held.used = True
        assert "ResourceInUseException" in failure(bench.do(Delete(key="web"))).what

    def test_denied(self):
        bench = Bench()
        bench.cloud.certificates.denied = {"GetResources"}
        for command in (Delete(key="web"), Exists(key="web")):
            assert isinstance(failure(bench.do(command)), Refused)
        assert isinstance(failure(bench.push()), Refused)

    def test_faults_on_the_way(self):
        bench = Bench()
        bench.push()
        for denied in ("ListTagsForCertificate", "DeleteCertificate"):
            bench.cloud.certificates.denied = {denied}
            assert isinstance(failure(bench.do(Delete(key="web"))), Refused)
        assert bench.held


def test_a_store_of_certificates_is_probed_by_its_login():
    bench = Bench()
    use = replace(bench.use, secrets={"access_key": SecretBytes(b"x"), "secret_key": SecretBytes(b"y")})
    assert isinstance(run(provider("aws").login(use), bench.cloud.answer).value, Refused)


class TestFaults:
    """One call goes wrong, each in turn: what is told is a failure or the truth."""

    OTHER = {"tls.crt": certificate("web", 2).encode(), "tls.key": key_pem(2)}

    def run(self, operation, bad, at):
        """The result, the bench after it, and whether there was a call number ``at``."""
        bench = Bench()
        arn = bench.cloud.certificates.add(certificate("read"), "", key_pem())
        if operation != "push new":
            bench.push(tags={"a": "1"})
            bench.session = run(provider("aws").login(bench.use), bench.cloud.answer).value
        made = []

        def answer(call):
            made.append(call)
            if not isinstance(call, HttpCall) or len(made) != at:
                return bench.cloud.answer(call)
            if isinstance(bad, HttpReply) and bad.status == 200:
                bench.cloud.answer(call)  # it is done, and the reply is lost
            return bad

        source = {name: SecretBytes(raw) for name, raw in self.OTHER.items()}
        push = Push(key="web", source=Source(data=source), metadata=None)
        if operation == "get":
            query = Get(key=arn)
            talk = provider("aws").fetch(bench.use, bench.session, (query,))
            return run(talk, answer).value[query], bench, len(made) >= at
        command = {"delete": Delete(key="web"), "exists": Exists(key="web")}.get(operation, push)
        act = getattr(provider("aws"), type(command).__name__.lower())
        return run(act(bench.use, bench.session, command), answer).value, bench, len(made) >= at

    def lie(self, operation, result, bench):
        if isinstance(result, Failed):
            return False
        mine = [held for held in bench.cloud.certificates.held.values() if held.tags.get("external-secrets-remote-key") == "team/web"]
        match operation:
            case "get":
                return value("aws", result).count(b"BEGIN") != 3
            case "exists":
                return result is False
            case "delete":
                return bool(mine)
            case _:
                return [held.leaf for held in mine] != [certificate("web", 2)]

    @pytest.mark.parametrize("operation", ["get", "push new", "push changed", "delete", "exists"])
    def test_no_lies(self, operation):
        replies = [HttpReply(status=status) for status in STATUSES] + [HttpReply(status=200, body=body) for body in GARBAGE]
        for bad in [*replies, CallFailed(Unreachable("x")), ok({"__type": "ResourceNotFoundException"}, 500)]:
            at, more = 1, True
            while more:
                result, bench, more = self.run(operation, bad, at)
                assert not self.lie(operation, result, bench), (operation, at, bad.__class__, getattr(bad, "body", b"")[:30])
                at += 1
        assert at >= 3

    def test_pages_without_an_end(self):
        bench = Bench()
        more = ok({"ResourceTagMappingList": [], "PaginationToken": "t"})
        assert isinstance(failure(run(provider("aws").exists(bench.use, bench.session, Exists(key="web")), lambda _: more).value), Broken)
