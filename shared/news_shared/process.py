"""How a process of ours lives: logs, the server, and background work that takes the process with it when it dies."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from time import monotonic
from types import FrameType
from typing import Protocol

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.lifespan.on import LifespanOn, LifespanSendMessage

from news_shared import crash_points
from news_shared.cancelling import cancel
from news_shared.errors import LogMismatchError, TransientError
from news_shared.settings import KafkaSettings, ProcessSettings
from news_shared.topics import check_topics

log = structlog.get_logger()

_OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""A request or a record makes hundreds to thousands of objects without cycles: at Python's 700 a tenth of the time goes
into looking at them."""

_serving = False
_at_stop: list[Callable[[], None]] = []


def setup_logging(settings: ProcessSettings, role: str) -> None:
    """Logs as events: readable and coloured on a terminal, one JSON object a line in production."""
    production = settings.log_format == "json"
    timestamp = structlog.processors.TimeStamper(fmt="iso" if production else "%H:%M:%S", utc=production)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        timestamp,
    ]
    # Tracebacks without the values of variables: among them are keys and addresses of readers.
    last: structlog.typing.Processor = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    if production:
        told = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        shared.append(structlog.processors.ExceptionRenderer(told))
        last = structlog.processors.JSONRenderer()
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Logger(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last], foreign_pre_chain=shared
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    # The client reports each reconnect as an error; our own lines say what it means for us.
    logging.getLogger("aiokafka").propagate = False
    structlog.contextvars.bind_contextvars(role=role)


class _Logger(structlog.PrintLogger):
    """Loses lines that cannot be written, as on a full disk: what they tell of goes on."""

    def msg(self, message: str) -> None:
        """Print it if that is possible; of `PrintLogger`."""
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def serve(app: ASGIApp, settings: ProcessSettings, *, protocol: type[asyncio.Protocol] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; no access log, because readers' addresses belong in no file.

    Args:
        app: what answers.
        settings: where, and how long to drain.
        protocol: of connections, in place of uvicorn's own on httptools.
    """
    global _serving  # one process, one server
    gc.freeze()  # what there is by now stays
    gc.set_threshold(max(_OBJECTS_BETWEEN_COLLECTIONS, gc.get_threshold()[0]))
    crash_points.arm(settings.crash_at)
    _serving = True
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        loop="uvloop",
        http=protocol or "httptools",
        proxy_headers=False,  # who is believed is NEWS_TRUSTED_PROXIES' affair
        server_header=False,
        timeout_graceful_shutdown=round(settings.drain_timeout.total_seconds()),
    )
    config.load()
    config.lifespan_class = _Lifespan
    server = _Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started and not server.should_exit:
        sys.exit(3)  # what uvicorn itself exits with when the start fails


class _Lifespan(LifespanOn):
    """One whose start can be given up: it may wait for Kafka for minutes, and uvicorn looks at signals after it."""

    is_given_up = False

    async def main(self) -> None:
        """Until the end of the process; of `LifespanOn`."""
        self._loop = asyncio.get_running_loop()
        self._work = asyncio.create_task(super().main(), name="lifespan")
        await asyncio.wait({self._work})

    def give_up_start(self) -> None:
        """End a start that is under way; may be called from a signal's handler."""
        if not self.startup_event.is_set():
            self.is_given_up = True
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        self._cancelling = asyncio.create_task(cancel([self._work]), name="end of the start")

    async def startup(self) -> None:
        """Wait until it has started or was given up; of `LifespanOn`."""
        await super().startup()
        self.should_exit |= self.is_given_up

    async def send(self, message: LifespanSendMessage) -> None:
        """Take what the application says; of `LifespanOn`. A start that was given up is no failure to be told."""
        if not self.is_given_up:
            await super().send(message)


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Told to stop; during the start too."""
        super().handle_exit(sig, frame)
        if not self.started and isinstance(lifespan := getattr(self, "lifespan", None), _Lifespan):
            lifespan.give_up_start()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; when told to stop meanwhile, end as after serving."""
        try:
            await super().startup(sockets)
        except SystemExit:
            if not self.should_exit:
                raise

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Before it waits for open answers: event streams never end by themselves."""
        for end in _at_stop:
            end()
        await super().shutdown(sockets)


@contextmanager
def at_stop(end: Callable[[], None]) -> Iterator[None]:
    """While the block runs, call ``end`` when this process is told to stop, before the server waits for open answers.

    The lifespan ends only after those, so what answers without an end must hear of it here.
    """
    _at_stop.append(end)
    try:
        yield
    finally:
        _at_stop.remove(end)


@asynccontextmanager
async def running(
    work: Coroutine[object, object, None], *, stop: Callable[[], None], name: str, drain: timedelta
) -> AsyncIterator[asyncio.Task[None]]:
    """Run ``work`` beside the block; at its end ask it to stop and wait for it as long as ``drain`` allows.

    A server without its background work looks healthy and is wrong: when the work dies, the process stops. A command
    that waits for the work has to look at the task.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_stop_process_on_failure)
    try:
        yield task
    finally:
        stop()
        try:
            async with asyncio.timeout(drain.total_seconds()):
                await asyncio.wait({task})
        except TimeoutError:
            log.warning("work did not stop in time and is cut off", work=name)
            await cancel([task])


class Work(Protocol):
    """Something that a process does without end, such as a `Projector`."""

    async def run(self) -> None:
        """Until asked to stop."""

    def request_stop(self) -> None:
        """Finish what is in hand and end `run`."""

    def unready(self) -> list[str]:
        """Why it is not done completely now; empty when all is well."""


class BackgroundWork:
    """What a process does beside answering: it is ready while all of it is."""

    def __init__(self, drain: timedelta) -> None:
        self._drain = drain
        self._parts: list[Work] = []

    def unready(self) -> list[str]:
        """Why not all of it is done now."""
        return [reason for part in self._parts for reason in part.unready()] if self._parts else ["starting"]

    @asynccontextmanager
    async def doing(self, work: Work, name: str) -> AsyncIterator[None]:
        """Do one more part of it beside the block; see `running`."""
        async with running(work.run(), stop=work.request_stop, name=name, drain=self._drain):
            self._parts.append(work)
            yield


def _stop_process_on_failure(task: asyncio.Task[None]) -> None:
    if task.cancelled() or (error := task.exception()) is None:
        return
    if _serving:  # not in a test or a command, whose own end this is not
        os.kill(os.getpid(), signal.SIGTERM)  # first: telling may fail
    log.error("background work died, the process stops", work=task.get_name(), exc_info=error)


async def wait_for_topics(
    kafka: KafkaSettings, partitions: int, *, patience: timedelta = timedelta(minutes=10)
) -> None:
    """Wait at the start until Kafka answers and the topics are there, with a line that says so.

    Raises:
        LogMismatchError: the topics have another number of partitions, or are still missing when patience ends.
        TransientError: Kafka does not answer when patience ends.
    """
    deadline = monotonic() + patience.total_seconds()
    said = ""
    while True:
        try:
            await check_topics(kafka, partitions)
            return
        except (TransientError, LogMismatchError) as error:
            if monotonic() > deadline or (isinstance(error, LogMismatchError) and "NEWS_PARTITIONS" in str(error)):
                raise
            if str(error) != said:
                said = str(error)
                log.info("waiting for Kafka", bootstrap=kafka.bootstrap, security=kafka.security_protocol, reason=said)
        await asyncio.sleep(0.25)
