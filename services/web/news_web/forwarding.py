"""Which headers cross this origin, and whose word about a reader's address is taken."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Header = tuple[bytes, bytes]
Network = IPv4Network | IPv6Network

REQUEST_HEADERS: Final = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"dnt",
        b"idempotency-key",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"last-event-id",
        b"origin",
        b"prefer",
        b"purpose",
        b"sec-gpc",
        b"sec-purpose",
        b"tracestate",
        b"user-agent",
        b"x-moz",  # Firefox's former name of Purpose
    }
)
"""What a service gets to see; cookies and the page that one comes from are none of its business."""

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NOT_FROM_SERVICES: Final = _HOP_BY_HOP | {b"server", b"date", b"set-cookie", b"traceparent"}


def trusted_networks(setting: str) -> tuple[Network, ...]:
    """The networks of a comma-separated setting.

    Raises:
        ValueError: one of them is neither an address nor a network.
    """
    return tuple(ip_network(part.strip(), strict=False) for part in setting.split(",") if part.strip())


def forwarded_for(peer: str | None, claimed: Iterable[bytes], trusted: Iterable[Network]) -> bytes:
    """The X-Forwarded-For that goes on: who came to us, after what a trusted proxy said of those before.

    What anybody else says is dropped: it would let one reader be a thousand.
    """
    if peer is None:
        return b""
    try:
        address = ip_address(peer)
    except ValueError:  # a Unix socket's name, or a test client's
        return b""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:  # a socket that speaks both
        address = address.ipv4_mapped
    before = [value.strip() for value in claimed if value.strip()] if any(address in net for net in trusted) else []
    return b", ".join([*before, str(address).encode()])


def request_headers(
    headers: Iterable[Header], *, peer: str | None, trusted: Iterable[Network], trace: str | None
) -> list[Header]:
    """The headers with which a request goes on to a service."""
    pairs = list(headers)
    kept = [(name, value) for name, value in pairs if name in REQUEST_HEADERS]
    if address := forwarded_for(peer, (v for n, v in pairs if n == b"x-forwarded-for"), trusted):
        kept.append((b"x-forwarded-for", address))
    if trace:
        kept.append((b"traceparent", trace.encode()))
    return kept


def response_headers(headers: Iterable[Header]) -> list[Header]:
    """The headers with which a service's answer goes back."""
    return [(name.lower(), value) for name, value in headers if name.lower() not in _NOT_FROM_SERVICES]
