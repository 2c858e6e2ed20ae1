"""What the OpenAPI documents allow and what they do not, sent to running services: only documented answers, no 5xx.

Each service's operations get requests that fit the document and requests that do not, derived from a fixed seed. Set
``NEWS_FUZZ_EXAMPLES`` for more of them an operation and kind (default 5).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from news_ingest.formats.detection import BY_TYPE
from tests.testbed.backends import Backend
from tests.testbed.role import RoleProcess, Roles, running_roles
from tests.testbed.waiting import until

EXAMPLES = int(os.environ.get("NEWS_FUZZ_EXAMPLES", "5"))
CPU_SECONDS = 2.0
ADMIN = "Bearer dev"
NO_SUCH_PATH = "See /docs for what there is"
BACKGROUND = ("ingest-publisher", "views-projector", "related-linker", "feed-projector")
SERVICES = ("ingest-api", "views-api", "related-api", "feed-api")
FETCHES = {"/v1/sources/discover"}  # asks whatever server is named; tested with servers of its own
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
    with running_roles(backend, tmp_path_factory.mktemp("roles")) as roles:
        yield roles


@pytest.fixture(scope="module")
async def services(newsroom: Roles) -> dict[str, Service]:
    """The four APIs over a few published articles; pages' event streams last a second."""
    processes = {name: newsroom.make(name, NEWS_VIEWS_LIVE_LIFE="PT1S") for name in (*BACKGROUND, *SERVICES)}
    for process in processes.values():
        process.launch()
    for process in processes.values():
        await process.ready(seconds=90)
    async with httpx.AsyncClient(headers={"Authorization": ADMIN}, timeout=30, trust_env=False) as client:
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
    trouble: list[str] = []
    with requests.Session() as session:
        session.trust_env = False
        for found in service.document.get_all_operations():
            operation = found.ok()
            if operation.path not in FETCHES:
                for mode in schemathesis.GenerationMode:
                    try:
                        with suppress(Unsatisfiable):  # where every request fits, none is wrong
                            _fuzz(operation, mode, service.process, session)
                    except (AssertionError, BaseExceptionGroup) as error:
                        trouble.append(f"{operation.label}, {mode.value} request: {_said(error)}")
    assert not trouble, "\n\n".join(trouble)
    assert service.process.is_alive


def _fuzz(
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    mode: schemathesis.GenerationMode,
    process: RoleProcess,
    session: requests.Session,
) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case[Any]) -> None:
        if "authorization" in {name.lower() for name in case.headers}:
            case.headers["authorization"] = ADMIN
        server = psutil.Process(process.pid)
        before = _cpu(server)
        answer = session.request(**case.as_transport_kwargs(base_url=process.url), stream=True, timeout=60)
        with answer:
            if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                return  # lasts until its reader goes
            _ = answer.content
        assert _cpu(server) - before < CPU_SECONDS, case.as_curl_command()
        if answer.status_code >= 400:
            assert _is_problem(answer) or _is_picture(answer), (
                f"{answer.status_code} is no problem document: {answer.text[:300]}"
            )
        case.validate_response(
            answer,
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )

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
