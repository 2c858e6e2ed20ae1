"""Programs that are kept alive: started in order, restarted when they die, stopped in reverse.

Knows nothing of news. Each program is a tethered child with a session of its own, so that Ctrl-C reaches us alone and
we decide the order in which they stop.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any, NoReturn

from news_shared.cancelling import pause
from newsfeed import tether

Show = Callable[[str, str], None]
"""Takes the name of a program and a line that it wrote, or that we write about it."""

_LONGEST_LINE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Program:
    """What to run and how to know that it works."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    is_ready: Callable[[], Awaitable[bool]]
    restarts: bool = True
    """False: what it held is lost with it, so its death is the end of everything."""


@dataclass(frozen=True)
class Patience:
    """How long the supervisor waits for what."""

    first_delay: timedelta = timedelta(milliseconds=200)
    """Before the first restart; doubled for each one after it."""
    longest_delay: timedelta = timedelta(seconds=5)
    forgiven_after: timedelta = timedelta(seconds=30)
    """A program that lived so long starts with the first delay again."""
    attempts_to_be_ready: int = 5
    """A program that ends so often before it was ever ready has something wrong that a restart does not mend."""
    ready: timedelta = timedelta(seconds=120)
    ask_every: timedelta = timedelta(milliseconds=200)
    """Whether a program is ready yet."""
    look_every: timedelta = timedelta(milliseconds=50)
    """Whether a program has ended."""


class ProgramFailedError(Exception):
    """A program cannot be kept running; the message says which and what to do."""


class Supervisor:
    """Keeps programs alive and says when one cannot be."""

    def __init__(self, show: Show, *, on_restart: Callable[[], None], patience: Patience | None = None) -> None:
        """Use ``show`` for every line; ``on_restart`` is called when a program runs anew under another process id."""
        self._show = show
        self._on_restart = on_restart
        self._patience = patience or Patience()
        self._kept: dict[str, _Kept] = {}
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name; a program that waits for its restart has the id that it had."""
        return {name: kept.pid for name, kept in self._kept.items()}

    @asynccontextmanager
    async def running(self, *stages: Sequence[Program], grace: timedelta) -> AsyncIterator[None]:
        """Start the programs at once, wait until all are ready, keep them alive during the block, then stop them.

        Args:
            stages: the last one stops first; the programs of one stage stop side by side.
            grace: of each stage, between SIGTERM and SIGKILL.

        Raises:
            ProgramFailedError: one of them could not be started.
        """
        kept = [
            [_Kept(program, self._show, self._on_restart, self._fail, self._patience) for program in stage]
            for stage in stages
        ]
        self._kept |= {one.program.name: one for stage in kept for one in stage}
        try:
            for stage in kept:
                for one in stage:
                    one.start()
            await self._or_failure(_all_ready([one for stage in kept for one in stage]))
            yield
        finally:
            for stage in reversed(kept):
                await asyncio.gather(*(one.stop(grace) for one in stage))
                for one in stage:
                    del self._kept[one.program.name]

    async def wait(self) -> NoReturn:
        """Wait until a program cannot be kept alive any more.

        Raises:
            ProgramFailedError: which program, and why.
        """
        await asyncio.shield(self._failure)
        raise AssertionError("unreachable: this future only ever fails")

    async def _or_failure(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.ensure_future(work)
        try:
            either: set[asyncio.Future[Any]] = {task, self._failure}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                self._failure.result()
            await task
        finally:
            task.cancel()
            await asyncio.wait({task})

    def _fail(self, error: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # looked at, so that asyncio does not complain when nobody waits any more


async def _all_ready(kept: "Sequence[_Kept]") -> None:
    for one in kept:  # they come up side by side; only we look at one after the other
        await one.wait_ready()


class _Kept:
    """One program, kept alive."""

    def __init__(
        self,
        program: Program,
        show: Show,
        on_restart: Callable[[], None],
        fail: Callable[[BaseException], None],
        patience: Patience,
    ) -> None:
        self.program = program
        self.pid = 0
        self._show = show
        self._on_restart = on_restart
        self._fail = fail
        self._patience = patience
        self._stopping = asyncio.Event()
        self._was_ready = False
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")
        self._task.add_done_callback(self._report)

    async def wait_ready(self) -> None:
        deadline = monotonic() + self._patience.ready.total_seconds()
        while not (self.pid and await self.program.is_ready()):
            if monotonic() > deadline:
                raise ProgramFailedError(
                    f"{self.program.name} was not ready after {self._patience.ready.total_seconds():.0f} s; "
                    "its lines above may say why."
                )
            await asyncio.sleep(self._patience.ask_every.total_seconds())
        self._was_ready = True

    async def stop(self, grace: timedelta) -> None:
        self._stopping.set()
        if self._task is None:
            return
        if self._process is not None:
            self._signal(signal.SIGCONT)  # one that was frozen would not hear the next
            self._signal(signal.SIGTERM)
        done, _ = await asyncio.wait({self._task}, timeout=grace.total_seconds())
        if not done:
            self._show(self.program.name, f"does not stop within {grace.total_seconds():g} s and is killed")
            self._signal(signal.SIGKILL)
            await asyncio.wait({self._task})

    def _report(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _keep(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = monotonic()
            how = await self._run_once()
            if self._stopping.is_set():
                return
            if not self.program.restarts:
                raise ProgramFailedError(f"{self.program.name} {how}, and what it held is lost. Start again.")
            if monotonic() - began > self._patience.forgiven_after.total_seconds():
                failures = 0
            failures += 1
            if not self._was_ready and failures >= self._patience.attempts_to_be_ready:
                raise ProgramFailedError(
                    f"{self.program.name} {how}, {failures} times without ever being ready; its lines above say why."
                )
            delay = min(self._patience.first_delay * 2 ** min(failures - 1, 16), self._patience.longest_delay)
            self._show(self.program.name, f"{how}; started again in {delay.total_seconds():g} s")
            await pause(delay.total_seconds(), unless=self._stopping)

    async def _run_once(self) -> str:
        """Run the program to its end and say how it ended."""
        ours, theirs = os.pipe()
        try:
            process = self._process = tether.start(
                self.program.command, output=theirs, environment=self.program.environment
            )
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        is_restart = self.pid != 0
        self.pid = process.pid
        if is_restart:
            self._on_restart()
        lines = asyncio.create_task(_show_lines(ours, lambda line: self._show(self.program.name, line)))
        # Not asyncio's own subprocess: its wait() lasts as long as a grandchild holds the output open.
        while process.poll() is None:  # noqa: ASYNC110  # nobody sets an event for the end of a process
            await asyncio.sleep(self._patience.look_every.total_seconds())
        with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group without a living member
            os.killpg(process.pid, signal.SIGKILL)  # what it started and left behind
        tether.release(process.pid)
        await asyncio.wait({lines}, timeout=1)  # a descendant in a session of its own may hold the pipe open
        lines.cancel()
        self._process = None
        code = process.returncode
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


async def _show_lines(pipe: int, show: Callable[[str], None]) -> None:
    """Show what comes through a pipe line by line until it closes; a line that is too long comes in pieces."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", 0)
    )
    rest = b""
    try:
        while chunk := await reader.read(_LONGEST_LINE_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE_BYTES:
                lines, rest = [*lines, rest], b""
            for line in lines:
                show(line.decode(errors="replace").rstrip("\r"))
        if rest:
            show(rest.decode(errors="replace"))
    finally:
        transport.close()
