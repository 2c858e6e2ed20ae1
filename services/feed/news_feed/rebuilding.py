"""``news-feed rebuild``: fill a new generation of the article store beside the live one, then switch over."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from news_feed.projection import FEED_PROJECTION
from news_feed.settings import FeedSettings
from news_shared.errors import LogMismatchError, TransientError
from news_shared.projection.rebuild import rebuild
from news_shared.redis_client import open_redis


async def rebuild_feed(settings: FeedSettings) -> None:
    """Rebuild while the live projection goes on answering; shows progress on standard error.

    Raises:
        SystemExit: it could not be done; says why. The live projection is as it was.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        async with open_redis(settings.redis) as redis:
            with Progress(*columns, console=console) as shown:
                task = shown.add_task("rebuilding the feed", total=None)
                generation = await rebuild(
                    FEED_PROJECTION,
                    kafka=settings.kafka,
                    redis=redis,
                    process=settings.process,
                    progress=lambda done, total: shown.update(task, completed=done, total=total),
                )
    except (LogMismatchError, TransientError) as error:
        raise SystemExit(f"The feed was not rebuilt: {error}") from error
    console.print(f"The feed answers from generation {generation}.")
