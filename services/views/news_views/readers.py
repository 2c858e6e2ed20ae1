"""Telling readers apart without knowing them: no address and no user agent leaves this process."""

import hmac

from news_views.salts import Salt


def reader_hash(salt: Salt, network: bytes, user_agent: bytes) -> int:
    """64 bits of HMAC-SHA256 over a reader's network and user agent; never `NO_READER`."""
    digest = hmac.digest(salt.secret, network + b"\n" + user_agent, "sha256")
    return int.from_bytes(digest[:8], "little") or 1
