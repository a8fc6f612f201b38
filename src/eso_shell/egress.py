"""Where backend calls may not go: addresses that an operator's administrator closes to the URLs that tenants write into their stores.

The rule is applied to the addresses that a connection is made to, after name resolution, so a name that resolves to a closed address is
closed too, whenever it does. Behind a proxy only addresses that are written in the URL can be seen.

=============  ============================================================================================================
word           addresses
=============  ============================================================================================================
link-local     169.254.0.0/16, fe80::/10
metadata       169.254.169.254, 169.254.170.2, 169.254.170.23, 168.63.129.16, 100.100.100.200, fd00:ec2::254, fd00:ec2::23
loopback       127.0.0.0/8, 0.0.0.0/8, ::1, ::
private        10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7
a CIDR block   itself
=============  ============================================================================================================
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias, final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

Network: TypeAlias = IPv4Network | IPv6Network

WORDS: Final = {
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "metadata": (
        "169.254.169.254/32",
        "169.254.170.2/32",
        "169.254.170.23/32",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "fd00:ec2::254/128",
        "fd00:ec2::23/128",
    ),
    "loopback": ("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
}
CLOSED: Final = "{}: the operator's egress rule closes this address"
NAT64: Final = IPv6Network("64:ff9b::/96")


class Closed(OSError):
    """A connection to an address that the rule closes."""


@final
class EgressRule:
    """The closed addresses. ``text`` holds words of the table and CIDR blocks, separated by commas; empty closes nothing.

    Raises ``ValueError``, naming the part, for anything else.
    """

    def __init__(self, text: str) -> None:
        self._networks = tuple(network for part in text.split(",") if part.strip() for network in _networks(part.strip()))

    def __bool__(self) -> bool:
        return bool(self._networks)

    def closes(self, host: str) -> bool:
        """``host`` is an address that is closed; of a name nothing is said."""
        try:
            address = _plain(ip_address(host.partition("%")[0]))
        except ValueError:
            return False
        return any(address in network for network in self._networks if network.version == address.version)


def _networks(part: str) -> tuple[Network, ...]:
    try:
        return tuple(map(ip_network, WORDS.get(part, (part,))))
    except ValueError:
        raise ValueError(f"{part!r} is neither one of {', '.join(WORDS)} nor a CIDR block such as 10.0.0.0/8") from None


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for (mapped, or behind NAT64)."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address


@final
class ClosedResolver(AbstractResolver):
    """Resolves names to the addresses that the rule leaves open. Raises :class:`Closed` when none is left."""

    def __init__(self, rule: EgressRule, resolver: AbstractResolver | None = None) -> None:
        self._rule = rule
        self._resolver = resolver if resolver is not None else aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """See the class."""
        found = await self._resolver.resolve(host, port, family)  # type: ignore[arg-type]  # socket.AddressFamily is an int
        kept = [result for result in found if not self._rule.closes(result["host"])]
        if found and not kept:
            raise Closed
        return kept

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._resolver.close()
