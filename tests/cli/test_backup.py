"""A newsroom is backed up and restored into a fresh cluster: every answer is the same, and work goes on there."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from news_shared.article_ids import article_id
from news_shared.clock import rfc3339
from news_shared.errors import LogMismatchError, TransientError
from news_shared.producer import open_producer
from news_shared.projection.log import PartitionLog
from news_shared.topics import ARTICLES, CURATION, DEAD_LETTERS, check_topics, create_topics, used_topics
from newsfeed.backup import take_backup
from newsfeed.backup_file import BackupReader
from newsfeed.restore import restore_backup
from tests.end_to_end.journeys import BROWSER
from tests.testbed.answers import BY_HOUR, without_time
from tests.testbed.backends import PARTITIONS, Backend, Fresh
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles, running_roles
from tests.testbed.waiting import until

pytestmark = pytest.mark.timeout(600)  # eight processes are started twice

ROLES = (
    "ingest-api",
    "ingest-publisher",
    "views-api",
    "views-projector",
    "related-api",
    "related-linker",
    "feed-api",
    "feed-projector",
)
KEY = {"Authorization": "Bearer dev"}
NOW = datetime.now(UTC).replace(microsecond=0)
ID = {guid: article_id("herald", guid) for guid in ("a", "b", "c", "d", "held", "soon", "undecided", "late", "new")}


def item(guid: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": guid,
        "url": f"https://herald.example/{guid}",
        "title": f"Title of {guid}",
        "content_html": f"<p>Body of {guid}.</p>",
        "language": "en",
        "tags": ["Port Morrow"],
        "date_published": rfc3339(NOW - timedelta(hours=1)),
        **fields,
    }


class Site:
    """All services on one backend."""

    def __init__(self, processes: dict[str, RoleProcess], http: httpx.AsyncClient) -> None:
        self.processes = processes
        self._http = http

    async def post(self, *items: dict[str, Any], wait: bool = True) -> list[Any]:
        headers = KEY | ({"Prefer": "wait=20"} if wait else {})
        url = f"{self.processes['ingest-api'].url}/v1/articles?source=herald"
        answer = await self._http.post(url, json={"items": list(items)}, headers=headers)
        assert answer.status_code == (200 if wait else 202), answer.text
        return [taken.get("outcome") for taken in answer.json()["items"]]

    async def command(self, method: str, path: str, **content: Any) -> None:
        service = "related-api" if "/curation/" in path else "ingest-api"
        headers = KEY | {"Prefer": "wait=20"}
        answer = await self._http.request(
            method, f"{self.processes[service].url}{path}", headers=headers, json=content or None
        )
        assert answer.is_success, answer.text

    async def get(self, service: str, path: str) -> tuple[int, Any]:
        answer = await self._http.get(f"{self.processes[f'{service}-api'].url}{path}", headers=KEY)
        content = answer.json()
        return answer.status_code, without_time(content)

    async def read(self, guid: str, reader: int) -> None:
        headers = {"User-Agent": BROWSER, "X-Forwarded-For": f"192.0.2.{reader}"}
        url = f"{self.processes['views-api'].url}/v1/views"
        answer = await self._http.post(url, json={"article": ID[guid]}, headers=headers)
        assert answer.status_code == 202, answer.text

    async def views(self, guid: str) -> object:
        return (await self.get("views", f"/v1/articles/{ID[guid]}/views"))[1].get("views")

    async def views_become(self, guid: str, number: int) -> None:
        async def are() -> bool:
            return await self.views(guid) == number

        await until(are, f"{number} views of {guid}, not {await self.views(guid)}")

    async def answers(self) -> dict[str, tuple[int, Any]]:
        """Everything that may be asked for."""
        asked = [
            ("feed", "/v1/articles?limit=100"),
            ("feed", "/v1/articles?theme=port-morrow&language=en"),
            ("views", "/v1/views?" + "&".join(f"article={one}" for one in ID.values())),
            ("views", "/v1/most-read?window=24h"),
            ("related", "/v1/themes"),
            ("ingest", "/v1/sources"),
            *(("feed", f"/v1/articles/{one}") for one in ID.values()),
            *(("views", f"/v1/articles/{one}/views") for one in ID.values()),
            *(("views", f"/v1/articles/{one}/views/series?{BY_HOUR}") for one in ID.values()),
            *(("related", f"/v1/articles/{one}/related") for one in ID.values()),
            *(("related", f"/v1/articles/{one}/links") for one in ID.values()),
            *(("related", f"/v1/articles/{one}/curation") for one in ID.values()),
            *(("ingest", f"/v1/articles/{one}/outcome") for one in ID.values()),
        ]
        return {f"{service} {path}": await self.get(service, path) for service, path in asked}


@asynccontextmanager
async def running_site(backend: Backend, folder: Path) -> AsyncIterator[Site]:
    folder.mkdir()
    with running_roles(backend, folder, warm=True) as roles:
        processes = _launched(roles)
        for process in processes.values():
            await process.ready()
        async with plain_client(timeout=30) as http:
            yield Site(processes, http)


def _launched(roles: Roles) -> dict[str, RoleProcess]:
    processes = {name: roles.make(name, NEWS_RELATED_EMBEDDING="off", NEWS_VIEWS_FLUSH="PT2S") for name in ROLES}
    for process in processes.values():
        process.launch()
    return processes


async def a_day_in_the_newsroom(site: Site) -> None:
    await site.post(item("a"), item("b", content_html='<p>See <a href="https://herald.example/a">a</a>.</p>'))
    await site.post(item("c"), item("d"))
    for reader in (1, 2, 3):
        await site.read("a", reader)
    await site.read("b", 1)
    await site.views_become("a", 3)
    await site.post(item("a", title="Title of a, corrected", date_modified=rfc3339(NOW - timedelta(minutes=30))))
    await site.command("DELETE", f"/v1/articles/{ID['c']}?reason=libel")
    await site.command("PUT", f"/v1/articles/{ID['a']}/curation/{ID['d']}", kind="pin")
    embargo = {"embargoed_until": rfc3339(NOW + timedelta(hours=3)), "date_modified": rfc3339(NOW)}
    assert await site.post(item("held", **embargo), item("d", title="Not yet", **embargo)) == ["held", "held"]
    await site.views_become("b", 1)


@pytest.mark.slow
async def test_a_restored_newsroom_answers_alike_and_goes_on(fresh_backends: Fresh, tmp_path: Path) -> None:
    file, settings = tmp_path / "newsroom.backup", fresh_backends()
    async with running_site(settings, tmp_path / "before") as site:
        await a_day_in_the_newsroom(site)
        # What is accepted and not yet decided, not yet counted, and of an article that nobody has announced yet:
        site.processes["ingest-publisher"].freeze()
        site.processes["views-projector"].freeze()
        await site.post(item("undecided"), wait=False)
        await site.read("a", 4)
        await site.read("late", 1)
        saved = await take_backup(settings.kafka_settings, PARTITIONS, file, lambda done, total: None)
        assert saved[ARTICLES] >= 6
    fresh = fresh_backends()
    place = (fresh.kafka_settings, fresh.redis_settings, PARTITIONS, BackupReader(file), lambda done, total: None)
    await restore_backup(*place)
    with pytest.raises(LogMismatchError, match="fresh cluster"):
        await restore_backup(*place)
    async with running_site(fresh, tmp_path / "after") as site:
        await site.views_become("a", 4)
        await until(lambda: published(site, "undecided"), "what was accepted to be decided")

        assert await site.post(item("late"), item("new")) == ["published", "published"]
        await site.views_become("late", 1)
        await site.read("a", 5)
        await site.read("new", 1)
        await site.views_become("a", 5)
        await site.views_become("new", 1)
        assert await site.post(item("a")) == ["stale"]
        again = item("a", title="Once more", date_modified=rfc3339(NOW - timedelta(minutes=10)))
        assert await site.post(again) == ["updated"]
        assert await site.post(again) == ["unchanged"]
        assert await site.post(item("c")) == ["withdrawn"]
        await site.command("POST", f"/v1/articles/{ID['c']}/restore")
        await until(lambda: published(site, "c"), "the withdrawn article to be back")
        lifted = {"date_modified": rfc3339(NOW + timedelta(seconds=1))}
        assert await site.post(item("held", **lifted)) == ["published"]
        assert (await site.get("feed", f"/v1/articles/{ID['d']}"))[1]["title"] == "Title of d"
        assert await site.views("b") == 1


async def test_every_answer_is_the_same(fresh_backends: Fresh, tmp_path: Path) -> None:
    file, backend = tmp_path / "newsroom.backup", fresh_backends()
    async with running_site(backend, tmp_path / "before") as site:
        await a_day_in_the_newsroom(site)
        before = await settled(site)
        await take_backup(backend.kafka_settings, PARTITIONS, file, lambda done, total: None)
    backend = fresh_backends()
    await restore_backup(
        backend.kafka_settings, backend.redis_settings, PARTITIONS, BackupReader(file), lambda done, total: None
    )
    async with running_site(backend, tmp_path / "after") as site:
        after = await settled(site)
        assert {asked: (said, before[asked]) for asked, said in after.items() if said != before[asked]} == {}
        with pytest.raises(LogMismatchError, match="services have run here"):
            await restore_backup(
                backend.kafka_settings, backend.redis_settings, PARTITIONS, BackupReader(file), lambda done, total: None
            )


async def settled(site: Site) -> dict[str, tuple[int, Any]]:
    """The answers once two in a row are equal and none is 503."""
    found: dict[str, tuple[int, Any]] = {}

    async def are_settled() -> bool:
        nonlocal found
        before, found = found, await site.answers()
        return before == found and all(status != 503 for status, _ in found.values())

    await until(are_settled, "answers that stay", seconds=60)
    return found


async def published(site: Site, guid: str) -> bool:
    return (await site.get("feed", f"/v1/articles/{ID[guid]}"))[0] == 200


async def test_no_service_starts_on_half_a_restored_cluster(
    fresh_backends: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = await an_interrupted_restore(fresh_backends, tmp_path, monkeypatch, at="_check_written")
    kafka = restore.args[0]
    with pytest.raises(LogMismatchError, match=rf"{CURATION}.*begin again"):
        await restore()
    with pytest.raises(LogMismatchError, match="a restore was interrupted"):
        await create_topics(kafka, PARTITIONS)
    with pytest.raises(LogMismatchError, match=f"missing: {DEAD_LETTERS}"):
        await check_topics(kafka, PARTITIONS)


async def test_a_cluster_that_nothing_was_written_to_may_be_restored_again(
    fresh_backends: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = await an_interrupted_restore(fresh_backends, tmp_path, monkeypatch, at="_write")
    kafka = restore.args[0]
    await restore()
    await check_topics(kafka, PARTITIONS)
    assert await used_topics(kafka) == [CURATION]


async def an_interrupted_restore(
    fresh_backends: Fresh, folder: Path, monkeypatch: pytest.MonkeyPatch, *, at: str
) -> partial[Coroutine[Any, Any, None]]:
    """A restore that died at this step, to be begun once more."""
    file = await a_backup_with_records(fresh_backends(), folder)
    backend = fresh_backends()
    restore = partial(
        restore_backup,
        backend.kafka_settings,
        backend.redis_settings,
        PARTITIONS,
        BackupReader(file),
        lambda done, total: None,
    )
    with monkeypatch.context() as patch:
        patch.setattr(f"newsfeed.restore.{at}", _interrupted)
        with pytest.raises(TransientError):
            await restore()
    return restore


async def a_backup_with_records(backend: Backend, folder: Path) -> Path:
    async with open_producer(backend.kafka_settings) as producer:
        for partition in range(3):
            await producer.send(CURATION, partition=partition, key=b"one|other", value=b"{}")
    file = folder / "few.backup"
    await take_backup(backend.kafka_settings, PARTITIONS, file, lambda done, total: None)
    return file


async def _interrupted(*_: object) -> None:
    raise TransientError("interrupted")


async def test_another_number_of_partitions_is_refused(fresh_backends: Fresh, tmp_path: Path) -> None:
    file, backend = tmp_path / "empty.backup", fresh_backends()
    await take_backup(backend.kafka_settings, PARTITIONS, file, lambda done, total: None)
    with pytest.raises(LogMismatchError, match="NEWS_PARTITIONS is 6"):
        await restore_backup(
            backend.kafka_settings, backend.redis_settings, 6, BackupReader(file), lambda done, total: None
        )
    assert (await PartitionLog(backend.kafka_settings, ARTICLES, 0).bounds()).end == 0
