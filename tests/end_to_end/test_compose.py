"""The whole path on docker compose: real Kafka with a volume, Redis with AOF, a container a role."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.journeys import Addresses, whole_path
from tests.testbed.ports import reserved_port

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.compose, pytest.mark.timeout(1500)]


def engine_answers() -> bool:
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def engine() -> None:
    """A container engine: the one that is there, else the one that $CONTAINER_ENGINE starts."""
    if engine_answers():
        return
    starter = os.environ.get("CONTAINER_ENGINE")
    if not starter:
        pytest.fail("no container engine answers, and CONTAINER_ENGINE names none to start")
    subprocess.run([starter, "up"], check=True)
    assert engine_answers()


@pytest.fixture(scope="module")
def compose(engine: None) -> Iterator[Addresses]:
    ports = {name: reserved_port() for name in ("WEB", "INGEST", "VIEWS", "RELATED", "FEED")}
    environment = {
        **os.environ,
        "COMPOSE_PROJECT_NAME": "newsfeed-test",
        "NEWS_ADMIN_KEY": "compose-test",
        "NEWS_ENV": "production",  # as an operator would run it
        **{f"{name}_PORT": str(port) for name, port in ports.items()},
    }

    def docker_compose(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(["docker", "compose", *arguments], cwd=ROOT, env=environment, check=False)

    try:
        started = docker_compose("up", "--build", "--wait", "--wait-timeout", "600")
        if started.returncode != 0:
            docker_compose("ps", "--all")
            docker_compose("logs", "--tail", "40")
            pytest.fail("docker compose up --build --wait failed; its lines are above")
        yield Addresses(
            f"http://127.0.0.1:{ports['WEB']}", f"http://127.0.0.1:{ports['INGEST']}", admin_key="compose-test"
        )
    finally:
        docker_compose("down", "--volumes", "--timeout", "10")


async def test_the_whole_path_on_compose(compose: Addresses) -> None:
    await whole_path(compose)
