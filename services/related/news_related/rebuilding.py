"""``news-related rebuild``: fill a new generation of the graph beside the live one, then switch over."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from news_related.projection import ARTICLE_LINKS
from news_related.settings import RelatedSettings
from news_shared.errors import LogMismatchError, TransientError
from news_shared.projection.rebuild import rebuild
from news_shared.redis_client import open_redis


async def rebuild_graph(settings: RelatedSettings) -> None:
    """Rebuild while the live graph goes on answering; shows progress on standard error.

    Editors' choices are few: the linker fills them in when it sees the new generation, and for that moment queries
    are answered 503 ``rebuilding``.

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
                )
    except (LogMismatchError, TransientError) as error:
        raise SystemExit(f"The graph was not rebuilt: {error}") from error
    console.print(f"The graph answers from generation {generation}.")
