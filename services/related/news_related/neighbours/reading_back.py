"""The windows as they are stored, read back by who takes the neighbours over."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from news_related.neighbours.changes import NEIGHBOURS, WINDOW, decode_meaning, space_hash
from news_related.neighbours.meanings import Meaning
from news_related.neighbours.window import Window
from news_shared.article_ids import ArticleId
from news_shared.errors import TransientError
from news_shared.projection.contract import Checkpoint
from news_shared.projection.state import PartitionState

log = structlog.get_logger()

_AT_ONCE = 1000


async def read_back(state: PartitionState, checkpoint: Checkpoint, *, live: bool) -> dict[bytes, Window]:
    """The window of each space as of a checkpoint.

    Raises:
        FencedError: Redis stands elsewhere by now.
        TransientError: Redis is away, or what it holds does not fit together.
    """
    started = monotonic()
    meanings: dict[bytes, dict[ArticleId, Meaning]] = {}
    windows: dict[bytes, Window] = {}
    window_of: dict[ArticleId, Window] = {}

    def take_meanings(some: Sequence[bytes]) -> None:
        for name, value in zip(some[::2], some[1::2], strict=True):
            meaning = decode_meaning(ArticleId(name.decode()), value)
            meanings.setdefault(space_hash(meaning.space), {})[meaning.id] = meaning

    def take_lists(some: Sequence[bytes]) -> None:
        lists: dict[int, dict[ArticleId, bytes]] = {}
        for name, packed in zip(some[::2], some[1::2], strict=True):
            key = ArticleId(name.decode())
            lists.setdefault(id(window_of[key]), {})[key] = packed
        for window in windows.values():
            window.put_neighbours(lists.get(id(window), {}))

    async def read(name: str, cursor: str) -> tuple[str, Sequence[bytes]]:
        command = ["HSCAN", state.keys.prefix(checkpoint.generation) + name, cursor, "COUNT", str(_AT_ONCE)]
        [(after, some)] = await state.read_as_of(checkpoint, [command], live=live)
        return after.decode(), some

    async def scan(name: str, take: Callable[[Sequence[bytes]], None]) -> None:
        cursor, some = await read(name, "0")
        while cursor != "0":  # Redis looks for the next while these are taken in
            (cursor, following), _ = await asyncio.gather(read(name, cursor), asyncio.to_thread(take, some))
            some = following
        await asyncio.to_thread(take, some)

    await scan(WINDOW, take_meanings)
    for space, some in meanings.items():
        window = windows[space] = Window()
        await asyncio.to_thread(window.put, list(some.values()))
        window_of.update(dict.fromkeys(some, window))
    try:
        await scan(NEIGHBOURS, take_lists)
    except KeyError as error:
        raise TransientError(f"the stored neighbours name {error}, which is not in the stored window") from error
    seconds = round(monotonic() - started, 1)
    log.info("neighbours read back", articles=sum(map(len, windows.values())), seconds=seconds)
    return windows
