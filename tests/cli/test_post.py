"""``newsfeed post`` of a long file: cut off and started again it sends what is left; limits of a key are kept."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from news_shared.article_ids import article_id
from news_shared.topics import SUBMISSIONS
from newsfeed.post_place import PlaceKeeper
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.testbed.waiting import until
from tests.views.partitions import whole_log

LINES = 2500


def a_file(folder: Path) -> Path:
    file = folder / "wire.ndjson"
    lines = (json.dumps({"id": f"story-{n}", "title": f"Story {n}", "content_text": "Fog."}) for n in range(LINES))
    file.write_text("\n".join(lines) + "\n")
    return file


def posting(what: Path | str, ingest: str, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "newsfeed", "post", str(what), "--source", "herald", "--ingest", ingest, *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "240"})


async def test_a_run_that_was_killed_goes_on_where_it_was(fresh_backend: Backend, roles: Roles, tmp_path: Path) -> None:
    ingest = await roles.start("ingest-api")
    file, place = a_file(tmp_path), tmp_path / ".wire.ndjson.posted"
    first = posting(file, ingest.url)

    async def has_begun() -> bool:
        return place.exists()

    await until(has_begun, "the first part to be posted")
    first.kill()
    first.communicate()
    done = json.loads(place.read_text())["lines"]
    assert 0 < done < LINES, "the kill came too late to show anything"

    said = posting(file, ingest.url).communicate(timeout=120)[1]
    assert f"going on after line {done:,}" in said
    assert f"{LINES - done} accepted, 0 rejected" in said
    assert not place.exists()
    logs = await whole_log(fresh_backend.kafka_settings, SUBMISSIONS)
    sent = Counter(record.key.decode() for records in logs.values() for record in records)
    assert sent.keys() == {article_id("herald", f"story-{n}") for n in range(LINES)}
    assert sum(sent.values()) <= LINES + 500, "only what was on its way may be sent again"


async def test_a_file_that_changed_is_posted_from_its_start(
    fresh_backend: Backend, roles: Roles, tmp_path: Path
) -> None:
    ingest = await roles.start("ingest-api")
    file = a_file(tmp_path)
    (tmp_path / ".wire.ndjson.posted").write_text('{"offset": 40000, "lines": 600, "before": "another"}')
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:700]))
    said = posting(file, ingest.url).communicate(timeout=120)[1]
    assert "700 accepted, 0 rejected" in said


async def test_another_source_or_server_begins_at_the_start(
    fresh_backend: Backend, roles: Roles, tmp_path: Path
) -> None:
    ingest = await roles.start("ingest-api")
    file, cut = a_file(tmp_path), tmp_path / ".wire.ndjson.posted"
    url = f"{ingest.url}/v1/articles"
    for url_before, source_before in ((url, "gazette"), ("http://127.0.0.1:1/v1/articles", "herald")):
        PlaceKeeper(file, url_before, source_before, print).reached(offset_of(file, 600), 600, 0)
        assert cut.exists()
        assert f"{LINES} accepted" in posting(file, ingest.url).communicate(timeout=120)[1]
    PlaceKeeper(file, url, "herald", print).reached(offset_of(file, 600), 600, 0)
    assert f"{LINES - 600} accepted" in posting(file, ingest.url).communicate(timeout=120)[1]


async def test_a_run_that_goes_on_knows_what_was_rejected_before(roles: Roles, tmp_path: Path) -> None:
    ingest = await roles.start("ingest-api")
    file = a_file(tmp_path)
    PlaceKeeper(file, f"{ingest.url}/v1/articles", "herald", print).reached(offset_of(file, 600), 600, 3)
    run = posting(file, ingest.url)
    said = run.communicate(timeout=120)[1]
    assert f"{LINES - 600} accepted, 0 rejected" in said
    assert ("3 were rejected before" in said, run.returncode) == (True, 1), said


async def test_a_folder_that_takes_no_place_is_told_once_and_all_is_posted(roles: Roles, tmp_path: Path) -> None:
    ingest = await roles.start("ingest-api")
    file = a_file(tmp_path)
    (tmp_path / ".wire.ndjson.new").mkdir()  # where the place is written first
    run = posting(file, ingest.url)
    said = run.communicate(timeout=120)[1]
    assert (f"{LINES} accepted, 0 rejected" in said, run.returncode) == (True, 0), said
    assert said.count("cannot be kept") == 1


async def test_a_place_that_cannot_be_removed_is_told(roles: Roles, tmp_path: Path) -> None:
    ingest = await roles.start("ingest-api")
    file = a_file(tmp_path)
    (tmp_path / ".wire.ndjson.posted").mkdir()
    run = posting(file, ingest.url)
    said = run.communicate(timeout=120)[1]
    assert (f"{LINES} accepted, 0 rejected" in said, run.returncode) == (True, 0), said


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that is there and cannot be read")
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    lines = tmp_path / "wire.ndjson"
    lines.symlink_to("/proc/self/mem")
    for what in (lines, Path("/proc/self/mem")):
        run = posting(what, "http://127.0.0.1:1")
        said = run.communicate(timeout=120)[1]
        assert ("cannot be read" in said, "Traceback" in said, run.returncode) == (True, False, 1), said


def offset_of(file: Path, line: int) -> int:
    return len(b"".join(file.read_bytes().splitlines(keepends=True)[:line]))


async def test_a_key_over_its_limit_goes_on_from_the_line_where_it_was_stopped(
    fresh_backend: Backend, roles: Roles, tmp_path: Path
) -> None:
    ingest = await roles.start("ingest-api")
    file = a_file(tmp_path)
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:1260]))
    async with plain_client(base_url=ingest.url, headers={"Authorization": "Bearer dev"}) as http:
        await http.put("/v1/sources/herald", json={})
        key = (await http.post("/v1/sources/herald/keys", json={"articles_per_minute": 1200})).json()["token"]
    said = posting(file, ingest.url, "--key", key).communicate(timeout=120)[1]
    assert "1260 accepted, 0 rejected" in said
    logs = await whole_log(fresh_backend.kafka_settings, SUBMISSIONS)
    sent = Counter(record.key.decode() for records in logs.values() for record in records)
    assert sent == Counter({article_id("herald", f"story-{n}"): 1 for n in range(1260)})


async def test_a_rejected_guid_that_looks_like_markup_is_told_as_it_is(roles: Roles, tmp_path: Path) -> None:
    ingest = await roles.start("ingest-api")
    file = tmp_path / "wire.ndjson"
    file.write_text('{"id": "a[/b]c"}\n{"id": "[red]d", "title": "T"}\n')
    run = posting(file, ingest.url)
    said = run.communicate(timeout=120)[1]
    assert "item 1 a[/b]c:" in said
    assert ("1 accepted, 1 rejected" in said, run.returncode) == (True, 1), said


async def test_an_address_that_gives_nothing_is_told_with_what_to_do(roles: Roles) -> None:
    ingest = await roles.start("ingest-api")
    for address, told in (
        (f"{ingest.url}/nope[/b]", "nope[/b] answered 404"),
        ("http://127.0.0.1:1/feed", "cannot be read"),
        ("http://[bad", "cannot be read"),
    ):
        run = posting(address, ingest.url)
        said = " ".join(run.communicate(timeout=120)[1].split())
        assert all(words in said for words in (told, "Nothing was posted")), said
        assert ("Traceback" in said, run.returncode) == (False, 1)
