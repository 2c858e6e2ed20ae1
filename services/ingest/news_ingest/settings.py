"""What an operator may set of ingest (``NEWS_INGEST_*``)."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class IngestSettings(BaseSettings):
    """Limits of the intake."""

    model_config = SettingsConfigDict(env_prefix="NEWS_INGEST_", frozen=True)

    max_body_bytes: int = Field(32 * 1024 * 1024, gt=0, description="Of a request that is not NDJSON.")
    max_line_bytes: int = Field(4 * 1024 * 1024, gt=0, description="Of one line of NDJSON.")
    longest_wait: timedelta = Field(timedelta(seconds=30), gt=timedelta(0), description="Cap of Prefer: wait.")
