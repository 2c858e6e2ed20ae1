"""Any number of synthetic articles, made from real ones: words and sentences shuffled, vectors mixed and noised.

Article n depends on n alone, so that any part of the newsroom can be made anew. One comes each minute. There is what a
newsroom has: themes of which few are large, links to recent articles and to other places, translations, and copies of
wire texts.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from news_related.embedding.model import BODY_CHARACTERS, LEAD_CHARACTERS, Embedder, Text, model_name, quantised
from news_related.graph.facts import Card, Facts
from news_related.graph.minhash import SIGNATURE_BYTES
from news_related.vectors import Vector
from news_shared.article_ids import ArticleId, article_id
from news_shared.articles import Article, ArticleEvent, EventType, Link

MODEL = model_name() or "none"
"""Of the vectors."""

_TAKEN = {"wiki_current_events": 900, "ntrex": 600, "ecbplus": 300}
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
_SOURCES = ("herald", "wire", "gazette", "observer")
_THEMES, _THEMES_EACH = 3_000, 3
_LINKS, _LINKED = 3, 2_000  # to one of so many articles before it
_COPIES, _TRANSLATIONS, _WITHIN = 0.03, 0.03, 60  # shares, and of one of so many articles before it
_MAIN, _OTHER, _NOISE = 0.85, 0.35, 0.35  # of a vector: its square sum is about 1
_NOISES = 4_096


@dataclass(frozen=True)
class RealArticle:
    """What articles are made from."""

    language: str
    title: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> Text:
        """As it is embedded."""
        body = " ".join(self.sentences)
        return Text(self.title, body[:LEAD_CHARACTERS], self.language, body[LEAD_CHARACTERS:BODY_CHARACTERS])


@dataclass(frozen=True)
class _Parts:
    """What an article is made of: the places of two real ones, and what it repeats."""

    main: int
    other: int
    told_by: int  # the real article whose language and words it has
    copied: int | None = None
    translated: int | None = None


def real_articles(gold: Path) -> list[RealArticle]:
    """Some of each gold set, drawn by a fixed chance.

    Raises:
        FileNotFoundError: the sets are not there.
    """
    chance = Random(1)
    taken = []
    for name, most in _TAKEN.items():
        rows = [json.loads(line) for line in (gold / name / "articles.jsonl").read_text().splitlines()]
        for row in chance.sample(rows, min(most, len(rows))):
            text = (row["text"] or row["title"]).replace("\n", " ").split(". ")
            sentences = tuple(f"{part.strip(' .')}." for part in text if part.strip(" ."))
            taken.append(RealArticle(row["lang"], row["title"], sentences or (row["title"],)))
    return taken


def embedded(real: Sequence[RealArticle], kept: Path) -> npt.NDArray[np.float32]:
    """A vector of length 1 for each, computed once by the model and kept in a file; some minutes of CPU."""
    if kept.is_file():
        held = np.load(kept)
        if str(held["model"]) == MODEL and len(held["vectors"]) == len(real):
            return np.asarray(held["vectors"], np.float32)
    found = Embedder().embed([one.text for one in real])
    vectors = np.array([one.int8.astype(np.float32) * one.scale for one in found], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(kept, vectors=vectors, model=np.array(MODEL))
    return vectors


class Newsroom:
    """The articles by their numbers.

    Args:
        vectors: of the real articles, of length 1.
    """

    def __init__(self, real: Sequence[RealArticle], vectors: npt.NDArray[np.float32]) -> None:
        self._real = real
        self._vectors = vectors
        noises = np.random.default_rng(2).normal(size=(_NOISES, vectors.shape[1]))
        self._noises = (noises / np.linalg.norm(noises, axis=1, keepdims=True)).astype(np.float32)
        self._same_language: dict[str, list[int]] = {}
        for place, one in enumerate(real):
            self._same_language.setdefault(one.language, []).append(place)
        self._parts = lru_cache(maxsize=10_000)(self._drawn)

    def date(self, n: int) -> datetime:
        return _BEGIN + timedelta(minutes=n)

    def id_of(self, n: int) -> ArticleId:
        return article_id(_source(n), _guid(n))

    def language(self, n: int) -> str:
        return self._real[self._parts(n).told_by].language

    def event(self, n: int, *, body: bool = True) -> ArticleEvent:
        """As ingest publishes it, with its text or without."""
        parts, chance = self._parts(n), Random(-n - 1)
        date = self.date(n)
        links = [chance.randrange(max(0, n - _LINKED), n) for _ in range(_LINKS)] if n else []
        article = Article(
            id=self.id_of(n),
            revision=1,
            source=_source(n),
            guid=_guid(n),
            url=_url(n),
            language=self.language(n),
            title=self.title(n),
            content_text=self.body(n) if body else None,
            date_published=date,
            first_published_at=date,
            tags=tuple(f"Theme {int(_THEMES ** chance.random())}" for _ in range(_THEMES_EACH)),
            translation_of=_url(parts.translated) if parts.translated is not None else None,
            links=(
                *(Link(url=_url(to), text=f"as we reported on {to}", paragraph=p) for p, to in enumerate(links)),
                Link(url=f"https://elsewhere.example/{chance.randrange(n + 1)}", text="elsewhere", paragraph=_LINKS),
            ),
        )
        return ArticleEvent(type=EventType.PUBLISHED, article=article, submission=(0, n))

    def facts(self, n: int) -> Facts:
        """What the graph keeps of it; the signature of its text is drawn, not computed, equal for copies."""
        facts = Facts.of(self.event(n, body=False))
        assert isinstance(facts.state, Card)
        copied = self._parts(n).copied
        signature = Random(n if copied is None else copied).randbytes(SIGNATURE_BYTES)
        return replace(facts, state=facts.state._replace(signature=signature))

    def title(self, n: int) -> str:
        """Words of two headlines."""
        parts = self._parts(n)
        if parts.copied is not None:
            return self.title(parts.copied)
        mine, other = (self._real[place].title.split() for place in (parts.told_by, parts.other))
        return " ".join([*mine[: len(mine) // 2 + 1], *other[len(other) // 2 :]])[:300]

    def body(self, n: int) -> str:
        """Sentences of two articles, shuffled."""
        parts = self._parts(n)
        if parts.copied is not None:
            return self.body(parts.copied)
        sentences = [*self._real[parts.told_by].sentences[:12], *self._real[parts.other].sentences[:8]]
        Random(n).shuffle(sentences)
        return " ".join(sentences)

    def vectors(self, numbers: Sequence[int]) -> npt.NDArray[np.float32]:
        """What some of them mean, of length 1."""
        parts = [self._parts(n) for n in numbers]
        mixed = _MAIN * self._vectors[[one.main for one in parts]]
        mixed += _OTHER * self._vectors[[one.other for one in parts]]
        mixed += _NOISE * self._noises[[n % _NOISES for n in numbers]]
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)

    def vector_records(self, numbers: Sequence[int]) -> list[Vector]:
        """The same as ``news.vectors`` has it."""
        made = []
        for n, vector in zip(numbers, self.vectors(numbers), strict=True):
            packed = quantised(vector)
            made.append(
                Vector(
                    article=self.id_of(n),
                    model=MODEL,
                    text_sha256="0" * 64,
                    dimensions=len(packed.int8),
                    scale=packed.scale,
                    int8=base64.b64encode(packed.int8.tobytes()).decode(),
                )
            )
        return made

    def _drawn(self, n: int) -> _Parts:
        chance = Random(n)
        kind, before = chance.random(), chance.randrange(max(0, n - _WITHIN), n) if n else 0
        main = chance.randrange(len(self._real))
        if n and kind < _COPIES:
            return replace(self._parts(before), copied=before, translated=None)
        if n and kind < _COPIES + _TRANSLATIONS:
            original = self._parts(before)
            return _Parts(original.main, original.other, main, translated=before)
        return _Parts(main, chance.choice(self._same_language[self._real[main].language]), main)


def _guid(n: int) -> str:
    return f"story-{n}"


def _source(n: int) -> str:
    return _SOURCES[n % len(_SOURCES)]


def _url(n: int) -> str:
    return f"https://{_source(n)}.example/news/{n:07d}-a-headline-as-part-of-the-address"
