"""What an operator may set for the pages and the one origin."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from news_shared.settings import ProcessSettings, read_settings

_URL = r"^https?://[^/?#]+/?$"


class WebOwnSettings(BaseSettings):
    """Settings that only this service has (``NEWS_WEB_*``)."""

    model_config = SettingsConfigDict(env_prefix="NEWS_WEB_", frozen=True)

    feed_url: str = Field("http://127.0.0.1:8004", pattern=_URL)
    views_url: str = Field("http://127.0.0.1:8002", pattern=_URL)
    related_url: str = Field("http://127.0.0.1:8003", pattern=_URL)
    ingest_url: str = Field("http://127.0.0.1:8001", pattern=_URL)
    title: str = Field("Newsfeed", min_length=1, max_length=80, description="Name of the paper, in the masthead.")
    time_zone: str = Field("UTC", description="In which the pages say dates and times, e.g. Europe/Kyiv.")
    part_deadline: timedelta = Field(
        timedelta(milliseconds=400), gt=timedelta(0), description="A part of a page that takes longer is left out."
    )
    connect_timeout: timedelta = Field(timedelta(seconds=2), gt=timedelta(0))
    silence: timedelta = Field(
        timedelta(seconds=60), gt=timedelta(0), description="A service that says nothing for so long is given up."
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone of the IANA database, like Europe/Kyiv") from error
        return name


@dataclass(frozen=True)
class WebSettings:
    """All that the process is told at its start."""

    process: ProcessSettings
    web: WebOwnSettings

    @classmethod
    def read(cls) -> "WebSettings":
        """From the environment.

        Raises:
            SystemExit: naming every variable of a group that must be corrected.
        """
        return cls(read_settings(ProcessSettings), read_settings(WebOwnSettings))
