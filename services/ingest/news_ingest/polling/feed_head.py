"""What a feed says about itself before its first item: how often it changes, and who tells when it does."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from urllib.parse import urljoin

from lxml import etree

_PERIODS = {"hourly": 1, "daily": 24, "weekly": 24 * 7, "monthly": 24 * 30, "yearly": 24 * 365}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ITEMS = {"item", "entry"}
_MAX_ELEMENTS = 500  # before the first item


@dataclass(frozen=True)
class FeedHead:
    """Wishes as they stand there, not capped yet."""

    title: str = ""
    ttl: timedelta = timedelta(0)
    update_period: timedelta = timedelta(0)
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    hub: str | None = None
    """WebSub: who distributes it."""
    topic: str | None = None
    """WebSub: under which address."""


def head_of(body: bytes, url: str) -> FeedHead:
    """The head of an XML feed or a JSON Feed; whatever cannot be read is left out.

    Args:
        body: the document.
        url: where it was fetched, for relative addresses.
    """
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _json_head(body, url)
    return _xml_head(body, url)


def linked(url: str, target: str) -> str | None:
    """The address of what a document at a URL links to; None where the link is no address."""
    try:
        return urljoin(url, target)
    except ValueError:
        return None


def _json_head(body: bytes, url: str) -> FeedHead:
    with suppress(ValueError, RecursionError):
        feed = json.loads(body)
        listed = feed.get("hubs")
        hubs = [h for h in listed if isinstance(h, dict)] if isinstance(listed, list) else []
        hubs = [hub for hub in hubs if str(hub.get("type")).lower() == "websub"]
        hub, topic = (hubs[0].get("url") if hubs else None), feed.get("feed_url")
        return FeedHead(
            title=str(feed.get("title") or "")[:300],
            hub=linked(url, hub) if isinstance(hub, str) else None,
            topic=linked(url, topic) if isinstance(topic, str) else None,
        )
    return FeedHead()


def _xml_head(body: bytes, url: str) -> FeedHead:
    found: dict[str, str] = {}
    hours: set[int] = set()
    days: set[int] = set()
    links: dict[str, str] = {}
    if b"<!ENTITY" in body:  # nothing that a head needs
        return FeedHead()
    with suppress(etree.XMLSyntaxError):
        events = etree.iterparse(
            BytesIO(body),
            events=("start", "end"),
            recover=True,
            no_network=True,
            resolve_entities=False,
            load_dtd=False,
        )
        for count, (event, element) in enumerate(events):
            name = _local_name(element.tag)
            if (event == "start" and name in _ITEMS) or count > _MAX_ELEMENTS:
                break
            if event == "start":
                continue
            text = (element.text or "").strip()
            if name == "hour" and text.isascii() and text.isdigit():
                hours.add(int(text[:4]) % 24)
            elif name == "day" and text.lower() in _DAYS:
                days.add(_DAYS.index(text.lower()))
            elif name == "link" and element.get("rel") in {"hub", "self"} and element.get("href"):
                if target := linked(url, element.get("href")):
                    links.setdefault(element.get("rel"), target)
            elif text:
                found.setdefault(name, text)
    return FeedHead(
        title=found.get("title", "")[:300],
        ttl=timedelta(minutes=_number(found.get("ttl"), 525_600)),
        update_period=_update_period(found.get("updatePeriod"), found.get("updateFrequency")),
        skip_hours=frozenset(hours),
        skip_days=frozenset(days),
        hub=links.get("hub"),
        topic=links.get("self"),
    )


def _local_name(tag: object) -> str:
    """Also of a name whose prefix nobody has declared; comments and the like have none."""
    return tag.rpartition("}")[2].rpartition(":")[2] if isinstance(tag, str) else ""


def _update_period(period: str | None, frequency: str | None) -> timedelta:
    hours = _PERIODS.get((period or "").lower(), 0)
    return timedelta(hours=hours) / max(_number(frequency, 10_000), 1)


def _number(text: str | None, most: int) -> int:
    return min(int(text[:9]), most) if text and text.isascii() and text.isdigit() else 0
