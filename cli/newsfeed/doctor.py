"""``newsfeed doctor``: one screen that says whether every part works, and what to do where one does not."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any, Final

import httpx
import typer
from prometheus_client.parser import text_string_to_metric_families
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from news_shared.clock import rfc3339
from news_shared.errors import LogMismatchError, TransientError
from news_shared.redis_client import check_eviction, open_redis
from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings, read_settings
from news_shared.topics import check_topics
from newsfeed.dead_letters import all_parked
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
from newsfeed.ingest_calls import failure
from newsfeed.roles import KAFKA_OFFSET, PEERS, REDIS_OFFSET, ROLES, without_password

_PORT_BASE: Final = 8000
_TIMEOUT: Final = 3.0
_QUERIES: Final = {"feed": "/v1/articles?limit=1", "views": "/v1/trending?limit=1", "related": "/v1/themes?limit=1"}
"""Answers that say as of when they are."""
_ON_COMPOSE: Final = (
    "Here `newsfeed COMMAND` is: docker compose run --rm topics COMMAND\n"
    "and `newsfeed rebuild feed`: docker compose run --rm feed-projector rebuild\n"
)
_STATES: Final = {"well": "[green]well[/]", "look": "[yellow]look at it[/]", "wrong": "[red]wrong[/]"}


class _Addresses(BaseSettings):
    """Where the APIs are, as the other commands are told (``NEWS_INGEST_URL`` …)."""

    model_config = SettingsConfigDict(env_prefix="NEWS_", frozen=True)

    ingest_url: str | None = None
    views_url: str | None = None
    related_url: str | None = None
    feed_url: str | None = None


@dataclass(frozen=True)
class Places:
    """Whom to ask."""

    roles: Mapping[str, str]
    """Address of each process, by its role; ``feed-api``, ``web`` …"""
    kafka: KafkaSettings
    redis: RedisSettings
    partitions: int
    key: str
    on_compose: bool = False
    for_commands: str = ""
    """How other commands are given here; empty where they find the servers by themselves."""


def doctor(
    where: list[str] = typer.Argument(None, help="Addresses that are elsewhere: ROLE=URL, e.g. web=http://…"),
    key: str = typer.Option("dev", envvar="NEWS_ADMIN_KEY", help="The admin key; feeds are looked at with it."),
    ready_file: Path | None = typer.Option(None, help="As `newsfeed up --ready-file` wrote it: its addresses."),
    compose: bool = typer.Option(False, "--compose", help="From a container of the compose stack: its addresses."),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Ask every process how it does: readiness, lag, freshness, dead letters, feeds; exit code 1 if one is wrong.

    Without addresses those of `newsfeed up` are asked. On compose: docker compose run --rm --no-deps topics doctor
    --compose
    """
    places = _places(where or [], key, ready_file, compose)
    findings = asyncio.run(examine(places, datetime.now(UTC)))
    is_well = all(finding.state != "wrong" for finding in findings)
    if as_json:
        said = {"well": is_well, "at": rfc3339(datetime.now(UTC)), "findings": [asdict(one) for one in findings]}
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        console = Console()
        console.print(screen(findings))
        if any(finding.state != "well" for finding in findings):
            console.print(places.for_commands, highlight=False, markup=False, soft_wrap=True, end="")
    if not is_well:
        raise typer.Exit(1)


def screen(findings: Iterable[Finding]) -> Table:
    """The findings as a table."""
    table = Table("Part", "State")
    for column in ("What was found", "What to do"):
        table.add_column(column, overflow="fold")  # an address or a command that is cut short is of no use
    for finding in findings:
        table.add_row(finding.part, _STATES[finding.state], escape(finding.says), escape(finding.do))
    return table


async def examine(places: Places, now: datetime) -> list[Finding]:
    """Ask all parts at the same time.

    Args:
        places: where they are.
        now: aware; what is stale is told by it.
    """
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as http:
        asking = [_health(http, role, url) for role, url in places.roles.items()]
        fresh = [_as_of(http, places.roles[f"{service}-api"], query) for service, query in _QUERIES.items()]
        health, as_of, feeds, kafka, redis = await asyncio.gather(
            asyncio.gather(*asking),
            asyncio.gather(*fresh),
            _feeds(http, places, now),
            _kafka(places, now),
            _redis(places),
        )
    return [
        *(of_process(one, on_compose=places.on_compose) for one in health),
        *of_lag(one.metrics for one in health),
        *of_beacons(one.metrics for one in health if one.role == "views-api"),
        *of_retention(one.metrics for one in health if one.role == "views-projector"),
        *(of_freshness(service, moment, now) for service, moment in zip(_QUERIES, as_of, strict=True)),
        *kafka,
        redis,
        *feeds,
    ]


async def _health(http: httpx.AsyncClient, role: str, url: str) -> Health:
    try:
        alive, ready, metrics = [await http.get(f"{url}/{path}") for path in ("livez", "readyz", "metrics")]
        reasons = _reasons(ready)
        list(text_string_to_metric_families(metrics.text if metrics.is_success else ""))
    except httpx.HTTPError as error:
        return Health(role, url, answered=str(error) or type(error).__name__)
    except (ValueError, LookupError, TypeError):
        return Health(role, url, answered="what answers there is no process of a newsfeed")
    return Health(role, url, None, alive.is_success, reasons, metrics.text if metrics.is_success else "")


def _reasons(ready: httpx.Response) -> list[str]:
    reasons = [str(reason) for reason in ready.json()["reasons"]]
    return reasons if ready.is_success or reasons else [f"/readyz answers {ready.status_code}"]


