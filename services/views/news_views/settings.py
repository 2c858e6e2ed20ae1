"""Everything an operator may set for the views service."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings, read_groups


class ViewsSettings(BaseSettings):
    """What counts as a view, and the bounds of both roles (``NEWS_VIEWS_*``).

    ``session``, ``grace`` and ``kept_beacons`` are part of the answer: all processes need the same values, and after
    a change only a rebuild makes old and new counts comparable.
    """

    model_config = SettingsConfigDict(env_prefix="NEWS_VIEWS_", frozen=True)

    session: timedelta = Field(
        timedelta(minutes=30),
        gt=timedelta(0),
        le=timedelta(hours=12),
        description="A reader's beacons on one article count once until this long has passed without one.",
    )
    grace: timedelta = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        le=timedelta(hours=12),
        description="Beacons this long before their article becomes known are kept, and count when it does.",
    )
    kept_beacons: int = Field(
        50_000, ge=0, description="Of articles not known yet, in one partition; older ones are forgotten."
    )
    flush: timedelta = Field(timedelta(seconds=10), gt=timedelta(0), description="Between writes of the changelog.")
    call_beacons: int = Field(
        4000,
        ge=1,
        le=20_000,
        description="Applied in one Redis call, with a batch more at the most: how long a read may have to wait.",
    )
    linger: timedelta = Field(
        timedelta(milliseconds=5), ge=timedelta(0), description="Beacons of one partition wait this long for company."
    )
    batch_beacons: int = Field(50, ge=1, le=2000, description="In one record of news.views at the most.")
    queue_beacons: int = Field(
        10_000, ge=1, description="Waiting for Kafka in one process; beyond it the answer is 503."
    )
    batch_bytes: int = Field(64 * 1024 * 1024, gt=0, description="Of one request to /v1/views/batch.")
    burst_per_minute: int = Field(
        600, ge=1, description="Beacons from one address; what exceeds it is recorded as a burst and does not count."
    )
    limit_per_minute: int = Field(60_000, ge=1, description="Beacons from one address; beyond it the answer is 429.")
    live_tick: timedelta = Field(
        timedelta(milliseconds=500), gt=timedelta(0), description="Between two looks at the counts that pages watch."
    )
    live_streams: int = Field(5_000, ge=1, description="Pages that watch counts in one process; beyond it 503.")
    live_life: timedelta = Field(
        timedelta(minutes=10), gt=timedelta(0), description="Of one event stream; then the browser opens another."
    )
    live_heartbeat: timedelta = Field(
        timedelta(seconds=15), gt=timedelta(0), description="A stream is not silent for longer than this."
    )


@dataclass(frozen=True)
class AllSettings:
    """The shared settings and our own."""

    process: ProcessSettings
    kafka: KafkaSettings
    redis: RedisSettings
    views: ViewsSettings

    @classmethod
    def read(cls) -> "AllSettings":
        """From the environment.

        Raises:
            SystemExit: naming every variable that must be corrected.
        """
        return cls(*read_groups(ProcessSettings, KafkaSettings, RedisSettings, ViewsSettings))
