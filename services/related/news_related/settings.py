"""What the roles of related are told at their start."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings, read_groups


class RelatedOwnSettings(BaseSettings):
    """Of this service alone (``NEWS_RELATED_*``)."""

    model_config = SettingsConfigDict(env_prefix="NEWS_RELATED_", frozen=True)

    lease: timedelta = Field(
        timedelta(seconds=5),
        ge=timedelta(seconds=1),
        le=timedelta(minutes=1),
        description="A linker that is silent for so long is replaced by one that stands by.",
    )
    time_zone: ZoneInfo = Field(ZoneInfo("UTC"), description="In which the HTML tells dates, e.g. Europe/Kyiv.")
    embedding: bool = Field(
        True,
        description="off: nothing is embedded; what has a vector keeps it, the rest is related by links and themes.",
    )
    embedding_workers: int = Field(
        1, ge=1, le=64, description="Processes of an embedder that embed, of some 50 MB each; one uses one core."
    )


@dataclass(frozen=True)
class RelatedSettings:
    """All that an operator may set."""

    process: ProcessSettings
    kafka: KafkaSettings
    redis: RedisSettings
    own: RelatedOwnSettings

    @classmethod
    def read(cls) -> "RelatedSettings":
        """From the environment.

        Raises:
            SystemExit: naming every variable that must be corrected.
        """
        return cls(*read_groups(ProcessSettings, KafkaSettings, RedisSettings, RelatedOwnSettings))
