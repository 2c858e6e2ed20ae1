"""What the OpenAPI documents of all services say alike: of names in a path, and that a 4xx or 5xx is a problem."""

from collections.abc import Iterator
from typing import Any

_PROBLEM = "#/components/schemas/Problem"
_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details: programs match on `type`, people read `detail` (docs/problems.md).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Which kind it is.", "examples": ["/problems/not-found"]},
        "title": {"type": "string", "description": "The kind in words."},
        "status": {"type": "integer", "description": "That of the answer."},
        "detail": {"type": "string", "description": "What was wrong, where, and what to do."},
        "errors": {
            "type": "array",
            "description": "Of each field that is wrong, where there are such.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "error": {"type": "string"}},
            },
        },
    },
}
_IN_PATHS = {
    "article": "Our id, or `source:guid`, percent-encoded.",
    "other": "Our id, or `source:guid`, of the other article.",
    "source": "Id of a source.",
    "key": "Id of a key: the middle part of its token.",
    "slug": "Slug or name of a theme.",
    "token": "As the hub was told.",
}
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def describe_paths(document: dict[str, Any]) -> None:
    """Say what stands for the names in the paths of a document, changed in place; doing it again changes nothing."""
    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path" and parameter["name"] in _IN_PATHS:
                parameter.setdefault("description", _IN_PATHS[parameter["name"]])


def describe_problems(document: dict[str, Any]) -> None:
    """Give every error in a document its content; doing it again changes nothing.

    What is said of when it comes stays, and so does content of its own (a picture). An operation with a body may answer
    400: the body cannot be read.

    Args:
        document: OpenAPI 3, changed in place.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = _SCHEMA
    for operation in _operations(document):
        responses = operation.setdefault("responses", {})
        if "requestBody" in operation:
            responses.setdefault("400", {"description": "The body cannot be read."})
        for status, response in responses.items():
            if str(status) >= "400":
                _describe(response)


def _describe(response: dict[str, Any]) -> None:
    if set(response.get("content", ())) <= {"application/json"}:
        response["content"] = {"application/problem+json": {"schema": {"$ref": _PROBLEM}}}
    if response.get("description") in {None, "", "Validation Error"}:
        response["description"] = "The request is wrong: `detail` and `errors` name the fields."


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict):
                yield operation
