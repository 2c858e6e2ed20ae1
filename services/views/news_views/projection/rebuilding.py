"""``news-views rebuild``: counts anew beside the live ones, then switches over."""

import asyncio

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from news_shared.errors import NewsError
from news_shared.projection.rebuild import rebuild
from news_shared.redis_client import open_redis
from news_views.projection.views import views_projection
from news_views.settings import AllSettings


def rebuild_counts(settings: AllSettings, *, recount: bool) -> None:
    """Fill a new generation from the changelog and the log, with a progress bar, and switch to it.

    Args:
        recount: from the log alone, as far as it reaches; older counts are gone for good afterwards.

    Raises:
        SystemExit: why it cannot be done.
    """
    try:
        generation = asyncio.run(_rebuild(settings, recount=recount))
    except NewsError as error:
        raise SystemExit(f"Nothing was switched: {error}") from None
    print(f"Generation {generation} is live.")  # noqa: T201  # a command's answer to the person who gave it


async def _rebuild(settings: AllSettings, *, recount: bool) -> int:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with open_redis(settings.redis) as redis:
        with Progress(*columns) as bar:
            task = bar.add_task("records of news.views", total=None)
            return await rebuild(
                views_projection(settings.views, settings.kafka, recount=recount),
                kafka=settings.kafka,
                redis=redis,
                process=settings.process,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
