"""Two hundred feed servers at once, and the table of what the poller did with each kind (docs/polling.md)."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.feed_zoo import KINDS, LIMIT, OF_EACH, TIMEOUT_SECONDS, Kind
from tests.ingest.polled import Newsroom, newsroom
from tests.testbed.backends import Backend
from tests.testbed.role import Roles
from tests.testbed.waiting import until

DOCUMENT = Path(__file__).parents[2] / "docs" / "polling.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
SERVERS = {
    f"k{k}-{n}": (kind, f"127.0.1.{k * OF_EACH + n + 1}") for k, kind in enumerate(KINDS) for n in range(OF_EACH)
}


async def test_what_the_poller_does_with_each_of_two_hundred_servers(roles: Roles, fresh_backend: Backend) -> None:
    assert len(SERVERS) == 200
    limits = {
        "NEWS_INGEST_FETCH_TIMEOUT": f"PT{TIMEOUT_SECONDS}S",
        "NEWS_INGEST_FETCH_MAX_BYTES": str(LIMIT),
        "NEWS_INGEST_POLL_HOST_PAUSE": "PT0S",
    }
    async with newsroom(roles, fresh_backend, limits) as room:
        for name, (kind, host) in SERVERS.items():
            room.feeds.behaviours[host] = kind.behaviour(room.feeds)
            await room.add(name, host)
        for times in (1, 2, 3):
            polled = await _polled(room, times)
            if times < 3:
                for name, (kind, _) in SERVERS.items():
                    if kind.health != "gone" and polled[name]["polling"]["polls"] < kind.polls:
                        assert (await room.client.post(f"/v1/sources/{name}/poll")).status_code == 202
        await room.counted({name: kind.articles for name, (kind, _) in SERVERS.items()})
        titles = await room.titles()
        for name, (kind, host) in SERVERS.items():
            source, said = polled[name], polled[name]["polling"]
            assert (said["health"], said["outcome"], said["polls"]) == (kind.health, kind.outcome, kind.polls), (
                kind.says
            )
            assert (said["errors"][0]["problem"] if said["errors"] else None) == kind.problem, kind.says
            assert len(titles.get(name, [])) == kind.articles, kind.says
            assert _minutes(said) == pytest.approx(kind.minutes, rel=0.11), kind.says
            assert source["feed_url"] == room.feeds.url(host, kind.url(room.feeds) if kind.url else "/feed.xml")
            assert room.feeds.open_most[host] == 1, kind.says
        assert "127.0.0.1" not in room.feeds.asked
        _check_document([_row(kind, polled[f"k{k}-0"]["polling"]) for k, kind in enumerate(KINDS)])


async def _polled(room: Newsroom, times: int) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}

    async def all_are() -> bool:
        items = (await room.client.get("/v1/sources")).json()["items"]
        found.update({source["id"]: source for source in items})
        return all(
            found[name]["polling"].get("polls", 0)
            >= min(times + bool(kind.url), kind.polls)  # who moves is polled anew
            for name, (kind, _) in SERVERS.items()
        )

    await until(all_are, f"{times} polls of each", seconds=90)
    return found


def _minutes(said: dict[str, Any]) -> float:
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", said["interval"] or "PT0S")
    assert found is not None, said
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60


def _row(kind: Kind, said: dict[str, Any]) -> str:
    error = said["errors"][0]["detail"] if said["errors"] else ""
    warning = said["warnings"][0] if said["warnings"] else ""
    words = re.sub(r"127\.0\.1\.\d+", "feed.example", error or warning or said["why"])
    words = re.sub(r":\d{5}\b|/sources/k\d+-\d", lambda m: "" if m[0][0] == ":" else "/sources/feed", words)
    then = f"in {kind.minutes // 60} h" if kind.minutes >= 60 else f"in {kind.minutes} min"
    cells = (
        kind.says, str(said["polls"]), str(said["status"] or "–"), f"{said['health']}, {said['outcome']}",
        str(kind.articles), then if kind.minutes else "never", words.replace("|", "\\|"),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _check_document(rows: list[str]) -> None:
    titles = ("The server answers", "Polls", "Status", "Afterwards", "Articles", "Next poll", "What the source says")
    table = "\n".join([f"| {' | '.join(titles)} |", "|" + "---|" * len(titles), *rows]) + "\n"
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("NEWS_TEST_WRITE_DOCS"):
        DOCUMENT.write_text(before + BEGIN + table + END + after)
    else:
        assert written == table, "write it anew with NEWS_TEST_WRITE_DOCS=1"
