"""The neighbours as of one state of Redis, with windows in memory: answers the marks that the projections leave.

The projections keep what each topic says; what follows from it is kept here, in steps from one state of Redis to the
next, each one compare-call of the runtime. A marked article gets its place among those that can be compared, and the
window of their space holds the newest of these: as many as were searched so far, `size` at the most. So when nothing
is linked yet, as after Redis was emptied, all are placed first, and then searched from the newest on: what readers
ask for most is there first, and nothing is searched that would soon have to leave.
"""

import asyncio
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog

from news_related.graph.changes import CARDS, PLACES, UNLINKED, VECTORS_KEPT
from news_related.graph.positions import Position
from news_related.neighbours.changes import (
    LINKABLE,
    Relinking,
    encode_meaning,
    meaning_of,
    place_of,
    position_at,
    space_in,
)
from news_related.neighbours.linkable import below, newest_below, spaces_of
from news_related.neighbours.meanings import Meaning
from news_related.neighbours.reading_back import read_back
from news_related.neighbours.window import Window
from news_shared.article_ids import ArticleId
from news_shared.clock import Clock, epoch_ms
from news_shared.projection.contract import Checkpoint, Effects, Fingerprint
from news_shared.projection.state import PartitionState
from news_shared.redis_client import RedisClient, redis_errors

log = structlog.get_logger()

_AT_ONCE = 32  # marks a call: up to 5,000 lists, 8 MB, 30 ms of Redis; and one pass over the window
_PLACED_AT_ONCE = 1000  # marks a call while all windows are empty: places, and no lists until all have one
_FILLED_AT_ONCE = 256  # from outside, a call: some 12,000 lists, 20 MB; each costs half of what it costs among 32
_WATCH_EVERY = 1.0
_ATTEMPTS_BEFORE_LEAVING_OUT = 3
_CRASHES = "state:neighbours:crashes"  # hash id → how often linking crashed at this article alone, of late
_CRASHES_KEPT_SECONDS = 86_400
_NONE_COMPLETE_MS = 0


@dataclass
class _Turn:
    """What one call is going to change in one space."""

    removed: set[ArticleId] = field(default_factory=set)
    added: dict[ArticleId, Meaning] = field(default_factory=dict)


@dataclass(frozen=True)
class _Work:
    """What there is to do, as Redis has it.

    Attributes:
        marks: the oldest, with their numbers.
        more: marks behind them.
        is_fed: all projections behind the marks are live; before, nothing is linked: it would be of an old time.
        is_answered: queries are let in.
    """

    marks: dict[ArticleId, int]
    more: int
    is_fed: bool
    is_answered: bool


