"""An item as the native format has it, which every other format is brought to, and what becomes of its fields."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from news_ingest.bodies.sanitising import body_of_html, body_of_text
from news_ingest.formats.encodings import mended
from news_ingest.formats.outcome import Reading, Rejected, rejection
from news_ingest.items import EARLIEST, LATEST, Item
from news_ingest.text import fit, without_markup
from news_ingest.urls import canonical_url
from news_shared.article_ids import normal_guid
from news_shared.articles import Correction, Person, Status
from news_shared.errors import PoisonError
from news_shared.languages import language_tag
from news_shared.mistakes import in_words

MAX_ARTICLE_BYTES = 1_000_000
UNTIL_FURTHER_NOTICE = LATEST
"""The end of an embargo that has none: it is lifted by another version, not by the clock."""
_SURELY_SMALL = MAX_ARTICLE_BYTES // 12  # characters, of six bytes at most in JSON, the body twice
_RUNS = re.compile(r"[\s\x00-\x20]*(?:javascript|vbscript|data)\s*:", re.IGNORECASE)
_TAG_READ = 1000
_TAG_KEPT = 100
_TITLE_READ = 5000
_TITLE_OF_TEXT = 120


def _text(value: object) -> object:
    return fit(value) if isinstance(value, str) else value


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _sane(moment: object) -> object:
    if isinstance(moment, int | float) or (isinstance(moment, str) and moment.strip().isdigit()):
        raise ValueError("write the date as RFC 3339 text, for example 2026-01-15T12:00:00Z")
    return moment


def _language(value: object) -> object:
    if not isinstance(value, str):
        return value
    tag = language_tag(value)
    if tag is None:
        raise ValueError("write a language as a BCP 47 tag, for example uk or en-GB")
    return tag


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
    external_url: Text | None = Field(None, max_length=2000)
    language: Annotated[str, BeforeValidator(_language)] | None = None
    title: Text = Field(min_length=1, max_length=2000)
    summary: Text | None = Field(None, max_length=20_000)
    content_html: Text | None = None
    content_text: Text | None = None
    authors: list[NativePerson] = Field(default_factory=list, max_length=50)
    author: NativePerson | None = None
    date_published: Moment | None = None
    date_modified: Moment | None = None
    tags: list[Text] = Field(default_factory=list, max_length=100)
    image: Text | None = None
    banner_image: Text | None = None
    version: Annotated[str, BeforeValidator(_number_as_text)] | None = Field(None, max_length=100)
    embargoed_until: Moment | None = None
    status: Status = "usable"
    translation_of: Text | None = Field(None, max_length=2000)
    attributions: list[NativePerson] = Field(default_factory=list, max_length=100)
    corrections: list[NativeCorrection] = Field(default_factory=list, max_length=100)

    @property
    def named(self) -> str:
        """What the source calls it: its id, else its URL; empty where neither says anything."""
        return normal_guid(self.id or "") or normal_guid(self.url or "")

    @field_validator("date_published", "date_modified", "embargoed_until")
    @classmethod
    def _is_of_our_time(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and not EARLIEST <= moment <= LATEST:
            raise ValueError(f"lies outside {EARLIEST.year} to {LATEST.year}")
        return moment


def take_item(
    reading: Reading,
    index: int,
    fields: Mapping[str, Any],
    source: str,
    now: datetime,
    base: str | None = None,
    content_base: str | None = None,
) -> None:
    """Add the item that has these fields to a reading, or the reason why it cannot be taken.

    Args:
        reading: of the document that the item stands in.
        index: where it stands there.
        fields: as in `NativeItem`, not yet checked.
        source: whose item it is.
        now: the time of arrival.
        base: what relative addresses in it are relative to, unless it has an absolute URL of its own.
        content_base: the same of its text, where the format says so.
    """
    said = _mended(fields, lambda: reading.warn("text that was encoded twice was put right", index))
    if said.get("status") == "canceled" and not said.get("title"):
        said["title"] = said.get("id") or said.get("url") or "canceled"  # a cancellation needs no text
    try:
        native = NativeItem.model_validate(said)
        item = item_of_native(native, source, now, base, content_base)
    except ValidationError as error:
        errors = [{"field": ".".join(map(str, wrong["loc"])), "error": in_words(wrong)} for wrong in error.errors()]
        reading.rejected.append(Rejected(index, _guid_of(said), tuple(errors)))
    except PoisonError as error:
        reading.rejected.append(rejection(index, _guid_of(said), "", str(error)))
    else:
        reading.items.append((index, item))
        if not native.named:
            reading.warn("without id and URL an item is known by its title and date only", index)
        if item.url is None and (native.url or "").strip():
            reading.warn("url is no absolute http or https address and is ignored", index)


def item_of_native(
    native: NativeItem, source: str, now: datetime, base: str | None = None, content_base: str | None = None
) -> Item:
    """Normalise and sanitise.

    Raises:
        PoisonError: nothing is left of a field that must be there, or the article is too large.
    """
    own = canonical_url(native.url or "", base)
    url = own or canonical_url(native.external_url or "", base)
    base = own or base
    title = without_markup(native.title)
    if not title:
        raise PoisonError("title: nothing is left of it without markup")
    body = None
    if native.content_html:
        body = body_of_html(native.content_html, content_base or base)
    elif native.content_text:
        if len(native.content_text) > MAX_ARTICLE_BYTES:
            raise PoisonError(f"content_text has more than {MAX_ARTICLE_BYTES:,} characters")
        body = body_of_text(native.content_text)
    original, original_guid = _reference(native.translation_of)
    published = native.date_published or native.date_modified
    guid = native.named or synthetic_guid(title, published)
    item = Item(
        source=source,
        guid=guid,
        url=url,
        version=(without_markup(native.version) or None) if native.version else None,
        language=native.language or "und",
        title=title,
        summary=without_markup(native.summary) or None if native.summary else None,
        content_html=body.html if body else None,
        content_text=native.content_text or None,
        authors=_people(native.authors or ([native.author] if native.author else [])),
        date_published=published or now,
        date_modified=native.date_modified,
        dated=published is not None,
        tags=_tags(native.tags),
        image=canonical_url(native.image or native.banner_image or "", base),
        translation_of=original,
        translation_of_guid=original_guid,
        attributions=_people(native.attributions),
        corrections=tuple(Correction(at=c.at, note=without_markup(c.note)) for c in native.corrections),
        links=body.links if body else (),
        embargoed_until=_whole_millisecond(native.embargoed_until),
        status=native.status,
    )
    _check_size(item)
    return item


def title_from(text: object) -> str | None:
    """A title for an item that has none: the first words of its text."""
    words = without_markup(text[:_TITLE_READ]) if isinstance(text, str) else ""
    if len(words) <= _TITLE_OF_TEXT:
        return words or None
    return (
        words[: _TITLE_OF_TEXT + 1].rpartition(" ")[0] + "…"
        if " " in words[:_TITLE_OF_TEXT]
        else words[:_TITLE_OF_TEXT]
    )


def synthetic_guid(title: str, published: datetime | None) -> str:
    """A guid for an item that has neither guid nor URL, the same for the same title and date."""
    text = f"{title}\n{published.isoformat() if published else ''}"
    return "urn:newsfeed:" + hashlib.sha256(text.encode()).hexdigest()[:32]


def _check_size(item: Item) -> None:
    if len(item.content_html or "") + len(item.content_text or "") < _SURELY_SMALL:
        return
    size = len(item.model_dump_json().encode())
    if size > MAX_ARTICLE_BYTES:
        raise PoisonError(f"the article has {size:,} bytes; at most {MAX_ARTICLE_BYTES:,} are taken")


def _whole_millisecond(moment: datetime | None) -> datetime | None:
    """Rounded up: Kafka's clock, which ends embargoes, knows nothing finer."""
    return moment + timedelta(microseconds=-moment.microsecond % 1000) if moment else None


