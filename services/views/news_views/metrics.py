"""The series of the process that takes beacons."""

from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

Outcome = Literal["accepted", "invalid", "refused", "overload", "unavailable"]


class BeaconMetrics:
    """Beacons by what became of them; one object per process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        beacons = Counter("news_views_beacons", "Beacons received.", ["outcome"], registry=registry)
        outcomes: tuple[Outcome, ...] = ("accepted", "invalid", "refused", "overload", "unavailable")
        self._beacons = {outcome: beacons.labels(outcome) for outcome in outcomes}
        self._batches = Histogram(
            "news_views_batch_beacons",
            "Beacons in a record.",
            buckets=(1, 2, 5, 10, 20, 50, 100, 500),
            registry=registry,
        )

    def beacon(self, outcome: Outcome, count: int = 1) -> None:
        """Beacons were answered."""
        self._beacons[outcome].inc(count)

    def batch_written(self, beacons: int) -> None:
        """Kafka has a record."""
        self._batches.observe(beacons)
