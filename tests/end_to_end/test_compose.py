"""The whole path on docker compose: real Kafka with a volume, Redis with AOF, a container a role; and what its operator
types, as docs/operations.md has it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import ViewportSize

from news_shared.article_ids import article_id
from newsfeed.roles import ROLES
from tests.browser.chromium import DESKTOP, PHONE, chromium, reading
from tests.end_to_end.journeys import Addresses, Newsroom, an_article_is_posted_and_seen, whole_path
from tests.testbed.answers import BY_HOUR, without_time
from tests.testbed.plain_http import plain_client
from tests.testbed.ports import reserved_port
from tests.testbed.waiting import until

ROOT = Path(__file__).parents[2]
_PATIENCE = 300
"""Seconds for eleven containers that start on a busy machine: longer than a healthcheck has."""
pytestmark = [pytest.mark.compose, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Stack:
    """The running stack."""

    environment: Mapping[str, str]
    addresses: Addresses

    def compose(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """``docker compose``; what it prints is kept."""
        done = subprocess.run(
            ["docker", "compose", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0 or not check, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def up(self) -> None:
        """Build and start it, and wait for it."""
        started = self.compose("up", "--build", "--wait", "--wait-timeout", "600", check=False)
        if started.returncode != 0:
            doctor = self.newsfeed("doctor", "--compose", check=False).stdout
            seen = [self.compose(*words, check=False).stdout for words in (("ps", "--all"), ("logs", "--tail", "40"))]
            pytest.fail("\n".join(["docker compose up failed", started.stderr, doctor, *seen]))

    def newsfeed(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """A command of ours in a container of the stack."""
        return self.compose("run", "--rm", "--no-deps", "topics", *arguments, check=check)

    def doctor(self) -> tuple[int, dict[str, dict[str, str]]]:
        """Its exit code, and what it finds by part."""
        done = self.newsfeed("doctor", "--compose", "--json", check=False)
        return done.returncode, {one["part"]: one for one in json.loads(done.stdout)["findings"]}


def engine_answers() -> bool:
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def engine() -> None:
    """A container engine: the one that is there, else the one that $CONTAINER_ENGINE starts."""
    if engine_answers():
        return
    starter = os.environ.get("CONTAINER_ENGINE")
    if not starter:
        pytest.fail("no container engine answers, and CONTAINER_ENGINE names none to start")
    subprocess.run([starter, "up"], check=True)
    assert engine_answers()


@pytest.fixture(scope="module")
def stack(engine: None) -> Iterator[Stack]:
    ports = {name: reserved_port() for name in ("WEB", "INGEST", "VIEWS", "RELATED", "FEED")}
    environment = {
        **os.environ,
        "COMPOSE_PROJECT_NAME": "newsfeed-test",
        "NEWS_ADMIN_KEY": "compose-test",
        "NEWS_ENV": "production",  # as an operator would run it
        **{f"{name}_PORT": str(port) for name, port in ports.items()},
    }
    web, ingest = (f"http://127.0.0.1:{ports[name]}" for name in ("WEB", "INGEST"))
    running = Stack(environment, Addresses(web, ingest, admin_key="compose-test"))
    try:
        running.up()
        yield running
    finally:
        running.compose("down", "--volumes", "--timeout", "10", check=False)


async def test_the_whole_path_on_compose(stack: Stack) -> None:
    await whole_path(stack.addresses)


async def test_the_doctor_finds_a_whole_stack_well_and_names_what_is_stopped(stack: Stack) -> None:
    code, found = 1, dict[str, dict[str, str]]()

    def is_well() -> bool:
        nonlocal code, found
        code, found = stack.doctor()
        return code == 0

    await until(is_well, "the stack to be well", seconds=_PATIENCE)
    assert {one["state"] for one in found.values()} == {"well"}
    assert {role.name for role in ROLES} | {"Kafka", "answers of feed", "news.views-projector"} <= found.keys()

    stack.compose("kill", "feed-projector")

    def is_the_only_one_away() -> bool:
        nonlocal code, found
        code, found = stack.doctor()
        return [role.name for role in ROLES if found[role.name]["state"] != "well"] == ["feed-projector"]

    await until(is_the_only_one_away, "the doctor to miss what was stopped", seconds=_PATIENCE)
    assert code == 1
    start = found["feed-projector"]["do"].partition("Start it: docker compose ")[2]
    stack.compose(*start.split())
    await until(is_well, "the stack to be well again", seconds=_PATIENCE)


async def test_a_backup_is_restored_and_every_answer_is_the_same(stack: Stack, tmp_path: Path) -> None:
    files = ("run", "--rm", "--no-deps", "--user", str(os.getuid()), "-v", f"{tmp_path}:/files", "topics")
    # To the doctor a thousand records behind are well; what is told of a story changes until there are none.
    # Twice: what one has written a moment ago another may not have seen yet.
    for _ in range(2):
        await until(lambda: _nothing_is_behind(stack), "projections to be at the end of their logs", seconds=_PATIENCE)
    before = await answers(stack.addresses)
    assert len(before) > 15
    assert {status for status, _ in before.values()} <= {200, 404, 410}
    stack.compose(*files, "backup", "/files")
    [file] = tmp_path.iterdir()

    stack.compose("kill", *(role.name for role in ROLES))
    tools = ("exec", "-T", "kafka", "/opt/kafka/bin/kafka-topics.sh", "--bootstrap-server", "localhost:9092")
    stack.compose(*tools, "--delete", "--topic", r"news\..*")
    stack.compose("exec", "-T", "redis", "redis-cli", "flushall")
    stack.compose(*files, "restore", f"/files/{file.name}")
    stack.compose("up", "--detach")

    async def are_the_same() -> bool:
        try:
            return await answers(stack.addresses) == before
        except httpx.TransportError:
            return False

    try:
        await until(are_the_same, "the answers of before", seconds=_PATIENCE / 2)
    except TimeoutError:
        assert await answers(stack.addresses) == before  # says what differs
        raise
    await until(lambda: stack.doctor()[0] == 0, "the restored stack to be well", seconds=_PATIENCE)
    async with plain_client(timeout=20, follow_redirects=True) as client:
        await an_article_is_posted_and_seen(Newsroom(stack.addresses, client))


@pytest.mark.parametrize(
    ("locale", "script", "viewport"), [("uk-UA", True, PHONE), ("en-GB", False, DESKTOP)], ids=["script", "plain"]
)
async def test_a_reader_finds_the_way_in_chromium(
    stack: Stack, locale: str, script: bool, viewport: ViewportSize
) -> None:
    async with plain_client(timeout=20, follow_redirects=True) as client, chromium() as browser:
        newsroom = Newsroom(stack.addresses, client)
        of = newsroom.source
        earlier, later = f"Ремонт маяка почався {of}", f"Lighthouse shines again {of}"
        url = f"https://{of}.example/earlier"
        linking = f'<p>First.</p><p>It began <a href="{url}">last spring</a>.</p>'
        await newsroom.post(
            {"id": "earlier", "url": url, "title": earlier, "language": "uk", "content_text": "Навесні."},
            {"id": "later", "url": f"{url}-later", "title": later, "language": "en", "content_html": linking},
        )
        await until(lambda: newsroom.shows(f"/articles/{of}:later", earlier), "the card in the story")
        await until(lambda: _is_known(newsroom, f"{of}:later"), "the story to be known to views")
        async with reading(
            browser, stack.addresses.web, locale=locale, java_script_enabled=script, viewport=viewport
        ) as reader:
            await reader.open("/")
            await reader.follow(later)
            assert await reader.heading() == later
            await until(lambda: _is_read(newsroom, f"{of}:later"), "the count, by script or by the pixel")
            await reader.follow(earlier, within=".card")
            assert await reader.heading() == earlier
            assert reader.complaints == []
            assert reader.strangers == []
            assert bool(reader.beacons) is script


async def _is_known(newsroom: Newsroom, article: str) -> bool:
    return await newsroom.views(article) is not None


async def _is_read(newsroom: Newsroom, article: str) -> bool:
    return await newsroom.views(article) == 1


def _nothing_is_behind(stack: Stack) -> bool:
    _, found = stack.doctor()
    behind = [one["says"] for part, one in found.items() if part.startswith("news.")]
    return bool(behind) and set(behind) == {"0 records behind"}


async def answers(addresses: Addresses) -> dict[str, tuple[int, Any]]:
    """What is answered about all articles that are there, and the one of each source that was withdrawn."""
    key = {"Authorization": f"Bearer {addresses.admin_key}"}
    async with plain_client(base_url=addresses.web, headers=key, timeout=20) as client:

        async def get(path: str) -> tuple[int, Any]:
            answer = await client.get(path)
            return answer.status_code, without_time(answer.json())

        listed = await get("/v1/articles?limit=100")
        items = listed[1].get("items", [])
        ids = [item["id"] for item in items] + sorted({article_id(item["source"], "earlier") for item in items})
        asked = ["/v1/themes", "/v1/sources", "/v1/most-read?window=24h"]
        asked += [f"/v1/articles/{article}" for article in ids]
        asked += [f"/v1/articles/{article}/{part}" for article in ids for part in _PARTS]
        return {"/v1/articles": listed} | {path: await get(path) for path in asked}


_PARTS = ("views", f"views/series?{BY_HOUR}", "related", "links", "outcome")
