"""What an operator may set of ingest (``NEWS_INGEST_*``)."""

from datetime import timedelta

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from news_ingest.fetching.addresses import networks

HANGING_TIMES = 4
"""How many times as many fetches may wait for a silent server as may be at work."""


class IngestSettings(BaseSettings):
    """Limits of the intake."""

    model_config = SettingsConfigDict(env_prefix="NEWS_INGEST_", frozen=True)

    max_body_bytes: int = Field(32 * 1024 * 1024, gt=0, description="Of a request that is not NDJSON.")
    max_line_bytes: int = Field(4 * 1024 * 1024, gt=0, description="Of one line of NDJSON.")
    requests_per_minute: int = Field(
        1_200, gt=0, description="Of one key on one process, unless the key has its own limit; the admin key has none."
    )
    articles_per_minute: int = Field(12_000, gt=0, description="The same of articles.")
    longest_wait: timedelta = Field(timedelta(seconds=30), gt=timedelta(0), description="Cap of Prefer: wait.")


class FetchSettings(BaseSettings):
    """Limits of everything that is fetched from addresses which strangers name."""

    model_config = SettingsConfigDict(env_prefix="NEWS_INGEST_", frozen=True)

    fetch_allow: str = Field(
        "", description="Networks (CIDR, comma-separated) that may be fetched from although they are not public."
    )
    fetch_timeout: timedelta = Field(
        timedelta(seconds=30), gt=timedelta(0), description="Of one fetch from look-up to the last byte."
    )
    fetch_max_bytes: int = Field(10 * 1024 * 1024, gt=0, description="Of a body, before and after decompression.")
    fetch_redirects: int = Field(5, ge=0, le=20, description="Followed in one fetch.")
    user_agent: str = Field("newsfeed-poller/1 (feed reader)", description="Told to the servers that are asked.")
    poll_concurrency: int = Field(48, ge=1, le=1000, description="Fetches under way at once in one process.")

    @field_validator("fetch_allow")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        networks(value)
        return value


class PollerSettings(FetchSettings):
    """When sources are polled."""

    poll_shortest: timedelta = Field(timedelta(minutes=5), gt=timedelta(0), description="Between two polls of a feed.")
    poll_longest: timedelta = Field(timedelta(days=1), gt=timedelta(0), description="No feed waits longer.")
    poll_hints: timedelta = Field(
        timedelta(hours=1), ge=timedelta(0), description="At most so long do ttl and Cache-Control put off a poll."
    )
    poll_host_pause: timedelta = Field(
        timedelta(seconds=1), ge=timedelta(0), description="Between two requests to one host."
    )
    public_url: str = Field(
        "",
        pattern="^(https?://.*)?$",
        description="Where hubs reach the ingest API (WebSub); empty: hubs are not asked.",
    )
    poll_lease: timedelta = Field(
        timedelta(seconds=8), gt=timedelta(0), description="A dead poller's feeds under way are another's after it."
    )

    @model_validator(mode="after")
    def _are_in_order(self) -> "PollerSettings":
        if self.poll_shortest > self.poll_longest:
            raise ValueError("NEWS_INGEST_POLL_SHORTEST must not be longer than NEWS_INGEST_POLL_LONGEST")
        return self
