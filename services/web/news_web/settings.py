"""What an operator may set for the pages and the one origin."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from news_shared.settings import ProcessSettings, read_groups

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
    public_url: str | None = Field(
        None,
        pattern=_URL,
        description="Address of the site as readers know it; unset: as each request names it.",
    )
    part_deadline: timedelta = Field(
        timedelta(milliseconds=250), gt=timedelta(0), description="A part of a page that takes longer is left out."
    )
    page_deadline: timedelta = Field(
        timedelta(milliseconds=450), gt=timedelta(0), description="All parts of a page together; the rest is left out."
    )
    fresh: timedelta = Field(
        timedelta(milliseconds=200),
        ge=timedelta(0),
        le=timedelta(milliseconds=500),  # what is withdrawn must be gone within a second
        description="What was asked for so short a time ago is not asked for again; an article itself always is.",
    )
    cards: timedelta = Field(
        timedelta(minutes=1),
        ge=timedelta(0),
        description="Lists beside an article, but the related one, may be so old when nobody asked for them, and a "
        "tenth of it when somebody did; what was withdrawn since is taken out of them at once.",
    )
    stale: timedelta = Field(
        timedelta(minutes=10),
        ge=timedelta(0),
        description="A copy so old may stand in for an answer while a service is away.",
    )
    copies_bytes: int = Field(
        32 * 2**20, ge=0, description="Of copies, questions too, as on the wire, and 640 for each."
    )
    connect_timeout: timedelta = Field(timedelta(seconds=2), gt=timedelta(0))
    stream_deadline: timedelta = Field(
        timedelta(seconds=5), gt=timedelta(0), description="An event stream that is not open by then is answered 503."
    )
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
            SystemExit: naming every variable that must be corrected.
        """
        return cls(*read_groups(ProcessSettings, WebOwnSettings))
