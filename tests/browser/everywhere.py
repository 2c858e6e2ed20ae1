"""Every place where readers and programs meet an article, asked over HTTP as anybody may."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter

import httpx

from tests.testbed.waiting import until

SECONDS = 30


@dataclass(frozen=True)
class Victim:
    """An article that will be withdrawn, and those around it.

    Attributes:
        id: of the article.
        title: of its own; nothing else has it.
        linking: an article whose text links to it.
        linked: an article that its text links to.
        copy: an article of another source with its text.
        theme: slug of a theme that all of them have.
        source: whose it is.
    """

    id: str
    title: str
    linking: str
    linked: str
    copy: str
    theme: str
    source: str

    @property
    def watched(self) -> Mapping[str, str]:
        """One place of each service and kind: those that are asked again and again."""
        return {
            "page": f"/articles/{self.id}",
            "front page": "/",
            "list": f"/v1/articles?theme={self.theme}",
            "feed": f"/feed.json?theme={self.theme}",
            "related list": f"/v1/articles/{self.linked}/related?limit=100",
            "counts": f"/v1/articles/{self.id}/views",
        }

    @property
    def places(self) -> Mapping[str, str]:
        """All places, by their addresses."""
        own = [f"/v1/articles/{self.id}", f"/v1/pages/{self.id}", f"/articles/{self.id}?lang=uk"]
        own += [f"/v1/articles/{self.id}/{part}" for part in ("views", "related", "links", "story", "duplicates")]
        pages = [f"/articles/{self.linked}", f"/articles/{self.linking}"]
        pages += ["/?language=en", f"/themes/{self.theme}", f"/sources/{self.source}", "/most-read?window=1h"]
        lists = ["/v1/articles?limit=100", f"/v1/articles?source={self.source}", f"/v1/articles?article={self.id}"]
        lists += [f"/v1/themes/{self.theme}", "/v1/most-read?window=1h&limit=100", "/v1/trending?window=1h&limit=100"]
        around = [f"/v1/articles/{self.linked}/{part}" for part in ("links", "story", "related.html")]
        around += [f"/v1/articles/{self.linking}/links", f"/v1/articles/{self.copy}/duplicates"]
        around += [f"/v1/graph?article={self.linked}&depth=1", f"/v1/pages/{self.linked}", f"/v1/pages/{self.linking}"]
        feeds = [f"/feed.{form}?theme={self.theme}" for form in ("json", "atom", "rss")]
        feeds += ["/feed.rss", "/sitemap-news.xml"]
        named = (*own, *pages, *lists, *around, *feeds)
        return {**self.watched, **{address: address for address in named}}


async def shows(client: httpx.AsyncClient, address: str, victim: Victim) -> bool:
    """Whether an answer says anything of the article; one that is gone or away says nothing."""
    answer = await client.get(address)
    if answer.status_code != HTTPStatus.OK:
        return False
    if address.startswith(f"/v1/articles?article={victim.id}"):
        return bool(answer.json()["items"])
    return victim.title in answer.text or f'"{victim.id}"' in answer.text


async def showing(client: httpx.AsyncClient, victim: Victim) -> set[str]:
    """The places that show it now."""
    return {name for name, address in victim.places.items() if await shows(client, address, victim)}


async def gone_after(client: httpx.AsyncClient, victim: Victim, begun: float) -> dict[str, float]:
    """Seconds from a moment until each of the watched places shows it no longer."""

    async def watch(address: str) -> float:
        async def is_gone() -> bool:
            return not await shows(client, address, victim)

        await until(is_gone, f"{victim.title} to be gone from {address}", seconds=SECONDS)
        return perf_counter() - begun

    taken = await asyncio.gather(*map(watch, victim.watched.values()))
    return dict(zip(victim.watched, taken, strict=True))
