"""The neighbours as of one state of Redis, with windows in memory: answers the marks that the projections leave.

The projections keep what each topic says; what follows from it is kept here, in steps from one state of Redis to the
next, each one compare-call of the runtime.
"""

import asyncio
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog

from news_related.graph.changes import CARDS, PLACES, UNLINKED, VECTORS_KEPT
from news_related.neighbours.changes import (
    LINKABLE,
    NEIGHBOURS,
    WINDOW,
    Relinking,
    decode_meaning,
    encode_meaning,
    meaning_of,
    place_of,
    position_at,
    space_hash,
    space_in,
)
from news_related.neighbours.meanings import Meaning
from news_related.neighbours.window import Window
from news_shared.article_ids import ArticleId
from news_shared.clock import Clock, epoch_ms
from news_shared.errors import TransientError
from news_shared.projection.contract import Checkpoint, Effects, Fingerprint
from news_shared.projection.state import PartitionState
from news_shared.redis_client import RedisClient, redis_errors

log = structlog.get_logger()

_AT_ONCE = 32  # articles a call: up to 5,000 lists, 8 MB, 30 ms of Redis; and one pass over the window
_WATCH_EVERY = 1.0
_READ_AT_ONCE = 1000
_ATTEMPTS_BEFORE_LEAVING_OUT = 3
_LAST = b"\xff" * 32


@dataclass
class _Turn:
    """What one call is going to change in one space."""

    removed: set[ArticleId]
    added: dict[ArticleId, Meaning]


