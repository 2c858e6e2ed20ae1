"""The series of the process that answers."""

from collections.abc import Callable

from prometheus_client import Gauge

_STREAMS = Gauge("news_feed_streams", "Open event streams of articles.")
_HELD = Gauge("news_feed_stream_held", "Events that streams hold back until queries answer with them.")


def watch_streams(streams: Callable[[], int], held: Callable[[], int]) -> None:
    """Export how many read the stream, and how many events wait for the projector."""
    _STREAMS.set_function(streams)
    _HELD.set_function(held)
