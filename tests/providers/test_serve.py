"""A server in memory, reached over real connections."""

from __future__ import annotations

import http.client

import pytest

from eso_core.failure import Broken
from eso_core.wire import CallFailed, HttpReply
from tests.providers.serve import serve


def echo(call):
    return HttpReply(
        status=299,
        headers={"x-method": call.method, "x-key": call.headers.get("X-Key", ""), "content-length": "7"},
        body=call.url.encode() + call.body,
    )


def asked(where, method="GET", path="/a%2Fb?c=d%20e", body=None, **headers):
    connection = http.client.HTTPConnection("localhost", where.port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, dict(reply.headers), reply.read()
    finally:
        connection.close()


def test_requests_arrive_as_they_are():
    with serve(echo) as where:
        status, headers, body = asked(where, "PUT", body=b"\x00body", **{"x-key": "value"})
        assert (status, headers["x-method"], headers["x-key"]) == (299, "PUT", "value")
        assert body == f"{where.url}/a%2Fb?c=d%20e".encode() + b"\x00body"
        assert [call.method for call in where.calls] == ["PUT"]


@pytest.mark.parametrize(
    ("base", "url"),
    [("https://vault.example", "https://vault.example/x"), (lambda host: f"https://{host}.example", "https://localhost.example/x")],
)
def test_a_server_may_have_another_name(base, url):
    with serve(echo, base=base) as where:
        assert asked(where, path="/x")[2] == url.encode()


def test_what_is_no_answer_is_told():
    with serve(lambda call: CallFailed(Broken("no"))) as where:
        assert asked(where)[0] == 502


def test_it_ends():
    with serve(echo) as where:
        pass
    with pytest.raises(OSError):
        asked(where)
