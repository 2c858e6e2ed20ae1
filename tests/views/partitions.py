"""What the tests read of a running backend: the raw log, everything in Redis, everything in the changelog."""

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Any

import msgpack
from aiokafka import ConsumerRecord

from news_shared.article_ids import ArticleId, partition_of
from news_shared.errors import TransientError
from news_shared.projection.log import PartitionLog
from news_shared.redis_client import RedisClient
from news_shared.settings import KafkaSettings
from news_shared.topics import VIEWS
from news_views.changelog import PartitionProgress
from news_views.settings import ViewsSettings
from news_views.view_counts import WRITTEN_FIELDS
from tests.testbed.backends import PARTITIONS, Backend
from tests.views.oracle import Oracle, Tally

HALF_LIVES_MS = {"1h": 1_800_000, "24h": 43_200_000, "7d": 302_400_000}
REASONS = ("bot", "prefetch", "repeat", "opted_out", "burst", "unknown")


@lru_cache(100_000)
def partition_of_article(article: str) -> int:
    """The article's partition; remembered, because tests ask again for each list."""
    return partition_of(ArticleId(article), PARTITIONS)


async def raw_log(settings: KafkaSettings, topic: str, partition: int) -> list[ConsumerRecord]:
    log = PartitionLog(settings, topic, partition)
    bounds = await log.bounds()
    return [record async for records in log.read(bounds.begin, bounds.end) for record in records]


async def whole_log(settings: KafkaSettings, topic: str) -> dict[int, list[ConsumerRecord]]:
    partitions = range(PARTITIONS)
    logs = await asyncio.gather(*(raw_log(settings, topic, partition) for partition in partitions))
    return dict(zip(partitions, logs, strict=True))


def read_by_the_oracle(logs: Mapping[int, Sequence[ConsumerRecord]], settings: ViewsSettings) -> dict[int, Oracle]:
    millisecond = timedelta(milliseconds=1)
    return {
        partition: Oracle(
            session_ms=settings.session // millisecond,
            grace_ms=settings.grace // millisecond,
            kept=settings.kept_beacons,
        ).read(records)
        for partition, records in logs.items()
    }


@dataclass
class Fields:
    """Every field of one article, in a shape that both sides can be brought to."""

    state: str | None = None
    revision: int = 0
    language: str = "und"
    themes: tuple[str, ...] = ()
    views: int = 0
    filtered: dict[str, int] = field(default_factory=dict)
    readers: int = 0
    readers_by_day: dict[str, int] = field(default_factory=dict)
    hours: dict[tuple[str, int], int] = field(default_factory=dict)
    filtered_by_day: dict[tuple[str, str], int] = field(default_factory=dict)
    log_scores: dict[str, "Score"] = field(default_factory=dict)
    imports: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # by day and origin
    imported: tuple[int, int] = (0, 0)
    imported_by_day: dict[str, tuple[int, int]] = field(default_factory=dict)


class Score(float):
    """A sum of floats in whatever order: equal within rounding."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and abs(self - other) < 1e-6

    __hash__ = None  # type: ignore[assignment]  # what is about equal cannot be looked up


async def expected_fields(oracles: Mapping[int, Oracle], redis: RedisClient) -> dict[str, Fields]:
    """What the oracle says; the estimate of a set of readers is Redis's own for that set."""
    found = {}
    for oracle in oracles.values():
        for article, tally in oracle.articles.items():
            by_day = {day: readers for day, readers in tally.readers.items() if readers}
            estimates = await _estimates(redis, list(by_day.values()))
            found[article] = _fields(tally, dict(zip(by_day, estimates, strict=True)))
        for article, imports in oracle.imports.items():
            fields = found.setdefault(article, Fields())
            fields.imports = dict(imports)
            fields.imported = _sum(imports.values())
            fields.imported_by_day = {
                day: _sum(said for (of, _), said in imports.items() if of == day) for day, _ in imports
            }
    return found


def _sum(imports: Iterable[tuple[int, int]]) -> tuple[int, int]:
    said = list(imports)
    return sum(views for views, _ in said), sum(readers for _, readers in said)


def _fields(tally: Tally, readers_by_day: dict[str, int]) -> Fields:
    return Fields(
        tally.state,
        tally.revision,
        tally.language,
        tally.themes,
        tally.views,
        dict(tally.filtered),
        sum(readers_by_day.values()),
        readers_by_day,
        dict(tally.hours),
        dict(tally.filtered_by_day),
        {window: Score(tally.log_score(h)) for window, h in HALF_LIVES_MS.items()} if tally.viewed_ms else {},
    )


