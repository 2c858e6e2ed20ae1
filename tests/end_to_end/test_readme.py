"""The README's commands work as they stand there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.running_up import Up, newsfeed_up

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with newsfeed_up(tmp_path_factory.mktemp("up"), "--no-demo") as up:
        yield up


def commands() -> list[str]:
    """The curl lines, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ")
    joined = re.sub(r"'\{[^}]*\}'", lambda found: found[0].replace("\n", " "), lines)
    return [line for line in joined.splitlines() if line.startswith("curl ")]


def test_every_curl_line_is_answered_2xx(up: Up) -> None:
    assert len(commands()) >= 6
    for command in commands():
        for name, port in (("web", 8000), ("ingest", 8001)):
            command = command.replace(f"http://127.0.0.1:{port}", up.ready[name])
        for _ in range(50):  # what was published a moment ago reaches the projections in a moment
            answer = subprocess.run(
                ["bash", "-c", f"{command} -s -o /dev/null -w '%{{http_code}}'"], capture_output=True, text=True
            )
            if answer.stdout.startswith("2"):
                break
        assert answer.stdout.startswith("2"), f"{command}: {answer.stdout} {answer.stderr}"
