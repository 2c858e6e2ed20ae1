"""Answers that are kept as long as the graph stands still.

Most readers ask for few articles, and between two of them nothing changes, while a list is put together from a hundred
articles. So what was answered is said again as long as Redis gives the state the same version. Each request asks for
that version; how long something has been kept decides nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from sys import getsizeof
from typing import Final, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from news_related.link_graph import LinkGraph
from news_related.lists.reasons import Words
from news_shared.projection.slots import Slots
from news_shared.recently_used import RecentlyUsed

_MOST_BYTES: Final = 32 << 20
_BYTES_AROUND: Final = 500  # of the objects that hold one


class Question(NamedTuple):
    """All that decides an answer beside the graph: address and query of the request, and the language of reasons."""

    path: str
    query: bytes
    words: Words


@dataclass(frozen=True)
class _Kept:
    content: bytes
    version: bytes
    size: int


class AnswerMetrics:
    """How answers came about; one object per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        answers = Counter("news_related_answers", "Answers by how they came about.", ["how"], registry=registry)
        self._kept, self._made = answers.labels("kept"), answers.labels("made")

    def answered(self, *, kept: bool) -> None:
        """A question was answered, with what was kept or with what was put together for it."""
        (self._kept if kept else self._made).inc()


@cache
def answer_metrics() -> AnswerMetrics:
    """The series of this process."""
    return AnswerMetrics(REGISTRY)


class KeptAnswers:
    """Answers of one process."""

    def __init__(self, slots: Slots, metrics: AnswerMetrics) -> None:
        self._slots = slots
        self._metrics = metrics
        self._kept: RecentlyUsed[Question, _Kept] = RecentlyUsed(_MOST_BYTES, lambda kept: kept.size)

    async def find(self, question: Question, make: Callable[[LinkGraph], Awaitable[bytes]]) -> tuple[bytes, datetime]:
        """The answer to a question, and up to when it is right; one round trip where it is kept.

        Args:
            make: puts the answer together.

        Raises:
            RebuildingError, TransientError: as `LinkGraph`; what ``make`` raises is not kept.
        """
        kept = self._kept.find(question)
        if kept is not None:
            graph = LinkGraph(self._slots)
            await graph.look()
            if graph.versions == {kept.version} and graph.as_of is not None:
                self._metrics.answered(kept=True)
                return kept.content, graph.as_of
            self._kept.forget(question)
        graph = LinkGraph(self._slots)
        content = await make(graph)
        assert graph.as_of is not None, "an answer without a question"
        [version, *others] = graph.versions
        if version is not None and not others:
            size = len(content) + getsizeof(question.path) + len(question.query) + _BYTES_AROUND
            self._kept.keep(question, _Kept(content, version, size))
        self._metrics.answered(kept=False)
        return content, graph.as_of
