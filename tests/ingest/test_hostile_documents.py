"""Every document has an outcome or a reason, within two seconds and 100 MB more memory (a limit of its process)."""

import json
import subprocess
import sys

import pytest

from tests.ingest.hostile_documents import DOCUMENTS, MORE_MEMORY, MOST_SECONDS, Fate

pytestmark = pytest.mark.timeout(300)  # on a busy machine; what counts is CPU time


@pytest.fixture(scope="module")
def fates() -> dict[str, Fate]:
    program = subprocess.run(
        [sys.executable, "-m", "tests.ingest.hostile_documents"], capture_output=True, check=True, timeout=280
    )
    return {name: Fate(**fate) for name, fate in json.loads(program.stdout).items()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_read_or_refused_in_bounded_time_and_memory(name: str, fates: dict[str, Fate]) -> None:
    fate = fates[name]
    assert fate.outcome in {"items", "refused"}, fate
    assert fate.seconds < MOST_SECONDS, fate
    assert fate.more_bytes < MORE_MEMORY, fate
    assert "root:" not in fate.detail
