"""Three days of a busy newsroom that end now, as its views API would have written them, over changes of salts."""

from bisect import bisect
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from news_shared.article_ids import ArticleId, article_id, partition_of
from news_shared.producer import Outgoing
from news_shared.topics import VIEWS
from news_views.view_log import BATCH_HEADERS, MARKER_HEADERS, Beacon, Flag, Marker, encode_batch, encode_marker
from tests.testbed.backends import PARTITIONS
from tests.views.dated_log import Dated

_DAY_MS = 86_400_000
_AROUND_A_CHANGE_MS = 31 * 60_000
_BATCH_SIZES = (1, 5, 20, 50)
_LONGEST_BATCH_MS = 60_000  # far more than the milliseconds of a real one; columns hold 65 s
_REMEMBERED = 50_000
_HASHES = 0x9E37_79B9_7F4A_7C15


@dataclass
class ThreeDays:
    """Readers by Zipf's law, who come back within the session and after it; bots, opt-outs, late and lost articles.

    What it tells of itself is complete once `records` has come to its end.
    """

    now_ms: int
    beacons: int
    articles: int = 20_000
    readers: int = 200_000
    seed: int = 5
    repeats: int = 0
    announced: int = 0
    announced_late: int = 0
    withdrawn: int = 0
    restored: int = 0
    from_a_server: int = 0
    salts: set[str] = field(default_factory=set)
    _waiting: dict[int, list[Beacon]] = field(default_factory=lambda: defaultdict(list))
    _full_at: dict[int, int] = field(default_factory=lambda: defaultdict(lambda: 1))
    _revisions: dict[ArticleId, int] = field(default_factory=lambda: defaultdict(int))
    _withdrawn: set[ArticleId] = field(default_factory=set)

    def records(self) -> Iterator[Dated]:
        """All records in the order of their time."""
        random = Random(self.seed)
        ids = [article_id("herald", f"three-days-{n}") for n in range(self.articles)]
        weights = list(accumulate(1 / (n + 1) for n in range(self.articles)))
        late = deque(ids[::10])  # half of them are announced after half of the time, the others never
        span = 3 * _DAY_MS
        begin_ms = self.now_ms - span
        yield from (self._marker(article, "known", begin_ms) for n, article in enumerate(ids) if n % 10)
        changed_every = max(1, self.beacons // 500)
        late_every = max(1, self.beacons // self.articles * 10)
        recent: list[tuple[ArticleId, int]] = []
        for n in range(self.beacons):
            time_ms = begin_ms + n * span // self.beacons
            if late and n >= self.beacons // 2 and n % late_every == 0:
                self.announced_late += 1
                yield from self._after_what_waits(late.popleft(), "known", time_ms, random)
            if n % changed_every == 1:
                article = ids[bisect(weights, random.random() * weights[-1])]
                if self._revisions[article]:
                    yield from self._changed(article, time_ms, random)
            if recent and random.random() < 0.3:
                back = int(min(len(recent), _REMEMBERED) * random.random() ** 2)  # within the session, or hours ago
                article, reader = recent[-1 - back]
                self.repeats += 1
            else:
                article = ids[bisect(weights, random.random() * weights[-1])]
                reader = random.randrange(1, self.readers + 1)
            recent.append((article, reader))
            if len(recent) > 2 * _REMEMBERED:
                del recent[:_REMEMBERED]
            yield from self._beacon(article, reader, time_ms, random)
        for partition in list(self._waiting):
            yield self._batch(partition, self.now_ms, random)

    def _changed(self, article: ArticleId, time_ms: int, random: Random) -> Iterator[Dated]:
        if article in self._withdrawn:
            self._withdrawn.discard(article)
            self.restored += 1
            yield from self._after_what_waits(article, "known", time_ms, random)
        elif random.random() < 0.2:
            yield from self._after_what_waits(article, "known", time_ms, random)  # an update
        else:
            self._withdrawn.add(article)
            self.withdrawn += 1
            yield from self._after_what_waits(article, "withdrawn", time_ms, random)

    def _beacon(self, article: ArticleId, reader: int, time_ms: int, random: Random) -> Iterator[Dated]:
        chance = random.random()
        flags = Flag.BOT if chance < 0.05 else Flag.PREFETCH if chance < 0.07 else Flag.BURST if chance < 0.075 else 0
        own = former = 0
        if chance > 0.97:
            flags = Flag.OPTED_OUT
        else:
            day, since_midnight = divmod(time_ms, _DAY_MS)
            own = _hash(reader, day)
            if since_midnight < _AROUND_A_CHANGE_MS:
                former = _hash(reader, day - 1)
                if since_midnight < 2000 and reader % 2:
                    own, former = former, 0  # from a process whose clock is behind
        partition = partition_of(article, PARTITIONS)
        if random.random() < 0.01:  # collected by a server, which sends it later
            self.from_a_server += 1
            beacon = Beacon(article, own, former, time_ms - random.randrange(9 * 60_000), flags)
            yield self._record(partition, [beacon], time_ms)
            return
        waiting = self._waiting[partition]
        if waiting and time_ms - waiting[0].time_ms > _LONGEST_BATCH_MS:
            yield self._batch(partition, time_ms, random)
        self._waiting[partition].append(Beacon(article, own, former, time_ms, flags))
        if len(self._waiting[partition]) >= self._full_at[partition]:
            yield self._batch(partition, time_ms, random)

    def _after_what_waits(self, article: ArticleId, state: str, time_ms: int, random: Random) -> Iterator[Dated]:
        partition = partition_of(article, PARTITIONS)
        if partition in self._waiting:
            yield self._batch(partition, time_ms, random)
        yield self._marker(article, state, time_ms)

    def _batch(self, partition: int, time_ms: int, random: Random) -> Dated:
        self._full_at[partition] = random.choice(_BATCH_SIZES)
        beacons = self._waiting.pop(partition)
        if random.random() < 0.01:  # from a process whose clock is ahead of the broker's
            beacons = [beacon._replace(time_ms=beacon.time_ms + 3000) for beacon in beacons]
        return self._record(partition, beacons, time_ms)

    def _record(self, partition: int, beacons: list[Beacon], time_ms: int) -> Dated:
        salt = f"day-{beacons[-1].time_ms // _DAY_MS}"
        self.salts.add(salt)
        return Dated(Outgoing(VIEWS, partition, None, encode_batch(salt, beacons), BATCH_HEADERS), time_ms)

    def _marker(self, article: ArticleId, state: str, time_ms: int) -> Dated:
        self._revisions[article] += 1
        self.announced += self._revisions[article] == 1
        number = int(article[:4], 16)
        marker = Marker.model_validate(
            {
                "id": article,
                "revision": self._revisions[article],
                "state": state,
                "language": ("en", "uk")[number % 2],
                "themes": [f"theme {number % 50}"],
            }
        )
        record = Outgoing(VIEWS, partition_of(article, PARTITIONS), None, encode_marker(marker), MARKER_HEADERS)
        return Dated(record, time_ms)


def _hash(reader: int, day: int) -> int:
    return (reader * 1_000_003 + day) * _HASHES & 0xFFFF_FFFF_FFFF_FFFF or 1
