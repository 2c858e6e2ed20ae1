"""What the OpenAPI documents of all services say of problems: each documented 4xx and 5xx is a problem document."""

from collections.abc import Iterator
from typing import Any

_PROBLEM = "#/components/schemas/Problem"
_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details: programs match on `type`, people read `detail` (docs/problems.md).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong, where, and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "error": {"type": "string"}},
            },
        },
    },
}
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def describe_problems(document: dict[str, Any]) -> None:
    """Give every error in a document its content; what is said of when it comes stays. Doing it again changes nothing.

    Args:
        document: OpenAPI 3, changed in place.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = _SCHEMA
    for status, response in _responses(document):
        if status >= "400":
            response["content"] = {"application/problem+json": {"schema": {"$ref": _PROBLEM}}}
            if response.get("description") in {None, "", "Validation Error"}:
                response["description"] = "The request is wrong: `detail` and `errors` name the fields."


def _responses(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict):
                for status, response in operation.get("responses", {}).items():
                    yield str(status), response
