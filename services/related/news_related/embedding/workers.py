"""Processes that embed, so that no heartbeat waits for a model: started when the first text comes, replaced when dead.

Each has the model to itself (some 50 MB, half of it shared between them) and one piece of work at a time, so that a
death is known to be that of the texts it had in hand.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from multiprocessing import get_context
from typing import TypeVar

import structlog

from news_related.embedding.model import Embedder, Embedding, Text
from news_related.embedding.process import Model, embed_here, load_here, tie_to_parent
from news_shared.errors import PoisonError, TransientError

log = structlog.get_logger()
R = TypeVar("R")

_TEXTS_AT_ONCE = 4  # some 0.3 s: what a stop waits for, and what is lost with a process
_ATTEMPTS = 2  # of a text alone, after the death with those beside it
_HARMLESS = Text("What is known to do no harm", "As long as most texts, so that it needs as much memory. " * 5, "en")


class EmbeddingWorkers:
    """A fixed number of processes, each started at its first use. Make it with `open_workers`."""

    def __init__(self, count: int, load: Callable[[], Model], *, patience: timedelta) -> None:
        self.patience = patience
        self._workers = [_Worker(self, load) for _ in range(count)]
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()  # the last used first: others are not started
        for worker in reversed(self._workers):
            self._idle.put_nowait(worker)

    async def embed(self, texts: Sequence[Text]) -> list[Embedding]:
        """The embeddings of some texts, in their order; waits while all processes have work.

        Raises:
            PoisonError: a text ended the process that embedded it, three times, and a harmless one does not.
            TransientError: no process can be started, the model does not load there, or dies of any text.
        """
        pieces = [texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE)]
        done = await asyncio.gather(*map(self._embed, pieces), return_exceptions=True)
        found: list[Embedding] = []
        for embeddings in done:
            if isinstance(embeddings, BaseException):
                raise embeddings
            found += embeddings
        return found

    async def close(self) -> None:
        """End the processes."""
        await asyncio.gather(*(worker.end() for worker in self._workers))

    @property
    def is_working(self) -> bool:
        """Whether a process has work in hand; it is killed when a piece takes longer than `patience`."""
        return self._idle.qsize() < len(self._workers)

    @property
    def pids(self) -> list[int]:
        """Of the processes that were started."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    async def _embed(self, texts: Sequence[Text]) -> list[Embedding]:
        worker = await self._idle.get()
        try:
            return await worker.embed(texts)
        finally:
            self._idle.put_nowait(worker)


@asynccontextmanager
async def open_workers(
    count: int, load: Callable[[], Model] = Embedder, *, patience: timedelta = timedelta(minutes=1)
) -> AsyncIterator[EmbeddingWorkers]:
    """Workers for the block; none is started before there is work.

    Args:
        count: processes at the most.
        load: makes the model, in each process once; a function or class of a module.
        patience: for a piece of work of four texts, or for the start of a process; one that takes longer is killed.
    """
    workers = EmbeddingWorkers(count, load, patience=patience)
    try:
        yield workers
    finally:
        await workers.close()


class _Worker:
    """One process and its successors."""

    def __init__(self, pool: EmbeddingWorkers, load: Callable[[], Model]) -> None:
        self._pool = pool
        self._load = load
        self._executor: ProcessPoolExecutor | None = None
        self.pid: int | None = None

    async def embed(self, texts: Sequence[Text]) -> list[Embedding]:
        try:
            return await self._run(embed_here, texts)
        except BrokenProcessPool:
            return [embedding for text in texts for embedding in await self._embed_alone(text)]

    async def end(self) -> None:
        """Kill the process: it holds nothing that could be lost."""
        executor, self._executor = self._executor, None
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.pid = None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    async def _embed_alone(self, text: Text) -> list[Embedding]:
        for _ in range(_ATTEMPTS):
            with suppress(BrokenProcessPool):
                return await self._run(embed_here, [text])
        try:
            await self._run(embed_here, [_HARMLESS])
        except BrokenProcessPool as error:  # not the fault of the text
            raise TransientError("a process that embeds dies of any text; is memory short?") from error
        raise PoisonError(f"embedding the text of {text.title[:80]!r} ended its process {1 + _ATTEMPTS} times")

    async def _run(self, work: Callable[[Sequence[Text]], R], texts: Sequence[Text]) -> R:
        executor = self._executor or await self._start()
        try:
            return await self._wait_for(executor, work, texts)
        except BrokenProcessPool:
            log.warning("a process that embeds died and is replaced", pid=self.pid)
            await self.end()
            raise

    async def _start(self) -> ProcessPoolExecutor:
        executor = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=tie_to_parent)
        self._executor = executor
        try:
            self.pid = await self._wait_for(executor, os.getpid)
            await self._wait_for(executor, load_here, self._load)
        except BrokenProcessPool as error:  # not the fault of a text
            await self.end()
            raise TransientError("a process that embeds died while it loaded the model; is memory short?") from error
        except BaseException:
            await self.end()
            raise
        return executor

    async def _wait_for(self, executor: ProcessPoolExecutor, work: Callable[..., R], *arguments: object) -> R:
        seconds = self._pool.patience.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(executor, work, *arguments)
        except TimeoutError as error:
            raise BrokenProcessPool(f"no answer within {seconds:.0f} s") from error
