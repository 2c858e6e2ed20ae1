"""Taking totals that another system counted: all lines of a request are checked, then all of them written, or none."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from news_shared.article_ids import ArticleId, parse_article_id, partition_of
from news_shared.clock import Clock
from news_shared.errors import PoisonError
from news_shared.mistakes import in_words
from news_shared.ndjson import Line, lines
from news_shared.problems import INVALID, ProblemError
from news_shared.producer import Outgoing, Producer
from news_shared.topics import VIEWS
from news_views.queries.counts_query import CountsQuery
from news_views.view_log import IMPORT_HEADERS, Import, encode_import

MOST_LINES: Final = 1000
_LINE_BYTES: Final = 8192
_ASKED_AT_ONCE: Final = 100
_FIELDS: Final = ("article", "day", "views", "readers")
_SOME_ARTICLE: Final = "00000000-0000-0000-0000-000000000000"  # so that the rest of a line is checked as well
_TOMORROW: Final = timedelta(days=1)  # begins earlier east of Greenwich


class NumberedImport(NamedTuple):
    """What a line says, and its number from 1."""

    line: int
    said: Import


class ImportIntake:
    """The use case behind ``POST /v1/views/imports``."""

    def __init__(self, producer: Producer, counts: CountsQuery, clock: Clock, partitions: int) -> None:
        self._producer = producer
        self._counts = counts
        self._clock = clock
        self._partitions = partitions

    async def read(self, chunks: AsyncIterator[bytes], origin: str) -> list[NumberedImport]:
        """All lines of a request, checked.

        Raises:
            ProblemError: 422 naming every line that is wrong, or because there are none or too many.
        """
        latest = self._clock().date() + _TOMORROW
        imports: list[NumberedImport] = []
        rejected: list[dict[str, object]] = []
        async for index, text in lines(chunks, _LINE_BYTES):
            if len(imports) + len(rejected) == MOST_LINES:
                raise ProblemError(INVALID, f"A request has at most {MOST_LINES:,} lines: send them in parts.")
            said = read_import((index, text), origin, latest)
            if isinstance(said, NumberedImport):
                imports.append(said)
            else:
                rejected.append({"line": index + 1, "errors": said})
        if rejected:
            raise ProblemError(INVALID, f"{len(rejected)} lines are wrong; nothing was written.", rejected=rejected)
        if not imports:
            raise ProblemError(INVALID, "There is no line.")
        return imports

    async def unknown(self, imports: Sequence[NumberedImport]) -> list[NumberedImport]:
        """Those whose article nobody has announced so far: they show when that happens.

        Raises:
            TransientError: Redis is away, or counts are being restored.
        """
        articles = list(dict.fromkeys(said.article for _, said in imports))
        known: set[ArticleId] = set()
        for start in range(0, len(articles), _ASKED_AT_ONCE):
            found = await self._counts.of(articles[start : start + _ASKED_AT_ONCE])
            known |= {count.article for count in found if count.state is not None}
        return [one for one in imports if one.said.article not in known]

    async def write(self, imports: Sequence[NumberedImport]) -> None:
        """Returns when Kafka has all of them.

        Raises:
            TransientError: Kafka did not acknowledge; some may be written. Repeating all of it is safe.
        """
        await self._producer.send_many(
            [
                Outgoing(VIEWS, partition_of(said.article, self._partitions), None, encode_import(said), IMPORT_HEADERS)
                for _, said in imports
            ]
        )


def read_import(line: Line, origin: str, latest: date) -> NumberedImport | list[str]:
    """What a line says, or all that is wrong with it.

    Args:
        latest: a later day has not come anywhere yet.
    """
    index, text = line
    if text is None:
        return ["the line is too long"]
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ["not JSON"]
    if not isinstance(content, dict):
        return ["not a JSON object"]
    # A misspelt day would be a total without one.
    unknown = content.keys() - set(_FIELDS)
    errors = [f"{_shown(name)}: no such field; there are {', '.join(_FIELDS)}" for name in unknown]
    article = content.pop("article", None)
    try:
        if not isinstance(article, str):
            raise PoisonError("a string is missing")
        article = parse_article_id(article)
    except PoisonError as error:
        errors.append(f"article: {error}")
        article = _SOME_ARTICLE
    try:
        said = Import.model_validate_json(json.dumps({**content, "v": 1, "article": article, "origin": origin}))
    except ValidationError as error:
        return errors + [": ".join((*map(str, wrong["loc"]), in_words(wrong))) for wrong in error.errors()]
    if said.day is not None and said.day > latest:
        errors.append(f"day: {said.day} has not come yet")
    return errors or NumberedImport(index + 1, said)


def _shown(name: str) -> str:
    """A field's name as an answer can have it: JSON may name half of a surrogate pair, which is no character."""
    return name[:50].encode(errors="backslashreplace").decode()
