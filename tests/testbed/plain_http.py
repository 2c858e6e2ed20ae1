"""Clients of servers on this machine."""

from typing import Any

import httpx


def plain_client(**settings: Any) -> httpx.AsyncClient:
    """For plain HTTP past any proxy; without the authorities of TLS, which take 30 ms to read for each client."""
    return httpx.AsyncClient(trust_env=False, verify=False, **settings)
