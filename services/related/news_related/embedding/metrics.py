"""The series of the process that embeds; how far it is behind is ``news_projection_lag``."""

from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram


class EmbedderMetrics:
    """What became of texts; one object per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        texts = Counter("news_related_texts", "Texts of articles by what was done.", ["done"], registry=registry)
        self._embedded, self._reused, self._withdrawn = map(texts.labels, ("embedded", "reused", "withdrawn"))
        self._seconds = Histogram(
            "news_related_embedding_seconds",
            "From handing over the texts of a batch until their vectors are there.",
            buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
            registry=registry,
        )

    def embedded(self, texts: int, seconds: float) -> None:
        """Texts of a batch were embedded."""
        self._embedded.inc(texts)
        self._seconds.observe(seconds)

    def reused(self, texts: int) -> None:
        """Texts had their vector already."""
        self._reused.inc(texts)

    def withdrawn(self, articles: int) -> None:
        """Articles are gone, their vectors with them."""
        self._withdrawn.inc(articles)


@cache
def embedder_metrics() -> EmbedderMetrics:
    """The series of this process."""
    return EmbedderMetrics(REGISTRY)
