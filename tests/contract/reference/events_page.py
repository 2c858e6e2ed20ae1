"""``docs/reference/events.md``: topics and their settings, records with headers, fields and an example."""

import base64
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgpack

from news_shared.articles import EventType
from news_shared.settings import ProcessSettings
from news_shared.topics import DEAD_LETTERS, MAX_RECORD_BYTES, TOPICS, TopicSpec
from tests.contract.reference.markdown import anchor, code, fields, json_block, one_line, table, words
from tests.contract.reference.record_examples import Example, Headers, dead_letter_headers, examples
from tests.contract.reference.record_schemas import schema_of

_PARTITIONS: Final = ProcessSettings.model_fields["partitions"].default
_TOP: Final = f"""\
# Topics and records: reference

Made from the code. Do not edit it: `uv run python -m tests.contract.reference` writes it anew. How ids and partitions
are made, and what readers must bear: [topics and records](../events.md).

Every topic has `NEWS_PARTITIONS` partitions ({_PARTITIONS} unless set), as many copies as `NEWS_KAFKA_REPLICATION`
says, and takes records up to {MAX_RECORD_BYTES // 1024**2} MiB; with three copies or more two acknowledge a write.
Values are JSON in UTF-8, where nothing else is said. `?` behind a field: it may be absent, or null.
"""
_HEADERS: Final = {
    "ce_specversion": "CloudEvents",
    "ce_id": "Article and revision",
    "ce_source": "The source",
    "ce_type": "What happened: " + ", ".join(code(kind) for kind in EventType),
    "ce_time": "The source's date of it, or when it was withdrawn",
    "ce_subject": "The article",
    "content-type": "Of the value",
    "submission": "`partition/offset` in `news.submissions` of what decided it; negative: before a backup was restored",
    "traceparent": "W3C trace of the request that brought it, where there was one",
    "answer_by": "Ms since 1970; appended later than that it is dropped, because its sender was told 503",
    "idempotency-key": "The sender's, where there is one; a known one is answered with its first outcome",
    "reply": "There when the sender waits for the outcome",
    "type": "Which kind of record this is; readers skip others",
    "revision": "The article's that the vector was first written for",
    "dead-letter-topic": "Where the record stood",
    "dead-letter-partition": "Where the record stood",
    "dead-letter-offset": "Where the record stood",
    "dead-letter-timestamp": "When it was appended there, ms since 1970",
    "dead-letter-group": "Who could not apply it",
    "dead-letter-tag": "The hash tag of that projection's keys, for a replay",
    "dead-letter-error": "Why, at most 2,000 characters",
    "dead-letter-time": "When it was parked",
}


def events_page() -> str:
    """The page.

    Raises:
        KeyError: a record has a header, or there is a topic, of which nobody said what it means: write it here.
    """
    records = examples()
    rows = [
        (f"[{spec.name}]({anchor(spec.name)})", spec.key, _kinds(records[spec.name]), _keeps(spec)) for spec in TOPICS
    ]
    lines = [_TOP, *table(("Topic", "Key", "Values", "Keeps"), rows)]
    objects: dict[str, dict[str, Any]] = {}
    for spec in TOPICS:
        lines += [f"## {spec.name}", "", spec.what, "", *table(("Setting", "Value"), _settings(spec))]
        for example in records[spec.name]:
            lines += _record(example, objects)
        if spec.name == DEAD_LETTERS:
            lines += ["### A dead letter", "", "Key and value are those of the record, byte for byte.", ""]
            lines += ["After its own headers it has these:", "", *_headers(dead_letter_headers())]
    lines += ["## Parts of values", ""]
    for name, schema in sorted(objects.items()):
        lines += [f"### {name}", "", one_line(schema.get("description", "")), "", *fields(schema, _link)]
    return "\n".join(lines).rstrip() + "\n"


def _kinds(records: Sequence[Example]) -> str:
    return ", ".join(f"[{one.title[0].lower()}{one.title[1:]}]({anchor(one.title)})" for one in records) or "any"


def _keeps(spec: TopicSpec) -> str:
    if spec.config["cleanup.policy"] == "compact":
        return "the last value of each key"
    days = timedelta(milliseconds=int(spec.config["retention.ms"])).days
    size = spec.config.get("retention.bytes")
    return f"{days} days" + (f", {int(size) // 1024**3} GiB a partition" if size else "")


def _settings(spec: TopicSpec) -> list[tuple[str, str]]:
    rows = [(code(name), value) for name, value in spec.config.items()]
    return [
        *rows,
        *((code(name), f"{value}, where there is one copy") for name, value in spec.kept_by_one_broker.items()),
    ]


def _record(example: Example, objects: dict[str, dict[str, Any]]) -> list[str]:
    schema = schema_of(example.schema)
    definitions = schema.get("$defs", {})
    described, link = schema, _link
    if example.part is None:
        objects |= {name: of for name, of in definitions.items() if "properties" in of}
    else:
        described, link = definitions[example.part], lambda name: words(definitions[name], _link)
    about = one_line(described.get("description") or described["title"]).rstrip(".")
    lines = [f"### {example.title}", "", f"{about}. [Schema](../schemas/{example.schema}.v1.json)", ""]
    if example.key is not None:
        lines += [f"Key: {code(example.key.decode())}", ""]
    lines += [*_headers(example.headers), *fields(_resolved(described, definitions), link)]
    return [*lines, *json_block(shown(example))]


def _headers(headers: Headers) -> list[str]:
    rows = [(code(name), code(value.decode()), _HEADERS[name]) for name, value in headers]
    return table(("Header", "For example", "Meaning"), rows)


def shown(example: Example) -> Any:
    """The value; where it is msgpack its bins are shown as base64."""
    if example.schema != "view-batch":
        return json.loads(example.value)
    columns = msgpack.unpackb(example.value)
    return {name: base64.b64encode(of).decode() if isinstance(of, bytes) else of for name, of in columns.items()}


def _resolved(described: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Fields that refer to a plain type take that type's place: only objects have a section."""

    def resolve(of: dict[str, Any]) -> dict[str, Any]:
        target = definitions.get(of.get("$ref", "").rpartition("/")[2], {})
        return of if not target or "properties" in target else target | {k: v for k, v in of.items() if k != "$ref"}

    return described | {"properties": {name: resolve(of) for name, of in described.get("properties", {}).items()}}


def _link(name: str) -> str:
    return f"[{name}]({anchor(name)})"
