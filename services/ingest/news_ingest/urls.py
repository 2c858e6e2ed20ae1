"""URLs as they are stored and compared: http and https only, canonical, without what only counts clicks."""

from urllib.parse import urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

_MAX_LENGTH = 4096
_TRACKING = frozenset(
    {"fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "twclid", "igshid", "mc_cid", "mc_eid"}
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical_url(url: str, base: str | None = None) -> str | None:
    """The one form of a web address; None when it is not one that a reader could open.

    No fragment, no user name, no tracking parameters (``utm_*``, ``fbclid``, …), no default port; scheme and host in
    lower case, the remaining parameters sorted. Applied twice it changes nothing.

    Args:
        url: absolute, or relative to ``base``.
        base: absolute URL of the document that names it.
    """
    try:
        parts = urlsplit(urljoin(base, url.strip()) if base else url.strip())
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme not in _DEFAULT_PORTS or not _is_host(host) or len(url) > _MAX_LENGTH:
            return None
        netloc = f"[{host}]" if ":" in host else host
        if parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]:
            netloc += f":{parts.port}"
        bare = urlunsplit((parts.scheme, netloc, parts.path, _without_tracking(parts.query), ""))
        canonical: str = canonicalize_url(bare)
        settled: str = canonicalize_url(canonical)  # escapes of escapes settle in the second round
    except (ValueError, UnicodeError):  # what the library says of addresses that it cannot read
        return None
    return settled if len(settled) <= _MAX_LENGTH and settled == canonicalize_url(settled) else None


def _is_host(host: str) -> bool:
    return bool(host) and not any(c.isspace() or c in "<>\"'\\^`{|}%" for c in host) and host.strip(".") == host


def _without_tracking(query: str) -> str:
    return "&".join(part for part in query.split("&") if part and not _is_tracking(part.partition("=")[0].lower()))


def _is_tracking(parameter: str) -> bool:
    return parameter.startswith("utm_") or parameter in _TRACKING
