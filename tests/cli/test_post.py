"""Articles from files, through the command to what ingest says of them."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsfeed.__main__ import app
from tests.testbed.role import Roles


async def test_files_are_posted_in_parts_and_what_is_rejected_is_named(
    roles: Roles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = await roles.start("ingest-api")
    monkeypatch.setenv("NEWS_INGEST_URL", ingest.url)
    lines = tmp_path / "articles.ndjson"
    articles = [{"id": f"story-{n}", "title": f"Story {n}", "content_text": "Text."} for n in range(501)]
    lines.write_text("\n".join([*map(json.dumps, articles), "{"]))
    one = tmp_path / "article.json"
    one.write_text(json.dumps(articles[0]))

    async def posted(*options: str) -> tuple[int, str]:
        said = await asyncio.to_thread(CliRunner().invoke, app, ["post", *options, "--source", "herald"])
        return said.exit_code, f"{said.stderr}{said.exception!r}"

    code, said = await posted(str(lines))
    assert (code, "501 accepted, 1 rejected" in said, "item 502 " in said) == (1, True, True), said
    code, said = await posted(str(one))
    assert (code, "1 accepted, 0 rejected" in said) == (0, True), said
    code, said = await posted(str(one), "--key", "nobody.0000.secret")
    assert (code, "answered 401" in said) == (1, True), said
    ingest.kill()
    code, said = await posted(str(one), "--patience", "0")
    assert (code, "no answer" in said, "newsfeed up" in said) == (1, True, True), said
