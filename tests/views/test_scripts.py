"""The scripts that pages embed: small, whole, and kept for a while."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from news_views.embeds import script_routes
from news_views.embeds.script_routes import components_script, read_script
from news_views.embeds.wording import FORMS


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(script_routes.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://views") as client:
        yield client


def test_the_script_that_every_page_loads_has_less_than_a_kilobyte() -> None:
    assert len(read_script()) < 1000


def test_the_component_knows_the_words_that_the_badge_knows() -> None:
    source = components_script().decode()
    for forms in FORMS.values():
        for form in forms.values():
            assert form in source


@pytest.mark.parametrize("script", [read_script(), components_script()])
def test_no_script_stores_anything_or_needs_a_policy_that_is_not_strict(script: bytes) -> None:
    for forbidden in (b"cookie", b"Storage", b"indexedDB", b"eval(", b"Function(", b"innerHTML", b"<style"):
        assert forbidden not in script


@pytest.mark.parametrize("name", ["read.js", "components.js"])
async def test_a_script_may_be_kept_for_an_hour_and_is_304_after_it(http: httpx.AsyncClient, name: str) -> None:
    response = await http.get(f"/v1/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/javascript")
    assert "max-age=3600" in response.headers["cache-control"]
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    again = await http.get(f"/v1/{name}", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
