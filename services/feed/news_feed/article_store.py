"""Read model: articles by id and URL, and lists of them; the keys of one partition change in one call.

Keys of partition p, all under ``{feed-p}:<generation>:``:

| key | type | what |
|---|---|---|
| ``articles`` | hash id → JSON | what is served |
| ``withdrawn`` | hash id → JSON | what is left of a withdrawn article |
| ``entries`` | hash id → `Entry` | revision, position and lists of either |
| ``urls`` | sorted set, scores 0 | members ``url NUL id``: several articles may claim one URL |
| ``list:<name>`` | sorted set, scores 0 | members are `Position` bytes; also of what was withdrawn, by when |

Lists are not cut off: what a list answers must not depend on what was in it before (a rebuilt projection has never
seen what was withdrawn since), and a member weighs a fiftieth of the article that is kept anyway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, cast

import orjson

from news_feed.ordering import Position, newest
from news_feed.timelines import Entry, Selection, State, withdrawn_list
from news_shared.article_ids import ArticleId, by_partition
from news_shared.projection.contract import Effects
from news_shared.projection.slots import Command, RelativeCommand, SlotAnswer, Slots
from news_shared.projection.state import state_key
from news_shared.redis_client import RedisClient, redis_errors
from news_shared.topics import ARTICLES

APPLY_LUA = """
local i = 1
while i < NARGS do
  local op, key = ARGV[i], KEYS[tonumber(ARGV[i + 1])]
  if op == 'set' then
    redis.call('HSET', key, ARGV[i + 2], ARGV[i + 3])
    i = i + 4
  elseif op == 'forget' then
    redis.call('HDEL', key, ARGV[i + 2])
    i = i + 3
  elseif op == 'add' then
    redis.call('ZADD', key, 0, ARGV[i + 2])
    i = i + 3
  else
    redis.call('ZREM', key, ARGV[i + 2])
    i = i + 3
  end
