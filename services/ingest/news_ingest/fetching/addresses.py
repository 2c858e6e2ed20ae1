"""Which addresses may be fetched from: public ones, and those that the operator allows."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_IPV4_AT_THE_END = tuple(
    ip_network(network)
    for network in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
    )
)
_6TO4 = ip_network("2002::/16")
_REFUSED = tuple(
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # CGNAT; one cloud has its metadata there
        "168.63.129.16/32",  # public, and yet the inside of a cloud
        "192.0.0.0/24",  # protocol assignments; one cloud has its metadata there
        "192.88.99.0/24",  # 6to4 relays
        "64:ff9b:1::/48",  # NAT64 of a local network
        "2001::/32",  # Teredo: leads to an IPv4 address that it hides
        "fec0::/10",  # site-local, as it was
        "fc00::/7",
        "fe80::/10",
    )
)


def is_public(address: Address) -> bool:
    """Whether everybody can reach it, and what it leads to: not private, loopback, link-local, multicast or reserved.

    An IPv6 address with an IPv4 address in it is as public as that one.
    """
    if any(address in network for network in _REFUSED):
        return False
    if isinstance(address, IPv6Address) and (inner := _inner(address)) is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether it may be fetched from: it is public, or in one of the operator's networks."""
    inner = _inner(address) if isinstance(address, IPv6Address) else None
    return is_public(address) or any(
        one in network for network in allowed for one in (address, inner) if one is not None
    )


def networks(setting: str) -> tuple[Network, ...]:
    """The networks of a comma-separated setting.

    Raises:
        ValueError: names the part that is no network.
    """
    return tuple(ip_network(part.strip()) for part in setting.split(",") if part.strip())


def address_of(text: str) -> Address:
    """The address of a resolver's answer, without the interface that it may name.

    Raises:
        ValueError: it is none.
    """
    return ip_address(text.partition("%")[0])


def _inner(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in _IPV4_AT_THE_END):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    return None