async def _as_of(http: httpx.AsyncClient, url: str, query: str) -> datetime | None:
    try:
        answer = await http.get(f"{url}{query}")
        as_of = datetime.fromisoformat(answer.raise_for_status().json()["as_of"])
    except (httpx.HTTPError, ValueError, LookupError, TypeError):
        return None
    return as_of if as_of.tzinfo else None


async def _feeds(http: httpx.AsyncClient, places: Places, now: datetime) -> list[Finding]:
    found: list[dict[str, Any]] = []
    after: str | None = ""
    headers = {"Authorization": f"Bearer {places.key}"}
    url = f"{places.roles['ingest-api']}/v1/sources"
    try:
        while after is not None:
            answer = await http.get(url, params={"after": after}, headers=headers)
            page = answer.raise_for_status().json()
            found += page["items"]
            after = page.get("next")
    except httpx.HTTPStatusError as error:
        do = "Name the admin key: NEWS_ADMIN_KEY." if error.response.status_code in {401, 403} else "See ingest-api."
        return [Finding("feeds", "wrong", f"the sources cannot be read ({error.response.status_code})", do)]
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        return [Finding("feeds", "wrong", f"the sources cannot be read ({error})", "See ingest-api.")]
    return of_feeds(found, now)


async def _kafka(places: Places, now: datetime) -> list[Finding]:
    try:
        await check_topics(places.kafka, places.partitions)
        parked = await all_parked(places.kafka, places.partitions)
    except LogMismatchError as error:
        return [Finding("Kafka", "wrong", str(error), "Do what it says.")]
    except TransientError as error:
        do = "Start it, or say where it is: NEWS_KAFKA_BOOTSTRAP. On compose ask from inside: see --help."
        if places.on_compose:
            do = "See its log: docker compose logs kafka. Start it: docker compose up -d kafka"
        return [Finding("Kafka", "wrong", f"{places.kafka.bootstrap} does not answer: {error}", do)]
    letters = of_dead_letters((one.letter for one in parked), now)
    return [Finding("Kafka", "well", "it answers and has all topics"), *letters]


async def _redis(places: Places) -> Finding:
    try:
        async with open_redis(places.redis) as redis:
            await check_eviction(redis)
    except LogMismatchError as error:
        return Finding("Redis", "wrong", str(error), "Do what it says.")
    except TransientError as error:
        do = "Start it, or say where it is: NEWS_REDIS_URL."
        if places.on_compose:
            do = "See its log: docker compose logs redis. Start it: docker compose up -d redis"
        return Finding("Redis", "wrong", f"it does not answer: {error}", do)
    return Finding("Redis", "well", "it answers and keeps every key")


def _places(where: Sequence[str], key: str, ready_file: Path | None, compose: bool) -> Places:
    process = read_settings(ProcessSettings)
    kafka, redis = read_settings(KafkaSettings), read_settings(RedisSettings)
    if compose:
        roles = {role.name: f"http://{role.name}:8000" for role in ROLES}
    else:
        roles = {role.name: f"http://127.0.0.1:{_PORT_BASE + role.offset}" for role in ROLES}
        if "bootstrap" not in kafka.model_fields_set:  # nobody said where it is
            bootstrap = f"127.0.0.1:{_PORT_BASE + KAFKA_OFFSET}"
            kafka = KafkaSettings(bootstrap=bootstrap, transactions=False)
        if "url" not in redis.model_fields_set:
            redis = RedisSettings(url=f"redis://127.0.0.1:{_PORT_BASE + REDIS_OFFSET}/0")
    if ready_file is not None:
        try:
            ready = json.loads(ready_file.read_text(encoding="utf-8"))
            roles |= ready["roles"]
            key = ready["admin_key"]
            kafka = KafkaSettings(bootstrap=ready["kafka"], transactions=kafka.transactions)
            redis = RedisSettings(url=ready["redis"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            wanted = "Name the file that `newsfeed up --ready-file` wrote, while that runs."
            raise failure(f"{ready_file} cannot be read ({error}). {wanted}") from error
    own = read_settings(_Addresses).model_dump(exclude_none=True)
    roles |= {f"{name.removesuffix('_url')}-api": url for name, url in own.items()}
    for pair in where:
        name, equals, url = pair.partition("=")
        role = f"{name}-api" if name in PEERS else name
        if not equals or role not in roles:
            raise typer.BadParameter(f"{pair}: write ROLE=URL with one of {', '.join(roles)}")
        roles[role] = url
    return Places(
        {role: _address(role, url) for role, url in roles.items()},
        kafka,
        redis,
        process.partitions,
        key,
        on_compose=compose,
        for_commands=_ON_COMPOSE if compose else _for_commands(kafka, redis),
    )


def _for_commands(kafka: KafkaSettings, redis: RedisSettings) -> str:
    """Other commands know of servers only what the environment says, and nothing of `newsfeed up`."""
    if (kafka, redis) == (read_settings(KafkaSettings), read_settings(RedisSettings)):
        return ""
    told = {
        "NEWS_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "NEWS_KAFKA_TRANSACTIONS": str(kafka.transactions).lower(),
        "NEWS_REDIS_URL": without_password(redis.url),
    }
    words = " ".join(f"{name}={quote(value)}" for name, value in told.items())
    return f"So that other commands find these servers, first:\n  export {words}\n"


def _address(role: str, url: str) -> str:
    try:
        is_one = httpx.URL(url).scheme in {"http", "https"} and httpx.URL(url).host
    except httpx.InvalidURL:
        is_one = False
    if not is_one:
        raise typer.BadParameter(f"{role}={url}: that is no address; write for example {role}=http://127.0.0.1:8000")
    return url.rstrip("/")
