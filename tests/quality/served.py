"""The service's answers about a gold set: posted through ingest, embedded, linked, and read back over HTTP."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from news_shared.article_ids import article_id
from tests.quality.gold import GoldSet
from tests.testbed.role import RoleProcess, Roles
from tests.testbed.waiting import until

RAW = 50
_CONNECTIONS = 8
_IDLE = 2.0  # seconds: the service closes after 5, and a slow machine may ask in the very moment
_HOURS = 6.0
_MEANT = ("translation", "same_story")


@dataclass
class Answers:
    """What the service said, all by the set's own ids.

    Attributes:
        rankings: the raw ranking of each article.
        shown: of each article's default list what is shown as a translation or as the same story, with the kind.
        threads: name of each article's story.
    """

    rankings: dict[str, list[str]] = field(default_factory=dict)
    shown: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    threads: dict[str, str] = field(default_factory=dict)


async def answers(roles: Roles, gold: GoldSet) -> Answers:
    """Post a set to services that have nothing yet, wait until all of it is linked, and read what they say."""
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    ingest = await roles.start("ingest-api")
    await roles.start("ingest-publisher")
    linker = await roles.start("related-linker")
    embedder = await roles.start("related-embedder")
    api = await roles.start("related-api")
    source = f"gold-{gold.name.replace('_', '-')}"
    await asyncio.to_thread(_post, gold.as_native(), source, ingest.url)
    with Progress(*bars, TimeRemainingColumn()) as progress:
        limits = httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_IDLE)
        async with httpx.AsyncClient(timeout=60, trust_env=False, limits=limits) as client:
            embedding = progress.add_task(f"{gold.name}: embedded", total=len(gold.articles))

            async def is_embedded() -> bool:
                done = await _texts_done(client, embedder)
                progress.update(embedding, completed=done)
                return done >= len(gold.articles)

            await until(is_embedded, "every article to be embedded", seconds=_HOURS * 3600)
            reader = _Reader(client, api.url, source, gold, progress)
            await until(reader.is_linked, "every article to be linked", seconds=600)
            await linker.ready()
            return await reader.read()


class _Reader:
    def __init__(self, client: httpx.AsyncClient, url: str, source: str, gold: GoldSet, progress: Progress) -> None:
        self._client = client
        self._url = url
        self._gold = gold
        self._progress = progress
        self._ours: dict[str, str] = {article_id(source, article.id): article.id for article in gold.articles}
        self._unlinked = list(self._ours)

    async def is_linked(self) -> bool:
        """Whether every article has a full raw list: then no list can change any more."""
        full = min(RAW, len(self._ours) - 1)
        while self._unlinked:
            some = self._unlinked[-_CONNECTIONS:]
            lists = await asyncio.gather(*(self._raw(key) for key in some))
            if any(len(found) < full for found in lists):
                return False
            del self._unlinked[-len(some) :]
        return True

    async def read(self) -> Answers:
        read = Answers()
        task = self._progress.add_task(f"{self._gold.name}: lists read", total=len(self._ours))
        keys = list(self._ours)

        async def work(some: Sequence[str]) -> None:
            for key in some:
                ours = self._ours[key]
                read.rankings[ours] = [self._ours[other] for other in await self._raw(key)]
                cards = (await self._get(f"/v1/articles/{key}/related")).get("items", [])
                read.shown[ours] = [
                    (self._ours[card["article"]], card["reason"]["kind"])
                    for card in cards
                    if card["reason"]["kind"] in _MEANT
                ]
                read.threads[ours] = (await self._get(f"/v1/articles/{key}/story"))["id"]
                self._progress.advance(task)

        await asyncio.gather(*(work(keys[n::_CONNECTIONS]) for n in range(_CONNECTIONS)))
        return read

    async def _raw(self, key: str) -> list[str]:
        found = await self._get(f"/v1/articles/{key}/related", kind="similar", raw=1, limit=RAW)
        return [card["article"] for card in found.get("items", [])]

    async def _get(self, path: str, **parameters: Any) -> dict[str, Any]:
        answer = await self._client.get(f"{self._url}{path}", params=parameters)
        if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.SERVICE_UNAVAILABLE}:
            return {}  # not yet
        return dict(answer.raise_for_status().json())


async def _texts_done(client: httpx.AsyncClient, embedder: RoleProcess) -> int:
    families = text_string_to_metric_families((await client.get(f"{embedder.url}/metrics")).text)
    samples = (sample for family in families if family.name == "news_related_texts" for sample in family.samples)
    return round(sum(s.value for s in samples if s.name.endswith("_total") and s.labels["done"] != "withdrawn"))


def _post(file: Path, source: str, ingest: str) -> None:
    command = [sys.executable, "-m", "newsfeed", "post", str(file), "--source", source, "--ingest", ingest, "--restart"]
    subprocess.run(command, check=True)
