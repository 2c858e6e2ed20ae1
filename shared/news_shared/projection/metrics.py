"""The series of the projection runtime."""

from contextlib import suppress
from functools import cache
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

DiscardReason = Literal["transient", "mismatch", "lost"]


class ProjectionMetrics:
    """Lag, progress and trouble of projections; one object per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._applied = Counter("news_projection_records", "Records applied.", ["group"], registry=registry)
        self._parked = Counter("news_projection_parked", "Dead letters.", ["group", "kind"], registry=registry)
        self._opened = Counter("news_projection_opened", "Partitions taken over.", ["group", "how"], registry=registry)
        self._discarded = Counter(
            "news_projection_discarded", "Partitions given up and opened anew.", ["group", "why"], registry=registry
        )
        self._lag = Gauge(
            "news_projection_lag", "Records behind the log's end.", ["group", "partition"], registry=registry
        )

    def applied(self, group: str, records: int) -> None:
        """Records went into Redis."""
        self._applied.labels(group).inc(records)

    def parked(self, group: str, kind: str) -> None:
        """A record became a dead letter: ``poison`` or ``bug``."""
        self._parked.labels(group, kind).inc()

    def opened(self, group: str, *, restored: bool) -> None:
        """A partition was taken over."""
        self._opened.labels(group, "restored" if restored else "resumed").inc()

    def discarded(self, group: str, why: DiscardReason) -> None:
        """A partition's in-process state was thrown away."""
        self._discarded.labels(group, why).inc()

    def lag(self, group: str, partition: int, records: int) -> None:
        """How far a partition is behind now."""
        self._lag.labels(group, str(partition)).set(records)

    def left(self, group: str, partition: int) -> None:
        """A partition is another process's now: what was told of its lag would stay for ever."""
        with suppress(KeyError):
            self._lag.remove(group, str(partition))


@cache
def process_metrics() -> ProjectionMetrics:
    """The series of this process; its projectors share them, told apart by their group."""
    return ProjectionMetrics(REGISTRY)
