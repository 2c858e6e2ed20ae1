"""URLs as they are stored and compared: http and https only, canonical, without what only counts clicks."""

import re
from ipaddress import IPv6Address
from urllib.parse import urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

_MAX_LENGTH = 4096
_MAX_HOST = 253
_TRACKING = frozenset(
    {
        *("fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ysclid"),
        *("twclid", "igshid", "igsh", "mc_cid", "mc_eid", "ttclid", "li_fat_id", "_ga", "_gl"),
        *("_hsenc", "_hsmi", "mkt_tok", "vero_id", "wickedid", "oly_anon_id", "oly_enc_id", "s_cid"),
        *("at_medium", "at_campaign", "ns_mchannel", "ns_source", "ns_campaign", "cmpid", "smid"),
        *("amp_js_v", "amp_gsa", "usqp", "smtyp", "ref_src", "ref_url", "spm", "srsltid", "rb_clickid"),
        "_openstat",
    }
)
_TRACKING_PREFIXES = ("utm_", "pk_", "mtm_", "piwik_", "matomo_", "stm_", "hsa_")
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CANONICAL = re.compile(
    r"https?://(?!(?:[a-z]{2,3}\.)?m\.|mobile\.|amp\.)[a-z0-9-]+(?:\.[a-z0-9-]+)*/"
    r"(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?)?"
)
"""Most addresses of articles: nothing is left to do with them."""
_AMP_CACHE = re.compile(
    r"https?://(?:www\.google\.[a-z.]{2,6}/amp|[a-z0-9-]+\.cdn\.ampproject\.org/[cv])/(s/)?([^/].*)"
)
_AMP_PATH = re.compile(r"(?<=.)(?:/amp)+(?=/?$)|\.amp(?=(?:\.html)?$)")
_AMP_PARAMETERS = frozenset({"amp", "amp=", "amp=1", "amp=true", "outputtype=amp"})
_MOBILE = frozenset({"m", "mobile", "amp"})
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"})
_MAX_PASSES = 4


def canonical_url(url: str, base: str | None = None) -> str | None:
    """The one form of a web address; None when it is not one that a reader could open.

    No fragment, no user name, no tracking parameters (``utm_*``, ``fbclid``, …), no default port; scheme and host in
    lower case, the remaining parameters sorted; AMP and mobile variants are those of the page itself (docs/formats.md).
    Applied twice it changes nothing.

    Args:
        url: absolute, or relative to ``base``.
        base: absolute URL of the document that names it.
    """
    if len(url) > _MAX_LENGTH:
        return None
    if _CANONICAL.fullmatch(url) and "/amp" not in url and ".amp" not in url:
        return url
    stripped = url.strip()
    if not stripped:
        return None  # joined with the base it would be the base
    try:
        settled = _once(urljoin(base, stripped) if base else stripped, base)
        for _ in range(_MAX_PASSES):  # decoded, a parameter may turn out to count clicks
            if settled is None or _CANONICAL.fullmatch(settled):
                break
            before, settled = settled, _once(settled, base)
            if settled == before:
                break
    except (ValueError, UnicodeError):  # what the libraries say of addresses that they cannot read
        return None
    return settled


def _once(url: str, base: str | None) -> str | None:
    if cached := _AMP_CACHE.match(url):
        url = f"http{'s' if cached[1] else ''}://{cached[2]}"
    parts = urlsplit(url)
    netloc = _desktop_host(_host(parts.hostname or ""), base)
    if parts.scheme not in _DEFAULT_PORTS or not netloc:
        return None
    if parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]:
        netloc += f":{parts.port}"
    path = _AMP_PATH.sub("", parts.path)
    canonical: str = canonicalize_url(urlunsplit((parts.scheme, netloc, path, _without_tracking(parts.query), "")))
    return canonical if len(canonical) <= _MAX_LENGTH else None


def _host(host: str) -> str:
    """The host in ASCII; empty when it cannot be one."""
    if len(host) > _MAX_HOST:
        return ""
    if ":" in host:
        return f"[{IPv6Address(host)}]"
    if not host.isascii():
        host = host.encode("idna").decode()
    host = host.lower().rstrip(".")
    return host if _HOST.fullmatch(host) else ""


def _desktop_host(host: str, base: str | None) -> str:
    """The host of the page that this one has a mobile or AMP variant of; spelt like that of its document, if it can."""
    labels = host.split(".")
    for_language = len(labels) > 3 and labels[1] == "m" and len(labels[0]) <= 3
    if for_language:
        labels = [labels[0], *labels[2:]]
    while len(labels) > 2 and labels[0] in _MOBILE:
        labels = labels[1:]
    bare = ".".join(labels)
    if bare == host or for_language:
        return bare
    own = urlsplit(base).hostname if base else None
    if own in {bare, f"www.{bare}"}:
        return own
    is_registered = len(labels) == 2 or (len(labels) == 3 and labels[1] in _SECOND_LEVEL)
    return f"www.{bare}" if is_registered else bare


def _without_tracking(query: str) -> str:
    return "&".join(part for part in query.split("&") if part and not _is_tracking(part.lower()))


def _is_tracking(parameter: str) -> bool:
    name = parameter.partition("=")[0]
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES) or parameter in _AMP_PARAMETERS
