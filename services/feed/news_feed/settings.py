"""What the feed's two roles are told at their start."""

from dataclasses import dataclass

from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings, read_settings


@dataclass(frozen=True)
class FeedSettings:
    """All that an operator may set; the feed has none of its own (``NEWS_FEED_*``) yet."""

    process: ProcessSettings
    kafka: KafkaSettings
    redis: RedisSettings

    @classmethod
    def read(cls) -> "FeedSettings":
        """From the environment.

        Raises:
            SystemExit: naming every variable of a group that must be corrected.
        """
        return cls(read_settings(ProcessSettings), read_settings(KafkaSettings), read_settings(RedisSettings))
