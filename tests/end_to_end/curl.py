"""The curl lines of the docs, run against a running newsfeed."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PORTS = {"web": 8000, "ingest": 8001, "views": 8002, "related": 8003, "feed": 8004}
_ENDS_A_STREAM = 28
"""curl's exit code for ``--max-time``."""


def curl_lines(page: Path) -> list[str]:
    """The commands of a page's shell blocks, in order, each in one line."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ")
    joined = re.sub(r"'\{[^}]*\}'", lambda found: found[0].replace("\n", " "), lines)
    return [line for line in joined.splitlines() if line.startswith("curl ")]


def method_of(command: str) -> str:
    """What curl asks with."""
    said = re.search(r" -X (\w+)", command)
    return said[1] if said else "POST" if re.search(r" (-d|--data[\w-]*) ", command) else "GET"


def assert_answered(command: str, addresses: Mapping[str, Any]) -> None:
    """Run a line at a running newsfeed's addresses until it is answered 2xx.

    What was published a moment ago reaches the projections in a moment; a stream is read for a second.
    """
    for name, port in PORTS.items():
        command = command.replace(f"http://127.0.0.1:{port}", addresses[name])
    limit = " --max-time 1" if " -N " in command else ""
    for _ in range(50):
        answer = subprocess.run(
            ["bash", "-c", f"{command} -s -o /dev/null -w '%{{http_code}}'{limit}"], capture_output=True, text=True
        )
        if answer.stdout.startswith("2"):
            break
    assert answer.stdout.startswith("2"), f"{command}: {answer.stdout} {answer.stderr}"
    assert answer.returncode in {0, _ENDS_A_STREAM}
