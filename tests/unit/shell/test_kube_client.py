"""What an API server, or something on the way to it, does to the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Stale, Throttled, Unreachable, describe
from eso_core.wire import JSON, MERGE_PATCH, CallFailed, KubeCall, KubeReply
from eso_shell.kube import Kube, StreamFailed
from eso_shell.kube import client as client_module
from eso_shell.kube.client import KubeClient, _Bucket
from eso_shell.kube.config import ClusterConfig, ConfigError, Fixed, Identity, TokenFile
from tests.e2e.harness.pki import Authority
from tests.unit.shell.servers import (
    AUTHORITY,
    CHUNKED,
    LOOPBACK,
    Answer,
    Request,
    Server,
    chunk,
    reset,
    say,
    serve,
    server_tls,
    silence,
    text,
)

GET = KubeCall(method="GET", path="/api/v1/namespaces/default/secrets/s")
WATCH = KubeCall(method="GET", path="/api/v1/secrets", query=(("watch", "true"),))


class Talk:
    """A server with its client."""

    def __init__(self, answer: Answer, **config: object) -> None:
        self._answer = answer
        self._config = config
        self._options: dict[str, object] = {}

    def limited(self, **options: object) -> Talk:
        self._options = options
        return self

    async def __aenter__(self) -> tuple[Server, KubeClient]:
        self._serving = serve(self._answer)
        server = await self._serving.__aenter__()
        self._client = KubeClient(ClusterConfig(server=server.url, **self._config), user_agent="tests", **self._options)
        return server, self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._serving.__aexit__(None, None, None)


async def reply(client: Kube, call: KubeCall = GET) -> KubeReply:
    answer = await client.call(call)
    assert isinstance(answer, KubeReply), answer
    return answer


async def failure(client: Kube, call: KubeCall = GET) -> Failure:
    answer = await client.call(call)
    assert isinstance(answer, CallFailed), answer
    assert "\n" not in describe(answer.failure)
    return answer.failure


async def lines(client: Kube, idle_s: float = 60) -> list[bytes]:
    async with aclosing(client.stream(WATCH, idle_s=idle_s)) as batches:
        return [line async for batch in batches for line in batch]


async def broken_stream(client: Kube, idle_s: float = 60) -> StreamFailed:
    with pytest.raises(StreamFailed) as caught:
        await lines(client, idle_s)
    return caught.value


class TestCalls:
    async def test_what_goes_out(self) -> None:
        identities = Fixed(Identity("Bearer t"))
        impersonate = (("Impersonate-User", "u"), ("Impersonate-Group", "g"), ("Impersonate-Group", "h"))
        async with Talk(say(text(b'{"a":1}', "201 Created")), identities=identities, impersonate=impersonate) as (server, client):
            patch = KubeCall(
                method="PATCH",
                path="/apis/external-secrets.io/v1/namespaces/n/externalsecrets/a.b/status",
                query=(("fieldManager", "a b"), ("labelSelector", "x=y,z in (ü)")),
                body=b"{}",
                content_type=MERGE_PATCH,
            )
            assert await reply(client, patch) == KubeReply(status=201, body=b'{"a":1}')
            await reply(client, GET)
            assert client.stats == {("PATCH", 201): 1, ("GET", 201): 1}
        first, second = server.requests
        target = "/apis/external-secrets.io/v1/namespaces/n/externalsecrets/a.b/status"
        assert first.line == f"PATCH {target}?fieldManager=a%20b&labelSelector=x%3Dy%2Cz%20in%20%28%C3%BC%29 HTTP/1.1"
        assert first.body == b"{}"
        common = {"host": server.url.removeprefix("http://"), "user-agent": "tests", "accept": JSON, "authorization": "Bearer t"}
        common |= {"accept-encoding": "identity", "impersonate-user": "u", "impersonate-group": "h"}
        assert first.headers == {**common, "content-type": MERGE_PATCH, "content-length": "2"}
        assert second.headers == common
        assert server.connections == 1

    async def test_a_large_body_is_sent_whole(self) -> None:
        async with Talk(say(text())) as (server, client):
            await reply(client, KubeCall(method="POST", path="/api/v1/secrets", body=b"x" * 2_000_000))
        assert len(server.requests[0].body) == 2_000_000

    @pytest.mark.parametrize("framed", [text(b"x" * 3000), CHUNKED + chunk(b"x" * 1000) * 3 + b"0\r\n\r\n"], ids=["length", "chunks"])
    async def test_bodies_of_many_pieces(self, framed: bytes) -> None:
        async with Talk(say(framed)) as (_, client):
            assert (await reply(client)).body == b"x" * 3000

    async def test_an_answer_without_a_body(self) -> None:
        async with Talk(say(b"HTTP/1.1 204 No Content\r\n\r\n")) as (server, client):
            assert (await reply(client)).body == b""
            assert (await reply(client)).body == b""
            assert server.connections == 1

    @pytest.mark.parametrize(
        ("status", "header", "after"),
        [
            ("429 Too Many", "Retry-After: 7\r\n", 7),
            ("503 Later", "Retry-After: Mon, 23 Nov 2026 10:00:00 GMT\r\n", 0),
            ("429 Too Many", "", 0),
            ("200 OK", "Retry-After: 7\r\n", 0),
        ],
    )
    async def test_when_to_come_again(self, status: str, header: str, after: int) -> None:
        async with Talk(say(text(b"{}", status, header))) as (_, client):
            assert (await reply(client)).retry_after_s == after

    async def test_redirects_are_answers(self) -> None:
        async with Talk(say(text(b"", "302 Found", "Location: http://elsewhere.invalid/\r\n"))) as (_, client):
            assert (await reply(client)).status == 302

    @pytest.mark.parametrize(
        "path", ["", "api", "/api/../secrets", "/api/v1/namespaces/./x", "/a b", "/a?b", "/a#b", "/a//b", "/%zz", "/a/..", "/a\r\nb"]
    )
    async def test_a_path_that_names_no_object_is_not_sent(self, path: str) -> None:
        async with Talk(say(text())) as (server, client):
            assert isinstance(await failure(client, KubeCall(method="GET", path=path)), Broken)
        assert server.requests == []


class TestIdentity:
    async def test_a_refused_token_is_read_again_once(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("old")

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            token.write_text("new")
            writer.write(text(b"{}", "200 OK" if request.headers["authorization"] == "Bearer new" else "401 Unauthorized"))

        async with Talk(answer, identities=TokenFile(token)) as (server, client):
            assert (await reply(client)).status == 200
            assert (await reply(client)).status == 200
            assert client.stats == {("GET", 401): 1, ("GET", 200): 2}
            assert len(server.requests) == 3

    async def test_the_same_token_is_not_tried_twice(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("t")
        async with Talk(say(text(b"{}", "401 Unauthorized")), identities=TokenFile(tmp_path / "token")) as (server, client):
            assert (await reply(client)).status == 401
            assert (await broken_stream(client)).status == 401
        assert len(server.requests) == 2

    async def test_streams_read_it_again_too(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("old")

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            token.write_text("new")
            good = request.headers["authorization"] == "Bearer new"
            writer.write(CHUNKED + chunk(b"{}\n") + b"0\r\n\r\n" if good else text(b"{}", "401 Unauthorized"))

        async with Talk(answer, identities=TokenFile(token)) as (_, client):
            assert await lines(client) == [b"{}"]

    async def test_no_token_means_no_request(self, tmp_path: Path) -> None:
        async with Talk(say(text()), identities=TokenFile(tmp_path / "token")) as (server, client):
            failed = await failure(client)
            assert isinstance(failed, Refused)
            assert "cannot be read: No such file" in failed.what
            assert isinstance((await broken_stream(client)).failure, Refused)
        assert server.requests == []

    async def test_a_new_client_certificate_takes_new_connections(self) -> None:
        class Changing:
            def __init__(self) -> None:
                self.identity = Identity("", *self.pair("first"))

            def pair(self, name: str) -> tuple[bytes, bytes]:
                pair = AUTHORITY.issue(name)
                return pair.certificate, pair.key

            async def current(self) -> Identity:
                return self.identity

            async def renewed(self, refused: Identity) -> Identity | None:
                return None

        identities = Changing()
        async with serve(say(text()), server_tls(LOOPBACK, client_ca=AUTHORITY.pem)) as server:
            client = KubeClient(ClusterConfig(server=server.url, ca_pem=AUTHORITY.pem, identities=identities))
            await reply(client)
            identities.identity = Identity("", *identities.pair("second"))
            await reply(client)
            await reply(client)
            await client.close()
        subjects = [str(each and each["subject"]) for each in server.peer_certificates]
        assert ["first" in subjects[0], "second" in subjects[1], len(subjects)] == [True, True, 2]


class TestTls:
    async def test_the_clusters_authority(self) -> None:
        async with serve(say(text()), server_tls(LOOPBACK)) as server:
            for config in (ClusterConfig(server=server.url, ca_pem=AUTHORITY.pem), ClusterConfig(server=server.url, insecure=True)):
                client = KubeClient(config)
                await reply(client)
                await client.close()

    async def test_another_name_to_verify(self) -> None:
        pair = AUTHORITY.issue("server", hosts=("kubernetes.default.svc",))
        async with serve(say(text()), server_tls(pair)) as server:
            client = KubeClient(ClusterConfig(server=server.url, ca_pem=AUTHORITY.pem, server_name="kubernetes.default.svc"))
            await reply(client)
            await client.close()

    async def test_an_unknown_authority(self) -> None:
        async with serve(say(text()), server_tls(LOOPBACK)) as server:
            client = KubeClient(ClusterConfig(server=server.url, ca_pem=Authority("another").pem))
            failed = await failure(client)
            await client.close()
        assert isinstance(failed, Unreachable)
        assert failed.what.startswith("API server: its certificate is not trusted: unable to get local issuer certificate")

    async def test_an_authority_that_is_none(self) -> None:
        client = KubeClient(ClusterConfig(server="https://127.0.0.1:1", ca_pem=b"x"))
        assert await failure(client) == Refused("the CA bundle holds no readable PEM certificate")
        await client.close()


class TestBounds:
    async def test_in_flight_is_strict_and_a_cancelled_call_frees_its_place(self) -> None:
        arrived: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

        async def held(_: Request, writer: asyncio.StreamWriter) -> None:
            arrived.put_nowait(writer)

        async with Talk(held).limited(in_flight_max=2) as (server, client):
            calls = [asyncio.create_task(client.call(GET)) for _ in range(6)]
            writers = [await arrived.get(), await arrived.get()]
            calls[0].cancel()
            calls[5].cancel()  # still waiting for a place
            await server.dropped.wait()
            writers.append(await arrived.get())
            assert len(server.requests) == 3
            for writer in writers:
                writer.write(text())
            for _ in range(2):
                (await arrived.get()).write(text())
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(each).__name__ for each in answers] == ["CancelledError", *["KubeReply"] * 4, "CancelledError"]
            assert len(server.requests) == 5

    async def test_streams_have_no_place(self) -> None:
        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(CHUNKED + chunk(b"{}\n") if "watch" in request.line else text())

        async with Talk(answer).limited(in_flight_max=1) as (_, client), aclosing(client.stream(WATCH, idle_s=60)) as batches:
            assert await anext(batches) == [b"{}"]
            assert (await reply(client)).status == 200

    async def test_no_answer_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "_CALL_TIMEOUT", aiohttp.ClientTimeout(total=0.3))
        async with Talk(silence) as (server, client):
            assert await failure(client) == Unreachable("API server: no answer within 30 s")
            assert client.stats == {("GET", 0): 1}
            await server.dropped.wait()

    async def test_a_body_that_stalls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "_CALL_TIMEOUT", aiohttp.ClientTimeout(total=0.3))
        async with Talk(say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")) as (server, client):
            assert await failure(client) == Unreachable("API server: no answer within 30 s")
            await server.dropped.wait()

    @pytest.mark.parametrize(
        "framed", [text(b"x" * 1001), CHUNKED + chunk(b"x" * 600) + chunk(b"x" * 401) + b"0\r\n\r\n"], ids=["length", "chunks"]
    )
    async def test_a_larger_body_than_allowed(self, monkeypatch: pytest.MonkeyPatch, framed: bytes) -> None:
        monkeypatch.setattr(client_module, "BODY_MAX", 1000)
        async with Talk(say(framed)) as (_, client):
            assert await failure(client) == Broken("API server: answer larger than 1000 bytes")

    async def test_an_answer_that_is_compressed_all_the_same(self) -> None:
        async with Talk(say(text(b"zzz", headers="Content-Encoding: gzip\r\n"))) as (_, client):
            assert isinstance(await failure(client), Broken)

    async def test_calls_a_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        naps: list[float] = []
        loop = asyncio.get_running_loop()
        now = loop.time()

        async def nap(delay: float) -> None:
            naps.append(round(delay, 3))
            if len(naps) == 3:
                raise asyncio.CancelledError

        monkeypatch.setattr(loop, "time", lambda: now)
        monkeypatch.setattr(client_module.asyncio, "sleep", nap)
        bucket = _Bucket(10, 2)
        for _ in range(4):
            await bucket.take()
        with pytest.raises(asyncio.CancelledError):
            await bucket.take()
        await bucket.take()
        now += 0.7
        await bucket.take()
        monkeypatch.undo()
        assert naps == [0.1, 0.2, 0.3, 0.3]

    async def test_the_limit_holds_for_the_client(self, monkeypatch: pytest.MonkeyPatch) -> None:
        taken = []

        async def take(bucket: _Bucket) -> None:
            taken.append(bucket)

        monkeypatch.setattr(_Bucket, "take", take)
        async with Talk(say(text())).limited(qps=5.0, burst=10) as (_, client):
            await reply(client)
            await broken_stream(client)
        assert len(taken) == 2


class TestBrokenConnections:
    async def test_nobody_listens(self) -> None:
        async with serve(silence) as server:
            pass
        client = KubeClient(ClusterConfig(server=server.url))
        assert await failure(client) == Unreachable("API server: connection refused")
        assert (await broken_stream(client)).failure == Unreachable("API server: connection refused")
        assert client.stats == {("GET", 0): 2}
        await client.close()

    async def test_an_address_that_is_none(self) -> None:
        client = KubeClient(ClusterConfig(server="nonsense"))
        assert isinstance(await failure(client), InvalidSpec)
        await client.close()

    @pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"], ids=["at once", "half way"])
    async def test_reset(self, start: bytes) -> None:
        async def half(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(start)
            await writer.drain()
            reset(writer)

        async with Talk(half) as (server, client):
            assert isinstance(await failure(client, KubeCall(method="POST", path="/x", body=b"{}")), Unreachable)
        assert len(server.requests) == 1

    async def test_closing_ends_calls_and_streams(self) -> None:
        arrived: asyncio.Queue[int] = asyncio.Queue()

        async def held(_: Request, writer: asyncio.StreamWriter) -> None:
            arrived.put_nowait(1)

        async with Talk(held) as (_, client):
            call, stream = asyncio.create_task(client.call(GET)), asyncio.create_task(broken_stream(client))
            await arrived.get()
            await arrived.get()
            await client.close()
            answer = await call
            assert isinstance(answer, CallFailed)
            assert isinstance(answer.failure, Unreachable)
            assert isinstance((await stream).failure, Unreachable)


class TestStreams:
    async def test_lines_across_pieces(self) -> None:
        pieces = [b'{"a":1}\n{"b"', b":2}", b'\n\n{"c":3}\n{"d":4}\n', b'{"e":5}\n']
        async with Talk(say(CHUNKED + b"".join(map(chunk, pieces)) + b"0\r\n\r\n")) as (server, client):
            assert await lines(client) == [b'{"a":1}', b'{"b":2}', b'{"c":3}', b'{"d":4}', b'{"e":5}']
            assert client.stats == {("GET", 200): 1}
        assert server.requests[0].line == "GET /api/v1/secrets?watch=true HTTP/1.1"

    async def test_lines_as_they_come(self) -> None:
        go = asyncio.Event()

        async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(CHUNKED + chunk(b"1\n2\n3"))
            await go.wait()
            writer.write(chunk(b"\n") + b"0\r\n\r\n")

        async with Talk(answer) as (_, client), aclosing(client.stream(WATCH, idle_s=60)) as batches:
            assert await anext(batches) == [b"1", b"2"]
            go.set()
            assert [batch async for batch in batches] == [[b"3"]]

    async def test_a_line_of_3_megabytes(self) -> None:
        large = b'{"x":"' + b"y" * 3_500_000 + b'"}'
        data = b"{}\n" + large + b"\n{}\n"
        pieces = [data[at : at + 10_000] for at in range(0, len(data), 10_000)]
        async with Talk(say(CHUNKED + b"".join(map(chunk, pieces)) + b"0\r\n\r\n")) as (_, client):
            assert await lines(client) == [b"{}", large, b"{}"]

    async def test_a_line_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "LINE_MAX", 100_000)

        async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(CHUNKED)
            while True:
                writer.write(chunk(b"x" * 10_000))
                await writer.drain()

        async with Talk(endless) as (server, client):
            assert (await broken_stream(client)).failure == Broken("API server: watch event larger than 100000 bytes")
            await server.dropped.wait()

    async def test_silence_is_noticed(self) -> None:
        async with Talk(say(CHUNKED + chunk(b"{}\n"))) as (server, client):
            async with aclosing(client.stream(WATCH, idle_s=0.5)) as batches:
                assert await anext(batches) == [b"{}"]
                with pytest.raises(StreamFailed) as caught:
                    await anext(batches)
            assert caught.value.failure == Unreachable("API server: silent for 0.5 s")
            await server.dropped.wait()

    async def test_silence_before_the_answer(self) -> None:
        async with Talk(silence) as (_, client):
            assert isinstance((await broken_stream(client, idle_s=0.5)).failure, Unreachable)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            ("403 Forbidden", Refused),
            ("404 Not Found", Missing),
            ("410 Gone", Stale),
            ("429 Too Many", Throttled),
            ("500 Oops", Unreachable),
            ("302 Found", Broken),
        ],
    )
    async def test_a_refusal(self, status: str, kind: type) -> None:
        async with Talk(say(text(b'{"code":1}', status, "Retry-After: 2\r\n"))) as (_, client):
            broken = await broken_stream(client)
        assert isinstance(broken.failure, kind)
        assert (broken.status, broken.body) == (int(status[:3]), b'{"code":1}')
        if isinstance(broken.failure, Throttled):
            assert (broken.retry_after_s, broken.failure.after_ns) == (2, 2_000_000_000)

    async def test_an_end_inside_an_event(self) -> None:
        async with Talk(say(CHUNKED + chunk(b'{}\n{"half') + b"0\r\n\r\n")) as (_, client):
            assert (await broken_stream(client)).failure == Unreachable("API server: the stream ended inside an event")

    @pytest.mark.parametrize("end", [b"zz\r\n", b"5\r\nab"], ids=["garbage", "cut off"])
    async def test_a_break(self, end: bytes) -> None:
        async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(CHUNKED + chunk(b"{}\n"))
            await heard.wait()
            writer.write(end)
            await writer.drain()
            writer.close()

        heard = asyncio.Event()
        async with Talk(answer) as (_, client), aclosing(client.stream(WATCH, idle_s=60)) as batches:
            assert await anext(batches) == [b"{}"]
            heard.set()
            with pytest.raises(StreamFailed) as caught:
                await anext(batches)
        assert isinstance(caught.value.failure, Unreachable)

    async def test_closing_the_iterator_drops_the_connection(self) -> None:
        async with Talk(say(CHUNKED + chunk(b"{}\n"))) as (server, client):
            async with aclosing(client.stream(WATCH, idle_s=60)) as batches:
                await anext(batches)
            await server.dropped.wait()

    async def test_cancelling_drops_the_connection(self) -> None:
        heard = asyncio.Event()

        async def follow(client: Kube) -> None:
            async with aclosing(client.stream(WATCH, idle_s=60)) as batches:
                async for _ in batches:
                    heard.set()

        async with Talk(say(CHUNKED + chunk(b"{}\n"))) as (server, client):
            task = asyncio.create_task(follow(client))
            await heard.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await server.dropped.wait()

    async def test_the_readers_own_time_is_not_the_servers_silence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        running: list[float] = []

        @asynccontextmanager
        async def recorded(seconds: float) -> AsyncIterator[None]:
            running.append(seconds)
            async with timeout(seconds):
                yield
            running.pop()

        timeout = asyncio.timeout
        monkeypatch.setattr(client_module.asyncio, "timeout", recorded)
        async with Talk(say(CHUNKED + chunk(b"{}\n"))) as (_, client), aclosing(client.stream(WATCH, idle_s=60)) as batches:
            await anext(batches)
            assert running == []

    async def test_nothing_after_closing(self) -> None:
        async with Talk(say(text())) as (server, client):
            await client.close()
            closed = Unreachable("API server: the connection was closed")
            assert await failure(client) == closed
            assert (await broken_stream(client)).failure == closed
        assert server.requests == []


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    yield
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and "connection" in repr(task)] == []


def test_errors_are_one_line() -> None:
    assert "\n" not in str(StreamFailed(Unreachable("x"))) + str(ConfigError("y"))