class Neighbours:
    """The neighbours as of one checkpoint; thrown away whole at any mismatch.

    Attributes:
        is_live: all was linked at some moment: no mark was left, and no window had room for others.
        waiting: marked articles, and those that windows have room for.
    """

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
        self._unfilled: set[bytes] = set()  # spaces whose window has room, and of which some may be outside
        self._nonce = zlib.crc32(uuid4().bytes)
        self._checkpoint = Checkpoint(0, 0)
        self._prefix = ""
        self._watched_at = 0.0
        self._one_by_one = 0
        self._in_hand: dict[ArticleId, int | None] = {}  # with the numbers of their marks
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
        if stored.attempts:  # find out which of them crashes it
            self._one_by_one = _PLACED_AT_ONCE + _FILLED_AT_ONCE
        self._windows = await read_back(self._state, self._checkpoint, live=self._live)
        self._unfilled = {
            space for space in await spaces_of(self._redis, self._prefix) if len(self._window(space)) < self._size
        }

    async def turn(self) -> bool:
        """Answer some marks, the oldest first, and when none is left, fill windows that have room; returns whether
        there may be more to do.

        Raises:
            TransientError, FencedError: discard this object.
        """
        now = self._clock()
        work = await self._work()
        room = self._room_for(work)
        self._in_hand = dict(work.marks)
        effects = Effects()
        if work.marks or (room and self._unfilled):
            effects = (await self._relinked(work.marks, room)).effects(self._prefix)
        elif (self.is_live or not work.is_fed) and monotonic() - self._watched_at < _WATCH_EVERY:
            return False
        is_complete = work.is_fed and not work.more and not self._unfilled
        none_complete = None if work.is_answered or not work.is_fed else _NONE_COMPLETE_MS
        await self._apply(effects, as_of_ms=epoch_ms(now) if is_complete else none_complete)
        self.is_live = self.is_live or is_complete
        self._one_by_one = max(0, self._one_by_one - len(self._in_hand))
        self._watched_at = monotonic()
        return work.is_fed and not is_complete

    def look_at_once(self) -> None:
        """Compare with Redis in the next turn, whether or not there is anything to do."""
        self._watched_at = 0.0

    async def crashed(self, error: Exception) -> None:
        """Note a bug; an article at which this happens again and again is left as it is, so that others go on."""
        attempt = await self._state.count_attempt(self._checkpoint.generation)
        log.error("linking by meaning crashed", attempt=attempt, articles=len(self._in_hand), error=repr(error))
        if len(self._in_hand) != 1:
            return
        [(article, mark)] = self._in_hand.items()
        with redis_errors("counting crashes"):
            crashes = await self._redis.hincrby(self._prefix + _CRASHES, article, 1)
            await self._redis.expire(self._prefix + _CRASHES, _CRASHES_KEPT_SECONDS)
        if crashes < _ATTEMPTS_BEFORE_LEAVING_OUT:
            return
        log.error("article left out of the neighbours", article=article, error=repr(error))
        left_out = Relinking(places={article: b""}) if mark is None else Relinking({article: mark})
        await self._apply(left_out.effects(self._prefix), as_of_ms=None)

    async def _work(self) -> _Work:
        at_once = 1 if self._one_by_one else _AT_ONCE if self._windows else _PLACED_AT_ONCE
        generation, unfilled = self._checkpoint.generation, list(self._unfilled)
        as_of = self._state.keys.as_of(generation)
        pipe = self._redis.pipeline(transaction=False)
        with redis_errors("looking for articles to link"):
            pipe.zrange(self._prefix + UNLINKED, 0, at_once - 1, withscores=True)
            pipe.zcard(self._prefix + UNLINKED)
            pipe.hlen(as_of)
            pipe.hexists(as_of, self._state.keys.state(generation))
            for space in unfilled:
                pipe.zlexcount(self._prefix + LINKABLE, *below(space, self._window(space).edge()))
            found, marked, sources, is_answered, *outside = await pipe.execute()
        here = (len(self._window(space)) for space in unfilled)
        room = {space: min(self._size - n, m) for space, n, m in zip(unfilled, here, outside, strict=True)}
        self._unfilled = {space for space in unfilled if room[space]}
        self.waiting = marked + sum(room.values())
        is_fed = self.is_live or sources - is_answered >= self._others
        marks = {ArticleId(key.decode()): int(number) for key, number in found} if is_fed else {}
        return _Work(marks, marked - len(marks), is_fed, bool(is_answered))

    def _room_for(self, work: _Work) -> int:
        """How many a window may take in beside the newest: none while there are marks, which may be of newer ones."""
        if work.more or not work.is_fed:
            return 0
        if self._one_by_one:
            return 0 if work.marks else 1
        return _FILLED_AT_ONCE

    def _window(self, space: bytes) -> Window:
        return self._windows.get(space) or Window()

    async def _apply(self, effects: Effects, *, as_of_ms: int | None) -> None:
        advanced = self._checkpoint
        if effects.keys:
            number = self._checkpoint.next_offset + 1
            advanced = Checkpoint(self._checkpoint.generation, number, Fingerprint(number, 0, self._nonce))
        await self._state.apply(self._checkpoint, effects, advanced, live=self._live, as_of_ms=as_of_ms)
        self._checkpoint = advanced

    async def _relinked(self, marks: Mapping[ArticleId, int], room: int) -> Relinking:
        """Bring the windows to what is stored of the marked articles now, and fill them; what that changes in Redis."""
        ids = list(marks)
        facts = await self._facts(ids)
        changes = Relinking(marks)
        turns: dict[bytes, _Turn] = {}
        with redis_errors("reading places"):
            places = await self._redis.hmget(self._prefix + PLACES, ids) if ids else []
        for key, before in zip(ids, places, strict=True):
            meaning = facts[key]
            now = place_of(meaning) if meaning else b""
            if before is not None:
                turns.setdefault(space_in(before), _Turn()).removed.add(key)
            if meaning is not None:
                turns.setdefault(space_in(now), _Turn()).added[key] = meaning
            if now != (before or b""):
                changes.places[key] = now
        if room:
            for space in list(self._unfilled)[: 1 if self._one_by_one else None]:
                turns.setdefault(space, _Turn())
        for space, turn in turns.items():
            await self._turn_in_space(space, turn, room, marks.keys(), changes)
        return changes

    async def _turn_in_space(
        self, space: bytes, turn: _Turn, most: int, marked: Collection[ArticleId], changes: Relinking
    ) -> None:
        window = self._window(space)
        unchanged = {key for key, meaning in turn.added.items() if key in window and window.meaning(key) == meaning}
        removed = {key for key in turn.removed if key in window} - unchanged
        edge = window.edge()
        coming = {key: meaning for key, meaning in turn.added.items() if key not in unchanged}
        entering = {key: meaning for key, meaning in coming.items() if edge and meaning.position >= edge}
        waiting = {key: meaning for key, meaning in coming.items() if key not in entering}
        room = self._size - (len(window) - len(removed)) - len(entering)
        has_more = False
        if room > 0:
            if space in self._unfilled or len(window) == self._size:
                outside, has_more = await self._from_outside(space, edge, min(room, most), marked)
                waiting.update(outside)
            newest = sorted(waiting.values(), key=_by_time, reverse=True)[: min(room, most)]
            entering.update((meaning.id, meaning) for meaning in newest)
            has_more = len(newest) < room and (has_more or len(newest) < len(waiting))
        self._unfilled = self._unfilled | {space} if has_more else self._unfilled - {space}
        evicted = self._evicted(window, removed, entering)
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

    def _evicted(
        self, window: Window, removed: Collection[ArticleId], entering: Mapping[ArticleId, Meaning]
    ) -> set[ArticleId]:
        """The oldest, as many as there is no room for."""
        excess = len(window) - len(removed) + len(entering) - self._size
        if excess <= 0:
            return set()
        inside = [position for position in window.oldest(excess + len(removed)) if position.id not in removed]
        oldest = sorted([*inside, *(meaning.position for meaning in entering.values())])[:excess]
        return {position.id for position in oldest}

    async def _from_outside(
        self, space: bytes, edge: Position | None, most: int, marked: Collection[ArticleId]
    ) -> tuple[dict[ArticleId, Meaning], bool]:
        """The newest articles that are outside of a window, and whether there may be more of them."""
        if not most:
            return {}, True
        asked = most + len(marked)
        members = await newest_below(self._redis, self._prefix, space, edge, asked)
        ids = [key for member in members if (key := position_at(member).id) not in marked]
        self._in_hand.update(dict.fromkeys(ids))
        facts = await self._facts(ids)
        # One whose place is no longer that of its facts has a mark of its own, and comes in its turn.
        found = {
            position_at(member).id: meaning
            for member in members
            if (meaning := facts.get(position_at(member).id)) is not None and place_of(meaning) == member
        }
        return found, len(members) == asked

    async def _facts(self, ids: Sequence[ArticleId]) -> dict[ArticleId, Meaning | None]:
        if not ids:
            return {}
        with redis_errors("reading what articles mean"):
            pipe = self._redis.pipeline(transaction=False)
            pipe.hmget(self._prefix + CARDS, ids)
            pipe.hmget(self._prefix + VECTORS_KEPT, ids)
            cards, vectors = await pipe.execute()
        return {key: meaning_of(key, card, vector) for key, card, vector in zip(ids, cards, vectors, strict=True)}


def _by_time(meaning: Meaning) -> Position:
    return meaning.position


def _changed_lists(window: Window, left: Collection[ArticleId], entering: Sequence[Meaning]) -> dict[ArticleId, bytes]:
    """Change a window; the lists that its call must store."""
    return window.neighbours(window.change(left, entering))
