"""What logs say of an error: where it came from, and nothing of the values that were in hand."""

import subprocess
import sys

import pytest

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
