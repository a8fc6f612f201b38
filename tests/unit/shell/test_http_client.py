"""What backends do to a client, one misbehaviour a test."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from eso_core.failure import Broken, Failure, InvalidSpec, Unreachable, describe
from eso_core.wire import CallFailed, HttpCall, HttpReply, SigV4, Tls
from eso_shell import http
from eso_shell.http import HttpClient, ProxyRules
from tests.e2e.harness.pki import Authority
from tests.unit.shell.servers import AUTHORITY, CHUNKED, LOOPBACK, Request, Server, chunk, reset, say, serve, server_tls, silence, text

TRUSTED = Tls(AUTHORITY.pem)


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(user_agent="tests")
    yield client
    await client.close()


def get(server: Server, path: str = "/", **more: object) -> HttpCall:
    return replace(HttpCall(method="GET", url=server.url + path), **more)


async def reply(client: HttpClient, call: HttpCall) -> HttpReply:
    answer = await client.call(call)
    assert isinstance(answer, HttpReply), answer
    return answer


async def failure(client: HttpClient, call: HttpCall) -> Failure:
    answer = await client.call(call)
    assert isinstance(answer, CallFailed), answer
    assert "\n" not in describe(answer.failure)
    return answer.failure


class TestExchange:
    async def test_a_call_goes_out_as_it_is_written(self, client: HttpClient) -> None:
        async with serve(say(text())) as server:
            await reply(client, get(server, "/v1/a%2Fb//c?q=%7E+x;y", method="POST", headers={"X-Token": "t"}, body=b"{}"))
        (request,) = server.requests
        assert request.line == "POST /v1/a%2Fb//c?q=%7E+x;y HTTP/1.1"
        assert request.body == b"{}"
        assert request.headers == {
            "host": server.url.removeprefix("http://"),
            "x-token": "t",
            "user-agent": "tests",
            "accept": "*/*",
            "accept-encoding": "gzip",
            "content-length": "2",
        }

    async def test_characters_that_no_url_has_are_escaped(self, client: HttpClient) -> None:
        async with serve(say(text())) as server:
            await reply(client, get(server, "/a b/ü\r\nx?q=\u20ac"))
        assert server.requests[0].line.startswith("GET /a%20b/%C3%BC")
        assert len(server.requests) == 1

    async def test_headers_of_the_connection_are_not_the_callers(self, client: HttpClient) -> None:
        unwanted = {"Content-Length": "100", "Transfer-Encoding": "chunked", "Host": "other", "CONNECTION": "close", "user-agent": "mine"}
        async with serve(say(text())) as server:
            await reply(client, get(server, method="PUT", headers=unwanted, body=b"x"))
            await reply(client, get(server))
        assert server.requests[0].headers["content-length"] == "1"
        assert server.requests[0].headers["host"] != "other"
        assert server.requests[0].headers["user-agent"] == "mine"
        assert server.connections == 1

    @pytest.mark.parametrize("status", ["200 OK", "204 No Content", "304 Not Modified", "404 Not Found", "500 Oops"])
    async def test_every_status_is_an_answer(self, client: HttpClient, status: str) -> None:
        body = b"" if status[:3] in ("204", "304") else b"body"
        async with serve(say(text(body, status, "X-One: 1\r\nX-ONE: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"))) as server:
            answer = await reply(client, get(server))
        assert (answer.status, answer.body) == (int(status[:3]), body)
        assert answer.headers["x-one"] == "1, 2"
        assert answer.headers["set-cookie"] == "a=1\nb=2"

    async def test_cookies_are_not_kept(self, client: HttpClient) -> None:
        async with serve(say(text(b"", headers="Set-Cookie: session=1\r\n"))) as server:
            await reply(client, get(server))
            await reply(client, get(server))
        assert "cookie" not in server.requests[1].headers

    async def test_a_head_request_has_no_body(self, client: HttpClient) -> None:
        async with serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nContent-Encoding: gzip\r\n\r\n")) as server:
            assert (await reply(client, get(server, method="HEAD"))).body == b""
            await reply(client, get(server, method="HEAD"))
        assert server.connections == 1

    async def test_a_large_body_is_sent_whole(self, client: HttpClient) -> None:
        body = b"x" * 3_000_000
        async with serve(say(text())) as server:
            await reply(client, get(server, method="POST", body=body))
        assert server.requests[0].body == body

    async def test_a_header_with_a_line_break_is_not_sent(self, client: HttpClient) -> None:
        async with serve(say(text())) as server:
            failed = await failure(client, get(server, headers={"X-Token": "hunter2\r\nX-Admin: yes"}))
        assert failed == InvalidSpec("a request header holds a line break")
        assert server.requests == []

    @pytest.mark.parametrize("url", ["", "vault:8200", "ftp://host/", "http:///path", "http://h:99999/", "http://[::1/", "/relative"])
    async def test_an_address_that_is_none(self, client: HttpClient, url: str) -> None:
        assert isinstance(await failure(client, HttpCall(method="GET", url=url)), InvalidSpec)


class TestBounds:
    @pytest.mark.parametrize(
        "framed", [text(b"x" * 1001), CHUNKED + chunk(b"x" * 600) + chunk(b"x" * 401) + b"0\r\n\r\n"], ids=["length", "chunks"]
    )
    async def test_a_larger_body_than_allowed(self, client: HttpClient, framed: bytes) -> None:
        async with serve(say(framed)) as server:
            assert await failure(client, get(server, body_max=1000)) == Broken(f"{server.url}: answer larger than 1000 bytes")
            assert len((await reply(client, get(server, body_max=1001))).body) == 1001

    async def test_an_endless_body_is_not_read_on(self, client: HttpClient) -> None:
        async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(CHUNKED)
            while True:
                writer.write(chunk(b"x" * 10_000))
                await writer.drain()

        async with serve(endless) as server:
            assert "larger than" in describe(await failure(client, get(server, body_max=100_000)))
            await server.dropped.wait()

    async def test_gzip_is_unpacked(self, client: HttpClient) -> None:
        packed = gzip.compress(b"hello ") + gzip.compress(b"world")
        async with serve(say(text(packed, headers="Content-Encoding: gzip\r\n"))) as server:
            answer = await reply(client, get(server, body_max=11))
        assert answer.body == b"hello world"
        assert not {"content-encoding", "content-length"} & set(answer.headers)

    async def test_a_gzip_bomb_is_not_unpacked(self, client: HttpClient) -> None:
        bomb = gzip.compress(bytes(50_000_000))
        assert len(bomb) < 100_000
        async with serve(say(text(bomb, headers="Content-Encoding: gzip\r\n"))) as server:
            assert "larger than 1000000 bytes" in describe(await failure(client, get(server, body_max=1_000_000)))

    @pytest.mark.parametrize(
        ("packed", "encoding", "why"),
        [
            (gzip.compress(b"hello")[:-4], "gzip", "incomplete"),
            (b"hello, not gzip at all", "gzip", "does not decompress"),
            (b"hello", "br", "content encoding that was not asked for"),
        ],
        ids=["cut off", "plain", "unknown"],
    )
    async def test_an_encoding_that_is_wrong(self, client: HttpClient, packed: bytes, encoding: str, why: str) -> None:
        async with serve(say(text(packed, headers=f"Content-Encoding: {encoding}\r\n"))) as server:
            failed = await failure(client, get(server))
        assert isinstance(failed, Broken)
        assert why in failed.what

    async def test_no_answer_in_time(self, client: HttpClient) -> None:
        async with serve(silence) as server:
            failed = await failure(client, get(server, timeout_s=0.3))
            await server.dropped.wait()
        assert failed == Unreachable(f"{server.url}: no answer within 0.3 s")

    async def test_a_body_that_stalls(self, client: HttpClient) -> None:
        async with serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")) as server:
            assert isinstance(await failure(client, get(server, timeout_s=0.3)), Unreachable)
            await server.dropped.wait()

    async def test_only_so_many_connections_to_one_host(self) -> None:
        client = HttpClient(user_agent="tests", host_max=2)
        release = asyncio.Event()
        two = asyncio.Event()

        async def held(_: Request, writer: asyncio.StreamWriter) -> None:
            if server.connections == 2:
                two.set()
            await release.wait()
            writer.write(text())

        async with serve(held) as server, asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(reply(client, get(server))) for _ in range(5)]
            await two.wait()
            release.set()
            await asyncio.wait(calls)
            await client.close()
        assert server.connections == 2


class TestBrokenConnections:
    async def test_nobody_listens(self, client: HttpClient) -> None:
        async with serve(silence) as server:
            pass
        assert await failure(client, get(server)) == Unreachable(f"{server.url}: connection refused")

    async def test_a_name_that_does_not_resolve(self, client: HttpClient) -> None:
        failed = await failure(client, HttpCall(method="GET", url="http://does-not-exist.invalid/"))
        assert failed == Unreachable("http://does-not-exist.invalid: its host name does not resolve")

    async def test_closed_without_an_answer(self, client: HttpClient) -> None:
        async def close(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with serve(close) as server:
            failed = await failure(client, get(server, method="POST"))
        assert failed == Unreachable(f"{server.url}: closed the connection without an answer")

    @pytest.mark.parametrize(
        "start", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", CHUNKED + b"40\r\nhalf"], ids=["length", "chunks"]
    )
    async def test_reset_inside_the_body(self, client: HttpClient, start: bytes) -> None:
        async def half(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(start)
            await writer.drain()
            await begun.wait()
            reset(writer)

        begun = asyncio.Event()
        async with serve(half) as server, asyncio.TaskGroup() as tasks:
            call = tasks.create_task(failure(client, get(server)))
            begun.set()
            assert isinstance(await call, Unreachable)

    @pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH_9.9\r\n\r\n", CHUNKED + b"hunter2-is-no-size\r\n"], ids=["ssh", "chunks"])
    async def test_an_answer_that_is_not_http(self, client: HttpClient, garbage: bytes) -> None:
        async with serve(say(garbage)) as server:
            failed = await failure(client, get(server))
        assert isinstance(failed, Broken | Unreachable)
        assert "hunter2" not in failed.what

    async def test_a_kept_connection_that_was_closed_is_replaced(self, client: HttpClient) -> None:
        async def once(request: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(text())
            await writer.drain()
            writer.close()

        async with serve(once) as server:
            await reply(client, get(server))
            await reply(client, get(server))
        assert server.connections == 2

    async def test_nothing_after_closing(self, client: HttpClient) -> None:
        await client.close()
        async with serve(say(text())) as server:
            assert await failure(client, get(server)) == Unreachable(f"{server.url}: the connection was closed")
        assert server.requests == []

    async def test_cancelling_drops_the_connection(self, client: HttpClient) -> None:
        arrived = asyncio.Event()

        async def held(_: Request, writer: asyncio.StreamWriter) -> None:
            arrived.set()

        async with serve(held) as server:
            call = asyncio.create_task(client.call(get(server)))
            await arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await server.dropped.wait()


class TestRedirects:
    async def test_followed_at_the_same_origin(self, client: HttpClient) -> None:
        async with serve(say(text(b"", "307 Moved", "Location: /there?a=b\r\n"), text(b"here"))) as server:
            call = get(server, "/from", method="POST", body=b"body", headers={"X-Token": "t"})
            assert (await reply(client, call)).body == b"here"
        second = server.requests[1]
        assert (second.line, second.body, second.headers["x-token"]) == ("POST /there?a=b HTTP/1.1", b"body", "t")

    @pytest.mark.parametrize(
        ("method", "status", "then"), [("POST", 303, "GET"), ("POST", 302, "GET"), ("PUT", 302, "PUT"), ("POST", 308, "POST")]
    )
    async def test_what_becomes_of_the_method(self, client: HttpClient, method: str, status: int, then: str) -> None:
        async with serve(say(text(b"", f"{status} Moved", "Location: next\r\n"), text())) as server:
            await reply(client, get(server, "/a/b", method=method, body=b"body", headers={"Content-Type": "x/y"}))
        second = server.requests[1]
        assert second.line == f"{then} /a/next HTTP/1.1"
        assert (second.body, "content-type" in second.headers) == ((b"", False) if then == "GET" else (b"body", True))

    async def test_not_for_ever(self, client: HttpClient) -> None:
        async with serve(say(text(b"", "302 Found", "Location: /again\r\n"))) as server:
            assert await failure(client, get(server)) == Broken(f"{server.url}: redirects more than 3 times")
        assert len(server.requests) == 4

    async def test_to_another_origin_it_is_a_failure(self, client: HttpClient) -> None:
        async with serve(silence) as other, serve(say(text(b"", "302 Found", f"Location: {other.url}/x?token=hunter2\r\n"))) as server:
            assert await failure(client, get(server)) == Broken(f"{server.url}: redirects to another origin, {other.url}")
        assert other.requests == []

    async def test_to_no_address(self, client: HttpClient) -> None:
        async with serve(say(text(b"", "302 Found", "Location: javascript:hunter2\r\n"))) as server:
            assert "no http or https URL" in describe(await failure(client, get(server)))


class TestTls:
    async def test_with_the_stores_authority(self, client: HttpClient) -> None:
        async with serve(say(text()), server_tls(LOOPBACK)) as server:
            await reply(client, get(server, tls=TRUSTED))
            await reply(client, get(server, tls=Tls(AUTHORITY.pem)))
            assert server.connections == 1
            await reply(client, get(server, tls=Tls(verify=False)))
            assert server.connections == 2

    async def test_the_servers_own_certificate_is_an_anchor(self, client: HttpClient) -> None:
        async with serve(say(text()), server_tls(LOOPBACK)) as server:
            await reply(client, get(server, tls=Tls(LOOPBACK.certificate)))

    @pytest.mark.parametrize("tls", [Tls(), Tls(Authority("another").pem)])
    async def test_an_unknown_authority(self, client: HttpClient, tls: Tls) -> None:
        async with serve(say(text()), server_tls(LOOPBACK)) as server:
            failed = await failure(client, get(server, tls=tls))
        assert isinstance(failed, Unreachable)
        assert failed.what.startswith(f"{server.url}: its certificate is not trusted: ")
        assert "issuer certificate" in failed.what or "self-signed certificate" in failed.what

    async def test_a_certificate_for_another_host(self, client: HttpClient) -> None:
        elsewhere = AUTHORITY.issue("127.0.0.1", hosts=("elsewhere",))
        async with serve(say(text()), server_tls(elsewhere)) as server:
            failed = await failure(client, get(server, tls=TRUSTED))
        assert "IP address mismatch, certificate is not valid for '127.0.0.1'" in describe(failed)

    async def test_a_server_that_speaks_plain_http(self, client: HttpClient) -> None:
        async with serve(say(text())) as server:
            call = HttpCall(method="GET", url=server.url.replace("http:", "https:"), timeout_s=1)
            assert isinstance(await failure(client, call), Unreachable)

    async def test_a_client_certificate(self, client: HttpClient) -> None:
        me = AUTHORITY.issue("client-1")
        async with serve(say(text()), server_tls(LOOPBACK, client_ca=AUTHORITY.pem)) as server:
            await reply(client, get(server, tls=Tls(AUTHORITY.pem, me.certificate, me.key)))
            assert isinstance(await failure(client, get(server, tls=TRUSTED)), Unreachable)
        (certificate,) = [each for each in server.peer_certificates if each]
        assert "client-1" in str(certificate["subject"])

    async def test_pem_texts_that_cannot_be_used(self, client: HttpClient) -> None:
        call = HttpCall(method="GET", url="https://127.0.0.1:1/", tls=Tls(b"hunter2"))
        assert await failure(client, call) == InvalidSpec("the CA bundle holds no readable PEM certificate")

    async def test_contexts_are_few(self, client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "CONTEXTS_MAX", 2)
        kinds = [TRUSTED, Tls(verify=False), Tls(LOOPBACK.certificate)]
        async with serve(say(text()), server_tls(LOOPBACK)) as server:
            for tls in [*kinds, *kinds]:
                await reply(client, get(server, tls=tls))
        assert list(client._contexts) == kinds[1:]


class TestSigning:
    SIGN = SigV4(service="s3", region="eu", access_key="AK", secret_key="hunter2")

    async def test_every_hop_is_signed_for_itself(self) -> None:
        def sign(call: HttpCall) -> Mapping[str, str]:
            return {"authorization": f"signed {call.url.partition('127.0.0.1:')[2].partition('/')[2]}"}

        client = HttpClient(user_agent="tests", signer=sign)
        async with serve(say(text(b"", "307 Moved", "Location: /two\r\n"), text())) as server:
            await reply(client, get(server, "/one", sign=self.SIGN, headers={"Authorization": "old"}))
            await reply(client, get(server, "/three", headers={"Authorization": "old"}))
            await client.close()
        assert [request.headers["authorization"] for request in server.requests] == ["signed one", "signed two", "old"]

    async def test_without_a_signer(self, client: HttpClient) -> None:
        assert isinstance(await failure(client, HttpCall(method="GET", url="http://127.0.0.1:1/", sign=self.SIGN)), Broken)


class TestProxies:
    async def test_through_a_proxy(self) -> None:
        async with serve(say(text(b"proxied"))) as proxy:
            client = HttpClient(user_agent="tests", proxies=ProxyRules({"http_proxy": proxy.url, "NO_PROXY": "direct.invalid"}))
            assert (await reply(client, HttpCall(method="GET", url="http://backend.invalid/x"))).body == b"proxied"
            assert isinstance(await failure(client, HttpCall(method="GET", url="http://direct.invalid/x")), Unreachable)
            await client.close()
        assert [request.line for request in proxy.requests] == ["GET http://backend.invalid/x HTTP/1.1"]

    async def test_a_proxy_that_refuses(self) -> None:
        async with serve(say(text(b"hunter2", "407 Proxy Authentication Required"))) as proxy:
            rules = ProxyRules({"HTTPS_PROXY": proxy.url.replace("http://", "http://user:hunter2@")})
            client = HttpClient(user_agent="tests", proxies=rules)
            call = HttpCall(method="GET", url="https://backend.invalid/x", headers={"X-Token": "hunter2"})
            assert await failure(client, call) == Unreachable("https://backend.invalid: the proxy answered 407")
            await client.close()
        (request,) = proxy.requests
        assert request.line == "CONNECT backend.invalid:443 HTTP/1.1"
        assert "x-token" not in request.headers
        assert request.headers["proxy-authorization"].startswith("Basic ")

    async def test_the_environment_is_not_read(self, client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        async with serve(say(text())) as server:
            await reply(client, get(server))

    @pytest.mark.parametrize(
        ("no_proxy", "url", "direct"),
        [
            ("", "https://a.example.com/", False),
            ("*", "https://a.example.com/", True),
            ("example.com", "https://example.com/", True),
            ("example.com", "https://A.Example.com/", True),
            ("example.com", "https://badexample.com/", False),
            (".example.com", "https://a.example.com/", True),
            (".example.com", "https://example.com/", False),
            ("*.example.com", "https://a.example.com/", True),
            ("a, example.com:8200 ,b", "https://example.com:8200/", True),
            ("example.com:8200", "https://example.com/", False),
            ("10.0.0.0/8", "https://10.1.2.3/", True),
            ("10.0.0.0/8", "https://11.1.2.3/", False),
            ("10.1.2.3", "https://10.1.2.3/", True),
            ("fd00::/8", "https://[fd00::1]/", True),
            ("[fd00::1]:443", "https://[fd00::1]/", True),
            ("", "https://127.0.0.1:8200/", True),
            ("", "https://localhost/", True),
            ("", "http://a.example.com/", True),
        ],
    )
    def test_who_goes_direct(self, no_proxy: str, url: str, direct: bool) -> None:
        rules = ProxyRules({"HTTPS_PROXY": "proxy:3128", "NO_PROXY": no_proxy})
        assert rules.proxy_for(url) == (None if direct else "http://proxy:3128")


class TestSecrecy:
    """No failure quotes what was sent or received."""

    CALLS = {
        "userinfo": "http://user:hunter2@127.0.0.1:1/hunter2?token=hunter2",
        "no url": "hunter2",
        "bad port": "http://user:hunter2@127.0.0.1:x/",
        "no host": "http://user:hunter2@/",
    }

    @pytest.mark.parametrize("url", CALLS.values(), ids=CALLS)
    async def test_urls(self, client: HttpClient, url: str) -> None:
        call = HttpCall(method="POST", url=url, headers={"X": "hunter2"}, body=b"hunter2")
        assert "hunter2" not in repr(await client.call(call))

    async def test_userinfo_is_sent_as_basic_auth(self, client: HttpClient) -> None:
        async with serve(say(text())) as server:
            await reply(client, HttpCall(method="GET", url=server.url.replace("http://", "http://user:pass@") + "/x"))
        assert server.requests[0].headers["authorization"] == "Basic dXNlcjpwYXNz"
