"""Related articles as a piece of HTML: for servers that put it into their pages, and for the element that shows it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined

from news_related.lists.ranking import Ranked
from news_related.lists.reasons import Words
from news_shared.clock import rfc3339

_HEADING: Final[Mapping[Words, str]] = {"en": "Related", "uk": "Читайте також"}
_NONE: Final[Mapping[Words, str]] = {"en": "Nothing related yet.", "uk": "Пов’язаних новин ще немає."}
_PLACE: Final[Mapping[Words, str]] = {"en": "en_GB", "uk": "uk"}  # how days and hours are written

_templates = Environment(
    loader=PackageLoader("news_related.embeds"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def as_fragment(ranked: Sequence[Ranked], words: Words, zone: ZoneInfo) -> bytes:
    """A ``section`` with a list of links, each with its date and why it is there.

    A link leads nowhere but to ``http`` and ``https``; titles keep their language and direction.

    Args:
        ranked: the list, best first.
        words: the language of everything but the titles.
        zone: in which the dates are told.
    """
    cards = [
        {
            "title": one.card.title,
            "url": one.card.url if (one.card.url or "").startswith(("http://", "https://")) else None,
            "language": one.card.language,
            "datetime": rfc3339(one.card.date),
            "date": _told(one.card.date, words, zone),
            "kind": one.reason.kind,
            "reason": one.reason.shown(words)["text"],
        }
        for one in ranked
    ]
    template = _templates.get_template("related.html.jinja")
    return template.render(words=words, heading=_HEADING[words], none=_NONE[words], cards=cards).encode()


def _told(moment: datetime, words: Words, zone: ZoneInfo) -> str:
    return format_datetime(moment, "d MMMM y, HH:mm", tzinfo=zone, locale=_PLACE[words])
