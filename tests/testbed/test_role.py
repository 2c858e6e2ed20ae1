"""Roles as processes: what fault tests do to them."""

import signal

import httpx
import pytest

from tests.testbed.role import Roles


async def test_a_role_is_ready_killed_started_again_on_its_address_and_stopped(roles: Roles) -> None:
    api = await roles.start("feed-api")
    first = api.pid
    api.kill()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{api.url}/livez", trust_env=False)
    await api.start()
    assert api.pid != first
    assert await api.stop() in {0, -signal.SIGTERM}, "uvicorn drains, then ends by the signal that it was sent"


async def test_a_frozen_role_is_silent_until_it_is_thawed(roles: Roles) -> None:
    api = await roles.start("feed-api")
    api.freeze()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{api.url}/livez", timeout=0.3, trust_env=False)
    api.thaw()
    assert httpx.get(f"{api.url}/livez", timeout=10, trust_env=False).status_code == 200


async def test_a_role_that_cannot_start_is_an_error_with_what_it_said(roles: Roles) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)feed-api-0 ended with exit code 1: .*NEWS_PARTITIONS"):
        await roles.start("feed-api", NEWS_PARTITIONS="many")
