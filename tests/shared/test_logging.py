"""What logs say of an error: where it came from, and nothing of the values that were in hand; and that work goes on
where nothing can be written."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from news_shared import process

_PROGRAM = """
import logging, structlog, sys
from news_shared.process import setup_logging
from news_shared.settings import ProcessSettings
setup_logging(ProcessSettings(log_format=sys.argv[1]), "tests")
def answer(authorization):
    raise RuntimeError("a bug")
try:
    answer("Bearer " + "-".join(["very", "secret"]))
except RuntimeError as error:
    if sys.argv[2] == "ours":
        structlog.get_logger().error("it failed", exc_info=error)
    else:
        logging.getLogger("uvicorn.error").error("it failed", exc_info=error)
"""


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("logger", ["ours", "a library's"])
def test_a_traceback_tells_no_values(form: str, logger: str) -> None:
    command = [sys.executable, "-c", _PROGRAM, form, logger]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "a bug" in said
    assert "answer" in said, "the traceback is there"
    assert "very-secret" not in said
    assert len(said.splitlines()) < 40


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is full")
def test_what_cannot_be_written_is_lost_and_work_goes_on(form: str) -> None:
    program = f"{_PROGRAM}\nprint('went on')"
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", program, form, "ours"]
        assert subprocess.run(command, stdout=subprocess.PIPE, stderr=full, text=True).stdout == "went on\n"


async def test_a_process_whose_work_died_stops_also_when_that_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        raise RuntimeError("a bug")

    kill = Mock()
    monkeypatch.setattr(process, "_serving", True)
    monkeypatch.setattr(process, "log", Mock(error=Mock(side_effect=ValueError("closed"))))
    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(asyncio.get_running_loop(), "call_exception_handler", Mock())  # what the callback raises
    async with process.running(work(), stop=Mock(), name="work", drain=timedelta(seconds=1)) as task:
        await asyncio.wait({task})
    kill.assert_called_once_with(os.getpid(), signal.SIGTERM)
