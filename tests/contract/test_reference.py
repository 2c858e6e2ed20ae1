"""The reference pages and the schemas that other people's programs rely on are those of the code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.contract.reference.curl_lines import EXEMPT, Call
from tests.contract.reference.events_page import shown
from tests.contract.reference.http_page import calls_of, is_public
from tests.contract.reference.markdown import anchor
from tests.contract.reference.openapi_documents import openapi_documents
from tests.contract.reference.pages import COMMAND, written
from tests.contract.reference.record_examples import Example, examples
from tests.contract.reference.record_schemas import SCHEMAS, schema_of

ROOT = Path(__file__).parents[2]
RECORDS = [record for of_topic in examples().values() for record in of_topic]


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return written()


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    return [call for name, document in openapi_documents().items() for call in calls_of(name, document)]


def test_the_committed_files_are_what_the_code_says(files: dict[str, str]) -> None:
    there = {path: (ROOT / path).read_text() if (ROOT / path).exists() else None for path in files}
    stale = [path for path, text in files.items() if there[path] != text]
    assert not stale, f"not what the code says any more, run: uv run {COMMAND}"


def test_every_published_schema_has_an_example() -> None:
    assert {path.name.removesuffix(".v1.json") for path in SCHEMAS.iterdir()} == {record.schema for record in RECORDS}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.title)
def test_an_example_of_a_record_fits_its_schema(record: Example) -> None:
    schema = schema_of(record.schema)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(shown(record))


@pytest.mark.parametrize("name", sorted({record.schema for record in RECORDS}))
def test_every_field_of_a_record_says_what_it_means(name: str) -> None:
    schema = schema_of(name)
    undescribed = [field for field, of in _fields(schema) if not of.get("description") and "$ref" not in of]
    assert undescribed == []


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {}).items()


def test_every_parameter_and_every_field_of_an_answer_says_what_it_means(calls: list[Call]) -> None:
    undescribed = [
        f"{call.name} {parameter['name']}"
        for call in calls
        for parameter in call.operation.get("parameters", ())
        if not parameter.get("description")
    ]
    undescribed += sorted(
        {
            f"{call.service} {name}.{field}"
            for call in calls
            for name, schema in call.schemas.items()
            for field, of in _fields(schema)
            if not of.get("description") and "$ref" not in of
        }
    )
    assert undescribed == []


def test_every_call_can_be_asked_at_the_one_origin_but_for_those_of_hubs(calls: list[Call]) -> None:
    assert {call.path for call in calls if call.service != "web" and not is_public(call)} == {
        "/v1/websub/{source}/{token}"  # hubs are given the address of the ingest API
    }


def test_exempt_lines_are_of_calls_that_there_are(calls: list[Call]) -> None:
    assert EXEMPT.keys() <= {call.name for call in calls}


@pytest.mark.parametrize("page", ["http", "events"])
def test_links_within_a_page_lead_somewhere(page: str, files: dict[str, str]) -> None:
    text = files[f"docs/reference/{page}.md"]
    there = [anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    assert len(there) == len(set(there))
    assert set(re.findall(r"\]\((#[^)]*)\)", text)) <= set(there)
