"""Writes the vectors that the sample newsroom ships: to be run when its texts or the model have changed.

Run: ``uv run python -m tests.end_to_end.write_sample_vectors``.
"""

import asyncio
import json
import tempfile
from pathlib import Path

from news_shared.topics import VECTORS
from newsfeed.newsroom import REFERENCE, SOURCE, newsroom
from tests.testbed.backends import Backend, backends
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles, running_roles
from tests.testbed.topics import records_of
from tests.testbed.waiting import until

FILE = Path(__file__).parents[2] / "cli" / "newsfeed" / "newsroom" / "vectors.ndjson"


async def vectors_of_the_newsroom(backend: Backend, roles: Roles) -> list[bytes]:
    """The value of ``news.vectors`` for each article, also those that are taken back, sorted."""
    for role in ("ingest-api", "ingest-publisher", "related-embedder"):
        await roles.start(role)
    articles = newsroom(REFERENCE).articles
    lines = b"".join(json.dumps(article).encode() + b"\n" for article in articles)
    headers = {"Authorization": "Bearer dev", "Content-Type": "application/x-ndjson"}
    async with plain_client(timeout=30) as client:
        door = f"{roles.places.url('ingest-api')}/v1/articles"
        answer = await client.post(door, params={"source": SOURCE}, content=lines, headers=headers)
        answer.raise_for_status()
    found: dict[bytes, bytes] = {}

    async def are_all_there() -> bool:
        found.update({record.key: record.value for record in await records_of(backend, VECTORS) if record.value})
        return len(found) == len(articles)

    await until(are_all_there, f"{len(articles)} vectors", seconds=120)
    return sorted(found.values(), key=lambda value: str(json.loads(value)["article"]))


def main() -> None:
    with backends("embedded") as fresh, tempfile.TemporaryDirectory() as folder:
        backend = fresh()
        with running_roles(backend, Path(folder)) as roles:
            vectors = asyncio.run(vectors_of_the_newsroom(backend, roles))
    FILE.write_bytes(b"".join(vector + b"\n" for vector in vectors))


if __name__ == "__main__":
    main()
