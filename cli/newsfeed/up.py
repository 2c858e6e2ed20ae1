"""``newsfeed up``: a whole newsfeed on this machine, its servers included, from one command."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import httpx
import typer
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_delay, wait_fixed

from news_shared.errors import LogMismatchError, TransientError
from news_shared.settings import KafkaSettings, ProcessSettings, read_settings
from news_shared.topics import create_topics
from newsfeed.demo import DemoError, has_no_articles, load_newsroom, write_vectors
from newsfeed.embedded import EmbeddedServerError, free_port, kafka_answers, kafka_command, redis_answers, redis_command
from newsfeed.launchers import Launchers
from newsfeed.ready_file import ready_file as open_ready_file
from newsfeed.roles import ROLES, Places, Role, choose_places, role_environment, shared_environment
from newsfeed.supervisor import Program, ProgramFailedError, Supervisor
from newsfeed.up_screen import Screen

_ROLES_GRACE = timedelta(seconds=2.5)  # of each of three stages: a stop may take ten seconds in all
_SERVERS_GRACE = timedelta(seconds=1)  # they have nothing to save


@dataclass(frozen=True)
class _Plan:
    """What was asked for, and where it will be."""

    places: Places
    kafka: KafkaSettings
    process: ProcessSettings
    demo: bool
    ready_file: Path | None

    @property
    def admin_key(self) -> str:
        return self.process.admin_key.get_secret_value()


def up(
    no_demo: bool = typer.Option(False, "--no-demo", help="Start without the sample newsroom."),
    port_base: int = typer.Option(
        8000, min=1024, max=65000, help="Port of the web; the others follow. One that is taken is replaced."
    ),
    kafka: str | None = typer.Option(None, metavar="HOST:PORT", help="A Kafka of yours instead of the embedded one."),
    redis: str | None = typer.Option(None, metavar="URL", help="A Redis of yours instead of the embedded one."),
    ready_file: Path | None = typer.Option(
        None, help="Write addresses and process ids there, as JSON, when all is ready.", dir_okay=False
    ),
) -> None:
    """Start everything on this machine. Ctrl-C stops it."""
    screen = Screen()
    try:
        plan = _make_plan(port_base, kafka, redis, demo=not no_demo, ready_file=ready_file)
        asyncio.run(_run(plan, screen))
    except (ProgramFailedError, EmbeddedServerError, LogMismatchError, TransientError) as error:
        screen.fail(str(error))
        raise typer.Exit(1) from error


def _make_plan(port_base: int, kafka: str | None, redis: str | None, *, demo: bool, ready_file: Path | None) -> _Plan:
    places = choose_places(
        port_base=port_base,
        kafka=kafka,
        redis=redis,
        host=read_settings(ProcessSettings).host,
        free_port=free_port,
    )
    os.environ.update(shared_environment(places, os.environ))  # noqa: TID251  # what we and every role read from now on
    return _Plan(places, read_settings(KafkaSettings), read_settings(ProcessSettings), demo, ready_file)


async def _run(plan: _Plan, screen: Screen) -> None:
    """Keep everything running until we are told to stop."""
    keeping = asyncio.create_task(_keep_running(plan, screen), name="newsfeed up")
    stop = _Stop(keeping, screen)
    screen.on_lost = lambda: stop.ask("nobody reads what this writes; stopping")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.asked_by_signal)
    watching = asyncio.create_task(_stop_with_launchers(stop), name="watch uv and make")
    try:
        await keeping
    except asyncio.CancelledError:
        screen.stopped()
    finally:
        watching.cancel()


class _Stop:
    """Stops once in good order; a person who asks again is in a hurry."""

    def __init__(self, keeping: "asyncio.Task[None]", screen: Screen) -> None:
        self._keeping = keeping
        self._screen = screen
        self._asked_at: float | None = None

    def asked_by_signal(self) -> None:
        if self._asked_at is None:
            self.ask("told to stop; once more kills")
        elif monotonic() - self._asked_at > 1:  # uv may pass on what the terminal has sent to all of us already
            os._exit(1)  # the guard of our children kills them

    def ask(self, why: str) -> None:
        if self._asked_at is None:
            self._asked_at = monotonic()
            self._screen.say(why)
            self._keeping.cancel()


async def _stop_with_launchers(stop: _Stop) -> None:
    launchers = Launchers()
    while not launchers.are_gone():  # noqa: ASYNC110  # nobody sets an event for the end of a parent
        await asyncio.sleep(0.5)
    stop.ask("the uv or make that started this is gone; stopping")


async def _keep_running(plan: _Plan, screen: Screen) -> None:
    """Start everything and keep it so; stops it in reverse when cancelled or when it cannot go on."""
    async with AsyncExitStack() as stack:
        ready = stack.enter_context(open_ready_file(plan.ready_file, plan.places, plan.admin_key))
        supervisor = Supervisor(screen.line, on_restart=lambda: ready.rewrite(supervisor.pids))
        screen.starting(plan.places)
        await stack.enter_async_context(supervisor.running(_servers(plan.places), grace=_SERVERS_GRACE))
        await _create_topics(plan, screen)
        loads_newsroom = plan.demo and await _prepare_newsroom(plan, screen)
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=2, trust_env=False))
        await stack.enter_async_context(supervisor.running(*_stages(plan.places, client), grace=_ROLES_GRACE))
        ready.write(supervisor.pids)
        screen.ready(plan.places, plan.admin_key)
        if loads_newsroom:
            await _load_newsroom(plan, screen)
        await supervisor.wait()


def _servers(places: Places) -> list[Program]:
    servers = []
    if places.kafka_is_ours:
        port = int(places.kafka.rpartition(":")[2])
        answers = _asked(kafka_answers, port)
        servers.append(Program("kafka", kafka_command(port), os.environ, answers, restarts=False))  # noqa: TID251
    if places.redis_is_ours:
        port = int(places.redis.rpartition(":")[2].partition("/")[0])
        # An empty Redis is filled again from Kafka, so this one may die.
        servers.append(Program("redis", redis_command(port), os.environ, _asked(redis_answers, port)))  # noqa: TID251
    return servers


def _asked(answers: Callable[[int], bool], port: int) -> Callable[[], Awaitable[bool]]:
    async def is_ready() -> bool:
        try:
            return await asyncio.to_thread(answers, port)
        except OSError:
            return False

    return is_ready


def _stages(places: Places, client: httpx.AsyncClient) -> list[list[Program]]:
    return [
        [_program(role, places, client) for role in ROLES if role.stage == stage]
        for stage in ("writers", "doors", "pages")
    ]


def _program(role: Role, places: Places, client: httpx.AsyncClient) -> Program:
    async def is_ready() -> bool:
        try:
            answer = await client.get(f"{places.url(role.name)}/readyz")
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    return Program(role.name, role.command, role_environment(role, places, os.environ), is_ready)  # noqa: TID251


async def _create_topics(plan: _Plan, screen: Screen) -> None:
    def say(state: RetryCallState) -> None:
        if state.attempt_number == 1:
            screen.say(f"waiting for Kafka at {plan.places.kafka}")

    @retry(
        retry=retry_if_exception_type(TransientError),
        wait=wait_fixed(0.5),
        stop=stop_after_delay(60),
        before_sleep=say,
        reraise=True,
    )
    async def create() -> None:
        await create_topics(plan.kafka, plan.process.partitions)

    await create()


async def _prepare_newsroom(plan: _Plan, screen: Screen) -> bool:
    """Write what must be there before roles start; whether the sample newsroom is to be loaded: nothing else is."""
    try:
        if not await has_no_articles(plan.kafka, plan.process.partitions):
            return False
        await write_vectors(plan.kafka, plan.process.partitions)
    except TransientError as error:
        screen.say(f"the sample newsroom could not be prepared: {error}")
        return False
    return True


async def _load_newsroom(plan: _Plan, screen: Screen) -> None:
    """Load the sample newsroom; without it everything works as well."""
    try:
        loaded = await load_newsroom(plan.places.url("ingest-api"), plan.admin_key, datetime.now(UTC))
        screen.say(f"loaded the sample newsroom, {loaded} articles; --no-demo starts without it")
    except DemoError as error:
        screen.say(f"the sample newsroom could not be loaded: {error}")
