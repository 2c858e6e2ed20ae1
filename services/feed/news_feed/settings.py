"""What the feed's two roles are told at their start."""

from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings, read_groups


class FeedOwnSettings(BaseSettings):
    """Settings that only this service has (``NEWS_FEED_*``)."""

    model_config = SettingsConfigDict(env_prefix="NEWS_FEED_", frozen=True)

    origin: str = Field(
        "http://127.0.0.1:8000", pattern=r"^https?://[^/?#]+/?$", description="Where readers reach the web: for links."
    )
    title: str = Field("Newsfeed", min_length=1, max_length=80, description="Name of the paper, in the feeds.")
    streams: int = Field(5_000, ge=1, description="Readers of the event stream in one process; beyond it 503.")
    stream_life: timedelta = Field(
        timedelta(minutes=10), gt=timedelta(0), description="Of one event stream; then the browser opens another."
    )
    stream_heartbeat: timedelta = Field(
        timedelta(seconds=15), gt=timedelta(0), description="A stream is not silent for longer than this."
    )
    stream_bytes: int = Field(
        16 * 1024 * 1024,
        ge=100_000,
        description="Of the last events, in memory once for all; who is further behind reads the log. As much again "
        "for events that wait for the projector.",
    )


@dataclass(frozen=True)
class FeedSettings:
    """All that the two roles are told at their start."""

    process: ProcessSettings
    kafka: KafkaSettings
    redis: RedisSettings
    feed: FeedOwnSettings = field(default_factory=FeedOwnSettings)

    @classmethod
    def read(cls) -> "FeedSettings":
        """From the environment.

        Raises:
            SystemExit: naming every variable that must be corrected.
        """
        return cls(*read_groups(ProcessSettings, KafkaSettings, RedisSettings, FeedOwnSettings))
