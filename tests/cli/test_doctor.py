"""What the doctor finds and what he says to do; once against running services of which one is stopped."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from news_shared.producer import open_producer
from news_shared.projection.dead_letters import DeadLetter
from news_shared.redis_client import open_redis
from news_shared.settings import KafkaSettings, RedisSettings
from news_shared.topics import ARTICLES
from newsfeed.__main__ import app
from newsfeed.doctor import Places, examine, screen
from newsfeed.findings import (
    Finding,
    Health,
    of_beacons,
    of_dead_letters,
    of_feeds,
    of_freshness,
    of_lag,
    of_process,
    of_retention,
)
from newsfeed.roles import ROLES
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.evicting import evicting
from tests.testbed.role import Roles
from tests.testbed.waiting import until

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
WELL = Health("feed-projector", "http://feed-projector")


def test_a_process_is_well_or_says_why_not_and_what_to_do() -> None:
    assert of_process(WELL) == Finding("feed-projector", "well", "ready")
    away = of_process(replace(WELL, answered="connection refused"))
    assert (away.state, "feed-projector=http://" in away.do) == ("wrong", True)
    in_a_container = of_process(replace(WELL, answered="connection refused"), on_compose=True)
    assert in_a_container.do.endswith("docker compose up -d feed-projector")
    restoring = of_process(replace(WELL, reasons=["x news.articles/3: catching up from offset 7"]))
    assert (restoring.state, "Wait" in restoring.do) == ("wrong", True)
    stopped = of_process(replace(WELL, reasons=["… stands still. If the log is right, run: newsfeed rebuild feed"]))
    assert (stopped.says, stopped.do) == (
        "… stands still. If the log is right, run: newsfeed rebuild feed",
        "Do what it says.",
    )
    many = of_process(replace(WELL, reasons=[f"reason {n}" for n in range(12)]))
    assert "reason 2 and 9 more" in many.says
    assert "read the log of feed-projector" in many.do


def lag(group: str, *records: int) -> str:
    lines = [f'news_projection_lag{{group="{group}",partition="{p}"}} {n}.0' for p, n in enumerate(records)]
    return "\n".join(["# TYPE news_projection_lag gauge", *lines, ""])


def test_lag_is_told_a_group_over_all_its_processes() -> None:
    found = of_lag([lag("news.a", 1, 2), lag("news.b", 900, 200), lag("news.a", 1, 0), lag("news.c", 10**6), ""])
    assert [(one.part, one.state, one.says) for one in found] == [
        ("news.a", "well", "1 records behind"),
        ("news.b", "look", "1,100 records behind"),
        ("news.c", "wrong", "1,000,000 records behind"),
    ]


def test_half_of_the_beacons_from_one_address_are_a_proxy_or_a_program() -> None:
    def beacons(all_of_them: int, busiest: int, of_proxies: int = 0) -> str:
        names = ("", "_of_busiest_address", "_of_proxies")
        values = zip(
            (f"news_views_minute_beacons{name}" for name in names), (all_of_them, busiest, of_proxies), strict=True
        )
        return "".join(f"# TYPE {name} gauge\n{name} {value}.0\n" for name, value in values)

    assert of_beacons(["", beacons(150, 150)]) == []
    [few, many] = of_beacons([beacons(1000, 400), beacons(1000, 600)])
    assert (few.state, few.says) == ("well", "40% of 1,000 in a minute came from one address")
    assert (many.state, "NEWS_TRUSTED_PROXIES" in many.do) == ("look", True)
    [nobodys] = of_beacons([beacons(1000, 1, 900)])
    assert (nobodys.state, "90% of" in nobodys.says, "X-Forwarded-For" in nobodys.do) == ("look", True, True)


def test_counts_that_the_log_may_forget_before_they_are_written_are_an_alarm() -> None:
    def metrics(**seconds: list[float]) -> str:
        return "".join(
            f"# TYPE news_views_{name}_seconds gauge\n"
            + "".join(f'news_views_{name}_seconds{{partition="{p}"}} {value}\n' for p, value in enumerate(values))
            for name, values in seconds.items()
        )

    day = 86_400.0
    assert of_retention([""]) == []
    [well] = of_retention([metrics(unwritten=[9.0, 2 * day], log_reach=[7 * day, 7 * day], clock_ahead=[0.2, 0.0])])
    assert (well.part, well.state) == ("log of views", "well")
    [late] = of_retention([metrics(unwritten=[9.0, 2.5 * day], log_reach=[7 * day, 7 * day])])
    assert (late.state, "1 since 60.0 h" in late.says) == ("wrong", True)
    [short, bitten] = of_retention([metrics(unwritten=[day / 2], log_reach=[day])])
    assert (short.state, bitten.state, "retention.bytes" in bitten.do) == ("wrong", "look", True)
    [fast] = of_retention([metrics(clock_ahead=[0.0, day])])
    assert (fast.state, "of 1 by 24.0 h" in fast.says, "NTP" in fast.do) == ("wrong", True, True)


def test_answers_that_do_not_move_are_wrong() -> None:
    assert of_freshness("views", NOON - timedelta(seconds=1), NOON).says == "as of 1.0 s ago"
    old = of_freshness("views", NOON - timedelta(minutes=5), NOON)
    assert (old.state, old.do) == ("wrong", "Is the projector of views running?")
    assert of_freshness("views", None, NOON).state == "wrong"
    assert of_freshness("views", NOON + timedelta(seconds=3), NOON).state == "well"  # clocks differ a little


def letter(topic: str, error: str, at: datetime) -> DeadLetter:
    return DeadLetter(topic, 0, 1, 2, "news.group", "{tag-0}", error, at, b"k", b"v", ())


def test_dead_letters_are_counted_by_topic_and_reason() -> None:
    assert of_dead_letters([], NOON) == [Finding("dead letters", "well", "none")]
    recent, old = NOON - timedelta(hours=1), NOON - timedelta(days=2)
    found = of_dead_letters(
        [letter("news.a", "bad\nTrace", recent)] * 3 + [letter("news.a", "bad", old), letter("news.b", "x", recent)],
        NOON,
    )
    assert sorted((one.part, one.state, one.says) for one in found) == [
        ("dead letters of news.a", "look", "1 of news.group: bad"),
        ("dead letters of news.a", "wrong", "3 of news.group in the last day: bad"),
        ("dead letters of news.b", "wrong", "1 of news.group in the last day: x"),
    ]
    assert all("replay" in one.do for one in found)


def source(name: str, **polling: object) -> dict[str, Any]:
    return {"id": name, "polling": {"health": "ok", "next_poll": NOON.isoformat()} | polling}


def test_feeds_that_fail_and_those_that_nobody_polls_are_named() -> None:
    well = [source("a"), {"id": "posts"}, source("b")]
    assert of_feeds(well, NOON) == [Finding("feeds", "well", "2 are polled and answer")]
    failing = [source(f"f{n}", health="failing") for n in range(7)]
    gone = source("gone", health="gone", next_poll=None)
    late = source("late", next_poll=(NOON - timedelta(minutes=3)).isoformat())
    fail, are_gone, overdue = of_feeds([*well, *failing, gone, late], NOON)
    assert ("7 fail: f0" in fail.says, "and 2 more" in fail.says) == (True, True)
    assert "1 are gone" in are_gone.says
    assert ("overdue: late" in overdue.says, overdue.state) == (True, "wrong")


async def test_a_newsroom_is_well_until_a_part_of_it_stops(roles: Roles, fresh_backend: Backend) -> None:
    processes = await roles.start_all(NEWS_RELATED_EMBEDDING="off")
    addresses = {role.name: processes[role.name].url for role in ROLES}
    places = Places(addresses, fresh_backend.kafka_settings, fresh_backend.redis_settings, PARTITIONS, "dev")

    async def states() -> dict[str, str]:
        return {one.part: one.state for one in await examine(places, datetime.now(UTC))}

    async def is_well() -> bool:
        return set((await states()).values()) == {"well"}

    await until(is_well, f"a healthy newsroom: {await states()}", seconds=60)
    found = await states()
    for part in (
        *addresses,
        "news.feed-projector",
        "news.views-projector",
        "answers of feed",
        "Kafka",
        "Redis",
        "feeds",
    ):
        assert part in found

    async with open_redis(fresh_backend.redis_settings) as redis, evicting(redis):
        [evicts] = [one for one in await examine(places, datetime.now(UTC)) if one.part == "Redis"]
        assert (evicts.state, "CONFIG SET maxmemory-policy noeviction" in evicts.says) == ("wrong", True)

    processes["feed-projector"].kill()
    async with open_producer(fresh_backend.kafka_settings) as producer:
        await producer.send(ARTICLES, partition=3, key=b"x", value=b"no article")
    expected = {"feed-projector": "wrong", "answers of feed": "wrong", f"dead letters of {ARTICLES}": "wrong"}

    async def is_found() -> bool:
        return expected.items() <= (await states()).items()

    await until(is_found, "what is wrong to be found", seconds=60)
    assert (await states())["feed-api"] == "well"
    wrong_key = replace(places, key="nobody's")
    [feeds] = [one for one in await examine(wrong_key, datetime.now(UTC)) if one.part == "feeds"]
    assert (feeds.state, "NEWS_ADMIN_KEY" in feeds.do) == ("wrong", True)
    nowhere = replace(places, kafka=places.kafka.model_copy(update={"bootstrap": "127.0.0.1:1"}))
    [kafka] = [one for one in await examine(nowhere, datetime.now(UTC)) if one.part == "Kafka"]
    assert (kafka.state, "NEWS_KAFKA_BOOTSTRAP" in kafka.do) == ("wrong", True)
    nowhere = replace(places, redis=RedisSettings(url="redis://127.0.0.1:1/0"))
    [missing] = [one for one in await examine(nowhere, datetime.now(UTC)) if one.part == "Redis"]
    assert (missing.state, "NEWS_REDIS_URL" in missing.do) == ("wrong", True)


def test_the_command_says_it_to_people_and_to_programs(tmp_path: Path) -> None:
    nowhere = [f"{role.name}=http://127.0.0.1:1" for role in ROLES]
    environment = {"NEWS_KAFKA_BOOTSTRAP": "127.0.0.1:1", "COLUMNS": "200"}
    said = CliRunner().invoke(app, ["doctor", "--json", *nowhere], env=environment)
    assert said.exit_code == 1, said.output
    told = json.loads(said.stdout)
    assert told["well"] is False
    assert {"part": "web", "state": "wrong"}.items() <= told["findings"][0].items()
    shown = CliRunner().invoke(app, ["doctor", *nowhere], env=environment)
    assert shown.exit_code == 1
    assert "does not answer" in shown.output
    ready = tmp_path / "ready.json"
    roles = {role.name: "http://127.0.0.1:1" for role in ROLES}
    ready.write_text(
        json.dumps({"roles": roles, "admin_key": "k", "kafka": "127.0.0.1:1", "redis": "redis://127.0.0.1:1/0"})
    )
    assert CliRunner().invoke(app, ["doctor", "--ready-file", str(ready)]).exit_code == 1
    for_commands = {
        "NEWS_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "NEWS_KAFKA_TRANSACTIONS": "false",
        "NEWS_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    beside_up = CliRunner().invoke(app, ["doctor", "--ready-file", str(ready)], env={"COLUMNS": "200"}).output
    assert f"export {' '.join(f'{name}={value}' for name, value in for_commands.items())}\n" in beside_up
    assert "export" not in CliRunner().invoke(app, ["doctor", "--ready-file", str(ready)], env=for_commands).output
    for wrong, told in (
        ("web", "ROLE=URL"),
        ("nobody=http://127.0.0.1:1", "ROLE=URL"),
        ("web=http://[::1", "no address"),
        ("web=127.0.0.1:8000", "no address"),
    ):
        refused = CliRunner().invoke(app, ["doctor", wrong], env=environment)
        assert (refused.exit_code, told in refused.output) == (2, True), refused.output


@pytest.mark.parametrize(
    ("ready", "metrics"),
    [('"OK"', ""), ("[]", ""), ('{"status": "ok"}', ""), ("OK", ""), ('{"reasons": []}', "<html>no metrics</html>")],
)
async def test_what_is_no_process_of_ours_is_told_and_the_others_all_the_same(ready: str, metrics: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1]
        body = (metrics if path == b"/metrics" else ready).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    nowhere = KafkaSettings(bootstrap="127.0.0.1:1"), RedisSettings(url="redis://127.0.0.1:1/0")
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        foreign = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        places = Places({role.name: foreign for role in ROLES}, *nowhere, PARTITIONS, "dev")
        found = {one.part: one for one in await examine(places, NOON)}
    assert {found[role.name].state for role in ROLES} == {"wrong"}
    assert "no process of a newsfeed" in found["web"].says
    assert (found["answers of feed"].state, found["feeds"].state, found["Kafka"].state) == ("wrong",) * 3


def test_a_screen_shows_markup_as_text() -> None:
    console = Console(width=100, record=True, file=StringIO())
    console.print(screen([Finding("a", "look", "[red]not red[/]", "b")]))
    assert "[red]not red[/]" in console.export_text()