class Neighbours:
    """The neighbours as of one checkpoint; thrown away whole at any mismatch."""

    def __init__(
        self, redis: RedisClient, state: PartitionState, *, size: int, live: bool, others: int, clock: Clock
    ) -> None:
        self._redis: Any = redis  # redis-py types its answers as «awaitable or not»
        self._state = state
        self._size = size
        self._live = live
        self._others = others
        self._clock = clock
        self._windows: dict[bytes, Window] = {}
        self._nonce = zlib.crc32(uuid4().bytes)
        self._checkpoint = Checkpoint(0, 0)
        self._prefix = ""
        self._watched_at = 0.0
        self._one_by_one = 0
        self.is_live = False
        self.waiting = 0

    async def open(self, generation: int | None = None) -> None:
        """Read back what Redis holds of the live generation, or of the one that is named.

        Raises:
            FencedError: another process works on it.
            TransientError: Redis is away.
        """
        stored = await self._state.read(generation)
        self._prefix = self._state.keys.prefix(stored.generation)
        if stored.next_offset is None:
            await self._state.begin_restore(stored.generation)
            await self._state.finish_restore(stored.generation, 0)
            self._checkpoint = Checkpoint(stored.generation, 0)
            return
        self._checkpoint = Checkpoint(stored.generation, stored.next_offset, stored.fingerprint)
        self._one_by_one = _AT_ONCE if stored.attempts else 0  # find out which of them crashes it
        await self._load()

    async def turn(self) -> bool:
        """Answer some marks, the oldest first; returns whether there may be more.

        Raises:
            TransientError, FencedError: discard this object.
        """
        now = self._clock()
        at_once = 1 if self._one_by_one else _AT_ONCE
        with redis_errors("looking for articles to link"):
            pipe = self._redis.pipeline(transaction=False)
            pipe.zrange(self._prefix + UNLINKED, 0, at_once - 1, withscores=True)
            pipe.zcard(self._prefix + UNLINKED)
            pipe.hlen(self._state.keys.as_of(self._checkpoint.generation))
            found, self.waiting, sources = await pipe.execute()
        marks = {ArticleId(key.decode()): int(number) for key, number in found}
        sees_all = len(marks) == self.waiting and (self.is_live or sources >= self._others)
        if not marks and monotonic() - self._watched_at < _WATCH_EVERY:
            return False
        effects = await self._relinked(marks) if marks else Effects()
        await self._apply(effects, as_of_ms=epoch_ms(now) if sees_all else None)
        self.is_live = self.is_live or sees_all
        self._one_by_one = max(0, self._one_by_one - len(marks))
        self._watched_at = monotonic()
        return self.waiting > len(marks)

    def look_at_once(self) -> None:
        """Compare with Redis in the next turn, whether or not there is anything to do."""
        self._watched_at = 0.0

    async def crashed(self, error: Exception) -> None:
        """Note a bug; an article at which this happens again and again is left as it is, so that others go on."""
        attempts = await self._state.count_attempt(self._checkpoint.generation)
        log.error("linking by meaning crashed", attempt=attempts, error=repr(error))
        if attempts < _ATTEMPTS_BEFORE_LEAVING_OUT or not self._one_by_one:
            return
        with redis_errors("leaving an article out"):
            found = await self._redis.zrange(self._prefix + UNLINKED, 0, 0, withscores=True)
        marks = {ArticleId(key.decode()): int(number) for key, number in found}
        log.error("article left out of the neighbours", articles=list(marks), error=repr(error))
        await self._apply(Relinking(marks).effects(self._prefix), as_of_ms=None)

    async def _apply(self, effects: Effects, *, as_of_ms: int | None) -> None:
        advanced = self._checkpoint
        if effects.keys:
            number = self._checkpoint.next_offset + 1
            advanced = Checkpoint(self._checkpoint.generation, number, Fingerprint(number, 0, self._nonce))
        await self._state.apply(self._checkpoint, effects, advanced, live=self._live, as_of_ms=as_of_ms)
        self._checkpoint = advanced

    async def _relinked(self, marks: Mapping[ArticleId, int]) -> Effects:
        """Bring the windows to what is stored of the marked articles now; what that changes in Redis."""
        ids = list(marks)
        facts = await self._facts(ids)
        changes = Relinking(marks)
        turns: dict[bytes, _Turn] = {}
        with redis_errors("reading places"):
            places = await self._redis.hmget(self._prefix + PLACES, ids)
        for key, before in zip(ids, places, strict=True):
            meaning = facts[key]
            now = place_of(meaning) if meaning else b""
            if before is not None:
                turns.setdefault(space_in(before), _Turn(set(), {})).removed.add(key)
            if meaning is not None:
                turns.setdefault(space_in(now), _Turn(set(), {})).added[key] = meaning
            if now != (before or b""):
                changes.places[key] = now
        for space, turn in turns.items():
            await self._turn_in_space(space, turn, marks.keys(), changes)
        return changes.effects(self._prefix)

    async def _turn_in_space(
        self, space: bytes, turn: _Turn, marked: Collection[ArticleId], changes: Relinking
    ) -> None:
        window = self._windows.get(space) or Window()
        unchanged = {key for key, meaning in turn.added.items() if key in window and window.meaning(key) == meaning}
        removed = {key for key in turn.removed if key in window} - unchanged
        entering = {key: meaning for key, meaning in turn.added.items() if key not in unchanged}
        room = self._size - (len(window) - len(removed))
        entering.update(await self._from_outside(space, window, room, marked))
        excess = len(entering) - room
        evicted: set[ArticleId] = set()
        if excess > 0:
            inside = [p for p in window.oldest(excess + len(removed)) if p.id not in removed]
            oldest = sorted([*inside, *(meaning.position for meaning in entering.values())])[:excess]
            evicted = {position.id for position in oldest}
        for key in evicted:
            entering.pop(key, None)
        left = removed | {key for key in evicted if key in window}
        if not left and not entering:
            return
        lists = await asyncio.to_thread(_changed_lists, window, left, list(entering.values()))
        for key in left:  # it may have come into another space in the same turn, before or after
            changes.meanings.setdefault(key, b"")
            changes.lists.setdefault(key, b"")
        for key, meaning in entering.items():
            changes.meanings[key] = encode_meaning(meaning)
        changes.lists.update(lists)
        if len(window):
            self._windows[space] = window
        else:
            self._windows.pop(space, None)

    async def _from_outside(
        self, space: bytes, window: Window, room: int, marked: Collection[ArticleId]
    ) -> dict[ArticleId, Meaning]:
        """The newest articles that the window had no room for, as many as there is room now."""
        if room <= 0:
            return {}
        below = [position.encode() for position in window.oldest(1)] or [_LAST]
        with redis_errors("looking beyond the window"):
            members = await self._redis.zrevrangebylex(
                self._prefix + LINKABLE, b"(" + space + below[0], b"[" + space, 0, room + len(marked)
            )
        ids = [key for member in members if (key := position_at(member).id) not in marked][:room]
        facts = await self._facts(ids)
        # One whose place is no longer that of its facts has a mark of its own, and comes in its turn.
        return {
            position_at(member).id: meaning
            for member in members
            if (meaning := facts.get(position_at(member).id)) is not None and place_of(meaning) == member
        }

    async def _facts(self, ids: Sequence[ArticleId]) -> dict[ArticleId, Meaning | None]:
        if not ids:
            return {}
        with redis_errors("reading what articles mean"):
            pipe = self._redis.pipeline(transaction=False)
            pipe.hmget(self._prefix + CARDS, ids)
            pipe.hmget(self._prefix + VECTORS_KEPT, ids)
            cards, vectors = await pipe.execute()
        return {key: meaning_of(key, card, vector) for key, card, vector in zip(ids, cards, vectors, strict=True)}

    async def _load(self) -> None:
        started = monotonic()
        meanings: dict[bytes, dict[ArticleId, Meaning]] = {}

        def take_meanings(some: Sequence[bytes]) -> None:
            for name, value in zip(some[::2], some[1::2], strict=True):
                meaning = decode_meaning(ArticleId(name.decode()), value)
                meanings.setdefault(space_hash(meaning.space), {})[meaning.id] = meaning

        await self._scan(WINDOW, take_meanings)
        space_of: dict[ArticleId, Window] = {}
        for space, some in meanings.items():
            window = self._windows[space] = Window()
            await asyncio.to_thread(window.put, some.values())
            space_of.update(dict.fromkeys(some, window))

        def take_lists(some: Sequence[bytes]) -> None:
            lists: dict[int, dict[ArticleId, bytes]] = {}
            for name, packed in zip(some[::2], some[1::2], strict=True):
                key = ArticleId(name.decode())
                lists.setdefault(id(space_of[key]), {})[key] = packed
            for window in self._windows.values():
                window.put_neighbours(lists.get(id(window), {}))

        try:
            await self._scan(NEIGHBOURS, take_lists)
        except KeyError as error:
            raise TransientError(f"the stored neighbours name {error}, which is not in the stored window") from error
        seconds = round(monotonic() - started, 1)
        log.info("neighbours read back", articles=sum(map(len, self._windows.values())), seconds=seconds)

    async def _scan(self, name: str, take: Callable[[Sequence[bytes]], None]) -> None:
        cursor = "0"
        while True:
            command = ["HSCAN", self._prefix + name, cursor, "COUNT", str(_READ_AT_ONCE)]
            [(after, some)] = await self._state.read_as_of(self._checkpoint, [command], live=self._live)
            await asyncio.to_thread(take, some)
            if (cursor := after.decode()) == "0":
                return


def _changed_lists(window: Window, left: Collection[ArticleId], entering: Sequence[Meaning]) -> dict[ArticleId, bytes]:
    """Change a window; the lists that its call must store."""
    return {key: window.neighbours(key) for key in window.change(left, entering)}
