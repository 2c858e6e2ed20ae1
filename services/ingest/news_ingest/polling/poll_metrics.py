"""The series of the poller."""

from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from news_ingest.polling.poll_state import PollOutcome


class PollMetrics:
    """What polls came to; one object per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._polls = Counter("news_ingest_polls", "Polls, by what came of them.", ["outcome"], registry=registry)
        self._lost = Counter("news_ingest_polls_lost", "Polls whose lease went to another poller.", registry=registry)
        self._under_way = Gauge("news_ingest_polls_under_way", "Polls under way.", registry=registry)
        self._lag = Gauge("news_ingest_poll_lag_seconds", "By how much the longest waiting is late.", registry=registry)
        self._seconds = Histogram(
            "news_ingest_poll_seconds",
            "From claim to stored outcome.",
            buckets=(0.05, 0.1, 0.5, 1, 5, 10, 30, 60),
            registry=registry,
        )

    def polled(self, outcome: PollOutcome, took: timedelta) -> None:
        """A poll ended."""
        self._polls.labels(outcome).inc()
        self._seconds.observe(took.total_seconds())

    def lost(self) -> None:
        """A poll's outcome was not stored, because another poller had its host by then."""
        self._lost.inc()

    def under_way(self, count: int) -> None:
        """How many polls run now."""
        self._under_way.set(count)

    def lag(self, late: timedelta) -> None:
        """How late the source is that waits longest."""
        self._lag.set(late.total_seconds())
