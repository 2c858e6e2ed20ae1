"""``news-related rebuild``: fill a new generation of the graph beside the live one, then switch over."""

import asyncio
from datetime import timedelta
from functools import partial

from rich.progress import Progress

from news_related.graph.curation import CHOICES
from news_related.graph.projection import ARTICLE_LINKS
from news_related.neighbours.loop import NeighbourLoop
from news_related.neighbours.vector_projection import ARTICLE_VECTORS
from news_related.settings import RelatedSettings
from news_shared.process import running
from news_shared.projection.rebuild_command import rebuild_with_bar
from news_shared.redis_client import RedisClient

_BESIDE = (CHOICES, ARTICLE_VECTORS)


async def rebuild_graph(settings: RelatedSettings) -> None:
    """Rebuild while the live graph goes on answering; shows progress on standard error.

    No text is embedded anew: vectors come from their topic, and the neighbours are sought among them again.

    Raises:
        SystemExit: it could not be done; says why. The live graph is as it was.
    """
    await rebuild_with_bar(
        ARTICLE_LINKS,
        "related",
        kafka=settings.kafka,
        redis=settings.redis,
        process=settings.process,
        beside=_BESIDE,
        complete=partial(_link_all, settings.process.partitions),
    )


async def _link_all(partitions: int, redis: RedisClient, bars: Progress, generation: int) -> None:
    """Seek the neighbours of every article in a generation whose projections have caught up."""
    others = (1 + len(_BESIDE)) * partitions
    loop = NeighbourLoop(redis, others=others, rebuilding=generation)
    task = bars.add_task("linking by meaning", total=None)
    most = 0
    async with running(
        loop.run(), stop=loop.request_stop, name="rebuild neighbours", drain=timedelta(seconds=10)
    ) as work:
        while loop.unready():
            if work.done():
                work.result()
            most = max(most, loop.waiting)
            bars.update(task, completed=most - loop.waiting, total=most or None)
            await asyncio.sleep(0.1)
    bars.update(task, completed=most, total=most)
