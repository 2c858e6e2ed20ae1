"""URLs as they are stored and compared: http and https only, canonical, without what only counts clicks."""

import re
from ipaddress import IPv6Address
from urllib.parse import urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

_MAX_LENGTH = 4096
_TRACKING = frozenset(
    {"fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "twclid", "igshid", "mc_cid", "mc_eid"}
)
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical_url(url: str, base: str | None = None) -> str | None:
    """The one form of a web address; None when it is not one that a reader could open.

    No fragment, no user name, no tracking parameters (``utm_*``, ``fbclid``, …), no default port; scheme and host in
    lower case, the remaining parameters sorted. Applied twice it changes nothing.

    Args:
        url: absolute, or relative to ``base``.
        base: absolute URL of the document that names it.
    """
    if not url.strip():
        return None  # joined with the base it would be the base
    try:
        parts = urlsplit(urljoin(base, url.strip()) if base else url.strip())
        netloc = _host(parts.hostname or "")
        if parts.scheme not in _DEFAULT_PORTS or not netloc or len(url) > _MAX_LENGTH:
            return None
        if parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]:
            netloc += f":{parts.port}"
        bare = urlunsplit((parts.scheme, netloc, parts.path, _without_tracking(parts.query), ""))
        canonical: str = canonicalize_url(bare)
        if "%" in bare or "%" in canonical:  # decoded, a parameter may turn out to count clicks
            parts = urlsplit(canonical)
            canonical = canonicalize_url(urlunsplit(parts._replace(query=_without_tracking(parts.query))))
    except (ValueError, UnicodeError):  # what the library says of addresses that it cannot read
        return None
    return canonical if len(canonical) <= _MAX_LENGTH else None


def _host(host: str) -> str:
    """The host in ASCII; empty when it cannot be one."""
    if ":" in host:
        return f"[{IPv6Address(host)}]"
    if not host.isascii():
        host = host.encode("idna").decode()
    host = host.lower().rstrip(".")
    return host if _HOST.fullmatch(host) else ""


def _without_tracking(query: str) -> str:
    return "&".join(part for part in query.split("&") if part and not _is_tracking(part.partition("=")[0].lower()))


def _is_tracking(parameter: str) -> bool:
    return parameter.startswith("utm_") or parameter in _TRACKING
