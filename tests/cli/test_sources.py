"""``newsfeed sources`` against a running ingest API."""

import asyncio
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from newsfeed.__main__ import app
from newsfeed.sources import sources_table
from tests.ingest.builders import NOON
from tests.ingest.feed_server import Answer, Asked, rss
from tests.ingest.polled import SLOW, newsroom
from tests.testbed.backends import Backend
from tests.testbed.role import Roles
from tests.testbed.waiting import until

HERE, THERE = "127.0.1.1", "127.0.1.2"


def shown(*sources: dict[str, Any]) -> str:
    to = StringIO()
    Console(file=to, width=240).print(sources_table(list(sources), NOON))
    return to.getvalue()


def polling(**more: object) -> dict[str, Any]:
    at = (NOON - timedelta(minutes=7)).isoformat()
    items = {"new": 12, "changed": 3, "rejected": 1}
    said = {
        "health": "ok",
        "last_success": at,
        "next_poll": (NOON + timedelta(hours=3)).isoformat(),
        "interval": "PT4H",
    }
    return {**said, "why": "the feed had not changed", "items": items, "errors": [], "failures": 0, **more}


def test_a_row_says_how_a_feed_does_and_where_its_last_error_is() -> None:
    error = {"detail": "is missing", "item": 4, "guid": "urn:[x]", "field": "title"}
    said = shown({"id": "herald", "feed_url": "http://h.example/rss", "polling": polling(errors=[error])})
    for part in (
        "herald",
        "ok",
        "7 min ago",
        "in 3 h",
        "every 4 h",
        "had not changed",
        "12 new, 3 changed",
        "1 rejected",
    ):
        assert part in said, said
    assert "item 4 urn:[x] title: is missing" in said


def test_a_source_that_posts_one_that_fails_and_one_that_waits_are_told_apart() -> None:
    said = shown(
        {"id": "desk"},
        {
            "id": "bad",
            "feed_url": "http://b.example/",
            "polling": polling(health="failing", failures=3, last_success=None),
        },
        {"id": "new", "feed_url": "http://n.example/", "polling": {"health": "waiting", "reason": "not polled yet"}},
        {"id": "gone", "feed_url": "http://g.example/", "polling": {"health": "gone", "reason": "it answered 410"}},
    )
    for part in ("posts", "failing (3)", "never", "waiting", "it answered 410"):
        assert part in said, said


async def test_a_site_is_added_shown_exported_and_imported(
    roles: Roles, fresh_backend: Backend, tmp_path: Path
) -> None:
    def site(asked: Asked) -> Answer:
        page = b"<link rel=alternate type='application/rss+xml' href='/feed.xml' title='The Herald'>"
        return Answer(body=page if asked.path == "/" else rss("a", "b"))

    async with newsroom(roles, fresh_backend, SLOW, publisher=False) as room:
        room.feeds.behaviours |= {HERE: site, THERE: lambda _: Answer(404)}
        address = str(room.client.base_url)

        async def run(*arguments: str) -> Result:
            environment = {"NEWS_INGEST_URL": address, "COLUMNS": "240"}
            return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["sources", *arguments], env=environment))

        added = await run("add", room.feeds.url(HERE, "/"), "--theme", "Kyiv")
        assert (added.exit_code, "the-herald" in added.output) == (0, True), added.output
        polling = await room.polled("the-herald")
        assert polling["items"]["new"] == 2
        table = await run()
        assert "the-herald" in table.output
        assert "2 new" in table.output
        listed = tmp_path / "list.opml"
        assert (await run("export", str(listed))).exit_code == 0
        other = tmp_path / "other.opml"
        other.write_text(listed.read_text().replace("</body>", f"<outline xmlUrl='{room.feeds.url(THERE)}'/></body>"))
        imported = await run("import", str(other))
        assert "1 made, 1 there already" in imported.output

        async def fails() -> bool:
            return (await run("--trouble")).exit_code == 1

        await until(fails, "the second to be in trouble")
        assert (await run("poll", "the-herald")).exit_code == 0
        taken = await run("add", room.feeds.url(HERE, "/"), "--id", "the-herald")
        assert (taken.exit_code, "'the-herald' already" in taken.output) == (1, True), taken.output
        assert (await room.source("the-herald"))["themes"] == ["Kyiv"]
        refused = await run("add", "http://127.0.0.1/")
        assert (refused.exit_code, "not a public address" in refused.output) == (1, True), refused.output


def test_a_list_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsfeed.sources.answer_of", Mock(return_value=Mock(text="<opml/>")))
    for where in (tmp_path / "missing[b]" / "list.opml", tmp_path):
        told = CliRunner().invoke(app, ["sources", "export", str(where)], env={"COLUMNS": "240"})
        assert (told.exit_code, f"{where.name} cannot be written: " in told.output.replace("\n", "")) == (1, True)
