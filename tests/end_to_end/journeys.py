"""What people do with a newsfeed, against the addresses of a running one; the same on embedded, Kafka and compose."""

import re
from dataclasses import dataclass
from uuid import uuid4

import httpx

from tests.testbed.plain_http import plain_client
from tests.testbed.waiting import until

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
_COUNT = re.compile(r"•\s*([\d\s\u00a0\u202f]+?)\s*перегляд")
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Addresses:
    """Where a running newsfeed is."""

    web: str
    ingest: str
    admin_key: str = "dev"


class Newsroom:
    """A desk that posts and a reader who reads."""

    def __init__(self, addresses: Addresses, client: httpx.AsyncClient) -> None:
        self.at = addresses
        self.client = client
        self.source = f"desk{uuid4().hex[:8]}"

    async def post(self, *items: dict[str, object]) -> list[dict[str, object]]:
        """Post and wait for the outcomes."""
        answer = await self.client.post(
            f"{self.at.ingest}/v1/articles",
            params={"source": self.source},
            json={"items": list(items)},
            headers={"Authorization": f"Bearer {self.at.admin_key}", "Prefer": "wait=10"},
        )
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def page(self, path: str) -> str:
        """The page; empty while it is not there. A slow part may be left out of it, so ask again."""
        answer = await self.client.get(f"{self.at.web}{path}", headers={"Accept-Language": "uk"})
        return answer.text if answer.status_code == 200 else ""

    async def shows(self, path: str, *texts: str) -> bool:
        page = await self.page(path)
        return all(text in page for text in texts)

    async def read(self, article: str, *, reader: str = BROWSER) -> None:
        """Send the beacon that the page's script sends."""
        answer = await self.client.post(
            f"{self.at.web}/v1/views", json={"article": article}, headers={"User-Agent": reader}
        )
        assert answer.status_code == 202, answer.text

    async def views(self, article: str) -> int | None:
        answer = await self.client.get(f"{self.at.web}/v1/articles/{article}/views")
        return int(answer.json()["views"]) if answer.status_code == 200 else None


def count_on(page: str) -> int | None:
    """The number before «переглядів»."""
    found = _COUNT.search(_TAG.sub("", page.partition("<main")[2]))
    digits = re.sub(r"\D", "", found[1]) if found else ""
    return int(digits) if digits else None


async def an_article_is_posted_and_seen(newsroom: Newsroom) -> None:
    title = f"Маяк знову світить {newsroom.source}"
    [item] = await newsroom.post(
        {
            "id": "lighthouse",
            "url": f"https://{newsroom.source}.example/lighthouse",
            "title": title,
            "language": "uk",
            "summary": "Після ремонту маяк увімкнули.",
            "content_html": "<p>Перший абзац.</p><p>Другий абзац.</p>",
            "tags": [f"Theme {newsroom.source}"],
            "authors": [{"name": "Олена Вітрова"}],
            "date_published": "2026-11-20T09:00:00Z",
        }
    )
    assert item["outcome"] == "published"
    article = f"{newsroom.source}:lighthouse"
    texts = (title, "Після ремонту", "Перший абзац", "Другий абзац", "Олена Вітрова", f"Theme {newsroom.source}")
    await until(lambda: newsroom.shows(f"/articles/{article}", *texts), "the article's page, complete")
    lists = await newsroom.client.get(f"{newsroom.at.web}/v1/articles", params={"theme": f"Theme {newsroom.source}"})
    assert [a["title"] for a in lists.json()["items"]] == [title]


async def a_reader_counts_once(newsroom: Newsroom) -> None:
    article = f"{newsroom.source}:lighthouse"

    async def is_announced() -> bool:
        return await newsroom.views(article) is not None

    await until(is_announced, "the article to be known to views")
    before = await newsroom.views(article)
    assert before is not None
    reader = f"{BROWSER} {uuid4().hex}"
    for _ in range(3):
        await newsroom.read(article, reader=reader)

    async def counted() -> bool:
        answer = await newsroom.client.get(f"{newsroom.at.web}/v1/articles/{article}/views")
        return answer.status_code == 200 and int(answer.json()["filtered"]["repeat"]) >= 2

    await until(counted, "three beacons to be applied")
    assert await newsroom.views(article) == before + 1, "one reader counts once"

    async def shown() -> bool:
        return count_on(await newsroom.page(f"/articles/{article}")) == before + 1

    await until(shown, "the count on the page")


async def links_between_articles_become_cards(newsroom: Newsroom) -> None:
    earlier, later = (f"https://{newsroom.source}.example/{name}" for name in ("earlier", "later"))
    title = f"Ремонт маяка почався {newsroom.source}"
    await newsroom.post(
        {
            "id": "later",
            "url": later,
            "title": f"Lighthouse shines again {newsroom.source}",
            "language": "en",
            "content_html": f'<p>First.</p><p>It began <a href="{earlier}?utm_source=x">last spring</a>.</p>',
            "date_published": "2026-11-21T09:00:00Z",
        }
    )
    await newsroom.post(  # the target arrives after the link
        {"id": "earlier", "url": earlier, "title": title, "language": "uk", "date_published": "2026-03-01T09:00:00Z"}
    )
    await until(lambda: newsroom.shows(f"/articles/{newsroom.source}:later", title), "the card of the linked article")

    async def is_related_backwards() -> bool:
        answer = await newsroom.client.get(f"{newsroom.at.web}/v1/articles/{newsroom.source}:earlier/links")
        return answer.status_code == 200 and len(answer.json()["backlinks"]) == 1

    await until(is_related_backwards, "the backlink")


async def a_withdrawn_article_is_gone_and_stays_gone(newsroom: Newsroom) -> None:
    article = f"{newsroom.source}:earlier"
    headers = {"Authorization": f"Bearer {newsroom.at.admin_key}", "Prefer": "wait=10"}
    answer = await newsroom.client.delete(f"{newsroom.at.ingest}/v1/articles/{article}?reason=test", headers=headers)
    assert answer.json()["outcome"] == "withdrawn"

    async def is_gone() -> bool:
        page = await newsroom.client.get(f"{newsroom.at.web}/articles/{article}")
        linking = await newsroom.page(f"/articles/{newsroom.source}:later")
        return page.status_code == 410 and linking != "" and "Ремонт маяка почався" not in linking

    await until(is_gone, "the withdrawn article to be gone from its page and from the card")
    [again] = await newsroom.post({"id": "earlier", "title": "listed again", "date_published": "2026-11-22T09:00:00Z"})
    assert again["outcome"] == "withdrawn"
    await until(is_gone, "the withdrawn article to stay gone")


async def whole_path(addresses: Addresses) -> None:
    """Everything above, in order."""
    async with plain_client(timeout=20, follow_redirects=True) as client:
        newsroom = Newsroom(addresses, client)
        await an_article_is_posted_and_seen(newsroom)
        await a_reader_counts_once(newsroom)
        await links_between_articles_become_cards(newsroom)
        await a_withdrawn_article_is_gone_and_stays_gone(newsroom)
