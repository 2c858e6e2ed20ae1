"""What stands in the list of an article and what never does, over a stored graph."""

from collections.abc import AsyncIterator

import pytest_asyncio

from news_related.lists.ranking import Ranked, Wanted
from news_related.lists.related_stories import own, related
from tests.related.builders import an_article, id_of
from tests.related.graph_on_redis import GraphOnRedis, graph_on_redis
from tests.testbed.backends import Backend


@pytest_asyncio.fixture
async def stored(backend: Backend) -> AsyncIterator[GraphOnRedis]:
    async with graph_on_redis(backend) as graph:
        yield graph


async def listed(stored: GraphOnRedis, guid: str) -> dict[str, Ranked]:
    """The list of an article by guid, in its order."""
    key = id_of(guid)
    cards = await stored.graph.cards([key])
    found = await related(stored.graph, cards[key], await own(stored.graph, key), Wanted())
    return {one.card.title.removeprefix("Title of "): one for one in found}


async def test_a_reason_that_names_an_article_says_which(stored: GraphOnRedis) -> None:
    await stored.apply(
        [
            an_article("here", links=("linked",)),
            an_article("linked"),
            an_article("links the same", links=("linked",)),
            an_article("here-uk", language="uk", translation_of="here"),
            an_article("links the translation", links=("here-uk",)),
            an_article("links here", links=("here",)),
        ]
    )
    reasons = {guid: one.reason.shown("en") for guid, one in (await listed(stored, "here")).items()}
    assert {guid: (reason.get("via"), reason.get("via_article")) for guid, reason in reasons.items()} == {
        "here-uk": (None, None),
        "links here": (None, None),
        "links the translation": ("Title of here-uk", id_of("here-uk")),
        "links the same": ("Title of linked", id_of("linked")),
    }
