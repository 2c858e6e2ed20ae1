"""Where roles listen and what they are told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsfeed.ready_file import ready_file
from newsfeed.roles import PEERS, ROLES, Places, choose_places, role_environment, shared_environment, without_password


def places(*, kafka: str | None = None, redis: str | None = None, host: str = "127.0.0.1", base: int = 8000) -> Places:
    return choose_places(port_base=base, kafka=kafka, redis=redis, host=host, free_port=lambda preferred: preferred)


def test_the_pages_and_the_apis_have_the_documented_ports() -> None:
    assert [places().url(name) for name in ("web", "ingest-api", "views-api", "related-api", "feed-api")] == [
        f"http://127.0.0.1:{port}" for port in range(8000, 8005)
    ]


def test_no_two_listen_on_one_port() -> None:
    here = places(base=9000)
    ports = [*here.ports.values(), int(here.kafka.rpartition(":")[2]), int(here.redis[:-2].rpartition(":")[2])]
    assert len(set(ports)) == len(ROLES) + 2


def test_the_embedded_broker_is_used_without_transactions_and_another_one_as_the_user_says() -> None:
    assert shared_environment(places(), {})["NEWS_KAFKA_TRANSACTIONS"] == "false"
    assert "NEWS_KAFKA_TRANSACTIONS" not in shared_environment(places(kafka="k:9092"), {})
    assert shared_environment(places(kafka="k:9092"), {})["NEWS_KAFKA_BOOTSTRAP"] == "k:9092"


def test_what_is_exported_for_a_cluster_does_not_reach_the_embedded_broker() -> None:
    exported = {
        "NEWS_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "NEWS_KAFKA_SSL_CAFILE": "/ca.pem",
        "NEWS_KAFKA_REPLICATION": "3",
    }
    told = shared_environment(places(), exported)
    assert [told[name] for name in exported] == ["PLAINTEXT", "", "1"]
    assert exported.items() <= shared_environment(places(kafka="k:9092"), exported).items()


def test_a_password_is_not_shown() -> None:
    assert without_password("redis://:secret@[::1]:6379/0?x=1") == "redis://:***@[::1]:6379/0?x=1"
    assert without_password("rediss://me:a:b@host/0") == "rediss://me:***@host/0"
    assert without_password("redis://host:6379/0") == "redis://host:6379/0"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_the_screen_shows_no_password_and_needs_no_encoding(encoding: str) -> None:
    program = (
        "from newsfeed.roles import choose_places; from newsfeed.up_screen import Screen;"
        "there = choose_places(port_base=8000, kafka=None, redis='redis://:secret@h:1/0', host='::', free_port=int);"
        "screen = Screen(); screen.starting(there); screen.line('web', '“…” │'); screen.ready(there, 'k')"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert b"secret" not in run.stdout
    assert run.stdout.count(b"redis://:***@h:1/0") == 2


def test_what_the_user_set_is_passed_on_but_not_where_the_servers_are() -> None:
    given = {
        "NEWS_ADMIN_KEY": "mine",
        "NEWS_VIEWS_SESSION": "PT1M",
        "NEWS_KAFKA_BOOTSTRAP": "elsewhere:9092",
        "NEWS_PORT": "1",
        "PATH": "/bin",
    }
    web = next(role for role in ROLES if role.name == "web")
    told = role_environment(web, places(), given)
    assert told["NEWS_ADMIN_KEY"] == "mine"
    assert told["NEWS_VIEWS_SESSION"] == "PT1M"
    assert told["PATH"] == "/bin"
    assert told["NEWS_KAFKA_BOOTSTRAP"] == "127.0.0.1:8092"
    assert told["NEWS_PORT"] == "8000"
    assert [told[f"NEWS_WEB_{peer.upper()}_URL"] for peer in PEERS] == [
        f"http://127.0.0.1:{port}" for port in (8001, 8002, 8003, 8004)
    ]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://127.0.0.1:8000"),
        ("10.1.2.3", "http://10.1.2.3:8000"),
        ("fe80::1", "http://[fe80::1]:8000"),
    ],
)
def test_an_address_is_one_that_this_machine_can_ask(host: str, url: str) -> None:
    assert places(host=host).url("web") == url


def test_the_ready_file_follows_the_process_ids_and_goes_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    path.write_text("of another run")
    pids = {role.name: number for number, role in enumerate(ROLES)}
    with ready_file(path, places(), "dev") as file:
        file.rewrite(pids)
        assert not path.exists(), "it is there only when all is ready"
        file.write(pids)
        content = json.loads(path.read_text())
        assert content["pids"] == pids
        assert content["feed"] == "http://127.0.0.1:8004"
        assert content["redis"] == "redis://127.0.0.1:8079/0"
        file.rewrite(pids | {"web": 77})
        assert json.loads(path.read_text())["pids"]["web"] == 77
        assert path.stat().st_mode & 0o777 == 0o600, "the admin key is in it"
    assert list(tmp_path.iterdir()) == []