end
"""
"""Applies what `effects_of` says: operations, each with the number of its key."""

_URLS_OF_ONE_PAGE = 16  # articles that claim one URL; more are spam


Versions: TypeAlias = tuple[bytes | None, ...]
"""Of the state of each partition, see `SlotAnswer`; None also where nothing was ever stored."""


@dataclass(frozen=True)
class Withdrawn:
    """The article was here and is gone."""

    id: ArticleId
    reason: str | None
    time: str


Found = dict[str, Any] | Withdrawn | None
"""An article as JSON, what is left of it, or nothing."""


@dataclass(frozen=True)
class Revisions:
    """The newest revision of some articles of one partition, without those that were never here.

    Attributes:
        of: by article.
        reached: the next offset that is not applied yet, at the same moment.
    """

    of: Mapping[ArticleId, int]
    reached: int


@dataclass(frozen=True)
class Page:
    """Some articles of a list, newest first, and after which position it goes on; right as of a moment.

    Attributes:
        versions: of the state that was read, or of one before it.
    """

    items: list[dict[str, Any]]
    more_after: Position | None
    as_of: datetime
    versions: Versions


async def read_entries(redis: RedisClient, prefix: str, ids: Sequence[ArticleId]) -> dict[ArticleId, Entry | None]:
    """What the store knows of some articles of one partition.

    Raises:
        TransientError: Redis is away.
    """
    with redis_errors("reading entries"):
        stored = cast("list[bytes | None]", await cast("Any", redis.hmget(f"{prefix}entries", list(ids))))
    return {key: Entry.decode(value) if value is not None else None for key, value in zip(ids, stored, strict=True)}


def effects_of(prefix: str, before: Mapping[ArticleId, Entry | None], now: Mapping[ArticleId, State]) -> Effects:
    """The operations that bring articles from one state to another; nothing for what stays as it is."""
    keys: dict[str, int] = {}
    args: list[str | bytes | int | float] = []

    def operation(name: str, key: str, *values: str | bytes) -> None:
        args.extend((name, keys.setdefault(prefix + key, len(keys) + 1), *values))

    for article_id, state in now.items():
        was, entry = _members(article_id, before.get(article_id)), state.entry
        will_be = _members(article_id, entry)
        for key, member in sorted(was - will_be):
            operation("remove", key, member)
        for key, member in sorted(will_be - was):
            operation("add", key, member)
        holds, held_no_more = ("withdrawn", "articles") if entry.position is None else ("articles", "withdrawn")
        operation("forget", held_no_more, article_id)
        operation("set", holds, article_id, state.body)
        operation("set", "entries", article_id, entry.encode())
    return Effects(list(keys), args)


def _members(article_id: ArticleId, entry: Entry | None) -> set[tuple[str, bytes]]:
    """Every (key, member) of sorted sets that an entry stands for."""
    if entry is None or (place := entry.position or entry.gone_at) is None:
        return set()
    members = {(f"list:{name}", place) for name in entry.lists}
    if entry.url is not None:
        members.add(("urls", _url_member(entry.url, article_id)))
    return members


def _url_member(url: str, article_id: str) -> bytes:
    return f"{url}\0{article_id}".encode()


class ArticleStore:
    """Answers from the read model of all partitions.

    Every method raises RebuildingError while a partition that it needs is being restored, and TransientError when
    Redis is away.
    """

    def __init__(self, slots: Slots, partitions: int) -> None:
        self._slots = slots
        self._partitions = partitions

    async def one(self, article_id: ArticleId) -> tuple[Found, datetime]:
        """One article, and as of when that is right."""
        [found], as_of = await self.many([article_id])
        return found, as_of

    async def many(self, ids: Sequence[ArticleId]) -> tuple[list[Found], datetime]:
        """Articles in the order asked, in one round trip."""
        asked = by_partition(ids, self._partitions)
        answers = await self._slots.ask({p: partial(_bodies, some) for p, some in asked.items()})
        found: dict[ArticleId, Found] = {}
        for partition, some in asked.items():
            found.update(zip(some, map(_found, some, *answers[partition].results), strict=True))
        return [found[article_id] for article_id in ids], min(answer.as_of for answer in answers.values())

    async def by_url(self, url: str) -> tuple[list[ArticleId], datetime]:
        """Ids of the articles that claim a canonical URL.

        The URL does not say in which partition its article lives, so all are asked.
        """
        bounds = f"[{url}\0".encode(), f"({url}\1".encode()
        answers = await self._everywhere("ZRANGEBYLEX", "urls", *bounds, "LIMIT", 0, _URLS_OF_ONE_PAGE)
        members: list[bytes] = [member for answer in answers for member in answer.results[0]]
        ids = [ArticleId(member.rpartition(b"\0")[2].decode()) for member in members]
        return ids, min(answer.as_of for answer in answers)

    async def newest(self, selection: Selection, *, limit: int, after: Position | None) -> Page:
        """The newest articles of a list that stand after a position.

        A page may be shorter than ``limit`` although more follow: an article that is withdrawn while the page is put
        together is left out.
        """
        highest = "+" if after is None else b"(" + after.encode()
        answers = await self._everywhere(
            "ZREVRANGEBYLEX", f"list:{selection.name}", highest, "-", "LIMIT", 0, limit + 1
        )
        positions, more_after = newest((map(Position.decode, answer.results[0]) for answer in answers), limit)
        as_of, versions = min(answer.as_of for answer in answers), tuple(answer.version for answer in answers)
        if not positions:
            return Page([], None, as_of, versions)
        found, read_at = await self.many([position.id for position in positions])
        items = [article for article in found if isinstance(article, dict)]
        return Page(items, more_after, min(as_of, read_at), versions)

    async def withdrawn(self, source: str | None, *, limit: int) -> list[Position]:
        """What was withdrawn last, of all sources or of one: when, and which article."""
        answers = await self._everywhere(
            "ZREVRANGEBYLEX", f"list:{withdrawn_list(source)}", "+", "-", "LIMIT", 0, limit + 1
        )
        return newest((map(Position.decode, answer.results[0]) for answer in answers), limit)[0]

    async def reached(self, partition: int) -> int:
        """The next offset of ``news.articles`` that is not applied yet: queries answer with all before it."""
        return (await self.revisions(partition, ())).reached

    async def revisions(self, partition: int, ids: Sequence[ArticleId]) -> Revisions:
        """The newest revision of each of these articles of one partition."""
        commands: list[RelativeCommand] = [("HGET", state_key("", ARTICLES, partition), "next")]
        if ids:
            commands.append(("HMGET", "entries", *ids))
        reached, *entries = (await self._slots.read(partition, *commands)).results
        stored = zip(ids, *entries, strict=True)
        of = {article_id: Entry.decode(entry).revision for article_id, entry in stored if entry is not None}
        return Revisions(of, int(reached or 0))

    async def _everywhere(self, name: str, key: str, *rest: str | int | bytes) -> list[SlotAnswer]:
        """What one command says in each partition."""

        def question(prefix: str) -> list[Command]:
            return [(name, prefix + key, *rest)]

        answers = await self._slots.ask(dict.fromkeys(range(self._partitions), question))
        return list(answers.values())


def _bodies(ids: Sequence[ArticleId], prefix: str) -> list[Command]:
    return [("HMGET", f"{prefix}articles", *ids), ("HMGET", f"{prefix}withdrawn", *ids)]


def _found(article_id: ArticleId, body: bytes | None, tombstone: bytes | None) -> Found:
    if tombstone is not None:
        left = orjson.loads(tombstone)
        return Withdrawn(article_id, left.get("reason"), left["time"])
    if body is None:
        return None
    article: dict[str, Any] = orjson.loads(body)
    return article
