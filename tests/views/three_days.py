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

_DAY_MS = 86_400_000
_AROUND_A_CHANGE_MS = 31 * 60_000
_BATCH = 50
_REMEMBERED = 50_000
_HASHES = 0x9E37_79B9_7F4A_7C15


@dataclass
class ThreeDays:
    """Readers by Zipf's law, who come back within the session and after it; bots, opt-outs, late and lost articles."""

    now_ms: int
    beacons: int
    articles: int = 20_000
    readers: int = 200_000
    seed: int = 5
    repeats: int = 0
    markers: int = 0
    _waiting: dict[int, list[Beacon]] = field(default_factory=lambda: defaultdict(list))
    _revisions: dict[ArticleId, int] = field(default_factory=lambda: defaultdict(int))

    def records(self) -> Iterator[Outgoing]:
        """All records in the order of their time."""
        random = Random(self.seed)
        ids = [article_id("herald", f"three-days-{n}") for n in range(self.articles)]
        weights = list(accumulate(1 / (n + 1) for n in range(self.articles)))
        late = deque(ids[::10])  # half of them are announced after half of the time, the others never
        yield from (self._marker(article, "known") for n, article in enumerate(ids) if n % 10)
        recent: list[tuple[ArticleId, int]] = []
        span = 3 * _DAY_MS
        for n in range(self.beacons):
            time_ms = self.now_ms - span + n * span // self.beacons
            if late and n >= self.beacons // 2 and n % 1000 == 0:
                yield from self._after_what_waits(self._marker(late.popleft(), "known"))
            elif n % 4001 == 0:
                article = random.choice(ids)
                if self._revisions[article]:
                    yield from self._after_what_waits(self._marker(article, random.choice(("withdrawn", "known"))))
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
            yield self._batch(partition)

    def _beacon(self, article: ArticleId, reader: int, time_ms: int, random: Random) -> Iterator[Outgoing]:
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
        self._waiting[partition].append(Beacon(article, own, former, time_ms, flags))
        if len(self._waiting[partition]) >= _BATCH:
            yield self._batch(partition)

    def _after_what_waits(self, marker: Outgoing) -> Iterator[Outgoing]:
        if marker.partition in self._waiting:
            yield self._batch(marker.partition)
        yield marker

    def _batch(self, partition: int) -> Outgoing:
        beacons = self._waiting.pop(partition)
        salt = f"day-{beacons[-1].time_ms // _DAY_MS}"
        return Outgoing(VIEWS, partition, None, encode_batch(salt, beacons), BATCH_HEADERS)

    def _marker(self, article: ArticleId, state: str) -> Outgoing:
        self._revisions[article] += 1
        self.markers += 1
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
        return Outgoing(VIEWS, partition_of(article, PARTITIONS), None, encode_marker(marker), MARKER_HEADERS)


def _hash(reader: int, day: int) -> int:
    return (reader * 1_000_003 + day) * _HASHES & 0xFFFF_FFFF_FFFF_FFFF or 1
