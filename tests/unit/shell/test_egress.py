"""Addresses that backend calls must not reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eso_core.failure import Refused
from eso_core.wire import CallFailed, HttpCall, HttpReply, SdkCall, SdkReply
from eso_shell.converse import SdkRunner
from eso_shell.egress import WORDS, EgressRule
from eso_shell.http import HttpClient, ProxyRules
from tests.unit.shell.servers import Server, say, serve, text


@pytest.mark.parametrize(
    ("rule", "host"),
    [
        ("link-local", "169.254.1.1"),
        ("link-local", "fe80::1%eth0"),
        ("metadata", "169.254.169.254"),
        ("metadata", "169.254.170.23"),
        ("metadata", "fd00:ec2::254"),
        ("metadata", "::ffff:169.254.169.254"),
        ("metadata", "::ffff:a9fe:a9fe"),
        ("metadata", "64:ff9b::a9fe:a9fe"),
        ("loopback", "127.1.2.3"),
        ("loopback", "0.0.0.0"),
        ("loopback", "::"),
        ("private", "10.9.8.7"),
        ("private", "fd12::1"),
        ("192.0.2.0/24, 2001:db8::/32", "192.0.2.7"),
        ("192.0.2.0/24, 2001:db8::/32", "2001:db8::7"),
        ("metadata,192.0.2.7", "192.0.2.7"),
    ],
)
def test_closed(rule, host):
    assert EgressRule(rule).closes(host)


@pytest.mark.parametrize(
    ("rule", "host"),
    [
        ("", "169.254.169.254"),
        ("metadata", "169.254.169.253"),
        ("link-local,metadata,loopback,private", "8.8.8.8"),
        ("link-local,metadata,loopback,private", "2001:4860:4860::8888"),
        ("loopback", "localhost"),  # a name: it is seen when it is resolved
        ("192.0.2.0/24", "::1"),
    ],
)
def test_open(rule, host):
    assert not EgressRule(rule).closes(host)


@pytest.mark.parametrize("part", ["link_local", "10.0.0.1/8", "300.1.1.1", "example.com"])
def test_not_a_rule(part):
    with pytest.raises(ValueError, match="is neither one of link-local, metadata"):
        EgressRule(f"metadata,{part}")


@given(st.ip_addresses(v=4), st.sampled_from(sorted(WORDS)))
def test_an_address_is_closed_in_every_form(address, word):
    rule = EgressRule(word)
    number = int(address)
    forms = (f"::ffff:{address}", f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}", f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}")
    assert {rule.closes(form) for form in forms} == {rule.closes(str(address))}


async def answer(server: Server, rule: str, host: str, *, ambient: bool = False, proxies: ProxyRules | None = None):
    client = HttpClient(user_agent="t", egress=EgressRule(rule), proxies=proxies)
    try:
        port = server.url.rpartition(":")[2]
        return await client.call(HttpCall(method="GET", url=f"http://{host}:{port}/x", ambient=ambient))
    finally:
        await client.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1"])
async def test_nothing_is_sent_to_a_closed_address(host):
    """However the address is spelled, and if it is the answer of a name server."""
    async with serve(say(text())) as server:
        found = await answer(server, "loopback", host)
        assert isinstance(found, CallFailed)
        assert isinstance(found.failure, Refused)
        assert "egress rule" in found.failure.what
        assert server.connections == 0
        assert isinstance(await answer(server, "metadata", host), HttpReply)


@pytest.mark.parametrize("host", ["2130706433", "127.1"])
async def test_spellings_that_are_no_host_are_not_called(host):
    async with serve(say(text())) as server:
        assert isinstance(await answer(server, "loopback", host), CallFailed)
        assert server.connections == 0


async def test_the_operators_own_calls_are_free():
    async with serve(say(text())) as server:
        assert isinstance(await answer(server, "loopback", "127.0.0.1", ambient=True), HttpReply)
        assert isinstance(await answer(server, "loopback", "localhost", ambient=True), HttpReply)


async def test_a_proxy_may_be_anywhere():
    async with serve(say(text())) as proxy, serve(say(text())) as server:
        rules = ProxyRules({"HTTP_PROXY": proxy.url})
        assert isinstance(await answer(server, "loopback", "backend.example", proxies=rules), HttpReply)
        assert isinstance(await answer(server, "192.0.2.0/24", "192.0.2.1", proxies=rules), CallFailed)
        assert [len(proxy.requests), len(server.requests)] == [1, 0]


@pytest.mark.parametrize(("rule", "open_"), [("loopback", False), ("metadata", True), ("", True)])
@pytest.mark.parametrize("url", ["https://localhost/x", "http://127.0.0.1:1", "http://[::1]/"])
async def test_a_library_is_not_called_for_a_closed_address(rule, open_, url):
    runner = SdkRunner({}, threads=1, egress=EgressRule(rule))
    try:
        reply = await runner.run_sdk(SdkCall(name="ambient.now", goes_to=url))
        assert isinstance(reply, SdkReply) == open_
        if not open_:
            assert reply == CallFailed(Refused(f"{url}: the operator's egress rule closes this address"))
    finally:
        runner.close()