async def _estimates(redis: RedisClient, sets: Sequence[set[int]]) -> list[int]:
    pipe: Any = redis.pipeline(transaction=False)
    for readers in sets:
        pipe.delete("tests:readers")
        elements = [reader.to_bytes(8, "little") for reader in readers]
        for start in range(0, len(elements), 5000):
            pipe.pfadd("tests:readers", *elements[start : start + 5000])
        # redis-py blocks pfcount() in a cluster's pipeline: it may span slots
        pipe.execute_command("PFCOUNT", "tests:readers")
    answers = await pipe.execute() if sets else []
    pipeline_lengths = [2 + -(-len(readers) // 5000) for readers in sets]
    return [int(answers[end - 1]) for end in accumulate(pipeline_lengths)]


async def stored_fields(redis: RedisClient) -> dict[str, Fields]:
    """All of the live generations in Redis."""
    found: dict[str, Fields] = {}
    for partition in range(PARTITIONS):
        tag = f"{{views-{partition}}}"
        generation = int(await redis.hget(f"{tag}:live", "generation") or 1)
        prefix = f"{tag}:{generation}:"
        keys = [key.decode() async for key in redis.scan_iter(match=f"{prefix}*", count=5000)]
        hashes = [key for key in keys if key.startswith((f"{prefix}a:", f"{prefix}d:"))]
        pipe: Any = redis.pipeline(transaction=False)
        for key in hashes:
            pipe.hgetall(key)
        for key, stored in zip(hashes, await pipe.execute(), strict=True):
            name = key.removeprefix(prefix)[2:]
            article, bar, day = name.partition("|")
            assert partition_of_article(article) == partition
            values = {field_name.decode(): value.decode() for field_name, value in stored.items()}
            fields = found.setdefault(article, Fields())
            _add_day(fields, day, values) if bar else _add_article(fields, values)
        await _assert_queries_read_the_same(redis, prefix, set(keys), found)
    return found


async def _assert_queries_read_the_same(
    redis: RedisClient, prefix: str, keys: Collection[str], found: Mapping[str, Fields]
) -> None:
    """What is packed for queries says what the hashes of the partition's articles and days say."""
    own = {article: of for article, of in found.items() if f"{prefix}a:{article}" in keys and of.state is not None}
    packed: Any = await redis.hgetall(f"{prefix}totals")
    assert {article.decode(): msgpack.unpackb(stored) for article, stored in packed.items()} == {
        article: [of.state, of.views, of.readers, *of.imported, *(of.filtered.get(reason, 0) for reason in REASONS)]
        for article, of in own.items()
    }
    by_day: dict[str, dict[str, int]] = {}
    for key in keys:
        if key.startswith(f"{prefix}readers:"):
            stored: Any = await redis.hgetall(key)
            readers = {article.decode(): int(number) for article, number in stored.items() if int(number)}
            by_day[key.removeprefix(f"{prefix}readers:")] = readers
    expected: dict[str, dict[str, int]] = {day: {} for day in by_day}
    for article, of in found.items():
        if f"{prefix}a:{article}" in keys:
            for day in of.readers_by_day.keys() | of.imported_by_day.keys():
                readers_of_day = of.readers_by_day.get(day, 0) + of.imported_by_day.get(day, (0, 0))[1]
                if readers_of_day:
                    expected.setdefault(day, {})[article] = readers_of_day
    assert by_day == expected


def _add_article(fields: Fields, values: Mapping[str, str]) -> None:
    transitions = json.loads(values.get("transitions", "[]"))
    fields.state = transitions[-1][1] if transitions else None
    fields.revision = int(values.get("revision", 0))
    fields.language = values.get("language", "und")
    fields.themes = tuple(json.loads(values.get("themes", "[]")))
    fields.log_scores = {
        name.removeprefix("log:"): Score(value) for name, value in values.items() if name.startswith("log:")
    }
    fields.views = int(values.get("views", 0))
    fields.readers = int(values.get("readers", 0))
    fields.imported = _imported(values)
    fields.filtered = {reason: int(values[reason]) for reason in REASONS if int(values.get(reason, 0))}


def _add_day(fields: Fields, day: str, values: Mapping[str, str]) -> None:
    if int(values.get("readers", 0)):
        fields.readers_by_day[day] = int(values["readers"])
    if "imported" in values:
        fields.imported_by_day[day] = _imported(values)
    for name, value in values.items():
        if name.startswith("import:"):
            views, readers = map(int, value.split())
            fields.imports[day, name.removeprefix("import:")] = views, readers
        elif name.isdigit() and int(value):
            fields.hours[day, int(name)] = int(value)
        elif name in REASONS and int(value):
            fields.filtered_by_day[day, name] = int(value)


def _imported(values: Mapping[str, str]) -> tuple[int, int]:
    return int(values.get("imported", 0)), int(values.get("imported_readers", 0))


async def ranked(redis: RedisClient) -> dict[tuple[str, str], list[str]]:
    """The articles of every list, by window and scope, best first; of all partitions, one after the other."""
    found: dict[tuple[str, str], list[str]] = {}
    for partition in range(PARTITIONS):
        tag = f"{{views-{partition}}}"
        prefix = f"{tag}:{int(await redis.hget(f'{tag}:live', 'generation') or 1)}:t:"
        async for key in redis.scan_iter(match=f"{prefix}*", count=5000):
            window, _, scope = key.decode().removeprefix(prefix).partition("|")
            articles: Any = await redis.zrange(key, 0, -1)
            found.setdefault((window, scope), []).extend(article.decode() for article in articles)
    return found


def expected_ranks(fields: Mapping[str, Fields]) -> dict[tuple[str, str], list[str]]:
    """The lists that these articles make."""
    found: dict[tuple[str, str], list[str]] = {}

    def place(article: str) -> tuple[int, str]:
        return partition_of_article(article), article

    for article in sorted(fields, key=place):
        of = fields[article]
        if of.state != "known":
            continue
        language = of.language.lower()
        scopes = {"all", f"l={language}", f"l={language.partition('-')[0]}"}
        scopes |= {f"t={theme.replace(' ', '-')}" for theme in of.themes}
        for window in of.log_scores:
            for scope in scopes:
                found.setdefault((window, scope), []).append(article)
    for (window, _), articles in found.items():
        articles.sort(key=lambda article: (place(article)[0], -fields[article].log_scores[window], article))
    return found


async def written_progress(redis: RedisClient) -> dict[int, PartitionProgress]:
    """How complete the changelog of each partition is, as Redis was told when that was so."""
    found = {}
    for partition in range(PARTITIONS):
        tag = f"{{views-{partition}}}"
        generation = int(await redis.hget(f"{tag}:live", "generation") or 1)
        stored = await redis.hmget(f"{tag}:{generation}:partition", list(WRITTEN_FIELDS))
        next_offset, clock_ms, log_ms = (int(value or 0) for value in stored)
        found[partition] = PartitionProgress(
            partition=partition, next_offset=next_offset, clock_ms=clock_ms, log_ms=log_ms
        )
    return found


async def applied_offsets(redis: RedisClient) -> dict[int, int]:
    """The next offset of each partition of the views projection."""
    found = {}
    for partition in range(PARTITIONS):
        tag = f"{{views-{partition}}}"
        generation = int(await redis.hget(f"{tag}:live", "generation") or 1)
        found[partition] = int(await redis.hget(f"{tag}:{generation}:state:{VIEWS}:{partition}", "next") or -1)
    return found


async def is_applied(backend: Backend, redis: RedisClient) -> bool:
    """Whether everything is counted; rankings and numbers of readers may be a second behind."""
    ends = await asyncio.gather(
        *(PartitionLog(backend.kafka_settings, VIEWS, partition).bounds() for partition in range(PARTITIONS))
    )
    offsets = await applied_offsets(redis)
    return all(offsets[partition] >= bounds.end for partition, bounds in enumerate(ends))


async def is_caught_up(backend: Backend, redis: RedisClient) -> bool:
    """Whether everything is counted and settled; not known, so not yet, while a server is too busy to say."""
    try:
        return await is_applied(backend, redis) and not await unsettled(redis)
    except TransientError:
        return False


async def unsettled(redis: RedisClient) -> list[bytes]:
    """Keys of the changelog whose readers or rank may be out of date."""
    found: list[bytes] = []
    for partition in range(PARTITIONS):
        tag = f"{{views-{partition}}}"
        prefix = f"{tag}:{int(await redis.hget(f'{tag}:live', 'generation') or 1)}:"
        settled = int(await redis.hget(f"{prefix}partition", "settled") or 0)
        found += await redis.zrangebyscore(f"{prefix}dirty", settled, "+inf")  # type: ignore[arg-type]
    return found
