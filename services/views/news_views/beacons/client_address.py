"""Whose request this is: the peer's address, or what a trusted proxy says of it."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_LONGEST = 128
"""Characters of what is remembered here, so that it is bounded; no address has as many."""

_Address = IPv4Address | IPv6Address


class TrustedProxies:
    """The proxies whose ``X-Forwarded-For`` is believed.

    Args:
        setting: addresses and networks, comma-separated.

    Raises:
        ValueError: one of them is neither.
    """

    def __init__(self, setting: str) -> None:
        self._networks = [ip_network(part.strip(), strict=False) for part in setting.split(",") if part.strip()]
        self._is_trusted = lru_cache(4096)(self._lies_within)
        self._known_client = lru_cache(16_384)(self._client)

    def is_trusted(self, address: str) -> bool:
        """Whether this is one of them."""
        return self._is_trusted(address)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The address of the client: the last in the chain that is not one of our proxies.

        Args:
            peer: who is at the other end of the connection.
            forwarded_for: the header, joined with commas where it came several times; empty when there was none.
        """
        if len(forwarded_for) > _LONGEST:
            return self._client(peer, forwarded_for)
        return self._known_client(peer, forwarded_for)

    def _client(self, peer: str, forwarded_for: str) -> str:
        if not forwarded_for or not self._is_trusted(peer):
            return peer
        client = peer
        for hop in reversed(forwarded_for.split(",")):
            address = _without_port(hop.strip().strip('"'))
            if len(address) > _LONGEST or _parsed(address) is None:
                break  # what stands before it was written by somebody who does not write addresses
            client = address
            if not self._is_trusted(address):
                break
        return client

    def _lies_within(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _without_port(hop: str) -> str:
    """The address of ``203.0.113.7:51234``, ``[2001:db8::1]:443`` or ``[2001:db8::1]``, as some proxies write it."""
    if hop.startswith("["):
        address, _, port = hop[1:].partition("]")
        return address if not port or port[1:].isdigit() else hop
    address, colon, port = hop.partition(":")
    return address if colon and port.isdigit() else hop


@lru_cache(16_384)
def network_bytes(address: str) -> bytes:
    """What stands for a reader's address in hashes and limits: IPv4 whole, of IPv6 the /64 that a household has."""
    parsed = _parsed(address)
    if parsed is None:
        return address.encode(errors="replace")
    if isinstance(parsed, IPv6Address):
        return IPv6Network((parsed, 64), strict=False).network_address.packed[:8]
    return parsed.packed


@lru_cache(16_384)
def _parsed(address: str) -> _Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
