"""NDJSON of any length is taken in bounded memory."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from news_ingest.intake import MAX_ITEMS_SHOWN, MAX_REJECTS_SHOWN, Terms
from news_shared.ndjson import Line, in_parts
from tests.ingest.hostile_documents import MORE_MEMORY
from tests.ingest.streamed_lines import BAD_LINES, LONG_LINES, SHORT_LINES


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_hundred_megabytes_of_lines_are_taken_in_bounded_memory() -> None:
    program = subprocess.run(
        [sys.executable, "-m", "tests.ingest.streamed_lines"], capture_output=True, timeout=280, text=True
    )
    assert program.returncode == 0, program.stderr[-2000:]
    said = json.loads(program.stdout)
    assert said.pop("more_bytes") < MORE_MEMORY
    assert said == {
        "accepted": SHORT_LINES,
        "shown": MAX_ITEMS_SHOWN,
        "rejected": LONG_LINES + BAD_LINES,
        "rejected shown": MAX_REJECTS_SHOWN,
    }


async def test_a_part_ends_with_so_many_lines_or_so_many_bytes() -> None:
    async def source() -> AsyncIterator[Line]:
        for index, line in enumerate([b"a" * 10, b"b" * 95, b"c", b"d", b"e", None]):
            yield index, line

    parts = [[index for index, _ in part] async for part in in_parts(source(), 3, 100)]
    assert parts == [[0, 1], [2, 3, 4], [5]]


def test_each_item_of_a_request_has_a_key_of_its_own_and_the_same_when_it_is_sent_again() -> None:
    terms = Terms("key", reply=False, trace=None)
    assert [terms.key_of(index) for index in (0, 1)] == ["key/0", "key/1"]
    assert Terms(None, reply=False, trace=None).key_of(0) is None
