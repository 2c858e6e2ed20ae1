"""Lists of neighbours as they are stored, and articles whose neighbours nobody has sought."""

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from news_related.neighbours import similarity
from news_related.neighbours.pairs import Pairs
from news_related.neighbours.window import Window
from news_shared.article_ids import ArticleId
from tests.related.builders import NOON, a_vector, an_article
from tests.related.graph_on_redis import GraphOnRedis
from tests.related.oracle import Neighbour


def searches_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on, how many lists each search makes anew."""
    searched: list[int] = []
    search = Window._search

    def counted(window: Window, rows: NDArray[np.int64], least: NDArray[np.int32]) -> Pairs:
        searched.append(len(rows))
        return search(window, rows, least)

    monkeypatch.setattr(Window, "_search", counted)
    return searched


async def lists_in(stored: GraphOnRedis) -> dict[ArticleId, list[Neighbour]]:
    return {key: some[: similarity.SHOWN_NEIGHBOURS] for key, some in (await stored.neighbour_lists()).items()}


async def a_newsroom(stored: GraphOnRedis, size: int) -> None:
    """Articles a minute apart and their vectors, none of them linked."""
    await stored.apply([an_article(f"g{n}", date=NOON + timedelta(minutes=n)) for n in range(size)], at_once=50)
    await stored.keep([a_vector(f"g{n}", n % 100, 100) for n in range(size)])
