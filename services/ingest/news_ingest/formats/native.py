"""JSON: the native format, which is a JSON Feed 1.1 item with additions; whole JSON Feeds; lines of NDJSON; ninjs."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from news_ingest.formats.dates import moment_of
from news_ingest.formats.encodings import decoded
from news_ingest.formats.native_item import take_item, title_from
from news_ingest.formats.ninjs import fields_of_ninjs, is_ninjs
from news_ingest.formats.outcome import Reading, rejection
from news_shared.errors import PoisonError

MAX_ITEMS = 5000
MAX_JSON_BYTES = 8_000_000  # one wide character makes the text four times as large
_MAX_VALUES = 600_000  # a value of a few bytes takes a hundred in memory
_MAX_TAGS = 500_000
_SURELY_FEW = min(_MAX_VALUES, _MAX_TAGS)  # characters, for there cannot be more of the others
_FEED_VERSION = "https://jsonfeed.org/version/"
_OF_FEEDS = "jsonfeed.org/"
_FOUND_SHOWN = 100
_DATES = ("date_published", "date_modified")


def read_json(
    body: bytes,
    source: str,
    now: datetime,
    content_type: str = "",
    base: str | None = None,
    *,
    ninjs: bool = False,
    may_be_one: bool = True,
) -> Reading:
    """One item, ``{"items": […]}``, a list, or a JSON Feed; items are native or ninjs, each told by its fields.

    Args:
        body: the document.
        source: whose items these are.
        now: the time of arrival.
        content_type: the header; its charset counts where the bytes are not UTF-8.
        base: the document's own address.
        ninjs: the sender says that every item is ninjs.
        may_be_one: whether an item may stand alone; what a server says where its feed should be is none.

    Raises:
        PoisonError: the document as a whole cannot be read.
    """
    if len(body) > MAX_JSON_BYTES:
        raise PoisonError(
            f"The JSON has {len(body):,} bytes; at most {MAX_JSON_BYTES:,} are read at once. Send NDJSON."
        )
    text, warning = decoded(body, content_type, may_guess=False)
    document = parse_json(text)
    found = text[:_FOUND_SHOWN]
    del text  # it may be four times as large as what it says
    reading = Reading()
    if warning:
        reading.warn(warning)
    if isinstance(document, dict) and "items" in document:
        if not isinstance(document["items"], list):
            raise PoisonError('"items" must be a list.')
        if str(document.get("version", "")).startswith(_FEED_VERSION):
            _read_feed(document, reading, source, now, base)
            return reading
        document = document["items"]
    elif isinstance(document, dict):
        document = [_one(document, found, may_be_one)]
    if not isinstance(document, list):
        raise PoisonError('A JSON document must be an item, a list of items or {"items": […]}.')
    for index, said in enumerate(_within(document, reading)):
        _take(reading, index, said, source, now, base, ninjs)
    return reading


def read_line(line: bytes, index: int, source: str, now: datetime) -> Reading:
    """One line of NDJSON."""
    reading = Reading()
    try:
        text, _ = decoded(line, "", may_guess=False)
        _take(reading, index, parse_json(text), source, now, None, False)
    except PoisonError as error:
        reading.rejected.append(rejection(index, None, "", str(error)))
    return reading


def parse_json(text: str) -> Any:  # JSON is anything
    """Decode JSON as the RFC has it: no NaN.

    Raises:
        PoisonError: where it breaks.
    """
    if len(text) > _SURELY_FEW:
        values = text.count(",") + text.count("[") + text.count("{")
        tags = text.count("<") + (text.count("u003c") + text.count("u003C") if "\\u003" in text else 0)
        for what, count, most in (("values", values, _MAX_VALUES), ("tags", tags, _MAX_TAGS)):
            if count > most:
                raise PoisonError(f"The JSON has {count:,} {what}; at most {most:,} are read at once. Send NDJSON.")
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise PoisonError("The JSON is nested too deeply.") from error
    except ValueError as error:
        raise PoisonError(f"This is not JSON: {error}") from error


def _one(document: dict[str, Any], found: str, may_be_one: bool) -> dict[str, Any]:
    if _OF_FEEDS in str(document.get("version", "")):
        raise PoisonError('A JSON Feed must have a list of "items"; this one has none.')
    if not may_be_one:
        wanted = 'A feed must be a JSON Feed, a list of items or {"items": […]}'
        raise PoisonError(f"{wanted}; this is one object: {' '.join(found.split())}")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _within(documents: Sequence[Any], reading: Reading) -> Sequence[Any]:
    """As many as are read at once; the others are refused."""
    why = f"a document may have {MAX_ITEMS:,} items: send the others in a second one, or all as NDJSON"
    reading.rejected += [rejection(index, None, "", why) for index in range(MAX_ITEMS, len(documents))]
    return documents[:MAX_ITEMS]


def _take(reading: Reading, index: int, said: Any, source: str, now: datetime, base: str | None, ninjs: bool) -> None:
    if not isinstance(said, dict):
        reading.rejected.append(rejection(index, None, "", "an item must be a JSON object"))
        return
    if not ninjs and not is_ninjs(said):
        take_item(reading, index, said, source, now, base)
        return
    try:
        fields = fields_of_ninjs(said)
    except PoisonError as error:
        guid = said.get("uri") or said.get("guid")
        reading.rejected.append(rejection(index, str(guid)[:200] if guid else None, "", str(error)))
    else:
        take_item(reading, index, fields, source, now, base)


def _read_feed(feed: dict[str, Any], reading: Reading, source: str, now: datetime, base: str | None) -> None:
    inherited = {name: feed[name] for name in ("language", "authors", "author") if feed.get(name)}
    home = feed.get("home_page_url") or feed.get("feed_url")
    base = home if isinstance(home, str) else base
    for index, said in enumerate(_within(feed["items"], reading)):
        if not isinstance(said, dict):
            reading.rejected.append(rejection(index, None, "", "an item must be a JSON object"))
            continue
        item = {**inherited, **said}
        if not item.get("image") and not item.get("banner_image"):
            item["image"] = _attached_image(item.get("attachments"))
        if not item.get("title"):
            item["title"] = title_from(item.get("summary") or item.get("content_text") or item.get("content_html"))
        for name in _DATES:  # a newsroom's own software can mend a date, the reader of a feed cannot
            if isinstance(item.get(name), str):
                written, item[name] = item[name], moment_of(item[name])
                if item[name] is None and written:
                    reading.warn(f"{name} is no date", index)
        take_item(reading, index, item, source, now, base)


def _attached_image(attachments: Any) -> str | None:
    for attachment in attachments if isinstance(attachments, list) else []:
        if isinstance(attachment, dict) and str(attachment.get("mime_type", "")).startswith("image/"):
            return str(attachment.get("url"))
    return None
