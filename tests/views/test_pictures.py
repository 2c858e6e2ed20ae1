"""The pixel and the badge of a running service."""

from collections.abc import AsyncIterator
from xml.etree import ElementTree

import httpx
import pytest_asyncio

from news_shared.article_ids import article_id
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.readers import BROWSER, CRAWLER
from tests.views.test_views_service import NOBODY, Site, away


@pytest_asyncio.fixture
async def site(roles: Roles, fresh_backend: Backend) -> AsyncIterator[Site]:
    async with plain_client(timeout=15) as http:
        api, projector, web = (roles.make(name) for name in ("views-api", "views-projector", "web"))
        for process in (api, projector, web):
            process.launch()
        for process in (api, projector, web):
            await process.ready()
        yield Site(api, fresh_backend, http)


async def look(site: Site, article: str | None, address: str, **headers: str) -> httpx.Response:
    sent = {
        "User-Agent": BROWSER,
        "X-Forwarded-For": address,
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    wanted = {} if article is None else {"article": article}
    response = await site.http.get(f"{site.api.url}/v1/pixel.gif", params=wanted, headers=sent)
    assert len(response.content) == 43
    assert response.content.startswith(b"GIF89a")
    assert (response.headers["content-type"], response.headers["cache-control"]) == ("image/gif", "no-store")
    return response


async def test_the_pixel_counts_as_a_beacon_does_and_always_is_a_picture(site: Site) -> None:
    [article] = await announce(site.backend, [published("ferry")])
    await site.counted(article, views=0)
    for address, headers in [
        ("192.0.2.1", {}),
        ("192.0.2.1", {"Content_Type": "image/png", "Content_Length": "0"}),
        ("192.0.2.2", {"User_Agent": CRAWLER}),
        ("192.0.2.3", {"Sec_Purpose": "prefetch"}),
        ("192.0.2.4", {"Sec_GPC": "1"}),
    ]:
        assert (await look(site, "herald:ferry", address, **headers)).status_code == 200
    filtered = {**NOBODY, "repeat": 1, "bot": 1, "prefetch": 1, "opted_out": 1}
    await site.counted(article, views=1, filtered=filtered)
    for wrong in (None, "", "nonsense", "Herald: x", "herald:"):
        assert (await look(site, wrong, "192.0.2.9")).status_code == 422
    with away(site.backend.kafka):
        assert (await look(site, "herald:ferry", "192.0.2.9")).status_code == 503


async def test_an_address_that_looks_too_often_is_refused_with_a_picture(roles: Roles, fresh_backend: Backend) -> None:
    api = await roles.start("views-api", NEWS_VIEWS_BURST_PER_MINUTE="1", NEWS_VIEWS_LIMIT_PER_MINUTE="2")
    async with plain_client(timeout=15) as http:
        site = Site(api, fresh_backend, http)
        answers = [await look(site, "herald:ferry", "192.0.2.1") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert "Retry-After" in answers[-1].headers
        assert (await http.head(f"{api.url}/v1/pixel.gif?article=herald:ferry")).status_code == 405


async def test_the_badge_shows_the_count_in_words_and_nothing_when_there_is_none(site: Site, roles: Roles) -> None:
    web = roles.processes[-1]
    [article, _, _] = await announce(site.backend, [published("ferry"), published("gone"), withdrawn("gone", 2)])
    await site.answers(article_id("herald", "gone"), 410)
    await site.open(article)
    await site.counted(article, views=1)
    for door in (site.api.url, web.url):
        badge = await site.http.get(f"{door}/v1/articles/herald:ferry/views.svg", params={"language": "uk"})
        assert (badge.status_code, badge.headers["content-type"]) == (200, "image/svg+xml")
        assert badge.headers["cache-control"] == "no-cache"
        assert badge.headers["cross-origin-resource-policy"] == "cross-origin"
        assert title(badge) == "1\u00a0перегляд"
        again = await site.http.get(str(badge.request.url), headers={"If-None-Match": badge.headers["etag"]})
        assert again.status_code == 304
        pixel = await site.http.get(f"{door}/v1/pixel.gif", params={"article": "nonsense"})
        assert (pixel.status_code, len(pixel.content)) == (422, 43)
    for asked, status in [
        ("herald:ferry/views.svg?language=%ff%00../x", 200),
        (f"herald:ferry/views.svg?language={'x' * 3000}", 200),
        ("herald:gone/views.svg", 410),
        ("herald:never/views.svg", 404),
        ("nonsense/views.svg", 400),
    ]:
        badge = await site.http.get(f"{site.api.url}/v1/articles/{asked}")
        assert (badge.status_code, badge.headers["content-type"]) == (status, "image/svg+xml"), asked
        assert (title(badge) is None) is (status != 200)
    with away(site.backend.redis):
        badge = await site.http.get(f"{site.api.url}/v1/articles/herald:ferry/views.svg")
        assert (badge.status_code, title(badge)) == (503, None)


def title(picture: httpx.Response) -> str | None:
    return ElementTree.fromstring(picture.content).findtext("{http://www.w3.org/2000/svg}title")
