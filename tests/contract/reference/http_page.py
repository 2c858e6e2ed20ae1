"""``docs/reference/http.md``: every call of every service, from their OpenAPI documents."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from news_web.public_paths import service_for
from tests.contract.reference.curl_lines import ADDRESSES, EXEMPT, Call, curl_line
from tests.contract.reference.markdown import anchor, code, fields, json_block, one_line, table, words

_SERVICES: Final = {
    "ingest": "Articles come in, sources and their feeds are looked after.",
    "views": "Readers' views come in, counts go out.",
    "related": "What belongs together.",
    "feed": "Articles, lists, the stream of events, feeds for the world.",
    "web": "The one origin: readers' pages, and the public calls of the other services under the same paths.",
}
_UNSAID: Final = {"Successful Response", "OK."}
_TOP: Final = f"""\
# HTTP reference

Made from the OpenAPI documents that the services serve (`/openapi.json`, and to try out at `/docs`). Do not edit it:
`uv run python -m tests.contract.reference` writes it anew.

The addresses are those of `newsfeed up`; its sample newsroom has the articles that the examples ask for. {{public}}
may also be asked at the one origin, {ADDRESSES["web"]}, where an ingress would be in production.

- **An article** is named by our id or by `source:guid`, percent-encoded; where there is `url=`, also by its canonical
  URL. How ids are made: [records](../events.md).
- **Keys**: calls with `authorization` want `Authorization: Bearer KEY`: the admin key, or one with the scope that is
  named ([keys and their limits](../operations.md#keys-and-their-limits)).
- **Errors** are [problem details](../problems.md). Besides those that are listed: 400 for what is no HTTP, 404 and 405
  for paths and methods that there are not, 500 for a mistake of ours.
- **Not changed?** Answers to GET have an `ETag`; send it as `If-None-Match` and the answer is 304.
- `?` behind a field: it may be absent or null.
"""


def calls_of(service: str, document: dict[str, Any]) -> Iterator[Call]:
    """All calls of a service's document."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield Call(service, method, path, operation, document["components"]["schemas"])


def is_public(call: Call) -> bool:
    """Whether the one origin passes it on to its service."""
    return service_for(call.method.upper(), call.path) == call.service


def http_page(documents: dict[str, dict[str, Any]]) -> str:
    """The page.

    Args:
        documents: of each service.

    Raises:
        ValueError: two services mean different things by a name.
    """
    objects = _objects(documents)
    calls = {service: list(calls_of(service, document)) for service, document in documents.items()}
    headings = [anchor(_heading(call)) for of_service in calls.values() for call in of_service]
    if len(headings) != len(set(headings)):
        raise ValueError("two calls have one heading")
    lines = [_TOP.format(public="Calls marked ◦")]
    for service, of_service in calls.items():
        lines += [f"**[{service}](#{service})** {_SERVICES[service]}", ""]
        lines += table(("Call", "What"), [(_linked(call), call.operation["summary"]) for call in of_service])
    for service, of_service in calls.items():
        lines += [f"## {service}", "", f"{_SERVICES[service]} At {ADDRESSES[service]}.", ""]
        for call in of_service:
            lines += _section(call)
    lines += ["## Objects", ""]
    for name, schema in sorted(objects.items()):
        lines += [f"### {name}", "", one_line(schema.get("description", "")), ""]
        lines += fields(schema, _link) if "properties" in schema else [f"{words(schema, _link)}.".capitalize(), ""]
    return "\n".join(lines).rstrip() + "\n"


def _objects(documents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    objects: dict[str, dict[str, Any]] = {}
    for document in documents.values():
        for name, schema in document["components"]["schemas"].items():
            if objects.setdefault(name, schema) != schema:
                raise ValueError(f"two services mean different things by {name}: rename one")
    return objects


def _linked(call: Call) -> str:
    return f"[{code(_heading(call))}]({anchor(_heading(call))})" + (" ◦" if is_public(call) else "")


def _heading(call: Call) -> str:
    return f"{call.method.upper()} {call.path}"


def _link(name: str) -> str:
    return f"[{name}]({anchor(name)})"


def _section(call: Call) -> list[str]:
    operation = call.operation
    lines = [
        f"### {_heading(call)}",
        "",
        f"**{operation['summary']}.** {one_line(operation.get('description', ''))}",
        "",
    ]
    lines += table(("Parameter", "In", "Type", "Meaning"), map(_parameter, operation.get("parameters", ())))
    if "requestBody" in operation:
        lines += _body(operation["requestBody"])
    answers = sorted(operation["responses"].items())
    lines += table(("Answer", "Content", "Meaning"), (_answer(call, *of) for of in answers))
    exempt = EXEMPT.get(call.name)
    lines += ["```text" if exempt else "```sh", curl_line(call), "```", ""]
    if exempt:
        lines += [f"Not as it stands: {exempt}.", ""]
    for _, answer in answers:
        for content in answer.get("content", {}).values():
            example = content.get("example")
            if example is not None:
                return lines + (
                    json_block(example) if not isinstance(example, str) else ["```", example.strip(), "```", ""]
                )
    return lines


def _parameter(parameter: dict[str, Any]) -> tuple[str, str, str, str]:
    place = parameter["in"] + (", required" if parameter.get("required") and parameter["in"] != "path" else "")
    meaning = one_line(parameter["description"])
    return code(parameter["name"]), place, words(parameter["schema"], _link), meaning


def _body(body: dict[str, Any]) -> list[str]:
    contents = body["content"].items()
    rows = [(code(media_type), words(of.get("schema", {}), _link), _said_of_body(of)) for media_type, of in contents]
    said = [one_line(body["description"]), ""] if "description" in body else []
    if all(kind in {"text", "anything"} and not meaning for _, kind, meaning in rows):
        return [*said, f"Body: {', '.join(media_type for media_type, _, _ in rows)}", ""]
    return said + table(("Body", "Type", "Meaning"), rows)


def _said_of_body(content: dict[str, Any]) -> str:
    return one_line(content.get("schema", {}).get("description", ""))


def _answer(call: Call, status: str, answer: dict[str, Any]) -> tuple[str, str, str]:
    phrase = HTTPStatus(int(status)).phrase
    said = one_line(answer.get("description", ""))
    kinds = []
    for media_type, of in answer.get("content", {}).items():
        if media_type == "application/problem+json":
            kinds.append("[problem](../problems.md)")
        else:
            schema = of.get("schema", {})
            kinds.append(words(schema, _link) if "$ref" in schema or "anyOf" in schema else code(media_type))
            if said in _UNSAID and "$ref" in schema:
                said = one_line(call.schemas[schema["$ref"].rpartition("/")[2]]["description"])
    return f"{status} {phrase}", ", ".join(kinds), "" if said in _UNSAID else said
