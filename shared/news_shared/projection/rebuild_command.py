"""A rebuild as a person sees it: a bar on standard error while it lasts, and its end in words."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from news_shared.errors import NewsError
from news_shared.projection.contract import ProjectionSpec
from news_shared.projection.rebuild import rebuild
from news_shared.redis_client import RedisClient, open_redis
from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings

E = TypeVar("E")


async def rebuild_with_bar(
    spec: ProjectionSpec[E],
    name: str,
    *,
    kafka: KafkaSettings,
    redis: RedisSettings,
    process: ProcessSettings,
    beside: Sequence[ProjectionSpec[Any]] = (),
    complete: Callable[[RedisClient, Progress, int], Awaitable[None]] | None = None,
) -> None:
    """Rebuild while the live projection goes on answering; see `rebuild`.

    Args:
        name: of what is rebuilt, as people call it.
        complete: is given Redis and the bars too, to add its own.

    Raises:
        SystemExit: it could not be done, and why; the live projection is as it was.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        async with open_redis(redis) as client:
            with Progress(*columns, console=console) as bars:
                task = bars.add_task(f"rebuilding {name}", total=None)
                generation = await rebuild(
                    spec,
                    kafka=kafka,
                    redis=client,
                    process=process,
                    progress=lambda done, total: bars.update(task, completed=done, total=total),
                    beside=beside,
                    complete=partial(complete, client, bars) if complete is not None else None,
                )
    except NewsError as error:
        raise SystemExit(f"{name} not rebuilt, and as before: {error}") from error
    console.print(f"{name} rebuilt: generation {generation} answers now.")
