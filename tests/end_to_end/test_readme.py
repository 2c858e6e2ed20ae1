"""The README's commands work as they stand there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.curl import assert_answered, curl_lines
from tests.end_to_end.running_up import Up, newsfeed_up

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with newsfeed_up(tmp_path_factory.mktemp("up"), "--no-demo") as up:
        yield up


def test_every_curl_line_is_answered_2xx(up: Up) -> None:
    commands = curl_lines(README)
    assert len(commands) >= 6
    for command in commands:
        assert_answered(command, up.ready)
