"""``news-related rebuild``: fill a new generation of the graph beside the live one, then switch over."""

import asyncio
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from news_related.graph.curation import CHOICES
from news_related.graph.projection import ARTICLE_LINKS
from news_related.neighbours.loop import NeighbourLoop
from news_related.neighbours.vector_projection import ARTICLE_VECTORS
from news_related.settings import RelatedSettings
from news_shared.errors import LogMismatchError, TransientError
from news_shared.process import running
from news_shared.projection.rebuild import rebuild
from news_shared.redis_client import RedisClient, open_redis

_BESIDE = (CHOICES, ARTICLE_VECTORS)


async def rebuild_graph(settings: RelatedSettings) -> None:
    """Rebuild while the live graph goes on answering; shows progress on standard error.

    No text is embedded anew: vectors come from their topic, and the neighbours are sought among them again.

    Raises:
        SystemExit: it could not be done; says why. The live graph is as it was.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        async with open_redis(settings.redis) as redis:
            with Progress(*columns, console=console) as shown:
                task = shown.add_task("rebuilding the graph", total=None)
                generation = await rebuild(
                    ARTICLE_LINKS,
                    kafka=settings.kafka,
                    redis=redis,
                    process=settings.process,
                    progress=lambda done, total: shown.update(task, completed=done, total=total),
                    beside=_BESIDE,
                    complete=lambda generation: _link_all(redis, settings, generation, shown),
                )
    except (LogMismatchError, TransientError) as error:
        raise SystemExit(f"The graph was not rebuilt: {error}") from error
    console.print(f"The graph answers from generation {generation}.")


async def _link_all(redis: RedisClient, settings: RelatedSettings, generation: int, shown: Progress) -> None:
    """Seek the neighbours of every article in a generation whose projections have caught up."""
    others = (1 + len(_BESIDE)) * settings.process.partitions
    loop = NeighbourLoop(redis, others=others, rebuilding=generation)
    task = shown.add_task("linking by meaning", total=None)
    most = 0
    async with running(
        loop.run(), stop=loop.request_stop, name="rebuild neighbours", drain=timedelta(seconds=10)
    ) as work:
        while loop.unready():
            if work.done():
                work.result()
            most = max(most, loop.waiting)
            shown.update(task, completed=most - loop.waiting, total=most or None)
            await asyncio.sleep(0.1)
    shown.update(task, completed=most, total=most)
