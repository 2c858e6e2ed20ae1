"""All files that are written from the code, with their text."""

import json

from tests.contract.reference.events_page import events_page
from tests.contract.reference.http_page import http_page
from tests.contract.reference.openapi_documents import openapi_documents
from tests.contract.reference.record_schemas import MODELS

COMMAND = "python -m tests.contract.reference"


def written() -> dict[str, str]:
    """Text by path from the root of the repository."""
    files = {
        f"docs/schemas/{name}.v1.json": json.dumps(model.model_json_schema(), ensure_ascii=False, indent=2) + "\n"
        for name, model in MODELS.items()
    }
    files["docs/reference/http.md"] = http_page(openapi_documents())
    files["docs/reference/events.md"] = events_page()
    return files
