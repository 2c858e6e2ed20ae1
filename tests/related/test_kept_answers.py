"""Answers are kept while the graph stands still, and never said when they may be another."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from news_related.app import create_api
from news_related.graph.changes import TAG
from news_related.link_graph import LinkGraph
from news_related.queries.kept_answers import AnswerMetrics, KeptAnswers, Question
from news_shared.problems import NOT_FOUND, ProblemError
from news_shared.projection.slots import Slots
from tests.related.builders import a_vector, a_withdrawal, an_article, url_of
from tests.related.graph_on_redis import GraphOnRedis, graph_on_redis
from tests.related.publishing import publish, publish_vectors
from tests.related.running import running_app, running_service, settings_for
from tests.testbed.backends import Backend
from tests.testbed.waiting import until

LIVE = f"{{{TAG}}}:live"


class Desk:
    """Kept answers over a graph that is changed by hand; ``made`` are those that were put together."""

    def __init__(self, graph: GraphOnRedis) -> None:
        self.redis = graph.redis
        self.registry = CollectorRegistry()
        self.kept = KeptAnswers(Slots(graph.redis, "related", tag=TAG), AnswerMetrics(self.registry))
        self.made: list[str] = []

    async def change(self, version: str) -> None:
        await self.redis.hset(LIVE, "changed", version)

    async def ask(self, question: str, meanwhile: Callable[[], Awaitable[None]] | None = None) -> bytes:
        async def make(graph: LinkGraph) -> bytes:
            self.made.append(question)
            await graph.themes(None, limit=1, after=None)
            if meanwhile is not None:
                await meanwhile()
                await graph.themes(None, limit=1, after=None)
            return f"{question} {len(self.made)}".encode()

        content, _ = await self.kept.find(Question(question, b"", "en"), make)
        return content


@pytest_asyncio.fixture
async def desk(fresh_backend: Backend) -> AsyncIterator[Desk]:
    async with graph_on_redis(fresh_backend) as graph:
        yield Desk(graph)


async def test_what_was_answered_is_said_again_until_the_graph_changes(desk: Desk) -> None:
    await desk.change("one")
    assert [await desk.ask("a"), await desk.ask("b"), await desk.ask("a")] == [b"a 1", b"b 2", b"a 1"]
    assert desk.registry.get_sample_value("news_related_answers_total", {"how": "kept"}) == 1
    assert desk.registry.get_sample_value("news_related_answers_total", {"how": "made"}) == 2
    await desk.change("two")
    assert [await desk.ask("a"), await desk.ask("a")] == [b"a 3", b"a 3"]
    await desk.change("one")  # as after a fail-over that lost the last change
    assert await desk.ask("a") == b"a 4"
    assert await desk.ask("b") == b"b 2", "the state is again what it was answered from"


async def test_what_was_made_while_the_graph_changed_is_not_kept(desk: Desk) -> None:
    await desk.change("one")

    async def meanwhile() -> None:
        await desk.change("two")

    await desk.ask("a", meanwhile)
    assert await desk.ask("a") == b"a 2"


async def test_nothing_is_kept_where_no_version_is_told_and_no_refusal(desk: Desk) -> None:
    assert [await desk.ask("a"), await desk.ask("a")] == [b"a 1", b"a 2"]
    await desk.change("one")

    async def refuse() -> None:
        raise ProblemError(NOT_FOUND, "There is no such article.")

    with pytest.raises(ProblemError):
        await desk.ask("missing", refuse)
    assert await desk.ask("missing") == b"missing 4"


async def test_long_questions_with_short_answers_do_not_fill_the_memory(desk: Desk) -> None:
    await desk.change("one")
    path = "/v1/links/" + "x" * 1_000_000
    for n in range(40):
        await desk.ask(f"{path}{n}")
    await desk.ask(f"{path}39")
    await desk.ask(f"{path}0")
    assert desk.made.count(f"{path}39") == 1
    assert desk.made.count(f"{path}0") == 2, "it had to make room"


async def test_after_every_change_a_process_that_has_kept_answers_says_what_a_new_one_says(
    fresh_backend: Backend, tmp_path: Path
) -> None:
    """Articles and vectors that arrive, an update, a pin, a withdrawal: all that is asked stays right at once."""
    url = url_of("a")
    first = an_article("a", themes=("Ferries",))
    paths = [
        f"/v1/articles/{first.id}/{what}" for what in ("related", "links", "story", "duplicates", "related.html")
    ] + [f"/v1/graph?article={first.id}", f"/v1/related?url={url}", "/v1/themes", "/v1/themes/ferries"]
    paths.append(f"/v1/articles/{first.id}/related?kind=similar&raw=1")
    citing = an_article("b", links=("a",), themes=("Ferries",))

    async def said(api: httpx.AsyncClient) -> list[object]:
        answers = [await api.get(path) for path in paths]
        assert {answer.status_code for answer in answers} == {200}
        return [
            {k: v for k, v in answer.json().items() if k != "as_of"} if "json" in answer.headers["content-type"]
            else answer.text
            for answer in answers
        ]  # fmt: skip

    async with running_service(fresh_backend, tmp_path) as related:

        async def same_as_a_new_process(before: list[object]) -> list[object]:
            found: list[object] = before

            async def has_changed() -> bool:
                nonlocal found
                async with running_app(create_api(settings_for(fresh_backend))) as new:
                    found = await said(new)
                return found != before

            await until(has_changed, "the change to be there")
            now = await said(related.api)
            # What follows from it (neighbours) may have come in between.
            async with running_app(create_api(settings_for(fresh_backend))) as new:
                assert now in (found, await said(new))
            return now

        await publish(fresh_backend, [first])
        await related.eventually(f"/v1/articles/{first.id}/related")
        seen = await said(related.api)
        await publish(fresh_backend, [citing])
        seen = await same_as_a_new_process(seen)
        await publish_vectors(fresh_backend, [a_vector("a", 90, 10), a_vector("b", 80, 20)])
        seen = await same_as_a_new_process(seen)
        await publish(fresh_backend, [an_article("b", revision=2, title="Another headline", links=("a",))])
        seen = await same_as_a_new_process(seen)
        answer = await related.api.put(
            f"/v1/articles/{first.id}/curation/{citing.id}",
            json={"kind": "pin", "note": "chosen"},
            headers={"Authorization": "Bearer dev"},
        )
        assert answer.status_code == 202
        seen = await same_as_a_new_process(seen)
        await publish(fresh_backend, [a_withdrawal("b", revision=3)])
        seen = await same_as_a_new_process(seen)
        assert await said(related.api) == seen
