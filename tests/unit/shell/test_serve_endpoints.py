"""The operator's two servers, as Prometheus and the kubelet see them."""

import asyncio
import datetime
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from eso_core.instant import Instant
from eso_core.plan import At, Settled
from eso_core.refs import EXTERNAL_SECRET, Ref
from eso_shell.observe.metrics import Metrics
from eso_shell.serve.endpoints import Check, Checks, Endpoints, endpoints
from eso_shell.serve.http import ServeError, serve
from eso_shell.settings import Settings

HERE = "127.0.0.1:0"
PLAIN = Settings(metrics_addr=HERE, live_addr=HERE)


def well() -> tuple[bool, str]:
    return True, ""


def saying(reason: str) -> Check:
    return lambda: (False, reason)


def failing() -> tuple[bool, str]:
    raise LookupError("hunter2")


@asynccontextmanager
async def up(
    settings: Settings = PLAIN, *, live: Checks | None = None, ready: Checks | None = None, metrics: Metrics | None = None
) -> AsyncIterator[tuple[Endpoints, aiohttp.ClientSession]]:
    numbers = metrics or Metrics(process=False)
    async with endpoints(settings, numbers, live=live or {}, ready=ready or {}) as where, aiohttp.ClientSession() as session:
        yield where, session


async def get(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as reply:
        return reply.status, await reply.text()


@pytest.mark.parametrize("path", ["healthz", "livez", "readyz"])
async def test_probes_are_well_without_checks(path: str) -> None:
    async with up() as (where, session):
        assert await get(session, f"http://{where.live}/{path}") == (200, "ok")


async def test_probes_say_why() -> None:
    live = {"loop": well}
    ready = {"loop": well, "watch": saying("ExternalSecret: silent for 700 s"), "leader": saying(""), "odd": failing}
    async with up(live=live, ready=ready) as (where, session):
        assert await get(session, f"http://{where.live}/healthz") == (200, "ok")
        assert await get(session, f"http://{where.live}/readyz") == (
            500,
            "watch: ExternalSecret: silent for 700 s\nleader: not well\nodd: the check failed: LookupError\n",
        )


async def test_checks_are_asked_each_time() -> None:
    now = [False, True]
    async with up(ready={"first list": lambda: (now[0], "not yet")}) as (where, session):
        assert (await get(session, f"http://{where.live}/readyz"))[0] == 500
        now.pop(0)
        assert (await get(session, f"http://{where.live}/readyz"))[0] == 200


async def test_metrics() -> None:
    metrics = Metrics(process=False)
    metrics.settled(Ref(EXTERNAL_SECRET, "a", "app"), Settled(requeue=At(Instant(0))), {}, 1, False)
    async with up(metrics=metrics) as (where, session), session.get(f"http://{where.metrics}/metrics") as reply:
        assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert reply.headers["Content-Encoding"] == "gzip"
        assert 'externalsecret_sync_calls_total{name="app",namespace="a"} 1\n' in await reply.text()


async def test_each_server_has_its_own_pages() -> None:
    async with up() as (where, session):
        assert (await get(session, f"http://{where.live}/metrics"))[0] == 404
        assert (await get(session, f"http://{where.metrics}/healthz"))[0] == 404


async def test_turned_off() -> None:
    async with up(Settings(metrics_addr="0", live_addr=HERE)) as (where, _):
        assert where.metrics == ""
        assert where.live != ""


async def test_when_the_second_cannot_start_the_first_ends() -> None:
    taken = await serve(HERE, {})
    assert taken is not None
    with pytest.raises(ServeError, match="Address already in use"):
        async with up(Settings(metrics_addr=HERE, live_addr=taken.address)):
            pass
    await taken.close()


# ---------------------------------------------------------------- HTTPS


def write_certificate(folder: Path, name: str) -> None:
    """A new key and a certificate signed by it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), start, start.replace(year=2120))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "tls.crt").write_bytes(pem)
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls.key").write_bytes(key.private_bytes(*private))


def secure(folder: Path) -> Settings:
    return Settings(metrics_addr=HERE, live_addr="0", metrics_secure=True, metrics_cert_dir=str(folder))


async def served_name(where: Endpoints) -> str:
    """The name in the certificate that a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, _, port = where.metrics.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)  # an address: no server name is sent
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    [attribute] = x509.load_der_x509_certificate(shown).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(attribute.value)


async def test_https(tmp_path: Path) -> None:
    write_certificate(tmp_path, "first")
    async with up(secure(tmp_path)) as (where, _):
        assert await served_name(where) == "first"


async def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    write_certificate(tmp_path, "first")
    async with up(secure(tmp_path)) as (where, _):
        write_certificate(tmp_path, "second")
        os.utime(tmp_path / "tls.crt", ns=(1, 1))
        assert await served_name(where) == "second"


async def test_a_half_written_certificate_leaves_the_last_one(tmp_path: Path) -> None:
    write_certificate(tmp_path, "first")
    async with up(secure(tmp_path)) as (where, _):
        (tmp_path / "tls.crt").write_bytes(b"-----BEGIN")
        os.utime(tmp_path / "tls.crt", ns=(1, 1))
        assert await served_name(where) == "first"
        (tmp_path / "tls.crt").unlink()
        assert await served_name(where) == "first"


@pytest.mark.parametrize("content", [None, b"nonsense"])
async def test_a_certificate_that_cannot_be_used_is_one_line(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "tls.crt").write_bytes(content)
        (tmp_path / "tls.key").write_bytes(content)
    with pytest.raises(ServeError, match=r"^cannot use the certificate in \S+: [^\n]+$"):
        async with up(secure(tmp_path)):
            pass
