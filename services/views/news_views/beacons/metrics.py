"""The series of the process that takes beacons."""

from collections.abc import Callable
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from news_views.beacons.bursts import Minute

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


def watch_minute(minute: Callable[[], Minute]) -> None:
    """Export what came in the last minute, for who wants to know whether one address sends most of it."""
    Gauge("news_views_minute_beacons", "Beacons in the last full minute that had any.").set_function(
        lambda: minute().beacons
    )
    Gauge(
        "news_views_minute_beacons_of_busiest_address", "How many of them one address sent, the busiest."
    ).set_function(lambda: minute().of_busiest)
    Gauge(
        "news_views_minute_beacons_of_proxies", "How many of them trusted proxies sent that did not say for whom."
    ).set_function(lambda: minute().of_proxies)


def watch_streams(streams: Callable[[], int], articles: Callable[[], int]) -> None:
    """Export how many pages watch counts, and how many articles they watch together."""
    Gauge("news_views_live_streams", "Open event streams of counts.").set_function(streams)
    Gauge("news_views_live_articles", "Articles that somebody watches.").set_function(articles)
