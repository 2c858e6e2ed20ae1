"""A line that a server or an edge sends for a reader: ``{"article", "time", "ip", "user_agent"}``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

from news_shared.article_ids import ArticleId
from news_shared.clock import epoch_ms
from news_shared.errors import PoisonError
from news_views.beacons.request import is_prefetch, placed

LATEST: Final = timedelta(minutes=10)
"""A line may be so old: sessions and kept beacons reach no further back."""
AHEAD: Final = timedelta(minutes=1)
"""The sender's clock may be ahead by so much; such a line is of now."""

_OPTED_OUT: Final = (True, "1")  # 1 equals True; the texts are the headers' as they came
_NOT_OPTED_OUT: Final = (None, False, "0")


@dataclass(frozen=True, slots=True)
class ServerLine:
    """What a line says, checked."""

    article: ArticleId
    partition: int
    time: datetime
    address: str | None  # None: opted out, and the sender left it away
    user_agent: str
    is_prefetch: bool
    is_opted_out: bool


def read_line(line: bytes | None, now: datetime, partitions: int) -> ServerLine | list[str]:
    """What a line says, or all that is wrong with it."""
    if line is None:
        return ["the line is too long"]
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return ["not JSON"]
    if not isinstance(content, dict):
        return ["not a JSON object"]
    errors: list[str] = []
    article = _article(content, partitions, errors)
    time = _time(content, now, errors)
    signals = [_opts_out(content, name, errors) for name in ("gpc", "dnt")]  # both are looked at, whatever one says
    is_opted_out = any(signals)
    address = _address(content, is_opted_out, errors)
    user_agent = _text(content, "user_agent", errors)
    purpose = content.get("purpose")
    if purpose is not None and not isinstance(purpose, str):
        errors.append("purpose: not a string")
    if errors or article is None or time is None:
        return errors
    prefetched = isinstance(purpose, str) and is_prefetch(purpose.encode(errors="replace").lower())
    return ServerLine(*article, time, address, user_agent, prefetched, is_opted_out)


def _article(content: Mapping[str, Any], partitions: int, errors: list[str]) -> tuple[ArticleId, int] | None:
    article = _text(content, "article", errors)
    if not article:
        return None
    try:
        return placed(article, partitions)
    except (PoisonError, UnicodeEncodeError) as error:
        errors.append(f"article: {error if isinstance(error, PoisonError) else 'not valid Unicode'}")
        return None


def _time(content: Mapping[str, Any], now: datetime, errors: list[str]) -> datetime | None:
    text = _text(content, "time", errors)
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError
        age = now - time
    except (ValueError, OverflowError):
        errors.append("time: not RFC 3339 with an offset, as 2026-01-15T12:00:00Z")
        return None
    if age > LATEST:
        errors.append(f"time: more than {LATEST.seconds // 60} minutes ago")
        return None
    if -age > AHEAD:
        errors.append(f"time: more than {AHEAD.seconds // 60} minute ahead of our clock")
        return None
    return min(time, now).astimezone(now.tzinfo)


def _address(content: Mapping[str, Any], is_opted_out: bool, errors: list[str]) -> str | None:
    if is_opted_out and content.get("ip") is None:
        return None
    address = _text(content, "ip", errors)
    if address and not _is_address(address):
        errors.append("ip: not an IPv4 or IPv6 address")
    return address


def _opts_out(content: Mapping[str, Any], name: str, errors: list[str]) -> bool:
    """Whether this signal is given; what says neither yes nor no must not pass for a reader's consent."""
    value = content.get(name)
    if value not in _OPTED_OUT and value not in _NOT_OPTED_OUT:
        errors.append(f"{name}: neither true nor false")
    return value in _OPTED_OUT


def _text(content: Mapping[str, Any], name: str, errors: list[str]) -> str:
    value = content.get(name)
    if not isinstance(value, str):
        errors.append(f"{name}: a string is missing")
        return ""
    if not value and name != "user_agent":  # a program may name nothing
        errors.append(f"{name}: empty")
    return value


@lru_cache(16_384)
def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def milliseconds(line: ServerLine) -> int:
    """When the article was opened, as Kafka counts."""
    return epoch_ms(line.time)
