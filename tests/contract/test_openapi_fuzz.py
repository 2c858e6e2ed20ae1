"""What the OpenAPI documents allow and what they do not, sent to running services: only documented answers, no 5xx.

Each service's operations get requests that fit the document and requests that do not, derived from a fixed seed. Set
``NEWS_FUZZ_EXAMPLES`` for more of them an operation and kind (default 2).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from news_ingest.formats.detection import BY_TYPE
from tests.testbed.backends import Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import RoleProcess, Roles, running_roles
from tests.testbed.waiting import until

EXAMPLES = int(os.environ.get("NEWS_FUZZ_EXAMPLES", "2"))
CPU_SECONDS = 2.0
ADMIN = "Bearer dev"
NO_SUCH_PATH = b"See /docs for what there is"
NO_HTTP = b"Invalid HTTP request received."  # says uvicorn, before any service is asked
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BACKGROUND = ("ingest-publisher", "views-projector", "related-linker", "feed-projector")
SERVICES = ("views-api", "related-api", "feed-api", "ingest-api")  # the last withdraws what the others show
FETCHES = {"/v1/sources/discover"}  # asks whatever server is named; tested with servers of its own
THERE = {"article": "s:n1", "other": "s:n2", "source": "s", "slug": "kyiv", "url": "https://a.example/3"}
ITEMS = [
    {"id": f"n{n}", "url": f"https://a.example/{n}", "title": f"News {n}", "tags": ["Kyiv"], "language": "en"}
    for n in range(5)
]


@schemathesis.serializer(*sorted(set(BY_TYPE) - {"application/json", "application/xml", "text/xml"}))
def _as_it_is(context: schemathesis.SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@dataclass
class Service:
    """A running API and the document that it gives of itself."""

    process: RoleProcess
    document: Any


@pytest.fixture(scope="module")
def newsroom(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    with running_roles(backend, tmp_path_factory.mktemp("roles"), warm=True) as roles:
        yield roles


@pytest.fixture(scope="module")
async def services(newsroom: Roles) -> dict[str, Service]:
    """The four APIs over a few published articles; pages' event streams last a second."""
    processes = {
        name: newsroom.make(name, NEWS_VIEWS_LIVE_LIFE="PT1S", NEWS_FEED_STREAM_LIFE="PT1S")
        for name in (*BACKGROUND, *SERVICES)
    }
    for process in processes.values():
        process.launch()
    for process in processes.values():
        await process.ready(seconds=90)
    async with plain_client(headers={"Authorization": ADMIN}, timeout=30) as client:
        await client.post(
            f"{processes['ingest-api'].url}/v1/articles?source=s", json=ITEMS, headers={"Prefer": "wait=20"}
        )
        feed = processes["feed-api"].url

        async def is_there() -> bool:
            return (await client.get(f"{feed}/v1/articles/s:n4")).status_code == 200

        await until(is_there, "the articles")
    return {
        name: Service(processes[name], schemathesis.openapi.from_url(f"{processes[name].url}/openapi.json"))
        for name in SERVICES
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_answers_whatever_comes_as_its_document_says(name: str, services: dict[str, Service]) -> None:
    service = services[name]
    operations = [found.ok() for found in service.document.get_all_operations()]
    operations.sort(key=lambda operation: operation.method == "delete")  # sources are there until all else was asked
    trouble: list[str] = []
    seen: set[int] = set()
    with requests.Session() as session:
        session.trust_env = False
        for operation in operations:
            if operation.path not in FETCHES:
                for mode in _modes(operation):
                    try:
                        with suppress(Unsatisfiable):  # where every request fits, none is wrong
                            _fuzz(operation, mode, service.process, session, seen)
                    except (AssertionError, BaseExceptionGroup) as error:
                        trouble.append(f"{operation.label}, {_said(error)}")
    assert not trouble, "\n\n".join(trouble)
    assert service.process.is_alive
    assert {200, 400, 422} <= seen, "requests of every kind should have come about"


def _modes(operation: schemathesis.APIOperation[Any, Any, Any, Any]) -> list[schemathesis.GenerationMode]:
    """A request that does not fit is looked for only where there may be one: in vain, that takes a second each."""
    nothing_is_wrong = not len(operation.body) and all(_takes_any_text(place) for place in operation.iter_parameters())
    return [schemathesis.GenerationMode.POSITIVE] if nothing_is_wrong else list(schemathesis.GenerationMode)


def _takes_any_text(place: Any) -> bool:
    """Whether a place of the path, or a header that may be left out, has no rule beyond being text."""
    schema = place.definition.get("schema", {})
    rules = [
        {key: one[key] for key in one if key not in ("title", "description")} for one in schema.get("anyOf", [schema])
    ]
    may_be_left_out = place.location == "header" and not place.definition.get("required")
    return (place.location == "path" or may_be_left_out) and {"type": "string"} in rules


def _fuzz(
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    mode: schemathesis.GenerationMode,
    process: RoleProcess,
    session: requests.Session,
    seen: set[int],
) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    def send(case: schemathesis.Case[Any], of_what_is_there: bool) -> None:
        case.headers["Authorization"] = ADMIN
        if of_what_is_there:
            case.path_parameters.update({name: THERE[name] for name in case.path_parameters if name in THERE})
            case.query.update({name: THERE[name] for name in ("article", "url") if name in case.query})
            if operation.path == "/v1/articles" and operation.method == "post":
                case.query["source"] = THERE["source"]
        server = psutil.Process(process.pid)
        before = _cpu(server)
        answer = session.request(**case.as_transport_kwargs(base_url=process.url), stream=True, timeout=60)
        with answer:
            if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                return  # lasts until its reader goes
            _ = answer.content
        asked = f"{mode.value} request {answer.request.method} {answer.request.url}: {answer.content[:300]!r}"
        assert _cpu(server) - before < CPU_SECONDS, asked
        seen.add(answer.status_code)
        if answer.content == NO_HTTP or (answer.status_code in {404, 405} and NO_SUCH_PATH in answer.content):
            return  # what stands for a part of the request led out of this operation
        if answer.status_code >= 400:
            assert _is_problem(answer) or _is_picture(answer), asked
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseExceptionGroup as errors:
            raise AssertionError(f"{asked}\n{_said(errors)}") from errors

    send()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _is_problem(answer: requests.Response) -> bool:
    if answer.headers.get("Content-Type") != "application/problem+json":
        return False
    body = answer.json()
    return bool(body["status"] == answer.status_code and body["detail"] and body["type"].startswith("/problems/"))


def _is_picture(answer: requests.Response) -> bool:
    """A picture is answered with a picture, so that no page shows a broken one; the document must say so."""
    return answer.headers.get("Content-Type", "").startswith("image/")


def _said(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(_said(one) for one in error.exceptions)
    return str(error)[:1500]
