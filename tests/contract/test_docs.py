"""Every command that the docs name is there, with its options, and so is every call of a curl line.

The curl lines of the README and of the HTTP reference are also run, see end_to_end. Those of other pages are not: they
ask a site that is made up, or for articles that nobody has.
"""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import typer.main

from news_web.public_paths import service_for
from newsfeed.__main__ import app
from tests.contract.reference.curl_lines import ADDRESSES, Call
from tests.contract.reference.http_page import calls_of
from tests.contract.reference.openapi_documents import openapi_documents
from tests.end_to_end.curl import curl_lines, method_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BEGINS = re.compile(r"(?:[A-Z_]+=\S+ )*(?:uv run |make |newsfeed |news-|docker compose )")
_CONTAINERS = set(re.findall(r"^  ([a-z-]+):$", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE))
_VERBS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def named_commands() -> list[str]:
    """Lines of shell blocks, and code in the text, that begin like a command of ours."""
    found: dict[str, None] = {}
    for page in PAGES:
        text = page.read_text()
        blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
        found |= dict.fromkeys(line for line in lines if _BEGINS.match(line))
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        found |= dict.fromkeys(code for code in re.findall(r"`([^`\n]+)`", prose) if _BEGINS.match(code))
    return list(found)


def test_what_the_example_of_env_sets_is_what_compose_takes_from_it_with_the_same_defaults() -> None:
    taken = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text()))
    example = re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert dict(example) == taken
    assert {"NEWS_FEED_TITLE", "NEWS_WEB_TITLE", "NEWS_LOG_LEVEL", "NEWS_INGEST_USER_AGENT"} <= taken.keys()


def test_the_docs_name_commands() -> None:
    assert len(named_commands()) > 20


@pytest.mark.parametrize("command", named_commands())
def test_a_command_that_the_docs_name_is_there(command: str) -> None:
    words = shlex.split(command, comments=True)
    while "=" in words[0]:
        words.pop(0)
    if words[:2] == ["uv", "run"]:
        words = words[2:]
        while words[0].startswith("--"):
            words = words[2:] if words[0] == "--with" else words[1:]
    match words:
        case ["make", *verbs]:
            assert {verb for verb in verbs if "=" not in verb} <= _VERBS
        case ["newsfeed", *rest]:
            _assert_is_of_the_command_line(rest)
        case ["python", "-m", module, *options]:
            assert find_spec(module) is not None
            if options:
                said = _said(sys.executable, "-m", module, "--help")
                assert {word for word in options if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", said))
        case ["pytest", *rest]:
            assert all((ROOT / word).exists() for word in rest if word.startswith("tests/"))
        case ["docker", "compose", verb, *rest]:
            _assert_is_of_compose(verb, rest)
        case [service, *roles] if service.startswith("news-"):
            assert "usage:" in _said(str(Path(sys.executable).with_name(service)), *roles, "--help")
        case _:
            pytest.fail(f"nobody knows what {words[0]} is")


def test_a_curl_line_asks_a_call_that_there_is() -> None:
    calls = [call for name, document in openapi_documents().items() for call in calls_of(name, document)]
    lines = [line for page in PAGES for line in curl_lines(page)]
    assert len(lines) > 60
    for line in lines:
        [address] = re.findall(r"https?://[^\s'\"]+", line.partition(" -H ")[0].partition(" -d ")[0])
        url = urlsplit(address)
        origin = f"{url.scheme}://{url.netloc}"
        asked = [call for call in calls if _is_asked(call, method_of(line), origin, url.path)]
        assert len(asked) == 1, f"there is no such call: {line}"
        known = {parameter["name"] for parameter in asked[0].operation.get("parameters", ())}
        assert parse_qs(url.query).keys() <= known, line


def _is_asked(call: Call, method: str, origin: str, path: str) -> bool:
    """Whether a request is this call's; every address that is not a service's own is the one origin's."""
    services = [name for name, address in ADDRESSES.items() if address == origin and name != "web"]
    service = services[0] if services else service_for(method, path) or "web"
    names = re.sub(r"\{\w+\}", "[^/]+", call.path)
    return call.service == service and call.method.upper() == method and re.fullmatch(names, path) is not None


def _said(*words: str) -> str:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _assert_is_of_compose(verb: str, words: list[str]) -> None:
    named = [word for word in words if word in _CONTAINERS]
    match verb:
        case "run":
            rest = words[words.index(named[0]) + 1 :]
            if named[0] != "topics":
                service = named[0].partition("-")[0]
                assert "usage:" in _said(str(Path(sys.executable).with_name(f"news-{service}")), *rest, "--help")
            else:
                _assert_is_of_the_command_line(rest)
        case "exec":
            assert words[0] in _CONTAINERS
        case "up" | "down" | "stop":
            assert [word for word in words if not word.startswith("-")] == named
        case _:
            pytest.fail(f"nobody knows what docker compose {verb} is")


def _assert_is_of_the_command_line(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)  # of the click that typer brings along
    while hasattr(command, "list_commands") and words and not words[0].startswith("--"):
        known = command.list_commands(None)
        assert words[0] in known, f"{command.name} has no {words[0]}, only {sorted(known)}"
        command = command.get_command(None, words.pop(0))
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options | {"--help"}
