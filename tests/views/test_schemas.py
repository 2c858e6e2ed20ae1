"""The published schemas against the bytes that a run left in the topics."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgpack
from jsonschema import Draft202012Validator

from news_shared.redis_client import open_redis
from news_shared.topics import VIEW_COUNTS, VIEWS
from tests.testbed.backends import Backend
from tests.views.partitions import whole_log
from tests.views.test_views_projector import Partitions

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def as_json(value: Any) -> Any:
    """A msgpack value with its bins as base64, as the schema writes them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: as_json(part) for key, part in value.items()}
    return value


async def test_what_a_run_wrote_is_what_the_schemas_say(fresh_backend: Backend) -> None:
    async with open_redis(fresh_backend.redis_settings) as redis:
        views = Partitions(fresh_backend, redis)
        views.settings = views.settings.model_copy(update={"flush": timedelta(seconds=1)})
        await views.write(5_000)
        async with views.projecting():
            await views.caught_up()
            await views.flushed()

    batch, counts = validator("view-batch.v1"), validator("view-counts.v1")
    as_text = {"marker": validator("marker.v1"), "import": validator("import.v1")}
    seen = {"batch": 0, "marker": 0, "import": 0, "article": 0, "day": 0, "partition": 0, "imports of a day": 0}
    for records in (await whole_log(fresh_backend.kafka_settings, VIEWS)).values():
        for record in records:
            kind = dict(record.headers)["type"].decode()
            seen[kind] += 1
            if kind == "batch":
                batch.validate(as_json(msgpack.unpackb(record.value)))
            else:
                as_text[kind].validate(json.loads(record.value))
    for partition, records in (await whole_log(fresh_backend.kafka_settings, VIEW_COUNTS)).items():
        for record in records:
            kind = "partition" if record.key == b"@%d" % partition else "day" if b"|" in record.key else "article"
            seen[kind] += 1
            counts.validate(json.loads(record.value))
            seen["imports of a day"] += kind == "day" and "imports" in json.loads(record.value)
    assert all(seen.values()), seen
