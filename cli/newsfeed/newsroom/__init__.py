"""The sample newsroom: articles of an invented agency, which `newsfeed up` loads and the tests read.

Everything in it, places, people and companies, is invented. `articles.ndjson` holds one article a line in the
native format, in the order in which they are to be sent: nearly the order of time, but one translation comes before
its original and some links point to articles further down. The instants in the file are fixed and the newest
article is of `REFERENCE`; `newsroom` moves all of them together, so that the newest is `FRESHNESS` old. The prose
names no weekdays and no months, so that it stays true on any day.

`edges.json` lists the edges that the articles declare, before anything is withdrawn. `vectors.ndjson` is written by
`tests/end_to_end/write_sample_vectors.py`.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TypedDict, cast

SOURCE = "newsroom"
"""The name of the source under which the articles are loaded: `newsroom:harbour-fire-1-uk` is one of them."""

REFERENCE = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
"""When the newest article of the file was published; its other instants are to be read relative to this one."""

FRESHNESS = timedelta(minutes=12)
"""How old the newest article is at the `now` given to `newsroom`."""


@dataclass(frozen=True)
class Withdrawal:
    """An article that the newsroom takes back after it was loaded."""

    id: str
    """The guid of the article."""
    reason: str


@dataclass(frozen=True)
class Newsroom:
    """What the sample newsroom sends: its articles in order, and then its withdrawals."""

    articles: tuple[dict[str, object], ...]
    withdrawals: tuple[Withdrawal, ...]


class Edges(TypedDict):
    """The edges that the articles declare, as guids. Lists of pairs and of themes are sorted."""

    cites: list[list[str]]
    """`[from, to]`, once for a pair: a link in the text of one article to another article of the newsroom."""
    translation: list[list[str]]
    """`[translation, original]`."""
    theme: dict[str, list[str]]
    """The articles of each theme."""
    stories: list[list[str]]
    """The articles of each story line, oldest first, translations included. A stand-alone article is in none."""


def newsroom(now: datetime) -> Newsroom:
    """Return the newsroom as it looks at `now`: the newest article is twelve minutes old.

    Seconds of `now` are dropped, so that every instant stays at a whole minute.
    """
    if now.utcoffset() is None:
        raise ValueError("now must know its time zone")
    shift = now.astimezone(UTC).replace(second=0, microsecond=0) - FRESHNESS - REFERENCE
    articles = (cast("dict[str, object]", json.loads(line)) for line in _read("articles.ndjson").splitlines())
    return Newsroom(
        articles=tuple(_shifted(article, shift) for article in articles),
        withdrawals=tuple(Withdrawal(**fields) for fields in json.loads(_read("withdrawals.json"))),
    )


def vectors() -> tuple[bytes, ...]:
    """What the articles mean, as values of `news.vectors`: so that a laptop need not embed them at each start."""
    return tuple(line.encode() for line in _read("vectors.ndjson").splitlines())


def expected_edges() -> Edges:
    """Return the edges that the graph must have once every article has arrived and none is withdrawn."""
    return cast("Edges", json.loads(_read("edges.json")))


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _shifted(article: dict[str, object], shift: timedelta) -> dict[str, object]:
    shifted = dict(article)
    for field in ("date_published", "date_modified"):
        if field in shifted:
            shifted[field] = _moved(shifted[field], shift)
    if "corrections" in shifted:
        corrections = cast("list[dict[str, str]]", shifted["corrections"])
        shifted["corrections"] = [{**one, "at": _moved(one["at"], shift)} for one in corrections]
    return shifted


def _moved(instant: object, shift: timedelta) -> str:
    return (datetime.fromisoformat(str(instant)) + shift).strftime("%Y-%m-%dT%H:%M:%SZ")
