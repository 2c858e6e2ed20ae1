"""Worker processes: started late, replaced when they die, never blamed on the wrong text."""

import asyncio
import os
import signal
from datetime import timedelta

import psutil
import pytest

from news_related.embedding.model import Text
from news_related.embedding.workers import EmbeddingWorkers, open_workers
from news_shared.errors import PoisonError, TransientError
from tests.related.embedding_models import Doomed, Lengths, missing, too_large
from tests.testbed.waiting import until


def texts(*titles: str) -> list[Text]:
    return [Text(title, "", "en") for title in titles]


async def lengths(workers: EmbeddingWorkers, *titles: str) -> list[int]:
    return [int(embedding.int8[0]) for embedding in await workers.embed(texts(*titles))]


async def test_texts_come_back_in_their_order_from_processes_that_start_with_the_first_work() -> None:
    titles = ["x" * n for n in range(1, 11)]
    async with open_workers(2, Lengths) as workers:
        assert workers.pids == []
        assert await lengths(workers) == []
        assert workers.pids == []
        assert await lengths(workers, "one") == [3]
        assert len(workers.pids) == 1, "one piece of work needs one process"
        assert await lengths(workers, *titles) == list(range(1, 11))
        pids = workers.pids
        assert len(pids) == 2
    await until(lambda: not any(psutil.pid_exists(pid) for pid in pids), "the processes to end with their pool")


async def test_a_process_that_is_killed_is_replaced_and_its_work_done() -> None:
    async with open_workers(1, Lengths) as workers:
        assert await lengths(workers, "one") == [3]
        os.kill(workers.pids[0], signal.SIGKILL)
        first, second = await asyncio.gather(lengths(workers, "one", "four"), lengths(workers, "seven"))
        assert (first, second) == ([3, 4], [5])


async def test_a_text_that_kills_its_process_is_poison_and_those_beside_it_are_not() -> None:
    async with open_workers(1, Lengths) as workers:
        with pytest.raises(PoisonError, match="fatal"):
            await workers.embed(texts("one", "fatal"))
        assert await lengths(workers, "one") == [3]


async def test_where_a_harmless_text_kills_its_process_too_none_is_poison() -> None:
    async with open_workers(1, Doomed) as workers:
        with pytest.raises(TransientError, match="memory"):
            await workers.embed(texts("one"))


async def test_a_process_that_hangs_is_killed() -> None:
    async with open_workers(1, Lengths) as workers:
        assert await lengths(workers, "one") == [3]
        pid = workers.pids[0]
        workers.patience = timedelta(seconds=0.2)
        assert not workers.is_working
        hanging = asyncio.create_task(workers.embed(texts("endless")))
        await until(lambda: workers.is_working, "the work to be in hand")
        await until(lambda: not psutil.pid_exists(pid), "the one that hangs to be killed")
        hanging.cancel()


@pytest.mark.parametrize(("load", "why"), [(missing, "no engine for this machine"), (too_large, "memory")])
async def test_a_model_that_does_not_load_is_no_texts_fault(load: type[Lengths], why: str) -> None:
    async with open_workers(1, load) as workers:
        with pytest.raises(TransientError, match=why):
            await workers.embed(texts("one"))