def _mended(fields: Mapping[str, Any], warn: Callable[[], None]) -> dict[str, Any]:
    """The fields, their text decoded once more where it was encoded twice."""
    said = dict(fields)
    for name in ("title", "summary", "content_html", "content_text"):
        text = said.get(name)
        if isinstance(text, str) and not text.isascii() and (right := mended(text)) != text:
            said[name] = right
            warn()
    return said


def _guid_of(fields: Mapping[str, Any]) -> str | None:
    guid = fields.get("id") or fields.get("url")
    return fit(str(guid))[:200] if isinstance(guid, str | int) else None


def _tags(tags: list[str]) -> tuple[str, ...]:
    plain = (without_markup(tag[:_TAG_READ])[:_TAG_KEPT].strip() for tag in tags)
    return tuple(dict.fromkeys(tag for tag in plain if tag))


def _people(people: list[NativePerson]) -> tuple[Person, ...]:
    return tuple(
        Person(name=name, url=canonical_url(person.url or ""))
        for person in people
        if (name := without_markup(person.name))
    )


def _reference(reference: str | None) -> tuple[str | None, str | None]:
    """A guid or URL of another article, and what was said where that differs: a URL may be a guid, which is compared
    letter by letter. What looks like a URL that runs something is neither.
    """
    if reference is None or _RUNS.match(reference):
        return None, None
    said = normal_guid(reference) or None
    canonical = canonical_url(reference)
    return canonical or said, said if canonical not in {None, said} else None
