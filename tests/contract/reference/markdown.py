"""Markdown, and JSON Schemas in words."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Link = Callable[[str], str]
"""Of the name of an object: where it is explained."""

_WIDE = 100
_PAGE = re.compile(r"docs/([\w-]+)\.md")
_FORMATS = {"date-time": "time (RFC 3339)", "date": "day", "duration": "duration (ISO 8601)", "uri": "URL"}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; nothing where there are no rows."""
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *lines, ""] if lines else []


def code(text: str) -> str:
    """A name as it is written."""
    return f"`{text}`"


def anchor(heading: str) -> str:
    """Where a heading is, as GitHub names it."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def json_block(value: object) -> list[str]:
    """An example."""
    return ["```json", _compact(value, ""), "```", ""]


def _compact(value: object, indent: str) -> str:
    """JSON; what fits into a line is one."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(short) <= _WIDE or not isinstance(value, dict | list):
        return short
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(name, ensure_ascii=False)}: {_compact(of, inner)}" for name, of in value.items()]
    else:
        parts = [_compact(of, inner) for of in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{last}"


def one_line(text: str) -> str:
    """A docstring's paragraphs as one, with links to the pages that it names."""
    return _PAGE.sub(r"[\1](../\1.md)", " ".join(text.replace("``", "`").split()))


def fields(schema: dict[str, Any], link: Link) -> list[str]:
    """The table of an object's fields."""
    required = set(schema.get("required", ()))
    rows = [
        (code(name) + ("" if name in required else " ?"), words(of, link), one_line(_described(of)))
        for name, of in schema.get("properties", {}).items()
    ]
    return table(("Field", "Type", "Meaning"), rows)


def words(schema: dict[str, Any], link: Link) -> str:
    """What a value may be."""
    if "$ref" in schema:
        return link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema or "oneOf" in schema:
        some = schema.get("anyOf") or schema["oneOf"]
        return " or ".join(words(one, link) for one in some if one.get("type") != "null") + _default(schema)
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return "one of " + ", ".join(code(str(value)) for value in schema["enum"]) + _default(schema)
    kind = schema.get("type")
    if isinstance(kind, list):
        [kind] = [one for one in kind if one != "null"]
    match kind:
        case "string":
            return _text(schema) + _default(schema)
        case "integer" | "number":
            return ("whole number" if kind == "integer" else "number") + _range(schema) + _default(schema)
        case "boolean":
            return "true or false" + _default(schema)
        case "array":
            return _list(schema, link)
        case "object":
            return _object(schema, link)
    return "anything"


def _text(schema: dict[str, Any]) -> str:
    if schema.get("contentEncoding") == "base64":
        return "base64"
    if schema.get("pattern", "").startswith("^[0-9a-f]{8}-"):
        return "UUID"
    said = _FORMATS.get(schema.get("format", ""), "text")
    if "pattern" in schema:
        said += f" like {code(schema['pattern'])}"
    if "maxLength" in schema:
        said += f", at most {schema['maxLength']:,} characters"
    return said


def _range(schema: dict[str, Any]) -> str:
    low, high, above = (schema.get(name) for name in ("minimum", "maximum", "exclusiveMinimum"))
    if low is not None and high is not None:
        return f" {_number(low)} to {_number(high)}"
    bounds = ((" ≥ ", low), (" > ", above), (" ≤ ", high))
    return ",".join(f"{sign}{_number(bound)}" for sign, bound in bounds if bound is not None)


def _number(value: float) -> str:
    return f"{int(value) if value == int(value) else value:,}"


def _list(schema: dict[str, Any], link: Link) -> str:
    if "prefixItems" in schema:
        return "list of: " + ", ".join(words(one, link) for one in schema["prefixItems"])
    said = f"list of {words(schema.get('items', {}), link)}"
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and least == most:
        return f"{said}, exactly {most}"
    return said + (f", at most {most:,}" if most is not None else "")


def _object(schema: dict[str, Any], link: Link) -> str:
    values = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
    names = ", ".join(map(code, schema.get("properties") or schema.get("required", ())))
    if names:
        return f"object with {names}"
    return f"object of {words(values, link)}" if isinstance(values, dict) else "object"


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, "", []) else f"; {code(json.dumps(default, ensure_ascii=False))} if absent"


def _described(schema: dict[str, Any]) -> str:
    found: str = schema.get("description") or ""
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
