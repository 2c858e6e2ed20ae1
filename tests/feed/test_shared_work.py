"""Who asks at the same moment shares the work, and nobody gets an old answer."""

import asyncio

from news_feed.shared_work import SharedWork


async def test_what_many_ask_for_is_done_once_and_then_anew() -> None:
    done, go = [0], asyncio.Event()
    work: SharedWork[bytes] = SharedWork()

    async def count() -> bytes:
        await go.wait()
        done[0] += 1
        return b"%d" % done[0]

    asking = [asyncio.create_task(work.once("a", count)) for _ in range(20)]
    other = asyncio.create_task(work.once("b", count))
    await asyncio.sleep(0)
    asking.pop(0).cancel()  # the one who asked first leaves
    go.set()
    assert set(await asyncio.gather(*asking)) == {b"1"}
    assert await other == b"2"
    assert await work.once("a", count) == b"3"


async def test_an_error_is_everybodys_and_is_forgotten() -> None:
    tries = [0]
    work: SharedWork[bytes] = SharedWork()

    async def fail_once() -> bytes:
        tries[0] += 1
        await asyncio.sleep(0)
        if tries[0] == 1:
            raise ValueError("once")
        return b"well"

    failed = await asyncio.gather(*(work.once("a", fail_once) for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in failed] == ["once"] * 3
    assert await work.once("a", fail_once) == b"well"
