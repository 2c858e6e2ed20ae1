"""The native format: a JSON Feed 1.1 item with additions; also whole JSON Feeds and NDJSON."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from news_ingest.bodies import body_of_html, body_of_text
from news_ingest.formats.outcome import Reading, Rejected, rejection
from news_ingest.items import EARLIEST, LATEST, Item
from news_ingest.text import fit, one_line, without_markup
from news_ingest.urls import canonical_url
from news_shared.article_ids import normal_guid
from news_shared.articles import Correction, Person, Status
from news_shared.errors import PoisonError

MAX_ARTICLE_BYTES = 1_000_000


def _text(value: object) -> object:
    return fit(value) if isinstance(value, str) else value


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _sane(moment: object) -> object:
    if isinstance(moment, int | float) or (isinstance(moment, str) and moment.strip().isdigit()):
        raise ValueError("write the date as RFC 3339 text, for example 2026-01-15T12:00:00Z")
    return moment


Text = Annotated[str, BeforeValidator(_text)]
Moment = Annotated[AwareDatetime, BeforeValidator(_sane)]


class NativePerson(BaseModel):
    """An author or an attributed source."""

    name: Text = Field(min_length=1, max_length=300)
    url: Text | None = None


class NativeCorrection(BaseModel):
    """A correction."""

    at: Moment
    note: Text = Field(min_length=1, max_length=2000)


class NativeItem(BaseModel):
    """One item as it may be posted; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, BeforeValidator(_number_as_text)] | None = Field(None, max_length=2000)
    url: Text | None = Field(None, max_length=2000)
    language: Text | None = Field(None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")
    title: Text = Field(min_length=1, max_length=2000)
    summary: Text | None = Field(None, max_length=20_000)
    content_html: Text | None = None
    content_text: Text | None = None
    authors: list[NativePerson] = Field([], max_length=50)
    author: NativePerson | None = None
    date_published: Moment | None = None
    date_modified: Moment | None = None
    tags: list[Text] = Field([], max_length=100)
    image: Text | None = None
    version: Annotated[str, BeforeValidator(_number_as_text)] | None = Field(None, max_length=100)
    embargoed_until: Moment | None = None
    status: Status = "usable"
    translation_of: Text | None = Field(None, max_length=2000)
    attributions: list[NativePerson] = Field([], max_length=100)
    corrections: list[NativeCorrection] = Field([], max_length=100)

    @model_validator(mode="after")
    def _dates_are_of_our_time(self) -> "NativeItem":
        for name in ("date_published", "date_modified", "embargoed_until"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and not EARLIEST <= moment <= LATEST:
                raise ValueError(f"{name} {moment.isoformat()} lies outside {EARLIEST.year} to {LATEST.year}")
        return self


def read_json(body: bytes, source: str, now: datetime) -> Reading:
    """One item, ``{"items": […]}``, a list, or a JSON Feed.

    Raises:
        PoisonError: the document as a whole cannot be read.
    """
    document = parse_json(body)
    if isinstance(document, list):
        return read_items(document, source, now, {})
    if not isinstance(document, dict):
        raise PoisonError('A JSON document must be an item, a list of items or {"items": […]}.')
    if "items" not in document:
        return read_items([document], source, now, {})
    if not isinstance(document["items"], list):
        raise PoisonError('"items" must be a list.')
    is_feed = str(document.get("version", "")).startswith("https://jsonfeed.org/version/")
    inherited = {name: document[name] for name in ("language", "authors", "author") if is_feed and name in document}
    return read_items(document["items"], source, now, inherited)


def read_line(line: bytes, index: int, source: str, now: datetime) -> Reading:
    """One line of NDJSON."""
    try:
        document = parse_json(line)
    except PoisonError as error:
        return Reading(rejected=[rejection(index, None, "", str(error))])
    reading = read_items([document], source, now, {})
    return Reading(
        [(index, item) for _, item in reading.items],
        [Rejected(index, r.guid, r.errors) for r in reading.rejected],
        reading.warnings,
    )


def read_items(documents: list[Any], source: str, now: datetime, inherited: dict[str, Any]) -> Reading:
    """Items from decoded JSON objects; each is taken or refused by itself."""
    reading = Reading()
    for index, document in enumerate(documents):
        if not isinstance(document, dict):
            reading.rejected.append(rejection(index, None, "", "an item must be a JSON object"))
            continue
        try:
            native = NativeItem.model_validate({**inherited, **document})
            reading.items.append((index, item_of_native(native, source, now)))
        except ValidationError as error:
            errors = [
                {"field": ".".join(map(str, e["loc"])), "error": e["msg"]} for e in error.errors(include_input=False)
            ]
            reading.rejected.append(Rejected(index, _guid_of(document), tuple(errors)))
        except PoisonError as error:
            reading.rejected.append(rejection(index, _guid_of(document), "", str(error)))
    return reading


def item_of_native(native: NativeItem, source: str, now: datetime) -> Item:
    """Normalise and sanitise.

    Raises:
        PoisonError: nothing is left of a field that must be there, or the article is too large.
    """
    url = canonical_url(native.url or "")
    title = without_markup(native.title)
    if not title:
        raise PoisonError("title: nothing is left of it without markup")
    body = None
    if native.content_html:
        body = body_of_html(native.content_html, url)
    elif native.content_text:
        body = body_of_text(native.content_text)
    published = native.date_published or native.date_modified
    guid = normal_guid(fit(native.id or native.url or "")) or synthetic_guid(title, published)
    authors = native.authors or ([native.author] if native.author else [])
    item = Item(
        source=source,
        guid=guid,
        url=url,
        version=one_line(native.version) if native.version else None,
        language=native.language or "und",
        title=title,
        summary=without_markup(native.summary) or None if native.summary else None,
        content_html=body.html if body else None,
        content_text=fit(native.content_text) if native.content_text else None,
        authors=_people(authors),
        date_published=published or now,
        date_modified=native.date_modified,
        dated=published is not None,
        tags=tuple(dict.fromkeys(tag for raw in native.tags if (tag := without_markup(raw)[:100]))),
        image=canonical_url(native.image or "", url),
        translation_of=_reference(native.translation_of),
        attributions=_people(native.attributions),
        corrections=tuple(Correction(at=c.at, note=one_line(c.note)) for c in native.corrections),
        links=body.links if body else (),
        embargoed_until=_whole_millisecond(native.embargoed_until),
        status=native.status,
    )
    size = len(item.model_dump_json().encode())
    if size > MAX_ARTICLE_BYTES:
        raise PoisonError(f"the article has {size:,} bytes; at most {MAX_ARTICLE_BYTES:,} are taken")
    return item


def _whole_millisecond(moment: datetime | None) -> datetime | None:
    """Rounded up: Kafka's clock, which ends embargoes, knows nothing finer."""
    return moment + timedelta(microseconds=-moment.microsecond % 1000) if moment else None


def synthetic_guid(title: str, published: datetime | None) -> str:
    """A guid for an item that has neither guid nor URL, the same for the same title and date."""
    text = f"{title}\n{published.isoformat() if published else ''}"
    return "urn:newsfeed:" + hashlib.sha256(text.encode()).hexdigest()[:32]


def parse_json(body: bytes) -> Any:  # JSON is anything
    """Decode JSON as the RFC has it: no NaN, UTF-8.

    Raises:
        PoisonError: where it breaks.
    """
    try:
        return json.loads(body, parse_constant=_no_constant)
    except RecursionError as error:
        raise PoisonError("The JSON is nested too deeply.") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise PoisonError(f"This is not JSON: {error}") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _guid_of(document: dict[str, Any]) -> str | None:
    guid = document.get("id") or document.get("url")
    return fit(str(guid))[:200] if isinstance(guid, str | int) else None


def _people(people: list[NativePerson]) -> tuple[Person, ...]:
    return tuple(
        Person(name=name, url=canonical_url(person.url or ""))
        for person in people
        if (name := without_markup(person.name))
    )


def _reference(reference: str | None) -> str | None:
    if reference is None:
        return None
    return canonical_url(reference) or normal_guid(reference) or None
