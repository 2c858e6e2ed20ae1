"""What a newcomer gets from ``newsfeed up``: one command, everything ready, nothing left behind.

One run for all of these tests, in their order; the last one stops it.
"""

import html
import json
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest
from jsonschema import Draft202012Validator

from news_shared.article_ids import article_id
from news_shared.settings import KafkaSettings
from news_shared.topics import ARTICLES, SOURCES, SUBMISSIONS
from newsfeed.newsroom import SOURCE, expected_edges, newsroom
from tests.end_to_end.curl import assert_answered, curl_lines, method_of
from tests.end_to_end.journeys import Addresses, whole_path
from tests.end_to_end.running_up import Up, assert_gone, newsfeed_up
from tests.testbed.backends import Backend, backend_name
from tests.testbed.topics import records_in
from tests.testbed.waiting import until

README = Path(__file__).parents[2] / "README.md"
DOCS = Path(__file__).parents[2] / "docs"
SCHEMAS = DOCS / "schemas"
REFERENCE = DOCS / "reference" / "http.md"


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest) -> Backend | None:
    """Those of the test backend; the embedded ones are started by the command itself."""
    return None if backend_name() == "embedded" else request.getfixturevalue("backend")


@pytest.fixture(scope="module")
def up(servers: Backend | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with newsfeed_up(tmp_path_factory.mktemp("up"), backend=servers) as up:
        yield up


@pytest.fixture(scope="module")
def kafka(servers: Backend | None, up: Up) -> KafkaSettings:
    if servers is not None:
        return servers.kafka_settings
    return KafkaSettings(bootstrap=up.ready["kafka"], transactions=False, static_members=False)


@pytest.fixture(scope="module")
def addresses(up: Up) -> Addresses:
    return Addresses(up.ready["web"], up.ready["ingest"], up.ready["admin_key"])


async def test_every_service_is_ready_once_the_ready_file_is_there(up: Up) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        for service in ("web", "ingest", "views", "related", "feed"):
            assert (await client.get(f"{up.ready[service]}/readyz")).status_code == 200
    assert "curl" in up.log.read_text()


async def test_the_sample_newsroom_is_on_the_front_page_in_two_languages(up: Up, addresses: Addresses) -> None:
    await until(lambda: "loaded the sample newsroom" in up.log.read_text(), "the sample newsroom", seconds=60)
    articles = newsroom(datetime.now(UTC)).articles
    async with httpx.AsyncClient(timeout=20, follow_redirects=True) as client:
        total = len(articles)

        async def all_there() -> bool:
            answer = await client.get(f"{addresses.web}/v1/articles", params={"limit": 100, "source": SOURCE})
            return answer.status_code == 200 and len(answer.json()["items"]) == total - 1  # one is withdrawn

        await until(all_there, "the newsroom to be published", seconds=60)
        for language in ("en", "uk"):
            page = (await client.get(addresses.web, headers={"Accept-Language": language})).text
            assert f'lang="{language}"' in page
            assert any(html.escape(str(article["title"])) in page for article in articles)


async def test_nothing_of_the_sample_newsroom_is_embedded_since_it_ships_its_vectors(up: Up) -> None:
    embedder = psutil.Process(up.ready["pids"]["related-embedder"])
    [port] = [c.laddr.port for c in embedder.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    async with httpx.AsyncClient(timeout=20) as client:

        async def texts(done: str) -> float:
            said = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            return float(re.findall(rf'^news_related_texts_total{{done="{done}"}} (\S+)$', said, re.M)[0])

        async def all_seen() -> bool:
            return await texts("reused") + await texts("embedded") >= len(newsroom(datetime.now(UTC)).articles) - 1

        await until(all_seen, "the newsroom to be looked at", seconds=60)
        assert await texts("embedded") == 0, "run: python -m tests.end_to_end.write_sample_vectors"
    assert not embedder.children()


async def test_the_newsrooms_links_are_edges_of_the_graph(addresses: Addresses) -> None:
    withdrawn = {w.id for w in newsroom(datetime.now(UTC)).withdrawals}
    expected: dict[str, set[str]] = {}
    for source, target in expected_edges()["cites"]:
        if source not in withdrawn and target not in withdrawn:
            expected.setdefault(source, set()).add(article_id(SOURCE, target))
    async with httpx.AsyncClient(timeout=20) as client:

        async def linked() -> bool:
            for guid, targets in expected.items():
                answer = await client.get(f"{addresses.web}/v1/articles/{SOURCE}:{guid}/links")
                if answer.status_code != 200:
                    return False
                found = {link["card"]["article"] for link in answer.json()["links"] if link["card"]}
                if found != targets:
                    return False
            return True

        await until(linked, "every listed link to be an edge", seconds=60)


async def test_the_whole_path(addresses: Addresses) -> None:
    await whole_path(addresses)


def test_every_curl_line_of_the_readme_is_answered_2xx(up: Up) -> None:
    lines = curl_lines(README)
    assert len(lines) >= 6
    for line in lines:
        assert_answered(line, up.ready)


def test_every_curl_line_of_the_reference_is_answered_2xx(up: Up) -> None:
    lines = curl_lines(REFERENCE)
    assert len(lines) > 45
    order = ["POST", "PUT", "PATCH", "GET", "DELETE"]  # what is asked for is made before, what goes goes at the end
    for line in sorted(lines, key=lambda line: order.index(method_of(line))):
        assert_answered(line, up.ready)


async def test_what_is_in_the_topics_fits_the_published_schemas(kafka: KafkaSettings) -> None:
    checked = 0
    for topic, names in ((ARTICLES, ("article", "withdrawal")), (SUBMISSIONS, ("submission",)), (SOURCES, ("source",))):
        schemas = [_schema(name) for name in names]
        for record in await records_in(kafka, topic):
            if record.value is None:
                continue
            is_withdrawal = dict(record.headers).get("ce_type", b"").endswith(b"withdrawn.v1")
            schemas[-1 if is_withdrawal else 0].validate(json.loads(record.value))
            checked += 1
    assert checked > 120, "there was little to check"


def _schema(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.v1.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


async def test_a_role_that_died_is_started_again(up: Up) -> None:
    before = up.ready["pids"]["feed-api"]
    psutil.Process(before).kill()
    await until(lambda: up.ready["pids"]["feed-api"] != before, "the ready file to name another process", seconds=60)
    async with httpx.AsyncClient(timeout=10) as client:

        async def is_ready() -> bool:
            try:
                return (await client.get(f"{up.ready['feed']}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await until(is_ready, "the killed role to be ready again")


def test_it_stops_in_time_and_leaves_nothing(up: Up, servers: Backend | None) -> None:
    children = up.children()
    assert len(children) >= len(up.ready["pids"]) + (2 if servers is None else 0), "roles, Kafka and Redis"
    begun = monotonic()
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(20) == 0
    assert monotonic() - begun < 10
    assert_gone(children, seconds=0)
    assert not up.is_announced
